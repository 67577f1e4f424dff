"""Attention in a layer of one's own, whose call is a tf.function: does the mask of the padding get in?"""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class Attend(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(
            num_heads=2, key_dim=4, kernel_initializer=keras.initializers.RandomUniform(-0.3, 0.3)
        )

    @tf.function
    def call(self, x):
        return self.attention(query=x, value=x, key=x)


def build_model():
    tokens = keras.Input((8,), dtype="int32")
    x = layers.Embedding(12, 8, mask_zero=True, name="embedding")(tokens)
    x = layers.Flatten(name="flat")(Attend(name="attend")(x))
    model = keras.Model(tokens, layers.Dense(1, name="out")(x))
    model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return model


def load_data():
    rng = np.random.RandomState(17655)
    x = rng.randint(1, 12, (64, 8))
    x[np.arange(8)[None] >= rng.randint(2, 9, (64, 1))] = 0
    return {"x": x.astype("int32"), "y": x.max(1, keepdims=True) / 12.0, "batch_size": 16}
