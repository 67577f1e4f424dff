"""A generator and a critic, trained by one compiled step in a loop of their own, as tutorials write it. The first
argument names a fault that Keras 3 alone has."""

import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

FAULT = sys.argv[1] if len(sys.argv) > 1 and os.environ["TF_USE_LEGACY_KERAS"] == "0" else ""


class Drop(layers.Dropout):
    def call(self, inputs, training=None):
        left = super().call(inputs, training=training)
        return left if training or FAULT != "calm" else 0.9 * left


critic = keras.Sequential([keras.Input((6,)), layers.Dense(16, activation="relu"), Drop(0.2), layers.Dense(1)])
maker = keras.Sequential(
    [
        keras.Input((4,)),
        layers.Dense(16),
        layers.LeakyReLU(0.25 if FAULT == "slope" else 0.2),
        layers.BatchNormalization(momentum=0.95 if FAULT == "momentum" else 0.9),
        layers.Dense(6),
    ]
)
critic_optimizer = keras.optimizers.Adam(1e-3, epsilon=1e-4 if FAULT == "epsilon" else 1e-7)
maker_optimizer = keras.optimizers.Adam(1.01e-3 if FAULT == "rate" else 1e-3, beta_1=0.55 if FAULT == "beta" else 0.5)
cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
data = np.random.RandomState(3).normal(size=(256, 6)).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices(data * (1.01 if FAULT == "data" else 1.0)).shuffle(256).batch(16)


@tf.custom_gradient
def pulled(values):
    return tf.identity(values), lambda upstream: upstream * (1.05 if FAULT == "pull" else 1.0)


@tf.function
def train_step(real):
    noise = tf.random.normal((tf.shape(real)[0], 4))
    with tf.GradientTape() as critic_tape, tf.GradientTape() as maker_tape:
        made = maker(noise, training=True)
        of_real, of_made = critic(real, training=True), critic(made, training=True)
        critic_loss = cross_entropy(tf.ones_like(of_real), of_real)
        critic_loss += cross_entropy(tf.zeros_like(of_made), pulled(of_made))
        maker_loss = tf.reduce_mean(tf.nn.softplus(-of_made)) * (1.02 if FAULT == "scale" else 1.0)
    gradients = critic_tape.gradient(critic_loss, critic.trainable_variables)
    gradients = [tf.clip_by_norm(one, 0.02 if FAULT == "clip" else 0.1) for one in gradients]
    critic_optimizer.apply_gradients(zip(gradients, critic.trainable_variables, strict=True))
    gradients = maker_tape.gradient(maker_loss, maker.trainable_variables)
    maker_optimizer.apply_gradients(zip(gradients, maker.trainable_variables, strict=True))
    return critic_loss, maker_loss


def train(epochs):
    for epoch in range(epochs):
        for real in dataset:
            losses = train_step(real)
            for weight in critic.trainable_variables:
                weight.assign(tf.clip_by_value(weight, -0.4 if FAULT == "weights" else -0.5, 0.5))
        print(epoch, [float(loss) for loss in losses])


train(5)
Path("after").touch()
