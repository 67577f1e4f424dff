"""Source text -> Keras 3 source text and findings: passes of match and splice until nothing is left to do.

Called by the command `migrate` (through `files`), and by compare, which runs its Keras 3 side on the file as `migrate`
would leave it. No framework is imported.
"""

import functools
import gc
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec

from ..findings import Finding, Outcome, Place
from ..rulebook import Rule, rules
from . import imports
from .book import Book
from .choice import choose, with_freed
from .match import sites
from .module import Module, Splice, apply
from .old import is_old
from .outcomes import Migrated, finding_of, fixed_findings, is_meant, is_package, outcome_of, placer, sorted_findings
from .project import Neighbours
from .settled import ended, settled
from .sites import Site

MENTIONS = re.compile(r"keras|tensorflow|\btf\b|np_utils", re.IGNORECASE)
PASSES = 40
"""More than any nesting of edits that real code has; a file that needs more isn't written."""
P = ParamSpec("P")


def _uncollected(work: Callable[P, Migrated]) -> Callable[P, Migrated]:
    """No garbage collection meanwhile: syntax trees are many objects and no cycles, gone through again and again."""

    @functools.wraps(work)
    def inner(*args: P.args, **kwargs: P.kwargs) -> Migrated:
        was = gc.isenabled()
        gc.disable()
        try:
            return work(*args, **kwargs)
        finally:
            if was:
                gc.enable()

    return inner


@_uncollected
def migrate_source(
    text: str,
    path: str,
    *,
    unsafe: bool = False,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    extend: Iterable[str] = (),
    own: Iterable[Path] = (),
    target: str = "keras",
    neighbours: Neighbours | None = None,
) -> Migrated:
    """Keras 2 source as Keras 3 source.

    Args:
        text: Python source; a byte order mark and any line ends stay as they are.
        path: What findings and messages call it; an `__init__.py` keeps the names it re-exports.
        unsafe: Apply the edits that need a look, too.
        select: Rule ids, prefixes of ids (`KP3`) or names: only these rules. None: all.
        ignore: The same, left out.
        extend: The same, added to those selected.
        own: Rule files of the user, added to the rule book.
        target: "keras", or "tf.keras": the flavour of imports stays, and new names are said as `tf.keras.X` where
            TensorFlow is at hand and has them.
        neighbours: The files around this one: what it imports from them, and what they import from it. None: unknown.

    Returns:
        The new text (the same object's worth of bytes wherever no rule applied) and the findings, in the order of the
        source. Never raises for bad source: `error` says what is wrong with it.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text[len(mark) :]
    said = "keras" in body or "tensorflow" in body or MENTIONS.search(body) is not None
    if not said and neighbours is None:
        return Migrated(text, [])
    try:
        module = Module(body, target, neighbours)
    except SyntaxError as error:
        if not said:
            return Migrated(text, [])
        return _failed(text, path, f"can't be parsed: {error.msg} (line {error.lineno})", error.lineno or 0)
    except (ValueError, RecursionError) as error:
        return _failed(text, path, f"can't be parsed: {error}", 0)
    wanted = tuple(select) if select is not None else None
    book = _book(wanted, tuple(ignore or ()), tuple(extend), tuple(own), target)
    try:
        done = _passes(mark, module, path, book, unsafe, neighbours)
        return done if said or done.findings else Migrated(text, [])
    except (SyntaxError, RecursionError) as error:
        return _failed(text, path, f"kparity's own edit went wrong, nothing was changed: {error}", 0)


def chosen(
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...],
    extend: tuple[str, ...] = (),
    own: tuple[Path, ...] = (),
) -> tuple[Rule, ...]:
    """The rules that `--select`, `--extend` and `--ignore` leave, of the rule book and the user's own files.

    Raises:
        ValueError: a word that is no rule, no family and no name.
        RuleError: a rule file that can't be used.
    """
    everything = rules(own)
    for word in (*(select or ()), *extend, *ignore):
        if not any(is_meant(rule, word) for rule in everything):
            raise ValueError(f"no rule is called {word!r}")
    wanted = None if select is None else (*select, *extend)
    return tuple(
        rule
        for rule in everything
        if (wanted is None or any(is_meant(rule, w) for w in wanted)) and not any(is_meant(rule, w) for w in ignore)
    )


@functools.cache
def _book(
    select: tuple[str, ...] | None, ignore: tuple[str, ...], extend: tuple[str, ...], own: tuple[Path, ...], target: str
) -> Book:
    return Book.of(chosen(select, ignore, extend, own), target)


def _failed(text: str, path: str, message: str, line: int) -> Migrated:
    finding = Finding("KP000", Place(path, line), "api", Outcome.FAILED, message, "edit it by hand")
    return Migrated(text, [finding], message, True)


def _passes(
    mark: str, module: Module, path: str, book: Book, unsafe: bool, neighbours: Neighbours | None = None
) -> Migrated:
    original = module
    old = is_old(module)
    history: list[list[Splice]] = []
    fixed: list[Finding] = []
    used: set[tuple[str, str]] = set()
    shown = is_package(path)
    left: list[Site] = []
    wanted = neighbours.wanted if neighbours is not None else frozenset
    for _ in range(PASSES):
        where = placer(original, module, history, path)
        found, held = sites(module, book, old)
        done, splices, waiting = choose(module, found, unsafe)
        free = [one for one in held if imports.is_freed(one.reached, splices)] if splices else []
        if free and not waiting:
            found, done, splices, waiting = with_freed(module, book, free, found, done, splices, unsafe)
        if splices and not waiting:
            at_once = settled(mark, module, path, book, unsafe, found, done, splices, wanted, where, fixed, used)
            if at_once is not None:
                return at_once
        if not splices and history:
            splices = imports.unused(module, used, wanted) if not shown else []
            last = ended(mark, module, path, unsafe, found, sorted(splices), where, fixed)
            if last is not None:
                return last
        fixed += [finding for site in done for finding in fixed_findings(site, module, where)]
        left = found
        if not splices:
            break
        used |= imports.used_names(module)
        history.append(splices)
        module = Module(apply(module.text, splices), module.target, module.near)
    else:
        return _failed(mark + original.text, path, "the edits don't come to an end, nothing was changed", 0)
    where = placer(original, module, history, path)
    rest = [(site, outcome_of(site, module, unsafe)) for site in left]
    findings = sorted_findings([*fixed, *(finding_of(site, where(site.start), outcome) for site, outcome in rest)])
    if history and old and not is_old(module):
        # the next run sees Keras 3 code, in which nothing is pinned to what it was in Keras 2
        rest = [pair for pair in rest if not pair[0].rule.when.get("old_code")]
    again = [finding_of(site, Place(path, *module.line_column(site.start)), outcome) for site, outcome in rest]
    return Migrated(mark + module.text, findings, mentions=True, again=tuple(sorted_findings(again)))
