"""The code cells of a notebook as one Python text, and back: what only IPython understands stands aside meanwhile.

In: the sources of the code cells. Out: a `Program` whose text has a line for every line of theirs, with magics, shell
lines and cells in other languages replaced by strings; and from that text, migrated, the new sources. Called by
notebooks.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "heat", "pyspark", "debug"})
"""Cell magics whose body is Python of this notebook."""
PYTHON_LINES = re.compile(r"%(?:time|timeit|prun|memit)(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]+")
ASSIGNED = re.compile(r"([\w.,* \t\[\]'\"]+?=[ \t]*)([!%].*)", re.DOTALL)
HELP = re.compile(r"\?{1,2}[\w.%*]+|[\w.%*\[\]]+\?{1,2}")
PIECES = re.compile(
    r"""(?P<string>(?i:\b[rbuf]{1,2})?(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"
    |'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))|(?P<open>'''|\"\"\")|\#[^\n]*|(?P<in>[(\[{])|(?P<out>[)\]}])
    |(?P<joined>\\\n)|(?P<end>\n)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Program:
    """All code cells as one text."""

    text: str = ""
    starts: list[int] = field(default_factory=list)
    """The line of the text (from 1) on which each cell's first line stands."""
    kept: dict[int, str] = field(default_factory=dict)
    """What a string stands for, by its number."""
    broken: dict[int, SyntaxError] = field(default_factory=dict)
    """Cells (from 0) that are no Python, with what the parser says. They can't run either, so they bind no name."""
    indented: set[int] = field(default_factory=set)
    """Cells (from 0) all of whose lines are indented: IPython takes that off."""
    others: dict[int, str] = field(default_factory=dict)
    """Cells (from 0) whose magic makes them something else, with its name and arguments."""

    def cell_line(self, line: int) -> tuple[int, int]:
        """The cell (from 0) and its line (from 1) of a line of the text."""
        cell = max(i for i, start in enumerate(self.starts) if start <= max(line, self.starts[0]))
        return cell, line - self.starts[cell] + 1


def program(cells: list[str], mark: str) -> Program:
    """One text of all the cells. `mark` is a word that is in none of them."""
    made = Program()
    newline = "\r\n" if any("\r\n" in cell for cell in cells) else "\n"
    names = _imported(cells)
    lines = 0
    for number, cell in enumerate(cells):
        body = _cell(made, number, cell, mark, names)
        made.starts.append(lines + 2)
        head = "if 1:  # " if number in made.indented else "# "
        made.text += f"{head}{mark}-cell-{number}{newline}{body}{newline}"
        lines += 1 + body.count("\n") + 1
    return made


def sources(made: Program, text: str, mark: str, cells: list[str]) -> list[str]:
    """The cells of a program's migrated text.

    Raises:
        ValueError: the text lost a cell, or something that stood aside.
    """
    pieces = re.split(rf"^(?:if 1:  )?# {mark}-cell-(\d+)\r?\n", text, flags=re.MULTILINE)
    if [int(one) for one in pieces[1::2]] != list(range(len(cells))) or pieces[0].strip():
        raise ValueError("the cells can't be told apart any more")
    found = []
    restored: list[int] = []

    def restore(match: re.Match[str]) -> str:
        restored.append(int(match[1] or match[2]))
        return made.kept[restored[-1]]

    holder = re.compile(rf'\("{mark}-(\d+)"[^)]*\)|"{mark}-(\d+)"(; ?)?')
    for old, piece in zip(cells, pieces[2::2], strict=True):
        body = re.sub(r"\r?\n\Z", "", piece)
        new = holder.sub(restore, body)
        if new.startswith(("\n", "\r")) and not old.startswith(("\n", "\r")):
            new = new.lstrip("\r\n")
        found.append(new)
    if sorted(restored) != sorted(made.kept):
        raise ValueError("a magic or shell line was lost")
    return found


def _cell(made: Program, number: int, cell: str, mark: str, names: set[str]) -> str:
    """A cell as Python, with as many lines."""
    magic = re.match(r"\s*%%(\w+)([^\n]*)", cell)
    if magic is not None and magic[1] not in PYTHON_CELLS:
        made.others[number] = (magic[1] + magic[2]).strip()
        return _aside(made, cell, mark, names)
    if _error(cell) is None:
        return cell
    before = len(made.kept)
    body = "".join(_lines(made, cell, mark, names))
    error = _error(body)
    if error is not None and cell[:1] in " \t" and _error(f"if 1:\n{body}") is None:
        made.indented.add(number)
        return body
    if error is None:
        return body
    for extra in range(before, len(made.kept)):
        del made.kept[extra]
    made.broken[number] = error
    return _aside(made, cell, mark, names)


def _error(text: str) -> SyntaxError | None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError) as error:
        return SyntaxError(str(error))
    return None


def _aside(made: Program, text: str, mark: str, names: set[str], prefix: bool = False) -> str:
    """The string that stands for this text: over as many lines, and naming the imports that the text may need."""
    number = len(made.kept)
    made.kept[number] = text
    if prefix:
        return f'"{mark}-{number}"; '
    needed = sorted(names & set(re.findall(r"\w+", text)))
    breaks = "\n" * text.count("\n")
    if not needed and not breaks:
        return f'"{mark}-{number}"'
    return f'("{mark}-{number}", ' + "".join(f'"{name}.", ' for name in needed) + breaks + ")"


def _imported(cells: list[str]) -> set[str]:
    """Every word of every import statement: what a magic or a shell line could need."""
    return {
        word
        for cell in cells
        for line in re.findall(r"^[ \t]*(?:from|import)\b.*", cell, flags=re.MULTILINE)
        for word in re.findall(r"\w+", line)
    } - {"from", "import", "as"}


def _lines(made: Program, cell: str, mark: str, names: set[str]) -> Iterator[str]:
    """The cell's logical lines, those that only IPython understands set aside."""
    at = 0
    while at < len(cell):
        end = cell.find("\n", at)
        line = cell[at : len(cell) if end < 0 else end]
        if _is_ipython(line):
            end = at + len(line)
            while cell[at:end].endswith("\\") and end < len(cell):
                following = cell.find("\n", end + 1)
                end = len(cell) if following < 0 else following
            yield from _replaced(made, cell[at:end], mark, names)
            if end < len(cell):
                yield "\n"
            at = end + 1
            continue
        end = _end_of_statement(cell, at)
        yield cell[at:end]
        at = end


def _is_ipython(line: str) -> bool:
    plain = line.strip()
    if plain.startswith(("%", "!", "?")):
        return True
    if HELP.fullmatch(plain.split("#")[0].strip()):
        return True
    found = ASSIGNED.match(line)
    return found is not None and not found[2].startswith("!=")


def _replaced(made: Program, text: str, mark: str, names: set[str]) -> Iterator[str]:
    indent = text[: len(text) - len(text.lstrip())]
    body = text[len(indent) :]
    tail = "\r" if body.endswith("\r") else ""
    body = body[: len(body) - len(tail)]
    code = PYTHON_LINES.match(body)
    assigned = ASSIGNED.match(body)
    if code is not None and "\n" not in body and _error(body[code.end() :]) is None:
        yield indent + _aside(made, code[0], mark, names, prefix=True) + body[code.end() :] + tail
    elif assigned is not None and not body.startswith(("%", "!", "?")):
        yield indent + assigned[1] + _aside(made, assigned[2], mark, names) + tail
    else:
        yield indent + _aside(made, body, mark, names) + tail


def _end_of_statement(cell: str, at: int) -> int:
    """Behind the line end at which the brackets and strings that begin here are closed."""
    depth = 0
    for piece in PIECES.finditer(cell, at):
        match piece.lastgroup:
            case "open":
                return len(cell)
            case "in":
                depth += 1
            case "out":
                depth = max(0, depth - 1)
            case "end" if depth == 0:
                return piece.end()
    return len(cell)
