"""What weights start with: `Conv2D(8, 3, weights=[kernel, bias])`, `self.w = tf.Variable(init(shape=(2, 3)))`.

In: a call of a layer's class that is given `weights`, or of `tf.Variable` in a layer's `build`. Out: the edit;
`CannotEdit` where it isn't sure which weights these are. Called by match.
"""

import ast

from ..rulebook import Rule
from .arguments import CannotEdit, argument_splices, arguments
from .edits import Edit, localised
from .module import Module, Splice
from .straight import value_at

CONVOLUTIONS = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"})
"""With Dense the layers whose weights are a kernel, and a bias where `use_bias` is so."""
INITIALIZERS = tuple(
    f"tensorflow.{name}_initializer"
    for name in ("zeros", "ones", "constant", "random_normal", "random_uniform", "truncated_normal")
)
"""What TensorFlow itself has of them, beside `tf.initializers`, which are Keras's."""
VARIABLE = "initial_value trainable validate_shape caching_device name variable_def dtype"
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


def weight_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """`self.w = tf.Variable(init(shape, dtype), ...)` -> `self.w = self.add_weight(...)`, which makes the same."""
    given = {a.name: a.value for a in arguments(call, VARIABLE.split()) if not a.starred}
    made = given.pop("initial_value", None)
    if len(given) + 1 < len(call.args) + len(call.keywords) or not isinstance(made, ast.Call):
        return None
    if set(given) - {"trainable", "name", "dtype"} or not _is_initializer(module, made.func):
        return None
    inner = {a.name: a.value for a in arguments(made, ["shape", "dtype"]) if not a.starred}
    if "shape" not in inner or set(inner) - {"shape", "dtype"} or len(inner) < len(made.args) + len(made.keywords):
        return None
    target = module.names.parent(call)
    assert isinstance(target, ast.Assign)
    assert isinstance(target.targets[0], ast.Attribute)
    if "#" in module.source(call):
        raise CannotEdit(f"a comment stands inside: {rule.why}")
    dtype = given.get("dtype") or inner.get("dtype")
    parts = {
        "name": module.source(given["name"]) if "name" in given else None,
        "shape": module.source(inner["shape"]),
        "dtype": module.source(dtype) if dtype is not None else '"float32"',
        "initializer": module.source(made.func),
        "trainable": module.source(given["trainable"]) if "trainable" in given else None,
    }
    said = [f"{name}={text}" for name, text in parts.items() if text is not None]
    first = min(module.start(a) for a in [*call.args, *call.keywords])
    last = max(module.end(a) for a in [*call.args, *call.keywords])
    gap = module.text[module.text.rindex("(", 0, first) + 1 : first]  # a line for each argument, where it was so
    body = f",{gap or ' '}".join(said)
    new = f"{module.source(target.targets[0].value)}.add_weight({gap}{body}{module.text[last : module.end(call)]}"
    return Edit((Splice(module.start(call), module.end(call), new),))


def _is_initializer(module: Module, node: ast.expr) -> bool:
    """Is it an object that makes values of a shape: made right here, or what a name certainly is?"""
    if isinstance(node, ast.Name) and (found := value_at(module, node)) is not None:
        node = found[0]
    dotted = module.names.meaning(node.func) if isinstance(node, ast.Call) else None
    if dotted is None:
        return False
    last = dotted.rpartition(".")[2]
    return dotted in INITIALIZERS or (
        dotted == f"keras.initializers.{last}" and last not in ("serialize", "deserialize")
    )
