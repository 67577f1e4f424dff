"""Cases of losses: classes and functions, over probabilities and logits, edges, weights, masks and reductions.

In: nothing. Out: `cases()`, for tables.py. Each leaves the loss, the loss of each sample, and the gradient of the
prediction.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.side import NotHere
from kparity.capture.silent.tools import Tools, array, weigh

SHAPE = (6, 5)
DISTANCES = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "KLDivergence",
    "Hinge",
    "SquaredHinge",
    "CategoricalHinge",
]
ENTROPIES = ["BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"]
STYLES = ("normal", "zeros", "tiny", "large", "negative", "edges", "unit", "ones")


def targets(tools: Tools, kind: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """y_true: `numbers`, `one-hot`, `whole` (class numbers), `binary`, `signs` (-1 and 1), or a style of inputs."""
    rng = np.random.default_rng(5)
    match kind:
        case "one-hot":
            return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])].astype(tools.dtype)
        case "whole":
            return rng.integers(0, shape[-1], shape[:-1])
        case "binary":
            return rng.integers(0, 2, shape).astype(tools.dtype)
        case "signs":
            return (rng.integers(0, 2, shape) * 2 - 1).astype(tools.dtype)
    return tools.x(*shape, style=kind, key="y")


def predictions(tools: Tools, kind: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """y_pred: `softmax` (rows that add up to 1), `hard` (probabilities 0 and 1 among others), or a style of inputs."""
    if kind == "softmax":
        raw = np.exp(tools.x(*shape, key="p").astype(np.float64))
        return tools.move((raw / raw.sum(-1, keepdims=True)).astype(np.float32), "softmax")
    if kind == "loose":
        return tools.x(*shape, style="positive", key="p")
    if kind == "hard":
        grid = np.array([0.0, 1.0, 0.5, 1e-8, 1e-7, 1e-4, 1 - 1e-4, 0.9], np.float32)
        return tools.move(np.resize(grid, shape), "hard")
    return tools.x(*shape, style=kind, key="p")


def loss(
    name: str,
    y_true: str,
    y_pred: str,
    shape: tuple[int, ...] = SHAPE,
    weights: str = "",
    masked: bool = False,
    label: str = "",
    half: bool = False,
    **arguments: Any,
) -> Case:
    """One loss class."""

    def run(tools: Tools) -> Arrays:
        made = tools.find("losses", name)
        if made is None:
            raise NotHere(f"no losses.{name}")
        made = made(**arguments)
        true, pred = targets(tools, y_true, shape), tf.convert_to_tensor(predictions(tools, y_pred, shape))
        if half:
            pred = tf.cast(pred, tf.float16)
        given = {"sample_weight": sample_weight(tools, weights, shape)} if weights else {}
        with tf.GradientTape() as tape:
            tape.watch(pred)
            seen = tf.identity(pred)
            if masked:
                seen._keras_mask = tf.constant(np.arange(int(np.prod(shape[:-1]))).reshape(shape[:-1]) % 3 > 0)
            out = made(true, seen, **given)
            total = weigh(out)
        return {
            "loss": array(out),
            "gradient": array(tape.gradient(total, pred)),
            "text|dtype": out.dtype.name if hasattr(out.dtype, "name") else str(out.dtype),
            "text|name": made.name,
        }

    parts = (
        said(arguments),
        f"{y_true} and {y_pred}",
        f"{weights} weights" if weights else "",
        "masked" * masked,
        label,
    )
    text = "; ".join(part for part in parts if part) + ("; float16" if half else "")
    return Case("loss", name, text + ("" if shape == SHAPE else "; " + "x".join(map(str, shape))), run, not half)


def sample_weight(tools: Tools, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """`row`: one a sample, `column`: (n, 1), `full`: one a prediction, `zero`: none counts, `whole`: of integers."""
    rows = shape[0]
    made = {
        "row": np.linspace(0.0, 2.0, rows),
        "column": np.linspace(0.0, 2.0, rows)[:, None],
        "full": np.linspace(0.0, 2.0, int(np.prod(shape[:-1]))).reshape(shape[:-1]),
        "zero": np.zeros(rows),
        "whole": np.arange(rows),
    }[kind]
    return made if kind == "whole" else made.astype(tools.dtype)


def function(name: str, y_true: str, y_pred: str, **arguments: Any) -> Case:
    """One loss function (`keras.losses.mean_squared_error`)."""

    def run(tools: Tools) -> Arrays:
        made = tools.find("losses", name)
        if made is None:
            raise NotHere(f"no losses.{name}")
        pred = tf.convert_to_tensor(predictions(tools, y_pred))
        with tf.GradientTape() as tape:
            tape.watch(pred)
            out = made(targets(tools, y_true), pred, **arguments)
            total = weigh(out)
        return {"loss": array(out), "gradient": array(tape.gradient(total, pred))}

    text = "; ".join(part for part in (said(arguments), f"{y_true} and {y_pred}") if part)
    return Case("loss", name, text, run)


FUNCTIONS = [
    "KLD",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "cosine_similarity",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "kullback_leibler_divergence",
    "log_cosh",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "squared_hinge",
    "categorical_hinge",
]


def cases() -> list[Case]:
    found: list[Case] = []
    for name in DISTANCES:
        found += [loss(name, "normal", style) for style in STYLES] + [loss(name, style, "normal") for style in STYLES]
        found += [loss(name, "binary", "unit"), loss(name, "signs", "normal"), loss(name, "one-hot", "softmax")]
        found += [loss(name, "unit", "unit", reduction=how) for how in ("none", "sum", "sum_over_batch_size")]
        found += _weighted(name, "unit", "unit")
        found += [loss(name, "normal", "normal", half=True)]
    found += [loss("Huber", "normal", "large", delta=d) for d in (0.1, 2.0)]
    found += [loss("CosineSimilarity", "normal", "normal", axis=0)]
    for name in ENTROPIES:
        true = "one-hot" if name.startswith("Cat") else "binary"
        for pred in ("softmax", "hard", "loose", "unit"):
            found += [loss(name, true, pred, **extra) for extra in ({}, {"label_smoothing": 0.1})]
        for pred in ("normal", "large", "edges", "tiny"):
            found += [loss(name, true, pred, from_logits=True, **extra) for extra in ({}, {"label_smoothing": 0.1})]
        found += [
            loss(name, "whole" if name == "Nothing" else true, "softmax", reduction=how) for how in ("none", "sum")
        ]
        found += _weighted(name, true, "softmax")
        found += [loss(name, "unit", "softmax", label="soft labels"), loss(name, true, "softmax", half=True)]
    for name in ("BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"):
        true = "one-hot" if name.startswith("Cat") else "binary"
        found += [loss(name, true, "softmax", gamma=g, alpha=a) for g in (0.0, 3.0) for a in (0.5, 0.9)]
    found += [loss("BinaryFocalCrossentropy", "binary", "softmax", apply_class_balancing=True)]
    found += [loss("CategoricalCrossentropy", "one-hot", "softmax", axis=a) for a in (0, -1)]
    sparse = "SparseCategoricalCrossentropy"
    for pred, extra in (
        ("softmax", {}),
        ("hard", {}),
        ("loose", {}),
        ("normal", {"from_logits": True}),
        ("large", {"from_logits": True}),
    ):
        found += [loss(sparse, "whole", pred, **extra), loss(sparse, "whole", pred, ignore_class=2, **extra)]
        found += [loss(sparse, "whole", pred, ignore_class=2, reduction="none", **extra)]
        found += [loss(sparse, "whole", pred, (4, 3, 5), ignore_class=2, weights="row", **extra)]
    found += _weighted(sparse, "whole", "softmax")
    for name in FUNCTIONS:
        for true, pred in (
            ("unit", "unit"),
            ("normal", "normal"),
            ("edges", "normal"),
            ("one-hot", "softmax"),
            ("zeros", "zeros"),
        ):
            found.append(function(name, true, pred))
    for name in (
        "binary_crossentropy",
        "binary_focal_crossentropy",
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
    ):
        true = "one-hot" if name.startswith("cat") else "binary"
        found += [function(name, true, pred) for pred in ("softmax", "hard", "loose")]
        found += [
            function(name, true, "normal", from_logits=True),
            function(name, true, "softmax", label_smoothing=0.1),
        ]
    name = "sparse_categorical_crossentropy"
    found += [function(name, "whole", pred) for pred in ("softmax", "hard", "loose")]
    found += [function(name, "whole", "normal", from_logits=True), function(name, "whole", "softmax", ignore_class=1)]
    return [*found, *_through_softmax()]


def _weighted(name: str, true: str, pred: str) -> list[Case]:
    found = [loss(name, true, pred, weights=kind) for kind in ("row", "column", "full", "zero", "whole")]
    found += [loss(name, true, pred, weights="row", reduction=how) for how in ("none", "sum")]
    deep = (4, 3, 5)
    found += [
        loss(name, true, pred, deep),
        loss(name, true, pred, deep, weights="row"),
        loss(name, true, pred, deep, weights="full"),
    ]
    found += [loss(name, true, pred, deep, masked=True), loss(name, true, pred, deep, masked=True, weights="full")]
    found += [loss(name, true, pred, deep, masked=True, reduction=how) for how in ("sum", "none")]
    return found


def _through_softmax() -> list[Case]:
    """Cross entropy after a softmax or sigmoid activation, where Keras 2 looks back for the logits."""

    def run(tools: Tools, name: str, true: str, activation: str, style: str) -> Arrays:
        logits = tf.convert_to_tensor(tools.x(*SHAPE, style=style, key="p"))
        with tf.GradientTape() as tape:
            tape.watch(logits)
            pred = tools.find("activations", activation)(logits)
            out = tools.find("losses", name)()(targets(tools, true), pred)
        return {"loss": array(out), "gradient": array(tape.gradient(out, logits))}

    table = (
        ("CategoricalCrossentropy", "one-hot", "softmax"),
        ("SparseCategoricalCrossentropy", "whole", "softmax"),
        ("BinaryCrossentropy", "binary", "sigmoid"),
    )

    def bound(*given: str) -> Any:
        return lambda tools: run(tools, *given)

    return [
        Case("loss", name, f"after {activation}; {style} logits", bound(name, true, activation, style))
        for name, true, activation in table
        for style in ("normal", "edges", "large", "tiny")
    ]
