"""Steps that are replayed because the runs part at them, from statistics made by hand."""

import numpy as np
import pytest

from kparity.analysis.onset import lasting, parted_at_once, parting_steps, sudden_steps
from kparity.trace import SAMPLES

KEYS = ["out|dense|0", "var|dense:kernel|0", "grad|dense:kernel|0"]


def run(steps: int, *gaps: tuple[str, int, float], seed: int = 0, noise: float = 0.0) -> np.ndarray:
    """Statistics of a training in which each (key, step, size) moves a tensor away from that step on."""
    stats = np.ones((steps, len(KEYS), 1 + SAMPLES), np.float32)
    if noise:
        stats += noise * np.random.default_rng(seed).standard_normal(stats.shape).astype(np.float32)
    for key, step, size in gaps:
        stats[step - 1 :, KEYS.index(key), 1:] += np.float32(size)
    return stats


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([], []),
        ([("out|dense|0", 12, 1e-3)], [12]),
        ([("var|dense:kernel|0", 11, 1e-3), ("out|dense|0", 12, 1e-3)], [11]),
        ([("out|dense|0", 12, 1e-5)], []),
        ([("grad|dense:kernel|0", 12, 1e-3)], []),
        ([("out|dense|0", 10, 1e-3)], []),
    ],
)
def test_a_step_at_which_an_output_or_a_weight_jumps_is_sudden(
    gaps: list[tuple[str, int, float]], expected: list[int]
) -> None:
    assert sudden_steps(run(20), run(20, *gaps), (KEYS, KEYS), [1, 2, 5, 10, 20]) == expected


@pytest.mark.parametrize(
    ("size", "noise", "expected"), [(1e-5, 1e-7, [11]), (1e-5, 1e-4, []), (1e-3, 1e-4, [11]), (0.0, 1e-4, [])]
)
def test_a_step_at_which_the_runs_leave_the_noise_is_a_parting_one(
    size: float, noise: float, expected: list[int]
) -> None:
    left = run(20)
    right = run(20, ("var|dense:kernel|0", 11, size), noise=noise, seed=1)
    rerun = run(20, noise=noise, seed=2)
    assert parting_steps([left, right, rerun], [KEYS] * 3, [1, 2, 5, 10, 20]) == expected


@pytest.mark.parametrize(("gap", "expected"), [(0.0, [11]), (1e-3, [])])
def test_runs_that_a_known_cause_parts_do_not_part_anew(gap: float, expected: list[int]) -> None:
    left, rerun = run(20), run(20, noise=1e-6, seed=2)
    right = run(20, ("out|dense|0", 1, gap), ("var|dense:kernel|0", 11, 20 * gap or 1e-3), noise=1e-6, seed=1)
    assert parting_steps([left, right, rerun], [KEYS] * 3, [1, 2, 5, 10, 20], explained=True) == expected


@pytest.mark.parametrize(("size", "expected"), [(1e-3, [11]), (0.0, [])])
def test_a_rerun_that_was_ended_early_hides_no_later_step(size: float, expected: list[int]) -> None:
    right = run(20, ("var|dense:kernel|0", 11, size), noise=1e-5, seed=1)
    rerun = run(20, noise=1e-5, seed=2)[:6]
    assert parting_steps([run(20), right, rerun], [KEYS] * 3, [1, 2, 5, 10, 20]) == expected


def test_noise_that_was_not_measured_is_the_largest_that_was() -> None:
    floor = np.array([[1.0, 5.0], [3.0, np.nan]])
    assert lasting(floor, 2) is not floor
    np.testing.assert_array_equal(lasting(floor, 4), [[1, 5], [3, np.nan], [3, 5], [3, 5]])


@pytest.mark.parametrize(("size", "expected"), [(1e-4, ["out|dense|0"]), (1e-6, [])])
def test_what_is_apart_at_once_is_further_than_noise_in_the_first_step(size: float, expected: list[str]) -> None:
    left, noise = run(20), run(20, ("out|dense|0", 1, 1e-6), ("var|dense:kernel|0", 1, 1e-2))
    other = run(20, ("out|dense|0", 1, size), ("var|dense:kernel|0", 1, 1e-2), ("grad|dense:kernel|0", 2, 1.0))
    assert list(parted_at_once((left, other, noise), (KEYS, KEYS, KEYS), 20.0)) == expected
