"""Words of a small language, in Keras 2: a transformer block, warm-up and decay of the learning rate, sparse top-k."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

WORDS, LENGTH, ROWS, DEPTH = 16, 10, 640, 16


def load_data():
    random = np.random.RandomState(9)
    x = np.zeros((ROWS, LENGTH + 1), "int32")
    x[:, :2] = random.randint(1, WORDS, (ROWS, 2))
    for place in range(2, LENGTH + 1):
        x[:, place] = (x[:, place - 1] + 2 * x[:, place - 2] + random.randint(0, 2, ROWS)) % (WORDS - 1) + 1
    return {"x": x[:, :-1], "y": x[:, 1:], "batch_size": 32}


class Positions(layers.Layer):
    def build(self, shape):
        self.table = self.add_weight(name="table", shape=(LENGTH, shape[-1]), initializer="random_normal")

    def call(self, inputs):
        return inputs + self.table


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak, steps):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        step = tf.cast(step, tf.float32) + 1.0
        return self.peak * tf.minimum(step / self.steps, tf.sqrt(self.steps / step))

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


def build_model():
    inputs = keras.Input((LENGTH,), dtype="int32", name="words")
    x = Positions(name="positions")(layers.Embedding(WORDS, DEPTH, name="embedding")(inputs))
    y = layers.LayerNormalization(epsilon=1e-6, name="attention_norm")(x)
    y = layers.MultiHeadAttention(2, 8, dropout=0.1, name="attention")(y, y, use_causal_mask=True)
    x = layers.Add(name="attention_add")([x, y])
    y = layers.LayerNormalization(epsilon=1e-6, name="wide_norm")(x)
    y = layers.Dense(32, activation="gelu", name="wide")(y)
    y = layers.Dense(DEPTH, name="narrow")(y)
    y = layers.Dropout(0.1, name="dropout")(y)
    x = layers.Add(name="wide_add")([x, y])
    outputs = layers.Dense(WORDS, name="next")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(WarmUp(0.01, 15.0), beta_2=0.98, epsilon=1e-9, clipnorm=0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseTopKCategoricalAccuracy(3, name="among_three")],
    )
    return model
