"""One walk over a module's syntax tree; rules are looked up by canonical name or by method name.

In: a `Module` and a `Book` (the chosen rules, indexed). Out: `Site`s, each one rule at one place with the edit it asks
for, or the reason why a person has to look. Called by migrate, once a pass.
"""

import ast
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..rulebook import Rule, api, exists, keras_only, shim_names
from . import added, changed, conditions, defined, fstrings, guesses, imports, indirect, initial, keys, positional
from .arrays import array_edit
from .book import ABOUT_NAMES, CALLS, Book
from .edits import (
    Argument,
    CannotEdit,
    Edit,
    arguments,
    attribute_edit,
    call_edit,
    input_edit,
    method_edit,
    reference_edit,
    rename_edit,
    schedule_edit,
    string_edit,
    strings_edit,
    template_edit,
    words,
)
from .module import Module, Splice
from .names import TF_VIEWS, normal, under
from .newest import newest_edit
from .paths import path_edit
from .places import renamed
from .straight import value_at


@dataclass(frozen=True)
class Site:
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


@dataclass(frozen=True)
class Held:
    """A name that keeps its flavour, and why: while one of these things stands, so does the name."""

    reached: list[int]
    """Character offsets of what is reached through it and has no other place."""
    statement: ast.Import | ast.ImportFrom | None
    """The import that it comes from; None where it is said in full."""


def sites(module: Module, book: Book, old_code: bool) -> tuple[list[Site], list[Held]]:
    """Every rule at every place, in the order of the source; and the names that keep their flavour."""
    finder = _Finder(module, book, old_code)
    return in_order(finder.everywhere()), finder.held


def freed_sites(module: Module, book: Book, statement: ast.Import | ast.ImportFrom) -> list[Site]:
    """What becomes of an import that nothing holds any more."""
    finder = _Finder(module, book, old_code=False)
    finder.free = statement
    return list(finder.imported_otherwise(statement))


def in_order(found: Iterable[Site]) -> list[Site]:
    return sorted(found, key=lambda site: (site.start, site.rule.id))


class _Finder:
    def __init__(self, module: Module, book: Book, old_code: bool) -> None:
        self.module = module
        self.book = book
        self.old_code = old_code
        self.held: list[Held] = []
        self.free: ast.stmt | None = None
        self._said: dict[ast.Call, list[Site]] = {}

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
        called, touchy, flags, changes = book.called, book.touchy, book.flags, bool(book.changed)
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
            elif changes and (several or call.keywords):  # of an instance, perhaps
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

    def _one_of_several(self, node: ast.Call) -> Iterator[Site]:
        """A call of what may be a class of Keras, with an argument that a rule is about: told, and never edited."""
        said = {keyword.arg for keyword in node.keywords}
        told: set[str] = set()
        for dotted in sorted(indirect.possible(self.module, node.func)):
            for rule in self.book.named(dotted, CALLS):
                given = arguments(node, self.book.asked(rule)[0])
                if rule.id in told or not said & indirect.concerned(rule) or not self._holds(rule, given, node):
                    continue
                told.add(rule.id)
                yield self._site(rule, node, None, f"if this is {dotted}: {' '.join(rule.why.split())}")

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
        for kind, rule in self.book.methods[target.attr]:
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

    def _itself_called(self, node: ast.Call) -> Iterator[Site]:
        """A layer or a model that is called: `layer(x, training=False)`. Rules about symbolic tensors don't hold where
        tensors have values, in methods: unless an Input is made there, too."""
        method = self._method_of(node)
        symbolic = method is None or "Input(" in self.module.source(method)
        for wanted, rule in self.book.methods["__call__"]:
            if rule.edit["kind"] != "manual":
                continue
            given = arguments(node, words(rule.when.get("arguments")))
            if ("tensor" in rule.when and not symbolic) or not self._holds(rule, given, node):
                continue
            if self.module.values.kind(node.func) == wanted:
                yield self._site(rule, node, None)

    def _method_of(self, node: ast.AST) -> ast.FunctionDef | None:
        at: ast.AST | None = node
        while at is not None:
            above = self.module.names.parent(at)
            if isinstance(at, ast.FunctionDef) and isinstance(above, ast.ClassDef):
                return at
            at = above
        return None

    def _by_position(self, node: ast.Call) -> Iterator[Site]:
        """`layer(x, training)`: Keras 3 takes tensors alone by position."""
        for wanted, rule in self.book.methods.get("__call__", ()):
            if rule.edit["kind"] == "flags" and self.module.values.kind(node.func) == wanted:
                yield from self._try(rule, node, lambda: positional.positional_edit(self.module, node))

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

    # -- statements ------------------------------------------------------------------------------------------------

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
        mine = next((b.target for b in bound if b.node is node), None)
        if len(bound) < 2 or mine is None or names.name(local, scope) is not None:
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

    def _definition(self, node: ast.FunctionDef) -> Iterator[Site]:
        for kind, rule in self.book.methods.get(node.name, ()):
            told = bool(rule.when.get("defined"))
            if (rule.edit["kind"] not in ("method", "optional", "mask") and not told) or not isinstance(
                self.module.names.parent(node), ast.ClassDef
            ):
                continue
            if self.module.values.self_kind(node) != kind:
                continue
            if told:
                yield self._site(rule, node, None, what=f"def {node.name}(...)")
            elif rule.edit["kind"] == "optional":
                yield from self._try(rule, node, lambda rule=rule: defined.optional_edit(rule, self.module, node))
            elif rule.edit["kind"] == "mask":
                yield from self._try(rule, node, lambda rule=rule: defined.mask_edit(rule, self.module, node))
            else:
                yield from self._try(rule, node, lambda rule=rule: method_edit(rule, self.module, node))

    def _bases(self, node: ast.ClassDef) -> Iterator[Site]:
        for base in node.bases:
            dotted = self.module.names.meaning(base)
            for rule in self.book.named(dotted, ("base",)) if dotted else ():
                yield from self._try(rule, base, lambda base=base, rule=rule: self._base_edit(rule, base))

    def _base_edit(self, rule: Rule, base: ast.expr) -> Edit:
        return reference_edit(rule.edit["to"], self.module, base)

    # -- expressions -----------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> list[Site]:
        """What the rules say of a call; asked for again by whatever is said about its name alone."""
        if node not in self._said:
            self._said[node] = list(self._about_call(node))
        return self._said[node]

    def _about_call(self, node: ast.Call) -> Iterator[Site]:
        dotted = meant = self.module.names.meaning(node.func)
        if dotted is not None:
            rules = self.book.named(dotted, CALLS)
            if not rules:
                dotted = self.module.names.canonical(node.func) or ""
                rules = self.book.named(dotted, CALLS)
            candidates = [(rule, True) for rule in rules]
        elif isinstance(node.func, ast.Attribute):
            candidates = self._method_rules(node.func)
        else:
            candidates = []
        handled = False
        told: set[str] = set()
        if len(candidates) > 1:
            candidates = sorted(candidates, key=lambda pair: pair[0].edit["kind"] == "manual")
        said = {keyword.arg for keyword in node.keywords}
        for rule, certain in candidates:
            if rule.edit["kind"] == "manual" and (handled or (not rule.when and dotted is not None)):
                continue
            params, needed = self.book.asked(rule)
            if needed and needed.isdisjoint(said) and needed.isdisjoint(params[: len(node.args)]):
                continue
            given = arguments(node, params)
            if not self._holds(rule, given, node):
                continue
            becomes = self._becomes(rule, meant)
            edited = self._try(rule, node, lambda rule=rule: self._call_edit(rule, node), certain, becomes, dotted)
            for site in edited:
                handled = True
                told.add(rule.id)
                yield site
        if not handled and dotted is None:
            yield from self._guessed(node)
        if candidates and any(keyword.arg is None for keyword in node.keywords):
            yield from self._spread(node, [rule for rule, _ in candidates if rule.id not in told])

    def _spread(self, node: ast.Call, rules: list[Rule]) -> Iterator[Site]:
        """Arguments that come in by `**` and that a rule is about: told where they are written."""
        entries = indirect.spread(self.module, node) if rules else []
        for rule in rules:
            given = arguments(node, self.book.asked(rule)[0])
            given += [Argument(entry.name, entry.value) for entry in entries]
            wanted = indirect.concerned(rule)
            for entry in entries:
                if entry.name in wanted and self._holds(rule, given, node):
                    told = f"it comes into {self.module.source(node.func)} by `**{entry.by}`: {rule.why}"
                    yield self._site(rule, entry.at, None, told)

    def _becomes(self, rule: Rule, dotted: str | None) -> tuple[tuple[str, str], ...] | None:
        """What a call is named before and after, where nothing but its name and its arguments change."""
        if dotted is None or rule.edit["kind"] != "call":
            return None
        to: str = rule.edit.get("to", dotted)
        return ((dotted, to[:-1] + dotted.rsplit(".", 1)[-1] if to.endswith(".*") else to),)

    def _changed(self, node: ast.Call, said: list[Site]) -> Iterator[Site]:
        """What the table of changed arguments says of a call that other rules don't settle in this pass."""
        if any(site.edit is not None and site.edit.certain and site.rule.safety == "safe" for site in said):
            return
        for found in changed.of_call(self.module, node, [site.rule for site in said], self.old_code):
            rule = self.book.changed.get(found.what)
            if rule is not None:
                about = self.module.names.meaning(node.func)
                becomes = () if found.edit is not None and not said else None
                yield self._site(rule, node, found.edit, found.reason, becomes=becomes, about=about)

    def _member(self, node: ast.Attribute) -> Iterator[Site]:
        """What the table of members says of one that no rule is about; a call of it is spoken about as a call."""
        rule = self.book.changed.get("member")
        found = list(changed.of_attribute(self.module, node)) if rule is not None else []
        parent = self.module.names.parent(node)
        if not found or (isinstance(parent, ast.Call) and parent.func is node and self._call(parent)):
            return
        yield from (self._site(rule, node, None, f.reason) for f in found if rule is not None)

    def _method_rules(self, func: ast.Attribute) -> list[tuple[Rule, bool]]:
        rules = [(k, r) for k, r in self.book.methods.get(func.attr, ()) if r.edit["kind"] in CALLS]
        if not rules or self.module.values.sets_itself(func):
            return []
        kind = self.module.values.kind(func.value) or ("model" if added.is_model(self.module, func) else None)
        if (
            kind is None
            and isinstance(func.value, ast.Name)
            and (last := value_at(self.module, func.value)) is not None
        ):
            kind = self.module.values.kind(last[0])
        found = [(rule, True) for wanted, rule in rules if wanted == kind]
        if not found and kind is None:
            found = [(rule, False) for wanted, rule in rules if wanted == "any"]
        return found

    def _guessed(self, node: ast.Call) -> Iterator[Site]:
        """What Keras 3 would refuse if the value is what its name says: told, and never edited."""
        func = node.func
        if not isinstance(func, ast.Attribute):
            return
        for rule, kind in self._guesses(func, CALLS):
            given = arguments(node, self.book.asked(rule)[0])
            if not self._holds(rule, given, node):
                continue
            try:
                if self._call_edit(rule, node) is None:
                    continue
            except CannotEdit:
                gone = words(rule.edit.get("drop"))
                if rule.edit["kind"] == "path" and not any(k.arg in gone for k in node.keywords):
                    continue
            yield self._perhaps(rule, kind, node)
            return

    def _guesses(self, node: ast.Attribute, kinds: tuple[str, ...]) -> list[tuple[Rule, str]]:
        """Rules about what raises in Keras 3, and the kind of value that they are about."""
        rules = [
            (k, r)
            for k, r in self.book.methods.get(node.attr, ())
            if r.effect == "raises" and k != "any" and r.edit["kind"] in kinds
        ]
        values = self.module.values
        if not rules or "keras" not in self.module.text or values.sets_itself(node) or values.kind(node.value):
            return []
        kind = guesses.likely(values, node.value)
        return [(rule, wanted) for wanted, rule in rules if wanted == kind]

    def _perhaps(self, rule: Rule, kind: str, node: ast.AST) -> Site:
        return self._site(rule, node, None, f"if this is a Keras {kind}: {' '.join(rule.why.split())}")

    def _call_edit(self, rule: Rule, node: ast.Call) -> Edit | None:
        if isinstance(node, indirect.Partial):
            return self._partial_edit(rule, node)
        return self._plain_edit(rule, node)

    def _partial_edit(self, rule: Rule, node: ast.Call) -> Edit | None:
        """Arguments by keyword change as in a call; what else the call will get isn't known yet."""
        if rule.edit["kind"] == "manual" and not rule.when:
            return None  # told where its name stands
        if rule.edit["kind"] in ("template", "input", "added"):
            raise CannotEdit(f"functools.partial hands it on: {rule.why}")
        edit = self._plain_edit(rule, node)
        if edit is None or not (rule.when.get("lacks") or rule.when.get("not_equals")):
            return edit
        return Edit(edit.splices, edit.needs, False, "functools.partial hands it on, and more arguments may come")

    def _plain_edit(self, rule: Rule, node: ast.Call) -> Edit | None:
        match rule.edit["kind"]:
            case "call":
                return call_edit(rule, self.module, node)
            case "template":
                return template_edit(rule, self.module, node)
            case "schedule":
                return schedule_edit(rule, self.module, node)
            case "input":
                return input_edit(rule, self.module, node)
            case "strings":
                return strings_edit(rule, self.module, node)
            case "path":
                return path_edit(rule, self.module, node)
            case "weights":
                return initial.weights_edit(rule, self.module, node)
            case "newest":
                return newest_edit(rule, self.module, node)
            case "array":
                return array_edit(rule, self.module, node)
            case "added":
                return added.added_edit(rule, self.module, node)
        raise CannotEdit(rule.why)

    def _holds(self, rule: Rule, given: list[Argument], node: ast.Call) -> bool:
        return conditions.hold(rule, self.module, given, node, self.old_code)

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
                yield from self._try(rule, node, make, becomes=becomes)
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
                    make = functools.partial(call_like, rule, self.module, node, dotted)
                    yield from self._try(rule, node, make, becomes=self._becomes(rule, dotted))
        of_tf_1 = any(under(written, view) for view in TF_VIEWS) and dotted not in api(2)
        if not told and not imported and not of_tf_1:
            yield from self._gone(dotted, node)

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
            elif wanted == kind or (wanted == "any" and kind is None):
                certain = wanted == kind
                yield from self._try(rule, node, lambda rule=rule: attribute_edit(rule, self.module, node), certain)

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
        if rule is None or not under(dotted, "keras") or dotted in api(3):
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

    # -- sites -----------------------------------------------------------------------------------------------------

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
    text = shortened(what or module.source(node))
    lines = (module.line_column(start)[0], module.line_column(end)[0])
    return Site(rule, start, end, lines, edit, reason, text, becomes, about, node)


def gone_site(module: Module, rule: Rule, node: ast.AST, dotted: str) -> Site:
    """A name that Keras 3 doesn't have: where it is still to be had."""
    where = "only as tf.keras, with the TensorFlow backend" if dotted in shim_names() else "nowhere"
    return made_site(module, rule, node, None, f"{dotted} is in Keras 3 {where}", about=dotted)


def shortened(code: str) -> str:
    """Code on one line, and not too much of it."""
    text = " ".join(code.split())
    return text if len(text) <= 70 else text[:67] + "..."


def call_like(rule: Rule, module: Module, node: ast.expr, dotted: str) -> Edit:
    """A function that is handed on, not called: its name alone changes."""
    to: str = rule.edit["to"]
    return reference_edit(to[:-1] + dotted.rsplit(".", 1)[-1] if to.endswith(".*") else to, module, node)
