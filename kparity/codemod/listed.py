"""Layers of a Sequential model whose list is written out: which one is `model.layers[1]`, and has it any weights yet?

In: `model.layers[1]`, or an attribute of it. Out: the expression that makes the layer; yes or no. Called by made and
match.
"""

import ast
from collections.abc import Iterator

from ..rulebook import Rule
from .arguments import words
from .module import Module

SEQUENTIAL = frozenset({"keras.Sequential", "keras.models.Sequential"})
INPUTS = frozenset({"keras.Input", "keras.layers.Input", "keras.layers.InputLayer"})
REFUSED = frozenset({"input_shape", "input_dim", "batch_input_shape", "batch_shape", "use_bias"})
"""Arguments by which a first layer has its model built at once, and one without which Keras 3 asks for a `bias`."""


def layer_at(module: Module, node: ast.Subscript) -> ast.expr | None:
    """`model.layers[1]` -> what stands second in the list that `model` is made of, if nothing was put in or out."""
    listed, index = _list_of(module, node), node.slice
    if listed is None or not isinstance(index, ast.Constant) or type(index.value) is not int:
        return None
    layers = [e for e in listed if not _is_input(module, e)]  # an Input is no layer of the model
    return layers[index.value] if 0 <= index.value < len(layers) else None


def is_weightless(module: Module, target: ast.Attribute, rule: Rule) -> bool:
    """`model.layers[1].kernel = tensor`: of a layer that the rule is about, and all of them were marked as built before
    they made any weights."""
    node, given = target.value, module.names.statement(target)
    made = layer_at(module, node) if isinstance(node, ast.Subscript) else None
    if not isinstance(made, ast.Call) or module.names.meaning(made.func) not in words(rule.when["made_by"]):
        return False
    if not isinstance(given, ast.Assign) or module.values.kind(given.value) != "tensor":
        return False  # a variable would be one of the layer's weights
    assert isinstance(node, ast.Subscript)
    listed = _list_of(module, node) or []
    if _is_input(module, listed[0]) or any(
        k.arg in REFUSED for one in listed if isinstance(one, ast.Call) for k in one.keywords
    ):
        return False
    loops = [loop for loop in _marking(module, module.source(node.value)) if loop.lineno < target.lineno]
    return bool(loops) and _is_untouched(module, node, loops[0])


def _marking(module: Module, layers: str) -> Iterator[ast.For]:
    """`for layer in model.layers: layer.built = True`."""
    for marked, value, statement in module.index.attribute_stores:
        loop = module.names.parent(statement)
        if marked.attr != "built" or not isinstance(loop, ast.For) or module.source(loop.iter) != layers:
            continue
        yes = isinstance(value, ast.Constant) and value.value is True
        if yes and module.source(loop.target) == module.source(marked.value):
            yield loop


def _is_untouched(module: Module, node: ast.Subscript, loop: ast.For) -> bool:
    """Is nothing done with the model above the loop?"""
    assert isinstance(node.value, ast.Attribute)
    assert isinstance(node.value.value, ast.Name)
    return all(use.lineno >= loop.lineno for use in module.loads.get(node.value.value.id, ()))


def _list_of(module: Module, node: ast.Subscript) -> list[ast.expr] | None:
    """What the model of `model.layers[...]` is made of."""
    of = node.value
    if not isinstance(of, ast.Attribute) or of.attr != "layers" or not isinstance(of.value, ast.Name):
        return None
    home = module.names.scope(of.value).lookup(of.value.id)
    bound = home.bindings[of.value.id] if home is not None else []
    made = bound[0].value if len(bound) == 1 and bound[0].kind == "assign" else None
    if not isinstance(made, ast.Call) or module.names.meaning(made.func) not in SEQUENTIAL or len(made.args) != 1:
        return None
    listed = made.args[0]
    if not isinstance(listed, ast.List | ast.Tuple) or any(isinstance(e, ast.Starred) for e in listed.elts):
        return None
    for use in module.loads.get(of.value.id, ()):
        parent = module.names.parent(use)
        if isinstance(parent, ast.Attribute) and parent.attr in ("add", "pop"):
            return None
    return listed.elts


def _is_input(module: Module, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and module.names.meaning(node.func) in INPUTS
