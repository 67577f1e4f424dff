"""The equivalence test: what it says of known samples, how often it errs, and samples at its edges."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from kparity.analysis.equivalence import judge

SEEDS = 8


def answers(true: float, spread: float, margin: float = 0.01, trials: int = 400) -> dict[str, float]:
    """How often each answer is given when Keras 3 is `true` better, and results scatter by `spread` between seeds."""
    chance = np.random.default_rng(0)
    found = [
        judge(chance.normal(0.9, spread, SEEDS), chance.normal(0.9 + true, spread, SEEDS), margin).answer
        for _ in range(trials)
    ]
    return {name: found.count(name) / trials for name in ("equivalent", "different", "inconclusive")}


@pytest.mark.parametrize(
    ("true", "spread", "answer"),
    [(0.0, 0.002, "equivalent"), (0.05, 0.005, "different"), (-0.05, 0.005, "different"), (0.0, 0.05, "inconclusive")],
)
def test_a_clear_case_gets_its_answer(true: float, spread: float, answer: str) -> None:
    assert answers(true, spread)[answer] > 0.95


@pytest.mark.parametrize("spread", [0.001, 0.01, 0.1, 10.0])
def test_pairs_that_are_equal_are_hardly_ever_called_different(spread: float) -> None:
    assert answers(0.0, spread)["different"] <= 0.025


@pytest.mark.parametrize("spread", [0.001, 0.005, 0.02])
def test_a_difference_as_large_as_the_margin_is_called_equivalent_once_in_twenty_times_at_most(spread: float) -> None:
    assert answers(0.01, spread)["equivalent"] <= 0.08


def test_the_p_value_of_no_difference_is_that_of_the_paired_t_test() -> None:
    left, right = np.random.default_rng(1).normal(0.9, 0.01, (2, SEEDS))
    found = judge(left, right, 0.01)
    assert found.p_zero == pytest.approx(ttest_rel(right, left).pvalue)
    assert found.mean == pytest.approx((right - left).mean())
    assert found.low < found.mean < found.high


def test_the_interval_lies_within_the_margin_exactly_where_p_is_below_a_twentieth() -> None:
    chance = np.random.default_rng(2)
    seen = set()
    for _ in range(200):
        left, right = chance.normal(0.9, 0.008, (2, SEEDS))
        found = judge(left, right, 0.01)
        inside = found.low > -0.01 and found.high < 0.01
        assert inside == (found.p_equivalent < 0.05), found
        seen.add(inside)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("legacy", "keras3", "answer"),
    [
        ([1.0] * 4, [1.0] * 4, "equivalent"),
        ([1.0] * 4, [0.5] * 4, "different"),
        ([0.9], [0.9], "inconclusive"),
        ([], [], "inconclusive"),
        ([0.9, math.nan, 0.9], [0.9, 0.9, math.nan], "inconclusive"),
        ([0.9, math.nan, 0.9], [0.9, 0.9, 0.9], "equivalent"),
    ],
)
def test_samples_at_the_edge_have_an_answer(legacy: list[float], keras3: list[float], answer: str) -> None:
    assert judge(legacy, keras3, 0.01).answer == answer


def test_the_effect_is_the_difference_in_units_of_the_spread_between_seeds() -> None:
    left = np.random.default_rng(3).normal(0.8, 0.01, 200)
    assert judge(left, left + 0.02, 0.01).effect == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize(("legacy", "margin"), [([0.1, 0.2], 0.0), ([0.1, 0.2], -1.0), ([0.1], 0.01)])
def test_what_makes_no_sense_is_refused(legacy: list[float], margin: float) -> None:
    with pytest.raises(ValueError, match=r"margin|pairs"):
        judge(legacy, [0.1, 0.2], margin)
