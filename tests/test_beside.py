"""Which steps are replayed, and in which order the two sides do it."""

import threading
import time
from typing import Any

import pytest

from kparity import beside


@pytest.mark.parametrize(
    ("steps", "size", "expected"),
    [
        (1, 10, [1]),
        (3, 10, [1, 2, 3]),
        (500, 10, [1, 2, 500, 250, 125, 10]),
        (20, 10**9, [1, 2, 20]),
        (100, 10**9, [1, 2, 100]),
        (200, 10**9, [1, 2, 200, 100]),
        (500, 10**9, [1, 2, 500, 250, 125, 10]),
    ],
)
def test_of_a_large_model_fewer_steps_are_replayed_the_telling_ones_first(
    steps: int, size: int, expected: list[int]
) -> None:
    assert beside.affordable(beside.chosen_steps(steps), size, steps) == expected


@pytest.mark.parametrize(
    ("steps", "size", "expected"), [(200, 10, 200), (200, 10**9, 50), (20, 10**9, 10), (6, 10**9, 6)]
)
def test_of_a_large_model_part_of_a_training_is_repeated_first(steps: int, size: int, expected: int) -> None:
    assert beside.repeated_first(size, steps) == expected


def both(left: Any, right: Any) -> tuple[Any, Any]:
    """As compare runs two requests."""
    found: dict[str, Any] = {}

    def run(name: str, work: Any) -> None:
        try:
            found[name] = work()
        except Exception as error:
            found[name] = error

    threads = [threading.Thread(target=run, args=pair) for pair in (("left", left), ("right", right))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive(), "a side waits for ever"
    for one in found.values():
        if isinstance(one, Exception):
            raise one
    return found["left"], found["right"]


class Sides:
    """Two sides that note what they are asked, and answer as the real ones do."""

    def __init__(self, fails: tuple[str, int] = ("", 0)) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.measured: list[Any] = []
        self.fails = fails

    def ask(self, side: str, do: str, **arguments: Any) -> Any:
        if do == "replay" and (side, *arguments["steps"]) == self.fails:
            raise RuntimeError("out of memory")
        time.sleep(0.02)
        self.asked.append((side, arguments.get("steps", [do])[0]))
        if do != "replay":
            return do
        (step,) = arguments["steps"]
        return {"order": [f"order of {step}"], "unlike": {str(step): [side]}}

    def run(self, steps: list[int], left: list[int]) -> Any:
        asks = (lambda do, **more: self.ask("reference", do, **more), lambda do, **more: self.ask("other", do, **more))
        requests = (lambda at: {"steps": at}, lambda at: {"steps": at})
        return beside.side_by_side(
            both,
            asks,
            [[step] for step in steps],
            requests,
            lambda: asks[1]("inert"),
            lambda _: left,
            self.measured.append,
        )


def test_the_other_side_replays_a_step_once_the_reference_has_and_neither_replays_what_is_left_out() -> None:
    sides = Sides()
    inert, free, forced = sides.run([1, 2, 9, 5], [1, 2, 9])
    assert inert == "inert"
    assert free == {"order": ["order of 1"], "unlike": {str(step): ["reference"] for step in (1, 2, 9)}}
    assert forced["unlike"] == {str(step): ["other"] for step in (1, 2, 9)}
    for step in (1, 2, 9):
        assert sides.asked.index(("reference", step)) < sides.asked.index(("other", step))
    assert not [told for told in sides.asked if told[1] == 5]
    assert [list(answer["unlike"]) for answer in sides.measured] == [["1"], ["2"], ["9"]]


@pytest.mark.parametrize("side", ["reference", "other"])
def test_a_side_that_fails_leaves_nobody_waiting(side: str) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        Sides(fails=(side, 2)).run([1, 2, 9], [1, 2, 9])
