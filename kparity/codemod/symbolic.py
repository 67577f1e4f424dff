"""A function of TensorFlow between the layers of a functional model: put into a `Lambda` layer, as Keras 2 did unasked.

In: the call. Out: the edit, where one of its arguments is certainly a symbolic tensor, made of an `Input` or of a
model's own output; else None. Whatever else it is given must be the same whenever the layer runs: otherwise
`CannotEdit`. Called by match.
"""

import ast

from ..rulebook import Rule
from .arguments import CannotEdit
from .edits import Edit, localised
from .module import Module, Splice
from .scopes import Scope
from .straight import value_at
from .tensors import argument, calls_of

INPUTS = ("keras.Input", "keras.layers.Input")
ENDS = frozenset({"input", "inputs", "output", "outputs"})
DEPTH = 12
"""Names that are looked through to find out what a tensor is made of."""
OTHERWISE = frozenset(
    {"shape", "size", "rank", "gradients", "function", "print", "Assert", "py_function", "numpy_function"}
)
"""Functions whose value is wanted as a number, or that do more than compute."""


def lambda_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """`tf.f(x, n)` -> `keras.layers.Lambda(lambda t: tf.f(t, n))(x)`."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if (module.names.canonical(call.func) or "").rsplit(".", 1)[-1] in OTHERWISE:
        return None
    if (
        not _makes_any(module)
        or _is_part(module, call)
        or not any(is_symbolic(module, value, DEPTH) for value in given)
    ):
        return None
    if any(isinstance(value, ast.Starred) for value in given) or any(k.arg is None for k in call.keywords):
        raise CannotEdit(rule.why)
    leaves: list[ast.expr] = []
    for value in given:
        _leaves(rule, module, value, leaves)
    parts = list(dict.fromkeys(module.source(leaf) for leaf in leaves))
    said = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
    name = next((n for n in ("t", "tensor", "x") if n not in said), None)
    if name is None or not parts:
        raise CannotEdit(rule.why)
    source, start = module.source(call), module.start(call)
    if "#" in source:
        raise CannotEdit("a comment stands inside")
    for leaf in sorted(leaves, key=module.start, reverse=True):
        new = name if len(parts) == 1 else f"{name}[{parts.index(module.source(leaf))}]"
        source = source[: module.start(leaf) - start] + new + source[module.end(leaf) - start :]
    layer, needs = localised("keras.layers.Lambda", module, call)
    fed = parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"
    made = f"{layer}(lambda {name}: {source}, autocast=False)({fed})"
    return Edit((Splice(start, module.end(call), made),), tuple(needs))


def _makes_any(module: Module) -> bool:
    """Does the module have what symbolic tensors come of: an `Input`, a model's ends, layers called at once?"""
    if module.makes_symbolic is None:
        calls = module.index.calls
        module.makes_symbolic = (
            any(attribute.attr in ENDS for attribute in module.index.attributes)
            or any(type(call.func) is ast.Call for call in calls)
            or any(module.names.meaning(call.func) in INPUTS for call in calls)
        )
    return module.makes_symbolic


def is_symbolic(module: Module, node: ast.AST | None, depth: int) -> bool:
    """Is this certainly, or where one of several branches ran, a tensor without a value, made between layers?"""
    if depth <= 0:
        return False
    match node:
        case ast.Call():
            dotted = module.names.meaning(node.func)
            if dotted in INPUTS or _is_built_here(module, node):
                return True
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            return module.values.kind(node) == "tensor" and any(is_symbolic(module, v, depth - 1) for v in given)
        case ast.Name():
            return module.values.kind(node) == "tensor" and _is_symbolic_name(module, node, depth - 1)
        case ast.Attribute():
            return node.attr in ENDS and module.values.kind(node.value) in ("model", "layer")
        case ast.Subscript() | ast.Starred():
            return is_symbolic(module, node.value, depth - 1)
        case ast.BinOp():
            return is_symbolic(module, node.left, depth - 1) or is_symbolic(module, node.right, depth - 1)
        case ast.UnaryOp():
            return is_symbolic(module, node.operand, depth - 1)
        case ast.List() | ast.Tuple():
            return any(is_symbolic(module, element, depth - 1) for element in node.elts)
    return False


def _is_built_here(module: Module, call: ast.Call) -> bool:
    """Is it a layer made and called at once, in a function that builds a model? Weights aren't made for a value."""
    if not isinstance(call.func, ast.Call) or module.names.enclosing_function(call) is None:
        return False
    around = module.names.enclosing_class(call)
    of_keras = around is not None and module.values.class_kind(around) is not None
    return not of_keras and module.values.kind(call.func) == "layer"


def _is_symbolic_name(module: Module, name: ast.Name, depth: int) -> bool:
    last = value_at(module, name)
    if last is not None:
        return is_symbolic(module, last[0], depth)
    home = module.names.scope(name).lookup(name.id)
    if home is None:
        return False
    start = module.start(name)
    for binding in home.bindings[name.id]:
        if binding.kind == "param" and _is_given_symbolic(module, home, name.id, depth):
            return True
        above = binding.value is not None and module.start(binding.value) < start
        if above and is_symbolic(module, binding.value, min(depth, DEPTH // 2)):
            return True
    return False


def _is_given_symbolic(module: Module, home: Scope, name: str, depth: int) -> bool:
    """Does every call of the function hand a symbolic tensor over?"""
    function = home.node
    if not isinstance(function, ast.FunctionDef) or isinstance(module.names.parent(function), ast.ClassDef):
        return False
    calls = calls_of(module.values, function)
    params = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return bool(calls) and all(is_symbolic(module, argument(call, params, name), depth - 1) for call in calls)


def _is_part(module: Module, call: ast.Call) -> bool:
    """Is it an argument of another function of TensorFlow, which takes it along?"""
    at = module.names.parent(call)
    while isinstance(at, ast.expr | ast.keyword):
        if isinstance(at, ast.Call) and (module.names.canonical(at.func) or "").startswith("tensorflow."):
            return True
        at = module.names.parent(at)
    return False


def _leaves(rule: Rule, module: Module, node: ast.expr, found: list[ast.expr]) -> None:
    """The symbolic tensors among what it is given; all else has to be the same whenever the layer runs."""
    if isinstance(node, ast.Name | ast.Attribute) and is_symbolic(module, node, DEPTH):
        found.append(node)
    elif isinstance(node, ast.Name):
        if not _is_settled(module, node):
            raise CannotEdit(f"`{node.id}` may be another value when the layer runs. {rule.why}")
    elif isinstance(node, ast.Attribute):
        if module.names.canonical(node) is None:
            raise CannotEdit(f"`{module.source(node)}` may be another value when the layer runs. {rule.why}")
    elif isinstance(node, ast.Call) and not (module.names.canonical(node.func) or "").startswith("tensorflow."):
        if not is_symbolic(module, node, DEPTH):
            raise CannotEdit(f"`{module.source(node)}` would be called whenever the layer runs. {rule.why}")
        found.append(node)
    elif isinstance(node, ast.Call):
        for value in (*node.args, *(keyword.value for keyword in node.keywords)):
            _leaves(rule, module, value, found)
    elif isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.BinOp | ast.UnaryOp | ast.Subscript | ast.Slice):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                _leaves(rule, module, inner, found)
    else:
        raise CannotEdit(rule.why)


def _is_settled(module: Module, name: ast.Name) -> bool:
    """Is the name given its value once: as an import, a parameter, or outside of loops?"""
    home = module.names.scope(name).lookup(name.id)
    bound = home.bindings[name.id] if home is not None else []
    if home is None:
        return True  # a builtin
    if len(bound) != 1 or bound[0].kind not in ("assign", "param", "import", "unpack"):
        return False
    at: ast.AST | None = bound[0].node
    while at is not None and at is not home.node:
        if isinstance(at, ast.For | ast.While | ast.AsyncFor):
            return False
        at = module.names.parent(at)
    return True
