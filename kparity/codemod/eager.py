"""Variables and tensors of TensorFlow that a layer makes in `build` and keeps.

Keras 2 always ran `build` outside of any graph (`_maybe_build` in tf_keras/src/engine/base_layer.py); Keras 3 builds a
layer inside of another one while it works out shapes, in a graph that is thrown away. In: the definition of `build`.
Out: the edit that has it run outside of graphs again, or None. Called by match.
"""

import ast

from ..rulebook import Rule
from .arguments import CannotEdit
from .edits import Edit
from .initial import weight_edit
from .kinds import passes_on
from .module import Module, Splice
from .names import under
from .straight import value_at
from .tensors import keeps_variable

OBJECTS = ("tensorflow.initializers", "tensorflow.keras", "tensorflow.function", "tensorflow.TensorShape")

SCOPE = "tensorflow.init_scope"


def eager_edit(rule: Rule, module: Module, node: ast.FunctionDef) -> Edit | None:
    """`def build(self, shape)` -> `@tf.init_scope()` above it."""
    if not any(_is_made_in_graph(rule, module, value) for value in _kept(module, node)):
        return None
    if any(module.names.meaning(getattr(d, "func", d)) == SCOPE for d in node.decorator_list):
        return None
    found = module.reference(SCOPE, node)
    start = module.start(node)
    line, column = module.line_column(start)
    indent = module.line_text(line)[: column - 1]
    if found is None or node.decorator_list or indent.strip():
        raise CannotEdit(rule.why)
    text, need = found
    return Edit((Splice(start, start, f"@{text}(){module.newline()}{indent}"),), (need,) if need else ())


def _kept(module: Module, node: ast.FunctionDef) -> list[ast.expr]:
    """What `self.NAME` is given in the method itself."""
    return [
        value
        for target, value, _ in module.index.attribute_stores
        if isinstance(target.value, ast.Name)
        and target.value.id == "self"
        and module.names.enclosing_function(target) is node
    ]


def _is_made_in_graph(rule: Rule, module: Module, value: ast.expr) -> bool:
    """Is it a variable or a tensor of TensorFlow, and none that becomes a weight?"""
    if isinstance(value, ast.Name) and (found := value_at(module, value)) is not None:
        value = found[0]
    if isinstance(value, ast.BinOp):
        return any(_is_made_in_graph(rule, module, side) for side in (value.left, value.right))
    dotted = module.names.meaning(value.func) if isinstance(value, ast.Call) else None
    if dotted is None:
        return False
    assert isinstance(value, ast.Call)
    if dotted == "tensorflow.Variable":  # one that is trained has to become a weight: no use in having it made
        return any(k.arg == "trainable" and _is_false(k.value) for k in value.keywords) and not (
            keeps_variable(module.values, value, "build") and _becomes_weight(rule, module, value)
        )
    if not passes_on(dotted) or dotted.endswith("_initializer") or any(under(dotted, home) for home in OBJECTS):
        return False
    return not under(dotted, "keras.activations")


def _becomes_weight(rule: Rule, module: Module, call: ast.Call) -> bool:
    try:
        return weight_edit(rule, module, call) is not None
    except CannotEdit:
        return False


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
