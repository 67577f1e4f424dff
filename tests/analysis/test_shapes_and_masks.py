"""Another width is one cause, whatever lies behind it; a mask is lost where it was, not where it is missed."""

from typing import Any

import numpy as np
import pytest

from kparity.analysis import locate, merging, observe, outset
from kparity.analysis.locate import Cause
from kparity.analysis.match import pair
from kparity.analysis.observe import StepRecord
from kparity.analysis.verdict import SeedResult, conclude


def side(widths: dict[str, int], inputs: int = 4) -> dict[str, Any]:
    """A chain of dense layers, as a capture process describes it."""
    variables, taken = [], inputs
    for path, width in widths.items():
        for name, shape in (("kernel", [taken, width]), ("bias", [width])):
            variables.append({"name": f"{path}:{name}", "layer": path, "shape": shape, "trainable": True})
        taken = width
    layers = [{"path": path, "class": "Dense", "config": {"units": width}} for path, width in widths.items()]
    return {"layers": layers, "variables": variables}


def chain(left: dict[str, int], right: dict[str, int]) -> tuple[list[Cause], StepRecord]:
    """What is known before training of two chains, and a step of theirs, in which all that can be is forced."""
    ours, theirs = side(left), side(right)
    reference, candidate, taken, other = {}, {}, 4, 4
    for path in left:
        for key, sizes in ((f"in|{path}|0", (taken, other)), (f"out|{path}|0", (left[path], right[path]))):
            if sizes[0] != sizes[1]:
                reference[key], candidate[key] = (np.ones((2, size), np.float32) for size in sizes)
        taken, other = left[path], right[path]
    return outset.structure(pair(ours, theirs), ours, theirs), StepRecord(1, reference, candidate, {})


ORDER = [f"{kind}|{path}|0" for path in ("a", "b", "c") for kind in ("in", "out")]


def causes(left: dict[str, int], right: dict[str, int], *changed: str) -> list[Cause]:
    before, record = chain(left, right)
    owners = {f"{path}:{name}": path for path in left for name in ("kernel", "bias")}
    seen = observe.look([record], ORDER, set(owners), owners)
    found = locate.causes(seen, before, changed=lambda path: path in changed)
    return merging.merge(found, {}, lambda layer: {})


def test_another_width_is_one_cause_and_the_kernel_behind_it_is_none() -> None:
    (found,) = causes({"a": 8, "b": 6, "c": 2}, {"a": 9, "b": 6, "c": 2}, "a")
    assert (found.phase, found.layer, found.variable, found.kind) == ("config", "a", "a:kernel", "other-shape")
    assert (found.evidence["shape"], found.evidence["other"], found.also) == ([4, 8], [4, 9], ("a:bias",))
    assert (found.evidence["layers"], set(found.evidence["unfit"])) == (
        ["a", "b"],
        {"out|a|0", "in|b|0", "dy|a|0", "dx|b|0"},
    )


def test_a_penalty_on_a_weight_of_another_shape_is_no_cause_of_its_own() -> None:
    before, record = chain({"a": 8, "b": 6}, {"a": 9, "b": 6})
    for key in ("total|loss|0", "log|loss|0"):
        record.reference[key], record.candidate[key] = np.float32(1), np.float32(2)  # type: ignore[index]
    for paid, phases in ((["term|a|a:kernel"], ["config"]), ([], ["config", "loss"])):
        seen = observe.look([record], [*paid, *ORDER, "total|loss|0", "log|loss|0"], set(), {})
        found = merging.merge(locate.causes(seen, before), {}, lambda layer: {})
        assert [cause.phase for cause in found] == phases


def test_two_layers_that_are_configured_otherwise_are_two_causes() -> None:
    found = causes({"a": 8, "b": 6, "c": 2}, {"a": 9, "b": 7, "c": 2}, "a", "b")
    assert [cause.layer for cause in found] == ["a", "b"]


def test_what_a_layer_without_weights_of_another_width_takes_is_no_cause_either() -> None:
    order = [*ORDER[:2], "in|drop|0", "out|drop|0", *ORDER[2:]]
    before, record = chain({"a": 8, "b": 6}, {"a": 9, "b": 6})
    for key in ("in|drop|0", "out|drop|0"):
        record.reference[key], record.candidate[key] = record.reference["out|a|0"], record.candidate["out|a|0"]  # type: ignore[index]
    found = locate.causes(observe.look([record], order, set(), {}), before)
    assert {(cause.phase, cause.layer) for cause in found} == {("config", "a")}


def test_of_outputs_of_another_shape_the_first_is_the_cause() -> None:
    record = StepRecord(
        1,
        {
            key: np.ones((2, 4), np.float32)
            for key in ("out|a|0", "in|b|0", "out|b|0", "out|model|0", "grad|b:kernel|0")
        },
        {key: np.ones((2, 8), np.float32) for key in ("out|a|0", "in|b|0", "out|b|0", "out|model|0")}
        | {"grad|b:kernel|0": np.full((2, 4), 2, np.float32)},
        {},
    )
    seen = observe.look([record], [*ORDER, "out|model|0"], {"b:kernel"}, {"b:kernel": "b"})
    assert [(c.phase, c.layer, c.kind) for c in locate.causes(seen, [])] == [("forward", "a", "shape")]


def test_a_cell_within_a_loop_speaks_through_the_layer_around_it() -> None:
    before = [Cause("config", "gru/cell", "gru/cell:bias", 0, "other-shape", evidence={"variables": ["gru/cell:bias"]})]
    ones = np.ones((2, 4), np.float32)
    record = StepRecord(1, {"out|gru|0": ones, "dy|gru|0": ones}, {"out|gru|0": 2 * ones}, {})
    (found,) = locate.causes(observe.look([record], ["in|gru|0", "out|gru|0"], set(), {}), before)
    assert (found.layer, found.evidence["layers"]) == ("gru/cell", ["gru"])


ONES = np.ones(4, np.float32)


def reading(*lone: str, **masks: tuple[np.ndarray, np.ndarray]) -> StepRecord:
    """A step in which `ways/inner` gives something else."""
    reference = {"out|ways/inner|0": ONES, "dy|ways/inner|0": ONES}
    candidate = {"out|ways/inner|0": ONES * 2}
    for name, (ours, theirs) in masks.items():
        reference[f"{name}|ways/inner|0"], candidate[f"{name}|ways/inner|0"] = ours, theirs
    return StepRecord(1, reference, candidate, {}, lone)


@pytest.mark.parametrize(
    ("lone", "expected"),
    [
        ((), ("ways/inner", "numbers")),
        (("inmask|ways/inner|0",), ("ways", "given-mask")),
        (("inmask|ways|0", "inmask|ways/inner|0"), ("ways", "given-mask")),
        (("outmask|first|0", "inmask|ways|0", "inmask|ways/inner|0"), ("first", "mask")),
    ],
)
def test_a_mask_is_lost_by_what_calls_the_reader_unless_it_was_lost_before(
    lone: tuple[str, ...], expected: tuple[str, str]
) -> None:
    order = ["outmask|first|0", "inmask|ways|0", "inmask|ways/inner|0", "out|ways/inner|0"]
    (found,) = locate.causes(observe.look([reading(*lone)], order, set(), {}), [])
    assert (found.layer, found.kind) == expected


def test_a_layer_that_reads_no_mask_is_not_misled_by_one() -> None:
    seen = observe.look([reading("inmask|ways/inner|0")], ["inmask|ways/inner|0", "out|ways/inner|0"], set(), {})
    (found,) = locate.causes(seen, [], reads=lambda node: False)
    assert (found.layer, found.kind) == ("ways/inner", "numbers")


def test_a_mask_of_another_type_and_with_a_dimension_more_is_the_same() -> None:
    mask = np.array([True, False, True, True])
    record = reading(inmask=(mask, mask[None].astype(np.float32)))
    (found,) = locate.causes(observe.look([record], ["inmask|ways/inner|0"], set(), {}), [])
    assert (found.layer, found.kind) == ("ways/inner", "numbers")


def test_a_layer_that_gives_other_numbers_and_another_mask_is_one_cause() -> None:
    keys = ("out|mask|0", "out|reader|0")
    record = StepRecord(
        1,
        {**dict.fromkeys(keys, ONES), "dy|mask|0": ONES, "dy|reader|0": ONES},
        dict.fromkeys(keys, ONES * 2),
        {},
        ("outmask|mask|0", "inmask|reader|0"),
    )
    (found,) = locate.causes(observe.look([record], [*keys], set(), {}), [])
    assert (found.layer, found.kind) == ("mask", "numbers")


def test_two_causes_of_one_seed_are_two_and_one_of_two_seeds_is_one() -> None:
    told = {"phase": "optimizer", "layer": None, "variable": None, "kind": "numbers"}
    curves: dict[str, Any] = {"steps": [], "metrics": {}}
    verdict: dict[str, Any] = {"notes": [], "accuracy": None}
    conclude(verdict, [SeedResult([{**told, "step": 1}, {**told, "step": 10}], [], curves, [])])
    assert [cause["step"] for cause in verdict["causes"]] == [1, 10]
    conclude(verdict, [SeedResult([{**told, "step": step}], [], curves, []) for step in (1, 2)])
    assert [cause["step"] for cause in verdict["causes"]] == [1]


def test_a_layer_that_two_others_miss_is_one_cause_with_both_places() -> None:
    both = [
        Cause("forward", "add", None, 1, "missing-layer", evidence={"places": [f"in|{reader}|0"]})
        for reader in ("norm", "last")
    ]
    (found,) = merging.merge(both, {}, lambda layer: {})
    assert (found.also, found.evidence["places"]) == ((), ["in|norm|0", "in|last|0"])


def test_what_a_layer_computes_inside_with_a_lost_mask_is_the_doing_of_what_lost_it() -> None:
    lone = ("outmask|first|0", "inmask|attention|0")
    record = StepRecord(1, {"in|attention/last|0": ONES}, {"in|attention/last|0": ONES * 2}, {}, lone)
    (found,) = locate.causes(observe.look([record], [*lone, "in|attention/last|0"], set(), {}), [])
    assert (found.layer, found.kind) == ("first", "mask")
