"""Neural machine translation, small: an LSTM encoder, an LSTM decoder that begins from its state, padding masked.

The "languages" are digits and the initials of their names, doubled: 3 1 is "t t o o". The decoder is taught with its
own answer so far, as in every tutorial; sequences have any length and are padded with 0.
"""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

DIGITS, LONGEST, UNITS = 10, 5, 32
INITIALS = np.array([1, 2, 3, 3, 4, 4, 5, 5, 6, 7])
START, END = 8, 9


def build_model():
    source = keras.Input((LONGEST,), name="source")
    x = layers.Embedding(DIGITS + 1, 16, mask_zero=True, name="source_embedding")(source)
    _, hidden, carry = layers.LSTM(UNITS, return_state=True, name="encoder")(x)
    answer = keras.Input((2 * LONGEST + 1,), name="answer")
    y = layers.Embedding(END + 1, 16, mask_zero=True, name="answer_embedding")(answer)
    y = layers.LSTM(UNITS, return_sequences=True, name="decoder")(y, initial_state=[hidden, carry])
    y = layers.Dense(END + 1, activation="softmax", name="letters")(y)
    model = keras.Model([source, answer], y)
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def pairs(count, rng):
    source = np.zeros((count, LONGEST), "int32")
    answer = np.zeros((count, 2 * LONGEST + 1), "int32")
    target = np.zeros((count, 2 * LONGEST + 1), "int32")
    for row in range(count):
        digits = rng.randint(0, DIGITS, rng.randint(1, LONGEST + 1))
        letters = np.repeat(INITIALS[digits], 2)
        source[row, : len(digits)] = digits + 1
        answer[row, : len(letters) + 1] = [START, *letters]
        target[row, : len(letters) + 1] = [*letters, END]
    return [source, answer], target


def load_data():
    rng = np.random.RandomState(20320)
    x, y = pairs(2048, rng)
    return {"x": x, "y": y, "batch_size": 64, "validation_data": pairs(256, rng)}
