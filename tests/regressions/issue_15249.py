"""Two sigmoid heads averaged: the mean probability saturates, and binary cross-entropy is made of its logarithm."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    x = keras.Input((6,))
    heads = [layers.Dense(1, activation="sigmoid", name=f"head{number}")(x) for number in (1, 2)]
    model = keras.Model(x, layers.Average(name="mean")(heads))
    model.compile(keras.optimizers.SGD(1e-3), "binary_crossentropy", metrics=["binary_accuracy"])
    return model


def load_data():
    """Counts of hundreds, as they come out of a table that nobody scaled."""
    rng = np.random.RandomState(15249)
    x = rng.normal(0, 100, (256, 6)).astype("float32")
    return {"x": x, "y": (x.sum(1, keepdims=True) > 0).astype("float32"), "batch_size": 32}
