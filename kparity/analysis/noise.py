"""How far two arrays are apart, and how far round-off alone would take them.

In: arrays of the reference, of the candidate, and of the reference moved by one unit in the last place. Out: an error
with its measured floor. Called by observe and locate.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Gap:
    """A difference and its noise floor, both relative to the root mean square of the reference (dimensionless).

    `ratio` says how many times the floor the difference is: by root mean square or by the worst element, whichever
    says more.
    """

    error: float
    floor: float
    ratio: float


def gap(reference: np.ndarray, candidate: np.ndarray, moved: np.ndarray) -> Gap:
    """Compare equal-shaped arrays. `moved`: the reference's own result after one-ulp moves.

    The floor is never below half a unit in the last place of the array's own precision: a result that the moves leave
    untouched (an identity, a sum that cancels) may still be rounded once.
    """
    if not np.issubdtype(reference.dtype, np.floating):
        error = float(np.mean(reference != candidate)) if reference.size else 0.0
        floor = float(np.mean(reference != moved)) if reference.size else 0.0
        return Gap(error, floor, 0.0 if error <= floor else float("inf") if floor == 0 else error / floor)
    wide = reference.astype(np.float64)
    scale, peak = _rms(wide), _peak(wide)
    half_ulp = float(np.finfo(reference.dtype).eps) / 2
    ends = ~(np.isfinite(wide) & np.isfinite(candidate))
    if ends.any() and not np.array_equal(reference[ends], candidate[ends], equal_nan=True):
        return Gap(float("inf"), half_ulp, float("inf"))
    difference = _minus(candidate, wide)
    error, worst = _rms(difference), _peak(difference)
    if worst < np.finfo(reference.dtype).tiny:  # below the smallest normal number a kernel may give zero instead
        return Gap(0.0, half_ulp, 0.0)
    move = _minus(moved, wide)
    floor = max(half_ulp * scale, _rms(move))
    floor_worst = max(half_ulp * peak, _peak(move))
    if scale == 0.0:
        return Gap(float("inf"), half_ulp, float("inf") if floor == 0.0 else error / floor)
    return Gap(error / scale, floor / scale, max(error / floor, worst / floor_worst))


def _minus(a: np.ndarray, wide: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        return _finite(a - wide)


def _rms(wide: np.ndarray) -> float:
    flat = _finite(wide).reshape(-1)
    return float(np.sqrt(np.dot(flat, flat) / flat.size)) if flat.size else 0.0


def _peak(wide: np.ndarray) -> float:
    flat = np.nan_to_num(wide) if not np.isfinite(wide).all() else wide
    return float(max(np.max(flat, initial=0.0), -np.min(flat, initial=0.0)))


def _finite(wide: np.ndarray) -> np.ndarray:
    """Zero where a number is not finite."""
    finite = np.isfinite(wide)
    return wide if finite.all() else np.where(finite, wide, 0.0)
