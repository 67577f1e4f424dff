"""Bag of words: an embedding whose rows many positions of a batch share, and a sparse gradient."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential(
        [
            layers.Input((12,)),
            layers.Embedding(50, 8, name="words"),
            layers.GlobalAveragePooling1D(name="bag"),
            layers.Dense(1, activation="sigmoid", name="positive"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    rng = np.random.RandomState(19992)
    x = rng.zipf(1.5, (256, 12)).clip(0, 49).astype("int32")
    return {"x": x, "y": (x % 2).mean(1, keepdims=True).round().astype("float32"), "batch_size": 32}
