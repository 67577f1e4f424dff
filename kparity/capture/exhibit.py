"""What a maintainer needs to see a cause alone: the object that does it, its configuration, how it was called, where.

In: a session that has replayed a step, and where a cause lies. Out: plain data, from which `kparity.report.repro`
writes a script that needs no kparity. Called by the capture process, on both sides, once the causes are known.
"""

import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.record import LOGITS
from kparity.capture.replay import Arrays
from kparity.capture.sides.legacy import unwrapped
from kparity.capture.train import Session

_METHODS = {
    "config": ("build", "__init__"),
    "init": ("build", "__init__"),
    "forward": ("call",),
    "gradient": ("call",),
    "state": ("call",),
    "loss": ("call",),
    "optimizer": ("update_step", "_resource_apply_dense"),
    "metric": ("update_state",),
}
"""Phase -> the methods that do it, the first that there is."""
_FAMILIES = {
    "config": "layers",
    "init": "layers",
    "forward": "layers",
    "gradient": "layers",
    "state": "layers",
    "loss": "losses",
    "optimizer": "optimizers",
    "metric": "metrics",
}


def exhibit(
    session: Session,
    phase: str,
    layer: str | None,
    variable: str | None,
    node: str,
    step: int,
    evaluated: bool = False,
) -> dict[str, Any]:
    """Of the object behind a cause: class, configuration, call, file and line; weights in the order that it knows them.

    `node`: the layer or loss call that showed it, or ""; `step`: the replayed step that did; `evaluated`: whether an
    evaluation did. Empty where this side has no such object.
    """
    found = _object(session, phase, layer, variable, node)
    if found is None:
        return {}
    family = getattr(session.side.keras, _FAMILIES[phase])
    kind = type(found).__name__
    public = getattr(family, kind, None) is type(found)
    if phase == "optimizer" and not public and getattr(getattr(family, "legacy", None), kind, None) is type(found):
        public, kind = True, f"legacy.{kind}"
    config = _config(found)
    if phase == "loss" and not public and (named := _named(family, found)) is not None:
        public, kind, config = True, *named
    names = {id(v): name for name, value in session.inventory.variables.items() for v in session.side.identities(value)}
    rows = session.recorder.rows if phase == "optimizer" else {}
    weights = session.model.trainable_variables if phase == "optimizer" else getattr(found, "weights", [])
    return {
        "family": _FAMILIES[phase],
        "class": kind,
        "public": public,
        "config": config,
        "call": _call(session, found, node, not evaluated),
        "shapes": session.recorder.shapes.get(node, []),
        "weights": [names.get(id(weight)) for weight in weights or []],
        "rows": {name: numbers for (at, name), numbers in rows.items() if at == step},
        "draws": any(draw["owner"] == layer for draw in session.draws.census),
        "source": source(_function(found, phase, variable)),
    }


def _object(session: Session, phase: str, layer: str | None, variable: str | None, node: str) -> Any:
    model = session.model
    if phase == "optimizer":
        names = session.inventory.owned()
        own = (one for one, owned in zip(session.inventory.groups, names, strict=True) if variable in owned)
        return unwrapped(getattr(next(own, model), "optimizer", None))
    if phase == "loss" and not variable:
        return session.recorder.losses.get(node)
    if phase == "metric":
        return metric_named(model, variable)
    return session.inventory.layers.get(layer or "") if phase in _METHODS else None


def parts(session: Session, phase: str, variable: str | None, node: str, given: Arrays) -> dict[str, Any] | None:
    """A loss or a metric taken apart on the reference's inputs: plain numbers by part; None where it can't be.

    Of a loss: `values`, up to 256 of the samples' own, at a fixed stride; `plain`, their reduction; `weighted`, the
    same with sample weights. Of a metric: its `result` after one batch without weights.
    """
    call = session.recorder.calls.get(node)
    inputs = [given[key] for key in (f"in|{node}|{index}" for index in range(3)) if key in given]
    if phase not in {"loss", "metric"} or call is None or len(inputs) < 2:
        return None
    y_true, y_pred = (tf.constant(value) for value in inputs[:2])
    if f"logits|{node}|in1" in given:
        setattr(y_pred, LOGITS, tf.constant(given[f"logits|{node}|in1"]))
    try:
        if phase == "metric":
            metric = metric_named(session.model, variable)
            metric.reset_state()
            metric.update_state(y_true, y_pred)
            told = {"result": metric.result()}
            metric.reset_state()
        else:
            loss = session.recorder.losses[node]
            values = np.ravel(loss.call(y_true, y_pred))
            told = {"values": values[:: -(-values.size // 256)], "plain": loss(y_true, y_pred)}
            if len(inputs) == 3:
                told["weighted"] = loss(y_true, y_pred, sample_weight=tf.constant(inputs[2]))
        return {name: np.asarray(value, np.float64).tolist() for name, value in told.items()}
    except Exception:  # a class of the user's, which may want more than this
        return None


def metric_named(model: Any, name: str | None) -> Any:
    """The metric that a model reports as `name`, inside what Keras 3 compiles several into, too; None without one."""
    flat = [inner for metric in model.metrics for inner in [metric, *(getattr(metric, "metrics", None) or [])]]
    return next((metric for metric in flat if metric.name == name), None)


def _named(family: Any, found: Any) -> tuple[str, dict[str, Any]] | None:
    """The class that stands for a loss which the program gives by name, `mean_squared_error`, and its configuration."""
    name = getattr(getattr(found, "fn", None), "__name__", "")
    kind = "".join(word.title() for word in name.split("_"))
    by_name = type(found).__name__ == "LossFunctionWrapper" and not getattr(found, "_fn_kwargs", None)
    if not by_name or getattr(family, name, None) is not found.fn or not hasattr(family, kind):
        return None
    return kind, {"name": found.name, "reduction": found.reduction}


def _call(session: Session, found: Any, node: str, training: bool) -> Any:
    """The recorded arguments, with `training`, which Keras passes on by itself to a layer that takes it."""
    call = session.recorder.calls.get(node)
    method = getattr(type(found), "call", None)
    if call is None or method is None or "training" not in inspect.signature(method).parameters:
        return call
    return [call[0], {"training": True, **call[1]} if training else {**call[1], "training": False}]


def _function(found: Any, phase: str, variable: str | None) -> Callable[..., Any] | None:
    rate = getattr(found, "_learning_rate", None)
    if variable == "learning_rate" and hasattr(type(rate), "get_config"):
        return type(rate).__call__
    wrapped = getattr(found, "fn", None) or getattr(found, "_fn", None)
    if phase in {"loss", "metric"} and callable(wrapped):
        return wrapped
    methods = (getattr(type(found), name, None) for name in _METHODS[phase])
    return next((method for method in methods if method is not None), None)


def _config(found: Any) -> Any:
    """`get_config()` as JSON can hold it; None where there is none, or where it holds what JSON can't."""
    try:
        config = found.get_config()
        config.pop("build_config", None)
        return json.loads(json.dumps(config, default=lambda value: np.asarray(value).tolist()))
    except Exception:  # a class of the user's, who may have written anything
        return None


def source(function: Callable[..., Any] | None) -> str | None:
    """`package/module.py:12-40`: the file and lines of a function, as seen from where its package is imported from."""
    try:
        plain = inspect.unwrap(function)  # type: ignore[arg-type]
        lines, first = inspect.getsourcelines(plain)
        file = Path(inspect.getsourcefile(plain) or "").resolve()
    except (TypeError, OSError, ValueError):
        return None
    roots = sorted({Path(entry or ".").resolve() for entry in sys.path}, key=lambda root: -len(root.parts))
    shown = next((file.relative_to(root) for root in roots if file.is_relative_to(root)), file)
    return f"{shown}:{first}-{first + len(lines) - 1}"
