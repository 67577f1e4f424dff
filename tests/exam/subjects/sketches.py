"""Strokes squeezed and drawn again, in Keras 2: a variational autoencoder with add_loss, Adamax, Gaussian noise."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

ROWS, SIZE, LATENT = 640, 20, 3


def load_data():
    random = np.random.RandomState(8)
    time = np.linspace(0.0, 1.0, SIZE)
    a, b, c = random.normal(size=(3, ROWS, 1))
    x = 1.0 / (1.0 + np.exp(-(a * np.sin(6.0 * time) + b * time + c)))
    return {"x": x.astype("float32"), "y": x.astype("float32"), "batch_size": 32}


class Sample(layers.Layer):
    def __init__(self, rate=0.02, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs):
        mean, spread = inputs
        divergence = -0.5 * tf.reduce_mean(1.0 + spread - tf.square(mean) - tf.exp(spread))
        self.add_loss(self.rate * divergence)
        return mean + tf.exp(0.5 * spread) * tf.random.normal(tf.shape(mean))


def build_model():
    inputs = keras.Input((SIZE,), name="stroke")
    x = layers.GaussianNoise(0.05, name="noise")(inputs)
    x = layers.Dense(16, activation="relu", activity_regularizer=keras.regularizers.l2(1e-4), name="squeeze")(x)
    mean = layers.Dense(LATENT, name="mean")(x)
    spread = layers.Dense(LATENT, name="spread")(x)
    x = Sample(name="sample")([mean, spread])
    x = layers.Dense(16, activation="tanh", name="unfold")(x)
    outputs = layers.Dense(SIZE, activation="sigmoid", name="drawn")(x)
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=keras.optimizers.Adamax(learning_rate=0.01), loss="mse", metrics=["cosine_similarity"])
    return model
