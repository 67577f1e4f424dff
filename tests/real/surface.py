"""What Keras 3 and Keras 2 offer, introspected once and kept as JSON: names, signatures, members, stand-ins.

Run as a program it prints the JSON of the Keras that it is told (`python surface.py keras` or `tf_keras`); `surface()`
runs it for each, once, and keeps the answer. Called by measure. It knows nothing of kparity, on purpose: what it is for
is to find kparity's gaps.
"""

import inspect
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

KINDS = {
    "model": "Model",
    "sequential": "Sequential",
    "layer": "layers.Layer",
    "rnn": "layers.LSTM",
    "optimizer": "optimizers.Adam",
    "metric": "metrics.Mean",
    "loss": "losses.MeanSquaredError",
    "callback": "callbacks.ModelCheckpoint",
}


def surface(folder: Path) -> dict[str, dict[str, Any]]:
    """`{"keras": ..., "tf_keras": ..., "tf.keras": ...}`, from `folder` if it was made for these versions before."""
    mark = "-".join(version(name) for name in ("keras", "tf-keras", "tensorflow"))
    kept = folder / f"surface-{mark}.json"
    if not kept.exists():
        found = {name: _asked(name) for name in ("keras", "tf_keras", "tf.keras")}
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), "utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(kept.read_text("utf-8"))
    return loaded


def _asked(name: str) -> dict[str, Any]:
    legacy = "1" if name == "tf_keras" else "0"
    environment = {
        **os.environ,
        "TF_USE_LEGACY_KERAS": legacy,
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, __file__, name], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def introspect(package: str) -> dict[str, Any]:
    """Names of the public modules, signatures of what can be called, members of the big classes."""
    if package == "tf.keras":
        import tensorflow as tf

        root: Any = tf.keras
    else:
        root = __import__(package)
    names: dict[str, str] = {"keras": "module"}
    signatures: dict[str, dict[str, Any]] = {}
    _walk(root, "keras", names, signatures, set())
    members: dict[str, list[str]] = {}
    methods: dict[str, dict[str, Any]] = {}
    for kind, dotted in KINDS.items():
        thing = root
        for part in dotted.split("."):
            thing = getattr(thing, part)
        members[kind] = sorted(set(dir(thing)) | set(_instance_members(root, kind)))
        for name in dir(thing):
            method = inspect.getattr_static(thing, name, None)
            if name.startswith("__") or not callable(method):
                continue
            signature = _signature(method, drop_self=True)
            if signature is not None:
                methods[f"{kind}.{name}"] = signature
    return {"names": names, "signatures": signatures, "members": members, "methods": methods}


def _instance_members(root: Any, kind: str) -> list[str]:
    layers = root.layers
    if kind in ("model", "sequential"):
        made = root.Sequential([layers.Input((2,)), layers.Dense(1)]) if kind == "sequential" else None
        if made is None:
            entry = layers.Input((2,))
            made = root.Model(entry, layers.Dense(1)(entry))
        made.compile("sgd", "mse")
    else:
        makers = {
            "layer": lambda: layers.Dense(1),
            "rnn": lambda: layers.LSTM(1),
            "optimizer": lambda: root.optimizers.Adam(),
            "metric": lambda: root.metrics.Mean(),
            "loss": lambda: root.losses.MeanSquaredError(),
            "callback": lambda: root.callbacks.ModelCheckpoint("a.keras"),
        }
        made = makers[kind]()
        if kind == "layer":
            made(layers.Input((2,)))
    return dir(made)


def _walk(
    thing: Any, dotted: str, names: dict[str, str], signatures: dict[str, dict[str, Any]], seen: set[int]
) -> None:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    for name in dir(thing):
        if name.startswith("_") or name in ("src", "api"):
            continue
        value = getattr(thing, name, None)
        full = f"{dotted}.{name}"
        if inspect.ismodule(value) or isinstance(value, ModuleType):
            home = value.__name__
            if not re.match(r"(.*\.)?(tf_)?keras\b", home):
                continue
            names[full] = "module"
            _walk(value, full, names, signatures, seen)
        else:
            names[full] = "class" if inspect.isclass(value) else "function" if callable(value) else "value"
            signature = _signature(value)
            if signature is not None:
                signatures[full] = signature


def _signature(thing: Any, drop_self: bool = False) -> dict[str, Any] | None:
    """Parameters by name, how many may stand without a name, and whether any other keyword is taken."""
    if inspect.isclass(thing):
        return _class_signature(thing)
    if not callable(thing):
        return None
    try:
        parameters = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return None
    return _described(parameters[1:] if drop_self else parameters)


def _described(parameters: list[inspect.Parameter]) -> dict[str, Any]:
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {
        "names": [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)],
        "positional": 99
        if any(p.kind is p.VAR_POSITIONAL for p in parameters)
        else sum(p.kind in plain for p in parameters),
        "any": any(p.kind is p.VAR_KEYWORD for p in parameters),
    }


def _class_signature(thing: type) -> dict[str, Any] | None:
    """A class's own parameters, and those that its `**kwargs` reach in the classes above it."""
    found: dict[str, Any] | None = None
    for home in thing.__mro__:
        if "__init__" not in vars(home) or home is object:
            continue
        try:
            parameters = list(inspect.signature(vars(home)["__init__"]).parameters.values())[1:]
        except (TypeError, ValueError):
            return None
        own = _described(parameters)
        if found is None:
            found = own
        else:
            found["names"] += [n for n in own["names"] if n not in found["names"]]
        if home.__name__ in ("Layer", "BaseOptimizer") and own["any"]:
            # what its __init__ takes out of its keywords; anything else is refused
            found["names"] += _popped(vars(home)["__init__"])
            own["any"] = False
        if not own["any"]:
            found["any"] = False
            break
    if found is not None and thing.__name__ in ("Model", "Functional"):
        found = {
            "names": ["inputs", "outputs", "name", "trainable", "dtype", "autocast"],
            "positional": 3,
            "any": False,
        }
    return found


def _popped(function: Any) -> list[str]:
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return []
    return re.findall(r"kwargs\.pop\(\s*[\"'](\w+)[\"']", source) + re.findall(r"[\"'](\w+)[\"'] in kwargs", source)


if __name__ == "__main__":
    print(json.dumps(introspect(sys.argv[1])))
