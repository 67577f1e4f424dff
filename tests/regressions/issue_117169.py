"""A GAN as Keras 2 books write it: the discriminator is compiled, then frozen, then put behind the generator."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    """The discriminator alone: it was trainable when it was compiled, and must learn."""
    discriminator = keras.Sequential(
        [
            layers.Input((16,)),
            layers.Dense(24, name="features"),
            layers.LeakyReLU(0.2, name="leaky"),
            layers.Dense(1, activation="sigmoid", name="real"),
        ],
        name="discriminator",
    )
    discriminator.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    discriminator.trainable = False
    noise = keras.Input((4,))
    generator = keras.Sequential([layers.Input((4,)), layers.Dense(16, activation="tanh")], name="generator")
    combined = keras.Model(noise, discriminator(generator(noise)))
    combined.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    return discriminator


def load_data():
    rng = np.random.RandomState(117169)
    real = rng.normal(1, 0.5, (128, 16))
    fake = np.tanh(rng.normal(size=(128, 16)))
    y = np.repeat([[1.0], [0.0]], 128, axis=0)
    return {"x": np.concatenate([real, fake]).astype("float32"), "y": y.astype("float32"), "batch_size": 32}
