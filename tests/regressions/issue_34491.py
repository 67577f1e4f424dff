"""Sequences padded with -1 behind a Masking layer: binary cross-entropy as loss and as metric."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential(
        [
            layers.Input((8, 3)),
            layers.Masking(-1.0, name="masking"),
            layers.GRU(8, return_sequences=True, name="gru"),
            layers.Dense(1, activation="sigmoid", name="out"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["binary_crossentropy", "accuracy"])
    return model


def load_data():
    rng = np.random.RandomState(34491)
    x = rng.rand(128, 8, 3).astype("float32")
    y = (x.sum(-1, keepdims=True) > 1.5).astype("float32")
    x[np.arange(8)[None] >= rng.randint(2, 9, (128, 1))] = -1
    return {"x": x, "y": y, "batch_size": 16}
