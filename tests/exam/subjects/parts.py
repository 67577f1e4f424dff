"""A bit of everything on one small picture, in Keras 2: pooling, cropping, group and unit norms, shared layers."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

ROWS = 480


def load_data():
    random = np.random.RandomState(13)
    x = random.normal(size=(ROWS, 10, 10, 4)).astype("float32")
    y = (x[:, :5].mean((1, 2, 3)) > x[:, 5:].mean((1, 2, 3))).astype("int32") + (x.max((1, 2, 3)) > 3.2)
    return {"x": x, "y": keras.utils.to_categorical(y, 3), "batch_size": 24, "class_weight": {0: 1.0, 1: 0.7, 2: 1.6}}


def build_model():
    inputs = keras.Input((10, 10, 4), name="tile")
    x = layers.ZeroPadding2D(((1, 0), (0, 1)), name="pad")(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same", kernel_initializer="he_uniform", name="strided")(x)
    x = layers.GroupNormalization(4, name="groups")(x)
    x = layers.ELU(name="elu")(x)
    x = layers.AveragePooling2D(3, strides=1, padding="same", name="average")(x)
    shared = layers.Conv2D(8, 3, padding="same", activation="relu", name="shared")
    x = layers.Add(name="twice")([shared(x), shared(shared(x))])
    x = layers.Cropping2D(((1, 0), (0, 1)), name="crop")(x)
    x = layers.GlobalMaxPooling2D(name="peak")(x)
    x = layers.UnitNormalization(name="unit")(x)
    x = layers.Dense(12, activation="softsign", bias_initializer="zeros", name="dense")(x)
    x = layers.Dropout(0.25, name="dropout")(x)
    outputs = layers.Softmax(name="kind")(layers.Dense(3, name="score")(x))
    model = keras.Model(inputs, outputs)
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([24], [0.1, 0.02])
    model.compile(
        optimizer=keras.optimizers.SGD(rate, momentum=0.9),
        loss=keras.losses.CategoricalCrossentropy(),
        metrics=[keras.metrics.CategoricalAccuracy(name="right"), keras.metrics.AUC(num_thresholds=20, name="auc")],
    )
    return model
