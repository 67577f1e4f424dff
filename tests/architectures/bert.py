"""A BERT-like encoder in Keras 2: three embeddings, MultiHeadAttention with a padding mask, masked tokens to be told.

`kparity compare tests/architectures/bert.py --steps 20`
"""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

VOCABULARY, LENGTH, WIDTH, HEADS, DEPTH = 60, 24, 32, 4, 2
PAD, MASK = 0, 1


def load_data():
    random = np.random.RandomState(3)
    first = random.randint(2, VOCABULARY, size=(512, 1))
    whole = 2 + (first + np.arange(LENGTH) * random.randint(1, 4, size=(512, 1))) % (VOCABULARY - 2)
    for row, length in zip(whole, random.randint(8, LENGTH + 1, size=512)):
        row[length:] = PAD
    hidden = (random.uniform(size=whole.shape) < 0.2) & (whole != PAD)
    tokens = np.where(hidden, MASK, whole).astype("int32")
    segments = np.broadcast_to(np.arange(LENGTH) >= LENGTH // 2, whole.shape).astype("int32")
    x = {"tokens": tokens, "segments": segments}
    return {"x": x, "y": whole.astype("int32"), "sample_weight": hidden.astype("float32"), "batch_size": 32}


class Embeddings(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        narrow = keras.initializers.TruncatedNormal(stddev=0.02)
        self.tokens = layers.Embedding(VOCABULARY, WIDTH, embeddings_initializer=narrow, name="tokens")
        self.segments = layers.Embedding(2, WIDTH, embeddings_initializer=narrow, name="segments")
        self.positions = layers.Embedding(LENGTH, WIDTH, embeddings_initializer=narrow, name="positions")
        self.norm = layers.LayerNormalization(epsilon=1e-12, name="norm")
        self.dropout = layers.Dropout(0.1, name="dropout")

    def call(self, inputs, training=None):
        tokens, segments = inputs
        x = self.tokens(tokens) + self.segments(segments) + self.positions(tf.range(LENGTH))
        return self.dropout(self.norm(x), training=training)


def encoder(x, mask, name):
    narrow = keras.initializers.TruncatedNormal(stddev=0.02)
    attention = layers.MultiHeadAttention(
        HEADS, WIDTH // HEADS, dropout=0.1, kernel_initializer=narrow, name=name + "_attention"
    )
    seen = attention(x, x, attention_mask=mask)
    x = layers.LayerNormalization(epsilon=1e-12, name=name + "_norm")(x + layers.Dropout(0.1)(seen))
    wide = layers.Dense(4 * WIDTH, activation="gelu", kernel_initializer=narrow, name=name + "_wide")(x)
    wide = layers.Dense(WIDTH, kernel_initializer=narrow, name=name + "_narrow")(wide)
    return layers.LayerNormalization(epsilon=1e-12, name=name + "_out")(x + layers.Dropout(0.1)(wide))


def build_model():
    tokens = keras.Input((LENGTH,), dtype="int32", name="tokens")
    segments = keras.Input((LENGTH,), dtype="int32", name="segments")
    mask = layers.Lambda(lambda t: tf.not_equal(t, PAD)[:, None, :], name="unpadded")(tokens)
    x = Embeddings(name="embeddings")([tokens, segments])
    for block in range(DEPTH):
        x = encoder(x, mask, f"block{block}")
    outputs = layers.Dense(VOCABULARY, name="token")(x)
    model = keras.Model({"tokens": tokens, "segments": segments}, outputs)
    rate = keras.optimizers.schedules.PolynomialDecay(1e-3, 400, 0.0)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=0.01, epsilon=1e-6, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
    )
    return model
