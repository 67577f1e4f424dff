"""The causes of a difference from arrays made by hand: order, masks, groups, and consequences that are no causes."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from kparity.analysis import locate, merging, observe, outset, wiring
from kparity.analysis.locate import Cause
from kparity.analysis.match import pair
from kparity.analysis.noise import Gap
from kparity.analysis.observe import Observations, Seen, StepRecord
from kparity.findings import PHASES
from kparity.trace import parse

LAYERS = ("first", "norm", "last")
OWNERS = {
    "first:kernel": "first",
    "first:bias": "first",
    "norm:gamma": "norm",
    "norm:moving_mean": "norm",
    "last:kernel": "last",
}
TRAINABLE = set(OWNERS) - {"norm:moving_mean"}

ORDER = [
    "lr|optimizer|0",
    *(f"{kind}|{layer}|0" for layer in LAYERS for kind in ("in", "inmask", "out", "outmask")),
    "in|loss|0",
    "inmask|loss|0",
    "out|loss|0",
    "total|loss|0",
    *(f"{kind}|{layer}|0" for layer in reversed(LAYERS) for kind in ("dy", "dx")),
    *(f"grad|{name}|0" for name in sorted(TRAINABLE)),
    *(f"var|{name}|0" for name in OWNERS),
    "log|loss|0",
    "log|accuracy|0",
    *(f"slot|{name}|momentums" for name in sorted(TRAINABLE)),
    *(f"update|{name}|0" for name in sorted(TRAINABLE)),
]
"""The keys of one step of a model of three layers, in the order in which a free replay makes them."""


def array(key: str) -> np.ndarray:
    """A reference array for a key; a mask for a mask."""
    random = np.random.default_rng(ORDER.index(key) if key in ORDER else 99)
    return random.random(8) > 0.5 if "mask" in key else random.normal(size=8).astype(np.float32)


def step(
    *different: str, number: int = 1, factor: float = 1.01, lone: Iterable[str] = (), unread: Iterable[str] = ()
) -> StepRecord:
    """A step at which these arrays differ by a factor (masks: inverted). `unread` outputs get no gradient back."""
    reference = {key: array(key) for key in different}
    for key in different:
        back = {"out": "dy", "in": "dx"}.get(parse(key).kind)
        if back:
            size = 0.0 if key in unread else 1.0
            reference.setdefault(key.replace(parse(key).kind, back, 1), np.full(8, size, np.float32))
    candidate = {key: ~array(key) if "mask" in key else array(key) * np.float32(factor) for key in different}
    return StepRecord(number, reference, candidate, {key: array(key) for key in different}, tuple(lone))


def look(*records: StepRecord) -> Observations:
    return observe.look(list(records), ORDER, TRAINABLE, OWNERS)


def described(*names: str, frozen: Iterable[str] = ()) -> dict[str, Any]:
    """A side with these variables, one layer each prefix."""
    layers = dict.fromkeys(name.split(":")[0] for name in names)
    return {
        "layers": [{"path": path, "class": "Layer", "config": {}} for path in layers],
        "variables": [
            {
                "name": name,
                "layer": name.split(":")[0],
                "shape": [8],
                "dtype": "float32",
                "trainable": name not in frozen,
            }
            for name in names
        ],
    }


def causes(*records: StepRecord, before: Iterable[Cause] = ()) -> list[Cause]:
    return locate.causes(look(*records), list(before))


def told(found: list[Cause]) -> list[tuple[str, str | None, int | None]]:
    return [(cause.phase, cause.layer, cause.step) for cause in found]


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        ((), []),
        (("out|norm|0",), [("forward", "norm", 1)]),
        (("in|last|0",), [("forward", "last", 1)]),
        (("out|loss|0",), [("loss", None, 1)]),
        (("total|loss|0",), [("loss", None, 1)]),
        (("dx|norm|0",), [("gradient", "norm", 1)]),
        (("grad|norm:gamma|0",), [("gradient", "norm", 1)]),
        (("slot|first:kernel|momentums",), [("optimizer", "first", 1)]),
        (("update|last:kernel|0",), [("optimizer", "last", 1)]),
        (("lr|optimizer|0",), [("optimizer", None, 1)]),
        (("var|norm:moving_mean|0",), [("state", "norm", 1)]),
        (("log|accuracy|0",), [("metric", None, 1)]),
    ],
)
def test_one_array_that_differs_is_one_cause_in_its_phase(
    different: tuple[str, ...], expected: list[tuple[str, str | None, int | None]]
) -> None:
    assert told(causes(step(*different))) == expected


def test_causes_stand_in_causal_order_whatever_the_order_of_the_arrays() -> None:
    keys = ["log|accuracy|0", "var|norm:moving_mean|0", "dx|last|0", "out|loss|0", "out|first|0", "lr|optimizer|0"]
    for shuffled in (keys, keys[::-1], sorted(keys)):
        found = causes(step(*shuffled))
        assert [cause.phase for cause in found] == ["forward", "loss", "gradient", "optimizer", "state", "metric"]


def test_of_two_layers_the_one_that_runs_first_is_named_first() -> None:
    assert told(causes(step("out|last|0", "out|first|0"))) == [("forward", "first", 1), ("forward", "last", 1)]


def test_gradients_are_ordered_from_the_loss_backwards() -> None:
    assert [cause.layer for cause in causes(step("dx|first|0", "dx|last|0"))] == ["last", "first"]


def test_a_cause_is_dated_by_its_first_step() -> None:
    late = [step(number=1), step("out|norm|0", number=10), step("out|norm|0", number=100)]
    assert told(causes(*late)) == [("forward", "norm", 10)]


def test_a_layer_that_computes_something_else_also_has_other_gradients_and_state_but_is_one_cause() -> None:
    found = causes(step("out|norm|0", "dx|norm|0", "grad|norm:gamma|0", "var|norm:moving_mean|0"))
    assert told(found) == [("forward", "norm", 1)]


def test_what_a_layer_hands_back_does_not_explain_what_it_keeps() -> None:
    found = causes(step("grad|norm:gamma|0", "var|norm:moving_mean|0"))
    assert told(found) == [("gradient", "norm", 1), ("state", "norm", 1)]


def test_a_layer_explains_the_gradients_and_state_of_the_layers_inside_it() -> None:
    owners = {"block/dense:kernel": "block/dense", "blocked:kernel": "blocked"}
    order = ["out|block|0", "grad|block/dense:kernel|0", "grad|blocked:kernel|0"]
    ones, more = np.ones(4, np.float32), np.full(4, 1.5, np.float32)
    record = StepRecord(1, dict.fromkeys([*order, "dy|block|0"], ones), dict.fromkeys(order, more), {})
    found = locate.causes(observe.look([record], order, set(owners), owners), [])
    assert told(found) == [("forward", "block", 1), ("gradient", "blocked", 1)]


def test_a_missing_variable_explains_what_its_layer_computes_and_nothing_of_other_layers() -> None:
    ours = described("first:kernel", "first:bias", "last:kernel")
    theirs = described("first:kernel", "last:kernel")
    before = outset.structure(pair(ours, theirs), ours, theirs)
    found = causes(step("out|first|0", "out|last|0"), before=before)
    assert told(found) == [("config", "first", 0), ("forward", "last", 1)]
    assert (found[0].kind, found[0].variable) == ("missing-variable", "first:bias")


def test_a_weight_that_only_one_side_trains_is_named_and_its_update_is_not() -> None:
    ours = described("first:kernel", "last:kernel")
    theirs = described("first:kernel", "last:kernel", frozen=["first:kernel"])
    found = causes(step("update|first:kernel|0"), before=outset.structure(pair(ours, theirs), ours, theirs))
    assert [(cause.phase, cause.variable, cause.kind) for cause in found] == [("config", "first:kernel", "frozen")]
    thawed = outset.structure(pair(theirs, ours), theirs, ours)
    assert [(cause.variable, cause.kind) for cause in thawed] == [("first:kernel", "unfrozen")]


def test_what_is_wired_otherwise_in_front_of_a_layer_is_no_fault_of_the_gradient_before_it() -> None:
    assert told(causes(step("in|last|0", "dy|norm|0"))) == [("forward", "last", 1)]
    found = causes(step("in|last|0", "dy|norm|0", "dx|norm|0"))
    assert told(found) == [("forward", "last", 1), ("gradient", "norm", 1)]
    assert told(causes(step("dy|norm|0"))) == [("gradient", "norm", 1)]


def test_a_penalty_on_weights_is_one_cause_with_the_layer_that_pays_it() -> None:
    found = causes(step("total|loss|0", "grad|last:kernel|0", "log|loss|0"))
    assert [(cause.phase, cause.layer, cause.variable) for cause in found] == [("loss", "last", "last:kernel")]


def test_another_loss_explains_the_reported_loss_but_not_another_metric() -> None:
    found = causes(step("out|loss|0", "log|loss|0", "log|accuracy|0"))
    assert [(cause.phase, cause.variable) for cause in found] == [("loss", None), ("metric", "accuracy")]


def test_a_learning_rate_explains_the_weights_that_it_makes() -> None:
    found = causes(step("lr|optimizer|0", "var|first:kernel|0", "var|last:kernel|0"))
    assert [(cause.phase, cause.variable) for cause in found] == [("optimizer", "learning_rate")]


def test_a_slot_explains_the_update_and_the_new_weight() -> None:
    found = causes(step("slot|first:kernel|momentums", "update|first:kernel|0", "var|first:kernel|0"))
    assert [(cause.phase, cause.variable, cause.evidence["quantity"]) for cause in found] == [
        ("optimizer", "first:kernel", "momentums")
    ]


def test_an_optimizer_that_updates_everything_otherwise_is_one_cause_with_all_its_variables() -> None:
    found = causes(step(*(f"update|{name}|0" for name in sorted(TRAINABLE))))
    assert len(found) == 1
    assert (found[0].layer, set(found[0].also)) == (None, TRAINABLE)


def test_a_lost_mask_is_blamed_on_the_layer_that_lost_it_and_not_on_its_readers() -> None:
    masks = ("outmask|first|0", "inmask|norm|0", "outmask|norm|0", "inmask|last|0", "inmask|loss|0")
    found = causes(step("out|norm|0", "out|last|0", "out|loss|0", lone=masks))
    assert [(cause.phase, cause.layer, cause.kind) for cause in found] == [("forward", "first", "mask")]


def test_a_changed_mask_is_a_lost_one() -> None:
    found = causes(step("outmask|norm|0", "inmask|last|0", "out|last|0"))
    assert [(cause.phase, cause.layer, cause.kind) for cause in found] == [("forward", "norm", "mask")]


def test_a_metric_reads_the_mask_that_the_loss_reads() -> None:
    found = causes(step("out|loss|0", "log|accuracy|0", lone=("outmask|last|0", "inmask|loss|0")))
    assert [(cause.phase, cause.layer, cause.kind) for cause in found] == [("forward", "last", "mask")]


def test_a_mask_inside_of_a_layer_is_not_what_a_layer_outside_lost() -> None:
    order = ["outmask|block/softmax|0", "outmask|block|in0", "inmask|last|0", "out|last|0"]
    ones = np.ones(4, np.float32)
    record = StepRecord(1, {"out|last|0": ones, "dy|last|0": ones}, {"out|last|0": ones * 2}, {}, tuple(order[:3]))
    (found,) = locate.causes(observe.look([record], order, set(), {}), [])
    assert (found.layer, found.kind) == ("block", "mask")


def test_a_mask_that_changes_no_number_is_no_cause() -> None:
    assert causes(step(lone=("outmask|first|0", "inmask|norm|0"))) == []


def test_a_fault_beside_a_lost_mask_is_still_named() -> None:
    found = causes(step("out|first|0", "out|last|0", lone=("outmask|norm|0", "inmask|last|0")))
    assert [(cause.layer, cause.kind) for cause in found] == [("first", "numbers"), ("norm", "mask")]


def test_what_training_never_reads_is_told_apart() -> None:
    seen = look(step("out|last|0", unread=["out|last|0"]))
    assert locate.causes(seen, []) == []
    assert [one.key.owner for one in seen.idle] == ["last"]


def test_what_one_backward_pass_reads_is_read_whatever_another_does() -> None:
    """Two tapes of a step go back through one call; what the first has no use for, the second may."""
    one = step("out|last|0", unread=["out|last|0"])
    nothing = one.reference["dy|last|0"]
    for later, idle in ((nothing, ["last"]), (nothing + 1, [])):
        twice = replace(one, reference={**one.reference, "dy|last|0.1": later})
        assert [found.key.owner for found in look(twice).idle] == idle


def test_a_difference_within_the_noise_is_none() -> None:
    record = step("out|norm|0", factor=1 + 1e-6)
    noisy = StepRecord(
        1, record.reference, record.candidate, {"out|norm|0": array("out|norm|0") * np.float32(1 + 1e-6)}
    )
    assert causes(noisy) == []


def reshaped(key: str, *others: str) -> StepRecord:
    """A step at which `key` has another shape on the candidate's side, and `others` other numbers."""
    record = step(key, *others)
    return StepRecord(1, record.reference, {**record.candidate, key: array(key).reshape(2, 4)}, record.moved)


def test_another_shape_in_front_of_a_layer_is_a_cause_and_what_the_layer_makes_of_it_is_none() -> None:
    found = causes(reshaped("in|last|0", "out|last|0", "dy|norm|0"))
    assert [(cause.phase, cause.layer, cause.kind) for cause in found] == [("forward", "last", "shape")]


def test_targets_of_another_shape_are_no_cause_of_their_own() -> None:
    assert causes(reshaped("in|loss|0")) == []
    assert told(causes(reshaped("in|loss|0", "out|loss|0"))) == [("loss", None, 1)]


def test_nan_on_one_side_is_a_cause_of_the_kind_nan_alone() -> None:
    record = step("out|norm|0")
    record.candidate["out|norm|0"][3] = np.nan  # type: ignore[index]
    assert [(cause.phase, cause.layer, cause.kind) for cause in causes(record)] == [("forward", "norm", "nan")]


def test_the_phases_of_causes_are_those_of_the_house() -> None:
    for text in ORDER:
        phase = observe.phase_of(parse(text), TRAINABLE)
        assert phase is None if "mask" in text else phase in PHASES


def test_initial_values_are_compared_and_slots_are_the_optimizers() -> None:
    same = np.ones((3, 3), np.float32)
    reference = {"var|first:kernel|0": same, "var|last:kernel|0": same, "slot|first:kernel|momentums": same}
    candidate = {**reference, "var|last:kernel|0": same * 2, "slot|first:kernel|momentums": same * 0}
    found = outset.initial(reference, candidate)
    assert [(cause.phase, cause.layer, cause.kind) for cause in found] == [
        ("init", "last", "numbers"),
        ("optimizer", "first", "initial-slot"),
    ]


def test_a_slot_that_begins_otherwise_for_several_variables_is_one_cause() -> None:
    names = ("first:kernel", "last:kernel")
    reference = {f"slot|{name}|accumulators": np.full(3, 0.1, np.float32) for name in names}
    (cause,) = outset.initial(reference, {key: value * 2 for key, value in reference.items()})
    assert (cause.layer, cause.variable, cause.also, cause.evidence["quantity"]) == (None, None, names, "accumulators")


def with_terms(total: float, *terms: float) -> StepRecord:
    """A step whose total of 10 and whose terms of 1 are other numbers on the candidate."""
    reference = {"total|loss|0": np.float32(10.0)} | {f"term|{one}|0": np.float32(1.0) for one in LAYERS[: len(terms)]}
    candidate = {key: np.float32(value) for key, value in zip(reference, (total, *terms), strict=True)}
    return StepRecord(1, reference, candidate, reference)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (with_terms(10.5, 1.5), [("loss", "first", 1)]),
        (with_terms(10.7, 1.5, 1.2), [("loss", "first", 1), ("loss", "norm", 1)]),
        (with_terms(12.5, 1.5), [("loss", None, 1), ("loss", "first", 1)]),
        (with_terms(12.5), [("loss", None, 1)]),
    ],
)
def test_a_total_that_differs_by_what_a_layer_adds_is_the_layers(record: StepRecord, expected: list[Any]) -> None:
    assert sorted(told(causes(record)), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_an_input_that_was_rounded_to_half_is_no_cause_and_what_came_out_rounded_is(half: str) -> None:
    value = np.linspace(-3, 3, 50, dtype=np.float32)
    rounded = value.astype(half if half == "float16" else ml_dtypes.bfloat16)
    kept = rounded if half == "float16" else rounded.astype(np.float32)
    record = StepRecord(
        1, dict.fromkeys(("out|first|0", "in|norm|0"), value), {"out|first|0": kept, "in|norm|0": kept}, {}
    )
    assert told(causes(record)) == [("forward", "first", 1)]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (["abc", "ABC"], ["abc", "ABC"], []),
        (["abc", "ABC", "abc"], ["abc", "Axx", "xyz"], [("numbers", 2, ["targets", "sample weights"])]),
        (["abc"], ["xbc"], [("numbers", 1, ["inputs"])]),
        (["abc", "ABC"], ["abc"], [("length", 2, None)]),
        ([], [], []),
    ],
)
def test_the_first_batch_that_differs_is_the_cause(
    left: list[str], right: list[str], expected: list[tuple[str, int, list[str] | None]]
) -> None:
    found = outset.batches([[*one] for one in left], [[*one] for one in right])
    assert [(cause.kind, cause.step, cause.evidence.get("parts")) for cause in found] == expected


@pytest.mark.parametrize(
    ("other", "step"),
    [(["int", (10.0, 3.00001)], None), (["int", (10.0, 3.001)], 2), (["uint", (10.0, 3.0)], 2)],
    ids=["round-off", "another number", "another label"],
)
def test_batches_out_of_predictions_may_differ_by_round_off(other: list[Any], step: int | None) -> None:
    one = ["int", (10.0, 3.0)]
    found = outset.batches([[*"abc"], [*"ABC"]], [[*"abc"], [*"xyz"]], ([one, one], [one, other]))
    assert [cause.step for cause in found] == ([step] if step else [])


def test_layers_of_one_class_that_differ_alike_are_one_cause_and_another_change_is_another() -> None:
    found = [Cause("state", name, f"{name}:mean", 1, "numbers", evidence={}) for name in ("bn1", "bn2", "bn3")]
    classes = dict.fromkeys(("bn1", "bn2", "bn3"), "BatchNormalization")
    merged = merging.merge(found, classes, lambda layer: {"momentum": (0.9, 0.99)} if layer == "bn2" else {})
    assert [(cause.layer, cause.also) for cause in merged] == [("bn1", ("bn3:mean",)), ("bn2", ())]


def test_of_layers_that_differ_alike_the_first_that_shows_leads() -> None:
    steps = {"bn1": 2, "bn2": 1, "bn3": 2, "bn4": 1}
    found = [Cause("state", name, f"{name}:mean", step, "numbers", evidence={}) for name, step in steps.items()]
    (one,) = merging.merge(found, dict.fromkeys(steps, "BatchNormalization"), lambda layer: {})
    assert (one.layer, one.step, one.also) == ("bn2", 1, ("bn1:mean", "bn3:mean", "bn4:mean"))


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (["first", "last"], [("norm", "missing-layer")]),
        (["first", "added", "norm", "last"], [("last", "numbers")]),
        (["first", "norm", "added", "last"], [("added", "extra-layer")]),
        (["first", "norm", "last"], [("last", "numbers")]),
    ],
)
def test_a_layer_that_only_one_side_has_is_named_for_what_it_feeds(
    theirs: list[str], expected: list[tuple[str, str]]
) -> None:
    ours = described("first:kernel", "last:kernel")
    ours["layers"].insert(1, {"path": "norm", "class": "Activation", "config": {}})
    layer = {"added": "Lambda", "norm": "Activation"}
    other = described("first:kernel", "last:kernel")
    other["layers"] = [{"path": path, "class": layer.get(path, "Layer"), "config": {}} for path in theirs]
    found = wiring.lone_layers(causes(step("in|last|0")), ORDER, pair(ours, other), ours, other)
    assert [(cause.layer, cause.kind) for cause in found] == expected


def test_round_off_shrinks_in_float64_and_a_formula_does_not() -> None:
    seen = Seen(parse("out|norm|0"), "forward", 1, Gap(1e-6, 1e-8, 100.0), 0)
    reference = {"out|norm|0": np.linspace(1, 2, 8)}

    def record(factor: float) -> StepRecord:
        return StepRecord(1, reference, {"out|norm|0": reference["out|norm|0"] * factor}, {})

    assert observe.roundoff(record(1 + 1e-14), seen)
    assert not observe.roundoff(record(1 + 1e-6), seen)
    assert observe.roundoff(StepRecord(1, {}, {}, {}), seen), "bit for bit equal in float64"


@pytest.mark.parametrize(
    ("kind", "forward", "doubted"),
    [("grad|norm:gamma|0", False, True), ("grad|norm:gamma|0", True, False), ("var|norm:moving_mean|0", False, False)],
)
def test_a_gradient_a_thousand_floors_off_is_doubted_where_the_layer_computes_the_same(
    kind: str, forward: bool, doubted: bool
) -> None:
    keys = (kind, "out|norm|0") if forward else (kind,)
    seen = look(step(*keys, factor=1 + 1e-3))
    assert bool(observe.doubtful(seen, {})) is doubted


@pytest.mark.parametrize(
    ("own", "sign", "formula"),
    [
        (True, np.ones(32), True),
        (True, np.tile([1.0, -1.0], 16), False),
        (False, np.ones(32), False),
        (True, np.array([1.0, 1.0]), False),
    ],
    ids=["one direction", "both directions", "Keras 2 computes the same in float64", "too few to tell"],
)
def test_what_vanishes_in_float64_is_a_formula_where_keras_2_itself_changes_and_all_differ_to_one_side(
    own: bool, sign: np.ndarray, formula: bool
) -> None:
    key = "var|norm:moving_mean|0"
    exact = np.linspace(1, 2, sign.size)
    candidate = exact.astype(np.float32)
    reference = (candidate * (1 - 1e-5 * sign)).astype(np.float32)
    record = StepRecord(1, {key: reference}, {key: candidate}, {key: reference})
    seen = look(record)
    (one,) = seen.live
    real = observe.directed([one], seen, {1: {key: exact if own else reference.astype(np.float64)}}, {})
    assert (id(one) in real) is formula


def test_an_optimizer_that_updates_a_layer_otherwise_does_not_explain_its_state() -> None:
    record = step("slot|norm:gamma|momentums", "var|norm:moving_mean|0")
    assert told(causes(record)) == [("optimizer", "norm", 1), ("state", "norm", 1)]


def test_an_average_of_the_weights_does_not_explain_the_weights() -> None:
    averages = f"slot|first:kernel|{locate.AVERAGES}"
    value = np.arange(1, 9, dtype=np.float32)
    keys = (averages, "update|first:kernel|0")
    record = StepRecord(1, dict.fromkeys(keys, value), dict.fromkeys(keys, value * np.float32(1.01)), {})
    assert {cause.evidence["quantity"] for cause in causes(record)} == {locate.AVERAGES, "update"}


def test_a_slot_that_begins_otherwise_is_no_second_cause_beside_the_slot_that_goes_on_otherwise() -> None:
    begins = outset.initial(
        {"slot|first:kernel|momentums": np.ones(3, np.float32)},
        {"slot|first:kernel|momentums": np.zeros(3, np.float32)},
    )
    found = causes(step("slot|first:kernel|momentums"), before=begins)
    kinds = [cause.kind for cause in merging.merge(found, {}, lambda layer: {})]
    assert (len(found), kinds) == (2, ["numbers"])
    assert [cause.kind for cause in merging.merge(begins, {}, lambda layer: {})] == ["initial-slot"]


def test_a_slot_of_one_variable_does_not_explain_that_all_begin_otherwise() -> None:
    names = ("first:kernel", "embedding:embeddings")
    sides = [{f"slot|{name}|momentums": np.full(3, value, np.float32) for name in names} for value in (1.0, 0.0)]
    found = causes(step("slot|embedding:embeddings|momentums"), before=outset.initial(*sides))
    assert {one.kind for one in merging.merge(found, {}, lambda layer: {})} == {"initial-slot", "numbers"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["update|first:kernel|0"], {"optimizer"}),
        (["update|first:kernel|0", "grad|first:kernel|0"], {"gradient", "optimizer"}),
        ([], {"gradient"}),
    ],
    ids=["an update of its own", "the tape gave another one", "nothing else"],
)
def test_a_gradient_that_an_optimizer_changes_first_is_its_own(more: list[str], expected: set[str]) -> None:
    assert {one.phase for one in causes(step("grad|first:kernel|u0.0", *more))} == expected


def test_several_slots_of_rows_that_are_not_added_up_are_one_cause() -> None:
    keys = ("slot|embedding:embeddings|velocities", "slot|embedding:embeddings|momentums")
    found = [replace(one, kind="sparse") for key in keys for one in causes(step(key))]
    (one,) = merging.merge(found, {}, lambda layer: {})
    assert (one.also, set(one.evidence["quantities"])) == ((), {"velocities", "momentums"})


def test_layers_that_stand_in_another_order_are_one_cause() -> None:
    outs = {f"out|{name}|0": np.full(4, number, np.float32) for number, name in enumerate(("a", "b", "c", "d"))}

    def wired(*names: str) -> dict[str, np.ndarray]:
        return {f"in|{name}|0": outs[f"out|{before}|0"] for before, name in itertools.pairwise(names)}

    def cause(layer: str) -> Cause:
        return Cause("forward", layer, None, 1, "numbers", evidence={"array": f"in|{layer}|0"})

    ours, own = outs | wired("a", "b", "c", "d"), wired("a", "c", "b", "d")
    (found,) = wiring.rewired([cause("b"), cause("c"), cause("d")], lambda step: (ours, own))
    assert (found.layer, found.also, found.evidence["takes"]) == ("b", ("c", "d"), ("a", "c"))
    assert found.evidence["places"] == ["in|b|0", "in|c|0", "in|d|0"]
    (alone,) = wiring.rewired([cause("b")], lambda step: (ours, own))
    assert alone.evidence["places"] == ["in|b|0", "in|c|0", "in|d|0"]
    computed = {**own, "in|d|0": np.full(4, 9, np.float32)}
    told = wiring.rewired([cause("b"), cause("d")], lambda step: (ours, computed))
    assert [one.layer for one in told] == ["b", "d"]


def test_slots_that_differ_from_one_step_on_are_one_cause_and_an_average_is_another() -> None:
    def cause(quantity: str, step: int, *names: str) -> Cause:
        return Cause("optimizer", None, None, step, "numbers", evidence={"quantity": quantity, "variables": [*names]})

    found = [cause("momentums", 1, "a", "b"), cause("velocities", 1, "a"), cause(locate.AVERAGES, 1, "a", "b")]
    told = merging.merge([*found, cause("update", 4, "a", "b")], {}, lambda layer: {})
    quantities = [one.evidence.get("quantities", [one.evidence["quantity"]]) for one in told]
    assert quantities == [["momentums", "velocities"], [locate.AVERAGES], ["update"]]
