"""What speaks against `equivalent` where no replayed step showed a cause."""

from typing import Any

import pytest

from kparity.analysis.verdict import at_callbacks, compiled_apart, ends_apart

LOSS, KERNEL = "total|loss|0", "var|dense:kernel|0"


@pytest.mark.parametrize(
    ("compiled", "noise", "exact", "doubtful"),
    [
        ({LOSS: 3e-6, KERNEL: 1e-3}, {LOSS: 1e-7, KERNEL: 1e-4}, True, False),
        ({LOSS: 3e-4}, {LOSS: 1e-7}, True, True),
        ({LOSS: 3e-4}, {LOSS: 1e-7}, False, False),
        ({LOSS: 3e-2}, {LOSS: 1e-7}, False, True),
        ({LOSS: 3e-4}, {LOSS: 1e-4}, True, False),
        ({KERNEL: 3e-2}, {}, True, True),
        ({KERNEL: 1.3}, {KERNEL: 1.4}, True, False),
    ],
)
def test_compiled_steps_that_differ_are_doubted(
    compiled: dict[str, float], noise: dict[str, float], exact: bool, doubtful: bool
) -> None:
    assert bool(compiled_apart(compiled, noise, exact, {})) is doubtful


@pytest.mark.parametrize(
    ("parted", "begins"),
    [
        ({"out|a|0": 1e-6, "out|b|0": 2e-3, "total|loss|0": 1e-2}, "what comes out of `b` (0.20%)"),
        ({"total|loss|0": 1e-2, "grad|a:w|0": 1e-2}, "what comes out of `loss` (1.00%)"),
        ({"var|a:w|0": 1e-2, "grad|a:w|0": 1e-2, "grad|b:w|0": 3e-2}, "the gradient of `b:w` (3.00%)"),
        ({"grad|a:w|0": 1e-6, "var|a:w|0": 3e-2, "var|b:w|0": 3e-2}, "the new `a:w` (3.00%)"),
        ({"out|a|0": 1e-6}, None),
    ],
)
def test_what_only_a_compiled_step_does_is_placed_where_it_begins(parted: dict[str, float], begins: str | None) -> None:
    (told,) = compiled_apart({LOSS: 1e-2}, {}, True, parted)
    assert (f"It begins with {begins}." if begins else "graph mode).") in told
    assert ("begins" in told) is bool(begins)


@pytest.mark.parametrize(
    ("theirs", "rerun", "doubtful"), [(0.5, 0.5, False), (0.54, 0.5, False), (0.56, 0.5, True), (0.56, 0.45, False)]
)
def test_final_accuracies_further_apart_than_noise_are_doubted(theirs: float, rerun: float, doubtful: bool) -> None:
    curves = {"metrics": {"accuracy": {"legacy": [0.5] * 20, "keras3": [theirs] * 20, "noise": [rerun] * 20}}}
    assert bool(ends_apart(curves)) is doubtful


def judged(end: int | None = None, left: dict[int, list[float]] | None = None) -> dict[str, Any]:
    """What a side's callbacks did, as its process tells it in JSON."""
    return {"rates": [], "end": end, "left": {str(step): marks for step, marks in (left or {}).items()}}


@pytest.mark.parametrize(
    ("sides", "cause"),
    [
        (None, None),
        ((judged(), judged()), None),
        ((judged(8), judged(8)), None),
        ((judged(8), judged(4)), ("stopped", 4)),
        ((judged(None), judged(12)), ("stopped", 12)),
        ((judged(3), judged(None)), ("stopped", 3)),
        ((judged(12, {12: [4.0, 4.0]}), judged(12, {12: [4.00001, 4.0]})), None),
        ((judged(12, {12: [4.0, 4.0]}), judged(12, {12: [8.0, 8.0]})), ("weights", 12)),
        ((judged(12, {12: [4.0, 4.0]}), judged(12)), ("weights", 12)),
        ((judged(12, {8: [7.0], 12: [4.0]}), judged(12, {4: [3.0], 8: [7.0], 12: [4.0]})), ("weights", 4)),
    ],
)
def test_callbacks_that_do_something_else_are_a_cause_where_it_begins(
    sides: tuple[dict[str, Any], ...] | None, cause: tuple[str, int] | None
) -> None:
    assert [(one.kind, one.step) for one in at_callbacks([], sides)] == ([cause] if cause else [])
