"""Two GANs with a train_step of their own and two optimizers, in Keras 2: a DCGAN, and a WGAN with gradient penalty.

`kparity compare tests/architectures/gans.py --model dcgan --steps 10`, and `--model wgan_gp`
"""

import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

LATENT = 16


def load_data():
    images = load_digits().images[:512].astype("float32") / 8.0 - 1.0
    return {"x": images[..., None], "batch_size": 32}


def generator():
    inputs = keras.Input((LATENT,), name="latent")
    x = layers.Dense(2 * 2 * 32, use_bias=False, name="g_wide")(inputs)
    x = layers.Reshape((2, 2, 32), name="g_shape")(x)
    for number, filters in enumerate((16, 8)):
        x = layers.BatchNormalization(name=f"g_bn{number}")(x)
        x = layers.LeakyReLU(0.2, name=f"g_relu{number}")(x)
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False, name=f"g_up{number}")(x)
    outputs = layers.Conv2D(1, 3, padding="same", activation="tanh", name="g_image")(x)
    return keras.Model(inputs, outputs, name="generator")


def discriminator(dropout):
    x = inputs = keras.Input((8, 8, 1), name="image")
    for number, filters in enumerate((8, 16)):
        x = layers.Conv2D(filters, 4, strides=2, padding="same", name=f"d_conv{number}")(x)
        x = layers.LeakyReLU(0.2, name=f"d_relu{number}")(x)
        x = layers.Dropout(dropout, name=f"d_dropout{number}")(x)
    outputs = layers.Dense(1, name="d_score")(layers.Flatten(name="d_flat")(x))
    return keras.Model(inputs, outputs, name="discriminator")


class GAN(keras.Model):
    def __init__(self, discriminator, generator, **kwargs):
        super().__init__(**kwargs)
        self.discriminator, self.generator = discriminator, generator
        self.d_loss, self.g_loss = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer, loss):
        super().compile(optimizer=g_optimizer)
        self.d_optimizer, self.g_optimizer, self.loss_of = d_optimizer, g_optimizer, loss

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def call(self, inputs):
        return self.discriminator(inputs)

    def train_step(self, real):
        real = real[0] if isinstance(real, tuple) else real
        count = tf.shape(real)[0]
        latent = tf.random.normal((count, LATENT))
        made = self.generator(latent, training=True)
        labels = tf.concat([tf.ones((count, 1)), tf.zeros((count, 1))], axis=0)
        labels += 0.05 * tf.random.uniform(tf.shape(labels))
        with tf.GradientTape() as tape:
            scores = self.discriminator(tf.concat([made, real], axis=0), training=True)
            d_loss = self.loss_of(labels, scores)
        gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_weights))
        with tf.GradientTape() as tape:
            made = self.generator(tf.random.normal((count, LATENT)), training=True)
            g_loss = self.loss_of(tf.zeros((count, 1)), self.discriminator(made, training=True))
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_weights))
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


class WGAN(GAN):
    def penalty(self, real, made):
        share = tf.random.uniform((tf.shape(real)[0], 1, 1, 1))
        between = real + share * (made - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = self.discriminator(between, training=True)
        slopes = tape.gradient(scores, between)
        return tf.reduce_mean(tf.square(tf.sqrt(tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3]) + 1e-12) - 1.0))

    def train_step(self, real):
        real = real[0] if isinstance(real, tuple) else real
        count = tf.shape(real)[0]
        for _ in range(2):
            made = self.generator(tf.random.normal((count, LATENT)), training=True)
            with tf.GradientTape() as tape:
                fake, true = self.discriminator(made, training=True), self.discriminator(real, training=True)
                d_loss = tf.reduce_mean(fake) - tf.reduce_mean(true) + 10.0 * self.penalty(real, made)
            gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
            self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_weights))
        with tf.GradientTape() as tape:
            made = self.generator(tf.random.normal((count, LATENT)), training=True)
            g_loss = -tf.reduce_mean(self.discriminator(made, training=True))
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_weights))
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


def dcgan():
    model = GAN(discriminator(0.3), generator())
    model.compile(
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return model


def wgan_gp():
    model = WGAN(discriminator(0.0), generator())
    model.compile(
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
        g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.9),
        loss=None,
    )
    return model
