"""What a Keras offers, read from the installed package itself: `python -m kparity.capture.snapshot [FOLDER]`.

In: the packages installed here. Out, in FOLDER (rules/api by default): `keras2.txt`, `keras3.txt` and `shim.txt` with
every public name and what it is, and one fact file a package and version (`tf_keras-2.21.txt`, `keras-3.15.txt`) with
signatures, members, what `**kwargs` takes, get_config() and the strings that name things. One process a side, because
a process can hold only one Keras. Called by people when a version comes out, and by the test that nothing is new.

A fact is one line, `NAME KIND VALUE`, sorted, so that two versions are compared by diff. Kinds:
    module, class, function, value    a public name; the value of the last two of a class or function is its signature
    alias       the same object as this other name
    bases       the nearest public classes that it inherits from
    hidden      names that its `**kwargs` takes; `*`: any
    raises      it can be imported, but not made: why
    method, property, attribute       a member that its public bases don't have in the same form
    config      get_config() of an instance made with few arguments, as JSON; `made` are those arguments
    string      (NAME is a kind of thing) a string that stands for something in it, and for what
"""

import ast
import functools
import importlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kparity.changes import curated, dumps, table
from kparity.config import shipped
from kparity.snapshots import snapshot

SIDES = {"keras2": ("tf_keras", "1"), "keras3": ("keras", "0"), "shim": ("tensorflow.keras", "0")}
"""Side: the package to walk, and TF_USE_LEGACY_KERAS."""
ARGUMENTS: dict[str, Any] = {
    "axes": 1, "boundaries": [1], "cropping": 1, "decay_rate": 0.9, "decay_steps": 10, "dims": (1,), "end_step": 10,
    "equation": "ab,bc->ac", "factor": 0.1, "filepath": "x.keras", "filters": 2, "first_decay_steps": 10, "height": 4,
    "initial_learning_rate": 0.1, "input_dim": 4, "kernel_size": 2, "key_dim": 2, "mask_value": 0, "max_value": 1.0,
    "learning_rate": 0.1, "n": 2, "name": "x", "num_bins": 3, "num_classes": 2, "num_heads": 2, "num_tokens": 3,
    "min_value": 0.0, "output_dim": 2, "output_shape": (2,), "padding": 1, "path": "x.csv", "pool_size": 2,
    "precision": 0.5, "rate": 0.5, "recall": 0.5, "scale": 0.5, "sensitivity": 0.5, "size": 2, "specificity": 0.5,
    "stddev": 0.5, "target_class_ids": [0], "target_shape": (1,), "num_query_heads": 2, "num_key_value_heads": 2,
    "head_dim": 2, "units": 2, "values": [0.1, 0.2], "width": 4, "filename": "x.csv", "backup_dir": "x", "theta": 1.0,
    "value_range": (0, 1), "value": 0.0, "groups": 1, "schedule": None, "target": 10, "l1": 0.01, "l2": 0.01,
    "initial_value": 1.0, "function": None, "seed": 1, "projection_dim": 2,
}  # fmt: skip
"""What a class is given for a parameter that it can't do without."""
STRINGS = ("activations", "constraints", "initializers", "losses", "metrics", "optimizers", "regularizers")
OLD_STRINGS = (
    "acc accuracy ce crossentropy mse mae mape msle kld MSE MAE MAPE MSLE KLD cosine cosine_proximity bce BCE logcosh "
    "huber_loss kullback_leibler_divergence l1l2 l1_l2 maxnorm nonneg unitnorm tfoptimizer uniform normal one zero"
)
"""Strings that old code has and that no list in a package names."""
SHOWN = {"NoneType", "bool", "int", "float", "str"}


def main() -> None:
    """Both Kerases and the shim, each in its own process, into a folder."""
    if sys.argv[1:2] == ["--side"]:
        Path(sys.argv[3]).write_text(json.dumps(_facts(sys.argv[2])), "utf-8")
        return
    if sys.argv[1:2] == ["--table"]:
        return rewrite(shipped("rules") / "api")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else shipped("rules") / "api"
    write(folder, {side: read(side) for side in SIDES})


def read(side: str) -> dict[str, Any]:
    """{"version": ..., "names": {name: kind}, "facts": [line]} of one side, from a process of its own."""
    settings = {"TF_USE_LEGACY_KERAS": SIDES[side][1], "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "facts.json"
        command = [sys.executable, "-m", "kparity.capture.snapshot", "--side", side, str(out)]
        done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{side} can't be read: {done.stderr[-2000:]}")
        return json.loads(out.read_text("utf-8"))


def write(folder: Path, sides: dict[str, dict[str, Any]]) -> None:
    """The files of all sides. The shim's names are those that `keras` doesn't have."""
    folder.mkdir(parents=True, exist_ok=True)
    for side, found in sides.items():
        names = found["names"]
        if side == "shim":
            names = {name: kind for name, kind in names.items() if name not in sides["keras3"]["names"]}
        text = "".join(f"{name} {kind}\n" for name, kind in sorted(names.items()))
        (folder / f"{side}.txt").write_text(text, "utf-8")
        if side != "shim":
            name = f"{SIDES[side][0]}-{'.'.join(found['version'].split('.')[:2])}.txt"
            (folder / name).write_text("".join(line + "\n" for line in found["facts"]), "utf-8")
    rewrite(folder)


def rewrite(folder: Path) -> None:
    """The table of changed calls again, from the fact files of a folder and what shipped/curated.toml adds."""
    known = curated(shipped("rules") / "api")
    (folder / "changed.json").write_text(dumps(table(snapshot(2, folder), snapshot(3, folder), known)), "utf-8")


def _facts(side: str) -> dict[str, Any]:
    package = importlib.import_module("tensorflow").keras if side == "shim" else importlib.import_module(SIDES[side][0])
    root = package.__name__
    names = dict(_walk(package, root))
    facts: set[str] = set()
    if side != "shim":
        book = _Book(names)
        for name in sorted(names):
            facts.update(book.about(name))
        facts.update(_strings(package))
    kinds = {name: _kind(thing) for name, thing in names.items()}
    return {"version": package.__version__, "names": kinds, "facts": sorted(facts)}


def _walk(package: types.ModuleType, root: str) -> Iterator[tuple[str, Any]]:
    """(canonical name, object) of everything public, submodules before what is in them."""
    stack: list[tuple[str, types.ModuleType]] = [("keras", package)]
    seen: set[str] = set()
    while stack:
        dotted, module = stack.pop()
        if dotted in seen:
            continue
        seen.add(dotted)
        yield dotted, module
        for name in dir(module):
            thing = getattr(module, name, None)
            if name.startswith("_") and name != "__version__":
                continue
            if isinstance(thing, types.ModuleType):
                home = thing.__name__
                inside = home.startswith(root.split(".")[0]) or "keras" in home
                if inside and name not in ("src", "api", "protobuf") and dotted.count(".") < 4 and ".src" not in home:
                    stack.append((f"{dotted}.{name}", thing))
            elif not _foreign(thing):
                yield f"{dotted}.{name}", thing


def _foreign(thing: Any) -> bool:
    return type(thing).__module__ == "__future__"


def _kind(thing: Any) -> str:
    if isinstance(thing, types.ModuleType):
        return "module"
    if inspect.isclass(thing):
        return "class"
    return "function" if callable(thing) else "value"


class _Book:
    """The facts about the public names of one package; an object's shortest name is its own, others are aliases."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.home: dict[int, str] = {}
        self.made: dict[type, tuple[Any, dict[str, Any], str]] = {}
        self.lines: dict[type, list[str]] = {}
        for name in sorted(names, key=lambda n: (n.count("."), n)):
            if _kind(names[name]) in ("class", "function"):
                self.home.setdefault(id(names[name]), name)

    def about(self, name: str) -> Iterator[str]:
        thing = self.names[name]
        kind = _kind(thing)
        home = self.home.get(id(thing), name)
        if home != name:
            yield f"{name} alias {home}"
        elif kind == "class":
            yield f"{name} class {_signature(_inits(thing)[0], True)}"
            yield from self._class(name, thing)
        elif kind == "function":
            yield f"{name} function {_signature(thing, False)}"
            hidden = _hidden([thing])
            if hidden:
                yield f"{name} hidden {' '.join(hidden)}"
        else:
            yield f"{name} {kind}"

    def _class(self, name: str, cls: type) -> Iterator[str]:
        bases = [self.home[id(c)] for c in cls.__mro__[1:] if id(c) in self.home]
        if bases:
            yield f"{name} bases {' '.join(bases)}"
        passed = _inits(cls)
        hidden = set(_hidden(passed)) | {p for init in passed[1:] for p in _named(init)}
        hidden -= set(_named(passed[0]))
        if hidden:
            yield f"{name} hidden {' '.join(sorted(hidden))}"
        made, given, why = self._made(cls)
        if why:
            yield f"{name} raises {why}"
        inherited = {line for c in cls.__mro__[1:] if id(c) in self.home for line in self._members(c)}
        for line in self._members(cls):
            if line not in inherited:
                yield f"{name}.{line}"
        config = _config(made)
        if config is not None:
            yield f"{name} made {json.dumps(given, sort_keys=True)}"
            yield f"{name} config {config}"

    def _made(self, cls: type) -> tuple[Any, dict[str, Any], str]:
        if cls not in self.made:
            self.made[cls] = _make(cls)
        return self.made[cls]

    def _members(self, cls: type) -> list[str]:
        if cls not in self.lines:
            self.lines[cls] = self._read(cls)
        return self.lines[cls]

    def _read(self, cls: type) -> list[str]:
        made = self._made(cls)[0]
        shown = {*getattr(made, "__dict__", ()), *(dir(type(made)) if isinstance(made, cls) else ())}
        attributes = {a for a in shown if not a.startswith("_")}
        lines = []
        for member in sorted({*dir(cls), *attributes}):
            if member.startswith("_") and member != "__call__":
                continue
            try:
                static = inspect.getattr_static(cls, member)
            except AttributeError:
                lines.append(f"{member} attribute")
                continue
            if isinstance(static, property) or inspect.isdatadescriptor(static):
                lines.append(f"{member} property")
            elif callable(value := getattr(cls, member, None)) and not inspect.isclass(value):
                lines.append(f"{member} method {_signature(value, inspect.isfunction(value))}")
                hidden = _hidden([getattr(value, "__func__", value)])
                lines += [f"{member} hidden {' '.join(hidden)}"] if hidden else []
            else:
                lines.append(f"{member} attribute")
        return lines


def _inits(cls: type) -> list[Any]:
    """The `__init__`s that see what a class is called with: each as long as the one before passes `**kwargs` on."""
    making = type(cls).__dict__.get("__call__")
    if making is not None and _named(making):
        return [making]
    inits = [c.__dict__["__init__"] for c in cls.__mro__ if "__init__" in c.__dict__]
    if cls.__name__ == "Model":
        # called with inputs and outputs it becomes a Functional, called without it is a Layer
        package = sys.modules[cls.__module__.split(".")[0]]
        x = package.Input((1,))
        inits = [type(package.Model(x, x)).__init__, package.layers.Layer.__init__]
    while (
        len(inits) > 1 and not _named(inits[0]) and inspect.signature(inits[0]).parameters.keys() > {"args", "kwargs"}
    ):
        inits = inits[1:]  # `__init__(self, *args, **kwargs)` says nothing: the next one does
    passed = [inits[0]]
    for init in inits[1:]:
        if not _has_kwargs(passed[-1]):
            break
        passed.append(init)
    return passed


def _signature(function: Any, bound: bool) -> str:
    """The signature as Python: defaults that aren't plain values are `...`; without `self`."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return "(*args, **kwargs)"
    if bound and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[1:]
    shown = [p.replace(annotation=inspect.Parameter.empty, default=_default(p.default)) for p in parameters]
    return str(inspect.Signature(shown))


class _Raw:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return value
    return _Raw(repr(value) if _plain(value) else "...")


def _plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_plain(item) for item in value)
    return type(value).__name__ in SHOWN


def _named(function: Any) -> list[str]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in parameters if p.kind in plain and p.name not in ("self", "cls")]


def _has_kwargs(function: Any) -> bool:
    try:
        return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False


def _hidden(functions: list[Any]) -> list[str]:
    """The keywords that functions look for in their `**kwargs`, by their source; `*` if they take them all."""
    return sorted({word for function in functions if _has_kwargs(function) for word in _in_source(function)})


@functools.cache
def _in_source(function: Any) -> tuple[str, ...]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return ()
    star = getattr(getattr(tree.body[0], "args", None), "kwarg", None)
    names = {"kwargs", star.arg} if star is not None else set()
    return tuple(word for node in ast.walk(tree) for word in _looked_for(node, names)) if names else ()


def _looked_for(node: ast.AST, stars: set[str]) -> list[str]:
    """The keywords that one piece of code looks for in one of the names `stars`."""

    def star(at: ast.AST) -> bool:
        return isinstance(at, ast.Name) and at.id in stars

    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="pop" | "get"), args=[key, *_]) if star(owner):
            return _texts([key])
        case ast.Compare(left=key, comparators=[owner]) if star(owner):
            return _texts([key])
        case ast.Subscript(value=owner, slice=key) if star(owner):
            return _texts([key])
        case ast.Assign(targets=[ast.Name(id="allowed_kwargs")], value=ast.Set(elts=keys) | ast.List(elts=keys)):
            return _texts(keys)
        case ast.Call(func=ast.Attribute(attr="validate_kwargs"), args=[_, ast.Set(elts=keys), *_]):
            return _texts(keys)
        case ast.For(iter=ast.Tuple(elts=keys) | ast.List(elts=keys)) if len(_texts(keys)) == len(keys):
            return _texts(keys)
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="__dict__"), attr="update"), args=[owner]) if star(
            owner
        ):
            return ["*"]
    return []


def _texts(nodes: list[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _make(cls: type) -> tuple[Any, dict[str, Any], str]:
    """(instance or None, what it was made with, why it can't be made by anyone)."""
    package = sys.modules[cls.__module__.split(".")[0]]
    objects: dict[str, Callable[[], Any]] = {
        "layer": lambda: package.layers.LSTM(2) if cls.__name__ == "Bidirectional" else package.layers.Dense(2),
        "cell": lambda: package.layers.LSTMCell(2),
        "cells": lambda: [package.layers.LSTMCell(2)],
        "inner_optimizer": lambda: package.optimizers.SGD(0.1),
        "optimizer": lambda: package.optimizers.SGD(0.1),
    }
    try:
        if cls is package.Model:
            return _trained(package), {}, ""
        parameters = list(inspect.signature(_inits(cls)[0]).parameters.values())[1:]
        needed = [
            p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]
        given = {name: ARGUMENTS.get(name) for name in needed}
        if not given.keys() <= ARGUMENTS.keys() | objects.keys():
            return None, {}, ""
        package.backend.clear_session()
        return cls(**{name: objects[name]() if name in objects else given[name] for name in needed}), given, ""
    except (ImportError, NotImplementedError) as error:
        return None, {}, " ".join(str(error).split())[:160]
    except Exception:
        return None, {}, ""


def _trained(package: Any) -> Any:
    """A model that was fitted once: only then it has all its attributes."""
    x = package.Input((1,), name="x")
    model = package.Model(x, package.layers.Dense(1, name="y")(x), name="model")
    model.compile("sgd", "mse", jit_compile=False)
    model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    return model


def _config(made: Any) -> str | None:
    if made is None or not hasattr(made, "get_config"):
        return None
    try:
        return json.dumps(_jsonable(made.get_config()), sort_keys=True)
    except Exception:
        return None


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): "<drawn>" if k == "seed" and v not in (None, 1) else _jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(v) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    try:
        return round(float(value), 9)
    except (TypeError, ValueError):
        return f"<{type(value).__name__}>"


def _strings(package: Any) -> Iterator[str]:
    for group in STRINGS:
        module = getattr(package, group)
        for text in sorted(
            {*OLD_STRINGS.split(), *_words(module), *_words(package.metrics if group == "losses" else module)}
        ):
            try:
                made = module.get(text)
            except Exception:
                continue
            if made is None or isinstance(made, str):
                continue
            if isinstance(made, type):
                made = made.__name__
            yield f"{group} string {text} {getattr(made, '__name__', type(made).__name__)}"


def _words(module: Any) -> set[str]:
    found = {n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n))}
    known = getattr(module, "ALL_OBJECTS_DICT", None) or {}
    source = sys.modules.get(getattr(getattr(module, "get", None), "__module__", ""))
    known = {**known, **(getattr(source, "ALL_OBJECTS_DICT", None) or {})}
    local = getattr(source, "LOCAL", None)
    found |= {k for k in known if isinstance(k, str)} | set(getattr(local, "ALL_OBJECTS", None) or {})
    found |= {k for k in vars(source) if not k.startswith("_") and callable(getattr(source, k))} if source else set()
    snakes = {
        "".join("_" + c.lower() if c.isupper() and i and not n[i - 1].isupper() else c.lower() for i, c in enumerate(n))
        for n in found
    }
    return {w for w in found | snakes | {n.lower() for n in found} if w not in ("get", "serialize", "deserialize")}


if __name__ == "__main__":
    main()
