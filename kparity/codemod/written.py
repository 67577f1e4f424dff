"""Classes and functions that edits write into a module: what Keras 3 lacks, in its own words.

In: the text of a definition and the places that will need it. Out: a `Need` in front of the first statement of the
module that may run one of them, once however many ask. Called by edits and added.
"""

import ast
import re
from collections.abc import Sequence

from .arguments import CannotEdit
from .module import Module, Need

NAME = re.compile(r"(?:class|def) (\w+)\(")


def name_of(source: str) -> str:
    """What the definition is called; "" where it is none."""
    found = NAME.match(source)
    return found[1] if found is not None else ""


def written(module: Module, uses: Sequence[ast.AST], source: str) -> list[Need]:
    """What has to stand in the module for these places to find it; its `keras` is already the module's own.

    Raises:
        CannotEdit: its name is something else here, or the place isn't a line of its own.
    """
    name = name_of(source)
    text = source.replace("\n", module.newline())
    bound = module.names.scope(module.tree).bindings.get(name, ())
    own = bound[0].node if len(bound) == 1 else None
    if isinstance(own, ast.ClassDef | ast.FunctionDef) and module.source(own).split() == text.split():
        return []
    if not module.names.is_free(name, module.names.scope(module.tree)):
        raise CannotEdit(f"{name} is something else here")
    top = first_of(module, uses)
    start = min([module.start(top), *(module.start(d) - 1 for d in getattr(top, "decorator_list", ()))])
    line, column = module.line_column(start)
    if column != 1:
        raise CannotEdit("several statements stand in one line")
    blank = next((n for n in range(2) if line - n < 2 or module.line_text(line - n - 1).strip()), 2)
    return [Need(start, module.newline() * (2 - blank) + text)]


def first_of(module: Module, uses: Sequence[ast.AST]) -> ast.AST:
    """The first of the module's own statements that one of these places stands in."""
    return min((_top(module, use) for use in uses), key=module.start)


def _top(module: Module, node: ast.AST) -> ast.AST:
    while (above := module.names.parent(node)) is not None and above is not module.tree:
        node = above
    return node
