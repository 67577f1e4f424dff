"""Each cause's share of the accuracy difference: with all of them taken back, Keras 3 trains as Keras 2 does."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kparity import beside
from kparity.compare import Options, compare
from kparity.shares import known_noise, matters

OLD = """
import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

def build_model():
    POLICY
    tokens = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True)(tokens)
    x = layers.LSTM(8, return_sequences=True)(x)
    x = layers.LayerNormalization(epsilon=1e-3, name="norm")(x)
    x = layers.GlobalAveragePooling1D()(x)
    outputs = layers.Activation("softmax", dtype="float32")(layers.Dense(3)(x))
    model = keras.Model(tokens, outputs)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.0)
    model.compile(keras.optimizers.Adam(1e-2, epsilon=1e-7), loss, metrics=["accuracy"])
    return model

def load_data():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 20, (192, 6)).astype("int32")
    return {"x": x, "y": np.eye(3, dtype="float32")[x.sum(1) % 3], "batch_size": 16}
"""
CHANGES = [("epsilon=1e-3", "epsilon=1e-1"), ("label_smoothing=0.0", "label_smoothing=0.4"), ("1e-7", "1e-3")]


HALF = 'keras.mixed_precision.set_global_policy("mixed_float16")'
POLICIES = [("pass", 1e-6, set()), (HALF, 0.05, {"gradient"})]
"""And how near the two ends must be: round-off in half precision turns a prediction or two. There Keras 2 adds up an
LSTM's gradient in half precision, where it overflows, and Keras 3 doesn't: one cause more."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "near", "more"), POLICIES, ids=["single precision", "a loss that is scaled for half precision"]
)
def test_with_every_cause_taken_back_keras_3_ends_where_keras_2_does(
    policy: str, near: float, more: set[str], tmp_path: Path
) -> None:
    old = new = OLD.replace("POLICY", policy)
    for before, after in CHANGES:
        assert before in new
        new = new.replace(before, after)
    (tmp_path / "old.py").write_text(old, encoding="utf-8")
    (tmp_path / "new.py").write_text(new, encoding="utf-8")
    verdict = compare(Options(tmp_path / "old.py", tmp_path / "out", 12, against=tmp_path / "new.py"), lambda *_: None)
    assert verdict["accuracy"]["difference"] != 0, verdict["error"]
    shared = {cause["phase"]: cause["share"] for cause in verdict["causes"] if cause["share"] is not None}
    assert set(shared) == {"forward", "loss", "optimizer"} | more
    end = verdict["accuracy"]["keras3"] + sum(shared.values())
    assert end == pytest.approx(verdict["accuracy"]["legacy"], abs=near)
    assert any(note.startswith("With every cause taken back") for note in verdict["notes"])
    assert "single samples differ" in next(c["message"] for c in verdict["causes"] if c["phase"] == "loss")


@pytest.mark.parametrize(
    ("difference", "noise", "enough"),
    [(0.02, 0.05, True), (-0.02, 0.01, False), (0.0005, 0.0, True), (0.02, float("nan"), False)],
)
def test_noise_is_known_once_it_covers_the_difference(difference: float, noise: float, enough: bool) -> None:
    assert known_noise({"difference": difference, "noise": noise}) is enough
    assert known_noise(None) is True


SMALL = """
import numpy as np
from tensorflow import keras

def build_model():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(2)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.0)
    model.compile(keras.optimizers.SGD(0.5), loss, metrics=["accuracy"])
    return model

def load_data():
    x = np.random.default_rng(0).standard_normal((320, 4)).astype("float32")
    y = np.eye(2, dtype="float32")[(x.sum(1) > 0).astype(int)]
    return {"x": x, "y": y, "batch_size": 8, "validation_data": (x[:40], y[:40])}
"""


@pytest.mark.parametrize(
    ("old", "new", "repeated"),
    [("0.0)", "0.0)", 10), ("SGD(0.5)", "SGD(-0.5)", 40)],
    ids=["nothing to measure", "accuracies apart"],
)
def test_a_large_model_is_trained_again_as_far_as_its_noise_is_needed(
    old: str, new: str, repeated: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "LARGE", 1)
    (tmp_path / "old.py").write_text(SMALL, encoding="utf-8")
    (tmp_path / "new.py").write_text(SMALL.replace(old, new), encoding="utf-8")
    verdict: dict[str, Any] = compare(
        Options(tmp_path / "old.py", tmp_path / "out", 40, against=tmp_path / "new.py"), lambda *_: None
    )
    assert verdict["verdict"] == ("equivalent" if repeated < 40 else "different"), verdict["error"]
    noise = verdict["curves"]["metrics"]["loss"]["noise"]
    assert [value is not None for value in noise] == [True] * repeated + [False] * (40 - repeated)
    assert any("for 10 of 40 steps" in note for note in verdict["notes"]) is (repeated < 40)
    assert verdict["accuracy"]["metric"] == "val_accuracy"
    assert verdict["accuracy"]["noise"] >= 0
    assert [cause["share"] is not None for cause in verdict["causes"]] == [True] * (repeated == 40)
    assert set(pd.read_parquet(next((tmp_path / "out").rglob("map.parquet")))["step"]) == set(range(1, 41))


def test_a_difference_as_large_as_the_noise_does_not_matter_in_whatever_digit_it_is_larger() -> None:
    noise = 2 / 24 - 1 / 24
    assert not matters({"difference": 3 / 24 - 2 / 24, "noise": noise})
    assert matters({"difference": 2 / 24, "noise": noise})
    assert not matters({"difference": 1e-4, "noise": 0.0})
