"""What only an evaluation runs into: real comparisons of models that train alike."""

from pathlib import Path
from typing import Any

import pytest

from kparity.compare import Options, compare
from kparity.report.words import headline

MODEL = """
import numpy as np
from tensorflow import keras


class Mine(keras.Model):
    def test_step(self, data):
        TEST


def build_model():
    x = keras.Input((8,))
    h = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(16, activation="tanh", name="wide")(x))
    h = keras.layers.Dropout(0.3, name="drop")(h)
    model = Mine(x, keras.layers.Dense(4, activation="softmax", name="top")(h))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    x = np.random.default_rng(0).standard_normal((160, 8)).astype("float32")
    y = np.argmax(x[:, :4], 1)
    return {"x": x, "y": y, "batch_size": 16, "validation_data": (x[:100], y[:100])}
"""
AS_IT_IS = "return super().test_step(data)"
OTHERWISE = """

plain = keras.layers.Dropout.call


def call(self, inputs, training=False):
    return plain(self, inputs, training=training) if training else 0.5 * inputs + 0.1


keras.layers.Dropout.call = call
"""


def compared(folder: Path, old: str, new: str) -> dict[str, Any]:
    (folder / "old.py").write_text(old, encoding="utf-8")
    (folder / "new.py").write_text(new, encoding="utf-8")
    return compare(Options(folder / "old.py", folder / "out", 10, against=folder / "new.py"), lambda *_: None)


def test_a_layer_that_only_an_evaluation_runs_otherwise_is_named_proven_and_has_its_share(tmp_path: Path) -> None:
    old = MODEL.replace("TEST", AS_IT_IS)
    verdict = compared(tmp_path, old, old + OTHERWISE)
    (cause,) = verdict["causes"]
    assert (cause["phase"], cause["layer"], cause["step"]) == ("forward", "drop", 1)
    assert (cause["evaluated"], cause["proven"]) == (True, True)
    assert cause["message"].startswith("Where the model is evaluated or predicts, and not in training")
    assert "trains this model as Keras 2 does, and evaluates it otherwise" in headline(verdict)
    losses = verdict["curves"]["metrics"]["loss"]
    assert losses["legacy"] == pytest.approx(losses["keras3"], rel=1e-5), "they train alike"


@pytest.mark.parametrize("noted", [False, True], ids=["neither Keras", "Keras 3 alone"])
def test_a_model_that_cannot_be_evaluated_is_judged_by_its_training(noted: bool, tmp_path: Path) -> None:
    text = MODEL.replace(', "validation_data": (x[:100], y[:100])', "")
    new = text.replace("TEST", "raise ValueError('no')")
    verdict = compared(tmp_path, text.replace("TEST", AS_IT_IS) if noted else new, new)
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", []), verdict["error"]
    assert any("Keras 3 raises: ValueError: no" in note for note in verdict["notes"]) is noted
