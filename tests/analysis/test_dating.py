"""Causes that begin late are dated by steps in between, from records made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from kparity.analysis import locate, observe
from kparity.analysis.locate import Cause
from kparity.analysis.observe import StepRecord
from kparity.counterfactual import NEEDLESS, independent, needed
from kparity.dating import dated

OWNERS = {"bn:moving_mean": "bn", "dense:kernel": "dense"}
ORDER = ["out|bn|0", "out|dense|0", "var|bn:moving_mean|0", "slot|dense:kernel|momentums"]


def step(number: int, begins: dict[str, int]) -> StepRecord:
    """A step at which each array differs that has begun to."""
    value = np.arange(1, 9, dtype=np.float32)
    keys = [key for key, first in begins.items() if number >= first]
    return StepRecord(number, dict.fromkeys(keys, value), {key: value * np.float32(1.01) for key in keys}, {})


@pytest.mark.parametrize("key", ORDER)
@pytest.mark.parametrize(("first", "replays"), [(1, 0), (2, 0), (3, 1), (11, 3), (14, 3), (20, 4)])
def test_a_cause_is_dated_by_halves(key: str, first: int, replays: int) -> None:
    begins = {key: first}
    records = [step(number, begins) for number in (1, 2, 5, 10, 20)]
    asked: list[int] = []

    def replayed(number: int) -> StepRecord:
        asked.append(number)
        return step(number, begins)

    found = locate.causes(observe.look(records, ORDER, {"dense:kernel"}, OWNERS), [])
    told = dated(found, records, replayed, ORDER, OWNERS, {"dense:kernel"})
    assert [cause.step for cause in told] == [first]
    assert len(asked) <= max(replays, 4)
    assert (first <= 2) == (not asked)
    assert [record.step for record in records] == sorted({1, 2, 5, 10, 20, *asked})


def test_each_of_two_causes_has_a_date_of_its_own() -> None:
    begins = {"out|dense|0": 8, "var|bn:moving_mean|0": 16}
    records = [step(number, begins) for number in (1, 2, 5, 10, 20)]
    found = locate.causes(observe.look(records, ORDER, {"dense:kernel"}, OWNERS), [])
    told = dated(found, records, lambda number: step(number, begins), ORDER, OWNERS, {"dense:kernel"})
    assert [(cause.layer, cause.step) for cause in told] == [("dense", 8), ("bn", 16)]


def test_what_is_gone_without_the_other_causes_is_a_consequence_and_no_cause() -> None:
    proven = Cause("gradient", "dense", "dense:kernel", 1, "no-gradient", proven=True)
    consequence = Cause("optimizer", None, None, 1, "numbers", evidence={"quantity": "momentums"}, unproven=NEEDLESS)
    weight = Cause("init", "dense", "dense:bias", 0, "numbers", unproven=NEEDLESS)
    left, notes = independent([weight, proven, consequence])
    assert left == [weight, proven]
    assert ["momentums" in note for note in notes] == [True]
    assert independent([consequence]) == ([consequence], [])


def test_another_batch_is_replayed_at_its_own_step() -> None:
    records = [step(number, {}) for number in (1, 2, 5, 10, 20)]
    causes = [
        Cause("data", None, None, number, kind) for number, kind in ((9, "numbers"), (5, "numbers"), (7, "length"))
    ]
    told = dated(causes, records, lambda number: step(number, {}), ORDER, OWNERS, set())
    assert told == causes
    assert [record.step for record in records] == [1, 2, 5, 9, 10, 20]


TABLE = Cause("config", "words", "words:idf", 0, "missing-variable", unproven=NEEDLESS, also=("words:counts",))


@pytest.mark.parametrize(
    ("cause", "beside", "trained", "idle"),
    [
        (TABLE, [], [], True),
        (replace(TABLE, kind="extra-variable"), [Cause("loss", None, None, 1, "numbers")], [], True),
        (TABLE, [], ["words:counts"], False),
        (replace(TABLE, unproven="The counterfactual failed"), [], [], False),
        (replace(TABLE, unproven="", proven=True), [], [], False),
        (replace(TABLE, kind="other-shape"), [], [], False),
        (TABLE, [Cause("forward", "words", None, 1, "numbers")], [], False),
    ],
    ids=[
        "a table",
        "of the other side",
        "one is trained",
        "unknown",
        "it matters",
        "another shape",
        "its layer differs",
    ],
)
def test_a_variable_of_one_side_that_nothing_needs_is_a_note(
    cause: Cause, beside: list[Cause], trained: list[str], idle: bool
) -> None:
    left, notes = needed([cause, *beside], trained, ("Keras 2", "Keras 3"))
    assert (cause not in left, len(notes)) == (idle, int(idle))
    assert not idle or ("Keras 3" if cause.kind == "extra-variable" else "Keras 2") in notes[0]
    assert all(one in left for one in beside)
