"""The result of a file after one pass, where it can be known without another look at the new text.

In: a module, what was found in it, and the splices chosen. Out: `Migrated`, or None where only another pass can tell.
Most edits say a name anew, and a name that Keras 3 has for the same thing was asked by either spelling: what is left is
to say where things stand now, what is told of names that are new, and that the changed statements are still Python.
Called by migrate, once a pass; that most files are settled at once halves its time.
"""

import ast
import re
import symtable
import warnings
from bisect import bisect_left
from collections.abc import Callable

from ..findings import Finding, Place
from ..rulebook import Rule, api
from . import imports, recast
from .book import ABOUT_NAMES, Book
from .changed import change_of, matters
from .module import Lines, Module, Splice, apply, forward, overlaps
from .names import KERAS, normal, under
from .old import names_as_written
from .outcomes import Migrated, finding_of, fixed_findings, is_package, outcome_of, sorted_findings
from .places import place
from .sites import Site, gone_site, shortened

ABOUT_CALLS = (
    "call",
    "template",
    "schedule",
    "path",
    "input",
    "strings",
    "added",
    "weights",
    "weight",
    "newest",
    "array",
    "base",
)
"""Kinds of edit that look at what a name means, however it is called."""
BLOCKS = ("body", "handlers", "orelse", "finalbody")
ONE_PIECE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.Assert, ast.Raise, ast.Delete)
"""Statements that can be parsed by themselves, wherever they stand."""
HEADED = (ast.If, ast.For, ast.While, ast.With, ast.FunctionDef, ast.ClassDef)
"""Statements of which the same is true without their body."""
IMPORT = re.compile(r"\bimport\b")
WORD = re.compile(r"\w+")
NAME = re.compile(r"[a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*")


def settled(
    mark: str,
    module: Module,
    path: str,
    book: Book,
    unsafe: bool,
    found: list[Site],
    done: list[Site],
    splices: list[Splice],
    wanted: Callable[[], frozenset[str] | None],
    where: Callable[[int], Place],
    before: list[Finding],
    used: set[tuple[str, str]],
) -> Migrated | None:
    """The result of one pass, where no rule can have more to do after it: names that were said anew, nothing else.

    None where only another look at the new text can tell. Most files are settled at once, which halves the time.
    `where` gives places in the original text; earlier passes have found what is `before`, and names `used`.
    """
    told: list[Site] = []
    edited = {site.node for site in done}
    for site in done:
        more = _told_after(site, module, book, edited)
        if more is None:
            return None
        told += more
    if "keras" in module.loads and any(site.edit.needs for site in done if site.edit is not None):
        return None  # a name that stood for nothing gets a meaning
    last = splices if is_package(path) else imports.unused_after(module, splices, wanted)
    if last is None:
        return None
    if used and module.target != "keras":
        return None  # a new name is said through some import of TensorFlow, whose spelling may have to change, too
    if used and not is_package(path):
        spare = [s for s in imports.unused(module, used, wanted) if s not in last]
        said = {word for s in last for word in WORD.findall(s.text)}
        if any(overlaps(one, s) for one in spare for s in last):
            return None
        if any(said & _bound_by(module.text[one.start : one.end]) for one in spare):
            return None
        last = [*last, *spare]
    fixed = [*before, *(finding for site in done for finding in fixed_findings(site, module, where))]
    made = set(map(id, done))
    left = []
    moved: dict[int, set[str]] = {}
    for site in done:
        moved.setdefault(site.start, set()).update(_gone_by(site, module))
    if any(_is_shared(site, module) for site in done if site.becomes is not None):
        return None
    for site in found:
        if id(site) in made:
            continue
        old = moved.get(site.start)
        if old and site.about is None:
            return None  # what is told there may be about the old name
        if old and site.about in old:
            continue
        if site.about is not None and site.node in edited and isinstance(site.node, ast.Call):
            return None  # it may be about arguments that are there no more
        left.append(site)
    left += told
    return ended(mark, module, path, unsafe, left, sorted(last), where, fixed)


def ended(
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
    rest = [(site, outcome_of(site, module, unsafe)) for site in left if not _is_dropped(module, site, splices)]
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
            rest[number] = (site._replace(what=shortened(spelled[1])), outcome)
    if not _parses(module, text, splices):
        return None
    findings = [finding_of(site, where(site.start), outcome) for site, outcome in rest]
    again = []
    if rest:
        lines = Lines(text)
        for number, ((site, _), finding) in enumerate(zip(rest, findings, strict=True)):
            start = at.get(number)
            offset = forward(site.start, splices) if start is None else start
            again.append(finding._replace(place=Place(path, *lines.line_column(offset))))
    return Migrated(
        mark + text, sorted_findings([*fixed, *findings]), mentions=True, again=tuple(sorted_findings(again))
    )


def _bound_by(statement: str) -> set[str]:
    """The words of an import statement among which are the names that it binds."""
    return set(WORD.findall(IMPORT.split(statement, maxsplit=1)[-1])) - {"as"}


def _gone_by(site: Site, module: Module) -> set[str]:
    """The names that code at a site went by, and goes by no more."""
    if site.becomes is not None or not isinstance(site.node, ast.Call):
        return {old for old, new in site.becomes or () if old != new}
    func = site.node.func
    return {module.names.canonical(func) or "", module.names.meaning(func) or ""}


def _is_shared(site: Site, module: Module) -> bool:
    """Is it an import of a name that is bound by something else, too? Under another name that may be told."""
    if not isinstance(site.node, ast.Import | ast.ImportFrom):
        return False
    scope = module.names.scope(site.node)
    local = [alias.asname or alias.name.split(".")[0] for alias in site.node.names]
    return any(len((scope.lookup(name) or scope).bindings.get(name, ())) > 1 for name in local)


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
    if any(module.text[s.start : s.end] in site.reason for s in inside) or site.what != shortened(before):
        return None
    return start, new


def _stays_old(module: Module, splices: list[Splice]) -> bool:
    """Is there a name in an old spelling that the splices leave alone? Then the code counts as written for Keras 2."""
    for name, node in names_as_written(module):
        if name != normal(name) and under(normal(name), "keras"):
            start, end = module.start(node), module.end(node)
            if not any(s.start < end and s.end > start for s in splices):
                return True
    return False


def _told_after(site: Site, module: Module, book: Book, edited: set[ast.AST | None]) -> list[Site] | None:
    """What rules will tell of the names that this edit makes; `edited` are the nodes that are edited with it.

    None where one may have something else to say about them, or about values that come of them.
    """
    if site.becomes is None:
        quiet = recast.is_quiet(site, module, book) or _takes_mask(site, module) or _is_plain_member(site, module, book)
        return [] if quiet else None
    told: list[Site] = []
    for old, new in site.becomes:
        if old == new and site.rule.edit["kind"] != "call":
            continue
        call = site.node if site.rule.edit["kind"] == "call" and type(site.node) is ast.Call else None
        values = module.values
        unasked = call is not None and (call not in values.asked or values.stays_nothing(call, new))
        if not unasked and not values.alike(old, new):
            return None
        if old != new and api(3).get(new) == "module":
            inside = _told_inside(module, book, old, new, edited)
            if inside is None:
                return None
            told += inside
        others = [rule for rule in book.rules_of(new) if rule is not site.rule]
        seen = site.rule.edit["kind"] != "call" and place(old) == new
        others = [rule for rule in others if not seen or not _is_about_calls(rule)]
        change = change_of(new) if site.rule.edit["kind"] == "call" else None
        if site.rule.edit["kind"] == "rename" and _gives_what_changed(site, module, new):
            return None
        if others or change is not None:
            after = _after(site, module, call) if call is not None else None
            if after is None or any(not _passes_over(book, rule, after) for rule in others):
                return None
            if change is not None and matters(change, after):
                return None
    return told


def _gives_what_changed(site: Site, module: Module, new: str) -> bool:
    """Is what gets this name called with arguments that are other ones in Keras 3?"""
    change, call = change_of(new), module.names.parent(site.node) if site.node is not None else None
    return change is not None and isinstance(call, ast.Call) and call.func is site.node and matters(change, call)


def _after(site: Site, module: Module, call: ast.Call) -> ast.Call | None:
    """A call as the edit of a site leaves it."""
    start, end = module.start(call), module.end(call)
    assert site.edit is not None
    inside = [Splice(s.start - start, s.end - start, s.text) for s in site.edit.splices if start <= s.start < end]
    try:
        after = ast.parse(apply(module.text[start:end], inside), mode="eval").body
    except SyntaxError:
        return None
    return after if isinstance(after, ast.Call) else None


def _passes_over(book: Book, rule: Rule, call: ast.Call) -> bool:
    """Does a rule about what is called here need arguments that aren't given?"""
    params, needed = book.asked(rule)
    given = {keyword.arg for keyword in call.keywords} | set(params[: len(call.args)])
    return bool(needed) and needed.isdisjoint(given) and None not in given


def _takes_mask(site: Site, module: Module) -> bool:
    """Does a method only get its mask by another name, and has nobody asked of what kind that is?"""
    if site.rule.edit["kind"] != "mask" or not isinstance(site.node, ast.FunctionDef):
        return False
    return (module.index.owned[site.node], "mask") not in module.values.asked


def _is_plain_member(site: Site, module: Module, book: Book) -> bool:
    """Does a member only get another name, that nothing is said of, and has nobody asked for its value?"""
    if site.rule.edit["kind"] != "attribute" or not site.rule.edit["to"].isidentifier():
        return False
    names = (book.watched, book.methods, book.called, module.own_members)
    return not module.values.is_known(site.node) and not any(site.rule.edit["to"] in some for some in names)


def _is_about_calls(rule: Rule) -> bool:
    """Does it look at what a name means, however it is called? Then it has spoken before the name changes."""
    return rule.edit["kind"] in ABOUT_CALLS or bool(rule.when)


def _told_inside(module: Module, book: Book, old: str, new: str, edited: set[ast.AST | None]) -> list[Site] | None:
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
            if book.is_quiet(now) or inner in edited:
                continue
            if book.renaming(was) is not None or not module.values.alike(was, now):
                return None
            if place(was) == now and all(_is_about_calls(rule) for rule in book.rules_of(now)):
                continue  # asked already: a call is known by either name
            beyond = isinstance(module.names.parent(inner), ast.Attribute)
            old_rules = [rule for rule in book.rules_of(was) if rule.edit["kind"] not in ("rename", "public")]
            kept = now in api(2) and module.target != "keras"
            if beyond or now in api(3) or kept or old_rules or book.rules_of(now):
                return None
            if book.named(now, ABOUT_NAMES) or book.gone is None:
                return None
            told.append(gone_site(module, book.gone, inner, now))
    return told


def _parses(module: Module, text: str, splices: list[Splice]) -> bool:
    """Is the new text Python? Only the statements that changed are parsed again, for their symbols: no tree is made.

    That refuses a bit more (a `nonlocal` alone); such files get a second look.
    """
    changed: list[tuple[int, int, str]] = []
    for splice in splices:
        if NAME.fullmatch(splice.text) and NAME.fullmatch(module.text, splice.start, splice.end):
            continue  # a name in a name's place
        if changed and splice.end <= changed[-1][1] and splice.start >= changed[-1][0]:
            continue
        piece = _around(module.tree.body, module, splice)
        if changed and piece[0] < changed[-1][1]:
            before = changed.pop()
            piece = (min(piece[0], before[0]), *max(piece[1:], before[1:]))
        changed.append(piece)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for first, last, rest in changed:
                code = text[forward(first, splices) : forward(last, splices)].lstrip("; \t") + rest
                symtable.symtable(code.removeprefix("el") if rest else code, "<piece>", "exec")
    except SyntaxError:
        return False
    return True


def _around(body: list[ast.stmt], module: Module, splice: Splice) -> tuple[int, int, str]:
    """Where the piece around a splice begins and ends, and what makes a statement of it.

    The innermost statement, if that is of one piece, or what stands in front of its body; else the outermost, and what
    is next to it.
    """
    at = bisect_left(body, splice.start, key=module.end)
    last = body[min(bisect_left(body, splice.end, key=module.end), len(body) - 1)]
    whole = (0 if at == 0 else module.end(body[at - 1]), module.end(last), "")
    while at < len(body):
        inner = body[at]
        for decorator in getattr(inner, "decorator_list", ()):
            if module.start(decorator) <= splice.start < splice.end <= module.end(decorator):
                return module.start(decorator), module.end(decorator), ""
        start, end = module.start(inner), module.end(inner)
        if not start <= splice.start < splice.end <= end:
            break
        if isinstance(inner, ONE_PIECE):
            return start, end, ""
        if isinstance(inner, HEADED) and splice.end <= (stop := _begin(module, inner.body[0])):
            return start, stop, "pass"
        body = [s for name in BLOCKS for s in getattr(inner, name, ())]
        at = bisect_left(body, splice.start, key=module.end)
    return whole


def _begin(module: Module, statement: ast.stmt) -> int:
    """Where a statement begins, with its decorators."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return module.text.rindex("@", 0, module.start(decorators[0])) if decorators else module.start(statement)
