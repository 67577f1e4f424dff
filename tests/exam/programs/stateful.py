"""Batches given one by one to a layer that carries its state on, beside one that has none; states are reset between
epochs. With "raises", Keras 3 alone raises there."""

import os
import sys

import numpy as np
from keras.layers import GRU, LSTM, Bidirectional, Dense, Input
from keras.models import Model

KERAS_3 = os.environ["TF_USE_LEGACY_KERAS"] == "0"
random = np.random.RandomState(0)
sequence = Input(batch_shape=(8, 6, 3))
carried = GRU(5, return_sequences=True, stateful=True)(sequence)
model = Model(sequence, Dense(1)(Bidirectional(LSTM(4))(carried)))
model.compile("sgd", "mse", metrics=["mae"])
for _epoch in range(5):
    for _batch in range(4):
        x = random.rand(8, 6, 3)
        model.train_on_batch(x, x.sum((1, 2))[:, None])
    model.reset_states()
    if KERAS_3 and "raises" in sys.argv:
        raise AttributeError("no states")
