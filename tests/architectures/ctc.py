"""Stacked bidirectional LSTMs with connectionist temporal classification in Keras 2: digits in a strip of pixels.

`kparity compare tests/architectures/ctc.py --steps 20`
"""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

WORDS, DIGITS = 4, 10


def load_data():
    digits = load_digits()
    random = np.random.RandomState(11)
    chosen = random.randint(0, len(digits.images), size=(320, WORDS))
    strips = np.concatenate([digits.images[chosen[:, place]] for place in range(WORDS)], axis=2) / 16.0
    return {
        "x": strips.transpose(0, 2, 1).astype("float32"),
        "y": digits.target[chosen].astype("int32"),
        "batch_size": 16,
    }


def ctc(labels, frames):
    count = tf.shape(frames)[0]
    length = tf.fill((count, 1), tf.shape(frames)[1])
    words = tf.fill((count, 1), tf.shape(labels)[1])
    return keras.backend.ctc_batch_cost(labels, frames, length, words)


def build_model():
    inputs = keras.Input((8 * WORDS, 8), name="strip")
    x = layers.Conv1D(16, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.Bidirectional(layers.LSTM(16, return_sequences=True, dropout=0.1), name="first")(x)
    x = layers.Bidirectional(layers.LSTM(16, return_sequences=True, dropout=0.1), name="second")(x)
    outputs = layers.Dense(DIGITS + 1, activation="softmax", name="frame")(x)
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss=ctc)
    return model
