"""What rules say of import statements: what is imported otherwise, and what is told of what can't be.

In: an import statement. Out: `Site`s; `imports` makes the splices. A part of match.
"""

import ast
from collections.abc import Iterator

from ..rulebook import Rule, api, shim_homes, shim_names
from . import imports
from .about_names import AboutNames
from .edits import Edit
from .module import Splice, apply
from .names import KERAS, may_be_near, normal, under
from .scopes import Scope
from .sites import Held, Site


class AboutImports(AboutNames):
    """What is said of imports."""

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Site]:
        if isinstance(node, ast.ImportFrom) and may_be_near("." * node.level + (node.module or "")):
            yield from self._brought_twofold(node)
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
            known = under(dotted, "keras") or (under(dotted, "tensorflow") and not self.book.told_of(dotted))
            if known and self._is_twofold(alias.asname or alias.name.split(".")[0], node):
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
            again = self._renaming_again(group[0]) if len(node.names) == 1 else None
            if again is not None:
                yield from self._imported_twice(node, group[0].rule, splices, again)
                continue
            known = all(r.becomes is not None for r in group)
            for position, rule in enumerate({r.rule.id: r.rule for r in group}.values()):
                edit = Edit(splices if position == 0 else ())
                becomes = tuple(pair for r in group if r.rule is rule for pair in r.becomes or ())
                what = self.module.source(node)
                yield self._site(rule, node, edit, what=what, becomes=becomes if known else None)

    def _renaming_again(self, rewritten: imports.Rewritten) -> tuple[str, Rule, str] | None:
        """The old name, the rule that gives the new one another name, and that name; None if there is none."""
        if rewritten.becomes is None or self.module.suppresses:
            return None
        old, new = rewritten.becomes[0]
        moved = self.book.renaming(new)
        if moved is None or not moved[1].startswith("keras.") or not moved[0].safety == rewritten.rule.safety == "safe":
            return None
        return old, *moved

    def _imported_twice(
        self, node: ast.Import | ast.ImportFrom, first: Rule, splices: tuple[Splice, ...], again: tuple[str, Rule, str]
    ) -> Iterator[Site]:
        """A name that is imported from its new place, where it has another name by then, by that one at once."""
        old, rule, final = again
        module, start = self.module, self.module.start(node)
        between = apply(module.source(node), [Splice(s.start - start, s.end - start, s.text) for s in splices])
        made = imports.rewrite(module, node, self.book.flavour, lambda _: (first, final), self._must_stay)
        yield self._site(first, node, Edit(made[0][1]), what=module.source(node), becomes=((old, final),))
        yield self._site(rule, node, Edit(()), what=between, becomes=())

    def _must_stay(self, local: str, node: ast.stmt) -> bool:
        """Is some of what is reached through this import only in `tf.keras`? Then the import stays what it is."""
        scope = self.module.names.scope(node)
        if self._is_twofold(local, node):
            return True
        mine = self.module.names.name(local, scope)
        if node is self.free or mine is None or (under(normal(mine), "keras") and normal(mine) not in shim_homes()):
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
        return self._is_about_old(local, scope, mine)

    def _brought_twofold(self, node: ast.ImportFrom) -> Iterator[Site]:
        """Names of another file that are two things there, one of them Keras's: code about them isn't looked at."""
        names, near = self.module.names, self.module.near
        scope = names.scope(node)
        if near is None:
            return
        module = "." * node.level + (node.module or "")
        pairs = [(alias.asname or alias.name, alias.name) for alias in node.names if alias.name != "*"]
        if node.names[0].name == "*":
            pairs = [(name, name) for name in self.module.loads if scope.lookup(name) is None]
        for local, name in pairs:
            meant = near.meanings(module, name)
            if len({normal(one) for one in meant}) < 2 or near.brought(module, name) is not None:
                continue
            home = scope.lookup(local) or scope
            if any(self._is_about_old(local, home, one) for one in meant if normal(one).partition(".")[0] in KERAS):
                twofold = self.book.exact.get("builtins.import", ())
                yield from (self._site(rule, node, None, what=self.module.source(node)) for rule in twofold)
                return

    def _is_about_old(self, local: str, scope: Scope, mine: str) -> bool:
        """Is something reached through the name, if it is `mine`, that Keras 3 hasn't or that a rule is about?"""
        names = self.module.names
        for use in self.module.loads.get(local, ()):
            at: ast.AST = use
            dotted = mine
            while isinstance(parent := names.parent(at), ast.Attribute):
                at = parent
                dotted = f"{dotted}.{parent.attr}"
            dotted = normal(dotted)
            if names.scope(use).lookup(local) not in (scope, None):
                continue
            known = dotted in api(2) or dotted in shim_names() or dotted in self.book.exact
            if not under(dotted, "keras"):
                gone = bool(self.book.told_of(dotted))
            else:
                rules = self.book.exact.get(dotted, ())
                gone = known and (dotted not in api(3) or any(r.edit["kind"] != "manual" for r in rules))
            if gone:
                return True
        return False
