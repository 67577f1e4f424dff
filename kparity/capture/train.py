"""Trains one model for a number of steps with the recorder on, compiled as its own Keras would compile it.

In: a prepared model, its batches, the states to save. Out: a curve a reported value, statistics of every recorded
tensor at every step, whole tensors and states at the chosen steps. Called by the capture process.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture.align import Draws, hashed
from kparity.capture.inventory import Inventory, get_state, set_state, write_state
from kparity.capture.record import Recorder, Step
from kparity.capture.sides import Side

FOLLOWED = ("out", "grad", "var", "total")
"""Kinds of tensor whose statistics are kept at every step."""
RATE = "lr|optimizer|0"
"""The learning rate of the first optimizer; that of the second is `lr|optimizer#2|0`."""


@dataclass(frozen=True)
class Session:
    """One side's model, ready to train, and what its process needs to watch it."""

    side: Side
    model: Any
    inventory: Inventory
    draws: Draws
    recorder: Recorder
    several: bool = False
    """Whether the step's updates are watched one by one."""


@dataclass(frozen=True)
class Training:
    """What a training left: one row a step. `stats` is (steps, tensors, 1 + SAMPLES) float32, keyed by `keys`."""

    curves: dict[str, list[float]]
    keys: list[str]
    stats: np.ndarray
    nonfinite_step: int | None


PARTS = 3
"""A batch of more parts than x, y and weights is one that only a training step of the user's own understands."""

Batches = Callable[[int], Any]
"""The (x, y, sample weights) of a training step, 1-based; arrays in the structure that the model takes."""


@dataclass(frozen=True)
class Compiled:
    """A compiled training step, `run`: batch -> (reported values, statistics, losses).

    `keys` names the rows of the statistics once the step was traced, and `dtypes` are theirs.
    """

    run: Callable[[Any], tuple[dict[str, tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]]
    keys: list[str] = field(default_factory=list)
    dtypes: set[tf.DType] = field(default_factory=set)


def compile_step(session: Session, silent: bool = False) -> Compiled:
    """The training step, compiled with XLA exactly where the side would do so itself; `silent`: it only reports.

    Nothing large leaves it: a tensor that does is kept until the step's end, which takes memory and keeps the compiler
    from fusing what made it.
    """
    keys: list[str] = []
    dtypes: set[tf.DType] = set()

    @tf.autograph.experimental.do_not_convert
    def step(data: Any) -> tuple[dict[str, tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]:
        logs, recorded = run_step(session, data, tf.compat.v1.get_default_graph(), None, silent=silent)
        tensors = {
            key: value
            for key, value in recorded.tensors.items()
            if not silent and trace.parse(key).kind in FOLLOWED and 0 not in value.shape
        }
        keys[:] = [key for key, value in tensors.items() if value.dtype.is_floating]
        dtypes.update(tensors[key].dtype for key in keys)
        losses = {key: value for key, value in tensors.items() if trace.parse(key).kind == "total"}
        session.draws.look_back()
        return logs, statistics([tensors[key] for key in keys]), losses

    jit = session.side.jit_compile(session.model) or None
    functions: list[Any] = []

    def run(data: Any) -> Any:
        """A step; traced anew after it where it was found to draw the same numbers every time, those of this one."""
        known = len(session.draws.unmoved)
        if not functions:
            functions.append(tf.function(step, jit_compile=jit, reduce_retracing=True))
        done = functions[0](data)
        if len(session.draws.unmoved) > known:
            functions.clear()
        return done

    return Compiled(run, keys, dtypes)


def inert(
    session: Session, state: Mapping[str, np.ndarray], batch: Any, recorded: Mapping[str, float]
) -> dict[str, Any]:
    """Whether the first step from `state` reports the same, bit for bit, when nothing of it is recorded.

    `recorded`: what it reported. Returns `equal`, and (recorded, unrecorded) of what isn't; None and `why` where the
    step can't be compiled without the record.
    """

    set_state(session.inventory, session.side, state)
    session.draws.stand_at(1)
    session.model.reset_metrics()
    try:
        logs = _unrecorded(session)(to_tensors(batch))
    except Exception as error:
        return {"equal": None, "why": f"{type(error).__name__}: {error}"}
    plain = {name: float(tf.cast(value, tf.float32)) for name, value in logs.items() if is_scalar(value)}
    pairs = {name: (recorded[name], value) for name, value in plain.items() if name in recorded}
    differ = {name: pair for name, pair in pairs.items() if not np.array_equal(*pair, equal_nan=True)}
    return {"equal": not differ, "differ": differ}


def _unrecorded(session: Session) -> Any:
    """The training step as the user's model has it, compiled: nothing of it is recorded."""

    @tf.autograph.experimental.do_not_convert
    def step(data: Any) -> Any:
        with watching(session, Step(session.inventory, silent=True)), session.draws.training_step():
            return session.model.train_step(packed(data))

    return tf.function(step, jit_compile=session.side.jit_compile(session.model) or None)


def unread(
    session: Session, ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], names: list[str], batch: Any
) -> list[str]:
    """Those of these variables whose values neither training nor prediction looks at.

    `ours` and `theirs`: two states. A variable is unread where a step and a prediction give the same bits from the
    first state and from the first state with the second's value of that variable, in all but the variable itself.
    """
    data = to_tensors(batch)

    def outcome(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        set_state(session.inventory, session.side, state)
        session.draws.stand_at(1)
        session.model.reset_metrics()
        predict = tf.function(lambda x: session.model(x, training=False), autograph=False)
        told = [predict(data[0]), _unrecorded(session)(data)]  # traced anew: an adapted layer's numbers are constants
        arrays = {str(number): np.asarray(value) for number, value in enumerate(tf.nest.flatten(told))}
        return arrays | get_state(session.inventory, session.side)

    def same(key: str) -> bool:
        other = outcome({**ours, key: theirs[key]})
        return all(np.array_equal(value, other[name], equal_nan=True) for name, value in before.items() if name != key)

    keys = {name: f"var|{name}|0" for name in names}
    before = outcome(ours)
    return [name for name, key in keys.items() if key in ours and key in theirs and same(key)]


def run_step(
    session: Session,
    data: Any,
    graph: Any,
    forced: Mapping[str, np.ndarray] | None,
    mend: frozenset[str] = frozenset(),
    silent: bool = False,
) -> tuple[dict[str, tf.Tensor], Step]:
    """The model's own `train_step`, watched. `graph` is None to run eagerly; the others as in `Step`."""
    step = Step(session.inventory, graph, forced, mend, several=session.several, silent=silent)
    with at_rates(session, step), watching(session, step), session.draws.training_step():
        logs = session.model.train_step(packed(data))
    note_end(step)
    logs = {name: tf.cast(value, tf.float32) for name, value in logs.items() if is_scalar(value)}
    return logs | rates_of(step), step


def run_evaluation(
    session: Session, data: Any, forced: Mapping[str, np.ndarray] | None, mend: frozenset[str] = frozenset()
) -> tuple[dict[str, tf.Tensor], Step]:
    """The model's own `test_step`, eagerly and watched, as `run_step`. What training recorded of calls stays."""
    step = Step(session.inventory, None, forced, mend)
    with session.recorder.aside(), watching(session, step), session.draws.training_step():
        logs = session.model.test_step(packed(data))
    note_end(step)
    return {name: tf.cast(value, tf.float32) for name, value in logs.items() if is_scalar(value)}, step


@contextlib.contextmanager
def evaluating(session: Session) -> Iterator[None]:
    """Inside, what the model draws in evaluation steps of its own hangs on the layer and the training step, as in
    training, however often its Keras traces them."""
    model, own = session.model, vars(session.model).get("test_step")
    original, before = model.test_step, session.recorder.named

    @tf.autograph.experimental.do_not_convert
    def test_step(*args: Any, **kwargs: Any) -> Any:
        with session.draws.training_step():
            return original(*args, **kwargs)

    session.recorder.named, model.test_step = session.inventory, test_step
    try:
        yield
    finally:
        session.recorder.named = before
        if own is None:
            del model.test_step
        else:
            model.test_step = own


def predictions(session: Session, batch: Any) -> dict[str, np.ndarray]:
    """What the model's own `predict_step` gives for the inputs of a batch, and what a call gives outside of training
    ("call"). Raises what the model does."""
    x = to_tensors(batch)[0]
    told: dict[str, np.ndarray] = {}
    for name, ask in (
        ("predict_step", lambda: session.model.predict_step(session.side.keras.utils.pack_x_y_sample_weight(x))),
        ("call", lambda: session.model(x, training=False)),
    ):
        with session.draws.training_step():
            outputs = tf.nest.flatten(ask(), expand_composites=True)
        told |= {f"{name}|model|{number}": np.asarray(value) for number, value in enumerate(outputs)}
    return told


@contextlib.contextmanager
def at_rates(session: Session, step: Step) -> Iterator[None]:
    """Note every optimizer's learning rate before the step; inside, use the reference's where they are mended."""
    with contextlib.ExitStack() as stack:
        for group in session.inventory.groups:
            rate = session.side.learning_rate(group)
            if rate is None:
                continue
            key = rate_key(session.inventory.place(group))
            step.tensors[key] = tf.identity(rate)
            if step.forced is not None and key in step.mend and key in step.forced:
                stack.enter_context(session.side.at_rate(group, step.forced[key]))
        yield


def rate_key(place: int) -> str:
    """The key of an optimizer's learning rate, by its place among the optimizers."""
    return f"lr|optimizer#{place + 1}|0" if place else RATE


def rates_of(step: Step) -> dict[str, tf.Tensor]:
    """The learning rates of a recorded step as reported values."""
    rates = {key: value for key, value in step.tensors.items() if key.startswith("lr|")}
    return {parse_rate(key): value for key, value in rates.items()}


def parse_rate(key: str) -> str:
    """`learning_rate`, and of the second optimizer `learning_rate#2`."""
    return trace.parse(key).owner.replace("optimizer", "learning_rate", 1)


def note_end(step: Step) -> None:
    """Note every variable as the step leaves it, beside what a watched update made of it."""
    for name, variable in step.inventory.variables.items():
        index = "end" if f"var|{name}|0" in step.updated else "0"
        step.tensors[f"var|{name}|{index}"] = tf.identity(tf.convert_to_tensor(variable))


def packed(batch: Any) -> Any:
    """(x, y, sample weights) as `fit` hands them to `train_step`: x alone where there is nothing else."""
    x, y, weights = batch
    if weights is not None:
        return batch
    if y is not None:
        return x, y
    return x if not isinstance(x, (tuple, list)) or len(x) > PARTS else (x,)


@contextlib.contextmanager
def watching(session: Session, step: Step) -> Iterator[None]:
    """The recorder writes into `step` inside."""
    if session.recorder.sieve is not None:
        session.recorder.sieve |= step.tensors
        step.tensors = session.recorder.sieve
    session.recorder.step = step
    try:
        yield
    finally:
        session.recorder.step = None


def is_scalar(value: Any) -> bool:
    return isinstance(value, (int, float)) or (tf.is_tensor(value) and value.shape.rank == 0)


LOOKED_AT = 1024
"""Elements of a tensor, at a fixed stride, that its root mean square is of."""


def statistics(values: list[tf.Tensor]) -> tf.Tensor:
    """(tensors, 1 + SAMPLES) float32: the root mean square of some elements of each, and SAMPLES of these.

    All elements would cost a pass over every tensor of every step. Tensors of which as many are looked at go together:
    a small model's step is made of a few hundred operations, and tracing one more takes as long as running it a
    hundred times.
    """
    if not values:
        return tf.zeros((0, 1 + trace.SAMPLES))
    alike: dict[Any, list[int]] = {}
    looked_at = []
    for place, value in enumerate(values):
        flat = tf.reshape(value, [-1])
        size = flat.shape[0]
        if size is None:
            size = tf.size(flat)
            kept = tf.minimum(size, LOOKED_AT)
        else:
            kept = min(size, LOOKED_AT)
        some = flat if kept is size else flat[: kept * (size // kept) : size // kept]
        looked_at.append(some if some.dtype == tf.float32 else tf.cast(some, tf.float32))
        alike.setdefault(kept if isinstance(kept, int) else ("unknown", place), []).append(place)
    rows, order = [], []
    for places in alike.values():
        some = tf.stack([looked_at[place] for place in places])
        kept = some.shape[1] or tf.shape(some)[1]
        few = tf.minimum(tf.range(trace.SAMPLES) * tf.maximum(kept // trace.SAMPLES, 1), kept - 1)
        size = tf.sqrt(tf.reduce_mean(tf.square(some), 1, keepdims=True))
        rows.append(tf.concat([size, tf.gather(some, few, axis=1)], 1))
        order += places
    return tf.gather(tf.concat(rows, 0), np.argsort(order))


def train(
    session: Session,
    compiled: Compiled,
    batches: Batches,
    steps: int,
    chosen: Collection[int],
    whole: Collection[int],
    folder: Path,
    name: str,
    progress: Callable[[int], None],
    nudge: int = 0,
    after: Callable[[int, dict[str, float]], bool] | None = None,
) -> Training:
    """Run `steps` training steps; save the state before each chosen one, and losses and new weights of each whole one.

    With `nudge`, the key of a random stream, every trainable weight moves by one unit in the last place before every
    step: round-off happens at every step, and so must what stands for it. Stops at the first step whose loss is not
    finite, or after which `after`, told what it reported, says so.
    """
    move = compile_move(session, nudge) if nudge else None
    curves: dict[str, list[float]] = {}
    rows: list[np.ndarray] = []
    nonfinite = None
    for number in range(1, steps + 1):
        session.draws.stand_at(number)
        if move is not None:
            move()
        if number in chosen:
            write_state(trace.step_file(folder, f"{name}-state", number), session.inventory, session.side)
        session.model.reset_metrics()
        logs, stats, losses = compiled.run(to_tensors(batches(number)))
        rows.append(stats.numpy())
        for key, value in logs.items():
            curves.setdefault(key, []).append(float(value))
        if number in whole:
            with trace.Writer(trace.step_file(folder, f"{name}-graph", number)) as writer:
                for key, value in losses.items():
                    writer.add(key, value.numpy())
                for key, variable in session.inventory.variables.items():
                    writer.add(f"var|{key}|0", np.asarray(variable))
        progress(number)
        loss = curves.get("loss", [0.0])[-1]
        if not np.isfinite(loss):
            nonfinite = number
            break
        if after is not None and after(number, {key: values[-1] for key, values in curves.items()}):
            break
    return Training(curves, compiled.keys, np.stack(rows), nonfinite)


_BITS = {tf.float32: tf.int32, tf.float64: tf.int64}
_ODD = -1640531527
"""2**32 divided by the golden ratio, as Knuth multiplies to hash: the top bit of the product hangs on every bit."""


def compile_move(session: Session, key: int) -> Callable[[], None]:
    """A compiled function that moves every trainable weight by one unit in the last place, up or down by a fair coin.

    A float's neighbours are the integers beside its bits, and the coin is a bit of a hash of these, of the step and of
    the variable: a generator of random numbers would cost more than a small model's training step. Measured: after 64
    moves a weight is 7.98 units away, root mean square, where 8 is fair. Zeros, what is not finite, and weights of
    other precisions stay.
    """
    weights = [tf.convert_to_tensor(variable).dtype for variable in session.model.trainable_variables]

    @tf.function(autograph=False)
    def move() -> None:
        mixed = hashed(tf.cast(session.draws.step, tf.uint32), key)
        for number, (variable, dtype) in enumerate(zip(session.model.trainable_variables, weights, strict=True)):
            if dtype not in _BITS:
                continue
            value = tf.convert_to_tensor(variable)
            bits = tf.bitcast(value, _BITS[dtype])
            wide = bits.dtype.size * 8 - 1
            salt = tf.cast(tf.bitcast(mixed + tf.constant(number * 277803737 % 2**32, tf.uint32), tf.int32), bits.dtype)
            product = tf.bitwise.bitwise_xor(bits, salt) * _ODD
            coin = tf.bitwise.bitwise_or(tf.bitwise.right_shift(product, wide), 1)
            stays = tf.logical_or(value == 0, tf.math.logical_not(tf.math.is_finite(value)))
            variable.assign(tf.where(stays, value, tf.bitcast(bits + coin, dtype)))

    return move


def to_tensors(batch: Any) -> Any:
    """Arrays of a batch as tensors, None kept."""
    return tf.nest.map_structure(lambda value: value if value is None else _tensor(value), batch)


def _tensor(value: Any) -> Any:
    return value if isinstance(value, (tf.RaggedTensor, tf.SparseTensor)) else tf.convert_to_tensor(value)
