"""A critic with a gradient penalty, trained in a loop of its own: its loss is made of a gradient. The first argument
names a fault that Keras 3 alone has."""

import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

FAULT = sys.argv[1] if len(sys.argv) > 1 and os.environ["TF_USE_LEGACY_KERAS"] == "0" else ""

critic = keras.Sequential([keras.Input((6,)), layers.Dense(1)])
optimizer = keras.optimizers.Adam(1e-3)
data = np.random.RandomState(3).normal(size=(256, 6)).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((data, data[:, ::-1] * 0.7 + 0.1)).batch(16)


@tf.function
def train_step(real, made):
    with tf.GradientTape() as tape:
        between = real + 0.3 * (made - real)
        with tf.GradientTape() as inner:
            inner.watch(between)
            scores = critic(between, training=True)
        slopes = inner.gradient(scores, between)
        if FAULT == "stopped":
            slopes = tf.stop_gradient(slopes)
        penalty = tf.reduce_mean(tf.square(tf.norm(slopes, axis=1) - 1.0))
        loss = (
            tf.reduce_mean(critic(made, training=True)) - tf.reduce_mean(critic(real, training=True)) + 10.0 * penalty
        )
    gradients = tape.gradient(loss, critic.trainable_variables)
    optimizer.apply_gradients(zip(gradients, critic.trainable_variables, strict=True))
    return loss


def train(epochs):
    for epoch in range(epochs):
        for real, made in dataset:
            loss = train_step(real, made)
        print(epoch, float(loss))


train(5)
Path("after").touch()
