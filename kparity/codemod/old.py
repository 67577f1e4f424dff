"""Was a module written for Keras 2? Only then may a default that changed be pinned to its old value.

In: a module. Out: yes or no, by the names that its imports and its code say. Called by migrate and settled.
"""

import ast
from collections.abc import Iterator

from ..rulebook import api
from .module import Module
from .names import KERAS, normal, under


def is_old(module: Module) -> bool:
    """Was the module written for Keras 2? Only then may a default that changed be pinned to its old value.

    Names that only Keras 3 has, and none of the old spellings, say that it is Keras 3 code already.
    """
    new = False
    for name, _ in names_as_written(module):
        plain = normal(name)
        if name != plain and under(plain, "keras"):
            return True
        new = new or (under(plain, "keras") and plain in api(3) and plain not in api(2))
    return not new


def names_as_written(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """What the imports and dotted names of a module say, as written, and where."""
    for node in module.index.imports:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)
    for name in module.names.roots(KERAS):
        for use in module.loads.get(name, ()):
            at: ast.AST = use
            while isinstance(parent := module.names.parent(at), ast.Attribute):
                at = parent
                yield module.names.written(at) or "", at
