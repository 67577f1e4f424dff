"""What rules say of calls: of classes and functions by name, of methods by the kind of the value.

In: a call. Out: `Site`s. A part of match; `conditions` holds a rule's `when` against the call, `changed` has the table
of changed arguments.
"""

import ast
from collections.abc import Iterator

from ..rulebook import Rule
from . import added, changed, conditions, defined, guesses, indirect, initial, own, positional
from .arguments import Argument, CannotEdit, arguments, words
from .arrays import array_edit
from .batches import fed_edit
from .book import CALLS, turn
from .built import built_edit
from .edits import Edit, call_edit, input_edit, schedule_edit, strings_edit, template_edit
from .newest import newest_edit
from .paths import path_edit
from .sites import Finder, Site
from .straight import value_at
from .symbolic import lambda_edit
from .vectorized import squeezed_edit


class AboutCalls(Finder):
    """What is said of calls."""

    def _one_of_several(self, node: ast.Call) -> Iterator[Site]:
        """A call of what may be a class of Keras, with an argument that a rule is about: told, and never edited."""
        said = {keyword.arg for keyword in node.keywords}
        told: set[str] = set()
        if "weights" in said and defined.has_the_init_of_layer(self.module, node.func):
            known = [rule for _, rule in self.book.methods.get("__init__", ()) if rule.edit["kind"] == "weights"]
            yield from (self._site(rule, node, None, " ".join(rule.why.split())) for rule in known[:1])
        for dotted in sorted(indirect.possible(self.module, node.func)):
            for rule in self.book.named(dotted, CALLS):
                given = arguments(node, self.book.asked(rule)[0])
                if rule.id in told or not said & indirect.concerned(rule) or not self._holds(rule, given, node):
                    continue
                told.add(rule.id)
                yield self._site(rule, node, None, f"if this is {dotted}: {' '.join(rule.why.split())}")

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
            candidates = self._method_rules(node, node.func)
        else:
            candidates = []
        if not candidates:
            if dotted is None:
                yield from self._guessed(node)
            return
        handled = False
        told: set[str] = set()
        said = {keyword.arg for keyword in node.keywords}
        positional = len(node.args)
        for rule, certain in candidates:
            if rule.edit["kind"] == "manual" and (handled or (not rule.when and dotted is not None)):
                continue
            if rule.edit["kind"] == "lambda" and (handled or self.book.named(dotted or "", ("rename", "public"))):
                continue  # it has a counterpart
            params, needed = self.book.asked(rule)
            if needed and needed.isdisjoint(said) and (not positional or needed.isdisjoint(params[:positional])):
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
        if None in said:
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

    def _method_rules(self, node: ast.Call, func: ast.Attribute) -> list[tuple[Rule, bool]]:
        rules = self.book.of_methods(func.attr, CALLS)
        if not rules or self.module.values.sets_itself(func):
            return []
        kind = self.module.values.kind(func.value) or ("model" if added.is_model(self.module, func) else None)
        if (
            kind is None
            and isinstance(func.value, ast.Name)
            and (last := value_at(self.module, func.value)) is not None
        ):
            kind = self.module.values.kind(last[0])
        found = [
            (rule, whose == own.KERAS)
            for wanted, rule in rules
            if wanted == kind and (whose := self._whose(node, rule, wanted)) != own.OWN
        ]
        if not found and kind is None:
            found = [(rule, "made_by" in rule.when) for wanted, rule in rules if wanted == "any"]
        return sorted(found, key=lambda pair: turn(pair[0]))

    def _whose(self, node: ast.Call, rule: Rule, kind: str) -> str:
        """Whose method is it? One whose definitions are renamed, too, is as good as Keras's."""
        assert isinstance(node.func, ast.Attribute)
        for wanted, other in self.book.methods[node.func.attr]:
            if wanted == kind and other.edit["kind"] == "method" and other.edit["to"] == rule.edit.get("to"):
                return own.KERAS
        return own.whose_call(self.module, node, rule, kind)

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
        rules = [(k, r) for k, r in self.book.of_methods(node.attr, kinds) if r.effect == "raises" and k != "any"]
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
        if rule.edit["kind"] in ("template", "input", "added", "lambda") and "otherwise" not in rule.edit:
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
            case "weight":
                return initial.weight_edit(rule, self.module, node)
            case "newest":
                return newest_edit(rule, self.module, node)
            case "array":
                return array_edit(rule, self.module, node)
            case "added":
                return added.added_edit(rule, self.module, node)
            case "lambda":
                return lambda_edit(rule, self.module, node)
            case "batches":
                return fed_edit(rule, self.module, node)
            case "squeezed":
                return squeezed_edit(self.module, node)
            case "built":
                return built_edit(self.module, node)
        raise CannotEdit(rule.why)

    def _holds(self, rule: Rule, given: list[Argument], node: ast.Call) -> bool:
        return conditions.hold(rule, self.module, given, node, self.old_code)
