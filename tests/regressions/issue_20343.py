"""Two outputs whose losses are weighted, as they are reported for each."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    x = keras.Input((6,))
    hidden = layers.Dense(16, activation="relu", name="hidden")(x)
    model = keras.Model(x, [layers.Dense(1, name="near")(hidden), layers.Dense(1, name="far")(hidden)])
    model.compile(keras.optimizers.SGD(1e-2), ["mse", "mse"], loss_weights=[0.1, 5.0])
    return model


def load_data():
    rng = np.random.RandomState(20343)
    x = rng.normal(size=(128, 6)).astype("float32")
    return {"x": x, "y": [x[:, :1], 3 * x[:, 1:2]], "batch_size": 16}
