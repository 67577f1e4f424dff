"""Rows with weights, some of zero: the loss, and the same error as a plain and as a weighted metric."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential([layers.Input((5,)), layers.Dense(8, activation="tanh", name="hidden"), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mae", metrics=["mae"], weighted_metrics=["mse"])
    return model


def load_data():
    rng = np.random.RandomState(19740)
    x = rng.normal(size=(128, 5)).astype("float32")
    weight = rng.choice([0.0, 0.5, 3.0], 128).astype("float32")
    return {"x": x, "y": x[:, :1] ** 2, "sample_weight": weight, "batch_size": 16}
