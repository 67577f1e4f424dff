"""A convolutional net for digits, with batch normalization between the layers."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential([layers.Input((12, 12, 1))])
    for number, filters in enumerate((6, 10), start=1):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}"))
        model.add(layers.BatchNormalization(scale=False, name=f"bn{number}"))
        model.add(layers.Activation("relu", name=f"relu{number}"))
        model.add(layers.MaxPooling2D(name=f"pool{number}"))
    model.add(layers.Flatten(name="flat"))
    model.add(layers.Dense(20, use_bias=False, name="dense"))
    model.add(layers.BatchNormalization(scale=False, name="bn3"))
    model.add(layers.Activation("relu", name="relu3"))
    model.add(layers.Dropout(0.3, name="dropout"))
    model.add(layers.Dense(4, activation="softmax", name="digit"))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    """Bars at four angles."""
    rng = np.random.RandomState(19072)
    y = rng.randint(0, 4, 256)
    x = rng.normal(0, 0.3, (256, 12, 12, 1))
    row, column = np.mgrid[-6:6, -6:6]
    lines = [row == 0, column == 0, row == column, row == -column]
    for image, label in zip(x, y, strict=True):
        image[lines[label]] += 1
    return {"x": x.astype("float32"), "y": np.eye(4, dtype="float32")[y], "batch_size": 32}
