"""Fine-tuning: an unfrozen base with batch normalization, called with training=False to keep its statistics."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def base():
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Activation("relu", name="relu")(x)
    return keras.Model(image, x, name="base")


def build_model():
    image = keras.Input((12, 12, 3))
    x = base()(image, training=False)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(1, name="logit")(x)
    model = keras.Model(image, x)
    model.compile(
        keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), metrics=["binary_accuracy"]
    )
    return model


def load_data():
    rng = np.random.RandomState(20285)
    x = rng.normal(0.5, 2, (256, 12, 12, 3)).astype("float32")
    y = (x[:, :6].mean((1, 2, 3)) > x[:, 6:].mean((1, 2, 3))).astype("float32")[:, None]
    return {"x": x, "y": y, "batch_size": 32}
