"""Validation data that are the same rows whenever, and on whichever side, they are evaluated.

A dataset that is shuffled anew at every pass and then cut (`shuffle(...).take(...)`) validates on other rows each time:
its accuracies can't be held against each other. Called by the capture process when the data are cut.
"""

import hashlib
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.subject import as_float, parts, sketch

LOOKED_AT = 8
"""Batches of which two passes are held against each other: what is shuffled shows in the first ones."""
MOST_SKETCHED = 2**24
"""Numbers of an array at the most, of which a sketch is made."""
MOST_BYTES = 2**28
"""What is kept in memory of validation data at the most."""
ONCE = "Validation data from a generator is not evaluated."
TOO_LARGE = (
    "The validation data come in another order at every pass, and are too large to keep: where they are cut, the two "
    "accuracies are of different rows."
)


def steady(data: Any) -> tuple[Any, list[str]]:
    """Validation data as `fit` takes them; a dataset that gives other batches at a second pass is kept as it came, and
    what has no second pass is left out.

    Also what to note of it.
    """
    if hasattr(data, "__next__") and not hasattr(data, "__getitem__"):
        return None, [ONCE]
    if not isinstance(data, tf.data.Dataset) or int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        return data, []
    if digest(data) == digest(data):
        return data, []
    size = 0
    kept = data.cache()
    for batch in kept:
        size += sum(part.nbytes for part in parts(batch))
        if size > MOST_BYTES:
            return data, [TOO_LARGE]
    return kept, []


def digest(data: Any) -> str:
    """A hash of validation data: of arrays, or of the first batches of a dataset; empty for other kinds.

    float64 counts as the default float type, as which both Kerases take it.
    """
    if not (batches := _first(data)):
        return ""
    found = hashlib.blake2b(digest_size=12)
    for arrays in batches:
        for part in arrays:
            found.update(f"{part.dtype}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def sketched(data: Any) -> list[Any]:
    """What `digest` hashes in a few numbers a batch that round-off hardly changes; none of arrays that are large."""
    batches = _first(data)
    return [] if any(part.size > MOST_SKETCHED for arrays in batches for part in arrays) else list(map(sketch, batches))


def _first(data: Any) -> list[list[np.ndarray]]:
    if data is None or not isinstance(data, (tuple, tf.data.Dataset)):
        return []
    batches = islice(data, LOOKED_AT) if isinstance(data, tf.data.Dataset) else [data]
    return [parts(tf.nest.map_structure(as_float, batch)) for batch in batches]
