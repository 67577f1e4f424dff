"""By which classes is a value certainly made, whatever way it comes to where it is used?

In: an expression and canonical names. Out: yes, where everything that it can be is what a call of one of these gives.
Called by sequential, conditions and match.
"""

import ast

from .module import Module
from .scopes import Scope
from .tensors import argument, calls_of

DEPTH = 6
"""Names and functions that are looked through."""


def is_made_by(module: Module, node: ast.AST | None, names: frozenset[str], depth: int = DEPTH) -> bool:
    """Is whatever this can be made by one of these classes?"""
    if depth == 0:
        return False
    if isinstance(node, ast.Call):
        return _makes(module, node.func, names, depth)
    if isinstance(node, ast.Attribute):
        values = [value for value in module.values.set_on_self(node) if not _is_none(value)]
        return bool(values) and all(is_made_by(module, value, names, depth - 1) for value in values)
    if not isinstance(node, ast.Name):
        return False
    home = module.names.scope(node).lookup(node.id)
    bound = home.bindings[node.id] if home is not None else []
    given = [b for b in bound if not _is_none(b.value) and not isinstance(b.node, ast.Delete)]
    if home is not None and len(given) == 1 and given[0].kind == "param":
        return _is_given(module, home, node.id, names, depth)
    return bool(given) and all(b.kind == "assign" and is_made_by(module, b.value, names, depth - 1) for b in given)


def _makes(module: Module, func: ast.expr, names: frozenset[str], depth: int) -> bool:
    if module.names.meaning(func) in names:
        return True
    home = module.names.scope(func).lookup(func.id) if isinstance(func, ast.Name) else None
    bound = home.bindings[func.id] if home is not None and isinstance(func, ast.Name) else []
    made = bound[0].node if len(bound) == 1 else None
    if not isinstance(made, ast.FunctionDef) or made.decorator_list:
        return False
    returned = [r.value for r in module.index.owned[made].returns if r.value is not None]
    return bool(returned) and all(is_made_by(module, value, names, depth - 1) for value in returned)


def _is_given(module: Module, home: Scope, name: str, names: frozenset[str], depth: int) -> bool:
    function = home.node
    if not isinstance(function, ast.FunctionDef):
        return False
    params = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    owner = module.names.parent(function)
    if isinstance(owner, ast.ClassDef):
        calls = _constructions(module, owner) if function.name == "__init__" else []
        params = params[1:]
    else:
        calls = calls_of(module.values, function)
    return bool(calls) and all(is_made_by(module, argument(call, params, name), names, depth - 1) for call in calls)


def _constructions(module: Module, owner: ast.ClassDef) -> list[ast.Call]:
    """The calls that make instances of a class; none if it is handed on or inherited from, or bound twice."""
    home = module.names.scope(owner)
    if owner.decorator_list or len(home.bindings.get(owner.name, ())) != 1:
        return []
    found = []
    for use in module.loads.get(owner.name, ()):
        parent = module.names.parent(use)
        if module.names.scope(use).lookup(owner.name) is not home or not isinstance(parent, ast.Call):
            return []
        if parent.func is use:
            found.append(parent)
        elif not (isinstance(parent.func, ast.Name) and parent.func.id == "super"):
            return []
    return found


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
