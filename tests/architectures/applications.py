"""Models of keras.applications without weights, in Keras 2, on handwritten digits: one function a model.

`kparity compare tests/architectures/applications.py --model resnet50 --steps 3`
"""

import numpy as np
from sklearn.datasets import load_digits
from tensorflow import keras

SIZE = 32
LARGER = {"Xception": 72, "InceptionV3": 75}
"""The smallest images that these take."""


def load_data(size=SIZE):
    digits = load_digits()
    images = digits.images[:256].astype("float32") * 16.0
    x = np.repeat(np.repeat(images, size // 8 + 1, axis=1), size // 8 + 1, axis=2)[:, :size, :size, None]
    return {"x": np.repeat(x, 3, axis=3), "y": digits.target[:256], "batch_size": 8}


def load_data_72():
    return load_data(72)


def load_data_75():
    return load_data(75)


def classifier(build, size=SIZE, **more):
    inputs = keras.Input((size, size, 3), name="image")
    x = (
        inputs
        if more.pop("own_scaling", False)
        else keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaled")(inputs)
    )
    body = build(include_top=False, weights=None, input_shape=(size, size, 3), pooling="avg", **more)
    outputs = keras.layers.Dense(10, activation="softmax", name="digit")(body(x))
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def resnet50():
    return classifier(keras.applications.ResNet50)


def mobilenet():
    return classifier(keras.applications.MobileNet)


def mobilenet_v2():
    return classifier(keras.applications.MobileNetV2)


def mobilenet_v3_small():
    return classifier(keras.applications.MobileNetV3Small, own_scaling=True)


def efficientnet_b0():
    return classifier(keras.applications.EfficientNetB0, own_scaling=True)


def efficientnet_v2_b0():
    return classifier(keras.applications.EfficientNetV2B0, own_scaling=True)


def densenet121():
    return classifier(keras.applications.DenseNet121)


def vgg16():
    return classifier(keras.applications.VGG16)


def xception():
    return classifier(keras.applications.Xception, LARGER["Xception"])


def inception_v3():
    return classifier(keras.applications.InceptionV3, LARGER["InceptionV3"])


def nasnet_mobile():
    return classifier(keras.applications.NASNetMobile)


def convnext_tiny():
    return classifier(keras.applications.ConvNeXtTiny, own_scaling=True)
