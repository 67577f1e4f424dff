"""The chosen rules, indexed by what they apply to.

In: rules. Out: a `Book`, which says for a canonical name, a method or a string which rules are about it. Made by
migrate, once a run; asked by match.
"""

from dataclasses import dataclass, field
from typing import Any

from ..rulebook import Rule, api, exists, keras_only
from . import changed, indirect
from .arguments import words
from .names import KERAS, TF_VIEWS, normal, under
from .places import is_private_path, renamed

ABOUT_NAMES = ("call", "template", "rename", "public", "base", "manual", "literal")
SAID_OF_NAMES = ("rename", "public", "literal", "manual")
"""The kinds that speak about a name wherever it stands; the others about what is called or handed on."""
CALLS = (
    *("call", "template", "schedule", "path", "input", "strings", "added", "weights", "newest", "array", "lambda"),
    *("batches", "built", "weight", "squeezed", "manual"),
)

LATER = {"lambda": 1, "manual": 2}
"""Kinds of edit that speak where no other did."""


@dataclass(eq=False, repr=False)
class Book:
    """The chosen rules by what they apply to."""

    exact: dict[str, list[Rule]] = field(default_factory=dict)
    starred: dict[str, list[Rule]] = field(default_factory=dict)
    methods: dict[str, list[tuple[str, Rule]]] = field(default_factory=dict)
    flavours: list[tuple[str, Rule]] = field(default_factory=list)
    strings: dict[str, list[Rule]] = field(default_factory=dict)
    gone: Rule | None = None
    changed: dict[str, Rule] = field(default_factory=dict)
    public: Rule | None = None
    target: str = "keras"
    flags: frozenset[str] = frozenset()
    """Arguments by which rules about calling a layer itself know their calls."""
    touchy: frozenset[str] = frozenset()
    """Arguments that some rule about a class or function of Keras has something to say about."""
    packages: frozenset[str] = frozenset()
    """The packages that rules are about: names outside them are passed over."""
    attributes: dict[str, list[tuple[str, Rule]]] = field(default_factory=dict)
    """Rules about members of values, by name; and the names of all members that there is something to say about."""
    watched: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    """Names of methods that there is something to say about where they are called."""
    recast: dict[str, Any] = field(default_factory=dict)
    """What is known of templates, by rule."""
    _quiet: dict[str, bool] = field(default_factory=dict)
    _loud: dict[str, bool] = field(default_factory=dict)
    _named: dict[tuple[str, tuple[str, ...]], list[Rule]] = field(default_factory=dict)
    _of_methods: dict[tuple[str, tuple[str, ...]], list[tuple[str, Rule]]] = field(default_factory=dict)
    _told_of: dict[str, list[Rule]] = field(default_factory=dict)
    _asked: dict[str, tuple[list[str], frozenset[str]]] = field(default_factory=dict)
    _flavour: dict[str, Rule | None] = field(default_factory=dict)
    _renaming: dict[str, tuple[Rule, str] | None] = field(default_factory=dict)
    _passed: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: tuple[Rule, ...], target: str = "keras") -> "Book":
        book = cls(target=target)
        for rule in rules:
            if rule.edit["kind"] == "note":
                continue
            if rule.edit["kind"] == "changed":
                book.changed[rule.edit["what"]] = rule
                continue
            if rule.edit["kind"] == "public":
                book.public = rule
            for pattern in rule.applies:
                if rule.edit["kind"] == "import":
                    book.flavours.append((pattern, rule))
                elif pattern == "keras.*":
                    book.gone = rule
                elif pattern.startswith("'"):
                    book.strings.setdefault(pattern.strip("'"), []).append(rule)
                elif pattern.startswith("<"):
                    kind, _, method = pattern[1:].partition(">.")
                    book.methods.setdefault(method, []).append((kind, rule))
                elif pattern.endswith(".*"):
                    book.starred.setdefault(pattern[:-2], []).append(rule)
                else:
                    book.exact.setdefault(pattern, []).append(rule)
        book.flavours.sort(key=lambda pair: -len(pair[0]))
        names = [*book.exact, *book.starred, *(flavour for flavour, _ in book.flavours), *KERAS]
        of_calls = [r for r in rules if r.edit["kind"] in CALLS and r.applies[0].startswith("keras.")]
        book.touchy = frozenset(name for rule in of_calls for name in indirect.concerned(rule))
        called = [rule for _, rule in book.methods.get("__call__", ())]
        book.flags = frozenset(name for rule in called for name in words(rule.when.get("has")))
        for name, pairs in book.methods.items():
            kept = [(kind, rule) for kind, rule in pairs if rule.edit["kind"] in ("attribute", "manual")]
            if kept:
                book.attributes[name] = kept
        book.watched = frozenset(book.attributes) | (changed.members() if book.changed else frozenset())
        book.called = frozenset(book.methods) | (changed.methods() if book.changed else frozenset())
        book.packages = frozenset(normal(name).split(".", 1)[0] for name in names)
        return book

    def named(self, dotted: str, kinds: tuple[str, ...]) -> list[Rule]:
        """Rules of these kinds of edit for a canonical name: the exact ones first, those that speak later last."""
        key = (dotted, kinds)
        if key not in self._named:
            found = [*self.exact.get(dotted, ()), *self.starred.get(dotted.rpartition(".")[0], ())]
            chosen = [r for r in found if r.edit["kind"] in kinds]
            if not chosen and "public" in kinds and self.public is not None and is_private_path(dotted):
                chosen = [self.public]
            self._named[key] = sorted(chosen, key=turn)
        return self._named[key]

    def is_quiet(self, written: str) -> bool:
        """Has no rule anything to say about a name as it is written?"""
        if written not in self._quiet:
            dotted = normal(written)
            known = dotted in api(3) or not under(dotted, "keras")
            foreign = self.target != "keras" or (written != dotted and (dotted == "keras" or written in TF_VIEWS))
            self._quiet[written] = known and not foreign and not self.named(dotted, ABOUT_NAMES)
        return self._quiet[written]

    def is_loud(self, written: str) -> bool:
        """Has some rule something to say about a name even where it is only called, or gone on from?"""
        if written not in self._loud:
            dotted = normal(written)
            known = dotted in api(3) or not under(dotted, "keras")
            foreign = self.target != "keras" or (written != dotted and (dotted == "keras" or written in TF_VIEWS))
            speaks = any(r.edit["kind"] != "manual" or not r.when for r in self.named(dotted, SAID_OF_NAMES))
            self._loud[written] = not known or foreign or speaks
        return self._loud[written]

    def is_passed_over(self, written: str) -> bool:
        """Has no rule anything to say about an import of this dotted name?"""
        if written not in self._passed:
            dotted = normal(written)
            plain = dotted.removesuffix(".*")
            known = self.target == "keras" and (plain in api(3) or not under(plain, "keras"))
            moved = any(self.flavour(w) or self.renaming(normal(w)) for w in {written, written.removesuffix(".*")})
            self._passed[written] = known and not moved and not self.told_of(dotted)
        return self._passed[written]

    def told_of(self, dotted: str) -> list[Rule]:
        """Rules that tell about an imported name, or about a package that it is somewhere inside of."""
        if dotted not in self._told_of:
            at = dotted
            found = [r for r in self.named(at, ("manual",)) if not r.when]
            while not found and "." in at:
                at = at.rpartition(".")[0]
                found = [r for r in self.starred.get(at, ()) if r.edit["kind"] == "manual" and not r.when]
            self._told_of[dotted] = found
        return self._told_of[dotted]

    def of_methods(self, name: str, kinds: tuple[str, ...]) -> list[tuple[str, Rule]]:
        """Rules with these kinds of edit about methods of this name, each with the kind of value that has it."""
        key = (name, kinds)
        if key not in self._of_methods:
            self._of_methods[key] = [(k, r) for k, r in self.methods.get(name, ()) if r.edit["kind"] in kinds]
        return self._of_methods[key]

    def asked(self, rule: Rule) -> tuple[list[str], frozenset[str]]:
        """The parameters that a rule knows, in order; and those of which it needs one, empty if it may need none."""
        if rule.id not in self._asked:
            params = words(rule.edit.get("params")) or words(rule.when.get("arguments"))
            self._asked[rule.id] = params, _needed(rule)
        return self._asked[rule.id]

    def rules_of(self, dotted: str) -> list[Rule]:
        """Every rule about this name, whatever it does."""
        return [*self.exact.get(dotted, ()), *self.starred.get(dotted.rpartition(".")[0], ())]

    def flavour(self, written: str) -> Rule | None:
        """The rule about the spelling of a name as written."""
        if written not in self._flavour:
            found = next((rule for prefix, rule in self.flavours if under(written, prefix)), None)
            if self.target == "tf.keras" and under(written, "tensorflow.keras") and normal(written) not in keras_only():
                found = None
            self._flavour[written] = found
        return self._flavour[written]

    def renaming(self, dotted: str) -> tuple[Rule, str] | None:
        """The rule that gives a canonical name, or the package around it, another place, and that place."""
        if dotted not in self._renaming:
            pairs = [(rule, renamed(rule, dotted)) for rule in self.named(dotted, ("rename", "public"))]
            moved = [(rule, to) for rule, to in pairs if to is not None and to != dotted and exists(to)]
            self._renaming[dotted] = moved[0] if moved else None
        return self._renaming[dotted]


def turn(rule: Rule) -> int:
    """Which rules about one thing speak first: the smaller."""
    return LATER.get(rule.edit["kind"], 0)


def _needed(rule: Rule) -> frozenset[str]:
    """Arguments without any of which a rule says nothing of a call; empty where it may speak without."""
    edit, when = rule.edit, rule.when
    for condition in ("has", "tensor", "computed"):
        if condition in when:
            return frozenset(words(when[condition]))
    for condition in ("equals", "matches", "called"):
        if when.get(condition):
            return frozenset(when[condition])
    if edit["kind"] == "strings":
        return frozenset(words(edit["arguments"]))
    if edit["kind"] == "call" and not {"to", "pin", "order", "keywords_from", "defines"} & set(edit):
        plain = {name for key in ("drop", "tuples", "ints", "join") for name in words(edit.get(key))}
        return frozenset(plain.union(*(edit.get(key, {}) for key in ("rename", "value", "wrap"))))
    return frozenset()
