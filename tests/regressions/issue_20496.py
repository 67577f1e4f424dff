"""A loss of one's own that returns one number for the whole batch."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


def mean_squared_difference(y_true, y_pred):
    return tf.reduce_mean((y_true - y_pred) ** 2)


def build_model():
    model = keras.Sequential([layers.Input((10,)), layers.Dense(32, activation="relu", name="hidden"), layers.Dense(1)])
    model.compile("adam", mean_squared_difference)
    return model


def load_data():
    rng = np.random.RandomState(20496)
    return {"x": rng.rand(100, 10).astype("float32"), "y": rng.rand(100, 1).astype("float32"), "batch_size": 32}
