"""An optimizer that keeps a moving average of the weights."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential([layers.Input((5,)), layers.Dense(8, activation="tanh", name="hidden"), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), "mse", metrics=["mae"])
    return model


def load_data():
    rng = np.random.RandomState(18949)
    x = rng.normal(size=(256, 5)).astype("float32")
    return {"x": x, "y": x[:, :1] - x[:, 1:2] ** 2, "batch_size": 32}
