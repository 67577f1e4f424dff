"""Events of uneven number, in Keras 2: Masking, Bidirectional recurrent layers, an EMA of weights."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

ROWS, LENGTH, FEATURES = 640, 8, 3


def load_data():
    random = np.random.RandomState(6)
    x = random.normal(size=(ROWS, LENGTH, FEATURES)).astype("float32")
    for row, length in zip(x, random.randint(2, LENGTH + 1, ROWS), strict=True):
        row[length:] = -1.0
    total = np.where((x == -1.0).all(-1), 0.0, x[..., 0] * x[..., 1]).sum(1)
    y = np.digitize(total, [-1.0, 1.0]).astype("int32")
    return {"x": x, "y": y, "sample_weight": np.where(y == 1, 0.5, 1.5).astype("float32"), "batch_size": 32}


def build_model():
    inputs = keras.Input((LENGTH, FEATURES), name="events")
    x = layers.Masking(-1.0, name="mask")(inputs)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True, name="lstm"), name="both_ways")(x)
    x = layers.Bidirectional(layers.GRU(6, name="gru"), merge_mode="sum", name="summed")(x)
    x = layers.BatchNormalization(momentum=0.95, name="norm")(x)
    outputs = layers.Dense(3, activation="softmax", name="side")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.01, use_ema=True, ema_momentum=0.9),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
    )
    return model
