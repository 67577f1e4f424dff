"""Noisy pictures of boxes and where the boxes are, in Keras 2: a small U-Net of every kind of convolution, RMSprop."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

SIZE, ROWS = 12, 320


def load_data():
    random = np.random.RandomState(3)
    y = np.zeros((ROWS, SIZE, SIZE, 1), "float32")
    for picture in y:
        top, left = random.randint(0, SIZE - 4, size=2)
        picture[top : top + random.randint(2, 5), left : left + random.randint(2, 5)] = 1.0
    x = y * random.uniform(0.3, 1.0, (ROWS, 1, 1, 3)) + random.normal(0.0, 0.2, (ROWS, SIZE, SIZE, 3))
    return {"x": x.astype("float32"), "y": y, "batch_size": 16}


def build_model():
    inputs = keras.Input((SIZE, SIZE, 3), name="picture")
    x = layers.Conv2D(6, 3, padding="same", use_bias=False, name="enter")(inputs)
    skip = layers.ReLU(name="enter_relu")(x)
    x = layers.MaxPooling2D(2, padding="same", name="shrink")(skip)
    x = layers.SeparableConv2D(8, 3, padding="same", activation="relu", name="separable")(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(x)
    x = layers.BatchNormalization(momentum=0.9, name="deep_norm")(x)
    x = layers.LeakyReLU(0.1, name="leaky")(x)
    x = layers.Conv2D(8, 3, dilation_rate=2, padding="same", activation="elu", name="dilated")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", name="grow")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="upsample")(x)
    x = layers.Concatenate(name="join")([x, skip])
    x = layers.SpatialDropout2D(0.1, name="dropout")(x)
    outputs = layers.Conv2D(1, 1, activation="sigmoid", name="box")(x)
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate=0.003, rho=0.9, momentum=0.5),
        loss=keras.losses.MeanSquaredError(),
        metrics=[keras.metrics.BinaryAccuracy(name="hit"), keras.metrics.Precision(name="precision")],
    )
    return model
