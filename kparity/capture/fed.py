"""What a side's own `fit` hands to a training step: the batches of two epochs, and nothing is trained.

In: the arguments of `fit`. Out: of each whole epoch the sizes of its batches, and hashes of its rows. Called by the
capture process after everything else, for data may remember how often they were gone through. kparity cuts batches
itself, so that both sides train on the same; what Keras makes of the arguments shows here.
"""

import hashlib
import inspect
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.sides import Side
from kparity.capture.subject import COMPOSITE, FitArguments, Kept, is_arrays, parts

LARGE = 1 << 28
"""Bytes of arrays from which on they are not gone through: two epochs of them would take many seconds."""
EPOCHS = 2
PARTS = ("inputs", "targets", "sample weights")


class Enough(Exception):
    """There are more batches than shall be looked at."""


def fed(side: Side, given: FitArguments, most: int) -> list[dict[str, Any]]:
    """What `fit` hands over in each whole epoch of at most two, and of `most` batches of data that aren't arrays:

    `sizes`, the rows of each batch; `order`, a hash of the rows as they come; `rows`, a hash of the sorted rows of
    inputs, targets and sample weights each. Nothing of data that can be gone through only once, or are too many. Raises
    what `fit` does.
    """
    if not _again_and_again(given, most):
        return []
    epochs: list[list[list[list[bytes]]]] = []
    limit = None if is_arrays(given.x) else most

    class Begun(side.keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            epochs.append([])

    class Taker(side.keras.Model):
        def train_step(self, data: Any) -> Any:
            if sum(map(len, epochs)) == limit:
                raise Enough
            epochs[-1].append(_rows(side.keras.utils.unpack_x_y_sample_weight(data)))
            return {"loss": tf.constant(0.0)}

    model = Taker()
    model.compile("sgd", run_eagerly=True)
    named = ("x", "y", "sample_weight", "batch_size", "class_weight", "steps_per_epoch", "shuffle")
    asked = {name: value for name in named if (value := getattr(given, name)) is not None}
    try:
        model.fit(**asked, epochs=EPOCHS, verbose=0, callbacks=[Begun()])
    except Enough:
        epochs.pop()
    return [_told(epoch) for epoch in epochs]


def _again_and_again(given: FitArguments, most: int) -> bool:
    """Whether the data can be gone through twice, in as many batches as are trained on anyway."""
    x = given.x
    if isinstance(x, Kept) or inspect.isgenerator(x) or (callable(x) and not hasattr(x, "__getitem__")):
        return False
    if any(isinstance(leaf, COMPOSITE) for leaf in tf.nest.flatten(x)):
        return True
    if is_arrays(x):
        return sum(np.asarray(leaf).nbytes for leaf in tf.nest.flatten(x)) < LARGE
    steps = given.steps_per_epoch or (len(x) if hasattr(x, "__len__") and hasattr(x, "__getitem__") else 0)
    return EPOCHS * steps <= most


def _rows(batch: Iterable[Any]) -> list[list[bytes]]:
    """Of inputs, targets and sample weights the digest of each row; ragged and sparse parts are one row."""
    told = []
    for part in batch:
        arrays = [_wide(array) for array in parts(part)]
        whole = any(isinstance(leaf, COMPOSITE) for leaf in tf.nest.flatten(part))
        count = 1 if whole else min((len(array) for array in arrays if array.ndim), default=0)
        told.append([_digest(arrays if whole else [array[row] for array in arrays]) for row in range(count)])
    return told


def _wide(array: np.ndarray) -> np.ndarray:
    """In the widest type of its kind: which of these data are held in is no difference. Of shape (n,) as (n, 1)."""
    kind = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.int64}.get(array.dtype.kind)
    array = array if kind is None else array.astype(kind)
    return array[:, None] if array.ndim == 1 else array


def _digest(arrays: list[np.ndarray]) -> bytes:
    found = hashlib.blake2b(digest_size=12)
    for array in arrays:
        text = array.dtype.kind == "S"  # as wide as the longest of its batch
        found.update(f"{array.shape}{array.tolist() if text else ''}".encode())
        found.update(b"" if text else np.ascontiguousarray(array).tobytes())
    return found.digest()


def _told(epoch: list[list[list[bytes]]]) -> dict[str, Any]:
    def of(rows: Iterable[bytes]) -> str:
        return hashlib.blake2b(b"".join(rows), digest_size=12).hexdigest()

    by_part = {name: [row for batch in epoch for row in batch[number]] for number, name in enumerate(PARTS)}
    return {
        "sizes": [max(map(len, batch), default=0) for batch in epoch],
        "order": of(row for rows in by_part.values() for row in rows),
        "rows": {name: of(sorted(rows)) for name, rows in by_part.items()},
    }
