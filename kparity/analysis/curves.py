"""Curves of a training run: smoothing, the noise band around the reference, and the accuracy at the end.

In: curves as the recorder wrote them, one number a step. Out: bands, fractions and final numbers. `compare` calls this
for its verdict and the HTML report for its plots. NumPy only. A step that has no number is NaN (or None) and never
counts: validation metrics, which have a number only at the end of an epoch, pass through the same functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kparity.analysis.metrics import MONITORED, higher_is_better

Curve = NDArray[np.float64]

MARGIN = 2.0
"""How many times the envelope the band is wide: a rerun is one sample of the noise, and the next may be larger. With
Gaussian differences a curve of 20 independent points leaves twice the running maximum of another at 3 % of them;
once the maximum at 13 %."""

ROUND_OFF = 8 * 2.0**-23
"""The band is never narrower than this part of the reference: a mean over a float32 batch is not known better."""


@dataclass(frozen=True)
class Band:
    """Where a curve may run without being different: `low` to `high` around `center`, each of shape (steps,).

    All three are in the units of the curve and smoothed over `window` steps; NaN where the reference has no number.
    """

    low: Curve
    high: Curve
    center: Curve
    window: int


def as_curve(values: ArrayLike | Sequence[float | None]) -> Curve:
    """`values` as float64 of shape (steps,): None becomes NaN, and so do the infinities, which no mean survives."""
    curve = np.array(values, dtype=np.float64).reshape(-1)
    curve[~np.isfinite(curve)] = np.nan
    return curve


def window_for(steps: int) -> int:
    """How many steps to smooth over so that batch noise goes and the course of training stays: odd, 1 to 51.

    A twenty-fifth of the curve; a curve of fewer than 50 numbers, such as one number an epoch, is left as it is.
    """
    return 1 if steps < 50 else min(51, steps // 25 | 1)


def smooth(curve: ArrayLike, window: int) -> Curve:
    """The centred moving mean over `window` steps, shape (steps,). NaN steps don't count and stay NaN.

    At both ends the window shrinks on its outer side alone, so that a steep start is not flattened by what follows
    further away than half a window.
    """
    values = as_curve(curve)
    if window <= 1 or not values.size:
        return values
    known = np.isfinite(values)
    # Not by running sums: after one number of 1e30, as a diverging loss has, they have forgotten all the others.
    inside = slice(window // 2, window // 2 + values.size)
    sums = np.convolve(np.where(known, values, 0.0), np.ones(window))[inside]
    counts = np.convolve(known, np.ones(window))[inside]
    mean = sums / np.maximum(counts, 1)
    return np.where(known, mean, np.nan)


def noise_band(reference: ArrayLike, rerun: ArrayLike, window: int | None = None) -> Band:
    """The band around `reference` that `rerun`, the same training from weights moved by one ulp, shows to be noise.

    Both have shape (steps,) and the metric's own units. Half the width is MARGIN times the running maximum over steps
    of |smooth(reference) - smooth(rerun)|: a maximum because chaos does not un-happen, two runs that meet again by
    chance are still two runs. `window` is in steps; without it, window_for the number of steps that have a number.

    Raises ValueError when the shapes differ.
    """
    center, other = as_curve(reference), as_curve(rerun)
    if center.shape != other.shape:
        raise ValueError(f"reference has {center.size} steps, its rerun {other.size}")
    width = window_for(int(np.isfinite(center).sum())) if window is None else window
    center, other = smooth(center, width), smooth(other, width)
    apart = np.nan_to_num(np.abs(center - other), nan=0.0)
    widest = np.maximum.accumulate(apart) if apart.size else apart
    half = np.maximum(MARGIN * widest, ROUND_OFF * np.abs(center))
    return Band(center - half, center + half, center, width)


def fraction_inside(curve: ArrayLike, band: Band) -> float:
    """The part (0 to 1) of the band's steps at which `curve`, shape (steps,), smoothed like the band, stays inside.

    A step at which the reference has a number and `curve` has none counts as outside: that is how a side that went to
    NaN looks. NaN when the band has no number at all. Raises ValueError when the number of steps differs.
    """
    values = smooth(curve, band.window)
    if values.shape != band.center.shape:
        raise ValueError(f"the curve has {values.size} steps, the band {band.center.size}")
    judged = np.isfinite(band.center)
    inside = (values >= band.low) & (values <= band.high)
    return float(inside[judged].mean()) if judged.any() else float("nan")


def tail(steps: int) -> int:
    """How many steps make up the end of a curve of `steps` numbers: the last 5 %, at least 10, at most all."""
    return min(steps, max(10, -(-steps // 20)))


def final_accuracy(curve: ArrayLike) -> float:
    """The accuracy at the end of a batch curve of shape (steps,): the mean of its last max(10, 5 %) steps.

    For a run without a validation metric, whose last batch alone says little. NaN steps among them don't count; NaN
    when all are.
    """
    values = as_curve(curve)
    end = values[values.size - tail(values.size) :]
    end = end[np.isfinite(end)]
    return float(end.mean()) if end.size else float("nan")


def accuracy(metrics: Mapping[str, Mapping[str, ArrayLike]]) -> dict[str, str | float] | None:
    """The `accuracy` entry of verdict.json from its `curves.metrics`; None when nothing there is an accuracy.

    A validation metric goes before a batch metric, and MONITORED says which of several. Of a validation metric the
    last number counts, which is a mean over the whole validation set; of a batch metric final_accuracy. `noise` is the
    largest such difference of the reference from its one-ulp rerun over the second half of training: the difference
    at the end alone is one sample, and may be zero by luck. For the same reason a validation metric, of which a run
    may have a single number, is held for no less noisy than the batch metric of its name.
    """
    known = [name for name in metrics if higher_is_better(name)]
    rank = {part: place for place, part in enumerate(MONITORED)}
    known.sort(key=lambda name: (not name.startswith("val_"), min(rank[p] for p in MONITORED if p in name.lower())))
    for name in known:
        sides = {side: as_curve(metrics[name].get(side, [])) for side in ("legacy", "keras3", "noise")}
        validation = name.startswith("val_")
        legacy, keras3 = (_final(sides[side], validation) for side in ("legacy", "keras3"))
        if not np.isfinite([legacy, keras3]).all():
            continue
        noises = [_final_noise(sides["legacy"], sides["noise"], validation)]
        if validation and (batch := metrics.get(name.removeprefix("val_"))):
            noises.append(_final_noise(as_curve(batch.get("legacy", [])), as_curve(batch.get("noise", [])), False))
        noise = max((one for one in noises if np.isfinite(one)), default=float("nan"))
        return {"metric": name, "legacy": legacy, "keras3": keras3, "difference": keras3 - legacy, "noise": noise}
    return None


def _final(curve: Curve, validation: bool) -> float:
    known = curve[np.isfinite(curve)]
    if validation:
        return float(known[-1]) if known.size else float("nan")
    return final_accuracy(curve)


def _final_noise(reference: Curve, rerun: Curve, validation: bool) -> float:
    if reference.shape != rerun.shape:
        return float("nan")
    apart = reference - rerun
    apart = apart[np.isfinite(apart)]
    if not apart.size:
        return float("nan")
    length = 1 if validation else tail(apart.size)
    means = np.convolve(apart, np.full(length, 1 / length), mode="valid")
    return float(np.abs(means[len(means) // 2 :]).max())
