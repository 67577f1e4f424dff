"""Cases of metrics: classes (two updates, with and without weights, then a reset) and functions.

In: nothing. Out: `cases()`, for tables.py.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.losses import FUNCTIONS, SHAPE, predictions, sample_weight, targets
from kparity.capture.silent.side import NotHere
from kparity.capture.silent.tools import Tools, array

DISTANCES = [
    "CosineSimilarity",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "RootMeanSquaredError",
    "Hinge",
    "SquaredHinge",
    "CategoricalHinge",
]


def metric(
    name: str,
    y_true: str,
    y_pred: str,
    shape: tuple[int, ...] = SHAPE,
    weights: str = "",
    masked: bool = False,
    **arguments: Any,
) -> Case:
    """One metric class: results after each of two updates, after a reset, its name and what kind of number it gives."""

    def run(tools: Tools) -> Arrays:
        made = tools.find("metrics", name)
        if made is None:
            raise NotHere(f"no metrics.{name}")
        made = made(**arguments)
        true, pred = targets(tools, y_true, shape), predictions(tools, y_pred, shape)
        given: dict[str, Any] = {"sample_weight": sample_weight(tools, weights, shape)} if weights else {}
        found: Arrays = {"text|name": made.name}
        for n, (t, p) in enumerate(((true, pred), (true[::-1], pred))):
            seen = tf.convert_to_tensor(p)
            if masked:
                seen._keras_mask = tf.constant(np.arange(int(np.prod(shape[:-1]))).reshape(shape[:-1]) % 3 > 0)
            made.update_state(t, seen, **given)
            found[f"result {n + 1}"] = array(made.result())
        made.reset_state()
        return {**found, "after reset": array(made.result())}

    parts = (said(arguments), f"{y_true} and {y_pred}", f"{weights} weights" if weights else "", "masked" * masked)
    text = "; ".join(part for part in parts if part) + ("" if shape == SHAPE else "; " + "x".join(map(str, shape)))
    return Case("metric", name, text, run)


def value(name: str, style: str, weights: Any = None, **arguments: Any) -> Case:
    """Mean, Sum and MeanTensor: of values, not of targets and predictions."""

    def run(tools: Tools) -> Arrays:
        made = tools.find("metrics", name)
        if made is None:
            raise NotHere(f"no metrics.{name}")
        made = made(**arguments)
        found: Arrays = {"text|name": made.name}
        for n in range(2):
            made.update_state(tools.x(6, 5, style=style, key=f"v{n}"), sample_weight=weights)
            found[f"result {n + 1}"] = array(made.result())
        made.reset_state()
        return {**found, "after reset": array(made.result())}

    text = "; ".join(part for part in (said(arguments), style, "" if weights is None else "weights") if part)
    return Case("metric", name, text, run)


def function(name: str, y_true: str, y_pred: str, **arguments: Any) -> Case:
    """One metric function."""

    def run(tools: Tools) -> Arrays:
        made = tools.find("metrics", name)
        if made is None:
            raise NotHere(f"no metrics.{name}")
        out = made(targets(tools, y_true), tf.convert_to_tensor(predictions(tools, y_pred)), **arguments)
        return {"result": array(out), "text|dtype": getattr(out.dtype, "name", str(out.dtype))}

    return Case("metric", name, "; ".join(part for part in (said(arguments), f"{y_true} and {y_pred}") if part), run)


def cases() -> list[Case]:
    found: list[Case] = []
    for name in DISTANCES:
        for true, pred in (
            ("normal", "normal"),
            ("unit", "unit"),
            ("zeros", "zeros"),
            ("edges", "edges"),
            ("binary", "unit"),
            ("one-hot", "softmax"),
        ):
            found.append(metric(name, true, pred))
        found += [metric(name, "unit", "unit", weights=kind) for kind in ("row", "column", "full", "zero")]
        found += [metric(name, "unit", "unit", (4, 3, 5), weights=kind) for kind in ("row", "full")]
        found += [metric(name, "unit", "unit", (4, 3, 5), masked=True)]
    return [*found, *_accuracies(), *_confusion(), *_entropies(), *_scores(), *_iou(), *_values(), *_functions()]


def _accuracies() -> list[Case]:
    found: list[Case] = []
    for name, true, pred in (
        ("Accuracy", "binary", "binary"),
        ("BinaryAccuracy", "binary", "unit"),
        ("BinaryAccuracy", "binary", "hard"),
        ("CategoricalAccuracy", "one-hot", "softmax"),
        ("CategoricalAccuracy", "one-hot", "zeros"),
        ("SparseCategoricalAccuracy", "whole", "softmax"),
        ("SparseCategoricalAccuracy", "whole", "zeros"),
        ("TopKCategoricalAccuracy", "one-hot", "softmax"),
        ("SparseTopKCategoricalAccuracy", "whole", "softmax"),
    ):
        extra = {"k": 2} if "TopK" in name else {}
        found += [metric(name, true, pred, **extra)]
        found += [metric(name, true, pred, weights=kind, **extra) for kind in ("row", "full", "zero")]
        found += [
            metric(name, true, pred, (4, 3, 5), **extra),
            metric(name, true, pred, (4, 3, 5), weights="full", **extra),
        ]
        found += [metric(name, true, pred, (4, 3, 5), masked=True, **extra)]
    found += [metric("BinaryAccuracy", "binary", "hard", threshold=t) for t in (0.0, 0.5, 0.9)]
    found += [metric("TopKCategoricalAccuracy", "one-hot", style) for style in ("softmax", "zeros")]
    found += [metric("SparseTopKCategoricalAccuracy", "whole", style, k=2) for style in ("zeros", "ones")]
    return found


def _confusion() -> list[Case]:
    found: list[Case] = []
    for name in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives", "Precision", "Recall"):
        for extra in ({}, {"thresholds": 0.7}, {"thresholds": [0.0, 0.3, 0.5, 1.0]}):
            found += [metric(name, "binary", pred, **extra) for pred in ("unit", "hard", "zeros")]
        found += [metric(name, "binary", "unit", weights=kind) for kind in ("row", "column", "zero")]
        found += [metric(name, "binary", "unit", (4, 3, 5), masked=True)]
    for name in ("Precision", "Recall"):
        found += [
            metric(name, "one-hot", "softmax", **extra)
            for extra in ({"top_k": 2}, {"class_id": 1}, {"top_k": 2, "class_id": 1})
        ]
    for name in ("SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision"):
        first = {"Sens": "specificity", "Spec": "sensitivity", "Prec": "recall", "Reca": "precision"}[name[:4]]
        for point in (0.3, 0.5, 0.9):
            found += [metric(name, "binary", pred, **{first: point}) for pred in ("unit", "hard")]
        found += [metric(name, "binary", "unit", num_thresholds=n, **{first: 0.5}) for n in (1, 5)]
        found += [metric(name, "binary", "unit", weights="row", **{first: 0.5})]
        found += [metric(name, "binary", "softmax", class_id=1, **{first: 0.5})]
    for extra in (
        {},
        {"curve": "PR"},
        {"num_thresholds": 3},
        {"thresholds": [0.2, 0.5, 0.8]},
        {"summation_method": "majoring"},
        {"summation_method": "minoring"},
        {"curve": "PR", "summation_method": "majoring"},
        {"multi_label": True},
        {"multi_label": True, "num_labels": 5},
    ):
        found += [metric("AUC", "binary", pred, **extra) for pred in ("unit", "hard")]
    found += [metric("AUC", "binary", "normal", from_logits=True), metric("AUC", "binary", "unit", weights="row")]
    found += [metric("AUC", "binary", "unit", multi_label=True, label_weights=[0.1, 0.2, 0.3, 0.4, 0.5])]
    found += [metric("AUC", "zeros", "unit"), metric("AUC", "ones", "unit")]
    return found


def _entropies() -> list[Case]:
    found: list[Case] = []
    for name, true in (
        ("BinaryCrossentropy", "binary"),
        ("CategoricalCrossentropy", "one-hot"),
        ("SparseCategoricalCrossentropy", "whole"),
    ):
        found += [metric(name, true, pred) for pred in ("softmax", "hard", "loose")]
        found += [metric(name, true, "normal", from_logits=True), metric(name, true, "softmax", weights="row")]
        if name[0] != "S":
            found += [metric(name, true, "softmax", label_smoothing=0.1)]
        else:
            found += [metric(name, true, pred, ignore_class=2) for pred in ("softmax", "hard")]
    return found


def _scores() -> list[Case]:
    found: list[Case] = []
    for name in ("F1Score", "FBetaScore"):
        for average in (None, "micro", "macro", "weighted"):
            for extra in ({}, {"threshold": 0.5}):
                found += [metric(name, "one-hot", pred, average=average, **extra) for pred in ("softmax", "hard")]
        found += [metric(name, "one-hot", "softmax", weights="row")]
    found += [metric("FBetaScore", "one-hot", "softmax", beta=2.0)]
    for aggregation in ("uniform_average", "variance_weighted_average", None):
        found += [metric("R2Score", "normal", "normal", class_aggregation=aggregation)]
        found += [metric("R2Score", "normal", "normal", class_aggregation=aggregation, weights="row")]
    found += [metric("R2Score", "normal", "normal", num_regressors=2), metric("R2Score", "zeros", "unit")]
    found += [metric("R2Score", "ones", "ones")]
    return found


def _iou() -> list[Case]:
    found = [
        metric("BinaryIoU", "binary", "unit", **extra) for extra in ({}, {"target_class_ids": [1]}, {"threshold": 0.3})
    ]
    found += [metric("BinaryIoU", "binary", "unit", weights="column")]
    for name, ids in (("IoU", {"target_class_ids": [0, 2]}), ("MeanIoU", {})):
        found += [
            metric(name, "integers", "integers", num_classes=10, **ids),
            metric(name, "integers", "integers", num_classes=10, ignore_class=3, **ids),
        ]
        found += [metric(name, "integers", "integers", num_classes=10, weights="column", **ids)]
        found += [metric(name, "one-hot", "softmax", num_classes=5, sparse_y_true=False, sparse_y_pred=False, **ids)]
    for name, ids in (("OneHotIoU", {"target_class_ids": [0, 2]}), ("OneHotMeanIoU", {})):
        found += [
            metric(name, "one-hot", "softmax", num_classes=5, **ids),
            metric(name, "one-hot", "softmax", num_classes=5, ignore_class=1, **ids),
        ]
    return found


def _values() -> list[Case]:
    weights = np.linspace(0.0, 2.0, 6)
    found = [
        value(name, style, w)
        for name in ("Mean", "Sum")
        for style in ("normal", "large", "zeros")
        for w in (None, weights)
    ]
    found += [value("MeanTensor", "normal"), metric("MeanRelativeError", "unit", "unit", normalizer=[1.0] * 5)]

    def wrapped(tools: Tools) -> Arrays:
        made = tools.find("metrics", "MeanMetricWrapper")(lambda y, p: tf.abs(y - p), name="mine")
        made.update_state(tools.x(6, 5), tools.x(6, 5, key="p"), sample_weight=weights.astype(tools.dtype))
        return {"result": array(made.result()), "text|name": made.name}

    return [*found, Case("metric", "MeanMetricWrapper", "a function of one's own", wrapped)]


def _functions() -> list[Case]:
    found: list[Case] = []
    for name in FUNCTIONS:
        found += [function(name, "unit", "unit"), function(name, "normal", "normal")]
    for name, true in (
        ("binary_accuracy", "binary"),
        ("binary_crossentropy", "binary"),
        ("binary_focal_crossentropy", "binary"),
        ("categorical_accuracy", "one-hot"),
        ("categorical_crossentropy", "one-hot"),
        ("categorical_focal_crossentropy", "one-hot"),
        ("sparse_categorical_accuracy", "whole"),
        ("sparse_categorical_crossentropy", "whole"),
        ("sparse_top_k_categorical_accuracy", "whole"),
        ("top_k_categorical_accuracy", "one-hot"),
    ):
        extra = {"k": 2} if "top_k" in name else {}
        found += [function(name, true, pred, **extra) for pred in ("softmax", "hard", "zeros")]
    return found
