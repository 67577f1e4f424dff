"""A transformer encoder over padded tokens: self-attention with its residual, masked from the embedding on."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

LENGTH, WORDS = 12, 20


def build_model():
    tokens = keras.Input((LENGTH,))
    x = layers.Embedding(WORDS, 16, mask_zero=True, name="embedding")(tokens)
    attended = layers.MultiHeadAttention(2, 8, name="attention")(x, x)
    x = layers.Add(name="residual")([x, attended])
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Dense(WORDS, name="logits")(x)
    model = keras.Model(tokens, x)
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def load_data():
    """The task is to name each token's right neighbour; sequences are of any length, padded with 0."""
    rng = np.random.RandomState(20455)
    x = rng.randint(1, WORDS, (128, LENGTH))
    x[np.arange(LENGTH)[None] >= rng.randint(3, LENGTH + 1, (128, 1))] = 0
    y = np.concatenate([x[:, 1:], np.zeros((128, 1), int)], 1)
    return {"x": x.astype("int32"), "y": y.astype("int32"), "batch_size": 32}
