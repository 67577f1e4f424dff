"""Does a model's own `__call__` compute the same when Keras calls it as `call`?

In: the method. Out: True where nothing that Keras does around `call` can show: it casts inputs to the model's dtype,
hands on `training` and `mask`, and makes one layer of the model within others. Called by edits.
"""

import ast

from .module import Module

SHAPES = frozenset({"reshape", "transpose", "expand_dims", "squeeze", "cast", "identity", "convert_to_tensor"})
"""Functions that give float32 the same numbers, whether it is cast before or after."""


def is_plain_call(module: Module, node: ast.FunctionDef) -> bool:
    """A subclass of `Model` whose input goes into its layers right away, and that no other model is made of."""
    home = module.names.parent(node)
    given = node.args
    if not isinstance(home, ast.ClassDef) or node.decorator_list or len(given.args) < 2:
        return False
    if [module.names.canonical(base) for base in home.bases] not in (["keras.Model"], ["keras.models.Model"]):
        return False
    others = {one.arg for one in (*given.args[2:], *given.kwonlyargs)}
    if given.vararg or given.kwarg or given.posonlyargs or others & {"training", "mask"} or "Input(" in module.text:
        return False
    return _goes_into_layers(module, node, given.args[1].arg)


def _goes_into_layers(module: Module, node: ast.FunctionDef, name: str) -> bool:
    """Is the input only handed to layers and to functions that shape it, until its name stands for something else?"""
    for statement in node.body:
        uses = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id == name]
        if not all(_is_handed_on(module, n) for n in uses if isinstance(n.ctx, ast.Load)):
            return False
        if isinstance(statement, ast.Assign) and any(isinstance(n.ctx, ast.Store) for n in uses):
            if _is_layer_call(statement.value):
                return True
        elif any(not isinstance(n.ctx, ast.Load) for n in uses):
            return False
    return True


def _is_handed_on(module: Module, use: ast.Name) -> bool:
    call = module.names.parent(use)
    if not isinstance(call, ast.Call) or not call.args or call.args[0] is not use:
        return False
    dotted = module.names.canonical(call.func) or ""
    shaped = dotted.startswith(("tensorflow.", "keras.ops.", "keras.backend.")) and dotted.rsplit(".", 1)[-1] in SHAPES
    return shaped or _is_layer_call(call)


def _is_layer_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
