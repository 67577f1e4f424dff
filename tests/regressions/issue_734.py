"""Two outputs that each skip a class: labels of -1 are of the other task."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.losses import sparse_categorical_crossentropy


def known_only(y_true, y_pred):
    return sparse_categorical_crossentropy(y_true, y_pred, ignore_class=-1)


def build_model():
    x = keras.Input((8,))
    hidden = layers.Dense(16, activation="relu", name="hidden")(x)
    first = layers.Dense(4, activation="softmax", name="first")(hidden)
    second = layers.Dense(4, activation="softmax", name="second")(hidden)
    model = keras.Model(x, [first, second])
    model.compile(keras.optimizers.Adam(1e-2), [known_only, known_only])
    return model


def load_data():
    rng = np.random.RandomState(734)
    x = rng.normal(size=(128, 8)).astype("float32")
    y, task = x[:, :4].argmax(1), rng.randint(0, 2, 128)
    return {"x": x, "y": [np.where(task == number, y, -1).astype("int32") for number in (0, 1)], "batch_size": 2}
