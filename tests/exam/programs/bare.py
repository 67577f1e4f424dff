"""Variables that belong to no layer, trained eagerly by a tape that stands in the loop. The first argument names a
fault that Keras 3 alone has."""

import os
import sys

import numpy as np
import tensorflow as tf
from tensorflow import keras

FAULT = sys.argv[1] if len(sys.argv) > 1 and os.environ["TF_USE_LEGACY_KERAS"] == "0" else ""

random = np.random.default_rng()
weights = {"in": tf.Variable(random.normal(0, 0.3, (6, 8)).astype("float32")), "out": tf.Variable(tf.ones((8, 1)))}
bias = tf.Variable(tf.zeros(8))
optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=FAULT == "nesterov")
count = 0
while count < 40:
    x = random.random((16, 6)).astype("float32")
    with tf.GradientTape() as tape:
        hidden = tf.nn.tanh(x @ weights["in"] + bias)
        loss = tf.reduce_mean((hidden @ weights["out"] - x[:, :1]) ** 2)
        if FAULT == "penalty":
            loss += 0.01 * tf.reduce_sum(weights["in"] ** 2)
    variables = [*weights.values(), bias]
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    count += 1
    if count == 30:
        print("late", float(loss))
