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
PARTING = 5.0
"""Growth, within one step, of a difference in units of the noise from which the step is replayed where nothing else
shows. Low, because a replay blames nothing by itself."""
TOGETHER = 20.0
"""Times the noise up to which two runs count as the same run: as much as a replay's array may be off."""
MOST = 3
FOLLOWED = {"out", "total", "var"}
"""Kinds of tensor in which a step shows that it is not like the others: weights, where only the update is."""


def apart(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Relative root-mean-square difference of the sampled elements, (steps, tensors), from two (steps, tensors, 1 +
    samples) arrays of `kparity.capture.train.statistics`."""
    scale = np.maximum(np.abs(left[:, :, 0]), np.finfo(np.float32).tiny)
    with np.errstate(invalid="ignore"):  # gradients of a loss scaled too far are infinite, on both sides
        return np.sqrt(np.mean((left[:, :, 1:] - right[:, :, 1:]) ** 2, axis=2)) / scale


def sudden_steps(
    left: np.ndarray, right: np.ndarray, keys: tuple[Sequence[str], Sequence[str]], known: Collection[int]
) -> list[int]:
    """Up to MOST steps (1-based, ascending) at which an output, a loss or a weight parts suddenly, not in `known`."""
    shared = _shared(*keys)
    steps = min(len(left), len(right))
    if not shared or steps < 3:
        return []
    ours, theirs = (list(column) for column in zip(*shared, strict=True))
    gaps = np.nan_to_num(apart(left[:steps, ours].astype(float), right[:steps, theirs].astype(float)), posinf=1.0)
    before = np.maximum(np.maximum(gaps[1:-1], gaps[:-2]), VISIBLE / SUDDEN)
    growth = np.where(gaps[2:] > VISIBLE, gaps[2:] / before, 0.0).max(axis=1)
    return _picked(growth, 3, SUDDEN, known)


def parting_steps(
    stats: Sequence[np.ndarray], keys: Sequence[Sequence[str]], known: Collection[int], explained: bool = False
) -> list[int]:
    """Up to MOST steps at which the candidate leaves the noise around the reference.

    `stats`, `keys`: of the reference, the candidate and the reference's rerun one ulp away. What happens at one step
    only is small beside what `sudden_steps` sees. `explained`: whether a cause is known that may part the runs; then a
    step counts where they were TOGETHER up to it, as where that cause is of a metric or of an average of the weights.
    """
    steps = min(map(len, stats[:2]))
    known_to_all = [key for key in keys[0] if key in set(keys[1]) & set(keys[2]) and key.split("|")[0] in FOLLOWED]
    if not known_to_all or steps < 2:
        return []
    columns = [[own.index(key) for key in known_to_all] for own in map(list, keys)]
    left, right, rerun = (one[:steps, places].astype(float) for one, places in zip(stats, columns, strict=True))
    gaps, noise = (np.nan_to_num(apart(left[: len(other)], other), posinf=1.0) for other in (right, rerun))
    noise = np.maximum(np.maximum.accumulate(lasting(noise, steps), axis=0), np.finfo(np.float32).eps)
    ratios = (gaps / noise).max(axis=1)
    before = np.maximum(np.maximum.accumulate(ratios)[:-1], 1.0)
    growth = ratios[1:] / before
    if explained:
        growth = np.where(before <= TOGETHER, growth, 0.0)
    return _picked(growth, 2, PARTING, known)


def parted_at_once(stats: Sequence[np.ndarray], keys: Sequence[Sequence[str]], floors: float) -> dict[str, float]:
    """Key -> relative difference, in recorded order, of what is further apart in the compiled first step than `floors`
    times the noise. `stats`, `keys` as in `parting_steps`."""
    shared = set(keys[1]) & set(keys[2])
    known = [key for key in keys[0] if key in shared]
    columns = [[own.index(key) for key in known] for own in map(list, keys)]
    left, right, rerun = (one[:1, places].astype(float) for one, places in zip(stats, columns, strict=True))
    gaps, noise = (np.nan_to_num(apart(left, other)[0], posinf=1.0) for other in (right, rerun))
    return {key: float(gap) for key, gap, floor in zip(known, gaps, noise, strict=True) if gap > floors * floor}


def lasting(noise: np.ndarray, steps: int) -> np.ndarray:
    """Noise, (steps that were measured, tensors), for `steps` steps: after the last of them the largest there was."""
    missing = max(steps - len(noise), 0)
    return np.vstack([noise, np.repeat(np.fmax.reduce(noise, axis=0, keepdims=True), missing, axis=0)])


def _shared(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    places = {key: place for place, key in enumerate(right)}
    kinds = [key.split("|")[0] for key in left]
    return [(i, places[key]) for i, key in enumerate(left) if key in places and kinds[i] in FOLLOWED]


def _picked(growth: np.ndarray, first: int, least: float, known: Collection[int]) -> list[int]:
    """The steps of the largest growth, of several in a row the first; `first` is the step of the first number."""
    picked: list[int] = []
    for place in np.argsort(-growth)[: 4 * MOST]:
        begins = int(place)
        while begins > 0 and growth[begins - 1] >= least:
            begins -= 1
        step = begins + first
        if growth[place] >= least and all(abs(step - other) > 1 for other in picked) and step not in known:
            picked.append(step)
    return sorted(picked[:MOST])
