"""Nadam, on a net of several layers."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(16, activation="tanh", name="one"),
            layers.Dense(16, activation="tanh", name="two"),
            layers.Dense(1, name="out"),
        ]
    )
    model.compile(keras.optimizers.Nadam(1e-2), "mse", metrics=["mae"])
    return model


def load_data():
    rng = np.random.RandomState(15710)
    x = rng.normal(size=(256, 8)).astype("float32")
    return {"x": x, "y": np.sin(x.sum(1, keepdims=True)), "batch_size": 32}
