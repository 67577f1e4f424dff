"""How a layer was called, and the patterns of rules against it."""

import numpy as np
import pytest

from kparity.analysis.calls import Calls, facts, fits, in_words, of_predictions
from kparity.trace import STEADY

ORDER = (
    "in|decoder|0",
    "in|decoder|1",
    "in|decoder|2",
    "inmask|decoder|0",
    "out|decoder|0",
    "in|drop|0",
    "in|drop#2|0",
)


def calls(reference: dict[str, object], candidate: dict[str, object]) -> Calls:
    """One layer, `decoder`, called once on each side."""
    return Calls({"decoder": reference}, {"decoder": candidate}, ORDER)


@pytest.mark.parametrize(
    ("reference", "candidate", "other", "words"),
    [
        ({"training": False}, {"training": True}, "other training", "training=False in Keras 2 and training=True"),
        ({"training": None}, {"training": True}, None, ""),
        (
            {"draws": [["dropout", [4, 6, 3]]]},
            {"draws": [["dropout", [4, 3]]]},
            "other draws",
            "Keras 2 draws dropout of shape (4, 6, 3), Keras 3 dropout of shape (4, 3)",
        ),
        (
            {"draws": []},
            {"draws": [["normal", [2]]]},
            "other draws",
            "Keras 2 draws nothing, Keras 3 normal of shape (2,)",
        ),
        ({"draws": [["dropout", [4]]]}, {"draws": [["dropout", [4]]]}, None, ""),
        (
            {"draws": [["normal", [2]]]},
            {"draws": [["normal" + STEADY, [2]]]},
            "other draws",
            "Keras 3 normal (the same at every step) of shape (2,)",
        ),
    ],
)
def test_another_mode_and_other_draws_are_facts_and_said(
    reference: dict[str, object], candidate: dict[str, object], other: str | None, words: str
) -> None:
    found = calls(reference, candidate)
    assert facts(found, "decoder") == ["3 inputs", *([other] if other else []), "masked"]
    said = in_words(found, "decoder", ("Keras 2", "Keras 3"))
    assert words in said
    assert bool(said) is (other is not None)


@pytest.mark.parametrize(
    ("reference", "candidate", "frozen"), [("", STEADY, True), (STEADY, "", False), ("", "", False)]
)
def test_draws_are_frozen_where_the_candidate_alone_repeats_them(reference: str, candidate: str, frozen: bool) -> None:
    sides = [{"draws": [["normal" + kind, [2]]]} for kind in (reference, candidate)]
    assert calls(*sides).frozen("decoder") is frozen
    assert calls({}, sides[1]).frozen("decoder") is bool(candidate)


def test_inputs_are_counted_in_one_call_and_a_layer_that_was_not_called_has_none() -> None:
    assert facts(Calls(order=ORDER), "drop") == ["1 inputs"]
    assert facts(Calls(order=ORDER), "else") == ["0 inputs"]
    assert facts(Calls(order=ORDER), None) == []


@pytest.mark.parametrize(
    ("shows", "fit"),
    [
        ({}, True),
        ({"kind": "numbers"}, True),
        ({"kind": "mask"}, False),
        ({"with": "*activation=hard_sigmoid"}, True),
        ({"with": "masked & [2-9] inputs"}, True),
        ({"with": "masked & [4-9] inputs"}, False),
        ({"with": "dropout=0.*[1-9]*"}, False),
        ({"kind": "numbers", "variable": "kernel"}, False),
    ],
)
def test_every_pattern_of_a_rule_must_match_something_that_was_measured(shows: dict[str, str], fit: bool) -> None:
    seen = ["recurrent_activation=hard_sigmoid", "dropout=0.0", "3 inputs", "masked"]
    assert fits(shows, {"kind": ["numbers"], "with": seen}) is fit


@pytest.mark.parametrize(
    ("predictions", "found"),
    [([0.5, 1e-6], ["saturated"]), ([0.5, 0.999999], ["saturated"]), ([0.4, 0.6], []), ([-3.0, 1e-6], [])],
)
def test_a_loss_of_probabilities_next_to_their_ends_is_told_from_one_of_logits(
    predictions: list[float], found: list[str]
) -> None:
    arrays = {"in|loss|0": np.zeros(2, np.float32), "in|loss|1": np.array(predictions, np.float32)}
    assert of_predictions(arrays) == found
