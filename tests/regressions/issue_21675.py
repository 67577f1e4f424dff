"""A model with a dict of outputs, a loss and weights for each."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    x = keras.Input((12,))
    hidden = layers.Dense(16, activation="relu", name="hidden")(x)
    outputs = {"b": layers.Dense(1, name="b")(hidden), "a": layers.Dense(1, activation="sigmoid", name="a")(hidden)}
    model = keras.Model(x, outputs)
    model.compile(
        keras.optimizers.Adam(1e-2),
        {"a": "binary_crossentropy", "b": "mse"},
        loss_weights={"a": 1.0, "b": 0.5},
        metrics={"a": ["accuracy"], "b": ["mae"]},
    )
    return model


def load_data():
    rng = np.random.RandomState(21675)
    x = rng.normal(size=(128, 12)).astype("float32")
    return {"x": x, "y": {"a": (x[:, :1] > 0).astype("float32"), "b": x[:, 1:2] * 2}, "batch_size": 16}
