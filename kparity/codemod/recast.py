"""Code that a template writes: can rules have anything to say about it, and is its value of the kind that it was?

In: a site whose whole call was written anew. Out: yes or no. Called by settled: where the answer is that nothing is
left to say, and nobody has asked for another kind of value than the new code has, the file needs no second look.
"""

import ast
import re
from dataclasses import dataclass

from ..rulebook import Rule, api
from .book import Book
from .changed import change_of
from .edits import arguments, words
from .match import Site
from .module import Module
from .values import passes_on

PLAIN = frozenset({"len", "list", "tuple", "int", "float"})
"""Builtins whose values are of no kind that rules ask for."""
PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Recast:
    """What is known of a template."""

    quiet: bool
    """Has no rule anything to say about the names, attributes and calls that it brings?"""
    operands: tuple[str, ...] = ()
    """The arguments of which one has to be a tensor for the value to be one; none of them: its value is of no kind."""


def is_quiet(site: Site, module: Module, book: Book) -> bool:
    """Is nothing left to say of what stands there now, nor of what comes of it?"""
    node = site.node
    if site.rule.edit["kind"] != "template" or type(node) is not ast.Call or module.target != "keras":
        return False
    if site.rule.id not in book.recast:
        book.recast[site.rule.id] = _looked_at(site.rule, book)
    recast: Recast = book.recast[site.rule.id]
    if not recast.quiet:
        return False
    values = module.values
    if node not in values.asked:
        return True
    given = {a.name: a.value for a in arguments(node, words(site.rule.edit.get("params")))}
    if isinstance(node.func, ast.Attribute):
        given["self"] = node.func.value
    kinds = {values.kind(given[name]) for name in recast.operands if name in given}
    return values.kind(node) == ("tensor" if "tensor" in kinds else None)


def _looked_at(rule: Rule, book: Book) -> Recast:
    try:
        tree = ast.parse(PLACE.sub(r"given_\1", rule.edit["to"]), mode="eval").body
    except SyntaxError:
        return Recast(False)
    if not isinstance(tree, ast.Call) or not _is_quiet(tree, book):
        return Recast(False)
    dotted = _dotted(tree.func)
    passing = dotted is not None and passes_on(dotted)
    operands = [a.id.removeprefix("given_") for a in tree.args if isinstance(a, ast.Name)] if passing else []
    if passing and len(operands) < len(tree.args):
        return Recast(False)  # one of them is code of its own, or a constant
    return Recast(True, tuple(operands))


def _is_quiet(node: ast.AST, book: Book) -> bool:
    match node:
        case ast.Attribute():
            dotted = _dotted(node)
            if dotted is not None:
                return (
                    dotted in api(3) and not book.rules_of(dotted) and book.is_quiet(dotted) and not change_of(dotted)
                )
            return node.attr not in book.watched and _is_quiet(node.value, book)
        case ast.Name():
            return node.id in PLAIN or node.id.startswith("given_")
        case ast.Constant():
            return node.value not in book.strings
        case ast.Call(func=func):
            if _dotted(func) is None and not (isinstance(func, ast.Name) and func.id in PLAIN):
                return False
            return all(_is_quiet(n, book) for n in (func, *node.args, *(k.value for k in node.keywords)))
        case ast.BinOp() | ast.UnaryOp() | ast.Tuple() | ast.List():
            return all(_is_quiet(n, book) for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr))
    return False


def _dotted(node: ast.AST) -> str | None:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(["keras", *reversed(parts)]) if isinstance(node, ast.Name) and node.id == "keras" else None
