"""What happens inside a training step: each layer call, each loss, each gradient, written down or replaced.

`install` wraps the layer class, the loss class and tf.GradientTape once. The wrappers do nothing until a `Step` is
active; then they put symbolic or eager tensors into `Step.tensors` under the keys of `kparity.trace`. A Step that is
given a reference's tensors also *forces* them: every layer call gets the reference's inputs and passes on the
reference's outputs, forward and backward, so that what it records of itself is its own, local result.
"""

import contextlib
import functools
import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture.align import Draws
from kparity.capture.datasets import in_a_dataset
from kparity.capture.inventory import ROOT, Inventory
from kparity.capture.sides import Side

MADE = "_kparity_made"
"""The attribute of a tensor that says which layer made it: the innermost one."""
OUTSIDE = 100
"""From where on the calls of an inner model's layers by the outer model are counted."""


@dataclass
class Step:
    """One training step being recorded. `graph` is the graph it is traced in, None when it runs eagerly."""

    inventory: Inventory
    graph: Any = None
    forced: Mapping[str, np.ndarray] | None = None
    mend: frozenset[str] = frozenset()
    """In a counterfactual, the keys that are taken from the reference: masks are, too, here alone."""
    tensors: dict[str, Any] = field(default_factory=dict)
    unforced: list[str] = field(default_factory=list)
    """Keys that the reference has but whose value doesn't fit here."""
    calls: Counter[str] = field(default_factory=Counter)
    several: bool = False
    """Whether updates are watched one by one: the step has several, or makes them itself."""
    updated: set[str] = field(default_factory=set)
    """Keys of weights and slots that a watched update has noted."""
    outputs: int = 0
    """How many tensors the model gave."""
    due: dict[str, list[tuple[int, Callable[[], None]]]] = field(default_factory=dict)
    """Layer -> what is to be done when so many of its calls are over: updates that a counterfactual makes up for."""
    silent: bool = False
    """Nothing is recorded or replaced; draws belong to the layers that make them all the same."""
    opaque: int = 0
    """Depth of loops being traced: what is made inside cannot leave them."""
    callers: list[str] = field(default_factory=list)
    """Paths of the layers whose calls are under way, the innermost last."""
    modes: list[bool | None] = field(default_factory=list)
    """`training` of the layer calls that are under way, the innermost last."""

    def sees(self, value: Any) -> bool:
        """Whether a value is a tensor of this step with numbers: no Python value, no text, none of an inner graph."""
        if isinstance(value, tf.Variable) or not isinstance(value, tf.Tensor) or value.dtype == tf.string:
            return False
        return getattr(value, "graph", None) is self.graph if self.graph is not None else hasattr(value, "numpy")

    def reference(self, key: str, like: Any) -> Any:
        """The forced value for `key` as a tensor shaped and typed as `like`, or None."""
        value = self.given(key)
        if value is None:
            return None
        if value.shape != tuple(like.shape):
            self.unforced.append(key)
            return None
        return tf.cast(tf.constant(value), like.dtype)

    def given(self, key: str) -> np.ndarray | None:
        """What the reference has for `key`, whatever its shape and type."""
        return self.forced.get(key) if self.forced is not None else None

    def handed(self, key: str, like: Any) -> Any:
        """The forced value for an input or output `key`, or None.

        An input keeps the reference's own precision: a layer casts what it takes to its own, and what an earlier layer
        rounded is not this one's doing. What is mended does so everywhere, and takes the reference's shape.
        """
        value = self.given(key)
        mends = key in self.mend
        if value is None or not like.dtype.is_floating or not np.issubdtype(value.dtype, np.floating):
            return self.reference(key, like)
        if value.shape != tuple(like.shape) and not mends:
            return self.reference(key, like)
        wider = value.dtype.itemsize > like.dtype.size and (mends or key.startswith("in|"))
        return tf.constant(value) if wider else tf.cast(tf.constant(value), like.dtype)


class Recorder:
    """Holds the active Step, if any. One a process; the wrappers of `install` ask it."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws
        self.step: Step | None = None
        self.sieve: dict[str, Any] | None = None
        """Where the tensors of the next step go instead of into one of its own."""
        self.calls: dict[str, Any] = {}
        """Of the last eager step: layer or loss call -> its arguments as plain data (see `called`)."""
        self.shapes: dict[str, list[tuple[list[int], str]]] = {}
        """Of the same calls: shape and dtype of each recorded input."""
        self.losses: dict[str, Any] = {}
        """Loss call -> the loss."""
        self.rows: dict[tuple[int, str], list[int]] = {}
        """(Step, variable) -> the rows that its sparse gradient names."""
        self.ran: dict[str, dict[str, Any]] = {}
        """Layer call -> the mode it ran in, and the kind and shape of each draw that it made."""
        self.roots: Callable[[Any, Any], None] | None = None
        """Told every layer that is called from no other layer, and with what."""
        self.depth = 0
        self.fresh: list[tuple[Any, Any]] | None = None
        """Where it is wanted, every weight that is created, with its initial value."""
        self.named: Inventory | None = None
        """Whose layers draw under their own names outside of a recorded step, too."""
        self.looping: type | tuple[()] = ()
        """The class that calls a layer for each time step: Keras 2 for all of them at once, Keras 3 one by one."""
        self.totals: Callable[[Any], None] | None = None
        """Told what is differentiated outside of a recorded step."""
        self.dry: list[tuple[Any, list[Any]]] | None = None
        """Where updates are left out, those that were: (optimizer, variables)."""

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """What is known of the calls of the last eager step stays as it is."""
        before = self.calls, self.shapes, self.losses, self.rows, self.ran
        self.calls, self.shapes, self.losses, self.rows, self.ran = {}, {}, {}, {}, {}
        try:
            yield
        finally:
            self.calls, self.shapes, self.losses, self.rows, self.ran = before

    def note(self, step: Step, key: str, value: Any) -> None:
        """Record a tensor, sparse gradients as dense ones, and bfloat16, which NumPy doesn't know, as float32."""
        value = tf.identity(tf.convert_to_tensor(value))
        step.tensors[key] = tf.cast(value, tf.float32) if value.dtype == tf.bfloat16 else value


def install(side: Side, recorder: Recorder) -> None:
    """Wrap what a training step passes through. Once a process, before the user's code is imported."""
    layer_call = side.layer_class.__call__
    loss_call = side.loss_class.__call__
    add_loss: Any = getattr(side.layer_class, "add_loss")  # noqa: B009
    gradient = tf.GradientTape.gradient

    @tf.autograph.experimental.do_not_convert
    def call_layer(layer: Any, *args: Any, **kwargs: Any) -> Any:
        step = recorder.step
        if in_a_dataset() or (step is None and recorder.named is None and recorder.roots is None):
            with recorder.draws.outside_of_steps(layer, (args, kwargs)):
                return layer_call(layer, *args, **kwargs)
        if recorder.roots is not None:
            return _call_root(recorder, layer, layer_call, args, kwargs)
        if step is None and recorder.named is not None:
            with recorder.draws.owner(recorder.named.path(layer)):
                return layer_call(layer, *args, **kwargs)
        if step is None or step.opaque:
            return layer_call(layer, *args, **kwargs)
        path = step.inventory.path(layer)
        with recorder.draws.owner(path):
            return _call(recorder, step, path, layer, layer_call, args, kwargs)

    @tf.autograph.experimental.do_not_convert
    def call_loss(loss: Any, *args: Any, **kwargs: Any) -> Any:
        step = recorder.step
        if step is None or step.opaque:
            return loss_call(loss, *args, **kwargs)
        predicted = kwargs.get("y_pred", args[1] if len(args) > 1 else None)
        made = getattr(predicted, MADE, None) if step.outputs > 1 else None
        # of several losses each goes by the output that it reads: Keras 2 takes them by name, Keras 3 as they stand
        path = f"loss#{made}" if made else "loss"
        return _call(recorder, step, path, loss, loss_call, args, kwargs)

    @tf.autograph.experimental.do_not_convert
    def note_loss(layer: Any, losses: Any, **kwargs: Any) -> Any:
        step = recorder.step
        if step is not None and not step.opaque:
            path = step.inventory.path(layer)
            losses = [_term(recorder, step, path, value) for value in tf.nest.flatten(losses)]
        return add_loss(layer, losses, **kwargs)

    @tf.autograph.experimental.do_not_convert
    def take_gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        step = recorder.step
        result = gradient(tape, target, sources, *args, **kwargs)
        if step is None:
            if recorder.totals is not None:
                recorder.totals(target)
            return result
        if step.silent:
            return result
        names = [step.inventory.variable(source) for source in tf.nest.flatten(sources)]
        if not any(names):
            return result
        which = _which(step, sources)
        for total in tf.nest.flatten(target):
            if step.sees(total):
                recorder.note(step, f"total|loss|{which}", total)
        flat = tf.nest.flatten(result)
        for index, (name, own) in enumerate(zip(names, flat, strict=True)):
            if name is None or own is None:
                continue
            key = f"grad|{name}|{step.calls[f'gradient {name}']}"
            step.calls[f"gradient {name}"] += 1
            recorder.note(step, key, own)
            flat[index] = forced_gradient(recorder, step, key, own)
        return tf.nest.pack_sequence_as(result, flat)

    def one_of_several(number: int, steps: int, call: Callable[[], Any]) -> Any:
        with recorder.draws.part(number, steps):
            return call()

    side.spreading(one_of_several)
    recorder.looping = side.keras.layers.TimeDistributed
    for owner, method, wrapper in (
        (side.layer_class, "__call__", call_layer),
        (side.layer_class, "add_loss", note_loss),
        (side.loss_class, "__call__", call_loss),
        (tf.GradientTape, "gradient", take_gradient),
    ):
        setattr(owner, method, wrapper)


def _term(recorder: Recorder, step: Step, path: str, value: Any) -> Any:
    """What a layer adds to the loss, recorded and, where it is mended, the reference's number with its own gradient."""
    if not step.sees(value) or not value.dtype.is_floating:
        return value
    name = f"term|{path}"
    key = f"{name}|{step.calls[name]}"
    step.calls[name] += 1
    recorder.note(step, key, value)
    given = step.reference(key, value) if key in step.mend else None
    return value if given is None else value + tf.stop_gradient(given - value)


def made_up(step: Step, side: Side) -> dict[str, list[tuple[int, Callable[[], None]]]]:
    """What `Step.due` is in a counterfactual: a weight that this side doesn't update gets what the reference's update
    left of it, before the first call of its layer after that."""
    found: dict[str, list[tuple[int, Callable[[], None]]]] = {}
    for key in step.forced or ():
        kind, name, event = key.split("|")
        after = f"after|{name}|0@{event}"
        if kind == "at" and step.forced and after in step.forced and name in step.inventory.variables:
            variable, value = step.inventory.variables[name], step.forced[after]
            assign = functools.partial(side.assign, variable, value)
            found.setdefault(step.inventory.owners[name], []).append((int(step.forced[key]), assign))
    return found


def _which(step: Step, sources: Any) -> str:
    """Which loss of a step is differentiated: its number or, of one whose variables are another than the first
    optimizer's, that optimizer's place and its number, `1.0`. One side may lack the gradients of the other."""
    place = next((found for one in tf.nest.flatten(sources) if (found := step.inventory.place_of(one)) is not None), 0)
    number = step.calls[f"gradient of {place}"]
    step.calls[f"gradient of {place}"] += 1
    return f"{place}.{number}" if place else str(number)


def _call_root(recorder: Recorder, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if recorder.depth == 0 and recorder.roots is not None:
        recorder.roots(layer, (args, kwargs))
    recorder.depth += 1
    try:
        with recorder.draws.owner(layer.name):
            return original(layer, *args, **kwargs)
    finally:
        recorder.depth -= 1


def _call(
    recorder: Recorder,
    step: Step,
    path: str,
    layer: Any,
    original: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """One layer or loss call, its inputs and outputs recorded and, where the step forces, replaced."""
    if step.silent:
        step.opaque += (loop := _loops(recorder, layer))
        try:
            return original(layer, *args, **kwargs)
        finally:
            step.opaque -= loop
    count = step.calls[path]
    for place, make_up in step.due.get(path, ()):
        if place == count:
            make_up()
    step.calls[path] += 1
    node = _node(step, path, layer, count)
    at, reads = takes_masks(layer)
    placed = args[at] if at is not None and len(args) > at else None
    mask = kwargs.pop("mask", None)
    if step.graph is None:
        flat = tf.nest.flatten((args, kwargs))
        seen = [step.sees(value) for value in flat]
        recorder.calls[node] = called(args, kwargs, flat, seen)
        recorder.shapes[node] = [(list(v.shape), v.dtype.name) for v, here in zip(flat, seen, strict=True) if here]
        if path.split("#")[0] == "loss":
            recorder.losses[node] = layer
    given = tf.nest.flatten((args, kwargs))
    read = placed if mask is None else mask
    args, kwargs = _through(recorder, step, "in", node, (args, kwargs), read is not None)
    handed = tf.nest.flatten((args, kwargs))
    mask = _given_masks(recorder, step, node, read, mask)
    if mask is not None:
        kwargs["mask"] = mask
    loop = _loops(recorder, layer)
    step.opaque += loop
    mode = kwargs.get("training")
    step.modes.append(bool(mode) if isinstance(mode, (bool, int)) else step.modes[-1] if step.modes else None)
    census = recorder.draws.census
    drawn = len(census)
    step.callers.append(path)
    try:
        outputs = original(layer, *args, **kwargs)
    finally:
        step.callers.pop()
        step.opaque -= loop
        mode = step.modes.pop()
    draws = [[draw["kind"], draw["shape"]] for draw in census[drawn:] if draw["owner"] == path]
    recorder.ran[node] = {
        "training": mode,
        "draws": draws,
        "masked": mask is not None,
        "reads mask": reads or path.split("#")[0] == "loss",
    }
    _masks_left(recorder, step, node, given, handed)
    if path == ROOT:
        step.outputs = sum(step.sees(value) for value in tf.nest.flatten(outputs))
    return _through(recorder, step, "out", node, outputs)


def _node(step: Step, path: str, layer: Any, count: int) -> str:
    """What a call of a layer that was called `count` times before goes by: `path`, `path#2`, ...

    A layer of an inner model that the outer model reads by itself, too, is called in an order that is each Keras's own:
    the calls within the inner model are counted from 1, those by the outer one from OUTSIDE.
    """
    if id(layer) in step.inventory.twice:
        outside = step.callers[-1:] == [ROOT]
        place = f"{path} {'outside' if outside else 'inside'}"
        count = step.calls[place] + (OUTSIDE if outside else 0)
        step.calls[place] += 1
    return path if count == 0 else f"{path}#{count + 1}"


def _loops(recorder: Recorder, layer: Any) -> bool:
    """Whether a layer calls what is inside of it once a time step, or may: it is one to the record."""
    return hasattr(layer, "cell") or isinstance(layer, recorder.looping)


def takes_masks(layer: Any) -> tuple[int | None, bool]:
    """The place among a layer's arguments at which it takes a `mask`, None where it takes none; and whether it reads
    masks at all: by that name, by another, as attention does, or by whatever it is given."""
    try:
        taken = inspect.signature(layer.call).parameters
    except (AttributeError, TypeError, ValueError):
        return None, True
    reads = any("mask" in name or one.kind is one.VAR_KEYWORD for name, one in taken.items())
    return list(taken).index("mask") if "mask" in taken else None, reads


def _given_masks(recorder: Recorder, step: Step, node: str, read: Any, named: Any) -> Any:
    """Note the masks that a call is given as an argument (`read`): a layer reads these rather than those on its inputs.
    Returns what to call it with by name (`named`, or what is mended)."""
    flat = list(read) if isinstance(read, (list, tuple)) else [read]
    for index, one in enumerate(flat):
        if one is None or not step.sees(one):
            continue
        key = f"inmask|{node}|{index}"
        recorder.note(step, key, one)
        if key in step.mend:
            value = step.given(key)
            flat[index] = None if value is None else tf.constant(value)
    if named is None:
        return None
    return type(named)(flat) if isinstance(named, (list, tuple)) else flat[0]


def _masks_left(recorder: Recorder, step: Step, node: str, given: list[Any], handed: list[Any]) -> None:
    """What a call did to the masks of its own inputs holds for the tensors that it was given, not for their twins."""
    for index, (value, twin) in enumerate(zip(given, handed, strict=True)):
        if value is twin or getattr(value, "_keras_mask", None) is None:
            continue
        mask = getattr(twin, "_keras_mask", None)
        key = f"outmask|{node}|in{index}"
        if mask is not None and step.sees(mask):
            recorder.note(step, key, mask)
        if key in step.mend and step.forced is not None and key in step.forced:
            mask = tf.constant(step.forced[key])
        value._keras_mask = mask


def called(args: Any, kwargs: Any, flat: list[Any], tensors: list[bool]) -> Any:
    """How a layer was called, as plain data: tensors are "@0", "@1", ... in the order of their recorded inputs.

    `flat`, `tensors`: the flattened arguments, and which of them were recorded. None where the call holds what a
    script can't say again.
    """
    numbers = iter(range(len(flat)))
    said = [f"@{next(numbers)}" if recorded else value for value, recorded in zip(flat, tensors, strict=True)]
    if not all(isinstance(value, (str, int, float, bool, type(None))) for value in said):
        return None
    args, kwargs = tf.nest.pack_sequence_as((args, kwargs), said)
    try:
        return json.loads(json.dumps([args, kwargs]))
    except TypeError:
        return None


LOGITS = "_keras_logits"
"""What a softmax or sigmoid leaves on its output for a cross-entropy to be computed from; it travels along."""


def _through(recorder: Recorder, step: Step, kind: str, node: str, values: Any, masked: bool = False) -> Any:
    """Record every tensor in a structure and hand on its tapped (and forced) twin; masks travel along, and are recorded
    but where the call is `masked` by others."""
    flat = tf.nest.flatten(values)
    index = 0
    for position, value in enumerate(flat):
        if step.graph is None and isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            value = tf.convert_to_tensor(value)  # one Keras makes tensors of a batch that the other takes as it is
        if not step.sees(value):
            continue
        mask = getattr(value, "_keras_mask", None)
        logits = _logits(recorder, step, kind, node, index, getattr(value, LOGITS, None))
        made = getattr(value, MADE, node.split("#")[0] + (f".{index}" if index else ""))
        flat[position] = _tap(recorder, step, kind, node, index, value)
        if kind == "out":
            setattr(flat[position], MADE, made)
        key = f"{kind}mask|{node}|{index}"
        if mask is not None and step.sees(mask) and not masked:
            recorder.note(step, key, mask)
        if key in step.mend:
            given = step.forced.get(key) if step.forced else None
            mask = None if given is None else tf.constant(given)
        if mask is not None:
            flat[position]._keras_mask = mask
        if logits is not None:
            setattr(flat[position], LOGITS, logits)
        index += 1
    return tf.nest.pack_sequence_as(values, flat)


def _logits(recorder: Recorder, step: Step, kind: str, node: str, index: int, value: Any) -> Any:
    """What goes along with a tensor for a loss to read: the step's own or, where the tensor is the reference's, the
    reference's, if it has one. A loss that reads this reads the tensor not at all, and its gradient comes back here."""
    key, tensor = f"logits|{node}|{kind}{index}", f"{kind}|{node}|{index}"
    given = step.given(tensor) is not None
    if value is None or not step.sees(value) or (given and step.given(key) is None):
        return None
    if step.graph is not None:
        return value
    recorder.note(step, key, value)
    back = f"{'dx' if kind == 'in' else 'dy'}|{node}|{index}{trace.BY_LOGITS}"
    return _handed_on(recorder, step, value, step.handed(key, value), back)


def _tap(recorder: Recorder, step: Step, kind: str, node: str, index: int, value: tf.Tensor) -> tf.Tensor:
    key = f"{kind}|{node}|{index}"
    recorder.note(step, key, value)
    back = f"{'dx' if kind == 'in' else 'dy'}|{node}|{index}"
    return _handed_on(recorder, step, value, step.handed(key, value), back)


def _handed_on(recorder: Recorder, step: Step, value: tf.Tensor, replacement: Any, back: str) -> tf.Tensor:
    """The twin of a tensor that is handed on, `replacement` if there is one. What goes back through it is noted as
    `back` and, where the step forces, replaced."""
    passed = tf.identity(value) if replacement is None else replacement
    if not value.dtype.is_floating:
        return tf.identity(passed)
    shape, dtype = tuple(value.shape), value.dtype  # the value itself would stay as long as the tape does

    @tf.custom_gradient
    def tap(_: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def backward(upstream: tf.Tensor) -> tf.Tensor:
            # two tapes go back through one call, each with a gradient of its own
            key = f"{back}.{step.calls[back]}" if step.calls[back] else back
            step.calls[back] += 1
            recorder.note(step, key, upstream)
            given = step.reference(key, upstream)
            onward = upstream if given is None else _in_place_of(upstream, given)
            if step.graph is None and tuple(onward.shape) != shape:  # mended in another one: nothing real can go back
                return tf.zeros(shape, dtype)
            return tf.cast(onward, dtype)

        return tf.identity(passed), backward

    return tap(value)


def _in_place_of(own: tf.Tensor, given: tf.Tensor) -> tf.Tensor:
    """`given`, through which a second derivative goes back to what `own` was made of: a gradient penalty takes one, and
    so does a step that descends by both."""

    @tf.custom_gradient
    def replaced(_: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return given, lambda upstream: upstream

    return replaced(own)


def forced_gradient(recorder: Recorder, step: Step, key: str, own: Any) -> Any:
    """The reference's gradient in the form of `own`: sparse stays sparse, row by row.

    A row that occurs twice is clipped as two rows, so rows are kept apart wherever the reference has as many.
    """
    noted = step.tensors[key]
    if not isinstance(own, tf.IndexedSlices):
        value = step.reference(key, noted)
        return own if value is None else _in_place_of(own, value)
    rows = key.replace("grad|", "rows|", 1)
    recorder.note(step, rows, own.values)
    if step.graph is None:
        number = int(recorder.draws.step) if recorder.draws.step is not None else 0
        recorder.rows[number, key.split("|")[1]] = np.asarray(own.indices).reshape(-1).tolist()
    values = step.reference(rows, own.values)
    if values is not None:
        return tf.IndexedSlices(values, own.indices, own.dense_shape)
    dense = step.reference(key, noted)
    if dense is None:
        return own
    indices, _ = tf.unique(tf.reshape(own.indices, [-1]))
    return tf.IndexedSlices(tf.gather(dense, indices), indices, own.dense_shape)
