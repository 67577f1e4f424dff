"""`layer(x, training)`: what isn't a tensor is handed to a layer or model by its name.

In: a call of a layer or model. Out: the edit, None where there is nothing to do. Called by match.
"""

import ast

from .arguments import CannotEdit
from .edits import Edit
from .module import Module, Splice

FLAGS = ("training", "is_training", "train")
MODELS = ("keras.Model", "keras.models.Model", "keras.Sequential", "keras.models.Sequential")
WITH_TRAINING = frozenset(
    {"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"}
    | {"GaussianNoise", "BatchNormalization", "TimeDistributed", "Sequential", "Model"}
    | {"RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomCrop"}
)
"""Classes of Keras whose `call` has `training` right behind its input."""


def suspects(module: Module, call: ast.Call) -> bool:
    """Is something handed over by position, behind the input, that is no tensor by the look of it, or has no place?"""
    return len(call.args) > 1 and (any(_is_flag(argument) for argument in call.args[1:]) or _is_full(module, call))


def _is_full(module: Module, call: ast.Call) -> bool:
    """Is it a functional or sequential model, that has one place for its inputs, and behind it only `training`?"""
    given = call.args[1]
    made = [] if isinstance(given, ast.Constant | ast.Starred) else _made(module, call.func)
    return bool(made) and all((module.names.canonical(m.func) or "") in MODELS for m in made)


def _is_flag(node: ast.expr) -> bool:
    return (isinstance(node, ast.Constant) and node.value is not None) or (
        isinstance(node, ast.Name) and node.id in FLAGS
    )


def positional_edit(module: Module, call: ast.Call) -> Edit | None:
    """From the first flag on every argument gets its name; a functional model's second is `training`, whatever it is.

    Raises:
        CannotEdit: nobody knows what `call` names its parameters.
    """
    names = _parameters(module, call.func)
    if _is_full(module, call) and not any(isinstance(a, ast.Starred) for a in call.args):
        return _named(module, call, 1, ["inputs", "training", "mask"])
    if names is None or any(isinstance(a, ast.Starred) for a in call.args):
        raise CannotEdit("name it: `training=...`, or what its `call` names the parameter")
    first = next(n for n, a in enumerate(call.args) if n and _is_flag(a))
    return _named(module, call, first, names)


def _named(module: Module, call: ast.Call, first: int, names: list[str]) -> Edit | None:
    if len(call.args) > len(names):
        raise CannotEdit("its `call` doesn't name so many parameters")
    given = {keyword.arg for keyword in call.keywords}
    if given & set(names[first : len(call.args)]):
        return None
    pairs = zip(call.args[first:], names[first:], strict=False)
    return Edit(tuple(Splice(module.start(a), module.start(a), f"{name}=") for a, name in pairs))


def _parameters(module: Module, func: ast.expr) -> list[str] | None:
    """The parameters of `call`, where all that the value can be agrees on them."""
    made = _made(module, func)
    found = {tuple(names) for names in (_of_class(module, m.func) for m in made) if names is not None}
    return list(found.pop()) if len(found) == 1 and all(_of_class(module, m.func) for m in made) else None


def _made(module: Module, func: ast.expr) -> list[ast.Call]:
    """The calls of classes that gave the value: nothing where there may be others."""
    values: list[ast.expr] = [func]
    if isinstance(func, ast.Attribute):
        values = module.values.set_on_self(func)
    elif isinstance(func, ast.Name):
        home = module.names.scope(func).lookup(func.id)
        bound = home.bindings[func.id] if home is not None else []
        values = [b.value for b in bound if b.kind == "assign" and b.value is not None]
        values = values if len(values) == len(bound) else []
    calls = [value for value in values if isinstance(value, ast.Call)]
    return calls if len(calls) == len(values) else []


def _of_class(module: Module, node: ast.expr) -> list[str] | None:
    dotted = module.names.canonical(node)
    if dotted is not None:
        home, _, last = dotted.rpartition(".")
        if last in WITH_TRAINING and home in ("keras", "keras.layers", "keras.models"):
            return ["inputs", "training"]
        return ["inputs", "training"] if home.startswith("keras.applications") and last[:1].isupper() else None
    if not isinstance(node, ast.Name):
        return None
    scope = module.names.scope(node).lookup(node.id)
    bound = scope.bindings[node.id] if scope is not None else []
    if len(bound) != 1 or not isinstance(bound[0].node, ast.ClassDef):
        return None
    methods = {m.name: m for m in bound[0].node.body if isinstance(m, ast.FunctionDef)}
    if "call" not in methods or "__call__" in methods:
        return None
    given = methods["call"].args
    return None if given.vararg or given.posonlyargs else [a.arg for a in given.args[1:]]
