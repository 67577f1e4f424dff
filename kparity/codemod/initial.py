"""`Conv2D(8, 3, weights=[kernel, bias])`: weights that a layer starts with, as constant initializers.

In: a call of a layer's class that is given `weights`. Out: the edit; `CannotEdit` where it isn't sure which weights
these are. Called by match.
"""

import ast

from ..rulebook import Rule
from .arguments import CannotEdit, argument_splices
from .edits import Edit, localised
from .module import Module

CONVOLUTIONS = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"})
"""With Dense the layers whose weights are a kernel, and a bias where `use_bias` is so."""
GIVEN = frozenset({"kernel_initializer", "bias_initializer"})


def weights_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """The initializers instead of the weights."""
    dotted = module.names.meaning(call.func) or ""
    last = dotted.removeprefix("keras.layers.")
    if last == "Embedding":
        return None
    given = {k.arg: k.value for k in call.keywords if k.arg is not None}
    weights = given.get("weights")
    if weights is None or len(given) < len(call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        raise CannotEdit(rule.why)
    first = 2 if last == "Dense" else 5  # arguments in front of `use_bias` and the initializers
    if last not in CONVOLUTIONS | {"Dense"} or GIVEN & set(given) or len(call.args) > first:
        raise CannotEdit(rule.why)
    bias = given.get("use_bias", ast.Constant(True))
    if not isinstance(bias, ast.Constant) or type(bias.value) is not bool:
        raise CannotEdit(f"{rule.why} It depends on `use_bias` how many there are")
    names = ["kernel", "bias"][: 2 if bias.value else 1]
    if isinstance(weights, ast.List | ast.Tuple):
        sources = [module.source(element) for element in weights.elts]
    elif isinstance(weights, ast.Name | ast.Attribute):
        sources = [f"{module.source(weights)}[{index}]" for index in range(len(names))]
    else:
        raise CannotEdit(rule.why)
    if len(sources) != len(names):
        raise CannotEdit(rule.why)
    pins, needs = {}, []
    for name, source in zip(names, sources, strict=True):
        template, more = localised("keras.initializers.Constant({value})", module, call)
        pins[f"{name}_initializer"] = template.replace("{value}", source)
        needs += more
    return Edit(argument_splices({"drop": "weights", "pin": pins}, module, call), tuple(needs))
