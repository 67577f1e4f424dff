"""The rule book: rules/*.toml -> `Rule`s, refused with file and rule named when something is wrong.

Called by the codemod (which code to look for, what to do), by compare's explanations (which rule removes a cause) and
by the commands `rules` and `explain`. No framework is imported: what the two Kerases offer stands in rules/api/*.txt.
"""

import contextlib
import functools
import marshal
import os
import re
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from . import __version__
from .config import cache_home, shipped
from .findings import PHASES

SAFETY = ("safe", "unsafe", "manual")
EFFECTS = ("raises", "numbers", "files", "speed", "none")
EDITS: dict[str, frozenset[str]] = {
    "import": frozenset(),
    "rename": frozenset({"to"}),
    "public": frozenset(),
    "call": frozenset(
        {"to", "params", "order", "rename", "drop", "pin", "value", "keywords_from", "tuples", "ints", "join", "wrap"}
        | {"defines"}
    ),
    "template": frozenset({"to", "params", "defaults", "drop"}),
    "schedule": frozenset({"to", "defaults"}),
    "literal": frozenset({"to"}),
    "attribute": frozenset({"to"}),
    "private": frozenset(),
    "eager": frozenset(),
    "squeezed": frozenset(),
    "key": frozenset({"to"}),
    "method": frozenset({"to", "plain"}),
    "base": frozenset({"to"}),
    "input": frozenset({"argument", "to", "otherwise"}),
    "strings": frozenset({"arguments", "params", "table"}),
    "path": frozenset({"argument", "position", "suffix", "from", "drop", "read_back"}),
    "newest": frozenset(),
    "lambda": frozenset(),
    "built": frozenset(),
    "batches": frozenset({"params"}),
    "array": frozenset({"to"}),
    "changed": frozenset({"what"}),
    "added": frozenset({"what"}),
    "weights": frozenset(),
    "weight": frozenset(),
    "optional": frozenset({"argument"}),
    "mask": frozenset(),
    "setter": frozenset({"to"}),
    "flags": frozenset(),
    "manual": frozenset(),
    "note": frozenset(),
}
"""The kinds of edit and what each may say; which of them is needed is checked by `_check_edit`."""
TOLD = ("gone", "needs", "member")
WHAT = {
    "changed": ("moved", "renamed", "dropped", "default", *TOLD),
    "added": ("loss", "metric"),
}
"""What a rule of these kinds may be about; of what changed, `TOLD` is told and the rest edited."""
WHEN = frozenset(
    {"has", "lacks", "equals", "not_equals", "constant", "computed", "tensor", "arguments", "old_code", "folder"}
    | {
        "inside",
        "subscripted",
        "counted",
        "callable",
        "single",
        "defined",
        "stored",
        "made_by",
        "by_super",
        "listed",
        "taken_from_model",
        "not_metric",
        "metric",
        "matches",
        "called",
        "mentions",
        "number",
        "computed_number",
        "compiled",
        "sequential",
        "switched_on",
    }
)
"""Conditions on a call. `has`, `lacks`: arguments that are given or not; `equals`, `not_equals`, `matches`: by their
source (a pattern); `constant`, `computed`: given as a literal or not; `callable`: a function of this module;
`folder`: a path without a suffix; `listed`: elements one by one, or no tensor in a layer; `single`: one name gets all
that the call gives; `by_super`: it is `super().method(...)`; `not_metric`: no model here is compiled with this
metric; `metric`: certain only where all models here that are compiled with any have this one. `defined` and `stored`
are about methods that a class defines and attributes that code sets, instead of calls. `called`: an argument is
itself a call of this class; `mentions`: one of these words stands in the module, or where it is `stored` in that
statement; `made_by`: that, or whose method it is, is of one of these classes; `taken_from_model`: it is
`model.layers[i]` or `model.get_layer(name)`; `compiled`: a `stored` attribute of a model that was compiled above and
isn't again below; `sequential`: an attribute of what is certainly a Sequential model; `switched_on`: the string names
something of the environment that is set here, and not to "0", removed or only asked."""
SHOWS = frozenset({"kind", "quantity", "variable", "with"})
SUBJECTS = ("model", "layer", "optimizer", "metric", "loss", "callback", "sequence", "tensor", "shape", "any")
FAMILIES = {
    "KP1": "imports and namespaces",
    "KP2": "layers and models",
    "KP3": "initializers, optimizers, losses, metrics",
    "KP4": "saving and loading",
    "KP5": "training loops",
    "KP6": "backend and tf ops on Keras tensors",
    "KP7": "dtype, mixed precision, jit",
    "KP8": "data and distribution",
    "KP9": "private API and things that never existed",
}


CHECKSUM = 4
"""Bytes that a remembered rule book begins with."""


class RuleError(ValueError):
    """A rule that can't be used; the message names the file and the rule."""


class Rule(NamedTuple):
    """One thing Keras 3 does differently: how to find it, how to rewrite it, and the proof that numbers stay."""

    id: str
    name: str
    title: str
    applies: tuple[str, ...]
    """Canonical names (`keras.layers.*`, `keras.backend.{sum,mean}`), or a method of a kind of value: `<model>.fit`."""
    safety: str
    effect: str
    phase: str
    edit: dict[str, Any]
    why: str
    when: dict[str, Any]
    shows: dict[str, str]
    """What compare must have measured to name this rule, as patterns: `kind` and `quantity` of the cause, the own name
    of the `variable`, and `with`: a setting of the layer that is the same on both sides ("activation=hard_sigmoid") or
    isn't ("changed units 3->4"), "masked", "2 inputs", "other training", "other draws", "told in the code" (by this
    rule, when migrate read it); several are joined by " & ", ways to show it by " | ". Without it compare never names
    the rule: a class and a phase alone prove nothing."""
    links: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    probe: str = ""
    """An expression that both sides evaluate after the snippet, in its names; equal up to `tolerance`."""
    reference: str = ""
    """What `before` meant in words that the last Keras 2 still runs, where it doesn't run `before` itself any more."""
    setup: str = ""
    """Code that runs in front of both snippets, and isn't migrated."""
    fix: str = ""
    """What to do about it, where compare names the rule."""
    tolerance: float = 1e-6
    """Largest allowed difference of the probe's numbers, relative to the largest of them (float32 round-off)."""
    file: str = ""

    @property
    def family(self) -> str:
        return self.id[:3]

    def to_json(self) -> dict[str, Any]:
        """The rule as plain data."""
        return {**self._asdict(), "family": FAMILIES.get(self.family, "")}


@functools.cache
def api(version: int) -> dict[str, str]:
    """Public names of Keras 2 or 3 -> module, class, function or value, as read from the installed packages."""
    text = (shipped("rules") / "api" / f"keras{version}.txt").read_text("utf-8")
    return dict(line.split(" ", 1) for line in text.splitlines() if line)


@functools.cache
def shim_names() -> frozenset[str]:
    """What Keras 3 has as `tf.keras.X`, with TensorFlow behind it, and not as `keras.X`."""
    text = (shipped("rules") / "api" / "shim.txt").read_text("utf-8")
    return frozenset(line.split(" ", 1)[0] for line in text.splitlines() if line)


@functools.cache
def shim_homes() -> frozenset[str]:
    """These names, and every package that one of them is inside of."""
    found = set(shim_names())
    for dotted in shim_names():
        parts = dotted.split(".")
        found.update(".".join(parts[:length]) for length in range(1, len(parts)))
    return frozenset(found)


@functools.cache
def keras_only() -> frozenset[str]:
    """What Keras 3 has as `keras.X`, and not as `tf.keras.X`."""
    text = (shipped("rules") / "api" / "keras_only.txt").read_text("utf-8")
    return frozenset(line.split(" ", 1)[0] for line in text.splitlines() if line)


def in_shim(dotted: str) -> bool:
    """Can code say `tf.` in front of this name of Keras 3? Of all of `keras`, which is more than `tf.keras`, no."""
    return dotted in shim_names() or (dotted in api(3) and dotted not in keras_only() and dotted != "keras")


def exists(dotted: str) -> bool:
    """Is this a name of Keras 3, or of its `tf.keras` where it is written as `tensorflow.keras...`?"""
    return dotted in api(3) or (dotted.startswith("tensorflow.") and dotted[len("tensorflow.") :] in shim_names())


@functools.cache
def rules(own: tuple[Path, ...] = ()) -> tuple[Rule, ...]:
    """Every rule that ships with kparity, and those of the user's own files, by id.

    Raises:
        RuleError: a file that can't be used, or an id or name that is taken.
    """
    files = sorted(shipped("rules").glob("*.toml"))
    book = _remembered(files)
    return load(list(own), book) if own else book


def _remembered(files: list[Path]) -> tuple[Rule, ...]:
    """The rules of these files, from the user's cache folder where they stand checked and in a quicker format.

    Reading TOML takes longer than migrating a file does. The cache is renewed when any file of the rule book changed,
    and does without where it can't be read or written. It is written as Python writes bytecode, so it is only believed
    where its checksum is right and it was made by this Python and this kparity.
    """
    stats = [(file, file.stat()) for file in (*files, *sorted((shipped("rules") / "api").glob("*.txt")))]
    of_files = [f"{file} {stat.st_mtime_ns} {stat.st_size}" for file, stat in stats]
    key = (__version__, sys.version, Rule._fields, *of_files)
    cache = cache_home() / f"rules-{zlib.crc32(str(shipped('rules')).encode()):08x}.{sys.implementation.cache_tag}"
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
        data = cache.read_bytes()
        if zlib.crc32(data[CHECKSUM:]) == int.from_bytes(data[:CHECKSUM]):
            made_of, found = marshal.loads(data[CHECKSUM:])
            if made_of == key:
                return tuple(map(Rule._make, found))
    book = load(files)
    if not sys.dont_write_bytecode:
        with contextlib.suppress(OSError):
            cache.parent.mkdir(parents=True, exist_ok=True)
            unfinished = cache.with_name(f"{cache.name}.{os.getpid()}")
            made: Any = (key, tuple(map(tuple, book)))
            body = marshal.dumps(made)
            unfinished.write_bytes(zlib.crc32(body).to_bytes(CHECKSUM) + body)
            unfinished.replace(cache)
    return book


def find(wanted: str) -> Rule | None:
    """The rule with this id or name."""
    return next((r for r in rules() if wanted.upper() == r.id or wanted == r.name), None)


def load(paths: list[Path], book: tuple[Rule, ...] = ()) -> tuple[Rule, ...]:
    """Rules of these files and of the `book`, by id.

    Raises:
        RuleError: unreadable TOML, an unknown key, a value outside its set, an id or name given twice, or a rename to
            something that Keras 3 doesn't have.
    """
    found: dict[str, Rule] = {rule.id: rule for rule in book}
    names: dict[str, str] = {rule.name: rule.id for rule in book}
    import tomllib

    for path in paths:
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise RuleError(f"{path.name}: {error}") from error
        for key, entry in data.items():
            where = f"{path.name}: {key}"
            if not isinstance(entry, dict):
                raise RuleError(f"{where}: a rule is a table [KPnnn]")
            rule = _rule(key, entry, where, path.name)
            if rule.id in found:
                raise RuleError(f"{where}: the id is taken by {found[rule.id].file}")
            if rule.name in names:
                raise RuleError(f"{where}: the name {rule.name!r} is taken by {names[rule.name]}")
            found[rule.id] = rule
            names[rule.name] = rule.id
    return tuple(found[key] for key in sorted(found))


def expand(pattern: str) -> list[str]:
    """`a.{b,c}.d` -> [`a.b.d`, `a.c.d`]."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    return [
        one
        for choice in match[1].split(",")
        for one in expand(pattern[: match.start()] + choice.strip() + pattern[match.end() :])
    ]


def _rule(key: str, entry: dict[str, Any], where: str, file: str) -> Rule:
    known = set(Rule._fields) - {"id", "file"}
    for unknown in sorted(set(entry) - known):
        raise RuleError(f"{where}: unknown key {unknown!r}")
    if not re.fullmatch(r"[A-Z]{2,}[1-9]\d{2,}", key):
        raise RuleError(f"{where}: an id is letters and three digits or more, like KP302")
    for needed in ("name", "title", "applies", "safety", "effect", "phase", "edit", "why"):
        if not entry.get(needed):
            raise RuleError(f"{where}: `{needed}` is missing")
    for name, allowed in (("safety", SAFETY), ("effect", EFFECTS), ("phase", PHASES)):
        if entry[name] not in allowed:
            raise RuleError(f"{where}: {name} = {entry[name]!r} is none of {', '.join(allowed)}")
    applies = entry["applies"] if isinstance(entry["applies"], list) else [entry["applies"]]
    for pattern in (one for written in applies for one in expand(written)):
        subject = re.match(r"<(\w+)>\.\w", pattern)
        if subject is None and not re.fullmatch(r"[\w.{}, *]+|'[^']+'", pattern):
            raise RuleError(
                f"{where}: applies = {pattern!r} is neither a dotted name, nor <kind>.method, nor a 'string'"
            )
        if subject is not None and subject[1] not in SUBJECTS:
            raise RuleError(f"{where}: <{subject[1]}> is none of {', '.join(SUBJECTS)}")
    for unknown in sorted(set(entry.get("shows", {})) - SHOWS):
        raise RuleError(f"{where}: `shows` has no {unknown!r}, only {', '.join(sorted(SHOWS))}")
    _check_edit(entry, applies, where)
    for name in ("before", "after", "probe"):
        if not entry.get(name) and entry["safety"] == "safe":
            raise RuleError(f"{where}: a safe rule needs `{name}`: nothing is called safe without proof")
    values: dict[str, Any] = {"when": {}, "shows": {}}
    values |= {name: value.strip("\n") if isinstance(value, str) else value for name, value in entry.items()}
    values["applies"] = tuple(one for pattern in applies for one in expand(pattern))
    values["links"] = tuple(entry.get("links", ()))
    return Rule(id=key, file=file, **values)


def _check_edit(entry: dict[str, Any], applies: list[str], where: str) -> None:
    edit = entry["edit"]
    if not isinstance(edit, dict) or edit.get("kind") not in EDITS:
        raise RuleError(f"{where}: edit.kind must be one of {', '.join(EDITS)}")
    for unknown in sorted(set(edit) - {"kind"} - EDITS[edit["kind"]]):
        raise RuleError(f"{where}: an edit of kind {edit['kind']!r} has no {unknown!r}")
    for unknown in sorted(set(entry.get("when", {})) - WHEN):
        raise RuleError(f"{where}: unknown condition {unknown!r} in `when`")
    if edit["kind"] in WHAT and edit.get("what") not in WHAT[edit["kind"]]:
        raise RuleError(f"{where}: edit.what must be one of {', '.join(WHAT[edit['kind']])}")
    told = edit["kind"] in ("manual", "note") or edit.get("what") in TOLD
    if told != (entry["safety"] == "manual"):
        raise RuleError(f"{where}: safety = manual and edit.kind = manual or note belong together")
    if edit["kind"] in (
        "rename",
        "template",
        "schedule",
        "literal",
        "attribute",
        "key",
        "method",
        "base",
        "input",
        "setter",
        "array",
    ) and not edit.get("to"):
        raise RuleError(f"{where}: an edit of kind {edit['kind']!r} needs `to`")
    target = edit.get("to", "")
    if "defines" in edit and not re.match(r"(class|def) \w+\(", edit["defines"]):
        raise RuleError(f"{where}: `defines` is the text of a class or a function")
    if edit["kind"] in ("rename", "base", "call") and target.startswith(("keras.", "tensorflow.keras.")):
        _check_target(target, applies, where)
    elif edit["kind"] in ("template", "schedule", "input"):
        for dotted in re.findall(r"\bkeras(?:\.\w+)+", target):
            if dotted not in api(3):
                raise RuleError(f"{where}: Keras 3 has no {dotted}")


def _check_target(target: str, applies: list[str], where: str) -> None:
    patterns = [one for pattern in applies for one in expand(pattern)]
    for pattern in patterns:
        if not target.endswith(".*"):
            made = target
        elif pattern.endswith(".*") or f"{pattern}.*" in patterns:
            made = target[:-2]
        else:
            made = target[:-1] + pattern.rsplit(".", 1)[-1]
        if not exists(made):
            raise RuleError(f"{where}: Keras 3 has no {made}")
