"""Steps at which two training runs part suddenly.

In: each side's statistics of every step. Out: the steps worth a replay besides those chosen beforehand. Called by
compare after training. Round-off grows from step to step by a small factor; what starts in the middle of a training, a
schedule or a switch, multiplies the difference at once.
"""

from collections.abc import Collection, Sequence

import numpy as np

SUDDEN = 30.0
"""Growth of a difference within one step from which the step is replayed. A replay costs a second and blames nothing
by itself, so this is low; chaos on the fixtures multiplies differences by up to about 10 a step."""
VISIBLE = 1e-4
"""Relative difference under which a jump is not looked at: float32 round-off reaches 1e-5 in deep layers."""
MOST = 3


def apart(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Relative root-mean-square difference of the sampled elements, (steps, tensors), from two (steps, tensors, 1 +
    samples) arrays of `kparity.capture.train.statistics`."""
    scale = np.maximum(np.abs(left[:, :, 0]), np.finfo(np.float32).tiny)
    return np.sqrt(np.mean((left[:, :, 1:] - right[:, :, 1:]) ** 2, axis=2)) / scale


def sudden_steps(
    left: np.ndarray, right: np.ndarray, keys: tuple[Sequence[str], Sequence[str]], known: Collection[int]
) -> list[int]:
    """Up to MOST steps (1-based, ascending) at which an output or a loss parts suddenly, not near one in `known`."""
    places = {key: place for place, key in enumerate(keys[1])}
    shared = [
        (place, places[key])
        for place, key in enumerate(keys[0])
        if key in places and key.split("|")[0] in {"out", "total"}
    ]
    steps = min(len(left), len(right))
    if not shared or steps < 3:
        return []
    ours, theirs = (list(column) for column in zip(*shared, strict=True))
    gaps = np.nan_to_num(apart(left[:steps, ours].astype(float), right[:steps, theirs].astype(float)), posinf=1.0)
    before = np.maximum(np.maximum(gaps[1:-1], gaps[:-2]), VISIBLE / SUDDEN)
    growth = np.where(gaps[2:] > VISIBLE, gaps[2:] / before, 0.0).max(axis=1)
    found = [int(place) + 3 for place in np.argsort(-growth)[: 4 * MOST] if growth[place] >= SUDDEN]
    picked: list[int] = []
    for step in found:
        if all(abs(step - other) > 1 for other in picked) and step not in known:
            picked.append(step)
    return sorted(picked[:MOST])
