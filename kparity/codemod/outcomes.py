"""What became of a place that a rule is about: edited, told, kept off by a comment; and how that is said.

In: sites of a module. Out: findings in the places of the text that was given, and `Migrated`, the result for one text.
Called by migrate and settled.
"""

import functools
import re
import tokenize
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from ..findings import Finding, Outcome, Place
from ..rulebook import Rule
from .module import Module, Splice, back
from .sites import Site, shortened

IGNORE = re.compile(r"#\s*kparity:\s*ignore(?!-)(?:\[([^\]]*)\])?")
IGNORE_FILE = re.compile(r"^[ \t]*#\s*kparity:\s*ignore-file(?:\[([^\]]*)\])?", re.MULTILINE)


class Migrated(NamedTuple):
    """What became of one source text."""

    text: str
    findings: list[Finding]
    error: str = ""
    """Why the text is as it was: it can't be parsed, or the edits didn't come to an end."""
    mentions: bool = False
    """Does the text mention Keras at all?"""
    again: tuple[Finding, ...] = ()
    """What a run over the new text finds, in its places: nothing that could be edited is among it."""


def sorted_findings(findings: list[Finding]) -> list[Finding]:
    if len(findings) < 2:
        return findings
    keys = {(*_numbers(f.place), f.rule, f.message, f.fix, f.phase, f.outcome): f for f in findings}
    return [keys[key] for key in sorted(keys)]


def _numbers(place: Place) -> tuple[str, int, int, int, int]:
    return place.path, place.line, place.column, place.cell, place.cell_line


def is_package(path: str) -> bool:
    return path.replace("\\", "/").rsplit("/", 1)[-1] == "__init__.py"


def placer(original: Module, module: Module, history: list[list[Splice]], path: str) -> Callable[[int], Place]:
    passes = list(history)

    def place(offset: int) -> Place:
        for splices in reversed(passes):
            offset = back(offset, splices)
        return Place(path, *original.line_column(min(offset, len(original.text))))

    return place


def outcome_of(site: Site, module: Module, unsafe: bool) -> Outcome:
    if module.suppresses:
        comments = [IGNORE.search(module.line_text(line)) for line in dict.fromkeys(site.lines)]
        for found in (*comments, *_for_the_file(module.text)):
            if found is not None:
                meant = [w.strip() for w in (found[1] or "").split(",") if w.strip()]
                if not meant or any(is_meant(site.rule, w) for w in meant):
                    return Outcome.SUPPRESSED
    if site.edit is None:
        return Outcome.MANUAL
    if site.rule.safety == "safe" and site.edit.certain:
        return Outcome.FIXED
    return Outcome.FIXED if unsafe else Outcome.UNSAFE


@functools.lru_cache(maxsize=4)
def _for_the_file(text: str) -> tuple[re.Match[str], ...]:
    """The comments that keep rules off the whole file: each on a line of its own, and not in a string."""
    if "ignore-file" not in text:
        return ()
    found = {m.start(): m for m in IGNORE_FILE.finditer(text)}
    if not found:
        return ()
    lines = text.splitlines(keepends=True)
    starts = list(accumulate((len(line) for line in lines), initial=0))
    try:
        tokens = tokenize.generate_tokens(iter(lines).__next__)
        comments = {starts[t.start[0] - 1] for t in tokens if t.type == tokenize.COMMENT}
    except (tokenize.TokenError, SyntaxError):
        return tuple(found.values())
    return tuple(match for start, match in found.items() if start in comments)


def fixed_findings(site: Site, module: Module, where: Callable[[int], Place]) -> list[Finding]:
    """What was done at a place, and at others on its account: every line that changes is spoken of."""
    found = [finding_of(site, where(site.start), Outcome.FIXED)]
    for splice in site.edit.splices if site.edit is not None else ():
        line, _ = module.line_column(splice.start)
        if not site.lines[0] <= line <= site.lines[1]:
            also = site._replace(what=shortened(module.line_text(line)))
            found.append(finding_of(also, where(splice.start), Outcome.FIXED))
    return found


def finding_of(site: Site, place: Place, outcome: Outcome) -> Finding:
    rule = site.rule
    fix = "" if outcome is Outcome.FIXED else site.reason or rule.why
    return Finding(rule.id, place, rule.phase, outcome, f"{rule.title}: `{site.what}`", fix)


def is_meant(rule: Rule, word: str) -> bool:
    return rule.id.startswith(word.upper()) or rule.name == word
