"""One parsed module with what the rules ask about it: text of a node, spans, names, kinds of values.

In: source text without a byte order mark. Out: `Module`, and `Splice`s applied to its text. Called by match, edits and
imports.
"""

import ast
import functools
import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from ..rulebook import api, in_shim, keras_only, shim_names
from .names import Names, Near, Scope, under
from .values import Values

SAME = ("keras", "tensorflow.keras")
"""What `keras` may be further down, so that an import of it further up changes nothing."""
OTHER_ENDS = "\v\f\x1c\x1d\x1e"
"""What ends a line for `str.splitlines`, of ASCII, and not for Python."""
LINE_END = re.compile(r"\r\n|\r|\n")


class Splice(NamedTuple):
    """Replace the characters from `start` up to `end` by `text`."""

    start: int
    end: int
    text: str


class Need(NamedTuple):
    """An import that an edit needs: `text` stands in front of the statement that starts at `at`."""

    at: int
    text: str


class Lines:
    """Where the lines of a text start."""

    def __init__(self, text: str) -> None:
        self.text = text

    @functools.cached_property
    def _starts(self) -> list[int]:
        return _line_starts(self.text)

    def line_column(self, offset: int) -> tuple[int, int]:
        """1-based line and character column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        start = self._starts[line - 1]
        return self.text[start : self._starts[line] if line < len(self._starts) else len(self.text)]


class Module(Lines):
    """A module's text, syntax tree and names.

    Raises:
        SyntaxError, ValueError, RecursionError: from the parser, for text that isn't Python.
    """

    def __init__(self, text: str, target: str = "keras", near: Near | None = None) -> None:
        """`near` knows the other files of the project, see `Names`."""
        super().__init__(text)
        self.near = near
        self.target = target
        """The flavour that new names are said in: `keras`, or `tf.keras` where TensorFlow is at hand."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tree = ast.parse(text)
        self.names = Names(self.tree, known_names(), _declares(text), near)
        self.index = self.names.index
        self.loads = self.index.loads
        self.values = Values(self.names)
        self.located: dict[ast.AST, bool] = {}
        """The f-strings whose expressions have been looked for, and were they found."""
        self.makes_changed: bool | None = None
        """What `changed.makes_any` says, once it was asked."""
        self.makes_symbolic: bool | None = None
        """The same of `symbolic`."""
        self._lines: dict[int, bytes] = {}
        self._ascii = text.isascii()

    @functools.cached_property
    def inside_strings(self) -> frozenset[ast.AST]:
        """Everything that stands inside an f-string."""
        return frozenset(inner for node in self.index.formatted for inner in ast.walk(node) if inner is not node)

    @functools.cached_property
    def own_members(self) -> frozenset[str]:
        """Every name that some class of the module gives itself: what an attribute of it is, the module says."""
        own = {f.name for f in self.index.functions if isinstance(self.names.parent(f), ast.ClassDef)}
        own |= {target.attr for target, *_ in self.index.attribute_stores}
        bodies = [statement for home in self.index.classes for statement in home.body]
        targets = [t for s in bodies if isinstance(s, ast.Assign) for t in s.targets]
        targets += [s.target for s in bodies if isinstance(s, ast.AnnAssign)]
        return frozenset(own | {t.id for t in targets if isinstance(t, ast.Name)})

    @functools.cached_property
    def suppresses(self) -> bool:
        """May a comment keep some rule off?"""
        return "kparity" in self.text

    @functools.cached_property
    def strings(self) -> frozenset[str]:
        """The text of every string."""
        return frozenset(str(node.value) for node in self.index.strings)

    def offset(self, line: int, column: int) -> int:
        """Character offset of ast's (1-based line, UTF-8 byte column)."""
        start = self._starts[line - 1]
        if self._ascii:
            return start + column
        if line not in self._lines:
            end = self._starts[line] if line < len(self._starts) else len(self.text)
            self._lines[line] = self.text[start:end].encode()
        return start + len(self._lines[line][:column].decode(errors="replace"))

    def start(self, node: ast.AST) -> int:
        return self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        return self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def source(self, node: ast.AST) -> str:
        """The node's own text."""
        return self.text[self.start(node) : self.end(node)]

    def woven(self, node: ast.AST, start: int, pieces: Iterable[str | ast.AST]) -> tuple[Splice, ...]:
        """Splices that put these pieces in the place of `node`, from `start` on.

        Nodes among the pieces stay where they are if they come in the order of the source, so that others may edit what
        is inside of them; everything between them is replaced, also where it says the same, and nobody else's then.
        """
        splices: list[Splice] = []
        at, end, text = start, self.end(node), ""
        fixed = node in self.inside_strings
        for piece in pieces:
            if isinstance(piece, str):
                text += piece
                continue
            first, last = self.start(piece), self.end(piece)
            if fixed or first <= at or last >= end:
                text += self.text[first:last]
                continue
            splices.append(Splice(at, first, text))
            at, text = last, ""
        return (*splices, Splice(at, end, text))

    def newline(self) -> str:
        """The line end that the module uses."""
        found = LINE_END.search(self.text)
        return found[0] if found else "\n"

    # -- names for new code ----------------------------------------------------------------------------------------

    def reference(self, dotted: str, node: ast.AST) -> tuple[str, Need | None] | None:
        """How code at `node` can say `dotted`: the text, and the import that has to be added for it.

        None where every name that it could go by is taken.
        """
        scope = self.names.scope(node)
        best: tuple[int, str, str] | None = None
        here = self.start(node)
        if dotted.startswith("tensorflow."):
            through = self._through_tensorflow(dotted, scope, here)
            if through is None and self.names.is_free("tf", scope):
                return dotted.replace("tensorflow", "tf", 1), self.import_keras(node, "import tensorflow as tf")
            return (through, None) if through is not None else None
        for local, canonical in self.names.visible(scope):
            if not under(dotted, canonical) or not under(canonical, "keras"):
                continue
            home = scope.lookup(local)
            if home is None or not any(self.start(b.node) < here for b in home.bindings[local]):
                continue
            if self.target == "keras" and dotted in keras_only() and self.stays_tf(local, node):
                return None
            key = (-len(canonical), local, canonical)
            best = key if best is None or key < best else best
        if best is not None:
            return best[1] + dotted[len(best[2]) :], None
        if self.target == "tf.keras" and in_shim(dotted):
            through = self._through_tensorflow(f"tensorflow.{dotted}", scope, here)
            if through is not None:
                return through, None
        if not self.names.is_free("keras", scope) and self.names.name("keras", scope) not in SAME:
            return None
        return dotted, self.import_keras(node)

    def _through_tensorflow(self, dotted: str, scope: Scope, here: int) -> str | None:
        """The name as it can be said by an import of TensorFlow that is there already."""
        for local, canonical in self.names.visible(scope):
            home = scope.lookup(local) if canonical == "tensorflow" else None
            if home is not None and any(self.start(b.node) < here for b in home.bindings[local]):
                return local + dotted.removeprefix("tensorflow")
        return None

    def stays_tf(self, local: str, node: ast.AST) -> bool:
        """Is a local name `tf.keras`, and is something reached through it that `keras` hasn't? Then it stays so."""
        scope = self.names.scope(node)
        home = scope.lookup(local)
        if home is None or not under(self.names.name(local, scope) or "", "tensorflow"):
            return False
        return any(
            self._reaches_shim(use) for use in self.loads.get(local, ()) if self.names.scope(use).lookup(local) is home
        )

    def _reaches_shim(self, node: ast.AST) -> bool:
        at: ast.AST | None = node
        while isinstance(at, ast.Attribute | ast.Name):
            dotted = self.names.canonical(at) or ""
            if dotted in shim_names() and not under(dotted, "keras.losses") and not under(dotted, "keras.metrics"):
                return True  # short names of losses and metrics have long ones
            at = self.names.parent(at)
        return False

    def import_keras(self, node: ast.AST, text: str = "import keras") -> Need:
        """`import keras`, in front of the import that brought in what `node` names, or of the first one there is."""
        anchors = self.names.anchors(node) or [
            s
            for s in self.tree.body
            if isinstance(s, ast.Import | ast.ImportFrom) and getattr(s, "module", "") != "__future__"
        ]
        if not anchors:
            body = self.tree.body
            skip = int(bool(body) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant))
            anchors = body[skip : skip + 1] or body[:1]
        return Need(min(self.start(a) for a in anchors), text)


@functools.cache
def known_names() -> frozenset[str]:
    return frozenset(api(2)) | frozenset(api(3))


def _declares(text: str) -> bool:
    """May some statement begin with `global` or `nonlocal`? A line of a docstring that does so counts, too."""
    for word in ("global", "nonlocal"):
        at = text.find(word)
        while at >= 0:
            before = text[max(0, at - 200) : at].rstrip(" \t\f")
            if text[at + len(word) : at + len(word) + 1].isspace() and (
                not before or before[-1] in "\n\r;:" or before.isspace()
            ):
                return True
            at = text.find(word, at + 1)
    return False


def _line_starts(text: str) -> list[int]:
    if "\r" in text:
        return [0, *(m.end() for m in LINE_END.finditer(text))]
    if text.isascii() and not any(other in text for other in OTHER_ENDS):
        starts = list(accumulate(map(len, text.splitlines(keepends=True)), initial=0))
        return starts if text.endswith("\n") or not text else starts[:-1]
    return [0, *accumulate(map((1).__add__, map(len, text.split("\n")[:-1])))]


def apply(text: str, splices: Iterable[Splice]) -> str:
    """The text with every splice made. They must not overlap; those at one place go in as they come."""
    parts: list[str] = []
    at = 0
    for splice in sorted(splices, key=lambda s: (s.start, s.end)):
        parts += [text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*parts, text[at:]])


def overlaps(one: Splice, other: Splice) -> bool:
    """Do two splices touch the same characters? Insertions at one place don't."""
    if one.start == one.end and other.start == other.end:
        return False
    return one.start < other.end and other.start < one.end


class Taken:
    """Splices that don't overlap, and a quick answer to whether another one would."""

    def __init__(self) -> None:
        self._known: set[Splice] = set()
        self._starts: list[int] = []
        self._sorted: list[Splice] = []
        self._longest = 0

    def __contains__(self, splice: Splice) -> bool:
        return splice in self._known

    def add(self, splice: Splice) -> None:
        at = bisect_right(self._starts, splice.start)
        self._starts.insert(at, splice.start)
        self._sorted.insert(at, splice)
        self._known.add(splice)
        self._longest = max(self._longest, splice.end - splice.start)

    def clashes(self, splice: Splice) -> bool:
        """Does it overlap one of them that isn't the same?"""
        at = bisect_left(self._starts, splice.end)
        while at > 0 and self._starts[at - 1] + self._longest >= splice.start:
            at -= 1
            if overlaps(splice, self._sorted[at]) and splice != self._sorted[at]:
                return True
        return False


def back(offset: int, splices: Iterable[Splice]) -> int:
    """Where a place in the spliced text was before."""
    shift = 0
    for splice in sorted(splices, key=lambda s: (s.start, s.end)):
        begin = splice.start + shift
        if offset < begin:
            break
        grown = len(splice.text) - (splice.end - splice.start)
        if offset < begin + len(splice.text):
            return splice.start
        shift += grown
    return offset - shift


def forward(offset: int, splices: Iterable[Splice]) -> int:
    """Where a place in the text is when it is spliced; `splices` are sorted. What is inserted there comes before it."""
    shift = 0
    for splice in splices:
        if splice.start > offset or (splice.start == offset and splice.end > offset):
            break
        shift += len(splice.text) - (min(splice.end, offset) - splice.start)
    return offset + shift
