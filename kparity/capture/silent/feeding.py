"""Cases of fit with masks, with several outputs, and fed otherwise than by arrays.

In: nothing. Out: `cases()`, for tables.py.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case
from kparity.capture.silent.tools import Tools
from kparity.capture.silent.training import CLASSES, REGRESSION, ROWS, WIDE, after, reported, targets


def cases() -> list[Case]:
    return [*_masks(), *_losses(), *_feeding()]


def _masks() -> list[Case]:
    """Sequences of token ids with zeros that are masked, one target a step or one a sequence."""
    found = []

    def tokens(tools: Tools) -> Any:
        ids = np.random.default_rng(8).integers(1, 10, (ROWS, 5))
        ids[:6, 3:] = 0
        return ids

    def steps(tools: Tools) -> Any:
        return np.random.default_rng(9).integers(0, CLASSES, (ROWS, 5))

    def case(label: str, last: Any, y: Any, loss: Any, weights: Any = None, **compile_: Any) -> Case:
        def run(tools: Tools) -> Arrays:
            keras = tools.keras
            ids = keras.Input((5,), dtype="int32")
            hidden = keras.layers.Embedding(10, 4, mask_zero=True)(ids)
            model = keras.Model(ids, last(keras, hidden))
            tools.fill(model)
            model.compile("sgd", loss, run_eagerly=True, **compile_)
            x, true = tokens(tools), y(tools)
            extra = {"sample_weight": weights(tools)} if weights else {}
            found = reported(model.fit(x, true, epochs=2, batch_size=4, shuffle=False, verbose=0, **extra).history)
            found["evaluate"] = np.asarray(model.evaluate(x, true, batch_size=4, verbose=0, **extra), np.float64)
            return {**found, **after(tools, model, x)}

        return Case("training", "fit", f"masked, {label}", run)

    def many(keras: Any, hidden: Any) -> Any:
        return keras.layers.Dense(CLASSES, activation="softmax")(keras.layers.LSTM(4, return_sequences=True)(hidden))

    def one(keras: Any, hidden: Any) -> Any:
        return keras.layers.Dense(1)(keras.layers.LSTM(4)(hidden))

    def spread(keras: Any, hidden: Any) -> Any:
        return keras.layers.TimeDistributed(keras.layers.Dense(CLASSES, activation="softmax"))(hidden)

    def pooled(keras: Any, hidden: Any) -> Any:
        return keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(hidden))

    def flattened(keras: Any, hidden: Any) -> Any:
        return keras.layers.Dense(1)(keras.layers.Flatten()(hidden))

    def bent(keras: Any, hidden: Any) -> Any:
        return keras.layers.Dense(CLASSES, activation="softmax")(keras.layers.Conv1D(4, 1)(hidden))

    def scaled(keras: Any, hidden: Any) -> Any:
        return keras.layers.Dense(CLASSES, activation="softmax")(hidden * 2.0 + 1.0)

    def attended(keras: Any, hidden: Any) -> Any:
        seen = keras.layers.MultiHeadAttention(2, 3)(hidden, hidden)
        return keras.layers.Dense(CLASSES, activation="softmax")(keras.layers.LayerNormalization()(hidden + seen))

    def numbers(tools: Tools) -> Any:
        return targets(tools, "numbers")

    def rows(tools: Tools) -> Any:
        return np.linspace(0.0, 2.0, ROWS).astype(tools.dtype)

    def places(tools: Tools) -> Any:
        return np.linspace(0.0, 2.0, ROWS * 5).reshape(ROWS, 5).astype(tools.dtype)

    sparse = "sparse_categorical_crossentropy"
    for label, last in (
        ("LSTM steps", many),
        ("TimeDistributed", spread),
        ("Conv1D", bent),
        ("arithmetic", scaled),
        ("attention", attended),
    ):
        found.append(case(label, last, steps, sparse))
        found.append(case(f"{label}, accuracy", last, steps, sparse, metrics=["accuracy"]))
    found.append(case("LSTM steps, weighted_metrics", many, steps, sparse, weighted_metrics=["accuracy"]))
    found.append(case("LSTM steps, sample_weight of rows", many, steps, sparse, rows, metrics=["accuracy"]))
    found.append(
        case(
            "LSTM steps, sample_weight of steps",
            many,
            steps,
            sparse,
            places,
            metrics=["accuracy"],
            weighted_metrics=["accuracy"],
        )
    )
    for label, last in (("LSTM last", one), ("GlobalAveragePooling1D", pooled), ("Flatten", flattened)):
        found.append(case(label, last, numbers, "mse", metrics=["mae"]))
    return found


def _losses() -> list[Case]:
    """Several outputs: names, weights, dictionaries."""
    found = []

    def case(label: str, **compile_: Any) -> Case:
        def run(tools: Tools) -> Arrays:
            keras = tools.keras
            start = keras.Input((WIDE,))
            hidden = keras.layers.Dense(4, activation="tanh")(start)
            heads = [
                keras.layers.Dense(1, name="left")(hidden),
                keras.layers.Dense(1, activation="sigmoid", name="right")(hidden),
            ]
            model = keras.Model(start, heads)
            tools.fill(model)
            model.compile("sgd", run_eagerly=True, **compile_)
            x = tools.x(ROWS, WIDE)
            y = [targets(tools, "numbers"), targets(tools, "binary").astype(tools.dtype)]
            found = reported(
                model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0, validation_split=0.3).history
            )
            found["evaluate"] = np.asarray(model.evaluate(x, y, batch_size=4, verbose=0), np.float64)
            return {**found, **after(tools, model, x)}

        return Case("training", "fit", f"two outputs, {label}", run)

    pair = ["mse", "binary_crossentropy"]
    found += [
        case("list of losses", loss=pair),
        case("one loss", loss="mse"),
        case("loss_weights", loss=pair, loss_weights=[0.3, 2.0]),
    ]
    found += [case("dict of losses", loss={"left": "mse", "right": "mae"}, loss_weights={"left": 0.5, "right": 2.0})]
    found += [case("metrics dict", loss=pair, metrics={"left": ["mae"], "right": ["accuracy", "AUC"]})]
    found += [
        case("metrics list", loss=pair, metrics=[["mae"], ["accuracy"]]),
        case("one metric for all", loss=pair, metrics="mae"),
    ]
    found += [case("one loss of two", loss={"left": "mse"})]
    return found


def _feeding() -> list[Case]:
    """Other ways to feed, and single batches."""

    def batches(tools: Tools) -> Arrays:
        model = REGRESSION(tools)
        model.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)
        x, y = tools.x(8, WIDE), tools.x(8, 1, key="y")
        out = [model.train_on_batch(x[n : n + 4], y[n : n + 4]) for n in (0, 4, 0)]
        test = [model.test_on_batch(x[n : n + 4], y[n : n + 4]) for n in (0, 4)]
        weighted = model.train_on_batch(x[:4], y[:4], sample_weight=np.linspace(0, 1, 4))
        return {
            "train_on_batch": np.asarray(out, np.float64),
            "test_on_batch": np.asarray(test, np.float64),
            "with sample_weight": np.asarray(weighted, np.float64),
            **after(tools, model, x),
        }

    def dataset(tools: Tools) -> Arrays:
        model = REGRESSION(tools)
        model.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)
        x, y = tools.x(ROWS, WIDE), tools.x(ROWS, 1, key="y")
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
        found = reported(model.fit(data, epochs=2, verbose=0, validation_data=data).history)
        found["evaluate"] = np.asarray(model.evaluate(data, verbose=0), np.float64)
        return {**found, **after(tools, model, x)}

    def endless(tools: Tools) -> Arrays:
        model = REGRESSION(tools)
        model.compile("sgd", "mse", run_eagerly=True)
        x, y = tools.x(ROWS, WIDE), tools.x(ROWS, 1, key="y")

        def stream() -> Any:
            while True:
                for n in range(0, ROWS, 4):
                    yield x[n : n + 4], y[n : n + 4]

        return {
            **reported(model.fit(stream(), steps_per_epoch=2, epochs=3, verbose=0).history),
            **after(tools, model, x),
        }

    def mixed_weights(tools: Tools) -> Arrays:
        model = REGRESSION(tools)
        model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"], run_eagerly=True)
        x, y = tools.x(ROWS, WIDE), tools.x(ROWS, 1, key="y")
        weights = np.linspace(0, 2, ROWS)
        return {
            "evaluate": np.asarray(model.evaluate(x, y, sample_weight=weights, batch_size=4, verbose=0), np.float64),
            "text|as dictionary": " ".join(model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)),
        }

    return [
        Case("training", "train_on_batch", "running averages", batches),
        Case("training", "fit", "tf.data", dataset),
        Case("training", "fit", "endless generator", endless),
        Case("training", "evaluate", "sample_weight", mixed_weights),
    ]
