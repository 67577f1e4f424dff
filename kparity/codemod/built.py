"""`model.build(shape)` of a model of one's own, which makes no variables in Keras 3: the model is called instead.

In: the call. Out: the edit, where the model is made by a class of this module that leaves `build` to Keras and takes
one tensor; else None. Called by match.
"""

import ast

from .arguments import arguments
from .edits import Edit, localised
from .module import Module, Splice
from .sequential import NAMES
from .straight import value_at


def built_edit(module: Module, call: ast.Call) -> Edit | None:
    """`model.build((None, 3))` -> `model(keras.Input(batch_shape=(None, 3)))`."""
    given = [a.value for a in arguments(call, ["input_shape"]) if a.name == "input_shape"]
    statement = module.names.parent(call)
    if len(given) != 1 or len(call.args) + len(call.keywords) != 1 or not isinstance(statement, ast.Expr):
        return None
    assert isinstance(call.func, ast.Attribute)
    if not _is_shape(module, given[0]) or not _is_plain(module, call.func.value):
        return None
    template = f"{module.source(call.func.value)}(keras.Input(batch_shape={{shape}}))"
    text, needs = localised(template, module, call)
    new = text.replace("{shape}", module.source(given[0]))
    return Edit((Splice(module.start(call), module.end(call), new),), tuple(needs))


def _is_shape(module: Module, node: ast.expr) -> bool:
    """Is it the shape of one tensor, written out?"""
    if isinstance(node, ast.Name):
        found = value_at(module, node)
        return found is not None and _is_shape(module, found[0])
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and _is_shape(module, node.left)
    return isinstance(node, ast.Tuple) and all(not isinstance(e, ast.Tuple | ast.List | ast.Dict) for e in node.elts)


def _is_plain(module: Module, node: ast.expr) -> bool:
    """Is it an instance of a class of this module that takes one tensor and has no `build` of its own?"""
    if not isinstance(node, ast.Name) or (found := value_at(module, node)) is None:
        return False
    func = found[0].func if isinstance(found[0], ast.Call) else None
    scope = module.names.scope(func).lookup(func.id) if isinstance(func, ast.Name) else None
    bound = scope.bindings[func.id] if scope is not None and isinstance(func, ast.Name) else []
    made = bound[0].node if len(bound) == 1 else None
    if not isinstance(made, ast.ClassDef) or module.values.class_kind(made) != "model" or len(made.bases) != 1:
        return False
    dotted = module.names.meaning(made.bases[0]) or ""
    methods = {n.name: n for n in made.body if isinstance(n, ast.FunctionDef)}
    forward = methods.get("call")
    if not dotted.startswith("keras.") or dotted in NAMES or "build" in methods or forward is None:
        return False
    needed = len(forward.args.args) - len(forward.args.defaults)
    return needed == 2 and all(d is not None for d in forward.args.kw_defaults)
