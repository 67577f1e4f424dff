"""What a counterfactual takes from the reference for a cause, and what remains of a step for it to answer for."""

from dataclasses import replace

import numpy as np
import pytest

from kparity.analysis.locate import Cause
from kparity.analysis.observe import StepRecord
from kparity.analysis.proof import Mend, Parts, plan, reaching, remains, step_of, taken
from kparity.trace import parse

STEM = np.arange(4, dtype=np.float32)
ARRAYS = {
    "in|stem|0": STEM,
    "out|stem|0": STEM + 1,
    "dy|stem|0": STEM,
    "in|relu|0": STEM + 1,
    "out|relu|0": STEM + 2,
    "dx|relu|0": STEM,
    "in|head|0": STEM + 2,
    "out|head|0": STEM * 3,
    "dx|head|0": STEM,
    "outmask|stem|0": STEM > 1,
    "out|loss|0": np.float32(1),
    "total|loss|0": np.float32(1),
    "grad|stem:kernel|0": STEM,
    "grad|head:kernel|0": STEM,
    "var|stem:kernel|0": STEM,
    "var|head:kernel|0": STEM,
    "var|stem:mean|0": STEM,
    "slot|stem:kernel|momentums": STEM,
    "slot|stem:kernel|velocities": STEM,
    "slot||product": np.float32(1),
    "log|accuracy|0": np.float32(1),
}
PARTS = Parts(
    ARRAYS,
    {"stem:kernel": "stem", "stem:mean": "stem", "head:kernel": "head"},
    {"stem:kernel", "head:kernel"},
    (),
    ARRAYS,
)


def cause(phase: str, layer: str | None = None, variable: str | None = None, **evidence: object) -> Cause:
    return Cause(phase, layer, variable, 1, "numbers", evidence=evidence)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            cause("forward", "stem", array="out|stem|0"),
            {"out|stem|0", "outmask|stem|0", "grad|stem:kernel|0", "var|stem:mean|0"},
        ),
        (cause("loss", kinds=["dx"]), {"out|loss|0"}),
        (cause("optimizer", variable="learning_rate"), {"lr|optimizer|0", "log|learning_rate|0"}),
        (
            cause("optimizer", quantity="velocities", variables=["stem:kernel"]),
            {"var|stem:kernel|0", "slot|stem:kernel|velocities"},
        ),
        (
            cause("optimizer", quantity="product", variables=[]),
            {"var|stem:kernel|0", "var|head:kernel|0", "slot||product"},
        ),
        (cause("state", "stem", "stem:mean"), {"var|stem:mean|0"}),
        (cause("metric", variable="accuracy"), {"log|accuracy|0"}),
        (Cause("forward", "stem", None, 1, "mask"), {"outmask|stem|0"}),
        (
            Cause("forward", "stem", None, 1, "mask", evidence={"readers": ["relu"]}),
            {"outmask|stem|0", "inmask|relu|0"},
        ),
        (
            Cause("forward", "relu", None, 1, "missing-layer", evidence={"array": "in|head|0"}),
            {"in|head|0", "dy|stem|0", "out|relu|0", "dx|relu|0"},
        ),
        (
            Cause("config", "relu", "relu:slope", 0, "missing-variable"),
            {"in|head|0", "dy|stem|0", "out|relu|0", "dx|relu|0"},
        ),
        (cause("init", "stem", "stem:kernel"), set()),
        (cause("data"), set()),
    ],
    ids=lambda value: value.phase if isinstance(value, Cause) else None,
)
def test_each_phase_takes_its_own_thing_from_the_reference(found: Cause, expected: set[str]) -> None:
    mend = plan(found, PARTS)
    assert mend is not None
    assert set(taken([mend], PARTS)) == expected


def test_of_a_place_that_two_tapes_go_back_through_both_gradients_are_taken() -> None:
    twice = replace(PARTS, reference={**PARTS.reference, "dy|stem|0.1": STEM})
    mend = plan(Cause("config", "relu", "relu:slope", 0, "missing-variable"), twice)
    assert mend is not None
    assert {"dy|stem|0", "dy|stem|0.1"} <= set(taken([mend], twice))


def test_what_a_step_begins_from_is_left_in_by_having_the_candidate_use_its_own() -> None:
    assert plan(cause("init", "stem", "stem:kernel"), PARTS) == Mend(own=frozenset({"var|stem:kernel|0"}))
    assert plan(cause("data"), PARTS) == Mend(own=frozenset({"batch"}))


@pytest.mark.parametrize("phase", ["api", "save"])
def test_what_is_not_within_a_step_has_no_counterfactual(phase: str) -> None:
    assert plan(cause(phase), PARTS) is None


@pytest.mark.parametrize(
    ("phase", "seen", "expected"), [("forward", 3, 10), ("forward", 99, 50), ("init", 0, 1), ("config", 0, 10)]
)
def test_a_cause_is_proven_at_the_replayed_step_where_it_shows(phase: str, seen: int, expected: int) -> None:
    assert step_of(Cause(phase, "stem", None, seen, "numbers"), [1, 2, 10, 50]) == expected


def test_a_slot_that_is_named_does_not_answer_for_another_slot() -> None:
    mend = plan(cause("optimizer", quantity="velocities", variables=["stem:kernel"]), PARTS)
    assert mend is not None
    assert mend.names(parse("slot|stem:kernel|velocities"), PARTS.owners)
    assert not mend.names(parse("slot|stem:kernel|momentums"), PARTS.owners)
    assert not mend.names(parse("var|stem:kernel|0"), PARTS.owners), "a new weight is made by much else"


def test_what_is_mended_says_nothing_and_what_comes_of_it_does() -> None:
    reference = {"out|stem|0": STEM + 1, "out|head|0": STEM * 3}
    other = {key: value * np.float32(1.001) for key, value in reference.items()}
    record = StepRecord(1, reference, other, reference)
    left = remains(record, [Mend(frozenset({"stem"}))], {"out|stem|0": 0, "out|head|0": 1}, PARTS)
    assert [str(one.key) for one in left] == ["out|head|0"]
    assert not remains(StepRecord(1, reference, reference, reference), [], {}, PARTS)


def test_gradients_between_layers_remain_only_where_they_reach_a_weight() -> None:
    reference = {"dx|head|0": STEM, "grad|stem:kernel|0": STEM}
    lost = remains(StepRecord(1, reference, {**reference, "dx|head|0": STEM * 2}, reference), [], {}, PARTS)
    assert [str(one.key) for one in lost] == ["dx|head|0"]
    assert reaching(lost, reference) == []
    assert reaching(lost, {"dx|head|0": STEM}) == lost, "nothing tells whether it reaches a weight"
    other = {key: value * 2 for key, value in reference.items()}
    read = remains(StepRecord(1, reference, other, reference), [], {}, PARTS)
    assert reaching(read, reference) == read != lost


def test_a_gradient_that_one_side_lacks_remains() -> None:
    record = StepRecord(1, {}, {}, {}, ("grad|head:kernel|0",))
    assert [str(one.key) for one in remains(record, [], {}, PARTS)] == ["grad|head:kernel|0"]
    assert not remains(record, [Mend(frozenset({"head"}))], {}, PARTS)
