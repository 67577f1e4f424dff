"""Handwritten digits row by row, in Keras 2: a convolution, batch normalization, weight decay, SGD with momentum."""

from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

TRAIN = 1280


def load_data():
    digits = load_digits()
    x, y = (digits.images / 16.0).astype("float32"), digits.target
    return {"x": x[:TRAIN], "y": y[:TRAIN], "batch_size": 32, "validation_data": (x[TRAIN:], y[TRAIN:])}


def build_model():
    inputs = keras.Input((8, 8), name="rows")
    x = layers.Conv1D(16, 3, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Activation("relu", name="relu")(x)
    x = layers.Flatten(name="flat")(x)
    outputs = layers.Dense(10, kernel_regularizer=keras.regularizers.l2(1e-3), name="digit")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
