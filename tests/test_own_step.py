"""A training step that Keras has written on one side and the user, or a patch, on the other: real comparisons."""

from pathlib import Path

import pytest

from kparity.compare import Options, compare

MODEL = """
import numpy as np
import tensorflow as tf
from tensorflow import keras


def build_model():
    x = keras.Input((8,))
    h = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(16, activation="tanh", name="wide")(x))
    model = keras.Model(x, keras.layers.Dense(4, activation="softmax", name="top")(h))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    x = np.random.default_rng(0).standard_normal((160, 8)).astype("float32")
    return {"x": x, "y": np.argmax(x[:, :4], 1), "batch_size": 16}
"""
OWN = """

plain = keras.Model.train_step


def train_step(self, data):
    x, y = data
    {}
    logs = plain(self, (x, y))
    {}
    return logs


keras.Model.train_step = train_step
"""
DECAYED = "kernel = self.trainable_variables[0]; kernel.assign(kernel * 0.9999)"
FIRST = "y = tf.where(tf.range(16) == 3, tf.zeros_like(y), y)"


@pytest.mark.parametrize(
    ("before", "after", "cause", "says"),
    [
        ("", "", None, ""),
        ("", DECAYED, ("state", "wide", "wide:kernel"), "after its update `wide:kernel` is given another value"),
        pytest.param(FIRST, "", ("loss", None, None), "It is given other targets.", marks=pytest.mark.slow),
    ],
    ids=["that does the same", "that moves a weight besides", "that changes targets"],
)
def test_a_training_step_of_its_own_on_one_side(
    before: str, after: str, cause: tuple[str, str | None, str | None] | None, says: str, tmp_path: Path
) -> None:
    (tmp_path / "old.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "new.py").write_text(MODEL + OWN.format(before, after), encoding="utf-8")
    verdict = compare(Options(tmp_path / "old.py", tmp_path / "out", 10, against=tmp_path / "new.py"), lambda *_: None)
    told = [(one["phase"], one["layer"], one["variable"]) for one in verdict["causes"]]
    assert told[:1] == ([cause] if cause else []), verdict["error"]
    assert all(one["step"] == 1 and one["proven"] and says in one["message"] for one in verdict["causes"][:1])


def test_the_users_step_on_the_reference_side_is_held_against_kerass_own(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(MODEL + OWN.format("", ""), encoding="utf-8")
    (tmp_path / "new.py").write_text(MODEL.replace("SGD(0.1)", "SGD(0.1, momentum=0.5)"), encoding="utf-8")
    verdict = compare(Options(tmp_path / "old.py", tmp_path / "out", 10, against=tmp_path / "new.py"), lambda *_: None)
    assert [(one["phase"], one["proven"]) for one in verdict["causes"]] == [("optimizer", True)], verdict["error"]


SECOND = """
import numpy as np
import tensorflow as tf
from tensorflow import keras


class Twice(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
            first = inner.gradient(loss, self.trainable_variables)
        second = outer.gradient(first, self.trainable_variables)
        both = [0.5 * one + SHARE * other for one, other in zip(first, second)]
        self.optimizer.apply_gradients(zip(both, self.trainable_variables))
        return {"loss": loss}


def build_model():
    x = keras.Input((4,))
    model = Twice(x, keras.layers.Dense(1, name="top")(keras.layers.Dense(6, activation="tanh")(x)))
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def load_data():
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32")
    return {"x": x, "y": x[:, :1], "batch_size": 8}
"""


@pytest.mark.parametrize("share", [0.5, 0.4])
def test_a_step_that_descends_by_first_and_second_derivatives(share: float, tmp_path: Path) -> None:
    """The first derivative is forced in a replay, and the second still goes back through it."""
    (tmp_path / "old.py").write_text(SECOND.replace("SHARE", "0.5"), encoding="utf-8")
    (tmp_path / "new.py").write_text(SECOND.replace("SHARE", str(share)), encoding="utf-8")
    verdict = compare(Options(tmp_path / "old.py", tmp_path / "out", 4, against=tmp_path / "new.py"), lambda *_: None)
    assert verdict["verdict"] == ("equivalent" if share == 0.5 else "different"), verdict["error"] or verdict["causes"]
    assert all(cause["phase"] in {"gradient", "optimizer"} for cause in verdict["causes"])
