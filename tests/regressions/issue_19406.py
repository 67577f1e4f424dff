"""A variational autoencoder with a train_step of its own, as the guides of Keras 2 have it."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class Sampling(layers.Layer):
    def call(self, inputs):
        mean, log_variance = inputs
        return mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.total = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.total]

    def call(self, x):
        return self.decoder(self.encoder(x)[2])

    def train_step(self, data):
        x = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            mean, log_variance, z = self.encoder(x, training=True)
            again = self.decoder(z, training=True)
            distance = tf.reduce_sum(keras.losses.binary_crossentropy(x, again), -1)
            divergence = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), -1)
            loss = tf.reduce_mean(distance) + tf.reduce_mean(divergence)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.total.update_state(loss)
        return {"loss": self.total.result()}


def build_model():
    image = keras.Input((8, 8, 1))
    x = layers.Flatten(name="flat")(image)
    x = layers.Dense(32, activation="relu", name="hidden")(x)
    mean, log_variance = layers.Dense(2, name="mean")(x), layers.Dense(2, name="log_variance")(x)
    encoder = keras.Model(image, [mean, log_variance, Sampling(name="z")([mean, log_variance])], name="encoder")
    latent = keras.Input((2,))
    y = layers.Dense(32, activation="relu", name="wide")(latent)
    y = layers.Reshape((8, 8, 1), name="image")(layers.Dense(64, activation="sigmoid", name="pixels")(y))
    model = VAE(encoder, keras.Model(latent, y, name="decoder"))
    model.compile(keras.optimizers.Adam(1e-3))
    return model


def load_data():
    """Squares of any place and size."""
    rng = np.random.RandomState(19406)
    x = np.zeros((256, 8, 8, 1), "float32")
    for image in x:
        (row, column), size = rng.randint(0, 5, 2), rng.randint(2, 5)
        image[row : row + size, column : column + size] = 1
    return {"x": x, "batch_size": 32}
