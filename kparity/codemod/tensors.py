"""Which parameters, loop variables and collections hold tensors.

In: a `Values` and a binding of a name. Out: is it a tensor (or a shape)? What a layer's methods, a loss or a metric is
given by Keras is one; so is what all calls of a function or method in the module give. A class that works with ragged,
sparse or string tensors is left alone: `keras.ops` takes none of these. Called by values.
"""

import ast
from typing import TYPE_CHECKING

from .scopes import Scope

if TYPE_CHECKING:
    from .values import Values

GIVEN = {
    "call": ("layer", "model", "loss"),
    "update_state": ("metric",),
    "compute_loss": ("model",),
    "train_step": ("model",),
    "test_step": ("model",),
    "predict_step": ("model",),
}
"""Methods that Keras calls with tensors, by the kinds of class that have them."""
VARIABLE = frozenset({"assign", "assign_add", "assign_sub", "dtype", "name", "numpy", "shape", "trainable"})
"""What variables of TensorFlow and of Keras have in common."""
SHAPED = frozenset({"build", "compute_output_shape"})
NOT_TENSORS = ("training", "return_", "use_", "is_", "with_")
"""How parameters of `call` begin that are switches."""
ODD = frozenset({"RaggedTensor", "SparseTensor", "ragged", "sparse", "strings", "string", "TensorArray"})
"""Attributes that say that a class or function handles tensors which aren't plain arrays of numbers."""


def of_parameter(values: "Values", home: Scope, name: str) -> str | None:
    """`tensor` or `shape`, if the parameter `name` of a function is certainly one."""
    function = home.node
    if isinstance(function, ast.Lambda):
        return "tensor" if _of_lambda(values, function, name) else None
    if not isinstance(function, ast.FunctionDef):
        return None
    owner = values.names.parent(function)
    if isinstance(owner, ast.ClassDef):
        return _of_method(values, owner, function, name)
    positional = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
    if name not in positional or name == "self" or handles_odd(values, function):
        return None
    if positional[:2] == ["y_true", "y_pred"] and name in ("y_true", "y_pred"):
        return "tensor"
    if values.fed_to_layer(home, name) or _always_given(values, function, name):
        return "tensor"
    return None


def _of_method(values: "Values", owner: ast.ClassDef, function: ast.FunctionDef, name: str) -> str | None:
    positional = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
    if positional[:1] != ["self"] or name == "self":
        return None
    kind = values.class_kind(owner)
    if kind not in ("layer", "model", "loss", "metric"):
        return None
    if function.name in SHAPED:
        return "shape" if positional[1:2] == [name] else None
    if handles_odd(values, owner):
        return None
    if function.name in GIVEN:
        if kind not in GIVEN[function.name] or name not in positional[1:]:
            return None
        return "tensor" if name == positional[1] or _may_be_tensor(function, name) else None
    return "tensor" if _always_given(values, function, name, owner) else None


def _may_be_tensor(function: ast.FunctionDef, name: str) -> bool:
    """A further parameter of `call`: no switch, and without a default or None by default."""
    if name.startswith(NOT_TENSORS):
        return False
    given = [*function.args.posonlyargs, *function.args.args]
    defaults = dict(zip([a.arg for a in reversed(given)], reversed(function.args.defaults), strict=False))
    default = defaults.get(name)
    return default is None or (isinstance(default, ast.Constant) and default.value is None)


def _of_lambda(values: "Values", function: ast.Lambda, name: str) -> bool:
    if not function.args.args or function.args.args[0].arg != name:
        return False
    call = values.names.parent(function)
    if isinstance(call, ast.keyword):
        call = values.names.parent(call)
    return isinstance(call, ast.Call) and values.names.meaning(call.func) == "keras.layers.Lambda"


def _always_given(values: "Values", function: ast.FunctionDef, name: str, owner: ast.ClassDef | None = None) -> bool:
    """Do all places that name the function call it, with a tensor for this parameter?"""

    def work() -> str | None:
        calls = _method_calls(values, owner, function.name) if owner is not None else calls_of(values, function)
        params = [a.arg for a in [*function.args.posonlyargs, *function.args.args]][1 if owner is not None else 0 :]
        for call in calls:
            given = argument(call, params, name)
            if given is None or values.kind(given) not in ("tensor", "any"):
                return None
        return "tensor" if calls else None

    return values.once(("given", function, name), work, meanwhile="tensor") == "tensor"


def argument(call: ast.Call, params: list[str], name: str) -> ast.expr | None:
    if any(isinstance(a, ast.Starred) for a in call.args) or name not in params:
        return None
    position = params.index(name)
    if position < len(call.args):
        return call.args[position]
    return next((k.value for k in call.keywords if k.arg == name), None)


def calls_of(values: "Values", function: ast.FunctionDef) -> list[ast.Call]:
    """The calls of a function; none if it is handed on somewhere, or bound twice."""
    home = values.names.scope(function)
    if function.decorator_list or len(home.bindings.get(function.name, ())) != 1:
        return []
    found = []
    for use in values.names.index.loads.get(function.name, ()):
        if values.names.scope(use).lookup(function.name) is not home:
            continue
        parent = values.names.parent(use)
        if not (isinstance(parent, ast.Call) and parent.func is use):
            return []
        found.append(parent)
    return found


def _method_calls(values: "Values", owner: ast.ClassDef, name: str) -> list[ast.Call]:
    if values.own_calls is None:
        values.own_calls = {}
        for call in values.names.index.calls:
            func = call.func
            if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "self":
                around = values.names.enclosing_class(call)
                if around is not None:
                    values.own_calls.setdefault((around, func.attr), []).append(call)
    return values.own_calls.get((owner, name), [])


def computes(values: "Values", home: ast.ClassDef) -> bool:
    """Is it a class whose methods compute with Keras tensors, plain ones?"""
    return values.class_kind(home) in ("layer", "model", "loss", "metric") and not handles_odd(values, home)


def handles_odd(values: "Values", home: ast.AST) -> bool:
    """Does the code inside mention ragged, sparse or string tensors?"""
    if values.odd is None:
        values.odd = set()
        for attribute in values.names.index.attributes:
            if attribute.attr in ODD:
                at: ast.AST | None = attribute
                while at is not None:
                    if isinstance(at, ast.ClassDef | ast.FunctionDef):
                        values.odd.add(at)
                    at = values.names.parent(at)
    return home in values.odd


def of_elements(values: "Values", iterated: ast.expr) -> str | None:
    """What a loop over this gives."""
    if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name) and iterated.args:
        if iterated.func.id in ("zip", "reversed", "list", "tuple"):
            kinds = {values.kind(a) for a in iterated.args}
            return "tensor" if kinds <= {"tensor", "any"} else None
        return None
    kind = values.kind(iterated)
    return kind if kind in ("tensor", "shape", "any") else None


def of_collection(values: "Values", home: Scope, name: str) -> str | None:
    """What is put into an empty list or dict of this name: a tensor if everything that is put in is one."""
    kinds: list[str | None] = []
    for use in values.names.index.loads.get(name, ()):
        parent = values.names.parent(use)
        if values.names.scope(use).lookup(name) is not home:
            continue
        above = values.names.parent(parent) if parent is not None else None
        if isinstance(parent, ast.Attribute) and parent.attr == "append" and isinstance(above, ast.Call):
            kinds += [values.kind(a) for a in above.args]
        elif isinstance(parent, ast.Attribute) and parent.attr in ("extend", "insert", "update", "setdefault"):
            return None
        elif isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store):
            kinds.append(values.kind(above.value) if isinstance(above, ast.Assign) else None)
    return "tensor" if kinds and all(kind in ("tensor", "any") for kind in kinds) else None


def keeps_variable(values: "Values", node: ast.Call, method: str) -> bool:
    """Is this the value of `self.NAME` in the method (`__init__`, `build`), used only as every variable can be?"""
    home, assign = values.names.enclosing_class(node), values.names.parent(node)
    function = values.names.enclosing_function(node)
    if home is None or not computes(values, home) or getattr(function, "name", "") != method:
        return False
    if not isinstance(assign, ast.Assign) or len(assign.targets) != 1:
        return False
    target = assign.targets[0]
    if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name) or target.value.id != "self":
        return False
    if node.args and isinstance(node.args[0], ast.Lambda):
        return False
    for use in values.names.index.attributes:
        if use.attr == target.attr and isinstance(use.value, ast.Name) and use.value.id == "self":
            parent = values.names.parent(use)
            if isinstance(parent, ast.Attribute) and parent.attr not in VARIABLE:
                return False
    return True


def stands_in_computation(values: "Values", node: ast.AST) -> bool:
    """Is it in a method of a layer, model, loss or metric, or in a function that only such methods call?

    Whatever numbers a function of TensorFlow is given there, that of `keras.ops` makes the same of them.
    """
    function = values.names.enclosing_function(node)
    return isinstance(function, ast.FunctionDef) and _is_computation(values, function)


def _is_computation(values: "Values", function: ast.FunctionDef) -> bool:
    if function not in values.computations:
        values.computations[function] = False  # of functions that call one another none is known by itself
        values.computations[function] = _belongs_to_computation(values, function)
    return values.computations[function]


def _belongs_to_computation(values: "Values", function: ast.FunctionDef) -> bool:
    owner = values.names.parent(function)
    if isinstance(owner, ast.ClassDef):
        return computes(values, owner) and function.name not in _handed_on(values)
    if handles_odd(values, function):
        return False
    calls = calls_of(values, function)
    return bool(calls) and all(stands_in_computation(values, call) for call in calls)


def _handed_on(values: "Values") -> set[str]:
    """Names of methods that some code hands on without calling them, to a `map` of data, say."""
    if values.handed_on is None:
        values.handed_on = set()
        for attribute in values.names.index.attributes:
            parent = values.names.parent(attribute)
            if not (isinstance(parent, ast.Call) and parent.func is attribute):
                values.handed_on.add(attribute.attr)
    return values.handed_on
