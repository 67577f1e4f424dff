"""A small U-Net for three classes, with batch normalization and skip connections."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def stage(x, filters, name):
    x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def build_model():
    image = keras.Input((16, 16, 1))
    high = stage(image, 6, "down")
    low = stage(layers.MaxPooling2D(name="pool")(high), 8, "bottom")
    up = layers.Conv2DTranspose(6, 2, strides=2, name="up")(low)
    x = stage(layers.Concatenate(name="skip")([high, up]), 6, "merged")
    model = keras.Model(image, layers.Conv2D(3, 1, activation="softmax", name="classes")(x))
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    """Squares and crosses on noise."""
    rng = np.random.RandomState(19780)
    x, y = rng.normal(0, 0.3, (64, 16, 16, 1)).astype("float32"), np.zeros((64, 16, 16), int)
    for image, label in zip(x, y, strict=True):
        row, column = rng.randint(0, 8, 2)
        image[row : row + 7, column : column + 7] += 1
        label[row : row + 7, column : column + 7] = 1
        image[row + 3, :] -= 2
        label[row + 3, :] = 2
    return {"x": x, "y": np.eye(3, dtype="float32")[y], "batch_size": 8}
