"""What two fits hand to a training step, as data: which differences count."""

import pytest

from kparity.analysis.feeding import fed


def epoch(order: str, rows: str = "x", weights: str = "", sizes: tuple[int, ...] = (4,) * 8) -> dict[str, object]:
    return {"sizes": list(sizes), "order": order, "rows": {"inputs": rows, "sample weights": weights}}


SHUFFLED, STILL = [epoch("a"), epoch("b")], [epoch("a"), epoch("a")]
NEW = [epoch("a", "x"), epoch("b", "y")]


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (SHUFFLED, [epoch("c"), epoch("d")], None),
        (STILL, STILL, None),
        (STILL, [epoch("c"), epoch("c")], "order"),
        (STILL, SHUFFLED, "order"),
        (SHUFFLED, STILL, "order"),
        (SHUFFLED, [epoch("c", "z"), epoch("d", "z")], "rows"),
        (SHUFFLED, [epoch("c", weights="w"), epoch("d", weights="w")], "rows"),
        (NEW, [epoch("c", "z"), epoch("d", "w")], None),
        (NEW, [epoch("c", "z", "w"), epoch("d", "w", "w")], "rows"),
        (SHUFFLED, [epoch("c", sizes=(4,) * 7), epoch("d", sizes=(4,) * 7)], "sizes"),
        ([epoch("a"), epoch("b", sizes=(4,) * 7)], [epoch("c", sizes=(4,) * 6)] * 2, None),
        (SHUFFLED[:1], [epoch("c", "z")], None),
        (SHUFFLED, [], None),
    ],
)
def test_only_what_two_epochs_of_the_reference_have_in_common_counts(ours, theirs, said) -> None:  # type: ignore[no-untyped-def]
    found = fed(ours, theirs, True, True)
    assert [cause.evidence["what"] for cause in found] == ([said] if said else [])


@pytest.mark.parametrize(("batches", "by_keras"), [(8, False), (7, True)])
def test_the_order_of_few_batches_or_of_a_dataset_is_not_judged(batches: int, by_keras: bool) -> None:
    one, other = epoch("a", sizes=(4,) * batches), epoch("b", sizes=(4,) * batches)
    assert fed([one, one], [other, other], by_keras, True) == []


def test_of_data_that_are_the_same_but_for_round_off_only_the_sizes_are_judged() -> None:
    assert fed(STILL, [epoch("c", "z"), epoch("c", "z")], True, False) == []
    (cause,) = fed(STILL, [epoch("c", "z", sizes=(4,) * 7)], True, False)
    assert cause.evidence["what"] == "sizes"
