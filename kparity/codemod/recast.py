"""Code that a template writes: can rules have anything to say about it, and is its value of the kind that it was?

In: a site whose whole call was written anew. Out: yes or no. Called by settled: where the answer is that nothing is
left to say, and nobody has asked for another kind of value than the new code has, the file needs no second look.
"""

import ast
import re

from ..rulebook import Rule, api
from .arguments import arguments, words
from .book import Book
from .changed import change_of, differs
from .indirect import possible
from .kinds import passes_on
from .module import Module
from .sites import Site
from .values import Values

PLAIN = frozenset({"len", "list", "tuple", "int", "float"})
"""Builtins whose values are of no kind that rules ask for."""
METHODS = frozenset({"assign", "assign_add", "assign_sub"})
"""Methods of which the same is true."""
PLACE = re.compile(r"\{(\w+)\}")


NAMES_ALONE = frozenset({"kind", "params", "order", "keywords_from", "drop"})
"""What a rule about a call says that only gives arguments their names, or leaves them out."""


def is_quiet(site: Site, module: Module, book: Book) -> bool:
    """Is nothing left to say of what stands there now, nor of what comes of it?"""
    node = site.node
    if site.rule.edit["kind"] == "call":
        return type(node) is ast.Call and _only_names(site.rule, node, module, book)
    if site.rule.edit["kind"] != "template" or type(node) is not ast.Call or module.target != "keras":
        return False
    if site.rule.id not in book.recast:
        book.recast[site.rule.id] = _read(site.rule, book)
    tree = book.recast[site.rule.id]
    if tree is None:
        return False
    if node not in module.values.asked:
        return True
    given = {a.name or "": a.value for a in arguments(node, words(site.rule.edit.get("params")))}
    if isinstance(node.func, ast.Attribute):
        given["self"] = node.func.value
    return module.values.kind(node) == _kind(tree, given, module.values)


def _only_names(rule: Rule, node: ast.Call, module: Module, book: Book) -> bool:
    """Does a call of a method only get its arguments' names, of which nothing else has anything to say?"""
    func = node.func
    if not isinstance(func, ast.Attribute) or not set(rule.edit) <= NAMES_ALONE or module.target != "keras":
        return False
    rules = book.methods.get(func.attr, ())
    kinds = {kind for kind, one in rules if one is rule} | {"any"}
    if any(one is not rule and kind in kinds for kind, one in rules):
        return False
    given = arguments(node, words(rule.edit.get("params")))
    left = {argument.name for argument in given} - set(words(rule.edit.get("drop")))
    if None in left or any(isinstance(a.value, ast.Constant) and a.value.value in book.strings for a in given):
        return False
    if left & book.flags or differs(module, func, left):
        return False
    if node in module.values.asked and any(module.values.kind(value) is not None for value in node.args):
        return False  # what comes of a call is worked out from what stands in its places
    return left.isdisjoint(book.touchy) or not possible(module, func)


def _read(rule: Rule, book: Book) -> ast.expr | None:
    """What a template writes, with names for what is put in; None where some rule may have something to say of it."""
    try:
        tree = ast.parse(PLACE.sub(r"given_\1", rule.edit["to"]), mode="eval").body
    except SyntaxError:
        return None
    own = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return tree if not isinstance(tree, ast.Constant) and _is_quiet(tree, book, own) else None


def _is_quiet(node: ast.AST, book: Book, own: set[str]) -> bool:
    match node:
        case ast.Attribute():
            dotted = _dotted(node)
            if dotted is not None:
                return (
                    dotted in api(3) and not book.rules_of(dotted) and book.is_quiet(dotted) and not change_of(dotted)
                )
            return node.attr not in book.watched and _is_quiet(node.value, book, own)
        case ast.Name():
            return node.id in PLAIN or node.id in own or node.id.startswith("given_")
        case ast.Constant():
            return node.value not in book.strings
        case ast.Call(func=func):
            method = isinstance(func, ast.Attribute) and func.attr not in book.called and not node.keywords
            if _dotted(func) is None and not method and not (isinstance(func, ast.Name) and func.id in PLAIN):
                return False
            return all(_is_quiet(n, book, own) for n in (func, *node.args, *(k.value for k in node.keywords)))
        case (
            ast.BinOp()
            | ast.UnaryOp()
            | ast.Tuple()
            | ast.List()
            | ast.Subscript()
            | ast.ListComp()
            | ast.comprehension()
        ):
            inner = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr | ast.comprehension)]
            return all(_is_quiet(n, book, own) for n in inner)
    return False


def _kind(node: ast.AST, given: dict[str, ast.expr], values: Values) -> str | None:
    """The kind of what a template writes, as `Values` would say it; anything else than a kind where it isn't known."""
    match node:
        case ast.Name(id=name) if name.startswith("given_"):
            value = given.get(name.removeprefix("given_"))
            return values.kind(value) if value is not None else None
        case ast.Constant():
            return None
        case ast.BinOp() | ast.UnaryOp():
            operands = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
            return "tensor" if "tensor" in [_kind(n, given, values) for n in operands] else None
        case ast.Call(func=func):
            dotted = _dotted(func)
            if dotted is not None and passes_on(dotted):
                return "tensor" if "tensor" in [_kind(n, given, values) for n in node.args] else None
            if isinstance(func, ast.Name) or (isinstance(func, ast.Attribute) and func.attr in METHODS):
                return None
    return "unknown"


def _dotted(node: ast.AST) -> str | None:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(["keras", *reversed(parts)]) if isinstance(node, ast.Name) and node.id == "keras" else None
