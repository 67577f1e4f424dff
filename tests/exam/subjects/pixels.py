"""Handwritten digits as 64 pixels, in Keras 2: dense layers, layer normalization, dropout, Adam, label smoothing."""

from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

TRAIN = 1280


def load_data():
    digits = load_digits()
    x, y = (digits.data / 16.0).astype("float32"), keras.utils.to_categorical(digits.target, 10)
    return {"x": x[:TRAIN], "y": y[:TRAIN], "batch_size": 32, "validation_data": (x[TRAIN:], y[TRAIN:])}


def build_model():
    inputs = keras.Input((64,), name="pixels")
    x = layers.Dense(32, activation="gelu", name="wide")(inputs)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.01),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    return model
