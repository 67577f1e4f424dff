"""Where the code inside an f-string really stands.

Up to Python 3.11 `ast` gives the expressions in an f-string only rough positions. In: a module and a node inside an
f-string. Out: the same nodes with the positions of their own text, found by reading the literal, and believed only
where that text parses to the very same tree. Called by match, when a rule applies inside an f-string.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from .module import Module, Splice

OPEN = re.compile(r"([A-Za-z]*)('''|\"\"\"|'|\")")
END = re.compile(r"[}:]|!(?!=)|(?<![=!<>])=\s*[}:!]")
"""What ends the expression of a replacement field."""
BRACKETS = {"(": ")", "[": "]", "{": "}"}


def located(module: Module, node: ast.AST) -> bool:
    """Have the nodes of the f-string around `node` their true positions (now)?"""
    outer = _outermost(module, node)
    if outer is None:
        return False
    if outer not in module.located:
        module.located[outer] = _locate(module, outer)
    return module.located[outer]


def fits(module: Module, node: ast.AST, splice: Splice) -> bool:
    """May this text stand inside the f-string around `node`, in every Python that kparity runs on?"""
    outer = _outermost(module, node)
    if outer is None or not module.start(outer) < splice.start <= splice.end < module.end(outer):
        return True
    text = splice.text
    if "lambda" in text or text.startswith("{") or any(char in text for char in "\\#\n\r"):
        return False
    if _quote(module, outer, splice.start) in text:
        return False
    depth = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and char in ":!=":
            return False
    return True


def _outermost(module: Module, node: ast.AST) -> ast.JoinedStr | None:
    found, at = None, node
    while at is not None and not isinstance(at, ast.stmt):
        found = at if isinstance(at, ast.JoinedStr) else found
        at = module.names.parent(at)  # type: ignore[assignment]
    return found


def _locate(module: Module, outer: ast.JoinedStr) -> bool:
    fields = list(_fields(outer))
    try:
        texts = list(_texts(module.source(outer)))
    except (tokenize.TokenError, SyntaxError, ValueError, IndexError):
        return False
    if len(texts) != len(fields):
        return False
    moves: list[tuple[ast.AST, ast.AST, int, str]] = []
    for field, (text, at) in zip(fields, texts, strict=True):
        try:
            tree = ast.parse(f"({text})", mode="eval").body
        except (SyntaxError, ValueError):
            return False
        if ast.dump(tree) != ast.dump(field):
            return False
        base = module.start(outer) + at - 1
        moves += [(old, new, base, f"({text})") for old, new in zip(ast.walk(field), ast.walk(tree), strict=True)]
    for old, new, base, text in moves:
        if hasattr(new, "lineno"):
            starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]
            for line, column in (("lineno", "col_offset"), ("end_lineno", "end_col_offset")):
                start = starts[getattr(new, line) - 1]
                here = text[start:].encode()[: getattr(new, column)].decode(errors="replace")
                _place(module, old, base + start + len(here), line, column)
    return True


def _place(module: Module, node: ast.AST, offset: int, line_name: str, column_name: str) -> None:
    line, column = module.line_column(offset)
    setattr(node, line_name, line)
    setattr(node, column_name, len(module.line_text(line)[: column - 1].encode()))


def _fields(node: ast.JoinedStr) -> Iterator[ast.expr]:
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            yield value.value
            if isinstance(value.format_spec, ast.JoinedStr):
                yield from _fields(value.format_spec)


def _texts(source: str) -> Iterator[tuple[str, int]]:
    """The text of every replacement field of these literals, and where in `source` it starts."""
    for first, literal in _literals(source):
        opened = OPEN.match(literal)
        if opened is None or "f" not in opened[1].lower():
            continue
        body = literal[opened.end() : len(literal) - len(opened[2])]
        reader = _Reader(body, raw="r" in opened[1].lower())
        yield from ((text, first + opened.end() + at) for text, at in reader.fields())


def _literals(source: str) -> Iterator[tuple[int, str]]:
    starts = [0, *(m.end() for m in re.finditer(r"\n", f"({source})"))]
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(f"({source})", newline="\n").readline):
        name = tokenize.tok_name[token.type]
        if name not in ("STRING", "FSTRING_START", "FSTRING_END"):
            continue
        at = starts[token.start[0] - 1] + token.start[1] - 1
        if name == "STRING" and not opened:
            yield at, token.string
        elif name == "FSTRING_START":
            opened.append(at)
        elif opened and name == "FSTRING_END":
            first = opened.pop()
            if not opened:
                yield first, source[first : starts[token.end[0] - 1] + token.end[1] - 1]


class _Reader:
    """Reads the replacement fields of one literal's body."""

    def __init__(self, body: str, raw: bool) -> None:
        self.body = body
        self.raw = raw
        self.at = 0

    def fields(self, inside: bool = False) -> Iterator[tuple[str, int]]:
        """Fields up to the end, or up to the `}` that ends a format specification."""
        body = self.body
        while self.at < len(body):
            char = body[self.at]
            if not self.raw and body.startswith("\\N{", self.at):
                self.at = body.index("}", self.at) + 1
            elif not inside and body[self.at : self.at + 2] in ("{{", "}}"):
                self.at += 2
            elif char == "{":
                self.at += 1
                yield from self._field()
            elif char == "}" and inside:
                return
            else:
                self.at += 1

    def _field(self) -> Iterator[tuple[str, int]]:
        body, first = self.body, self.at
        closing: list[str] = []
        while True:
            char = body[self.at]
            if char in "'\"":
                quote = char * 3 if body.startswith(char * 3, self.at) else char
                self.at = body.index(quote, self.at + len(quote)) + len(quote)
                continue
            if closing and char == closing[-1]:
                closing.pop()
            elif char in BRACKETS:
                closing.append(BRACKETS[char])
            elif not closing and END.match(body, self.at):
                break
            self.at += 1
        yield body[first : self.at], first
        while body[self.at] not in "}:":
            self.at += 1
        if body[self.at] == ":":
            self.at += 1
            yield from self.fields(inside=True)
        self.at += 1


def _quote(module: Module, outer: ast.JoinedStr, offset: int) -> str:
    """The quote of the literal that holds this place."""
    within = offset - module.start(outer)
    for first, literal in _literals(module.source(outer)):
        if first <= within <= first + len(literal):
            opened = OPEN.match(literal)
            return opened[2][0] if opened is not None else '"'
    return '"'
