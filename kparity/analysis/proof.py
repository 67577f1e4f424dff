"""Counterfactuals: what to give the Keras 3 side of Keras 2, and whether that one thing makes the pair agree.

In: Causes, and what single steps left that were run free but for the causes' own arrays. Out: for each cause the
request to be run, and whether it is proven. Called by `kparity.counterfactual`, which has the steps run.

A cause is proven when two things hold. With every cause mended the step agrees in all that comes of it: outputs, loss,
gradients, new weights, optimizer state, layer state, metrics, predictions. With every cause mended but this one it does
not. A wrong cause fails one of them: mending what is in order repairs nothing, and leaving it out breaks nothing.
"""

from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kparity.analysis.locate import AVERAGES, Cause, total_alone
from kparity.analysis.noise import Gap
from kparity.analysis.observe import Arrays, Seen, StepRecord, layer_of, observe
from kparity.trace import Key, parse, passes, thinned

MASKS = ("inmask|", "outmask|")

MOST = 8
"""Causes of one model that are proven; each costs a step."""


@dataclass(frozen=True)
class Mend:
    """What belongs to one cause. `layers`: with all they hand on, forward and backward. `updated`: variables whose new
    value is the reference's, and their slots: all, or those of `quantities`, which the cause then names. `keys`: single
    arrays. `own`: what the candidate has of itself where the cause is left in, although every replay begins from the
    reference's."""

    layers: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    quantities: frozenset[str] = frozenset()
    unfit: frozenset[str] = frozenset()
    """Arrays that the candidate has in another shape, and goes on with."""

    def covers(self, key: Key, owners: Mapping[str, str]) -> bool:
        """Whether an array is what is mended, and so says nothing of what comes of it.

        Predictions are made after the step, by layers that nothing mends.
        """
        if str(key) in self.keys:
            return True
        if key.kind == "predict":
            return bool(self.layers) or any(text.startswith(("in|", *MASKS)) for text in self.keys)
        if key.kind in {"slot", "dense"}:
            return key.owner in self.updated and (not self.quantities or key.index in self.quantities)
        if key.kind in {"var", "update"}:
            return key.owner in self.updated and self.quantities != {AVERAGES}
        if key.kind not in {"out", "outmask", "logits", "dx", "grad", "rows"}:
            return False
        if key.handed and key.owner in self.updated:
            return True  # the optimizer's own class may have changed it
        return _inside(layer_of(key, owners) or key.owner.removeprefix("!").split(":")[0], self.layers)

    def names(self, key: Key, owners: Mapping[str, str]) -> bool:
        """Whether a difference is in what the cause says, not in what comes of it.

        What is between two layers, a mask, and what a step begins from are seen by what comes of them alone.
        """
        if self.own or any(text.startswith(("in|", "dy|", *MASKS)) for text in self.keys):
            return True
        slots = key.kind in {"slot", "dense"} or not self.quantities or "update" in self.quantities
        return slots and self.covers(key, owners)


def _inside(layer: str | None, paths: Collection[str]) -> bool:
    """Whether a layer is one of these or within one."""
    return layer is not None and any(layer == path or layer.startswith(path + "/") for path in paths)


@dataclass(frozen=True)
class Parts:
    """What mends are made from. `reference`: the keys and arrays of a step by key; `owners`: variable -> its layer.

    `lone`: layer calls that the candidate gives no gradient back where the reference does, or doesn't make at all.
    `upstream`: where the gradients are that say which elements are read; an evaluation has none of its own.
    """

    reference: Arrays
    owners: Mapping[str, str]
    trainable: Collection[str]
    lone: Collection[str]
    upstream: Arrays

    @property
    def loose(self) -> set[str]:
        """The layers of these calls: what goes back to them can't be mended, nor counts."""
        return {call.split("#")[0] for call in self.lone}


def step_of(cause: Cause, steps: Sequence[int]) -> int:
    """The replayed step at which a cause is proven: the one it was seen at, or the first after that.

    A variable that is missing shows once training has moved it away from its initial zeros.
    """
    if cause.phase == "config":
        return max(step for step in steps if step <= max(steps[0], 10))
    return next((step for step in steps if step >= (cause.step or 0)), steps[-1])


def plan(cause: Cause, parts: Parts) -> Mend | None:
    """What to mend for a cause; None for what can't be mended within a step."""
    maker = _PLANS.get(cause.phase)
    return maker(cause, parts) if maker else None


def _layers(cause: Cause, parts: Parts) -> set[str]:
    """The paths of the layers that a cause names, in itself and in `also`."""
    names = [cause.layer or "", *cause.also]
    return {parts.owners.get(name, name.split(":")[0]) for name in names} - {""}


def _variables(cause: Cause, parts: Parts) -> set[str]:
    """The variables that a cause names, and those of the same name in the layers that it also names."""
    named = {*cause.evidence.get("variables", []), *(name for name in (cause.variable, *cause.also) if name)}
    named = {name for name in named if ":" in name}
    tails = {name.split(":")[-1] for name in named}
    layers = _layers(cause, parts)
    return named | {name for name, layer in parts.owners.items() if layer in layers and name.split(":")[-1] in tails}


def _state_of(layers: Collection[str], parts: Parts) -> frozenset[str]:
    """Variables that layers, or layers inside them, keep for themselves."""
    inside = tuple(f"{path}/" for path in layers)
    held = (name for name, layer in parts.owners.items() if layer in layers or layer.startswith(inside))
    return frozenset(name for name in held if name not in parts.trainable)


def _plan_config(cause: Cause, parts: Parts) -> Mend:
    variables = frozenset(_variables(cause, parts))
    if cause.kind in {"frozen", "unfrozen"}:
        if variables >= set(parts.trainable):
            variables |= {""}  # with nothing to train no update is counted
        # a frozen layer with statistics of its own uses these instead of the batch's
        layers = frozenset(layer for layer in _layers(cause, parts) if _state_of([layer], parts))
        return Mend(layers, variables | _state_of(layers, parts), _gradients(variables, parts))
    layers = frozenset(_layers(cause, parts))
    keys = set()
    if cause.kind == "missing-variable":
        keys = _back(_wired("in", "out", layers, parts), parts)
        keys |= _wired("out", "in", layers, parts)
    if cause.kind == "extra-variable":  # it stands where the reference calls a layer once more
        keys = _back(_wired("in", "out", parts.lone, parts), parts)
        keys |= _wired("out", "in", parts.lone, parts)
    keys |= {*cause.evidence.get("told", [])}
    layers |= frozenset(cause.evidence.get("layers", []))
    unfit = frozenset(cause.evidence.get("unfit", []))
    return Mend(layers, _state_of(layers, parts), frozenset(keys), unfit=unfit)


def _gradients(variables: Collection[str], parts: Parts) -> frozenset[str]:
    """The keys of all gradients of variables."""
    return frozenset(key for key in parts.reference if key.startswith("grad|") and parse(key).owner in variables)


def _wired(end: str, other: str, layers: Collection[str], parts: Parts) -> set[str]:
    """Keys of kind `other` at the far end of the wires that begin as `end` of `layers` or single calls: the same array,
    bit for bit.

    A layer that only the reference has is mended there, where the candidate has something that can be.
    """

    def within(key: Key) -> bool:
        return key.owner in layers or key.owner.split("#")[0] in layers

    keys = [(text, parse(text)) for text in parts.reference]
    ends = [parts.reference[text] for text, key in keys if key.kind == end and within(key)]

    def wired(value: np.ndarray) -> bool:
        return any(value.shape == one.shape and value.tobytes() == one.tobytes() for one in ends)

    return {t for t, key in keys if key.kind == other and not within(key) and wired(parts.reference[t])}


def _back(outputs: Collection[str], parts: Parts) -> set[str]:
    """The keys of what the backward passes give to these outputs: of the first, and of those that there are besides."""
    first = {key.replace("out|", "dy|", 1) for key in outputs}
    return first | {one for key in first for one in passes(key) if one in parts.reference}


def _plan_init(cause: Cause, parts: Parts) -> Mend:
    return Mend(own=frozenset(f"var|{name}|0" for name in _variables(cause, parts)))


def _plan_data(cause: Cause, parts: Parts) -> Mend | None:
    return None if cause.kind == "length" else Mend(own=frozenset({"batch"}))


def _plan_layer(cause: Cause, parts: Parts) -> Mend | None:
    if cause.kind == "draws":
        return None  # a step alone is not compiled: see `shares.proven_compiled`
    layers = frozenset(_layers(cause, parts))
    array = cause.evidence.get("array", "")
    masks = _masks(cause.evidence.get("readers", []), layers, parts)
    if cause.kind in {"mask", "given-mask"}:
        return Mend(keys=frozenset(masks | {key for key in parts.reference if _of(key, {"outmask"}, layers)}))
    if array.startswith("in|"):
        places = map(parse, cause.evidence.get("places", [array]))
        between = [_plan_between(place, layers, parts) for place in places]
        return Mend(layers, frozenset(), frozenset().union(*(mend.keys for mend in between)))
    if cause.kind == "no-gradient" and array.startswith("dx|"):
        back = _back(_wired("in", "out", layers, parts), parts)
        return Mend(layers, frozenset(), frozenset(back))
    if cause.kind == "no-gradient":
        variables = frozenset(_variables(cause, parts))
        return Mend(updated=variables, keys=_gradients(variables, parts))
    keys = {key for key in parts.reference if "dy" in cause.evidence.get("kinds", []) and _of(key, {"dy"}, layers)}
    kept = frozenset() if cause.phase == "gradient" else _state_of(layers, parts)
    return Mend(layers, kept, frozenset(keys | masks))


def _masks(readers: Collection[str], layers: frozenset[str], parts: Parts) -> set[str]:
    """The keys of the masks that `readers` read otherwise because of some layers, and of those that these hand on; of
    masks that the reference doesn't have, too. A graph may hand a reader what no layer hands on."""
    keys = [parse(text) for text in parts.reference] if readers else []
    taken = {str(replace(key, kind="inmask")) for key in keys if key.kind == "in" and key.owner in readers}
    given = {key for key in keys if key.kind == "out" and key.owner.split("#")[0] in layers}
    return taken | {str(replace(key, kind="outmask")) for key in given}


def _plan_between(place: Key, layers: frozenset[str], parts: Parts) -> Mend:
    """What lies in front of a layer: its inputs are the reference's, and so is what goes back to where they came from.

    The origin is the output that reaches the layer; where a layer is in the reference alone, the output before it.
    """
    reader = frozenset({place.owner.split("#")[0]})
    origins = _wired("in", "out", reader, parts) | _wired("in", "out", layers, parts)
    back = _back({key for key in origins if not _of(key, {"out"}, layers)}, parts)
    taken = {key for key in parts.reference if _of(key, {"in"}, reader) and parse(key).index == place.index}
    taken |= {key for key in parts.reference if _of(key, {"logits"}, reader) and parse(key).index == f"in{place.index}"}
    return Mend(layers, frozenset(), frozenset({*taken, *back}))


def _of(text: str, kinds: set[str], layers: Collection[str]) -> bool:
    key = parse(text)
    return key.kind in kinds and key.owner.split("#")[0] in layers


def _plan_loss(cause: Cause, parts: Parts) -> Mend | None:
    kinds = set(cause.evidence.get("kinds", []))
    if not kinds:
        return None
    if "term" in kinds:
        layers = frozenset(_layers(cause, parts))
        back = _back(_wired("in", "out", layers, parts), parts)
        terms = {key for key in parts.reference if _of(key, {"term"}, layers)}
        return Mend(layers, frozenset(), frozenset({"total|loss|0", "log|loss|0", *terms, *back}))
    if total_alone(kinds):
        keys = {cause.evidence["array"], "total|loss|0", "log|loss|0", *cause.evidence.get("back", [])}
        keys |= {*cause.evidence.get("told", [])}
        keys |= _gradients(cause.evidence.get("variables", []), parts)
        if "dy" in kinds:
            keys |= {key for key in parts.reference if _of(key, {"dy"}, {"loss"})}
        return Mend(keys=frozenset(keys))
    return Mend(frozenset({"loss"}))


def _plan_optimizer(cause: Cause, parts: Parts) -> Mend | None:
    if cause.kind in {"missing-slot", "extra-slot"}:
        return None  # no step reads it: `fit` puts an average in the weights' place when it ends
    if cause.kind == "initial-slot":
        return Mend(own=frozenset(cause.evidence["arrays"]))
    if cause.variable == "learning_rate":
        rates = {key for key in parts.reference if key.startswith(("lr|", "log|learning_rate"))}
        return Mend(keys=frozenset({"lr|optimizer|0", "log|learning_rate|0", *rates}))
    variables = set(cause.evidence.get("variables", []))
    quantities = frozenset(cause.evidence.get("quantities", [cause.evidence.get("quantity")])) - {None}
    if any(f"slot||{quantity}" in parts.reference for quantity in quantities):
        variables |= {*parts.trainable, ""}
    return Mend(updated=frozenset(variables), quantities=quantities)


def _plan_state(cause: Cause, parts: Parts) -> Mend:
    return Mend(updated=frozenset(_variables(cause, parts)))


def _plan_metric(cause: Cause, parts: Parts) -> Mend:
    return Mend(keys=frozenset({f"log|{cause.variable}|0"}))


_PLANS = {
    "config": _plan_config,
    "init": _plan_init,
    "data": _plan_data,
    "forward": _plan_layer,
    "loss": _plan_loss,
    "gradient": _plan_layer,
    "optimizer": _plan_optimizer,
    "state": _plan_state,
    "metric": _plan_metric,
}


def taken(mends: Collection[Mend], parts: Parts) -> list[str]:
    """The keys to take from the reference so that all of `mends` are, and what loose layers hand back."""
    also = {key for mend in mends for key in mend.keys}
    also |= {key for key in parts.reference if _of(key, {"dx"}, parts.loose)}
    named = [key for key in parts.reference if any(mend.covers(parse(key), parts.owners) for mend in mends)]
    return sorted({*named, *also}.difference(*(mend.unfit for mend in mends)))


def remains(record: StepRecord, mends: Collection[Mend], order: Mapping[str, int], parts: Parts) -> list[Seen]:
    """What of a step still differs above its noise floor, but for the arrays that were mended themselves.

    A gradient that only one side has counts as a difference. What nothing reads, as behind a mask, doesn't.
    """
    together: Arrays = ChainMap(record.reference, _Upstream(parts.upstream))  # type: ignore[arg-type]
    live, _ = observe(replace(record, reference=together), order, set(parts.trainable))
    endless = Gap(float("inf"), 0.0, float("inf"))
    live += [Seen(parse(text), "gradient", record.step, endless, order.get(text, 0)) for text in record.lone]
    live = [
        one for one in live if not (one.phase == "gradient" and _inside(layer_of(one.key, parts.owners), parts.loose))
    ]
    kept = [one for one in live if not any(mend.covers(one.key, parts.owners) for mend in mends)]
    return sorted(kept, key=lambda one: (one.order, -one.gap.ratio))


class _Upstream(Mapping[str, np.ndarray]):
    """The upstream gradients of a step, as thin as the outputs of a counterfactual, each when it is asked for."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.names = dict.fromkeys(key for key in arrays if key.startswith("dy|"))

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self.names:
            raise KeyError(key)
        return thinned(key, self.arrays[key])

    def __contains__(self, key: object) -> bool:
        return key in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def reaching(left: list[Seen], reference: Collection[str]) -> list[Seen]:
    """What remains of a step, if it reaches a weight: nothing where all that is left is gradients between layers.

    What comes back to an element that a softmax has given nothing of is lost there, whatever it is: the step agrees in
    the gradients of all weights, and so in all that it leaves behind.
    """
    between = all(one.key.kind in {"dx", "dy"} for one in left)
    return [] if between and any(parse(key).kind == "grad" for key in reference) else left


def excused(left: Seen, roundoff: Sequence[Seen]) -> bool:
    """Whether a difference that remains is round-off that was seen before, or a gradient made of such a gradient.

    What comes of a gradient in the layers in front of it differs by as much of its own size, and little more.
    """
    if any(one.key == left.key for one in roundoff):
        return True
    if left.key.kind == "predict" and any(one.key.kind == "predict" for one in roundoff):
        return True
    backward = [one.gap.error for one in roundoff if one.phase == "gradient"]
    return left.phase == "gradient" and left.gap.error <= 10 * max(backward, default=0.0)
