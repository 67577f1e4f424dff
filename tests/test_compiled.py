"""A difference that only compiled steps have: no replay shows it, and the pair isn't called equivalent for it."""

from pathlib import Path

from kparity.compare import Options, compare

MODEL = """
import numpy as np
import tensorflow as tf
from tensorflow import keras


class Wide(keras.layers.Dense):
    def call(self, inputs):
        return super().call(inputs) * (1.0 if tf.executing_eagerly() else COMPILED)


def build_model():
    model = keras.Sequential([keras.Input((4,)), Wide(8, activation="tanh"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


def load_data():
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32")
    return {"x": x, "y": x[:, :1] + 1.0, "batch_size": 16}
"""


def test_what_only_compiled_steps_do_is_told(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(MODEL.replace("COMPILED", "1.0"), encoding="utf-8")
    (tmp_path / "new.py").write_text(MODEL.replace("COMPILED", "1.005"), encoding="utf-8")
    verdict = compare(Options(tmp_path / "old.py", tmp_path / "out", 8, against=tmp_path / "new.py"), lambda *_: None)
    assert (verdict["verdict"], verdict["causes"]) == ("inconclusive", []), verdict["error"]
    told = next(note for note in verdict["notes"] if "something depends on compilation" in note)
    assert "begins with what comes out of `wide` (0." in told
