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
            if scope is not None and isinstance(scope.node, ast.FunctionDef) and not values:
                values = _handed_over(module, scope.node, name)
            return any(value is not None and is_from_numpy(module, value, depth + 1) for value in values)
        case ast.Attribute():
            return any(is_from_numpy(module, value, depth + 1) for value in module.values.set_on_self(node))
    return False


def _handed_over(module: Module, function: ast.FunctionDef, parameter: str) -> list[ast.expr | None]:
    """What the module's own calls of the function give for a parameter."""
    names = [a.arg for a in function.args.args]
    if parameter not in names:
        return []
    calls = [c for c in module.index.calls if isinstance(c.func, ast.Name) and c.func.id == function.name]
    place = names.index(parameter)
    by_name = [k.value for c in calls for k in c.keywords if k.arg == parameter]
    return [*by_name, *(c.args[place] for c in calls if len(c.args) > place)]
