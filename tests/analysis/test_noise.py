"""The gap between two arrays and its floor: equal is nothing, one ulp is the floor, a fault is far above it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kparity.analysis.noise import gap

HALF_ULP = float(np.finfo(np.float32).eps) / 2

anything = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_side=4), elements=st.floats(width=32))
finite = hnp.arrays(
    np.float32,
    st.integers(1, 30),
    elements=st.floats(2**-20, 2**20, width=32) | st.floats(-(2**20), -(2**-20), width=32),
)


@given(anything, anything)
def test_equal_arrays_have_no_gap_whatever_is_in_them(array: np.ndarray, moved: np.ndarray) -> None:
    moved = moved if moved.shape == array.shape else array
    seen = gap(array, array.copy(), moved)
    assert (seen.error, seen.ratio) == (0.0, 0.0)
    assert np.isfinite(seen.floor)


@given(finite)
def test_one_ulp_everywhere_is_at_most_two_floors(array: np.ndarray) -> None:
    candidate = np.nextafter(array, np.float32(np.inf), dtype=np.float32)
    seen = gap(array, candidate, array)
    assert 0 < seen.ratio <= 2.0
    assert seen.error <= 2 * HALF_ULP


@given(finite, st.floats(1e-3, 0.5))
def test_a_scaled_array_is_as_far_as_the_factor_and_far_above_the_floor(array: np.ndarray, part: float) -> None:
    seen = gap(array, (array * np.float32(1 + part)).astype(np.float32), array)
    assert seen.error == pytest.approx(part, rel=1e-3)
    assert seen.ratio > 1000
    assert seen.floor == pytest.approx(HALF_ULP)


@given(finite, st.integers(-8, 8))
def test_the_gap_does_not_depend_on_the_unit(array: np.ndarray, power: int) -> None:
    unit = np.float32(2.0**power)
    candidate, moved = array * np.float32(1.01), np.nextafter(array, np.float32(0))
    a, b = gap(array, candidate, moved), gap(array * unit, candidate * unit, moved * unit)
    assert b.error == pytest.approx(a.error, rel=1e-6)
    assert b.ratio == pytest.approx(a.ratio, rel=1e-6)


def test_the_measured_floor_forgives_what_round_off_does_and_no_more() -> None:
    reference = np.ones(1000, np.float32)
    moved = reference + np.float32(1e-4)
    assert gap(reference, reference + np.float32(1e-4), moved).ratio == pytest.approx(1.0, rel=1e-3)
    assert gap(reference, reference + np.float32(1e-2), moved).ratio == pytest.approx(100.0, rel=1e-2)


def test_one_wrong_element_in_a_million_counts_by_its_own_size() -> None:
    reference = np.random.default_rng(0).normal(size=10**6).astype(np.float32)
    candidate = reference.copy()
    candidate[123456] += 1e-3
    seen = gap(reference, candidate, reference)
    assert seen.error < 1e-5
    assert seen.ratio > 1000


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_finite_on_one_side_only_is_infinitely_far(bad: float) -> None:
    reference = np.ones(4, np.float32)
    candidate = reference.copy()
    candidate[2] = bad
    assert gap(reference, candidate, reference).ratio == np.inf
    assert gap(candidate, reference, candidate).ratio == np.inf
    assert gap(candidate, candidate, candidate).ratio == 0.0


def test_opposite_infinities_are_not_equal() -> None:
    up, down = np.array([np.inf, 1], np.float32), np.array([-np.inf, 1], np.float32)
    assert gap(up, down, up).ratio == np.inf


def test_something_where_the_reference_is_all_zero_is_infinitely_far() -> None:
    zeros = np.zeros(4, np.float32)
    assert gap(zeros, zeros + np.float32(1e-30), zeros).ratio == np.inf
    assert gap(zeros, -zeros, zeros).ratio == 0.0


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "bool"])
def test_empty_arrays_are_equal(shape: tuple[int, ...], dtype: str) -> None:
    array = np.zeros(shape, dtype)
    assert gap(array, array, array).ratio == 0.0


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_floor_is_that_of_the_arrays_own_precision(dtype: str) -> None:
    reference = np.linspace(1, 2, 50).astype(dtype)
    assert gap(reference, reference * 2, reference).floor == pytest.approx(float(np.finfo(dtype).eps) / 2)


def test_counts_and_masks_are_compared_element_by_element() -> None:
    reference = np.array([True, True, False, False])
    one_off = np.array([True, True, True, False])
    seen = gap(reference, one_off, reference)
    assert (seen.error, seen.ratio) == (0.25, np.inf)
    assert gap(reference, one_off, one_off).ratio == 0.0


def test_less_than_the_smallest_normal_number_is_nothing() -> None:
    """Some kernels give zero there, and a bias moved by one unit in the last place begins there."""
    zeros = np.zeros(4, np.float32)
    assert gap(zeros, zeros + np.float32(1e-45), zeros).ratio == 0.0
