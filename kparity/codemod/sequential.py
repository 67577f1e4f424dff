"""Is a model certainly a `Sequential`? One that was never called has no `input` and `output` of its own in Keras 3.

In: an expression. Out: yes, where everything that it can be is made by `keras.Sequential`. Called by match.
"""

import ast

from .module import Module
from .scopes import Scope
from .tensors import argument, calls_of

NAMES = frozenset({"keras.Sequential", "keras.models.Sequential"})
DEPTH = 6
"""Names and functions that are looked through."""


def is_sequential(module: Module, node: ast.AST | None, depth: int = DEPTH) -> bool:
    """Is whatever this can be a Sequential model?"""
    if depth == 0:
        return False
    if isinstance(node, ast.Call):
        return _makes(module, node.func, depth)
    if isinstance(node, ast.Attribute):
        values = [value for value in module.values.set_on_self(node) if not _is_none(value)]
        return bool(values) and all(is_sequential(module, value, depth - 1) for value in values)
    if not isinstance(node, ast.Name):
        return False
    home = module.names.scope(node).lookup(node.id)
    bound = home.bindings[node.id] if home is not None else []
    given = [b for b in bound if not _is_none(b.value) and not isinstance(b.node, ast.Delete)]
    if home is not None and len(given) == 1 and given[0].kind == "param":
        return _is_given(module, home, node.id, depth)
    return bool(given) and all(b.kind == "assign" and is_sequential(module, b.value, depth - 1) for b in given)


def _makes(module: Module, func: ast.expr, depth: int) -> bool:
    if module.names.meaning(func) in NAMES:
        return True
    home = module.names.scope(func).lookup(func.id) if isinstance(func, ast.Name) else None
    bound = home.bindings[func.id] if home is not None and isinstance(func, ast.Name) else []
    made = bound[0].node if len(bound) == 1 else None
    if not isinstance(made, ast.FunctionDef) or made.decorator_list:
        return False
    returned = [r.value for r in module.index.owned[made].returns if r.value is not None]
    return bool(returned) and all(is_sequential(module, value, depth - 1) for value in returned)


def _is_given(module: Module, home: Scope, name: str, depth: int) -> bool:
    function = home.node
    if not isinstance(function, ast.FunctionDef) or isinstance(module.names.parent(function), ast.ClassDef):
        return False
    calls = calls_of(module.values, function)
    params = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return bool(calls) and all(is_sequential(module, argument(call, params, name), depth - 1) for call in calls)


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
