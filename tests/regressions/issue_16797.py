"""A layer that keeps its weights as tf.Variable, one alone and some in a list."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class Polynomial(layers.Layer):
    """scale * sum of c_i x**i."""

    def __init__(self, degree, **kwargs):
        super().__init__(**kwargs)
        self.scale = tf.Variable(1.0, name="scale")
        self.coefficients = [tf.Variable(0.1 * power, name=f"c{power}") for power in range(1, degree + 1)]

    def call(self, x):
        return self.scale * sum(c * x ** (power + 1) for power, c in enumerate(self.coefficients))


def build_model():
    model = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(4, activation="tanh", name="dense"),
            Polynomial(3, name="polynomial"),
            layers.Dense(1, name="out"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    return model


def load_data():
    rng = np.random.RandomState(16797)
    x = rng.normal(size=(256, 4)).astype("float32")
    return {"x": x, "y": np.sin(2 * x[:, :1]), "batch_size": 32}
