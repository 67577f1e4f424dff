"""Notebooks: their code cells are migrated as one program, and only the JSON of lines that changed is written anew.

In: the text of an .ipynb file. Out: its new text, and findings that name the cell and its line as well as the line of
the file. nbformat reads the notebook, the places of its strings are found here, because nbformat can only write all of
it anew. Called by files.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from ..findings import Finding, Outcome, Place
from . import cells, requirements
from .migrate import MENTIONS
from .outcomes import Migrated

TOKEN = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"', re.DOTALL)
SPACE = re.compile(r"[ \t\r\n]*")
ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL
)
Migrate = Callable[[str], Migrated]


class NotebookError(ValueError):
    """Not a notebook that can be read; the message says why."""


class Source(NamedTuple):
    """The source of one code cell in the file."""

    number: int
    """Which cell of the notebook it is, from 1, all kinds counted."""
    text: str
    start: int
    end: int
    """The characters of the file that the JSON value takes."""
    is_list: bool
    lines: tuple[tuple[int, str], ...]
    """Each line's offset in the file and its JSON, without quotes."""


def migrate_notebook(text: str, path: str, migrate: Migrate) -> Migrated:
    """The notebook with its code cells migrated by `migrate`; the same text where nothing changed in them.

    Raises:
        NotebookError: no notebook, or one whose parts can't be found.
    """
    sources = _read(text)
    if not sources:
        return Migrated(text, [], mentions=True)
    mark = "kparity"
    while any(mark in source.text for source in sources):
        mark += "x"
    texts = [source.text for source in sources]
    made = cells.program(texts, mark)
    place = _placer(text, path, sources)
    aside = _aside(made, sources, place, migrate)
    if made.broken and _is_python_2(text):
        number, error = next(iter(made.broken.items()))
        message = f"can't be parsed: {error.msg}, and its kernel is Python 2"
        finding = Finding("KP000", place(number, error.lineno or 1), "api", Outcome.FAILED, message, "edit it by hand")
        return Migrated(text, [finding], message, True)
    done = migrate(made.text)
    if done.error:
        findings = [f._replace(place=_moved(f.place, made, place)) for f in done.findings]
        return Migrated(text, findings, done.error, True)
    try:
        after = cells.sources(made, done.text, mark, texts)
    except ValueError as error:
        message = f"kparity's own edit went wrong, nothing was changed: {error}"
        finding = Finding("KP000", Place(path), "api", Outcome.FAILED, message, "edit it by hand")
        return Migrated(text, [finding], message, True)
    new = _spliced(text, sources, after)
    findings = [f._replace(place=_moved(f.place, made, place)) for f in done.findings] + aside
    again: tuple[Finding, ...] = ()
    if new == text:
        again = tuple(findings)
    else:
        moved = _read(new)
        if [source.text for source in moved] != after:
            raise NotebookError("kparity's own edit went wrong, nothing was changed")
        where = _placer(new, path, moved)
        program = cells.program(after, mark)
        again = tuple(f._replace(place=_moved(f.place, program, where)) for f in done.again)
        again += tuple(_aside(program, moved, where, migrate))
    failed = "; ".join(f.message for f in aside if f.outcome is Outcome.FAILED)
    return Migrated(new, _sorted(findings), failed, True, () if failed else tuple(_sorted(list(again))))


def _sorted(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (f.place.cell, f.place.cell_line, f.rule, f.message))


def _moved(at: Place, made: cells.Program, place: Callable[[int, int, int], Place]) -> Place:
    if not at.line:
        return place(0, 0, 0)
    cell, line = made.cell_line(at.line)
    return place(cell, max(line, 1), at.column)


def _aside(made: cells.Program, sources: list[Source], place: Callable[..., Place], migrate: Migrate) -> list[Finding]:
    """What is to say of cells and lines that aren't Python of this notebook."""
    found: list[Finding] = []
    for number, error in made.broken.items():
        message = f"cell {sources[number].number} can't be parsed: {error.msg}"
        where = place(number, error.lineno or 1)
        found.append(Finding("KP000", where, "api", Outcome.FAILED, message, "the other cells are migrated without it"))
    for number, magic in made.others.items():
        name, _, rest = magic.partition(" ")
        body = sources[number].text.partition("\n")[2]
        if name in ("writefile", "file") and rest.strip().endswith(".py") and MENTIONS.search(body):
            inner = migrate(body)
            if inner.text != body or inner.error or any(f.outcome is not Outcome.SUPPRESSED for f in inner.findings):
                found.append(requirements.finding("KP158", place(number, 1), f"%%{magic}"))
    for number, source in enumerate(sources):
        for line, words in enumerate(source.text.split("\n"), 1):
            if number in made.others or words.lstrip().startswith(("!", "%")):
                for rule, column, what, why in requirements.in_shell(words):
                    found.append(requirements.finding(rule, place(number, line, column), what, fix=why))
    return found


def _is_python_2(text: str) -> bool:
    return bool(re.search(r'"version": *"2\.|"name": *"python2"', text))


# -- reading ----------------------------------------------------------------------------------------------------------


def _read(text: str) -> list[Source]:
    """The code cells of a notebook whose language is Python."""
    import nbformat
    from nbformat.reader import reads

    try:
        notebook: Any = reads(text)
        pieces = list(_cells(notebook))
    except nbformat.reader.NotJSONError as error:
        raise NotebookError(f"isn't JSON: {_reason(text, error)}") from error
    except Exception as error:  # whatever a broken notebook does to its reader
        raise NotebookError(f"is no notebook that nbformat can read: {error!r}") from error
    if str(_language(notebook)).lower() not in ("python", "python2", "python3", "ipython", "", "none"):
        return []
    spans = _spans(text)
    if len(spans) != len(pieces):
        raise NotebookError("its cells can't be found in its text")
    found = []
    for number, ((is_code, wanted), span) in enumerate(zip(pieces, spans, strict=True), 1):
        if not is_code or span is None:
            continue
        source = _source(text, number, *span)
        if source.text != wanted:
            raise NotebookError(f"cell {number} can't be found in its text")
        if source.text.strip():
            found.append(source)
    return found


def _reason(text: str, error: Exception) -> str:
    try:
        json.loads(text)
    except ValueError as plain:
        return str(plain)
    return str(error)


def _cells(notebook: Any) -> Iterator[tuple[bool, str]]:
    """Is it code, and its text: of every cell, in nbformat 4 and 3."""
    for cell in notebook["cells"] if "cells" in notebook else [c for w in notebook["worksheets"] for c in w["cells"]]:
        is_code = cell["cell_type"] == "code"
        text = cell.get("source", cell.get("input", "")) if is_code else ""
        yield is_code, "".join(text) if isinstance(text, list) else str(text)


def _language(notebook: Any) -> str:
    metadata = notebook.get("metadata", {})
    language = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name") or ""
    return str(language)


def _spans(text: str) -> list[tuple[int, int] | None]:
    """Where the source of each cell is in the text; None for one without."""
    notebook = _members(text, SPACE.match(text, 1 if text.startswith("\ufeff") else 0).end())  # type: ignore[union-attr]
    if "cells" in notebook:
        found = list(_items(text, notebook["cells"][0]))
    else:
        sheets = list(_items(text, notebook["worksheets"][0]))
        found = [cell for sheet in sheets for cell in _items(text, _members(text, sheet[0])["cells"][0])]
    spans = []
    for start, _ in found:
        members = _members(text, start)
        spans.append(members.get("source") or members.get("input"))
    return spans


def _end(text: str, start: int) -> int:
    """Behind the JSON value that starts here."""
    if text[start] not in '{["':
        plain = re.compile(r"[^\s,\]}]+").match(text, start)
        return plain.end() if plain else start
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return len(text)


def _items(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Start and end of each value in the array or, by turns of key and value, the object that starts here."""
    at = start + 1
    while True:
        at = SPACE.match(text, at).end()  # type: ignore[union-attr]
        if at >= len(text) or text[at] in "]}":
            return
        if text[at] in ",:":
            at += 1
            continue
        end = _end(text, at)
        yield at, end
        at = end


def _members(text: str, start: int) -> dict[str, tuple[int, int]]:
    parts = list(_items(text, start))
    return {json.loads(text[key[0] : key[1]]): value for key, value in zip(parts[::2], parts[1::2], strict=False)}


def _source(text: str, number: int, start: int, end: int) -> Source:
    is_list = text[start] == "["
    strings = list(_items(text, start)) if is_list else [(start, end)]
    lines: list[tuple[int, str]] = []
    whole = True
    for first, last in strings:
        pieces = list(_raw_lines(text, first + 1, last - 1))
        whole = whole and len(pieces) == 1
        lines += pieces
    value = json.loads(text[start:end])
    joined = "".join(value) if is_list else value
    return Source(number, joined, start, end, is_list and whole, tuple(lines))


def _raw_lines(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """The lines of a JSON string as they are written, with the escape that ends each."""
    at = start
    for token in ESCAPE.finditer(text, start, end):
        if token[0] == "\\n" or token[0] == "\\u000a":
            yield at, text[at : token.end()]
            at = token.end()
    if at < end or at == start:
        yield at, text[at:end]


# -- places and writing -----------------------------------------------------------------------------------------------


def _placer(text: str, path: str, sources: list[Source]) -> Callable[..., Place]:
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]

    def place(index: int, line: int, column: int = 1) -> Place:
        if not sources or not line:
            return Place(path)
        source = sources[index]
        offset, raw = source.lines[min(line, len(source.lines)) - 1]
        for count, token in enumerate(ESCAPE.finditer(raw), 1):
            if count == column:
                offset += token.start()
                break
        row = bisect_right(starts, offset)
        return Place(path, row, offset - starts[row - 1] + 1, source.number, line)

    return place


def _spliced(text: str, sources: list[Source], after: list[str]) -> str:
    ascii_only = text.isascii() and re.search(r"\\u[0-9a-fA-F]{4}", text) is not None
    parts: list[str] = []
    at = 0
    for source, new in zip(sources, after, strict=True):
        if new == source.text:
            continue
        parts += [text[at : source.start], _json(text, source, new, ascii_only)]
        at = source.end
    return "".join([*parts, text[at:]])


def _json(text: str, source: Source, new: str, ascii_only: bool) -> str:
    """The new source in the form of the old one: lines that stay are written as they were."""
    old_raw = [raw for _, raw in source.lines]
    old = [json.loads(f'"{raw}"') for raw in old_raw]
    wanted = new.split("\n")
    lines = [line + "\n" for line in wanted[:-1]] + ([wanted[-1]] if wanted[-1] else [])
    raw: list[str] = []
    for kind, i, j, k, m in SequenceMatcher(None, old, lines, autojunk=False).get_opcodes():
        same = kind == "equal"
        raw += old_raw[i:j] if same else [json.dumps(line, ensure_ascii=ascii_only)[1:-1] for line in lines[k:m]]
    if not source.is_list:
        if text[source.start] != "[":
            return '"' + "".join(raw) + '"'
        return json.dumps(lines, ensure_ascii=ascii_only)
    strings = list(_items(text, source.start))
    head = text[source.start : strings[0][0]]
    tail = text[strings[-1][1] : source.end]
    between = text[strings[0][1] : strings[1][0]] if len(strings) > 1 else "," + head[1:]
    return head + between.join(f'"{line}"' for line in raw) + tail if raw else "[]"
