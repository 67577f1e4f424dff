"""Whether two ways of training end equally well: an equivalence test on results that are paired by seed.

In: one final number a seed and side. Out: a three-valued answer with its interval, p-values and effect size. Called by
`kparity compare --natural`. NumPy and SciPy.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

ALPHA = 0.05
"""Of each of the two one-sided tests, as is usual (Schuirmann 1987): equivalent means that the 90 % interval of the
mean difference lies within the margin."""

ALPHA_DIFFERENT = 0.01
"""Different means that the 99 % interval lies beyond the margin: where results scatter far more than the margin, pairs
that are equal look so once in a hundred times, and not once in ten as the 90 % interval would."""


@dataclass(frozen=True)
class Answer:
    """`answer`: equivalent, different or inconclusive. `mean` is keras3 - legacy, in the units of the metric.

    `low`, `high`: the 90 % interval of the mean; `p_equivalent`: the larger p of the two one-sided tests; `p_zero`: of
    the paired t-test against no difference at all; `effect`: the mean in units of the spread between seeds (Cohen's d
    with Hedges' correction for few seeds). What can't be known from so few seeds is NaN.
    """

    answer: str
    seeds: int
    margin: float
    mean: float
    low: float
    high: float
    p_equivalent: float
    p_zero: float
    effect: float


def judge(legacy: ArrayLike, keras3: ArrayLike, margin: float) -> Answer:
    """Hold the mean of the differences against ±`margin`, in the units of the numbers.

    `legacy`, `keras3`: (seeds,), paired. Pairs with a number that isn't finite are left out. Differences without any
    spread (all accuracies 1) are known exactly. Raises ValueError for a margin that is not above zero, or lengths that
    differ.
    """
    if not margin > 0:
        raise ValueError(f"the margin must be above zero, not {margin:g}")
    left, right = np.asarray(legacy, dtype=np.float64), np.asarray(keras3, dtype=np.float64)
    if left.shape != right.shape:
        raise ValueError(f"{left.size} results of Keras 2 and {right.size} of Keras 3 make no pairs")
    known = np.isfinite(left) & np.isfinite(right)
    left, right = left[known], right[known]
    apart, count = right - left, int(known.sum())
    if count < 2:
        nan = math.nan
        mean = float(apart[0]) if count else nan
        return Answer("inconclusive", count, margin, mean, nan, nan, nan, nan, nan)
    mean, error = float(apart.mean()), float(apart.std(ddof=1)) / math.sqrt(count)
    low, high = _interval(mean, error, count, 1 - 2 * ALPHA)
    outer_low, outer_high = _interval(mean, error, count, 1 - ALPHA_DIFFERENT)
    if -margin < low and high < margin:
        answer = "equivalent"
    elif outer_low > margin or outer_high < -margin:
        answer = "different"
    else:
        answer = "inconclusive"
    p_low, p_high, p_zero = _p_values(apart, margin)
    spread = math.sqrt((left.var(ddof=1) + right.var(ddof=1)) / 2)
    hedges = 1 - 3 / (8 * (count - 1) - 1)
    effect = hedges * mean / spread if spread else (0.0 if mean == 0 else math.copysign(math.inf, mean))
    return Answer(answer, count, margin, mean, low, high, max(p_low, p_high), p_zero, effect)


def _interval(mean: float, error: float, count: int, confidence: float) -> tuple[float, float]:
    from scipy.stats import t

    half = float(t.ppf((1 + confidence) / 2, count - 1)) * error
    return mean - half, mean + half


def _p_values(apart: np.ndarray, margin: float) -> tuple[float, float, float]:
    """Of: not above -margin, not below +margin, and no difference."""
    if np.ptp(apart) == 0:
        mean = float(apart[0])
        return float(mean <= -margin), float(mean >= margin), float(mean == 0)
    from scipy.stats import ttest_1samp

    above = ttest_1samp(apart, -margin, alternative="greater").pvalue
    below = ttest_1samp(apart, margin, alternative="less").pvalue
    return float(above), float(below), float(ttest_1samp(apart, 0.0).pvalue)
