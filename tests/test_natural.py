"""Natural mode: real trainings with each side's own draws, and what is concluded from their results."""

import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from test_compare_errors import SCHEMA, run, verdict_of

from kparity.analysis.verdict import empty
from kparity.natural import conclude
from kparity.options import Options

MODEL = """\
import os

import numpy as np
import tensorflow as tf

tf.random.set_seed(1)
RATE = 1e-6 if os.environ["TF_USE_LEGACY_KERAS"] == "0" and "{slow}" else 0.01


def load_data():
    x = np.random.RandomState(0).randn(600, 8).astype("float32")
    y = (x.sum(1) > 0).astype("int32")
    return {{"x": x[:400], "y": y[:400], "batch_size": 32, "validation_data": (x[400:], y[400:])}}


def build_model():
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Dense(16, activation="relu"), layers.Dropout(0.2), layers.Dense(2)])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(RATE), loss, metrics=["accuracy"])
    return model
"""


@pytest.mark.parametrize(
    ("slow", "answer", "code"), [("", "equivalent", 0), pytest.param("yes", "different", 1, marks=pytest.mark.slow)]
)
def test_seeds_are_trained_by_each_side_with_its_own_draws(slow: str, answer: str, code: int, tmp_path: Path) -> None:
    subject = tmp_path / "model.py"
    subject.write_text(MODEL.format(slow=slow))
    ended = run(subject, tmp_path / "out", "--natural", "--seeds", "4", "--steps", "60", "--margin", "0.05")
    verdict = verdict_of(tmp_path / "out" / "model")
    assert (verdict["verdict"], ended.returncode) == (answer, code), ended.stdout + ended.stderr
    found = verdict["natural"]
    assert found["metric"] == "val_accuracy"
    assert [one["seed"] for one in found["results"]] == [0, 1, 2, 3]
    for side in ("legacy", "keras3"):
        assert len({one[side] for one in found["results"]}) > 1, "the program's own seed must not make all seeds one"
    assert "90 % interval" in " ".join(ended.stdout.split())


def side(**metrics: float) -> dict[str, Any]:
    return {"metrics": metrics, "module": "m", "jit_compile": False, "parameters": 1, "notes": [], "peak_mb": 1}


def concluded(
    legacy: list[dict[str, Any]], keras3: list[dict[str, Any]], margin: float | None = None
) -> dict[str, Any]:
    verdict = empty(Options(Path("model.py"), Path("out")))
    verdict["sides"] = {name: {"keras": "3", "source": "model.py"} for name in ("legacy", "keras3")}
    conclude(verdict, list(range(len(legacy))), list(zip(legacy, keras3, strict=True)), margin)
    return verdict


def test_a_loss_is_judged_where_there_is_no_accuracy_and_its_margin_is_a_part_of_it() -> None:
    left = [side(loss=20.0 + 0.01 * n) for n in range(6)]
    right = [side(loss=20.1 + 0.012 * n) for n in range(6)]
    verdict = concluded(left, right)
    assert verdict["verdict"] == "equivalent"
    assert verdict["natural"]["margin"] == pytest.approx(0.05 * 20.0, rel=0.01)
    assert any("no validation data" in note for note in verdict["notes"])
    assert concluded(left, right, margin=0.001)["verdict"] == "different"


@pytest.mark.parametrize(
    ("legacy", "keras3", "answer", "says"),
    [
        ([0.9, 0.9, 0.9], [0.9, 0.9, 0.9], "inconclusive", "leaves nothing to chance"),
        ([0.90, 0.91, 0.905], [math.nan, 0.91, 0.905], "inconclusive", "0 of Keras 2's results and 1 of Keras 3's"),
        ([0.90], [0.90], "inconclusive", ""),
    ],
)
def test_what_speaks_against_an_answer_is_said(
    legacy: list[float], keras3: list[float], answer: str, says: str
) -> None:
    left, right = ([side(val_accuracy=value, val_loss=1.0) for value in values] for values in (legacy, keras3))
    verdict = concluded(left, right)
    assert verdict["verdict"] == answer
    assert says in " ".join(verdict["notes"])


def test_a_difference_without_causes_is_a_valid_verdict_of_natural_mode() -> None:
    left = [side(val_accuracy=0.9 + 0.001 * n) for n in range(6)]
    right = [side(val_accuracy=0.5 + 0.002 * n) for n in range(6)]
    verdict = concluded(left, right)
    assert (verdict["verdict"], verdict["causes"]) == ("different", [])
    jsonschema.validate(verdict, SCHEMA)
