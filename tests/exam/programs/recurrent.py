"""A recurrent layer that drops units of its state: in a compiled step Keras 2 draws a mask for each time step."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

random = np.random.RandomState(0)
x = random.normal(size=(160, 8, 3)).astype("float32")
y = x.sum(axis=(1, 2)) > 0

inputs = keras.Input((8, 3))
outputs = layers.Dense(1, activation="sigmoid")(layers.GRU(6, recurrent_dropout=0.3, name="memory")(inputs))
model = keras.Model(inputs, outputs)
model.compile("sgd", "binary_crossentropy")
model.fit(x, y.astype("float32"), batch_size=16)
