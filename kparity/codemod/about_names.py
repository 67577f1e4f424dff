"""What rules say of names: other places, other flavours, names that are gone.

In: a node that stands for a dotted name, and that name. Out: `Site`s. A part of match.
"""

import ast
import functools
from collections.abc import Iterator
from typing import Any

from ..rulebook import Rule, api, exists, keras_only, shim_names
from . import handed
from .about_calls import AboutCalls
from .book import ABOUT_NAMES
from .edits import Edit, own_edit, reference_edit, rename_edit
from .module import Module, Splice
from .names import TF_VIEWS, normal, under
from .places import renamed
from .sites import Held, Site, gone_site


class AboutNames(AboutCalls):
    """What is said of names."""

    def _shim_only(self, node: ast.AST) -> ast.AST | None:
        """What is reached through this name and is in `tf.keras` alone."""
        at: ast.AST | None = node
        while isinstance(at, ast.Attribute | ast.Name):
            dotted = self.module.names.canonical(at)
            if dotted is not None and dotted in shim_names():
                moved = self.book.renaming(dotted)
                if moved is None or moved[1].startswith("tensorflow."):
                    return at
            parent = self.module.names.parent(at)
            at = parent if isinstance(parent, ast.Attribute) else None
        return None

    def _bases(self, node: ast.ClassDef) -> Iterator[Site]:
        for base in node.bases:
            dotted = self.module.names.meaning(base)
            for rule in self.book.named(dotted, ("base",)) if dotted else ():
                yield from self._try(rule, base, lambda base=base, rule=rule: self._base_edit(rule, base))

    def _base_edit(self, rule: Rule, base: ast.expr) -> Edit:
        return reference_edit(rule.edit["to"], self.module, base)

    def _name(self, node: ast.Attribute | ast.Name | ast.Call, written: str) -> Iterator[Site]:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            return
        dotted = normal(written)
        parent = self.module.names.parent(node)
        inner = isinstance(parent, ast.Attribute) and parent.value is node
        called = isinstance(parent, ast.Call) and parent.func is node
        if isinstance(node, ast.Attribute) and written != dotted and (dotted == "keras" or written in TF_VIEWS):
            yield from self._flavour(node, written, dotted)
            return
        imported = isinstance(node, ast.Name) and bool(self.module.names.scope(node).lookup(node.id))
        if not imported:
            for rule in self.book.named(dotted, ("rename", "public")):
                target = renamed(rule, dotted) or ""
                if target == written or (target.startswith("tensorflow.") and not exists(target)):
                    continue
                becomes = ((dotted, target or dotted),)
                make: Any = functools.partial(rename_edit, rule, self.module, node, dotted)
                for site in self._try(rule, node, make, becomes=becomes):
                    yield from self._renamed_twice(site, node, dotted, target)
        for rule in self.book.named(dotted, ("literal",)):
            to = rule.edit["to"] if rule.edit["to"] != "*" else dotted.rsplit(".", 1)[-1]
            splice = Splice(self.module.start(node), self.module.end(node), to)
            yield from self._try(rule, node, lambda splice=splice: Edit((splice,)), becomes=())
        told = False
        within = self.module.names.canonical(node.value) if isinstance(node, ast.Attribute) else None
        said = self.book.named(within, ("manual",)) if within is not None else []
        for rule in self.book.named(dotted, ("manual",)):
            if rule in said:
                told = True  # of the package that it is in
            elif (not rule.when or not called) and not rule.when and not imported:
                told = True
                yield self._site(rule, node, None, about=dotted)
        if not called and not inner:
            for rule in self.book.named(dotted, ("call",)):
                if rule.edit.get("to", "").startswith("keras.") and set(rule.edit) <= {
                    "kind",
                    "to",
                    "params",
                    "drop",
                    "rename",
                }:
                    plainly = handed.is_called_plainly(self.module, rule, node)
                    if "tensor" in rule.when and not (plainly and handed.computes_with_keras(self.module, node)):
                        continue  # TensorFlow's own function does as well
                    make = functools.partial(call_like, rule, self.module, node, dotted)
                    yield from self._try(rule, node, make, plainly, becomes=self._becomes(rule, dotted))
                elif "defines" in rule.edit and not rule.when and isinstance(node, ast.Attribute | ast.Name):
                    yield from self._try(rule, node, functools.partial(own_edit, rule, self.module, node))
        if told or imported or (self.book.target == "keras" and dotted in api(3)):
            return
        of_tf_1 = any(under(written, view) for view in TF_VIEWS) and dotted not in api(2)
        if not of_tf_1:
            yield from self._gone(dotted, node)

    def _renamed_twice(self, site: Site, node: ast.AST, dotted: str, target: str) -> Iterator[Site]:
        """A name that is said anew; where its new name has another one, by then, that one at once."""
        moved = self.book.renaming(target)
        made = site.edit.splices if site.edit is not None and site.edit.certain else ()
        if moved is None or [s.text for s in made] != [target] or self.module.suppresses:
            yield site
            return
        rule, final = moved
        plain = rule.safety == site.rule.safety == "safe" and final.startswith("keras.")
        if not plain or node in self.module.inside_strings or self.module.stays_tf("keras", node):
            yield site
            return
        assert site.edit is not None
        edit = site.edit._replace(splices=(made[0]._replace(text=final),))
        yield site._replace(edit=edit, becomes=((dotted, final),))
        yield site._replace(rule=rule, edit=Edit(()), what=target, becomes=())

    def _flavour(self, node: ast.Attribute, written: str, dotted: str) -> Iterator[Site]:
        """`tf.keras` -> `keras`, unless what is reached through it exists in `tf.keras` alone."""
        rule = self.book.flavour(self._whole(node) if self.book.target == "tf.keras" else written)
        if rule is None:
            return
        pending = self._shim_only(node) or self._pending(node)
        if pending is not None:
            self.held.append(Held([self.module.end(pending) - 1], None))
            return
        if dotted != "keras" and not self._is_known(self.module.names.parent(node)):
            return
        statement = self.module.names.parent(node)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and statement.value is node:
            target = statement.targets[0]
            if isinstance(target, ast.Name) and dotted == "keras":
                text = "import keras" + (f" as {target.id}" if target.id != "keras" else "")
                splice = Splice(self.module.start(statement), self.module.end(statement), text)
                yield self._site(rule, node, Edit((splice,)))
                return
        yield from self._try(rule, node, lambda: reference_edit(dotted, self.module, node), becomes=())

    def _is_known(self, node: ast.AST | None) -> bool:
        dotted = self.module.names.canonical(node) if isinstance(node, ast.Attribute) else None
        return dotted in api(2) or dotted in api(3)

    def _says_keras(self, node: ast.AST) -> bool:
        """Is `tf.keras` spelled out here, so that it can become `keras` here?"""
        while isinstance(node, ast.Attribute):
            if self.module.names.canonical(node) == "keras":
                return True
            node = node.value
        return not isinstance(node, ast.Name)

    def _whole(self, node: ast.AST) -> str:
        """The dotted name that the name at `node` is the beginning of, as it was written."""
        while isinstance(parent := self.module.names.parent(node), ast.Attribute):
            node = parent
        return self.module.names.written(node) or ""

    def _pending(self, node: ast.AST) -> ast.AST | None:
        """Does the name go on to something that Keras 3 has nowhere? Then `tf.keras` is as good as `keras`."""
        at: ast.AST = node
        while isinstance(parent := self.module.names.parent(at), ast.Attribute):
            at = parent
            dotted = self.module.names.canonical(at)
            if dotted is not None and dotted not in api(3) and api(3).get(dotted.rpartition(".")[0]) == "module":
                return at if dotted in api(2) and self.book.renaming(dotted) is None else None
        return None

    def _gone(self, dotted: str, node: ast.AST) -> Iterator[Site]:
        """A name of Keras that Keras 3 doesn't have, and that no rule takes care of."""
        rule = self.book.gone
        if rule is not None and self.book.target == "tf.keras" and under(dotted, "keras"):
            # what code says by a name that came from TensorFlow stays there
            if dotted in shim_names() and self._from_tensorflow(node):
                return
            if dotted in keras_only() and self._from_tensorflow(node) and not self._says_keras(node):
                yield self._site(rule, node, None, f"{dotted} is in Keras 3 only as keras, not as tf.keras")
                return
        if rule is None or dotted in api(3) or not under(dotted, "keras"):
            return
        home, _, last = dotted.rpartition(".")
        importing = isinstance(node, ast.Import | ast.ImportFrom)
        if self._renamed_around(dotted, importing):
            return
        known = any(r.edit["kind"] in ("call", "template") for r in self.book.exact.get(dotted, ()))
        if last.startswith("__") or (api(3).get(home) != "module" and not importing and not known):
            return
        if any(r.edit["kind"] in ABOUT_NAMES for r in (*self.book.exact.get(dotted, ()), *self._beyond(node))):
            # another rule knows it, and says what it has to say where it is called
            parent = self.module.names.parent(node)
            if self._beyond(node) or (importing and self._uses_are_told(dotted, node)):
                return
            if isinstance(parent, ast.Call) and parent.func is node and self._call(parent):
                return
        yield gone_site(self.module, rule, node, dotted)

    def _uses_are_told(self, dotted: str, node: ast.AST) -> bool:
        """Is every use of a name that is imported here edited or told? An import of it alone raises, too."""
        assert isinstance(node, ast.Import | ast.ImportFrom)
        alias = next((a for a in node.names if dotted.endswith(a.name)), node.names[0])
        local = alias.asname or alias.name.split(".")[0]
        uses = self.module.loads.get(local, ())
        return bool(uses) and all(self._is_told(use) for use in uses)

    def _is_told(self, use: ast.AST) -> bool:
        parent = self.module.names.parent(use)
        if isinstance(parent, ast.Attribute):
            return True  # of what is reached through it
        if isinstance(parent, ast.Call) and parent.func is use and self._call(parent):
            return True
        if isinstance(parent, ast.ClassDef) and any(True for _ in self._bases(parent)):
            return True
        written = self.module.names.written(use)
        if written is None or not isinstance(use, ast.Name | ast.Attribute | ast.Call):
            return False
        return any(True for _ in self._name(use, written))

    def _beyond(self, node: ast.AST) -> list[Rule]:
        """Rules about something that is reached through this name."""
        at: ast.AST = node
        while isinstance(parent := self.module.names.parent(at), ast.Attribute):
            at = parent
            rules = self.book.named(self.module.names.canonical(at) or "", ABOUT_NAMES)
            if rules:
                return rules
        return []

    def _from_tensorflow(self, node: ast.AST) -> bool:
        if isinstance(node, ast.ImportFrom):
            return (node.module or "").startswith("tensorflow.")
        return (self.module.names.written(node) or "").startswith("tensorflow.")

    def _renamed_around(self, dotted: str, importing: bool) -> bool:
        """Is the name, or a package around it that takes it along, on its way to another place?"""
        at = dotted
        while "." in at:
            moved = self.book.renaming(at)
            if moved is not None and (not importing or exists(moved[1] + dotted[len(at) :])):
                return True
            at = at.rpartition(".")[0]
        return False


def call_like(rule: Rule, module: Module, node: ast.expr, dotted: str) -> Edit:
    """A function that is handed on, not called: its name alone changes."""
    to: str = rule.edit["to"]
    return reference_edit(to[:-1] + dotted.rsplit(".", 1)[-1] if to.endswith(".*") else to, module, node)
