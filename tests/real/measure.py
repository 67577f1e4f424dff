"""Runs migrate on copies of real code bases and writes what became of them: `python tests/real/measure.py FOLDER ...`.

In: folders, each one code base (or `--list FILE`, one folder a line). Out: a table (`--out reports/real-code.md`) and,
with `--details FILE`, every leftover that nobody told. Nothing of the code bases is kept. Not a test: it takes minutes
and code from elsewhere; CONTRIBUTING.md says when to run it.
"""

import argparse
import ast
import difflib
import functools
import json
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leftovers import DEAD, Left, Program
from surface import surface

from kparity.codemod.files import FileResult, Options, migrate_files
from kparity.codemod.sources import SourceError, decode, find
from kparity.findings import Finding, Outcome, Place
from kparity.rulebook import Rule, rules

KERAS = re.compile(r"\bkeras\b|\btf_keras\b|np_utils", re.IGNORECASE)
IMPORT = re.compile(r"\s*(from\s|import\s|#|\)|\w+,|\w+ as \w+,?)")


@dataclass
class Measured:
    """One code base."""

    name: str
    files: int = 0
    lines: int = 0
    keras_files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    left: list[tuple[Left, str]] = field(default_factory=list)
    told_left: int = 0
    seconds: float = 0.0


def measure(folder: Path, known: dict[str, dict[str, Any]], keep: Path | None = None) -> Measured:
    """Migrate a copy of `folder` twice, and look at what came out."""
    found = Measured(folder.name)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, folder.name)
        shutil.copytree(folder, copy, symlinks=True, ignore=_not_python)
        before = _texts(copy)
        found.files = len(before)
        found.lines = sum(text.count("\n") for text in before.values())
        found.keras_files = sum(bool(KERAS.search(text)) for text in before.values())
        started = time.perf_counter()
        try:
            results = list(migrate_files([copy], Options(), jobs=1))
        except Exception as error:
            found.crashes.append(f"{type(error).__name__}: {error}")
            return found
        found.seconds = time.perf_counter() - started
        after = _texts(copy)
        if keep is not None:
            shutil.copytree(copy, keep / folder.name, dirs_exist_ok=True)
        by_path = {str(Path(r.path).relative_to(copy)): r for r in results}
        for path, result in by_path.items():
            _judge(found, path, result, before.get(path, Text("")), after.get(path, Text("")))
        again = migrate_files([copy], Options(), jobs=1)
        found.again = [r.path for r in again if r.changed]
        for one in Program(after, known).left():
            told = _told(one, by_path[one.path], before[one.path], after[one.path])
            if told:
                found.told_left += 1
            else:
                found.left.append((one, after[one.path].splitlines()[one.line - 1].strip()))
    return found


def _not_python(folder: str, names: list[str]) -> list[str]:
    return [n for n in names if not n.endswith((".py", ".pyw", ".ipynb")) and not Path(folder, n).is_dir()]


class Text(str):
    """What a file says; of a notebook, the code of its cells, one after the other."""

    cells: dict[int, int]
    """Number of a cell -> how many lines stand in front of it."""
    rest: str = ""
    """All of a notebook that isn't code, to be the same afterwards."""


def _texts(folder: Path) -> dict[str, Text]:
    texts = {}
    for path in find([folder]):
        if path.suffix not in (".py", ".pyw", ".ipynb"):
            continue
        try:
            data = path.read_bytes()
            text = _notebook(data) if path.suffix == ".ipynb" else Text(decode(path, data).text)
        except (SourceError, OSError, ValueError, KeyError):
            text = Text("")
        texts[str(path.relative_to(folder))] = text
    return texts


def _notebook(data: bytes) -> Text:
    notebook = json.loads(data)
    lines: list[str] = []
    cells: dict[int, int] = {}
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        cells[number] = len(lines)
        magic = source.startswith("%%")
        for line in source.split("\n"):
            special = magic or line.lstrip().startswith(("%", "!", "?")) or line.rstrip().endswith("?")
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}pass  # {line.strip()}" if special else line)
        cell["source"] = ""
    text = Text("\n".join(lines))
    text.cells, text.rest = cells, json.dumps(notebook, sort_keys=True)
    return text


def _line(place: Place, text: str) -> int:
    """The line of a place; in a notebook, of its cells' code."""
    if not place.cell or not isinstance(text, Text):
        return place.line
    return text.cells.get(place.cell, 0) + place.cell_line


def _judge(found: Measured, path: str, result: FileResult, before: str, after: str) -> None:
    found.outcomes.update(str(f.outcome) for f in result.findings)
    if result.error:
        (found.unparsed if not before or _parses(before) is None else found.crashes).append(f"{path}: {result.error}")
    if before == after:
        return
    if _parses(after) is None:
        found.broken.append(path)
        return
    found.outside += [f"{path}: {line}" for line in _outside(before, after, result.findings)]
    if getattr(before, "rest", "") != getattr(after, "rest", ""):
        found.outside.append(f"{path}: what isn't code")


def _parses(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text.removeprefix("\ufeff"), "x", "exec", dont_inherit=True)
            return ast.parse(text.removeprefix("\ufeff"))
        except (SyntaxError, ValueError, RecursionError):
            return None


# -- was only that changed which a finding speaks of? ------------------------------------------------------------------


def _outside(before: str, after: str, findings: Iterable[Finding]) -> list[str]:
    """Changed lines that belong to no statement with an edit in it, and to no import."""
    tree = _parses(before)
    assert tree is not None
    edited = {_line(f.place, before) for f in findings if f.outcome is Outcome.FIXED}
    allowed: set[int] = set()
    for start, end, is_import in _statements(tree):
        if is_import or any(start <= line <= end for line in edited):
            allowed.update(range(start, end + 1))
    allowed |= _assigned(tree, allowed)
    fixed = [by_id()[f.rule] for f in findings if f.outcome is Outcome.FIXED and f.rule in by_id()]
    if any(rule.edit["kind"] == "batches" for rule in fixed):
        allowed |= _hands_over(tree)
    added = _added(
        tree,
        after,
        {*WRITTEN, *(rule.edit["defines"].split("(")[0].split()[-1] for rule in fixed if "defines" in rule.edit)},
    )
    old, new = _lines(before), _lines(after)
    bad = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if kind == "insert":
            near = {i1, i1 + 1} & allowed
            own = [line for number, line in enumerate(new[j1:j2], j1 + 1) if number not in added]
            if not near and not all(IMPORT.match(line) or not line.strip() for line in own):
                bad.append("+" + new[j1])
            continue
        bad += [f"{n + 1}: {old[n]}" for n in range(i1, i2) if old[n].strip() and n + 1 not in allowed]
    return bad


WRITTEN = ("AddLoss", "AddMetric")
"""Layers that stand for a functional model's `add_loss` and `add_metric`."""


@functools.cache
def by_id() -> dict[str, Rule]:
    return {rule.id: rule for rule in rules()}


def _hands_over(tree: ast.Module) -> set[int]:
    """Lines of what generators yield and Sequences return, which a rule about `fit` or the method edits there."""
    kept = (ast.Yield, ast.Return)
    return {line for n in ast.walk(tree) if isinstance(n, kept) for line in range(n.lineno, (n.end_lineno or 0) + 1)}


def _added(tree: ast.Module, after: str, names: set[str]) -> set[int]:
    """Lines of the new text in which a rule defines what Keras 3 lacks, under one of these names."""
    before = {getattr(node, "name", "") for node in tree.body}
    made = (_parses(after) or tree).body if names else []
    new = [n for n in made if getattr(n, "name", "") in names - before]
    return {line for n in new for line in range(n.lineno, (n.end_lineno or n.lineno) + 1)}


def _assigned(tree: ast.Module, edited: set[int]) -> set[int]:
    """Lines that give a string to a name that an edited statement uses: path rules edit it where it stands."""
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.lineno in edited}
    names |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.lineno in edited}
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(n, ast.Constant) and isinstance(n.value, str) for n in ast.walk(node.value)
        ):
            last = [t.id if isinstance(t, ast.Name) else getattr(t, "attr", "") for t in node.targets]
            if names & set(last):
                found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def _statements(tree: ast.Module) -> Iterable[tuple[int, int, bool]]:
    """First and last line of every simple statement and of every compound statement's head."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = node.end_lineno or node.lineno
            start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            if isinstance(body, list) and body:
                end = max(start, body[0].lineno - 1)
            yield start, end, isinstance(node, ast.Import | ast.ImportFrom)


# -- was it told? ---------------------------------------------------------------------------------------------------


def _told(left: Left, result: FileResult, before: str, after: str) -> bool:
    """Does a finding that isn't an edit stand on the lines of this leftover, and speak of it?"""
    last = left.name.rsplit(".", 1)[-1]
    words = {last, left.name.rsplit(".", 2)[-2] if left.name.count(".") else last}
    words |= {dead.removeprefix("tensorflow.").replace("compat.v1.", "") for dead in DEAD if left.name.startswith(dead)}
    where = _mapped(before, after)
    for finding in result.findings:
        if finding.outcome is Outcome.FIXED:
            continue
        if finding.outcome is Outcome.FAILED:
            return True
        lines = where.get(_line(finding.place, before), range(0))
        if any(line in left.imports for line in lines):
            return True
        if any(left.line <= line <= left.end for line in lines) and any(
            word in finding.message or word in finding.fix for word in words
        ):
            return True
    return False


_MAPS: dict[tuple[int, int], dict[int, range]] = {}


def _mapped(before: str, after: str) -> dict[int, range]:
    """Line of the text before -> lines of the text after."""
    key = (hash(before), hash(after))
    if key not in _MAPS:
        _MAPS.clear()
        found: dict[int, range] = {}
        old, new = _lines(before), _lines(after)
        for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            for n in range(i1, i2):
                if kind == "equal" or i2 - i1 == j2 - j1:
                    found[n + 1] = range(j1 + n - i1 + 1, j1 + n - i1 + 2)
                else:
                    found[n + 1] = range(j1 + 1, j2 + 1)
        _MAPS[key] = found
    return _MAPS[key]


# -- report -----------------------------------------------------------------------------------------------------------

HEAD = (
    "| code base | files | lines | Keras files | edits | told | suppressed | crashes | can't be parsed | outside rules "
    "| second run | left untold | seconds |"
)


def table(all_of_them: list[Measured]) -> str:
    """The report's table."""
    rows = [HEAD, "|---|" + "--:|" * (HEAD.count("|") - 2)]
    total = Measured("**all**")
    for m in all_of_them:
        rows.append(_row(m))
        for name in ("files", "lines", "keras_files", "seconds", "told_left"):
            setattr(total, name, getattr(total, name) + getattr(m, name))
        for name in ("crashes", "unparsed", "outside", "again", "left", "broken"):
            getattr(total, name).extend(getattr(m, name))
        total.outcomes.update(m.outcomes)
    return "\n".join([*rows, _row(total)])


def _row(m: Measured) -> str:
    told = m.outcomes["manual"] + m.outcomes["unsafe"]
    cells = [m.name, m.files, m.lines, m.keras_files, m.outcomes["fixed"], told, m.outcomes["suppressed"]]
    cells += [len(m.crashes) + len(m.broken), len(m.unparsed), len(m.outside), len(m.again), len(m.left)]
    return "| " + " | ".join(f"{c:,}" if isinstance(c, int) else c for c in cells) + f" | {m.seconds:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--list", type=Path, help="a file with one folder a line")
    parser.add_argument("--out", type=Path, help="write the report here")
    parser.add_argument("--details", type=Path, help="write every leftover, and whatever else is wrong, here")
    parser.add_argument("--keep", type=Path, help="keep the migrated copies here")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir(), "kparity-real"))
    options = parser.parse_args()
    listed = options.list.read_text("utf-8").split() if options.list else []
    folders = [*options.folders, *map(Path, listed)]
    known = surface(options.scratch)
    found = []
    for folder in folders:
        found.append(measure(folder, known, options.keep))
        print(_row(found[-1]), file=sys.stderr, flush=True)
    report = table(found)
    print(report.splitlines()[-1])
    if options.out:
        options.out.write_text(INTRODUCTION + report + "\n", "utf-8")
    if options.details:
        options.details.write_text("\n".join(_details(found)) + "\n", "utf-8")


def _details(found: list[Measured]) -> Iterable[str]:
    for m in found:
        for title in ("crashes", "broken", "outside", "again", "unparsed"):
            yield from (f"{m.name}\t{title}\t{line}" for line in getattr(m, title))
        for left, source in m.left:
            yield f"{m.name}\tleft\t{left.path}:{left.line}\t{left.name}\t{left.why}\t{source}"


INTRODUCTION = """# Real code

What `kparity migrate` makes of code bases that nobody here wrote: `python tests/real/measure.py FOLDER ... --out
reports/real-code.md`. Edits: findings that were fixed without `--unsafe-fixes`. Told: places left to a person, each
with the reason. Outside rules: changed lines that belong to no statement with an edit in it. Left untold: what an
independent look at the output (`tests/real/leftovers.py`) finds of Keras 2 there that no finding speaks of. Can't be
parsed: Python 2 and templates; said, and left as they are.

"""


if __name__ == "__main__":
    main()
