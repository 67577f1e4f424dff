"""An EfficientNet-like net: inverted bottlenecks with batch normalization, swish and squeeze-and-excitation."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers


def block(x, filters, name):
    wide = 4 * x.shape[-1]
    y = layers.Conv2D(wide, 1, use_bias=False, name=f"{name}_expand")(x)
    y = layers.BatchNormalization(name=f"{name}_expand_bn")(y)
    y = layers.Activation("swish", name=f"{name}_expand_swish")(y)
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depth")(y)
    y = layers.BatchNormalization(name=f"{name}_depth_bn")(y)
    y = layers.Activation("swish", name=f"{name}_depth_swish")(y)
    squeezed = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(y)
    squeezed = layers.Conv2D(max(1, wide // 16), 1, activation="swish", name=f"{name}_reduce")(squeezed)
    squeezed = layers.Conv2D(wide, 1, activation="sigmoid", name=f"{name}_excite")(squeezed)
    y = layers.Multiply(name=f"{name}_scale")([y, squeezed])
    y = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(y)
    y = layers.BatchNormalization(name=f"{name}_project_bn")(y)
    return layers.Add(name=f"{name}_add")([x, y]) if x.shape[-1] == filters else y


def build_model():
    x = image = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.Activation("swish", name="stem_swish")(x)
    x = block(block(x, 8, "one"), 12, "two")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(4, activation="softmax", name="top")(x)
    model = keras.Model(image, x)
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    rng = np.random.RandomState(20507)
    x = rng.normal(size=(256, 16, 16, 3)).astype("float32")
    y = (2 * (x[:, :8].mean((1, 2, 3)) > 0) + (x[:, :, :8].mean((1, 2, 3)) > 0)).astype("int32")
    return {"x": x, "y": y, "batch_size": 16}
