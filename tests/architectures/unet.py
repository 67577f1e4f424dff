"""A U-Net in Keras 2: handwritten digits out of noise, with transposed convolutions and skip connections.

`kparity compare tests/architectures/unet.py --steps 20`
"""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

SIZE = 32


def load_data():
    images = load_digits().images[:256].astype("float32") / 16.0
    images = np.repeat(np.repeat(images, SIZE // 8, axis=1), SIZE // 8, axis=2)[..., None]
    noise = np.random.RandomState(0).normal(scale=0.5, size=images.shape)
    return {"x": (images + noise).astype("float32"), "y": (images > 0.5).astype("float32"), "batch_size": 16}


def twice(x, filters, name):
    for part in "ab":
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}{part}")(x)
        x = layers.BatchNormalization(name=f"{name}{part}_bn")(x)
        x = layers.ReLU(name=f"{name}{part}_relu")(x)
    return x


def dice(y, p):
    both = tf.reduce_sum(y * p, axis=[1, 2, 3])
    return 1.0 - (2.0 * both + 1.0) / (tf.reduce_sum(y + p, axis=[1, 2, 3]) + 1.0)


def both_losses(y, p):
    return tf.reduce_mean(keras.losses.binary_crossentropy(y, p), axis=[1, 2]) + dice(y, p)


def build_model():
    x = inputs = keras.Input((SIZE, SIZE, 1), name="noisy")
    skipped = []
    for depth, filters in enumerate((8, 16)):
        x = twice(x, filters, f"down{depth}")
        skipped.append(x)
        x = layers.MaxPooling2D(name=f"pool{depth}")(x)
    x = twice(x, 32, "bottom")
    x = layers.Dropout(0.3, name="dropout")(x)
    for depth, filters in ((1, 16), (0, 8)):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same", name=f"up{depth}")(x)
        x = layers.Concatenate(name=f"join{depth}")([x, skipped[depth]])
        x = twice(x, filters, f"wide{depth}")
    outputs = layers.Conv2D(1, 1, activation="sigmoid", name="ink")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=both_losses,
        metrics=[keras.metrics.BinaryIoU(target_class_ids=[1], threshold=0.5), "binary_accuracy"],
    )
    return model
