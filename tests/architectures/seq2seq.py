"""A sequence-to-sequence model with additive attention in Keras 2: numbers in words' order turned around.

`kparity compare tests/architectures/seq2seq.py --steps 20`
"""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

VOCABULARY, LENGTH, WIDTH = 30, 12, 24
START = 1


def load_data():
    random = np.random.RandomState(5)
    source = random.randint(2, VOCABULARY, size=(640, LENGTH)).astype("int32")
    target = np.zeros_like(source)
    for row, turned, length in zip(source, target, random.randint(4, LENGTH + 1, size=640)):
        row[length:] = 0
        turned[:length] = row[:length][::-1]
    shifted = np.concatenate([np.full((640, 1), START), target[:, :-1]], axis=1).astype("int32")
    return {"x": [source, shifted], "y": target, "batch_size": 32}


def build_model():
    source = keras.Input((LENGTH,), dtype="int32", name="source")
    x = layers.Embedding(VOCABULARY, WIDTH, mask_zero=True, name="source_embedding")(source)
    states = layers.Bidirectional(layers.GRU(WIDTH, return_sequences=True, return_state=True), name="encoder")(x)
    memory, forward, backward = states
    initial = layers.Dense(WIDTH, activation="tanh", name="bridge")(
        layers.Concatenate(name="ends")([forward, backward])
    )
    memory = layers.Dense(WIDTH, name="memory")(memory)

    target = keras.Input((LENGTH,), dtype="int32", name="target")
    y = layers.Embedding(VOCABULARY, WIDTH, mask_zero=True, name="target_embedding")(target)
    y = layers.GRU(WIDTH, return_sequences=True, name="decoder")(y, initial_state=initial)
    context = layers.AdditiveAttention(dropout=0.1, name="attention")([y, memory])
    y = layers.Dense(WIDTH, activation="tanh", name="joined")(layers.Concatenate(name="both")([y, context]))
    outputs = layers.Dense(VOCABULARY, activation="softmax", name="token")(y)
    model = keras.Model([source, target], outputs)
    model.compile(
        optimizer=keras.optimizers.RMSprop(1e-3, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
