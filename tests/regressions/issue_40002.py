"""Rows masked away: the same error as loss, as a metric and as a weighted metric."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential([layers.Input((5, 2)), layers.Masking(1.0, name="masking"), layers.Dense(1, name="out")])
    model.compile(
        "adam",
        keras.losses.MeanSquaredError(),
        metrics=[keras.metrics.MeanSquaredError(name="plain")],
        weighted_metrics=[keras.metrics.MeanSquaredError(name="weighted")],
    )
    return model


def load_data():
    rng = np.random.RandomState(40002)
    x = rng.rand(64, 5, 2).astype("float32")
    x[rng.rand(64, 5) < 0.4] = 1.0
    return {"x": x, "y": x.sum(-1, keepdims=True), "batch_size": 16}
