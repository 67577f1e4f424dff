"""Orders of customers, in Keras 2: dict inputs, two outputs with weights, sample weights, constraints, Adagrad."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

ROWS, SHOPS = 640, 12


def load_data():
    random = np.random.RandomState(4)
    shop, amount = random.randint(0, SHOPS, (ROWS, 1)), random.gamma(2.0, 1.0, (ROWS, 5)).astype("float32")
    price = (amount.sum(1, keepdims=True) * (1.0 + 0.1 * shop)).astype("float32")
    returned = (random.uniform(size=(ROWS, 1)) < 1.0 / (1.0 + price / 10.0)).astype("float32")
    return {
        "x": {"shop": shop.astype("int32"), "amount": amount},
        "y": {"price": price, "returned": returned},
        "sample_weight": {"price": 1.0 / (1.0 + shop[:, 0]).astype("float32"), "returned": np.ones(ROWS, "float32")},
        "batch_size": 32,
    }


def build_model():
    shop = keras.Input((1,), dtype="int32", name="shop")
    amount = keras.Input((5,), name="amount")
    place = layers.Flatten(name="flat")(layers.Embedding(SHOPS, 4, name="place")(shop))
    spent = layers.Dense(8, activation="softplus", kernel_constraint=keras.constraints.MaxNorm(0.8), name="spent")(
        amount
    )
    spent = layers.PReLU(name="bend")(spent)
    x = layers.Concatenate(name="both")([place, spent])
    x = layers.Dense(
        12,
        activation="selu",
        kernel_initializer="lecun_normal",
        kernel_regularizer=keras.regularizers.l1(1e-4),
        bias_regularizer=keras.regularizers.l2(1e-3),
        name="mixed",
    )(x)
    x = layers.AlphaDropout(0.05, name="alpha")(x)
    price = layers.Dense(1, name="price")(x)
    returned = layers.Dense(1, activation="sigmoid", name="returned")(x)
    model = keras.Model({"shop": shop, "amount": amount}, {"price": price, "returned": returned})
    model.compile(
        optimizer=keras.optimizers.Adagrad(learning_rate=0.05),
        loss={"price": "mse", "returned": "binary_crossentropy"},
        loss_weights={"price": 0.1, "returned": 1.0},
        metrics={"price": ["mae"], "returned": [keras.metrics.BinaryAccuracy(name="hit", threshold=0.5)]},
    )
    return model
