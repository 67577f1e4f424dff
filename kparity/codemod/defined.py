"""What classes that derive from Keras's define or set, and Keras 3 wants otherwise: a default, a method that sets.

In: the definition of a method, or `self.attribute = value`. Out: the edit, or None. Called by match.
"""

import ast

from ..rulebook import Rule
from .edits import CannotEdit, Edit
from .module import Module, Splice


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
