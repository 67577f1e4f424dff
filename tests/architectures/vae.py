"""A variational autoencoder in Keras 2: a layer that samples, add_loss, add_metric, its own train_step.

`kparity compare tests/architectures/vae.py --steps 20`
"""

import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

LATENT = 4


def load_data():
    x = (load_digits().data[:640] / 16.0).astype("float32")
    return {"x": x, "batch_size": 32}


class Sampling(layers.Layer):
    def call(self, inputs):
        mean, log_variance = inputs
        noise = tf.random.normal(tf.shape(mean))
        return mean + tf.exp(0.5 * log_variance) * noise


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.total = keras.metrics.Mean(name="loss")
        self.rebuilt = keras.metrics.Mean(name="rebuilt")
        self.divergence = keras.metrics.Mean(name="divergence")

    @property
    def metrics(self):
        return [self.total, self.rebuilt, self.divergence]

    def call(self, inputs):
        return self.decoder(self.encoder(inputs)[2])

    def train_step(self, data):
        x = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            mean, log_variance, latent = self.encoder(x, training=True)
            again = self.decoder(latent, training=True)
            rebuilt = tf.reduce_mean(64.0 * keras.losses.binary_crossentropy(x, again))
            terms = 1.0 + log_variance - tf.square(mean) - tf.exp(log_variance)
            divergence = tf.reduce_mean(-0.5 * tf.reduce_sum(terms, axis=1))
            total = rebuilt + divergence
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        self.total.update_state(total)
        self.rebuilt.update_state(rebuilt)
        self.divergence.update_state(divergence)
        return {metric.name: metric.result() for metric in self.metrics}


def build_model():
    inputs = keras.Input((64,), name="pixels")
    x = layers.Dense(32, activation="relu", name="encoding")(inputs)
    mean = layers.Dense(LATENT, name="mean")(x)
    log_variance = layers.Dense(LATENT, name="log_variance")(x)
    latent = Sampling(name="sampling")([mean, log_variance])
    encoder = keras.Model(inputs, [mean, log_variance, latent], name="encoder")
    inputs = keras.Input((LATENT,), name="latent")
    x = layers.Dense(32, activation="relu", name="decoding")(inputs)
    decoder = keras.Model(inputs, layers.Dense(64, activation="sigmoid", name="again")(x), name="decoder")
    model = VAE(encoder, decoder)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    return model
