"""Common random numbers: the same bits however they are drawn, and good ones. In one real TensorFlow process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What align_side.py found."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    script = Path(__file__).with_name("align_side.py")
    ended = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-4000:]
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def test_a_draw_has_the_same_bits_eagerly_in_a_graph_and_under_xla(found: dict[str, Any]) -> None:
    ways = found["ways"]
    assert set(ways) == {"eager", "graph", "xla", "dynamic"}
    assert len(set(ways.values())) == 1, ways


def test_every_random_function_draws_the_same_eagerly_in_a_graph_and_nearly_so_under_xla(found: dict[str, Any]) -> None:
    import numpy as np

    for name, (eager, graph, xla) in found["functions"].items():
        assert eager == graph, name
        kind = {"integers": "int32", "float64": "float64"}.get(name, "float32")
        left, right = (np.frombuffer(bytes.fromhex(text), kind) for text in (eager, xla))
        assert left == pytest.approx(right, rel=1e-5, abs=1e-6), name
        if name in {"integers", "dropout", "stateless"}:
            assert eager == xla, name


def test_a_draw_by_a_seed_that_stays_is_the_same_at_every_step_and_no_other_is(found: dict[str, Any]) -> None:
    constant = {name for name, (same, _) in found["steady"].items() if same}
    assert constant == {"number", "made of a number", "in a loop", "a variable that nothing changes"}
    alike = {name: eager for name, (_, eager) in found["steady"].items() if name != "in a loop"}
    assert all(alike.values()), alike


def test_a_layer_that_flips_images_draws_as_keras_3_does_and_a_dataset_by_its_own_seed(found: dict[str, Any]) -> None:
    one, other, coin = found["images"]["inside"]
    assert one == other == coin, "Keras 3 flips where a uniform number is below a half"
    left, right = found["images"]["outside"]
    assert left != right


def test_calls_that_stand_for_a_single_one_draw_what_that_draws(found: dict[str, Any]) -> None:
    assert found["parts"] == {"same": [True, True], "census": True, "nested": True}


def test_the_numbers_are_uniform(found: dict[str, Any]) -> None:
    mean, deviation, low, high = found["moments"]["uniform"]
    assert mean == pytest.approx(0.5, abs=4 * 12**-0.5 / 200_000**0.5)
    assert deviation == pytest.approx(12**-0.5, abs=1e-3)
    assert 0 < low < 1e-4
    assert 1 - 1e-4 < high < 1
    assert all(abs(cell) < 5 for cell in found["moments"]["cells"]), "cells of the high and of the low bits"


def test_neither_0_nor_1_is_ever_drawn(found: dict[str, Any]) -> None:
    low, high = found["extremes"]
    assert 0 < low < 1e-6, "the normal distribution has no finite number for 0"
    assert 1 - 1e-6 < high < 1, "nor for 1, and an integer below `maxval` would be it"


def test_normal_numbers_are_normal_and_the_truncated_end_at_two_deviations(found: dict[str, Any]) -> None:
    mean, deviation, low, high = found["moments"]["normal"]
    assert (mean, deviation) == (pytest.approx(0, abs=0.01), pytest.approx(1, abs=0.01))
    assert low < -3.5
    assert high > 3.5
    mean, deviation, low, high = found["moments"]["truncated"]
    assert (mean, deviation) == (pytest.approx(0, abs=0.01), pytest.approx(0.8796, abs=0.01))
    assert -2 <= low < -1.99
    assert 1.99 < high <= 2
    assert found["moments"]["finite"] == [1.0, 1.0]


def test_draws_of_other_keys_steps_and_positions_are_uncorrelated(found: dict[str, Any]) -> None:
    assert all(abs(size) < 5 for size in found["correlations"].values()), found["correlations"]


def test_a_draw_is_keyed_by_seed_owner_occurrence_and_step_alone(found: dict[str, Any]) -> None:
    streams = found["streams"]
    assert streams["again"] == streams["base"]
    assert streams["renamed"] == streams["base"], "an owner that goes by the reference's name draws its numbers"
    others = [streams[name] for name in ("base", "seed", "owner", "step", "occurrence")]
    assert len(set(others)) == len(others)


def test_the_census_says_who_drew_what(found: dict[str, Any]) -> None:
    assert found["census"] == [
        {"owner": "dense:kernel#1", "kind": "uniform", "occurrence": 0, "shape": [4, 2], "parameters": [-0.5, 0.5]},
        {"owner": "program", "kind": "normal", "occurrence": 0, "shape": [3], "parameters": [0.0, 1.0]},
    ]


def test_dropout_keeps_its_share_scale_and_noise_shape(found: dict[str, Any]) -> None:
    rates = found["rates"]
    assert rates["kept"] == pytest.approx(0.7, abs=0.01)
    assert rates["scale"] == pytest.approx(1 / 0.7)
    assert rates["rows"] == 1.0
    assert rates["none"] == 1.0
