"""Is a method or member of a value the user's own, and not Keras's? A subclass of `Model` may define its own `fit`.

In: a call of a method, or an attribute, and the rule about it. Out: one of `OWN`, `PERHAPS`, `KERAS`. Called by match
and about_calls: what a rule says of `<model>.fit` is true of Keras's.
"""

import ast

from ..rulebook import Rule
from .indirect import concerned
from .module import Module
from .nearby import members, own_near

KERAS, PERHAPS, OWN = "keras", "perhaps", "own"


def whose_call(module: Module, node: ast.Call, rule: Rule, kind: str) -> str:
    """Whose method of a value of this kind is called, where the rule's arguments come to?"""
    func = node.func
    if not isinstance(func, ast.Attribute) or not _is_anywhere(module, kind, func.attr):
        return KERAS
    classes, all_known = _classes(module, func.value, kind)
    methods = [m for home in classes for m in _definitions(home, func.attr)]
    if not methods:
        return KERAS if all_known else PERHAPS
    if all(_hands_on(rule, node, method) for method in methods):
        return KERAS
    return OWN if all_known else PERHAPS


def whose_member(module: Module, node: ast.Attribute, kind: str) -> str:
    """Whose attribute of a value of this kind is it?"""
    if not _is_anywhere(module, kind, node.attr):
        return KERAS
    classes, all_known = _classes(module, node.value, kind)
    if any(node.attr in members(module.values, home) for home in classes):
        return OWN if all_known else PERHAPS
    return KERAS if all_known else PERHAPS


def _is_anywhere(module: Module, kind: str, attr: str) -> bool:
    """Does any class of this kind define the member, here or in a file near?"""
    if attr in module.own_members:
        values = module.values
        if any(values.class_kind(c) == kind and attr in members(values, c) for c in module.index.classes):
            return True
    return own_near(module.values, kind, attr)


def _classes(module: Module, value: ast.expr, kind: str) -> tuple[list[ast.ClassDef], bool]:
    """The classes of the module that a value may be of, with those that they inherit from; and are these all?"""
    values, names = module.values, module.names
    by_super = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super"
    if by_super or (isinstance(value, ast.Name) and value.id == "self"):
        home = names.enclosing_class(value)
        if home is None:
            return [], False
        found, known = _ancestry(module, home)
        return (found[1:] if by_super else found), known
    if isinstance(value, ast.Name):
        scope = names.scope(value).lookup(value.id)
        given: list[ast.expr | None] = [b.value for b in scope.bindings[value.id]] if scope is not None else []
    elif isinstance(value, ast.Attribute):
        given = list(values.set_on_self(value))
    else:
        given = [value]
    every: list[ast.ClassDef] = []
    all_known = bool(given)
    for one in given:
        func = one.func if isinstance(one, ast.Call) else None
        local = values.local_classes(func) if func is not None else []
        dotted = names.canonical(func) if func is not None else None
        if local:
            for home in local:
                found, known = _ancestry(module, home)
                every += found
                all_known = all_known and known
        elif dotted is None or not dotted.startswith(("keras.", "tensorflow.")):
            all_known = False
    if all_known:
        return every, True
    return [c for c in module.index.classes if values.class_kind(c) == kind], False


def _ancestry(module: Module, home: ast.ClassDef) -> tuple[list[ast.ClassDef], bool]:
    """A class and what it inherits from here; and is everything beyond that a library's?"""
    found, known = [home], True
    for one in found:
        for base in one.bases:
            local = module.values.local_classes(base)
            found += [c for c in local if c not in found]
            dotted = module.names.canonical(base)
            known = known and (
                bool(local) or (dotted or "").startswith(("keras.", "tensorflow.", "tensorflow_addons."))
            )
    return found, known


def _definitions(home: ast.ClassDef, attr: str) -> list[ast.FunctionDef]:
    return [n for n in home.body if isinstance(n, ast.FunctionDef) and n.name == attr]


def _hands_on(rule: Rule, node: ast.Call, method: ast.FunctionDef) -> bool:
    """Do the arguments that the rule is about come through the method as they are?"""
    given = method.args
    named = {a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs]} - {"self"}
    wanted = concerned(rule)
    if given.kwarg is None or wanted & named:
        return False
    return bool(wanted & {k.arg for k in node.keywords}) or (given.vararg is not None and not named)
