"""Cases of fit, evaluate and predict: what is reported, and the weights afterwards.

In: nothing. Out: `cases()`, for tables.py. Masks, several outputs and other ways to
feed stand in feeding.py, callbacks and layers called with `training=` in watching.py.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.layers import made_here, of, part, value
from kparity.capture.silent.tools import Tools, array, flat

ROWS, WIDE, CLASSES = 11, 6, 3
Build = Callable[[Tools], Any]


def dense(*layers: Any, shape: tuple[int, ...] = (WIDE,), dtype: str | None = None) -> Build:
    """A Sequential model of these layers, weights filled."""

    def build(tools: Tools) -> Any:
        keras = tools.keras
        made = [one(tools) for one in layers]
        model = keras.Sequential([keras.Input(shape, dtype=dtype), *made])
        tools.fill(model)
        return model

    return build


def targets(tools: Tools, kind: str) -> Any:
    """y of ROWS rows: numbers, flat numbers, classes, one-hot, binary, flat binary."""
    rng = np.random.default_rng(3)
    match kind:
        case "numbers":
            return tools.x(ROWS, 1, key="y")
        case "flat":
            return tools.x(ROWS, key="y")
        case "classes":
            return rng.integers(0, CLASSES, ROWS)
        case "class column":
            return rng.integers(0, CLASSES, (ROWS, 1))
        case "one-hot":
            return np.eye(CLASSES)[rng.integers(0, CLASSES, ROWS)].astype(tools.dtype)
        case "binary":
            return rng.integers(0, 2, (ROWS, 1))
        case "flat binary":
            return rng.integers(0, 2, ROWS)
        case "bool":
            return rng.integers(0, 2, (ROWS, 1)).astype(bool)
    raise ValueError(kind)


def reported(history: Any) -> Arrays:
    """History as arrays, and its keys in order."""
    found: Arrays = {f"history {key}": np.asarray(values, np.float64) for key, values in history.items()}
    return {**found, "text|history keys": " ".join(history)}


def after(tools: Tools, model: Any, x: Any) -> Arrays:
    """Weights and predictions."""
    found: Arrays = {}
    for label, weight in zip(tools.names(model.weights), model.weights, strict=True):
        found[f"weight {label}"] = array(weight)
    for n, one in enumerate(flat(model.predict(x, verbose=0))):
        found[f"prediction {n}"] = array(one)
    return found


REGRESSION = dense(of("Dense", units=4, activation="tanh"), of("Dense", units=1))
BINARY = dense(of("Dense", units=4, activation="tanh"), of("Dense", units=1, activation="sigmoid"))
SOFTMAX = dense(of("Dense", units=4, activation="tanh"), of("Dense", units=CLASSES, activation="softmax"))


def fitted(
    label: str,
    build: Build = REGRESSION,
    y: str = "numbers",
    compile_: dict[str, Any] | None = None,
    optimizer: Any = "sgd",
    loss: Any = "mse",
    rows: tuple[int, ...] = (ROWS, WIDE),
    style: str = "normal",
    doubles: bool = True,
    evaluate: bool = True,
    graph: bool = False,
    **fit: Any,
) -> Case:
    """Compile, fit for two epochs in batches of 4 without shuffling, evaluate, predict. `graph`: as a compiled step,
    which takes ten times as long to measure and gives the same numbers but where a case is about it."""

    def run(tools: Tools) -> Arrays:
        model = build(tools)
        given = {"optimizer": optimizer, "loss": loss, "run_eagerly": not graph, **(compile_ or {})}
        model.compile(**made_here(tools, dict(given.items())))
        x = tools.x(*rows, style=style)
        true = targets(tools, y) if isinstance(y, str) else y(tools)
        how = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0, **made_here(tools, fit)}
        if how["batch_size"] is None:
            del how["batch_size"]
        found = reported(model.fit(x, true, **how).history)
        if evaluate:
            found["evaluate"] = np.asarray(model.evaluate(x, true, batch_size=4, verbose=0), np.float64)
        return {**found, **after(tools, model, x)}

    return Case("training", "fit", label, run, doubles)


def cases() -> list[Case]:
    found = [
        fitted("unequal last batch", graph=True),
        fitted("mae", loss="mae", compile_={"metrics": ["mae", "mse"]}),
        fitted("y of (n,), prediction of (n, 1)", y="flat"),
        fitted(
            "y of (n,), prediction of (n, 1), mean_squared_error function", y="flat", loss=_fn("mean_squared_error")
        ),
        fitted("y of (n,), own loss function", y="flat", loss=_own_loss()),
        fitted("own loss function of (n, 1)", loss=_own_loss()),
        fitted("own metric function", compile_={"metrics": [_own_metric()]}),
        fitted("validation_split of an odd size", validation_split=0.3),
        fitted("validation_split=0.25", validation_split=0.25, batch_size=3),
        fitted("validation_data", validation_data=value("data", lambda t: (t.x(5, WIDE, key="v"), t.x(5, 1, key="w")))),
        fitted("validation_data with weights", validation_data=value("data", _validation)),
        fitted("validation_freq=2", validation_split=0.3, validation_freq=2),
        fitted("sample_weight", sample_weight=_weights(), compile_={"metrics": ["mae"]}),
        fitted("sample_weight, weighted_metrics", sample_weight=_weights(), compile_={"weighted_metrics": ["mae"]}),
        fitted(
            "sample_weight of (n, 1)",
            sample_weight=value("w", lambda t: np.linspace(0, 2, ROWS)[:, None].astype(t.dtype)),
        ),
        fitted("sample_weight and validation_split", sample_weight=_weights(), validation_split=0.3),
        fitted(
            "class_weight, classes",
            SOFTMAX,
            "classes",
            loss="sparse_categorical_crossentropy",
            class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        ),
        fitted(
            "class_weight, class column",
            SOFTMAX,
            "class column",
            loss="sparse_categorical_crossentropy",
            class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        ),
        fitted(
            "class_weight, one-hot",
            SOFTMAX,
            "one-hot",
            loss="categorical_crossentropy",
            class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        ),
        fitted("class_weight, binary", BINARY, "binary", loss="binary_crossentropy", class_weight={0: 1.0, 1: 3.0}),
        fitted(
            "class_weight with metrics",
            BINARY,
            "binary",
            loss="binary_crossentropy",
            class_weight={0: 1.0, 1: 3.0},
            compile_={"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]},
        ),
        fitted(
            "class_weight and sample_weight",
            BINARY,
            "binary",
            loss="binary_crossentropy",
            class_weight={0: 1.0, 1: 3.0},
            sample_weight=_weights(),
        ),
        fitted("class_weight without one class", BINARY, "binary", loss="binary_crossentropy", class_weight={1: 3.0}),
        fitted("steps_per_execution=2", graph=True, compile_={"steps_per_execution": 2}),
        fitted("steps_per_epoch=2 of arrays", steps_per_epoch=2),
        fitted("initial_epoch", epochs=4, initial_epoch=2),
        fitted("run_eagerly"),
        fitted("shuffle='batch'", shuffle="batch", batch_size=ROWS),
        fitted("no batch_size", batch_size=None),
        fitted("loss_weights", compile_={"loss_weights": [0.5]}),
        fitted("labels of bool", BINARY, "bool", loss="binary_crossentropy", compile_={"metrics": ["accuracy"]}),
        fitted(
            "regularizers",
            dense(of("Dense", units=4, kernel_regularizer="l2"), of("Dense", units=1, bias_regularizer="l1")),
        ),
        fitted("activity_regularizer", dense(of("Dense", units=4, activity_regularizer="l2"), of("Dense", units=1))),
        fitted(
            "constraints",
            dense(
                of("Dense", units=4, kernel_constraint=part("constraints", "MaxNorm", max_value=0.5)),
                of("Dense", units=1),
            ),
        ),
        fitted(
            "BatchNormalization",
            dense(of("Dense", units=4), of("BatchNormalization", momentum=0.5), of("Dense", units=1)),
        ),
        fitted(
            "BatchNormalization, trainable=False",
            dense(of("BatchNormalization", trainable=False), of("Dense", units=1)),
        ),
    ]
    return [*found, *_orders(), *_names(), *_accuracies(), *_optimizers(), *_mixed()]


def _orders() -> list[Case]:
    """Whether three epochs come in three orders, seeded or not."""

    def run(tools: Tools, seeded: bool) -> Arrays:
        seen: list[list[int]] = [[], [], []]
        keras: Any = tools.keras

        class Watcher(keras.Model):
            def train_step(self, data: Any) -> Any:
                seen[min(range(3), key=lambda epoch: len(seen[epoch]) == ROWS)].append(int(data[0][0, 0]))
                return {"loss": tf.constant(0.0)}

        tf.random.set_seed(1 if seeded else None)
        model = Watcher()
        model.compile("sgd", run_eagerly=True)
        rows = np.arange(ROWS, dtype="float32")[:, None]
        model.fit(rows, rows, batch_size=1, epochs=3, verbose=0)
        return {"text|orders": str(len({tuple(order) for order in seen}))}

    return [
        Case(
            "training",
            "fit",
            f"orders of three epochs, {label}",
            lambda tools, seeded=seeded: run(tools, seeded),
            False,
        )
        for label, seeded in (("seeded", True), ("not seeded", False))
    ]


def _fn(name: str) -> Any:
    return value(name, lambda t: getattr(t.keras.losses, name))


def _own_loss() -> Any:
    def make(tools: Tools) -> Any:
        return lambda y, p: tf.reduce_mean(tf.square(tf.cast(y, p.dtype) - p), axis=-1)

    return value("own", make)


def _own_metric() -> Any:
    def make(tools: Tools) -> Any:
        def away(y: Any, p: Any) -> Any:
            return tf.reduce_mean(tf.abs(tf.cast(y, p.dtype) - p))

        return away

    return value("[away]", lambda t: make(t))


def _weights() -> Any:
    return value("weights", lambda t: np.linspace(0.0, 2.0, ROWS).astype(t.dtype))


def _validation(tools: Tools) -> Any:
    return tools.x(5, WIDE, key="v"), tools.x(5, 1, key="w"), np.linspace(0.5, 1.5, 5).astype(tools.dtype)


METRIC_STRINGS = [
    "accuracy",
    "acc",
    "binary_accuracy",
    "BinaryAccuracy",
    "AUC",
    "Precision",
    "Recall",
    "mae",
    "MAE",
    "mse",
    "mean_absolute_error",
    "MeanSquaredError",
    "RootMeanSquaredError",
    "cosine_similarity",
    "CosineSimilarity",
    "binary_crossentropy",
    "bce",
    "BinaryCrossentropy",
    "hinge",
    "KLDivergence",
    "kullback_leibler_divergence",
    "kld",
    "poisson",
    "TruePositives",
    "FalseNegatives",
    "logcosh",
    "LogCoshError",
    "mape",
    "msle",
]


def _names() -> list[Case]:
    """What a metric given by a string is called in the logs, and its values."""
    return [
        fitted(
            f"metrics=['{name}']",
            BINARY,
            "binary",
            loss="binary_crossentropy",
            compile_={"metrics": [name]},
            validation_split=0.3,
        )
        for name in METRIC_STRINGS
    ] + [
        fitted(f"loss='{name}'", BINARY, "binary", loss=name)
        for name in (
            "mae",
            "MSE",
            "mean_squared_error",
            "MeanSquaredError",
            "hinge",
            "Huber",
            "huber",
            "kld",
            "poisson",
            "log_cosh",
            "cosine_similarity",
            "CosineSimilarity",
        )
    ]


def _accuracies() -> list[Case]:
    found = []
    for label, build, y, loss in (
        ("binary", BINARY, "binary", "binary_crossentropy"),
        ("flat binary", BINARY, "flat binary", "binary_crossentropy"),
        ("classes", SOFTMAX, "classes", "sparse_categorical_crossentropy"),
        ("class column", SOFTMAX, "class column", "sparse_categorical_crossentropy"),
        ("one-hot", SOFTMAX, "one-hot", "categorical_crossentropy"),
        ("one-hot under binary_crossentropy", SOFTMAX, "one-hot", "binary_crossentropy"),
        ("one-hot under mse", SOFTMAX, "one-hot", "mse"),
    ):
        for name in ("accuracy", "acc", "crossentropy", "ce"):
            found.append(fitted(f"metrics=['{name}'], {label}", build, y, loss=loss, compile_={"metrics": [name]}))
        found.append(
            fitted(
                f"metrics=['accuracy'], {label}, sample_weight",
                build,
                y,
                loss=loss,
                compile_={"metrics": ["accuracy"]},
                sample_weight=_weights(),
            )
        )
    return found


def _optimizers() -> list[Case]:
    found = []
    names = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor"]
    for name in names:
        found.append(fitted(f"optimizer='{name.lower()}'", optimizer=name.lower() if name != "AdamW" else "adamw"))
    for extra in (
        {"use_ema": True, "ema_momentum": 0.5},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
        {"clipnorm": 0.1},
        {"global_clipnorm": 0.1},
        {"weight_decay": 0.1},
    ):
        found.append(fitted(f"Adam({said(extra)})", optimizer=part("optimizers", "Adam", learning_rate=0.05, **extra)))
    repeated = dense(
        of("Embedding", input_dim=10, output_dim=3), of("Flatten"), of("Dense", units=1), shape=(4,), dtype="int32"
    )
    for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"):
        optimizer = part("optimizers", name, learning_rate=0.05)
        found.append(
            fitted(
                f"Embedding with repeated rows, {name}", repeated, optimizer=optimizer, rows=(ROWS, 4), style="integers"
            )
        )
    return found


def _mixed() -> list[Case]:
    """Mixed precision with its loss scaling."""

    def case(policy: str, label: str, optimizer: Any) -> Case:
        def run(tools: Tools) -> Arrays:
            keras = tools.keras
            keras.mixed_precision.set_global_policy(policy)
            try:
                model = REGRESSION(tools)
                model.compile(optimizer(keras), "mse", metrics=["mae"])
                x = tools.x(ROWS, WIDE)
                found = reported(
                    model.fit(x, targets(tools, "numbers"), epochs=2, batch_size=4, shuffle=False, verbose=0).history
                )
                return {**found, **after(tools, model, x), "iterations": np.asarray(int(model.optimizer.iterations))}
            finally:
                keras.mixed_precision.set_global_policy("float32")

        return Case("training", "fit", f"{policy}, {label}", run, doubles=False)

    return [
        case("mixed_float16", "sgd", lambda k: "sgd"),
        case("mixed_float16", "Adam", lambda k: k.optimizers.Adam(0.01)),
        case(
            "mixed_float16",
            "LossScaleOptimizer",
            lambda k: k.mixed_precision.LossScaleOptimizer(k.optimizers.SGD(0.05)),
        ),
        case("mixed_bfloat16", "sgd", lambda k: "sgd"),
    ]
