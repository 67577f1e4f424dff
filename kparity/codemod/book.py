"""The chosen rules, indexed by what they apply to.

In: rules. Out: a `Book`, which says for a canonical name, a method or a string which rules are about it. Made by
migrate, once a run; asked by match.
"""

from dataclasses import dataclass, field

from ..rulebook import Rule, api, exists, keras_only
from . import indirect
from .edits import words
from .names import KERAS, TF_VIEWS, normal, under
from .places import is_private_path, renamed

ABOUT_NAMES = ("call", "template", "rename", "public", "base", "manual", "literal")
CALLS = ("call", "template", "schedule", "path", "input", "strings", "added", "weights", "manual")


@dataclass
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
    _quiet: dict[str, bool] = field(default_factory=dict)
    _named: dict[tuple[str, tuple[str, ...]], list[Rule]] = field(default_factory=dict)

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
        book.packages = frozenset(normal(name).split(".", 1)[0] for name in names)
        return book

    def named(self, dotted: str, kinds: tuple[str, ...]) -> list[Rule]:
        """Rules of these kinds of edit for a canonical name, the exact ones first."""
        key = (dotted, kinds)
        if key not in self._named:
            found = [*self.exact.get(dotted, ()), *self.starred.get(dotted.rpartition(".")[0], ())]
            chosen = [r for r in found if r.edit["kind"] in kinds]
            if not chosen and "public" in kinds and self.public is not None and is_private_path(dotted):
                chosen = [self.public]
            self._named[key] = chosen
        return self._named[key]

    def is_quiet(self, written: str) -> bool:
        """Has no rule anything to say about a name as it is written?"""
        if written not in self._quiet:
            dotted = normal(written)
            known = dotted in api(3) or not under(dotted, "keras")
            foreign = self.target != "keras" or (written != dotted and (dotted == "keras" or written in TF_VIEWS))
            self._quiet[written] = known and not foreign and not self.named(dotted, ABOUT_NAMES)
        return self._quiet[written]

    def rules_of(self, dotted: str) -> list[Rule]:
        """Every rule about this name, whatever it does."""
        return [*self.exact.get(dotted, ()), *self.starred.get(dotted.rpartition(".")[0], ())]

    def flavour(self, written: str) -> Rule | None:
        """The rule about the spelling of a name as written."""
        if self.target == "tf.keras" and under(written, "tensorflow.keras") and normal(written) not in keras_only():
            return None
        return next((rule for prefix, rule in self.flavours if under(written, prefix)), None)

    def renaming(self, dotted: str) -> tuple[Rule, str] | None:
        """The rule that gives a canonical name, or the package around it, another place, and that place."""
        for rule in self.named(dotted, ("rename", "public")):
            target = renamed(rule, dotted)
            if target is not None and target != dotted and exists(target):
                return rule, target
        return None
