"""Source text -> Keras 3 source text and findings: passes of match and splice until nothing is left to do.

Called by the command `migrate` (through `files`), and by compare, which runs its Keras 3 side on the file as `migrate`
would leave it. No framework is imported.
"""

import ast
import functools
import gc
import re
import tokenize
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import ParamSpec

from ..findings import Finding, Outcome, Place
from ..rulebook import Rule, api, rules
from . import imports
from .book import ABOUT_NAMES, Book
from .changed import change_of
from .edits import KERAS_TAKEN
from .match import Held, Site, freed_sites, gone_site, in_order, shortened, sites
from .module import Lines, Module, Need, Splice, Taken, apply, back, forward
from .names import KERAS, normal, under
from .places import place
from .project import Neighbours

MENTIONS = re.compile(r"keras|tensorflow|\btf\b|np_utils", re.IGNORECASE)
IGNORE = re.compile(r"#\s*kparity:\s*ignore(?!-)(?:\[([^\]]*)\])?")
IGNORE_FILE = re.compile(r"^[ \t]*#\s*kparity:\s*ignore-file(?:\[([^\]]*)\])?", re.MULTILINE)
ABOUT_CALLS = (
    "call",
    "template",
    "schedule",
    "path",
    "input",
    "strings",
    "added",
    "weights",
    "newest",
    "array",
    "base",
)
"""Kinds of edit that look at what a name means, however it is called."""
NAME = re.compile(r"[a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*")
PASSES = 40
"""More than any nesting of edits that real code has; a file that needs more isn't written."""


P = ParamSpec("P")


@dataclass(frozen=True)
class Migrated:
    """What became of one source text."""

    text: str
    findings: list[Finding]
    error: str = ""
    """Why the text is as it was: it can't be parsed, or the edits didn't come to an end."""
    mentions: bool = False
    """Does the text mention Keras at all?"""
    again: tuple[Finding, ...] = ()
    """What a run over the new text finds, in its places: nothing that could be edited is among it."""


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
    said = MENTIONS.search(body) is not None
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
        if not any(_is_meant(rule, word) for rule in everything):
            raise ValueError(f"no rule is called {word!r}")
    wanted = None if select is None else (*select, *extend)
    return tuple(
        rule
        for rule in everything
        if (wanted is None or any(_is_meant(rule, w) for w in wanted)) and not any(_is_meant(rule, w) for w in ignore)
    )


def _is_meant(rule: Rule, word: str) -> bool:
    return rule.id.startswith(word.upper()) or rule.name == word


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
    used = imports.used_names(module)
    shown = is_package(path)
    left: list[Site] = []
    wanted = neighbours.wanted if neighbours is not None else frozenset
    for _ in range(PASSES):
        where = _placer(original, module, history, path)
        found, held = sites(module, book, old)
        done, splices, waiting = _choose(module, found, unsafe)
        free = [one for one in held if imports.is_freed(one.reached, splices)] if splices else []
        if free and not waiting:
            found, done, splices, waiting = _with_freed(module, book, free, found, done, splices, unsafe)
        if splices and not (history or waiting):
            settled = _settled(mark, module, path, book, unsafe, found, done, splices, wanted)
            if settled is not None:
                return settled
        if not splices and history:
            splices = imports.unused(module, used, wanted) if not shown else []
            last = _ended(mark, module, path, unsafe, found, sorted(splices), where, fixed)
            if last is not None:
                return last
        fixed += [finding for site in done for finding in _fixed(site, module, where)]
        left = found
        if not splices:
            break
        used |= imports.used_names(module)
        history.append(splices)
        module = Module(apply(module.text, splices), module.target, module.near)
    else:
        return _failed(mark + original.text, path, "the edits don't come to an end, nothing was changed", 0)
    where = _placer(original, module, history, path)
    rest = [(site, _outcome(site, module, unsafe)) for site in left]
    findings = _sorted([*fixed, *(_finding(site, where(site.start), outcome) for site, outcome in rest)])
    if history and old and not is_old(module):
        # the next run sees Keras 3 code, in which nothing is pinned to what it was in Keras 2
        rest = [pair for pair in rest if not pair[0].rule.when.get("old_code")]
    again = [_finding(site, Place(path, *module.line_column(site.start)), outcome) for site, outcome in rest]
    return Migrated(mark + module.text, findings, mentions=True, again=tuple(_sorted(again)))


def _with_freed(
    module: Module,
    book: Book,
    free: list[Held],
    found: list[Site],
    done: list[Site],
    splices: list[Splice],
    unsafe: bool,
) -> tuple[list[Site], list[Site], list[Splice], bool]:
    """The same with imports that nothing holds any more, now that these splices are made; others wait."""
    starts = {site.start for site in done}
    alone = [one.statement for one in free if one.statement is not None and module.start(one.statement) not in starts]
    more = [site for statement in dict.fromkeys(alone) for site in freed_sites(module, book, statement)]
    if len(alone) < len(free) or any(KERAS_TAKEN in site.reason for site in found):
        return found, done, splices, True
    every = in_order([*found, *more])
    return (every, *_choose(module, every, unsafe))


def _sorted(findings: list[Finding]) -> list[Finding]:
    return sorted(set(findings), key=lambda f: (f.place, f.rule, f.message, f.fix))


def is_package(path: str) -> bool:
    return path.replace("\\", "/").rsplit("/", 1)[-1] == "__init__.py"


def is_old(module: Module) -> bool:
    """Was the module written for Keras 2? Only then may a default that changed be pinned to its old value.

    Names that only Keras 3 has, and none of the old spellings, say that it is Keras 3 code already.
    """
    new = False
    for name, _ in _named(module):
        plain = normal(name)
        if name != plain and under(plain, "keras"):
            return True
        new = new or (under(plain, "keras") and plain in api(3) and plain not in api(2))
    return not new


def _named(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """What the imports and dotted names of a module say, as written, and where."""
    for node in module.index.imports:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)
    for name in module.names.roots(KERAS):
        for use in module.loads.get(name, ()):
            at: ast.AST = use
            while isinstance(parent := module.names.parent(at), ast.Attribute):
                at = parent
                yield module.names.written(at) or "", at


def _placer(original: Module, module: Module, history: list[list[Splice]], path: str) -> Callable[[int], Place]:
    passes = list(history)

    def place(offset: int) -> Place:
        for splices in reversed(passes):
            offset = back(offset, splices)
        return Place(path, *original.line_column(min(offset, len(original.text))))

    return place


def _settled(
    mark: str,
    module: Module,
    path: str,
    book: Book,
    unsafe: bool,
    found: list[Site],
    done: list[Site],
    splices: list[Splice],
    wanted: Callable[[], frozenset[str] | None],
) -> Migrated | None:
    """The result of one pass, where no rule can have more to do after it: names that were said anew, nothing else.

    None where only another look at the new text can tell. Most files are settled at once, which halves the time.
    """
    told: list[Site] = []
    for site in done:
        more = _told_after(site, module, book)
        if more is None:
            return None
        told += more
    if "keras" in module.loads and any(site.edit.needs for site in done if site.edit is not None):
        return None  # a name that stood for nothing gets a meaning
    last = splices if is_package(path) else imports.unused_after(module, splices, wanted)
    if last is None:
        return None
    here = _placer(module, module, [], path)
    fixed = [finding for site in done for finding in _fixed(site, module, here)]
    made = set(map(id, done))
    left = []
    moved: dict[int, set[str]] = {}
    for site in done:
        moved.setdefault(site.start, set()).update(old for old, new in site.becomes or () if old != new)
    if any(_is_shared(site, module) for site in done if any(old != new for old, new in site.becomes or ())):
        return None
    for site in found:
        if id(site) in made:
            continue
        old = moved.get(site.start)
        if old and site.about is None:
            return None  # what is told there may be about the old name
        if not old or site.about not in old:
            left.append(site)
    left += told
    return _ended(mark, module, path, unsafe, left, sorted(last), here, fixed)


def _ended(
    mark: str,
    module: Module,
    path: str,
    unsafe: bool,
    left: list[Site],
    splices: list[Splice],
    where: Callable[[int], Place],
    fixed: list[Finding],
) -> Migrated | None:
    """The result with these last splices, after which the sites that are left stand as they are.

    None where they might not: then the new text is looked at again.
    """
    rest = [(site, _outcome(site, module, unsafe)) for site in left if not _is_dropped(module, site, splices)]
    text = apply(module.text, splices)
    at: dict[int, int] = {}
    for number, (site, outcome) in enumerate(rest):
        if site.rule.when.get("old_code") and not _stays_old(module, splices):
            return None
        inside = [s for s in splices if s.start < site.end and s.end > site.start]
        if inside:
            spelled = _spelled_anew(module, text, site, inside, splices)
            if spelled is None:
                return None
            at[number] = spelled[0]
            rest[number] = (replace(site, what=shortened(spelled[1])), outcome)
    if not _parses(module, text, splices):
        return None
    findings = [_finding(site, where(site.start), outcome) for site, outcome in rest]
    again = []
    if rest:
        lines = Lines(text)
        for number, ((site, _), finding) in enumerate(zip(rest, findings, strict=True)):
            start = at.get(number)
            offset = forward(site.start, splices) if start is None else start
            again.append(replace(finding, place=Place(path, *lines.line_column(offset))))
    return Migrated(mark + text, _sorted([*fixed, *findings]), mentions=True, again=tuple(_sorted(again)))


def _is_shared(site: Site, module: Module) -> bool:
    """Is it an import of a name that is bound by something else, too? Under another name that may be told."""
    if not module.text.startswith(("from ", "import "), site.start):
        return False
    names = module.names
    for node in names.index.imports:
        if module.start(node) == site.start:
            scope = names.scope(node)
            local = [alias.asname or alias.name.split(".")[0] for alias in node.names]
            return any(len((scope.lookup(name) or scope).bindings.get(name, ())) > 1 for name in local)
    return True


def _is_dropped(module: Module, site: Site, splices: list[Splice]) -> bool:
    """Is it about an import that goes, all of it or this one name?"""
    over = [s for s in splices if s.start <= site.start and s.end >= site.end]
    if len(over) != 1 or not module.text.startswith(("from ", "import "), site.start):
        return False
    return not over[0].text.strip()


def _spelled_anew(
    module: Module, text: str, site: Site, inside: list[Splice], splices: list[Splice]
) -> tuple[int, str] | None:
    """Where the place of a site is in the new text, and what stands there; None where that isn't certain.

    Of an import statement that is split up it is the last part: what stays as it was.
    """
    before = module.text[site.start : site.end]
    if any(s.start < site.start or s.end > site.end for s in inside):
        return None
    start = forward(site.start, splices)
    new = text[start : forward(site.end, splices)]
    if before.startswith(("from ", "import ")):
        head = before[: before.index("import") + len("import")]
        if new.count("import ") != before.count("import "):
            cut = new.rfind(head)
            return (start + cut, new[cut:]) if cut >= 0 and before.count("import ") == 1 else None
        return start, new
    if any(module.text[s.start : s.end] in site.reason for s in inside) or before[: len(site.what)] != site.what:
        return None
    return start, new


def _stays_old(module: Module, splices: list[Splice]) -> bool:
    """Is there a name in an old spelling that the splices leave alone? Then the code counts as written for Keras 2."""
    for name, node in _named(module):
        if name != normal(name) and under(normal(name), "keras"):
            start, end = module.start(node), module.end(node)
            if not any(s.start < end and s.end > start for s in splices):
                return True
    return False


def _told_after(site: Site, module: Module, book: Book) -> list[Site] | None:
    """What rules will tell of the names that this edit makes.

    None where one may have something else to say about them, or about values that come of them.
    """
    if site.becomes is None:
        return None
    told: list[Site] = []
    for old, new in site.becomes:
        if old == new and site.rule.edit["kind"] != "call":
            continue
        if not module.values.alike(old, new):
            return None
        if old != new and api(3).get(new) == "module":
            inside = _told_inside(module, book, old, new)
            if inside is None:
                return None
            told += inside
        others = [rule for rule in book.rules_of(new) if rule is not site.rule]
        seen = site.rule.edit["kind"] != "call" and place(old) == new
        if any(not seen or not _is_about_calls(rule) for rule in others):
            return None
        if site.rule.edit["kind"] == "call" and change_of(new) is not None:
            return None
    return told


def _is_about_calls(rule: Rule) -> bool:
    """Does it look at what a name means, however it is called? Then it has spoken before the name changes."""
    return rule.edit["kind"] in ABOUT_CALLS or bool(rule.when)


def _told_inside(module: Module, book: Book, old: str, new: str) -> list[Site] | None:
    """What is told, once a module of Keras has got another name, of what is reached through it.

    None where a rule may have more to do there than to say that it is gone.
    """
    told = []
    for root in module.names.roots(KERAS):
        for use in module.loads.get(root, ()):
            at: ast.AST = use
            reached = module.names.canonical(at)
            while reached != old and isinstance(above := module.names.parent(at), ast.Attribute):
                at, reached = above, module.names.canonical(above)
            if reached != old:
                continue
            inner = module.names.parent(at)
            if not isinstance(inner, ast.Attribute):
                return None
            was, now = f"{old}.{inner.attr}", f"{new}.{inner.attr}"
            if book.is_quiet(now):
                continue
            if book.renaming(was) is not None or not module.values.alike(was, now):
                return None
            if place(was) == now and all(_is_about_calls(rule) for rule in book.rules_of(now)):
                continue  # asked already: a call is known by either name
            beyond = isinstance(module.names.parent(inner), ast.Attribute)
            old_rules = [rule for rule in book.rules_of(was) if rule.edit["kind"] not in ("rename", "public")]
            if beyond or now in api(3) or now in api(2) or old_rules or book.rules_of(now):
                return None
            if book.named(now, ABOUT_NAMES) or book.gone is None:
                return None
            told.append(gone_site(module, book.gone, inner, now))
    return told


def _parses(module: Module, text: str, splices: list[Splice]) -> bool:
    """Is the new text Python? Only the statements of the module that changed are parsed again."""
    ends = [module.end(s) for s in module.tree.body]
    changed: list[tuple[int, int]] = []
    for splice in splices:
        if NAME.fullmatch(splice.text) and NAME.fullmatch(module.text, splice.start, splice.end):
            continue  # a name in a name's place
        at = bisect_left(ends, splice.start)
        first = 0 if at == 0 else ends[at - 1]
        last = ends[min(bisect_left(ends, splice.end), len(ends) - 1)]
        if changed and first < changed[-1][1]:
            changed[-1] = (changed[-1][0], max(last, changed[-1][1]))
        else:
            changed.append((first, last))
    try:
        for first, last in changed:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(text[forward(first, splices) : forward(last, splices)].lstrip("; \t"))
    except SyntaxError:
        return False
    return True


def _choose(module: Module, found: list[Site], unsafe: bool) -> tuple[list[Site], list[Splice], bool]:
    """The sites of this pass that are edited now, all their splices, and whether others wait for the next pass.

    Edits that overlap wait.
    """
    waiting = False
    done: list[Site] = []
    splices: list[Splice] = []
    taken = Taken()
    needs: dict[Need, None] = {}
    for site in found:
        if site.edit is None or _outcome(site, module, unsafe) is not Outcome.FIXED:
            continue
        new = [s for s in site.edit.splices if s not in taken]
        if any(taken.clashes(one) for one in new):
            waiting = True
            continue
        done.append(site)
        splices += new
        for one in new:
            taken.add(one)
        needs.update(dict.fromkeys(site.edit.needs))
    return done, [*splices, *_needed(module, list(needs))], waiting


def _needed(module: Module, needs: list[Need]) -> list[Splice]:
    """Insertions of imports; one at module level serves the functions, too."""
    made = []
    at_top = {n.text for n in needs if _indent(module, n.at) == ""}
    for need in needs:
        indent = _indent(module, need.at)
        if indent != "" and need.text in at_top:
            continue
        separator = "; " if indent.strip() else module.newline() + indent
        made.append(Splice(need.at, need.at, need.text + separator))
    first: dict[str, Splice] = {}
    for splice in sorted(made):
        key = splice.text if splice.text.endswith(("\n", "\r")) else f"{splice.start}{splice.text}"
        first.setdefault(key, splice)
    return list(first.values())


def _indent(module: Module, offset: int) -> str:
    line, column = module.line_column(offset)
    return module.line_text(line)[: column - 1]


def _outcome(site: Site, module: Module, unsafe: bool) -> Outcome:
    if "kparity" in module.text:
        comments = [IGNORE.search(module.line_text(line)) for line in dict.fromkeys(site.lines)]
        for found in (*comments, *_for_the_file(module.text)):
            if found is not None:
                meant = [w.strip() for w in (found[1] or "").split(",") if w.strip()]
                if not meant or any(_is_meant(site.rule, w) for w in meant):
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


def _fixed(site: Site, module: Module, where: Callable[[int], Place]) -> list[Finding]:
    """What was done at a place, and at others on its account: every line that changes is spoken of."""
    found = [_finding(site, where(site.start), Outcome.FIXED)]
    for splice in site.edit.splices if site.edit is not None else ():
        line, _ = module.line_column(splice.start)
        if not site.lines[0] <= line <= site.lines[1]:
            also = replace(site, what=shortened(module.line_text(line)))
            found.append(_finding(also, where(splice.start), Outcome.FIXED))
    return found


def _finding(site: Site, place: Place, outcome: Outcome) -> Finding:
    rule = site.rule
    fix = "" if outcome is Outcome.FIXED else site.reason or rule.why
    return Finding(rule.id, place, rule.phase, outcome, f"{rule.title}: `{site.what}`", fix)
