"""Outputs by name, in another order than that of their names; ragged inputs; layers that are shared."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class Pooled(keras.Model):
    """The mean of a ragged row's embeddings, and two answers from it."""

    def __init__(self):
        super().__init__()
        self.table = layers.Embedding(20, 4)
        self.hidden = layers.Dense(6, activation="tanh")
        self.urgent = layers.Dense(1, activation="sigmoid")
        self.kind = layers.Dense(3)

    def call(self, rows):
        words = rows.to_tensor() if isinstance(rows, tf.RaggedTensor) else rows
        pooled = self.hidden(tf.reduce_mean(self.table(words), axis=1))
        again = self.hidden(tf.concat([pooled[:, 2:], pooled[:, :-2]], axis=1)[:, :4])
        return {"urgent": self.urgent(again), "kind": self.kind(pooled)}


random = np.random.RandomState(0)
rows = tf.ragged.constant([list(random.permutation(19)[: random.randint(1, 6)] + 1) for _ in range(64)])
answers = {"urgent": random.rand(64, 1).round().astype("float32"), "kind": random.randint(0, 3, 64)}
model = Pooled()
model.compile(
    keras.optimizers.SGD(0.1),
    loss={"urgent": "binary_crossentropy", "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
    metrics={"urgent": ["accuracy"]},
)
model.fit(tf.data.Dataset.from_tensor_slices((rows, answers)).batch(16), epochs=2)
