"""What a value may be that nobody can be sure of, by what it is called: a parameter `model`, `self` of a `BaseLayer`.

In: an expression of which `Values` can't say what it is. Out: the kind that its name suggests, or None. Called by
match, for rules about things that Keras 3 refuses: they are told there, with an "if", and never edited.
"""

import ast
import re

from .values import Values

SUGGESTS = (
    ("optimizer", re.compile(r"optimi[sz]ers?\d*$|(^|_)opti?m?s?\d*$")),
    (
        "metric",
        re.compile(
            r"metrics?(_fn|_func|_function|_obj|_object)?\d*$|(^|_)(acc|accuracy|loss_tracker|mean_loss|avg_loss)\d*$"
        ),
    ),
    ("layer", re.compile(r"layers?(_dict|_list|_map)?\d*$")),
    (
        "model",
        re.compile(
            r"(^|_)models?_?\w?\d*$|(^|_)(network|generator|discriminator|critic|autoencoder|backbone|encoder|decoder)\d*$"
        ),
    ),
)
"""Kinds and what the names of their values end with."""


def likely(values: Values, node: ast.expr) -> str | None:
    """The kind that the name of a value suggests, unless what is assigned to it says otherwise."""
    at = node
    while isinstance(at, ast.Subscript):
        at = at.value
    if isinstance(at, ast.Call):
        dotted = values.names.canonical(at.func)
        at = at.func
        if dotted is not None and values.names.is_foreign(dotted):
            return None
    if isinstance(at, ast.Name) and at.id == "self":
        home = values.names.enclosing_class(at)
        bases = [_identifier(base).lower() for base in home.bases] if home is not None else []
        return next((kind for kind, _ in SUGGESTS for base in bases if kind in base), None)
    kind = _suggested(_identifier(at)) or _last_given(values, at)
    if kind is None or any(_is_foreign(values, given) for given in _given(values, at)):
        return None
    return kind


def _identifier(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _suggested(identifier: str) -> str | None:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", identifier).lower()
    return next((kind for kind, pattern in SUGGESTS if pattern.search(name)), None)


def _given(values: Values, node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.Name):
        home = values.names.scope(node).lookup(node.id)
        return [b.value for b in home.bindings[node.id] if b.kind == "assign" and b.value] if home is not None else []
    if isinstance(node, ast.Attribute):
        return values.set_on_self(node)
    return []


def _last_given(values: Values, node: ast.expr) -> str | None:
    """Of a name that is given several kinds of values, one after the other: the kind of the last one above."""
    if not isinstance(node, ast.Name):
        return None
    above = [value for value in _given(values, node) if value.lineno < node.lineno]
    return values.kind(max(above, key=lambda value: value.lineno)) if above else None


def _is_foreign(values: Values, given: ast.expr) -> bool:
    """Does another library make this value?"""
    if not isinstance(given, ast.Call):
        return False
    dotted = values.names.meaning(given.func)
    return dotted is not None and not dotted.startswith(".") and values.names.is_foreign(dotted)
