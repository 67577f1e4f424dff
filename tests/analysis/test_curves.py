"""Curves: smoothing, the noise band and the accuracy at the end, on curves whose answer is known."""

import numpy as np
import pytest

from kparity.analysis.curves import (
    ROUND_OFF,
    accuracy,
    as_curve,
    final_accuracy,
    fraction_inside,
    noise_band,
    smooth,
    window_for,
)
from kparity.analysis.metrics import higher_is_better


def runs(seed: int, steps: int = 500, drift: float = 0.0) -> list[np.ndarray]:
    """Reference, one-ulp rerun and Keras 3: the same batch noise, and each its own chaos from a tenth of the way on."""
    rng = np.random.default_rng(seed)
    step = np.arange(steps)
    course = 0.8 * (1 - np.exp(-step / 100)) + rng.normal(0, 0.03, steps)
    apart = np.minimum(0.01, 1e-7 * np.exp(step / 4))
    wander = [course + apart * rng.normal(size=steps) for _ in range(3)]
    wander[2] = wander[2] - drift * step / steps
    return wander


@pytest.mark.parametrize(("steps", "window"), [(0, 1), (10, 1), (49, 1), (50, 3), (500, 21), (2000, 51), (10**6, 51)])
def test_the_window_is_odd_and_grows_with_the_curve(steps: int, window: int) -> None:
    assert window_for(steps) == window


def test_smoothing_is_a_centred_mean_that_shrinks_at_its_ends() -> None:
    assert smooth([1, 2, 6, 4], 3) == pytest.approx([1.5, 3, 4, 5])
    assert smooth([1, 2, 6, 4], 1) == pytest.approx([1, 2, 6, 4])
    assert smooth(np.arange(100.0), 21)[10:-10] == pytest.approx(np.arange(100.0)[10:-10])
    assert smooth([], 5).size == 0


def test_steps_without_a_number_do_not_count_and_stay_without() -> None:
    assert smooth([1, None, 3, np.inf, 5], 3) == pytest.approx([1, np.nan, 3, np.nan, 5], nan_ok=True)
    assert as_curve([None, 1]).dtype == np.float64


def test_one_huge_number_spoils_its_own_window_alone() -> None:
    curve = np.full(100, 0.5)
    curve[10] = 1e30
    assert smooth(curve, 5)[13:] == pytest.approx(np.full(87, 0.5))


def test_the_band_never_narrows_and_holds_both_runs_that_made_it() -> None:
    reference, rerun, _ = runs(0)
    band = noise_band(reference, rerun)
    half = (band.high - band.low) / 2
    assert (np.diff(half) >= -2 * ROUND_OFF).all()
    assert band.window == 21
    assert fraction_inside(reference, band) == 1.0
    assert fraction_inside(rerun, band) == 1.0


def test_two_runs_that_meet_again_by_chance_are_still_apart() -> None:
    reference = np.zeros(10)
    rerun = np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 0.0])
    band = noise_band(reference, rerun, window=1)
    assert band.high.tolist() == [0, 0, *[2] * 8]
    assert band.low.tolist() == [0, 0, *[-2] * 8]


def test_equal_runs_leave_a_band_of_round_off() -> None:
    curve = np.full(100, 2.5)
    band = noise_band(curve, curve)
    assert band.high - curve == pytest.approx(np.full(100, 2.5 * ROUND_OFF))
    assert fraction_inside(curve * (1 + 2.0**-23), band) == 1.0
    assert fraction_inside(curve * (1 + 2.0**-16), band) == 0.0


def test_noise_alone_stays_in_the_band_and_drift_leaves_it() -> None:
    inside = [fraction_inside(keras3, noise_band(a, b)) for a, b, keras3 in map(runs, range(40))]
    assert np.mean(inside) > 0.94, inside
    drifted = [fraction_inside(c, noise_band(a, b)) for a, b, c in (runs(s, drift=0.08) for s in range(40))]
    assert max(drifted) < 0.8, drifted


def test_a_side_that_went_to_nan_is_outside_from_there() -> None:
    reference = np.ones(10)
    broken = np.array([1.0] * 6 + [np.nan] * 4)
    assert fraction_inside(broken, noise_band(reference, reference)) == 0.6
    assert fraction_inside(reference, noise_band(broken, broken)) == 1.0
    assert np.isnan(fraction_inside(reference, noise_band(np.full(10, np.nan), reference)))


def test_curves_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="3 steps, its rerun 2"):
        noise_band([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="2 steps, the band 3"):
        fraction_inside([1, 2], noise_band([1, 2, 3], [1, 2, 3]))


@pytest.mark.parametrize(
    ("curve", "final"),
    [
        ([0.5], 0.5),
        ([0.0] * 90 + [1.0] * 10, 1.0),
        ([0.0] * 10 + [1.0] * 9, 0.9),
        ([0.0] * 950 + [1.0] * 50, 1.0),
        ([0.0] * 95 + [1.0, None, 1.0, np.nan, 1.0], 3 / 8),
        ([], np.nan),
        ([1.0] * 90 + [np.nan] * 10, np.nan),
    ],
)
def test_the_final_accuracy_is_the_mean_of_the_last_twentieth_and_at_least_ten(curve: list, final: float) -> None:
    assert final_accuracy(curve) == pytest.approx(final, nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("accuracy", True),
        ("val_sparse_categorical_accuracy", True),
        ("acc", True),
        ("auc_1", True),
        ("loss", False),
        ("val_loss", False),
        ("accuracy_loss", False),
        ("mean_absolute_error", False),
        ("rmse", False),
        ("lr", None),
    ],
)
def test_a_metrics_name_says_which_way_is_better(metric: str, better: bool | None) -> None:
    assert higher_is_better(metric) is better


def test_the_accuracy_of_a_verdict_prefers_validation_and_takes_its_last_number() -> None:
    reference, rerun, keras3 = (curve.tolist() for curve in runs(0, drift=0.1))
    batch = {"legacy": reference, "keras3": keras3, "noise": rerun}
    ends = {"legacy": [None, 0.5, None, 0.61], "keras3": [None, 0.4, None, 0.60], "noise": [None, 0.51, None, 0.6]}
    got = accuracy({"loss": batch, "accuracy": batch, "val_accuracy": ends})
    assert got is not None
    assert got["metric"] == "val_accuracy"
    assert got["difference"] == pytest.approx(-0.01)
    assert got["noise"] == pytest.approx(0.01)
    single = {side: [*[None] * 499, 0.6] for side in batch}
    got = accuracy({"accuracy": batch, "val_accuracy": single})
    assert got is not None
    assert 0.001 < got["noise"] < 0.01, "two single numbers that are equal by luck don't make a noise of zero"
    assert got == accuracy({"accuracy": batch, "val_accuracy": single | {"noise": [None] * 500}})
    got = accuracy({"loss": batch, "accuracy": batch})
    assert got is not None
    assert got["metric"] == "accuracy"
    assert got["legacy"] == pytest.approx(final_accuracy(reference))
    assert -0.11 < got["difference"] < -0.08
    assert 0.001 < got["noise"] < 0.01


def test_without_an_accuracy_there_is_none() -> None:
    nan = [np.nan] * 3
    assert accuracy({}) is None
    assert accuracy({"loss": {"legacy": [1, 2], "keras3": [1, 2], "noise": [1, 2]}}) is None
    assert accuracy({"accuracy": {"legacy": [1, 2, 3], "keras3": nan, "noise": nan}}) is None


def test_a_run_without_a_rerun_has_an_accuracy_of_unknown_noise() -> None:
    got = accuracy({"accuracy": {"legacy": [0.5] * 20, "keras3": [0.4] * 20}})
    assert got is not None
    assert got["difference"] == pytest.approx(-0.1)
    assert np.isnan(got["noise"])
