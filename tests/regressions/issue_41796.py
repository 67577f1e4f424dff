"""An autoencoder that is compiled, and whose encoder is frozen afterwards for a classifier that shares it."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    """The autoencoder: compiled while all of it was trainable."""
    encoder = keras.Sequential([layers.Input((12,)), layers.Dense(4, activation="tanh", name="code")], name="encoder")
    decoder = keras.Sequential([layers.Input((4,)), layers.Dense(12, name="again")], name="decoder")
    x = keras.Input((12,))
    autoencoder = keras.Model(x, decoder(encoder(x)))
    autoencoder.compile(keras.optimizers.Adam(1e-2), "mse")
    encoder.trainable = False
    classifier = keras.Model(x, layers.Dense(1, activation="sigmoid", name="label")(encoder(x)))
    classifier.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy")
    return autoencoder


def load_data():
    rng = np.random.RandomState(41796)
    x = (rng.normal(size=(256, 3)) @ rng.normal(size=(3, 12))).astype("float32")
    return {"x": x, "y": x, "batch_size": 32}
