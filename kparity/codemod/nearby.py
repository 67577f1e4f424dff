"""What the classes and functions of other files of the project give: `make_model()` of networks.py, a `BaseLayer`.

In: a `Values` and what is called. Out: `Made`, or None where no file near says it. Called by values, tensors and own;
`project` finds the file and asks its `Values` the same.
"""

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .names import may_be_near

if TYPE_CHECKING:
    from .values import Values


@dataclass(frozen=True)
class Made:
    """What calling a class or function of another file gives."""

    kind: str | None
    own: frozenset[str] = frozenset()
    """The members that classes of that kind define there: what they do is not what Keras does."""
    odd: bool = False
    """Is it a class that handles ragged, sparse or string tensors?"""


def made_near(values: "Values", func: ast.AST) -> Made | None:
    """What the class or function `func` gives, if it is imported from another file of the project."""
    if func not in values.near_made:
        values.near_made[func] = _asked(values, func)
    return values.near_made[func]


def own_near(values: "Values", kind: str, attr: str) -> bool:
    """Does some class of this kind that other files hand on define the member itself?"""
    return any(made is not None and made.kind == kind and attr in made.own for made in values.near_made.values())


def _asked(values: "Values", func: ast.AST) -> Made | None:
    names = values.names
    if names.near is None or not isinstance(func, ast.Name | ast.Attribute):
        return None
    written = names.written(func)
    if written is None:
        return _starred(values, func) if isinstance(func, ast.Name) else None
    anchors = names.anchors(func)
    if len(anchors) != 1 or not may_be_near(written):
        return None
    name = written.rpartition(".")[2]
    anchor = anchors[0]
    if isinstance(anchor, ast.ImportFrom) and anchor.level and not anchor.module:
        written = written[1:]  # `from . import networks`
    home = written.removesuffix(name)
    return names.near.made(home if not home.strip(".") else home[:-1], name) if home else None


def _starred(values: "Values", func: ast.Name) -> Made | None:
    names = values.names
    if names.scope(func).lookup(func.id) is not None or names.near is None:
        return None
    for star in reversed(names.root.stars):
        made = names.near.made(star, func.id) if may_be_near(star) else None
        if made is not None:
            return made
    return None


def handed(values: "Values", name: str) -> Made | None:
    """What calling the module-level `name` of this file gives: the answer to another file's question."""
    func = ast.Name(name, ast.Load())
    home = values.names.root
    if name not in home.bindings and not home.stars:
        return None
    kind = values.called(func)
    further = made_near(values, func)
    classes = [c for c in values.names.index.classes if kind is not None and values.class_kind(c) == kind]
    own = {member for c in classes for member in members(values, c)}
    own.update(*(m.own for m in values.near_made.values() if m is not None and m.kind == kind))
    here = [b.node for b in home.bindings.get(name, ()) if isinstance(b.node, ast.ClassDef)]
    odd = any(values.is_odd(c) for c in here) or (further is not None and further.odd)
    return Made(kind, frozenset(own), odd)


def members(values: "Values", home: ast.ClassDef) -> set[str]:
    """What a class defines, in its body or on `self`."""
    found = {n.name for n in home.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    targets = [t for n in home.body if isinstance(n, ast.Assign) for t in n.targets]
    targets += [n.target for n in home.body if isinstance(n, ast.AnnAssign)]
    return found | {t.id for t in targets if isinstance(t, ast.Name)} | set(values.set_by(home))
