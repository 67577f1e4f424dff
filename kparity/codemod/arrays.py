"""A function of Keras that gives a NumPy array of another type than it did: the old type is asked for.

In: the call. Out: the edit, where its argument is certainly no tensor (of a tensor it gives one, that has no `astype`),
else None. Called by match.
"""

import ast

from ..rulebook import Rule
from .edits import Edit
from .module import Module, Splice

ARRAYS = ("numpy.", "pandas.", "sklearn.", "scipy.", "keras.datasets.", "keras.utils.to_categorical")
"""What gives arrays."""


def array_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """`f(x)` -> `f(x).astype("float32")`."""
    parent = module.names.parent(call)
    if isinstance(parent, ast.Attribute) and parent.attr == "astype":
        return None
    given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg in ("x", "y")), None)
    if given is None or not _is_array(module, given, set()):
        return None
    end = module.end(call)
    return Edit((Splice(end, end, f'.astype("{rule.edit["to"]}")'),))


def _is_array(module: Module, node: ast.expr, busy: set[str]) -> bool:
    """Is it made of arrays and numbers alone?"""
    match node:
        case ast.Constant():
            return True
        case ast.List() | ast.Tuple():
            return all(_is_array(module, element, busy) for element in node.elts)
        case ast.Subscript():
            return _is_array(module, node.value, busy)
        case ast.Call():
            dotted = module.names.meaning(node.func)
            if dotted is not None:
                return dotted.startswith(ARRAYS)
            return isinstance(node.func, ast.Attribute) and _is_array(module, node.func.value, busy)
        case ast.Name():
            home = module.names.scope(node).lookup(node.id)
            if node.id in busy:
                return True
            bound = home.bindings[node.id] if home is not None else []
            plain = bool(bound) and all(b.kind in ("assign", "unpack") for b in bound)
            return plain and all(b.value is not None and _is_array(module, b.value, busy | {node.id}) for b in bound)
    return False
