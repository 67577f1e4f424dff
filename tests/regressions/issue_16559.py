"""Augmentation in the model: images are flipped left to right and upside down."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    image = keras.Input((10, 10, 3))
    x = layers.RandomFlip("horizontal_and_vertical", seed=3, name="flip")(image)
    x = layers.Conv2D(6, 3, activation="relu", name="conv")(x)
    x = layers.Flatten(name="flat")(x)
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="classes")(x))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    rng = np.random.RandomState(16559)
    x = rng.rand(128, 10, 10, 3).astype("float32")
    y = (x[:, 4:6].mean((1, 2, 3)) > x[:, :, 4:6].mean((1, 2, 3))).astype("int32")
    return {"x": x, "y": y, "batch_size": 16}
