"""What generators and Sequences hand to `fit`: several inputs or outputs as a tuple, since Keras 3 refuses a list.

In: a function that yields batches, or the `__getitem__` of a Sequence. Out: the edit of what it hands over. A list that
is written out there becomes a tuple; one that has a name is turned into one. Called by match and about_calls.
"""

import ast
from collections.abc import Iterator

from ..rulebook import Rule
from .arguments import arguments, words
from .edits import Edit
from .module import Module, Splice
from .straight import value_at

OPEN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def batches_edit(module: Module, function: ast.FunctionDef) -> Edit | None:
    """`yield [a, b], y` -> `yield (a, b), y`."""
    splices: list[Splice] = []
    for value in _handed(function):
        if isinstance(value, ast.Tuple) and len(value.elts) in (2, 3):
            for element in value.elts[:2]:
                splices += _as_tuple(module, element)
    return Edit(tuple(splices)) if splices else None


def fed_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """The same, in the generator of this module that a model is trained or asked with."""
    splices: list[Splice] = []
    for argument in arguments(call, words(rule.edit["params"])):
        if argument.name in ("x", "validation_data"):
            function = _generator(module, argument.value)
            edit = batches_edit(module, function) if function is not None else None
            splices += edit.splices if edit is not None else ()
    return Edit(tuple(dict.fromkeys(splices))) if splices else None


def _generator(module: Module, node: ast.expr) -> ast.FunctionDef | None:
    """The function of this module that yields what this goes through."""
    if isinstance(node, ast.Name) and (found := value_at(module, node)) is not None:
        node = found[0]
    func = node.func if isinstance(node, ast.Call) else None
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "self":
        home = module.names.enclosing_class(func)
        made: list[ast.AST] = [
            n for n in (home.body if home is not None else ()) if getattr(n, "name", "") == func.attr
        ]
    elif isinstance(func, ast.Name):
        scope = module.names.scope(func).lookup(func.id)
        made = [b.node for b in scope.bindings[func.id]] if scope is not None else []
    else:
        made = []
    one = made[0] if len(made) == 1 else None
    return one if isinstance(one, ast.FunctionDef) and module.index.owned[one].yields else None


def _handed(function: ast.FunctionDef) -> Iterator[ast.expr | None]:
    """What the function itself yields or returns, and no other one inside."""
    open_: list[ast.AST] = list(function.body)
    while open_:
        at = open_.pop()
        if isinstance(at, ast.Yield | ast.Return):
            yield at.value
        if not isinstance(at, OPEN):
            open_ += ast.iter_child_nodes(at)


def _as_tuple(module: Module, element: ast.expr) -> list[Splice]:
    start, end = module.start(element), module.end(element)
    if isinstance(element, ast.List) and element.elts and not any(isinstance(e, ast.Constant) for e in element.elts):
        trailing = module.text[module.end(element.elts[-1]) : end - 1].lstrip().startswith(",")
        comma = "," if len(element.elts) == 1 and not trailing else ""
        return [Splice(start, start + 1, "("), Splice(end - 1, end, f"{comma})")]
    if isinstance(element, ast.Name):
        home = module.names.scope(element).lookup(element.id)
        bound = home.bindings[element.id] if home is not None else []
        if bound and all(b.kind == "assign" and isinstance(b.value, ast.List) and b.value.elts for b in bound):
            return [Splice(start, end, f"tuple({element.id})")]
    return []
