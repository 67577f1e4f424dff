"""Callbacks that change the learning rate and end the training, of Keras and of the program's own. The first argument
names a fault that Keras 3 alone has."""

import os
import sys

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

FAULT = sys.argv[1] if len(sys.argv) > 1 and os.environ["TF_USE_LEGACY_KERAS"] == "0" else ""


class Halve(keras.callbacks.Callback):
    """Once, after the second epoch."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == (2 if FAULT == "later" else 1):
            rate = float(keras.backend.get_value(self.model.optimizer.learning_rate))
            self.model.optimizer.learning_rate = 0.5 * rate


model = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
random = np.random.RandomState(0)
x, y = random.rand(48, 4).astype("float32"), random.rand(48, 1).astype("float32")
model.fit(
    x,
    y,
    batch_size=12,
    epochs=20,
    validation_split=0.25,
    callbacks=[
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        Halve(),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1, min_delta=0.05),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, min_delta=0.05, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint("after"),
    ],
)
