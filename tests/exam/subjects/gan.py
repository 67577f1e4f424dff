"""A generator of points on a ring against a discriminator, in Keras 2: a train_step of its own, two optimizers."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

ROWS, LATENT = 640, 4


def load_data():
    angle = np.random.RandomState(5).uniform(0.0, 2.0 * np.pi, ROWS)
    return {"x": np.stack([np.cos(angle), np.sin(angle)], 1).astype("float32"), "batch_size": 32}


class Gan(keras.Model):
    def __init__(self):
        super().__init__(name="gan")
        self.generator = keras.Sequential(
            [
                keras.Input((LATENT,)),
                layers.Dense(16, name="made"),
                layers.LeakyReLU(0.2, name="made_leaky"),
                layers.Dense(2, activation="tanh", name="point"),
            ],
            name="generator",
        )
        self.discriminator = keras.Sequential(
            [
                keras.Input((2,)),
                layers.Dense(16, activation="relu", name="seen"),
                layers.Dropout(0.1, name="seen_dropout"),
                layers.Dense(1, name="real"),
            ],
            name="discriminator",
        )

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn
        self.d_metric = keras.metrics.Mean(name="d_loss")
        self.g_metric = keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_metric, self.g_metric]

    def call(self, inputs, training=None):
        return self.discriminator(inputs, training=training)

    def train_step(self, data):
        real = tf.cast(data[0] if isinstance(data, tuple) else data, self.compute_dtype)
        size = tf.shape(real)[0]
        noise = tf.random.normal((size, LATENT), dtype=real.dtype)
        labels = tf.concat([tf.ones((size, 1), real.dtype), tf.zeros((size, 1), real.dtype)], 0)
        with tf.GradientTape() as tape:
            points = tf.concat([real, self.generator(noise, training=True)], 0)
            d_loss = self.loss_fn(labels, self.discriminator(points, training=True))
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
        with tf.GradientTape() as tape:
            points = self.generator(noise, training=True)
            g_loss = self.loss_fn(tf.ones((size, 1), real.dtype), self.discriminator(points, training=True))
        weights = self.generator.trainable_variables
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        self.d_metric.update_state(d_loss)
        self.g_metric.update_state(g_loss)
        return {metric.name: metric.result() for metric in self.metrics}


def build_model():
    model = Gan()
    model.compile(
        d_optimizer=keras.optimizers.Adam(learning_rate=0.01, beta_1=0.5),
        g_optimizer=keras.optimizers.Adam(learning_rate=0.005, beta_1=0.5),
        loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return model
