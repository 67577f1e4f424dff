"""A sequence of feature rows, each normalized by a BatchNormalization in TimeDistributed, with a short memory."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def build_model():
    model = keras.Sequential(
        [
            layers.Input((4, 3)),
            layers.TimeDistributed(layers.BatchNormalization(momentum=0.5), name="normalized"),
            layers.Flatten(name="flat"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    """The rows drift apart in time, so the steps have means of their own."""
    rng = np.random.RandomState(30109)
    x = rng.normal(size=(128, 4, 3)) + np.arange(4)[None, :, None]
    y = (x[:, 0, 0] > x[:, 3, 0] - 3).astype("int32")
    validation = (x[96:].astype("float32"), y[96:])
    return {"x": x[:96].astype("float32"), "y": y[:96], "batch_size": 16, "validation_data": validation}
