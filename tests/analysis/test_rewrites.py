"""Layers that are written differently: which are left to themselves, and what that has to show."""

from typing import Any

import numpy as np

from kparity.analysis.match import pair
from kparity.analysis.noise import Gap
from kparity.analysis.observe import Observations, Seen, StepRecord
from kparity.analysis.rewrites import regions, settles, with_shells, without
from kparity.trace import parse

ORDER = [
    "in|a|0",
    "out|a|0",
    "in|b|0",
    "out|b|0",
    "in|c|0",
    "out|c|0",
    "out|model|0",
    "total|loss|0",
    "grad|a:kernel|0",
]
PHASE = {"in": "forward", "out": "forward", "grad": "gradient", "log": "metric", "dy": "gradient"}


def seen(*keys: str) -> Observations:
    """What differs, by key."""
    live = [Seen(parse(key), PHASE[parse(key).kind], 1, Gap(0.5, 1e-7, 5e6), 0) for key in keys]
    return Observations([StepRecord(1, {}, {}, {})], ORDER, {"a:kernel": "a", "b:kernel": "b"}, live, [])


def side(*paths: str) -> dict[str, Any]:
    layers = [{"path": "model", "class": "Functional", "config": {}}]
    return {"layers": layers + [{"path": path, "class": "Dense", "config": {}} for path in paths], "variables": []}


def tried(one: Observations, right: dict[str, Any], *changed: str) -> list[frozenset[str]]:
    left = side("a", "b", "c")
    return regions(one, pair(left, right), left, right, lambda path: path in changed)


def test_a_difference_between_models_that_are_written_alike_is_not_explained_away() -> None:
    assert tried(seen("out|a|0"), side("a", "b", "c")) == []
    assert tried(seen("grad|a:kernel|0"), side("a", "b", "c", "x"), "a") == []


def test_a_layer_of_another_class_or_a_lone_layer_makes_a_region() -> None:
    assert tried(seen("out|a|0"), side("a", "b", "c"), "a") == [frozenset("a")]
    assert tried(seen("out|a|0"), side("a", "b", "c", "x")) == [frozenset("a")]


def test_what_is_not_settled_together_is_tried_stretch_by_stretch() -> None:
    found = tried(seen("out|a|0", "out|c|0", "in|b|0"), side("a", "b", "c"), "a")
    assert found == [frozenset("ac"), frozenset("abc"), frozenset("a"), frozenset("c")]


def test_a_region_settles_only_if_nothing_at_its_edges_differs() -> None:
    before = seen("out|a|0", "grad|a:kernel|0")
    region = frozenset("a")
    assert settles(region, before, seen())
    assert not settles(region, before, seen("in|b|0"))
    assert not settles(region, before, seen("grad|a:kernel|0"))
    assert not settles(region, before, seen("log|accuracy|0"))


def test_a_difference_elsewhere_stays_without_speaking_against_a_region() -> None:
    before = seen("out|a|0", "out|c|0", "grad|b:kernel|0")
    assert settles(frozenset("a"), before, seen("out|c|0", "grad|b:kernel|0"))


def test_models_that_hand_on_a_regions_output_are_left_to_themselves_too() -> None:
    last, other = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    outputs = {"out|head/c|0": last, "out|head|0": last, "out|model|0": last, "out|body|0": last, "out|b|0": other}
    assert with_shells(frozenset({"head/c"}), outputs) == {"head/c", "head", "model"}
    assert with_shells(frozenset({"b"}), outputs) == {"b"}


def test_a_regions_own_arrays_are_not_judged_and_its_gradients_are() -> None:
    arrays = {key: np.ones(1) for key in ("in|a|0", "out|a|0", "out|a#2|0", "in|b|0", "grad|a:kernel|0")}
    record = without(StepRecord(1, arrays, arrays, arrays, ("outmask|a|0", "grad|b:kernel|0")), frozenset("a"))
    assert set(record.reference) == set(record.candidate) == {"in|b|0", "grad|a:kernel|0"}
    assert record.lone == ("grad|b:kernel|0",)
