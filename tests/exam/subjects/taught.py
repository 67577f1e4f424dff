"""A student taught by a fixed teacher, in Keras 2: subclassed, its own train_step, AdamW, clipping by global norm."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

ROWS, INPUTS, CLASSES = 640, 10, 4


def load_data():
    random = np.random.RandomState(11)
    x = random.normal(size=(ROWS, INPUTS)).astype("float32")
    y = np.argmax(x @ random.normal(size=(INPUTS, CLASSES)) + x[:, :CLASSES] ** 2, 1)
    return {"x": x, "y": y.astype("int32"), "batch_size": 32}


class Block(layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.dense = layers.Dense(width, activation="swish", name="dense")
        self.norm = layers.LayerNormalization(name="norm")
        self.gate = layers.Dense(1, activation="sigmoid", name="gate")

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(self.width,), initializer="ones")
        super().build(shape)

    def call(self, inputs):
        return self.norm(self.dense(inputs)) * self.scale * self.gate(inputs)


class Student(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Block(16, name="first")
        self.second = Block(12, name="second")
        self.drop = layers.Dropout(0.1, name="drop")
        self.logits = layers.Dense(CLASSES, name="logits", kernel_regularizer=keras.regularizers.l2(1e-4))
        self.distance = keras.metrics.Mean(name="distance")

    def call(self, inputs, training=None):
        return self.logits(self.drop(self.second(self.first(inputs)), training=training))

    def train_step(self, data):
        x, y = data[:2]
        soft = tf.nn.softmax(x[:, :CLASSES] * 2.0)
        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            distance = tf.reduce_mean(keras.losses.kl_divergence(soft, tf.nn.softmax(logits / 2.0)))
            loss = self.compute_loss(x, y, logits) + 0.5 * distance
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.distance.update_state(distance)
        return {**self.compute_metrics(x, y, logits, None), "distance": self.distance.result()}


def build_model():
    model = Student(name="student")
    model.compile(
        optimizer=keras.optimizers.AdamW(learning_rate=0.004, weight_decay=0.01, global_clipnorm=0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
