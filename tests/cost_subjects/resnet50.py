"""ResNet50 of keras.applications at 64x64, in Keras 2, on handwritten digits: what comparing a large model costs."""

import numpy as np
from sklearn.datasets import load_digits
from tensorflow import keras

TRAIN = 1280
BATCH = 16


def load_data():
    digits = load_digits()
    small = (digits.images / 16.0).astype("float32")
    x = np.repeat(np.repeat(small, 8, axis=1), 8, axis=2)[..., np.newaxis].repeat(3, axis=-1)
    y = keras.utils.to_categorical(digits.target, 10)
    return {"x": x[:TRAIN], "y": y[:TRAIN], "batch_size": BATCH}


def build_model():
    model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=10)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
