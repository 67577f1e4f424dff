"""What a side's own `fit` hands to a training step: the batches of two epochs, and nothing is trained.

In: the arguments of `fit`. Out: of each whole epoch the sizes of its batches, and hashes of its rows; the arguments as
Python, for a script that shows it. Called by the capture process after everything else, for data may remember how often
they were gone through. kparity cuts batches itself, so that both sides train on the same; what Keras makes of the
arguments shows here.
"""

import hashlib
import inspect
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.sides import Side
from kparity.capture.subject import COMPOSITE, FitArguments, Kept, is_arrays, parts

BATCHES = 16
"""Of arrays, so many batches are enough, and the rows that are over: Keras does with all of them the same."""
EPOCHS = 2
PARTS = ("inputs", "targets", "sample weights")


class Enough(Exception):
    """There are more batches than shall be looked at."""


def fed(side: Side, given: FitArguments, most: int) -> list[dict[str, Any]]:
    """What `fit` hands over in each whole epoch of at most two, and of `most` batches of data that aren't arrays:

    `sizes`, the rows of each batch; `order`, a hash of the rows as they come; `rows`, a hash of the sorted rows of
    inputs, targets and sample weights each. Nothing of data that can be gone through only once, or are too many; of
    arrays that are large, the first rows alone. Raises what `fit` does.
    """
    if not _again_and_again(given, most):
        return []
    given = _first_rows(given)
    epochs: list[list[list[np.ndarray]]] = []
    limit = None if is_arrays(given.x) else most
    keras: Any = side.keras

    class Begun(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            epochs.append([])

    class Taker(keras.Model):
        def train_step(self, data: Any) -> Any:
            if sum(map(len, epochs)) == limit:
                raise Enough
            epochs[-1].append(_rows(side.keras.utils.unpack_x_y_sample_weight(data)))
            return {"loss": tf.constant(0.0)}

    model = Taker()
    model.compile("sgd", run_eagerly=True)
    try:
        model.fit(**_asked(given), epochs=EPOCHS, verbose=0, callbacks=[Begun()])
    except Enough:
        epochs.pop()
    return [_told(epoch) for epoch in epochs]


def handed(given: FitArguments) -> tuple[str, dict[str, np.ndarray]] | None:
    """The arguments of that `fit` as Python, and the `inputs` they name by their places; None of what isn't arrays."""
    data = ("x", "y", "sample_weight")
    if not is_arrays(given.x) or _composite(given):
        return None
    arrays: dict[str, np.ndarray] = {}

    def named(leaf: Any) -> Any:
        if leaf is None:
            return None
        array, place = np.asarray(leaf), len(arrays)
        arrays[f"input_{place}"] = array
        return _Name(f"inputs[{place}]{_AGAIN.get(array.dtype.kind, '')}")

    asked = _asked(_first_rows(given))
    said = {name: tf.nest.map_structure(named, value) if name in data else value for name, value in asked.items()}
    if any(array.dtype.kind == "O" and not all(map(_is_text, array.flat)) for array in arrays.values()):
        return None
    return ", ".join(f"{name}={value!r}" for name, value in said.items()), arrays


class _Name(str):
    """What Python writes as it stands."""

    __repr__ = str.__str__


_AGAIN = {"U": ".astype(str)", "O": ".astype(str).astype(object)"}
"""Of a NumPy kind of text: what makes it of bytes again."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes)


def _asked(given: FitArguments) -> dict[str, Any]:
    named = ("x", "y", "sample_weight", "batch_size", "class_weight", "steps_per_epoch", "shuffle")
    return {name: value for name in named if (value := getattr(given, name)) is not None}


def _again_and_again(given: FitArguments, most: int) -> bool:
    """Whether the data can be gone through twice, in as many batches as are trained on anyway."""
    x = given.x
    if isinstance(x, Kept) or inspect.isgenerator(x) or (callable(x) and not hasattr(x, "__getitem__")):
        return False
    if is_arrays(x) or _composite(given):
        return True
    steps = given.steps_per_epoch or 0
    if not steps and isinstance(x, tf.data.Dataset):
        steps = int(x.cardinality())
        steps = most if steps == tf.data.INFINITE_CARDINALITY else max(steps, 0)
    elif not steps and hasattr(x, "__len__") and hasattr(x, "__getitem__"):
        steps = len(x)
    return EPOCHS * steps <= most


def _composite(given: FitArguments) -> bool:
    """Whether there are sparse or ragged tensors."""
    return any(isinstance(leaf, COMPOSITE) for leaf in tf.nest.flatten([given.x, given.y]))


def _first_rows(given: FitArguments) -> FitArguments:
    """The same of fewer rows, where there are more than are needed and nothing says how many steps are an epoch."""
    if not is_arrays(given.x) or given.steps_per_epoch or _composite(given):
        return given
    rows, size = len(tf.nest.flatten(given.x)[0]), given.batch_size or 32
    kept = BATCHES * size + rows % size
    if rows <= kept:
        return given
    cut = tf.nest.map_structure(
        lambda part: None if part is None else part[:kept], (given.x, given.y, given.sample_weight)
    )
    return replace(given, **dict(zip(("x", "y", "sample_weight"), cut, strict=True)))


def _rows(batch: Iterable[Any]) -> list[np.ndarray]:
    """Of inputs, targets and sample weights a hash (uint64) of each row; ragged and sparse parts are one row."""
    told = []
    for part in batch:
        arrays = [array for array in parts(part) if array.ndim]
        if any(isinstance(leaf, COMPOSITE) for leaf in tf.nest.flatten(part)):
            hashed = (_hashed(array[None], number) for number, array in enumerate(arrays))
            told.append(sum(hashed, np.zeros(1, np.uint64)))
        else:
            rows = min(map(len, arrays), default=0)
            hashed = (_hashed(array[:rows], number) for number, array in enumerate(arrays))
            told.append(sum(hashed, np.zeros(rows, np.uint64)))
    return told


def _hashed(array: np.ndarray, number: int) -> np.ndarray:
    """A hash of each row of the `number`-th array. Of which type its numbers are is no difference, nor whether a row of
    one element has an axis of its own."""
    if array.dtype.kind == "S":  # as wide as the longest text of its batch
        return np.array([hash_of([f"{number}{row}".encode()]) for row in array.tolist()], np.uint64)
    wide = (array if array.dtype.kind in "biu" else array.astype(np.float32)).astype(np.float64)
    wide = wide.reshape(len(array), int(np.prod(array.shape[1:])))
    factors = np.random.Generator(np.random.Philox(key=number)).integers(1 << 64, size=wide.shape[1], dtype=np.uint64)
    return (wide.view(np.uint64) * (factors | np.uint64(1))).sum(1, dtype=np.uint64)


def hash_of(pieces: Iterable[bytes]) -> int:
    """64 bits of a hash of all pieces, one after another."""
    return int.from_bytes(hashlib.blake2b(b"".join(pieces), digest_size=8).digest(), "little")


def _told(epoch: list[list[np.ndarray]]) -> dict[str, Any]:
    by_part = {
        name: np.concatenate([batch[number] for batch in epoch]) if epoch else np.zeros(0, np.uint64)
        for number, name in enumerate(PARTS)
    }
    return {
        "sizes": [max(map(len, batch), default=0) for batch in epoch],
        "order": hash_of(rows.tobytes() for rows in by_part.values()),
        "rows": {name: hash_of([np.sort(rows).tobytes()]) for name, rows in by_part.items()},
    }
