"""Is an expression a number that NumPy made, where plain Python has an int?

In: an expression and its `Module`. Out: True or False. Called by edits, for arguments that Keras 3 wants as an int.
"""

import ast

from .module import Module

MAKERS = frozenset(
    {"max", "min", "amax", "amin", "prod", "product", "sum", "ceil", "floor", "round", "argmax", "argmin", "asscalar"}
    | {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intp"}
)
METHODS = frozenset({"max", "min", "prod", "sum"})


def is_from_numpy(module: Module, node: ast.expr, depth: int = 0) -> bool:
    """`np.max(y) + 1`, `np.prod(shape)`, `y.max()`, or a name or attribute that was given such a value."""
    if depth > 4:
        return False
    match node:
        case ast.BinOp():
            return any(is_from_numpy(module, side, depth + 1) for side in (node.left, node.right))
        case ast.Call(func=func, keywords=[], args=given):
            home, _, name = (module.names.canonical(func) or "").rpartition(".")
            if home:
                return home == "numpy" and name in MAKERS and len(given) == 1
            return isinstance(func, ast.Attribute) and func.attr in METHODS and not given
        case ast.Name(id=name):
            scope = module.names.scope(node).lookup(name)
            values = [b.value for b in scope.bindings[name] if b.kind == "assign"] if scope is not None else []
            return any(value is not None and is_from_numpy(module, value, depth + 1) for value in values)
        case ast.Attribute():
            return any(is_from_numpy(module, value, depth + 1) for value in module.values.set_on_self(node))
    return False
