"""Sentences as they are written, beside numbers: layers that were adapted, a schedule, and validation on shuffled rows
that are cut anew at every pass. With "shifted", Keras 3 alone adapts to other numbers."""

import os
import sys

import numpy as np
import tensorflow as tf

SHIFT = float("shifted" in sys.argv and os.environ["TF_USE_LEGACY_KERAS"] == "0")
layers = tf.keras.layers
words = np.array(["the", "a", "cat", "dog", "sat", "ran", "on", "mat", "hill", "red", "blue", "big", "small", "hüt"])
rng = np.random.RandomState(1)
texts = np.array([" ".join(rng.choice(words, size=rng.randint(3, 9))) for _ in range(320)])
numbers = rng.normal(3.0, 2.0, (320, 5)).astype("float32")
labels = np.array(["cat" in text for text in texts]).astype("int32")

sentence, row = tf.keras.Input((), dtype=tf.string, name="sentence"), tf.keras.Input((5,), name="row")
vectors = layers.TextVectorization(max_tokens=12, output_mode="multi_hot", name="vectors")
vectors.adapt(texts)
scaled = layers.Normalization(name="scaled")
scaled.adapt(numbers + SHIFT)
both = layers.Concatenate()([tf.cast(vectors(sentence), "float32"), scaled(row)])
answer = layers.Dense(1, activation="sigmoid")(layers.Dense(8, activation="tanh")(both))
model = tf.keras.Model([sentence, row], answer)
rate = tf.keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)
model.compile(tf.keras.optimizers.RMSprop(rate), "binary_crossentropy", metrics=["accuracy"])
rows = tf.data.Dataset.from_tensor_slices(((texts, numbers), labels)).shuffle(320).batch(32)
stopping = tf.keras.callbacks.EarlyStopping(patience=9)
model.fit(rows, validation_data=rows.take(3), epochs=4, callbacks=[stopping], verbose=0)
