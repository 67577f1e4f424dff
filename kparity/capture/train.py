"""Trains one model for a number of steps with the recorder on, compiled as its own Keras would compile it.

In: a prepared model, its batches, the states to save. Out: a curve a reported value, statistics of every recorded
tensor at every step, whole tensors and states at the chosen steps. Called by the capture process.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture.align import Draws, hashed_uniform
from kparity.capture.inventory import Inventory, get_state
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


def compile_step(session: Session) -> Callable[[Any], tuple[dict[str, tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]]:
    """A compiled training step: batch -> (reported values, statistics, tensors).

    Compiled with XLA exactly where the side would do so itself.
    """

    @tf.autograph.experimental.do_not_convert
    def step(data: Any) -> tuple[dict[str, tf.Tensor], tf.Tensor, dict[str, tf.Tensor]]:
        logs, recorded = run_step(session, data, tf.compat.v1.get_default_graph(), None)
        tensors = {
            key: value
            for key, value in recorded.tensors.items()
            if trace.parse(key).kind in FOLLOWED and 0 not in value.shape
        }
        followed = [value for value in tensors.values() if value.dtype.is_floating]
        stats = tf.stack([statistics(value) for value in followed]) if followed else tf.zeros((0, 1 + trace.SAMPLES))
        return logs, stats, tensors

    return tf.function(step, jit_compile=session.side.jit_compile(session.model) or None, reduce_retracing=True)


def run_step(
    session: Session,
    data: Any,
    graph: Any,
    forced: dict[str, np.ndarray] | None,
    mend: frozenset[str] = frozenset(),
) -> tuple[dict[str, tf.Tensor], Step]:
    """The model's own `train_step`, watched. `graph` is None to run eagerly; `forced` and `mend` as in `Step`."""
    step = Step(session.inventory, graph, forced, mend, several=session.several)
    with at_rates(session, step), watching(session, step), session.draws.training_step():
        logs = session.model.train_step(packed(data))
    note_end(step)
    logs = {name: tf.cast(value, tf.float32) for name, value in logs.items() if is_scalar(value)}
    return logs | rates_of(step), step


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
    session.recorder.step = step
    try:
        yield
    finally:
        session.recorder.step = None


def is_scalar(value: Any) -> bool:
    return isinstance(value, (int, float)) or (tf.is_tensor(value) and value.shape.rank == 0)


def statistics(value: tf.Tensor) -> tf.Tensor:
    """(1 + SAMPLES,) float32: the root mean square of up to 1024 elements at a fixed stride, and SAMPLES of these.

    All elements would cost a pass over every tensor of every step, which doubles the time of a small model's step.
    """
    flat = tf.reshape(value, [-1])
    count = tf.size(flat)
    kept = tf.minimum(count, 1024)
    some = tf.cast(tf.gather(flat, tf.range(kept) * (count // kept)), tf.float32)
    samples = tf.gather(some, tf.minimum(tf.range(trace.SAMPLES) * tf.maximum(kept // trace.SAMPLES, 1), kept - 1))
    return tf.concat([tf.reshape(tf.sqrt(tf.reduce_mean(some * some)), [1]), samples], 0)


def train(
    session: Session,
    compiled: Callable[[Any], Any],
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
    """Run `steps` training steps; save the state before each chosen one, and every recorded tensor of
    each whole one.

    With `nudge`, the key of a random stream, every trainable weight moves by one unit in the last place before every
    step: round-off happens at every step, and so must what stands for it. Stops at the first step whose loss is not
    finite, or after which `after`, told what it reported, says so.
    """
    move = compile_move(session, nudge) if nudge else None
    curves: dict[str, list[float]] = {}
    rows: list[np.ndarray] = []
    keys: list[str] = []
    nonfinite = None
    for number in range(1, steps + 1):
        session.draws.stand_at(number)
        if move is not None:
            move()
        if number in chosen:
            state = get_state(session.inventory, session.side)
            trace.write_arrays(trace.step_file(folder, f"{name}-state", number), state)
        session.model.reset_metrics()
        logs, stats, tensors = compiled(to_tensors(batches(number)))
        keys = keys or [key for key, value in tensors.items() if value.dtype.is_floating]
        rows.append(stats.numpy())
        for key, value in logs.items():
            curves.setdefault(key, []).append(float(value))
        if number in whole:
            arrays = {key: value.numpy() for key, value in tensors.items()}
            trace.write_arrays(trace.step_file(folder, f"{name}-graph", number), arrays)
        del tensors
        progress(number)
        loss = curves.get("loss", [0.0])[-1]
        if not np.isfinite(loss):
            nonfinite = number
            break
        if after is not None and after(number, {key: values[-1] for key, values in curves.items()}):
            break
    return Training(curves, keys, np.stack(rows), nonfinite)


_BITS = {tf.float32: tf.int32, tf.float64: tf.int64}


def compile_move(session: Session, key: int) -> Callable[[], None]:
    """A compiled function that moves every trainable weight by one unit in the last place, up or down by a fair coin.

    A float's neighbours are the integers beside its bits. Zeros, and weights of other precisions, stay.
    """
    weights = [tf.convert_to_tensor(variable).dtype for variable in session.model.trainable_variables]

    @tf.function
    def move() -> None:
        for number, (variable, dtype) in enumerate(zip(session.model.trainable_variables, weights, strict=True)):
            if dtype not in _BITS:
                continue
            value = tf.convert_to_tensor(variable)
            low, high = tf.constant(number, tf.uint32), tf.constant(key, tf.uint32)
            coin = hashed_uniform(tf.shape(value), low, high, tf.cast(session.draws.step, tf.uint32)) < 0.5
            bits = tf.bitcast(value, _BITS[dtype]) + tf.where(
                coin, tf.ones((), _BITS[dtype]), -tf.ones((), _BITS[dtype])
            )
            variable.assign(tf.where(value == 0, value, tf.bitcast(bits, dtype)))

    return move


def to_tensors(batch: Any) -> Any:
    """Arrays of a batch as tensors, None kept."""
    return tf.nest.map_structure(lambda value: value if value is None else _tensor(value), batch)


def _tensor(value: Any) -> Any:
    return value if isinstance(value, (tf.RaggedTensor, tf.SparseTensor)) else tf.convert_to_tensor(value)
