"""What classes that derive from Keras's define or set, and Keras 3 wants otherwise: a default, a method that sets.

In: the definition of a method, or `self.attribute = value`. Out: the edit, or None. Called by match.
"""

import ast

from ..rulebook import Rule
from .arguments import CannotEdit
from .edits import Edit
from .module import Module, Splice
from .positional import FLAGS


def optional_edit(rule: Rule, module: Module, node: ast.FunctionDef) -> Edit | None:
    """`def call(self, x, training)` -> `def call(self, x, training=None)`."""
    wanted = rule.edit["argument"]
    given = node.args
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if one.arg == wanted:
            return _with_default(module, one) if default is None else None
    plain = given.args[: len(given.args) - len(given.defaults)]
    if wanted not in [one.arg for one in plain[2:]]:
        return None
    if plain[-1].arg != wanted:
        return None  # what stands behind it has to be given, too: then it is itself
    return _with_default(module, plain[-1])


def _with_default(module: Module, one: ast.arg) -> Edit:
    return Edit((Splice(module.end(one), module.end(one), " = None" if one.annotation else "=None"),))


def has_the_init_of_layer(module: Module, func: ast.AST) -> bool:
    """Is it a class of this module that derives from `Layer`, with no `__init__` of its own?"""
    home = module.names.scope(func).lookup(func.id) if isinstance(func, ast.Name) else None
    bound = home.bindings[func.id] if home is not None and isinstance(func, ast.Name) else []
    if len(bound) != 1 or not isinstance(bound[0].node, ast.ClassDef):
        return False
    made = bound[0].node
    if [module.names.canonical(base) for base in made.bases] not in (["keras.layers.Layer"], ["keras.Layer"]):
        return False
    return not any(isinstance(f, ast.FunctionDef) and f.name == "__init__" for f in made.body)


def mask_edit(rule: Rule, module: Module, node: ast.FunctionDef) -> Edit | None:
    """`def call(self, x, y, mask=None)`: the mask of `x` is taken under the name that Keras 3 hands it over by.

    One that a caller hands over, or that comes with a single tensor, is still `mask`.
    """
    given = node.args
    plain = given.args
    names = [one.arg for one in (*given.posonlyargs, *plain, *given.kwonlyargs)]
    if len(plain) < 3 or given.posonlyargs or "mask" not in names or not _may_be_two_tensors(given):
        return None
    first = plain[1].arg
    wanted = f"{first}_mask"
    read = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == "mask" and isinstance(n.ctx, ast.Load)]
    if wanted in names or not read or not _is_none(_default(given, "mask")):
        return None
    if given.vararg is not None or any(isinstance(n, ast.Name) and n.id == wanted for n in ast.walk(node)):
        raise CannotEdit(rule.why)
    body = node.body
    documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    if documented and len(body) == 1:
        return None
    start = module.start(body[int(documented)])
    line, column = module.line_column(start)
    indent = module.line_text(line)[: column - 1]
    if indent.strip():
        raise CannotEdit(rule.why)
    last = max((*plain, *given.kwonlyargs), key=module.start)
    default = _default(given, last.arg)
    end = module.end(default or last)
    if default is not None and "(" in module.text[module.end(last) : module.start(default)]:
        raise CannotEdit(rule.why)
    annotated = _annotation(given)
    new = f", {wanted}: {module.source(annotated)} = None" if annotated is not None else f", {wanted}=None"
    taken = f"mask = {wanted} if mask is None else mask{module.newline()}{indent}"
    return Edit((Splice(end, end, new), Splice(start, start, taken)))


def _may_be_two_tensors(given: ast.arguments) -> bool:
    """Is there an argument besides the first that gets a tensor, by what is known of its default?"""
    for one in (*given.args[2:], *given.kwonlyargs):
        default = _default(given, one.arg)
        if one.arg in FLAGS or one.arg.endswith("mask") or one.arg == "return_attention_scores":
            continue
        if default is None or _is_none(default):
            return True
    return False


def _default(given: ast.arguments, name: str) -> ast.expr | None:
    """What stands behind the `=` of this parameter."""
    pairs = zip(reversed(given.args), reversed(given.defaults), strict=False)
    found = {one.arg: default for one, default in (*pairs, *zip(given.kwonlyargs, given.kw_defaults, strict=True))}
    return found.get(name)


def _annotation(given: ast.arguments) -> ast.expr | None:
    return next((one.annotation for one in (*given.args, *given.kwonlyargs) if one.arg == "mask"), None)


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def setter_edit(rule: Rule, module: Module, target: ast.Attribute) -> Edit | None:
    """`self.model = value` -> `self.set_model(value)`, unless the class has a `set_model` of its own."""
    statement = module.names.parent(target)
    home = module.names.enclosing_class(target)
    method = rule.edit["to"]
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or isinstance(statement.value, ast.Tuple):
        raise CannotEdit(rule.why)
    if home is None or any(isinstance(n, ast.FunctionDef) and n.name in (method, target.attr) for n in home.body):
        raise CannotEdit(rule.why)
    new = f"{module.source(target.value)}.{method}("
    return Edit(
        (
            Splice(module.start(target), module.start(statement.value), new),
            Splice(module.end(statement.value), module.end(statement), ")"),
        )
    )
