"""What rules say of import statements: what is imported otherwise, and what is told of what can't be.

In: an import statement. Out: `Site`s; `imports` makes the splices. A part of match.
"""

import ast
from collections.abc import Iterator

from ..rulebook import api, shim_names
from . import imports
from .about_names import AboutNames
from .edits import Edit
from .names import normal, under
from .sites import Held, Site


class AboutImports(AboutNames):
    """What is said of imports."""

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Site]:
        if isinstance(node, ast.ImportFrom) and node.level:
            return
        home = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        passed = [self.book.is_passed_over(home + alias.name) for alias in node.names]
        if not all(passed):
            yield from self.imported_otherwise(node)
        if imports.is_guarded(self.module, node):
            return
        for alias, quiet in zip(node.names, passed, strict=True):
            dotted = normal(home + alias.name)
            if under(dotted, "keras") and self._is_twofold(alias.asname or alias.name.split(".")[0], node):
                twofold = self.book.exact.get("builtins.import", ())
                yield from (self._site(rule, node, None, what=self.module.source(node)) for rule in twofold)
            if quiet:
                continue
            rules = self.book.told_of(dotted)
            if rules:
                said = self.module.source(node)
                yield from (self._site(rule, node, None, what=said, about=dotted) for rule in rules)
            else:
                yield from self._gone(dotted.removesuffix(".*"), node)

    def imported_otherwise(self, node: ast.Import | ast.ImportFrom) -> Iterator[Site]:
        groups = imports.rewrite(self.module, node, self.book.flavour, self.book.renaming, self._must_stay)
        for group, splices in groups:
            by_rule = {r.rule.id: r for r in group}
            for position, rewritten in enumerate(by_rule.values()):
                edit = Edit(splices if position == 0 else ())
                becomes = rewritten.becomes if all(r.becomes is not None for r in group) else None
                yield self._site(rewritten.rule, node, edit, what=self.module.source(node), becomes=becomes)

    def _must_stay(self, local: str, node: ast.stmt) -> bool:
        """Is some of what is reached through this import only in `tf.keras`? Then the import stays what it is."""
        scope = self.module.names.scope(node)
        if self._is_twofold(local, node):
            return True
        if node is self.free:
            return False
        found = [
            self._shim_only(use)
            for use in self.module.loads.get(local, ())
            if self.module.names.scope(use).lookup(local) is scope
        ]
        reached = [self.module.end(name) - 1 for name in found if name is not None]
        if reached:
            assert isinstance(node, ast.Import | ast.ImportFrom)
            self.held.append(Held(reached, node))
        return bool(reached)

    def _is_twofold(self, local: str, node: ast.stmt) -> bool:
        """Is the name bound to something else, too, so that code about it isn't looked at, though it should be?"""
        names = self.module.names
        scope = names.scope(node).lookup(local) or names.scope(node)
        bound = scope.bindings.get(local, [])
        if len(bound) < 2:
            return False
        mine = next((b.target for b in bound if b.node is node), None)
        if mine is None or names.name(local, scope) is not None:
            return False
        for use in self.module.loads.get(local, ()):
            at: ast.AST = use
            dotted = mine
            while isinstance(parent := names.parent(at), ast.Attribute):
                at = parent
                dotted = f"{dotted}.{parent.attr}"
            dotted = normal(dotted)
            known = dotted in api(2) or dotted in shim_names()
            if names.scope(use).lookup(local) is not scope or not (known or dotted in self.book.exact):
                continue
            if dotted not in api(3) or any(r.edit["kind"] != "manual" for r in self.book.exact.get(dotted, ())):
                return True
        return False
