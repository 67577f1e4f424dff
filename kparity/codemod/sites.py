"""A rule at a place: what every part of match makes.

In: a rule, a node and the edit that was tried. Out: a `Site`, with the edit or with the reason why a person has to
look. Called by match and its parts, about_calls, about_names and about_imports, and by settled.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..rulebook import Rule, shim_names
from . import fstrings
from .arguments import CannotEdit
from .book import Book
from .edits import Edit
from .module import Module


class Site(NamedTuple):
    """One rule at one place."""

    rule: Rule
    start: int
    end: int
    """Character offsets of the place, and its first and last line below."""
    lines: tuple[int, int]
    edit: Edit | None = None
    reason: str = ""
    """Why there is no edit, or what to know about it."""
    what: str = ""
    """The code it is about, shortened."""
    becomes: tuple[tuple[str, str], ...] | None = None
    """Canonical names that change by the edit, old and new; None where it does more than name things anew."""
    about: str | None = None
    """The canonical name that it is told about; None where it is about something else, or about more than a name."""
    node: ast.AST | None = None


class Held(NamedTuple):
    """A name that keeps its flavour, and why: while one of these things stands, so does the name."""

    reached: list[int]
    """Character offsets of what is reached through it and has no other place."""
    statement: ast.Import | ast.ImportFrom | None
    """The import that it comes from; None where it is said in full."""


class Finder:
    """One module and the rules that it is held against; what the parts of match have in common."""

    def __init__(self, module: Module, book: Book, old_code: bool) -> None:
        self.module = module
        self.book = book
        self.old_code = old_code
        self.held: list[Held] = []
        self.free: ast.stmt | None = None
        self._said: dict[ast.Call, list[Site]] = {}

    def _try(
        self,
        rule: Rule,
        node: ast.AST,
        make: Any,
        certain: bool = True,
        becomes: tuple[tuple[str, str], ...] | None = None,
        about: str | None = None,
    ) -> Iterator[Site]:
        try:
            inside = node in self.module.inside_strings
            if inside and not fstrings.located(self.module, node):
                raise CannotEdit("it stands inside an f-string")
            edit = make()
            if inside and edit is not None and not all(fstrings.fits(self.module, node, s) for s in edit.splices):
                raise CannotEdit("it stands inside an f-string, which can't hold the new code")
        except CannotEdit as error:
            yield self._site(rule, node, None, str(error), about=about)
            return
        if edit is not None:
            whole = Edit(edit.splices, edit.needs, edit.certain and certain)
            reason = "" if whole.certain else edit.doubt or "it isn't certain what this value is"
            yield self._site(rule, node, whole, reason, becomes=becomes, about=about)

    def _site(
        self,
        rule: Rule,
        node: ast.AST,
        edit: Edit | None,
        reason: str = "",
        what: str = "",
        becomes: tuple[tuple[str, str], ...] | None = None,
        about: str | None = None,
    ) -> Site:
        return made_site(self.module, rule, node, edit, reason, what, becomes, about)


def made_site(
    module: Module,
    rule: Rule,
    node: ast.AST,
    edit: Edit | None,
    reason: str = "",
    what: str = "",
    becomes: tuple[tuple[str, str], ...] | None = None,
    about: str | None = None,
) -> Site:
    """One rule at a node; `what` is said instead of the node's own text."""
    if node in module.inside_strings:
        fstrings.located(module, node)
    start, end = module.start(node), module.end(node)
    text = shortened(what or module.text[start:end])
    lines = (node.lineno, node.end_lineno)  # type: ignore[attr-defined]
    return Site(rule, start, end, lines, edit, reason, text, becomes, about, node)


def gone_site(module: Module, rule: Rule, node: ast.AST, dotted: str) -> Site:
    """A name that Keras 3 doesn't have: where it is still to be had."""
    where = "only as tf.keras, with the TensorFlow backend" if dotted in shim_names() else "nowhere"
    return made_site(module, rule, node, None, f"{dotted} is in Keras 3 {where}", about=dotted)


def shortened(code: str) -> str:
    """Code on one line, and not too much of it."""
    plain = len(code) <= 70 and "  " not in code and code.isprintable()
    text = code.strip() if plain else " ".join(code.split())
    return text if len(text) <= 70 else text[:67] + "..."


def in_order(found: Iterable[Site]) -> list[Site]:
    return sorted(found, key=lambda site: (site.start, site.rule.id))
