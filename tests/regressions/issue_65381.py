"""An LSTM whose gates are hard sigmoids, as small devices like them."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential(
        [
            layers.Input((20, 6)),
            layers.LSTM(16, recurrent_activation="hard_sigmoid", name="lstm"),
            layers.Dense(8, activation="tanh", name="hidden"),
            layers.Dense(1, activation="hard_sigmoid", name="gate"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    return model


def load_data():
    rng = np.random.RandomState(65381)
    x = rng.normal(size=(256, 20, 6)).astype("float32")
    y = (x[:, -5:, 0].sum(1, keepdims=True) > 0).astype("float32")
    return {"x": x, "y": y, "batch_size": 32}
