"""Trainings that a callback ends: what it does is judged on the same numbers, in real comparisons."""

from pathlib import Path

import pytest

from kparity.compare import Options, compare

MODEL = """
import numpy as np
from tensorflow import keras


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = EPOCHS


def build_model():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax", name="top")])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32")
    return {"x": x, "y": (x[:, 0] > 0).astype("int64"), "batch_size": 16, "callbacks": [Stop()]}
"""


@pytest.mark.parametrize(
    ("old", "new", "ends"),
    [
        ("epoch == 2", "epoch == 2", None),
        ("epoch == 2", "epoch == 1", "after step 12 in Keras 2, and after step 8 in Keras 3"),
        ("epoch == 1", "False", "after step 8 in Keras 2, and not at all in Keras 3"),
        ("logs['loss'] < 1e9", "logs['loss'] < -1e9", "after step 4 in Keras 2, and not at all in Keras 3"),
    ],
)
def test_callbacks_that_end_a_training_elsewhere_are_a_cause(
    old: str, new: str, ends: str | None, tmp_path: Path
) -> None:
    (tmp_path / "old.py").write_text(MODEL.replace("EPOCHS", old), encoding="utf-8")
    (tmp_path / "new.py").write_text(MODEL.replace("EPOCHS", new), encoding="utf-8")
    verdict = compare(Options(tmp_path / "old.py", tmp_path / "out", 20, against=tmp_path / "new.py"), lambda *_: None)
    told = [(cause["phase"], cause["kind"], cause["proven"]) for cause in verdict["causes"]]
    assert told == ([("config", "stopped", True)] if ends else []), verdict["error"]
    assert ends is None or ends in verdict["causes"][0]["message"]


BEST = "keras.callbacks.EarlyStopping('loss', patience=1, min_delta=9.0, restore_best_weights={})"
HALVED = """[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: [
        weight.assign(weight * {}) for weight in MODELS[-1].trainable_variables])]"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (BEST.format(True), BEST.format(True), None),
        (
            BEST.format(True),
            BEST.format(False),
            "the weights of step 4 after step 8 in Keras 2, and the weights of that step in Keras 3",
        ),
        pytest.param(HALVED.format(0.5), HALVED.format(0.5), None, marks=pytest.mark.slow),
        (HALVED.format(0.5), HALVED.format(0.75), "the weights of step 2 after step 4 in Keras 2"),
    ],
    ids=["both restore", "one restores", "both halve", "one halves"],
)
def test_callbacks_that_leave_other_weights_are_a_cause(old: str, new: str, says: str | None, tmp_path: Path) -> None:
    kept = "    MODELS.append(model)\n    return model"
    text = MODEL.replace("import numpy", "MODELS = []\nimport numpy").replace("    return model", kept)
    (tmp_path / "old.py").write_text(text.replace("[Stop()]", old), encoding="utf-8")
    (tmp_path / "new.py").write_text(text.replace("[Stop()]", new), encoding="utf-8")
    verdict = compare(Options(tmp_path / "old.py", tmp_path / "out", 20, against=tmp_path / "new.py"), lambda *_: None)
    told = [(cause["phase"], cause["kind"], cause["proven"]) for cause in verdict["causes"]]
    assert told == ([("config", "weights", True)] if says else []), verdict["error"]
    assert says is None or says in verdict["causes"][0]["message"]
