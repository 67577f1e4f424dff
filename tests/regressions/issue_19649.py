"""Batch normalization alone, on large images: the smallest model in which its two implementations can differ."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential(
        [
            layers.Input((48, 48, 3)),
            layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="bn"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(1, name="dense"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model


def load_data():
    rng = np.random.RandomState(19649)
    x = rng.uniform(0, 255, (64, 48, 48, 3)).astype("float32")
    return {"x": x, "y": x.mean((1, 2, 3))[:, None] / 255, "batch_size": 4}
