"""One walk over a module's syntax tree; rules are looked up by canonical name or by method name.

In: a `Module` and a `Book` (the chosen rules, indexed). Out: `Site`s, each one rule at one place with the edit it asks
for, or the reason why a person has to look. Called by migrate, once a pass.
"""

import ast
from collections.abc import Iterator

from ..rulebook import Rule, api
from . import changed, conditions, defined, indirect, keys, own, positional
from .about_imports import AboutImports
from .arguments import words
from .batches import batches_edit
from .book import CALLS, Book
from .eager import eager_edit
from .edits import attribute_edit, method_edit, private_edit, string_edit
from .listed import is_weightless
from .module import Module
from .names import normal, under
from .sequential import is_sequential
from .sites import Held, Site, in_order

DEFINED = ("method", "optional", "mask", "batches", "eager")
"""Kinds of edit that are about methods which a class defines."""


def sites(module: Module, book: Book, old_code: bool) -> tuple[list[Site], list[Held]]:
    """Every rule at every place, in the order of the source; and the names that keep their flavour."""
    finder = _Finder(module, book, old_code)
    return in_order(finder.everywhere()), finder.held


def freed_sites(module: Module, book: Book, statement: ast.Import | ast.ImportFrom) -> list[Site]:
    """What becomes of an import that nothing holds any more."""
    finder = _Finder(module, book, old_code=False)
    finder.free = statement
    return list(finder.imported_otherwise(statement))


class _Finder(AboutImports):
    def everywhere(self) -> Iterator[Site]:
        """All sites. Most nodes are passed over for the name they start with or end with."""
        index, book, names = self.module.index, self.book, self.module.names
        for statement in index.imports:
            yield from self._import(statement)
        for home in index.classes:
            yield from self._bases(home)
        for function in index.functions:
            if function.name in book.methods and isinstance(function, ast.FunctionDef):
                yield from self._definition(function)
        for patch in names.patches:
            yield from (self._site(rule, patch, None) for rule in book.exact.get("keras.__setattr__", ()))
        for string in index.strings:
            for rule in book.strings.get(string.value, ()):  # type: ignore[arg-type]
                yield from self._string(rule, string)
        for target, _, _ in index.attribute_stores:
            if target.attr in book.methods:
                yield from self._stored(target)
        named: set[ast.AST] = set()
        for root in names.roots(book.packages):
            for name in index.loads.get(root, ()):
                chain = names.chain(name)
                loud = False
                for node, written in chain:
                    named.add(node)
                    loud = loud or (written is not None and not book.is_quiet(written))
                if loud:
                    yield from self._chain(chain)
        yield from self._roundabout(named)
        watched = book.watched
        for attribute in index.attributes:
            if attribute.attr in watched and attribute not in named:
                said = list(self._attribute(attribute)) if attribute.attr in book.attributes else []
                yield from said or self._member(attribute)
        called, touchy, flags = book.called, book.touchy, book.flags
        instances = bool(book.changed) and changed.makes_any(self.module)  # which may be called themselves
        for call in index.calls:
            func = call.func
            plain = func not in named
            several = len(call.args) > 1
            flagged = False
            if call.keywords and plain:
                for keyword in call.keywords:
                    if keyword.arg in touchy:
                        yield from self._one_of_several(call)
                        break
                for keyword in call.keywords:
                    flagged = flagged or keyword.arg in flags
            if not plain or (type(func) is ast.Attribute and func.attr in called):
                said = self._call(call)
                yield from said
                yield from self._changed(call, said)
            elif instances and (several or call.keywords):
                yield from self._changed(call, [])
            if flagged:
                yield from self._itself_called(call)
            if several and plain and positional.suspects(self.module, call):
                yield from self._by_position(call)

    def _chain(self, chain: list[tuple[ast.Name | ast.Attribute, str | None]]) -> Iterator[Site]:
        """What is said of a name, and of what is reached through it."""
        names, book = self.module.names, self.book
        outermost = chain[-1][0]
        for node, written in reversed(chain):  # of edits that overlap the outermost is made first
            if written is None or book.is_quiet(written):
                continue
            if not book.is_loud(written):
                above = names.parent(node)
                if node is not outermost or (isinstance(above, ast.Call) and above.func is node):
                    continue
            yield from self._name(node, written)

    def _string(self, rule: Rule, node: ast.Constant) -> Iterator[Site]:
        if rule.edit["kind"] != "key":
            if not rule.when.get("switched_on") or conditions.switched_on(self.module, node):
                yield self._site(rule, node, None)
            return
        certain = keys.is_key(rule, self.module, node)
        if certain is not None:
            yield from self._try(rule, node, lambda: string_edit(rule.edit["to"], self.module, node), certain)

    def _stored(self, target: ast.Attribute) -> Iterator[Site]:
        """`layer.trainable_weights = [...]`: an attribute that can't be set any more."""
        rules = self.book.methods[target.attr]
        private = next(
            (r for k, r in rules if r.edit["kind"] == "private" and is_weightless(self.module, target, r)), None
        )
        if private is not None:
            yield from self._try(private, target, lambda: private_edit(self.module, target))
            return
        for kind, rule in rules:
            after = conditions.compiled_for_good(self.module, target) if rule.when.get("compiled") else True
            said = words(rule.when.get("mentions"))
            if rule.when.get("taken_from_model") and not isinstance(target.value, ast.Subscript | ast.Call):
                continue
            if said and not any(w in self.module.source(self.module.names.statement(target)) for w in said):
                continue
            if rule.edit["kind"] == "setter" and self.module.values.kind(target.value) == kind:
                yield from self._try(rule, target, lambda rule=rule: defined.setter_edit(rule, self.module, target))
            elif rule.when.get("stored") and after and self.module.values.kind(target.value) == kind:
                made = words(rule.when.get("made_by"))
                if not made or set(made) & set(self.module.values.makers(target.value)):
                    yield self._site(rule, target, None)

    def _roundabout(self, named: set[ast.AST]) -> Iterator[Site]:
        """Sites of what is named by strings or handed on; `named` gets the nodes that stand for a dotted name."""
        calls = indirect.builtin_calls(self.module)
        for call in indirect.fetched(self.module, calls):
            at: ast.AST = call
            while isinstance(above := self.module.names.parent(at), ast.Attribute):
                at = above
                named.add(at)
            named.add(call)
            written = self.module.names.written(call)
            if written is not None:
                yield from self._name(call, written)
        for function, call in calls:
            yield from self._by_string(function, call)
        for call, string in indirect.imports_by_name(self.module, calls):
            yield from self._import_by_name(call, string)
        for view in indirect.partials(self.module):
            said = self._call(view)
            yield from said
            yield from self._changed(view, said)

    def _by_string(self, function: str, call: ast.Call) -> Iterator[Site]:
        """`getattr(optimizer, "lr")`: an attribute that a string names, or a name that is worked out."""
        if function == "getattr" and len(call.args) > 1 and not isinstance(call.args[1], ast.Constant):
            home = self.module.names.canonical(call.args[0])
            if home is not None and under(home, "keras") and api(3).get(home) == "module":
                yield from (self._site(rule, call, None) for rule in self.book.exact.get("builtins.getattr", ()))
        name = indirect.named(call)
        if name is None or name.value not in self.book.methods or call in self.module.names.given:
            return
        kind = self.module.values.kind(call.args[0])
        for wanted, rule in self.book.methods[str(name.value)]:
            if wanted == kind and rule.edit["kind"] == "attribute":
                yield from self._try(rule, call, lambda rule=rule: string_edit(rule.edit["to"], self.module, name))
            elif wanted == kind and rule.edit["kind"] in CALLS and function == "getattr" and not rule.when:
                yield self._site(rule, call, None, f"it is named by a string here: {rule.why}")

    def _import_by_name(self, call: ast.Call, string: ast.Constant) -> Iterator[Site]:
        written = str(string.value)
        dotted = normal(written)
        moved = self.book.renaming(dotted)
        rule, target = moved if moved is not None else (self.book.flavour(written), dotted)
        if rule is not None and api(3).get(target) == "module":
            yield from self._try(rule, call, lambda: string_edit(target, self.module, string))
        elif under(dotted, "keras") and dotted not in api(3) and self.book.gone is not None:
            yield self._site(self.book.gone, call, None, f"{dotted} is in Keras 3 nowhere")

    def _definition(self, node: ast.FunctionDef) -> Iterator[Site]:
        for kind, rule in self.book.methods.get(node.name, ()):
            told = bool(rule.when.get("defined"))
            if (rule.edit["kind"] not in DEFINED and not told) or not isinstance(
                self.module.names.parent(node), ast.ClassDef
            ):
                continue
            if self.module.values.self_kind(node) != kind:
                continue
            if told:
                yield self._site(rule, node, None, what=f"def {node.name}(...)")
            elif rule.edit["kind"] == "optional":
                yield from self._try(rule, node, lambda rule=rule: defined.optional_edit(rule, self.module, node))
            elif rule.edit["kind"] == "batches":
                yield from self._try(rule, node, lambda: batches_edit(self.module, node))
            elif rule.edit["kind"] == "eager":
                if self.old_code:
                    yield from self._try(rule, node, lambda rule=rule: eager_edit(rule, self.module, node))
            elif rule.edit["kind"] == "mask":
                yield from self._try(rule, node, lambda rule=rule: defined.mask_edit(rule, self.module, node))
            else:
                yield from self._try(rule, node, lambda rule=rule: method_edit(rule, self.module, node))

    def _member(self, node: ast.Attribute) -> Iterator[Site]:
        """What the table of members says of one that no rule is about; a call of it is spoken about as a call."""
        rule = self.book.changed.get("member")
        found = list(changed.of_attribute(self.module, node)) if rule is not None else []
        parent = self.module.names.parent(node)
        if not found or (isinstance(parent, ast.Call) and parent.func is node and self._call(parent)):
            return
        yield from (self._site(rule, node, None, f.reason) for f in found if rule is not None)

    def _attribute(self, node: ast.Attribute) -> Iterator[Site]:
        rules = self.book.attributes.get(node.attr, ())
        parent = self.module.names.parent(node)
        if not rules or (isinstance(parent, ast.Call) and parent.func is node) or self.module.values.sets_itself(node):
            return
        kind = self.module.values.kind(node.value)
        if kind is None:
            for rule, likely in self._guesses(node, ("attribute", "manual")):
                if not rule.when:
                    yield self._perhaps(rule, likely, node)
        for wanted, rule in rules:
            if rule.edit["kind"] == "manual":
                if (wanted == kind or (wanted == "any" and kind is None)) and not rule.when:
                    yield self._site(rule, node, None)
            elif rule.when.get("sequential"):
                if is_sequential(self.module, node.value):
                    yield from self._try(rule, node, lambda rule=rule: attribute_edit(rule, self.module, node))
            elif wanted == kind or (wanted == "any" and kind is None):
                whose = own.whose_member(self.module, node, wanted) if wanted == kind else own.PERHAPS
                if whose == own.OWN:
                    continue
                certain = whose == own.KERAS
                yield from self._try(rule, node, lambda rule=rule: attribute_edit(rule, self.module, node), certain)
