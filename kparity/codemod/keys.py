"""Strings that name what training logs: keys of `history.history` and of a callback's `logs`, monitored quantities.

In: a string in a module. Out: is it such a name, and how certainly. Called by match, for rules of kind `key`.
"""

import ast

from ..rulebook import Rule
from .module import Module

RATES = ("LearningRateScheduler", "ReduceLROnPlateau")
"""The callbacks of Keras that log the learning rate; another one may log it by any name."""
MONITORS = {"EarlyStopping": 0, "ReduceLROnPlateau": 0, "ModelCheckpoint": 1}


def is_key(rule: Rule, module: Module, string: ast.Constant) -> bool | None:
    """True: certainly a name in the logs. False: it seems so. None: it isn't, or the code gives it itself."""
    if rule.when.get("not_metric") and is_metric(module, rule.when["not_metric"]):
        return None
    found = _is_key(module, string)
    return found and ("metric" not in rule.when or all_have(module, rule.when["metric"]))


def _is_key(module: Module, string: ast.Constant) -> bool | None:
    parent = module.names.parent(string)
    if isinstance(parent, ast.keyword):
        call = module.names.parent(parent)
        return True if parent.arg == "monitor" and isinstance(call, ast.Call) and _monitors(module, call) else None
    if isinstance(parent, ast.Call):
        place = MONITORS.get(_monitors(module, parent) or "", -1)
        if 0 <= place < len(parent.args) and parent.args[place] is string:
            return True
        get = parent.func
        if isinstance(get, ast.Attribute) and get.attr in ("get", "pop") and parent.args[:1] == [string]:
            return _is_log(module, get.value, str(string.value))
    if isinstance(parent, ast.Subscript) and parent.slice is string and isinstance(parent.ctx, ast.Load):
        return _is_log(module, parent.value, str(string.value))
    return None


def _monitors(module: Module, call: ast.Call) -> str | None:
    dotted = module.names.canonical(call.func) or ""
    home, _, last = dotted.rpartition(".")
    return last if home == "keras.callbacks" and last in MONITORS else None


def _is_log(module: Module, value: ast.expr, key: str) -> bool | None:
    if _is_set(module, key):
        return None
    logged = key != "lr" or any(name in module.text for name in RATES)
    if isinstance(value, ast.Attribute) and value.attr == "history":
        if _is_history(module, value.value):
            return logged
        return None if _is_made_here(module, value.value) else False
    if not (isinstance(value, ast.Name) and value.id == "logs"):
        return None
    home = module.names.scope(value).lookup("logs")
    function = home.node if home is not None else None
    if not isinstance(function, ast.FunctionDef) or not function.name.startswith("on_"):
        return None
    return logged and module.values.self_kind(function) == "callback"


def _is_history(module: Module, value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return _is_fit(value) and isinstance(value.func, ast.Attribute) and _is_model(module, value.func.value)
    if isinstance(value, ast.Name):
        home = module.names.scope(value).lookup(value.id)
        bound = home.bindings[value.id] if home is not None else []
        return len(bound) == 1 and isinstance(bound[0].value, ast.Call) and _is_history(module, bound[0].value)
    return False


def _is_model(module: Module, value: ast.expr) -> bool:
    return module.values.kind(value) == "model"


def _is_made_here(module: Module, value: ast.expr) -> bool:
    """Is it what some call here gives? Then it would be known for a history, if it were one."""
    if not isinstance(value, ast.Name):
        return isinstance(value, ast.Call)
    home = module.names.scope(value).lookup(value.id)
    bound = home.bindings[value.id] if home is not None else []
    return bool(bound) and all(isinstance(b.value, ast.Call) and not _is_fit(b.value) for b in bound)


def _is_fit(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("fit", "fit_generator")


def _is_set(module: Module, key: str) -> bool:
    """Does the module write this key into some dict itself?"""
    for node in module.index.strings:
        parent = module.names.parent(node)
        if node.value == key and isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store):
            return True
        if node.value == key and isinstance(parent, ast.Dict):
            return True
    return False


def all_have(module: Module, metric: str) -> bool:
    """Is some model here compiled with this metric, and is none with metrics that can't be seen or without it?"""
    lists = [
        keyword.value
        for call in module.index.calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "compile"
        for keyword in call.keywords
        if keyword.arg == "metrics" or keyword.arg is None
    ]
    said = [{getattr(e, "value", None) for e in one.elts} if isinstance(one, ast.List) else set() for one in lists]
    return bool(said) and all(metric in names for names in said)


def is_metric(module: Module, name: str) -> bool:
    """Is some model here compiled with a metric of this name, or some metric called so?"""
    for node in module.index.strings:
        at: ast.AST | None = node if node.value == name else None
        while isinstance(at, ast.Constant | ast.List | ast.Tuple | ast.Dict):
            at = module.names.parent(at)
        if isinstance(at, ast.keyword) and at.arg in ("metrics", "weighted_metrics", "name"):
            return True
        if (
            isinstance(at, ast.Call)
            and isinstance(at.func, ast.Attribute)
            and at.func.attr in ("compile", "add_metric")
        ):
            return True
    return False
