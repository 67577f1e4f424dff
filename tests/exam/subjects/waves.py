"""A wave told piece by piece, in Keras 2: a stateful GRU over batches in order, a convolution in time, Huber, SGD."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

BATCH, LENGTH, PIECES = 8, 10, 30


def load_data():
    phase = np.random.RandomState(2).uniform(0.0, 6.0, BATCH)
    time = np.arange(PIECES * LENGTH + 1) * 0.2
    wave = np.sin(time[None] * (1.0 + 0.1 * np.arange(BATCH))[:, None] + phase[:, None]).astype("float32")
    pieces = range(0, PIECES * LENGTH, LENGTH)
    x = np.concatenate([wave[:, start : start + LENGTH, None] for start in pieces])
    y = np.concatenate([wave[:, start + 1 : start + LENGTH + 1, None] for start in pieces])
    return {"x": x, "y": y, "batch_size": BATCH, "shuffle": False}


def build_model():
    inputs = keras.Input(batch_shape=(BATCH, LENGTH, 1), name="piece")
    x = layers.Conv1D(6, 3, padding="causal", activation="tanh", name="window")(inputs)
    x = layers.GRU(10, return_sequences=True, stateful=True, name="memory")(x)
    x = layers.SimpleRNN(6, return_sequences=True, stateful=True, name="short")(x)
    outputs = layers.TimeDistributed(layers.Dense(1, name="value"), name="values")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.8, nesterov=True, clipvalue=0.002),
        loss=keras.losses.Huber(delta=0.5),
        metrics=["mae", keras.metrics.RootMeanSquaredError(name="rmse")],
    )
    return model
