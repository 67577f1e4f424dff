"""Frames of a video: convolutions and batch normalization, each in TimeDistributed, in front of an LSTM."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    x = frames = keras.Input((6, 8, 8, 2))
    x = layers.TimeDistributed(layers.Conv2D(4, 3, activation="relu"), name="conv")(x)
    x = layers.TimeDistributed(layers.BatchNormalization(), name="normalized")(x)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D(), name="pool")(x)
    x = layers.LSTM(8, name="lstm")(x)
    model = keras.Model(frames, layers.Dense(1, activation="sigmoid", name="moving")(x))
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    """Videos that grow brighter from frame to frame, or darker."""
    rng = np.random.RandomState(16239)
    y = rng.randint(0, 2, (128, 1)).astype("float32")
    ramp = np.linspace(-1, 1, 6)[None] * (2 * y - 1)
    x = ramp[:, :, None, None, None] + rng.normal(size=(128, 6, 8, 8, 2))
    return {"x": x.astype("float32"), "y": y, "batch_size": 16}
