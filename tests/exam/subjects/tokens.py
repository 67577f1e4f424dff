"""Padded sequences of tokens, in Keras 2: an embedding with a mask, two LSTMs of which one starts from the other.

Of every token the answer is whether it is larger than the token before it, so the padding has answers too, which the
mask keeps out of the loss.
"""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

VOCABULARY, LENGTH, ROWS = 20, 12, 1280


def load_data():
    random = np.random.RandomState(7)
    x = random.randint(1, VOCABULARY, size=(ROWS, LENGTH))
    y = np.diff(x, axis=1, prepend=0) > 0
    for row, length in zip(x, random.randint(3, LENGTH + 1, size=ROWS), strict=True):
        row[length:] = 0
    return {"x": x, "y": y.astype("int32"), "batch_size": 32}


def build_model():
    inputs = keras.Input((LENGTH,), dtype="int32", name="tokens")
    x = layers.Embedding(VOCABULARY, 8, mask_zero=True, name="embedding")(inputs)
    x = layers.Dropout(0.1, name="dropout")(x)
    x, h, c = layers.LSTM(12, return_sequences=True, return_state=True, name="first")(x)
    x = layers.LSTM(12, return_sequences=True, name="second")(x, initial_state=[h, c])
    outputs = layers.Dense(2, activation="softmax", name="larger")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.5),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
