"""Files of arrays that are written and read one by one."""

from pathlib import Path

import numpy as np
import pytest

from kparity import trace

ARRAYS = {
    "a matrix": np.arange(6.0).reshape(2, 3),
    "the same again": np.arange(6.0).reshape(2, 3),
    "the same numbers in another type": np.arange(6.0, dtype=np.float32).reshape(2, 3),
    "the same numbers in another shape": np.arange(6.0),
    "by columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "every other element": np.arange(12)[::2],
    "nothing": np.zeros((0, 3), np.int64),
    "a number": np.float32(3.5),
    "half": np.array([1.5, -0.0, np.nan, np.inf], np.float16),
    "a mask": np.array([[True], [False]]),
    "bytes": np.array([7, 255], np.uint8),
    "pairs": np.array([1 + 2j], np.complex64),
    "text": np.array([[b"ab", b"c"], [b"", b"def"]]),
    "no text": np.zeros((2, 0), "S3"),
}


def write(path: Path, arrays: dict[str, np.ndarray], **more: int) -> None:
    with trace.Writer(path, **more) as writer:
        for name, array in arrays.items():
            writer.add(name, array)


@pytest.mark.parametrize("room", [8, 1 << 18], ids=["a header longer than its room", "a header with room"])
def test_arrays_come_back_as_they_were(tmp_path: Path, room: int) -> None:
    write(tmp_path / "x", ARRAYS, room=room)
    reader = trace.Reader(tmp_path / "x")
    assert set(reader) == set(ARRAYS)
    for name, array in ARRAYS.items():
        found = reader[name]
        assert (found.dtype, found.shape) == (array.dtype, array.shape), name
        assert found.tobytes() == array.tobytes(), name


def test_what_is_equal_bit_for_bit_is_written_once(tmp_path: Path) -> None:
    large = np.random.default_rng(0).standard_normal(100_000)
    other = large.copy()
    other[50_001] = np.nextafter(other[50_001], 1.0)
    write(tmp_path / "x", {"out": large, "in": large.copy()})
    write(tmp_path / "y", {"out": large, "in": other})
    once, twice = (tmp_path / "x").stat().st_size, (tmp_path / "y").stat().st_size
    assert twice - once == pytest.approx(large.nbytes, abs=200)
    assert trace.Reader(tmp_path / "y")["in"][50_001] == other[50_001]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write(tmp_path / "x", {"first": np.ones(3)})
    with pytest.raises(KeyError):
        write(tmp_path / "x", {"second": np.ones(3), "a day": np.array(["2024-02-29"], "datetime64[D]")})
    assert [file.name for file in tmp_path.iterdir()] == ["x"]
    assert list(trace.Reader(tmp_path / "x")) == ["first"]


def test_arrays_are_thinned_to_a_bound_alike_on_all_sides_and_small_ones_stay() -> None:
    rng = np.random.default_rng(0)
    left = {"large": rng.standard_normal((300, 1000)), "middle": rng.standard_normal(20_000), "small": np.ones((2, 3))}
    right = {"large": left["large"] + 1, "small": np.zeros((2, 3))}
    ours, theirs = trace.bounded((left, right), 500_000)
    assert sum(array.nbytes for side in (ours, theirs) for array in side.values()) <= 500_000
    assert np.allclose(theirs["large"] - ours["large"], 1.0)
    assert ours["small"].shape == (2, 3)
    assert len(ours["large"]) > 10_000
    assert all(
        np.array_equal(a, b) for a, b in zip(trace.bounded((left,), 10**9)[0].values(), left.values(), strict=True)
    )


def test_of_what_is_written_twice_the_last_counts_and_what_was_equal_to_the_first_stays(tmp_path: Path) -> None:
    first, last = np.arange(1000.0), np.arange(1000.0) + 1
    with trace.Writer(tmp_path / "x") as writer:
        for name, array in (("in", first), ("out", first), ("in", last), ("next", last), ("next", first)):
            writer.add(name, array)
    reader = trace.Reader(tmp_path / "x")
    assert {name: reader[name][0] for name in reader} == {"in": 1.0, "out": 0.0, "next": 0.0}
