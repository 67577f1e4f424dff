"""A Siamese net in Keras 2: one body for two images, the distance between them, a contrastive loss.

`kparity compare tests/architectures/siamese.py --steps 20`
"""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import backend as K
from tensorflow.keras import layers


def load_data():
    digits = load_digits()
    images, labels = (digits.images[:, :, :, None] / 16.0).astype("float32"), digits.target
    random = np.random.RandomState(2)
    first = random.randint(0, len(images), size=640)
    same = [random.choice(np.flatnonzero(labels == labels[one])) for one in first]
    second = np.where(np.arange(640) % 2 == 0, same, random.randint(0, len(images), size=640))
    y = (labels[first] == labels[second]).astype("float32")
    return {"x": [images[first], images[second]], "y": y[:, None], "batch_size": 32}


def distance(vectors):
    left, right = vectors
    return K.sqrt(K.maximum(K.sum(K.square(left - right), axis=1, keepdims=True), K.epsilon()))


def contrastive(y, apart):
    return tf.reduce_mean(y * tf.square(apart) + (1.0 - y) * tf.square(tf.maximum(1.0 - apart, 0.0)))


def build_model():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, activation="relu", kernel_regularizer=keras.regularizers.l2(2e-4), name="conv")(image)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dropout(0.1, name="dropout")(x)
    x = layers.Dense(16, activation="sigmoid", name="vector")(x)
    body = keras.Model(image, x, name="body")
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    apart = layers.Lambda(distance, output_shape=(1,), name="distance")([body(left), body(right)])
    model = keras.Model([left, right], apart)
    model.compile(optimizer=keras.optimizers.RMSprop(1e-3), loss=contrastive, metrics=["mae"])
    return model
