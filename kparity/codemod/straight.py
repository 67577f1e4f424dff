"""Which value a name has where it is read, in code that runs straight down.

In: a name that is read. Out: the one value that it can have there, and every read of it that sees the same value; None
where branches, loops or functions could give it another. Called by paths, newest and others.
"""

import ast

from .module import Module
from .scopes import Binding


def value_at(module: Module, name: ast.Name) -> tuple[ast.expr, list[ast.Name]] | None:
    """What the name was given last above, and all reads that get this value."""
    home = module.names.scope(name).lookup(name.id)
    bound = home.bindings[name.id] if home is not None else []
    if not bound or any(b.value is None or b.kind != "assign" for b in bound if not isinstance(b.node, ast.Delete)):
        return None
    uses = [
        use
        for use in module.loads.get(name.id, ())
        if isinstance(use.ctx, ast.Load) and module.names.scope(use).lookup(name.id) is home
    ]
    if len(bound) == 1:
        value = bound[0].value
        return (value, uses) if value is not None else None
    body = getattr(home.node, "body", None) if home is not None else None
    starts = sorted((module.start(statement), b) for b in bound if (statement := _plain(module, b, body)) is not None)
    if len(starts) != len(bound) or any(module.names.scope(use) is not home for use in uses):
        return None
    return _last_above(module, name, starts, uses)


def _plain(module: Module, binding: Binding, body: object) -> ast.stmt | None:
    """The assignment, where it stands right in the body of its function or module: no branch or loop is around it."""
    if not isinstance(body, list):
        return None
    statement = module.names.statement(binding.value or binding.node)
    return statement if any(statement is one for one in body) else None


def _last_above(
    module: Module, name: ast.Name, starts: list[tuple[int, Binding]], uses: list[ast.Name]
) -> tuple[ast.expr, list[ast.Name]] | None:
    at = module.start(module.names.statement(name))
    ends = [start for start, _ in starts]
    before = [n for n, start in enumerate(ends) if start < at]
    if not before or starts[before[-1]][1].value is None:
        return None
    first = ends[before[-1]]
    last = ends[before[-1] + 1] if before[-1] + 1 < len(ends) else len(module.text)
    # what is given next may be made of this: `path = path + "x"`
    mine = [use for use in uses if first < module.start(module.names.statement(use)) <= last]
    value = starts[before[-1]][1].value
    return (value, mine) if value is not None else None


def last_given(module: Module, name: ast.Name) -> ast.expr | None:
    """What the name was given last above, whatever functions and lambdas may see of it later."""
    home = module.names.scope(name).lookup(name.id)
    bound = home.bindings[name.id] if home is not None else []
    body = getattr(home.node, "body", None) if home is not None else None
    starts = sorted((module.start(statement), b) for b in bound if (statement := _plain(module, b, body)) is not None)
    if not starts or len(starts) != len(bound) or any(b.kind != "assign" for b in bound):
        return None
    if module.names.scope(name) is not home:
        return bound[0].value if len(bound) == 1 else None
    found = _last_above(module, name, starts, [])
    return found[0] if found is not None else None
