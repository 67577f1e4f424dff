"""File names that Keras 3 wants to end otherwise: "model.h5" -> "model.keras", "w.h5" -> "w.weights.h5".

In: a call that writes a file, by one of the `path` rules. Out: splices for the literal in that call, and for every
other place in the module that names the same file, so that what is written is also what is read. Called by match.
"""

import ast
import re
from dataclasses import dataclass

from ..rulebook import Rule
from .edits import Argument, CannotEdit, Edit, argument_splices, arguments
from .module import Module, Splice

READERS = frozenset(
    {
        "load_model",
        "load_weights",
        "save",
        "save_weights",
        "save_model",
        "ModelCheckpoint",
        "exists",
        "isfile",
        "remove",
    }
    | {"unlink", "print", "join", "getsize", "load"}
)
"""Callables that may share the literal without anything else depending on its old ending."""


ELSEWHERE = "the same file name is used for something else, too: rename that as well, or give this file another name"


FILLED = re.compile(r"(\{[^{}:]*(:[^{}]*s)?\}|%s|%r)$")
"""A name that ends with whatever is filled in there; a number filled in is no ending."""


FIELD = re.compile(r"\{[^{}]*\}")
"""A number that is filled in, "{val_loss:.2f}": its point is no ending's."""


@dataclass(frozen=True)
class Tail:
    """The last piece of a file name that stands in the source: `text` ends at character `end` (before the quote)."""

    node: ast.expr
    text: str
    start: int
    end: int


def path_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """The file name of a call that saves, with the ending that Keras 3 asks for."""
    spec = rule.edit
    params = [""] * spec.get("position", 0) + [spec["argument"]]
    given: list[Argument] = arguments(call, params)
    path = next((a.value for a in given if a.name == spec["argument"]), None)
    if path is None:
        if any(a.starred for a in given):
            raise CannotEdit("the file name is in `*args` or `**kwargs`")
        return None
    dropping = argument_splices({"params": "", "drop": spec.get("drop", "")}, module, call) if "drop" in spec else ()
    certain = True
    literal: ast.expr | None = path
    if isinstance(path, ast.Name):
        literal, certain = _constant_of(module, path, spec["suffix"])
        if literal is None:
            return None if not _may_be_wrong(rule) else _unknown(path, module)
    tail = tail_of(module, literal)
    if tail is None or (FILLED.search(tail.text) and not _filled_with_numbers(call, tail, literal)):
        return None if not _may_be_wrong(rule) else _unknown(path, module)
    new = _ending(tail.text, words_of(spec["from"]), spec["suffix"])
    if new is None and not tail.text.endswith(spec["suffix"]):
        return None  # another rule's file
    if dropping:
        return Edit(dropping, certain=certain, doubt=ELSEWHERE)
    if new is None:
        return None
    splices = [_splice(tail, new)]
    if tail.node is literal:
        others, plain = _same_literal(module, tail, spec["suffix"])
        splices += [_splice(other, new) for other in others]
        certain = certain and plain
    return Edit(tuple(splices), certain=certain, doubt=ELSEWHERE)


def _filled_with_numbers(call: ast.Call, tail: Tail, literal: ast.expr | None) -> bool:
    """Is it a checkpoint's own template, "model_{epoch}", filled in with what training logs?"""
    return tail.node is literal and _called(call) == "ModelCheckpoint" and tail.text.endswith("}")


def words_of(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _may_be_wrong(rule: Rule) -> bool:
    return rule.effect == "raises"


def _unknown(path: ast.expr, module: Module) -> Edit:
    raise CannotEdit(f"what `{module.source(path)}` ends with can't be seen from here")


def _ending(text: str, old: list[str], suffix: str) -> str | None:
    if text.endswith(suffix):
        return None
    if text.endswith(".weights.h5"):
        raise CannotEdit("it is the name of a file of weights: give this file another one")
    for ending in old:
        if ending and text.endswith(ending):
            return text[: len(text) - len(ending)] + suffix
    whole = text.rstrip("/\\") or text
    last = whole.replace("\\", "/").rsplit("/", 1)[-1]
    if "" in old and last and "." not in FIELD.sub("", last).strip("."):
        return whole + suffix
    return None


def _splice(tail: Tail, new: str) -> Splice:
    kept = 0
    while kept < min(len(tail.text), len(new)) and tail.text[kept] == new[kept]:
        kept += 1
    return Splice(tail.start + kept, tail.end, new[kept:])


def tail_of(module: Module, node: ast.AST | None) -> Tail | None:
    """The literal that a path expression ends with, or None where its end is computed."""
    match node:
        case ast.Constant() if isinstance(node.value, str):
            return _literal(module, node)
        case ast.BinOp(op=ast.Add()):
            return tail_of(module, node.right)
        case ast.BinOp(op=ast.Mod()):
            return tail_of(module, node.left)
        case ast.BinOp(op=ast.Div()):
            return tail_of(module, node.right)
        case ast.Call(func=ast.Attribute(attr="format"), args=_):
            assert isinstance(node.func, ast.Attribute)
            return tail_of(module, node.func.value)
        case ast.Call() if node.args and _called(node) in ("join", "str", "Path", "abspath", "expanduser", "fspath"):
            return tail_of(module, node.args[-1])
        case ast.JoinedStr() if node.values and isinstance(node.values[-1], ast.Constant):
            return _formatted(module, node)
    return None


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _literal(module: Module, node: ast.Constant) -> Tail | None:
    source = module.source(node)
    quote = next((q for q in ('"""', "'''", '"', "'") if source.endswith(q)), None)
    if quote is None or source.count(quote) != 2:
        return None
    first = source.index(quote) + len(quote)
    inner = source[first : len(source) - len(quote)]
    if inner != node.value:
        return None
    start = module.start(node) + first
    return Tail(node, inner, start, start + len(inner))


def _formatted(module: Module, node: ast.JoinedStr) -> Tail | None:
    source = module.source(node)
    quote = next((q for q in ('"""', "'''", '"', "'") if source.endswith(q)), "")
    last = node.values[-1]
    assert isinstance(last, ast.Constant)
    text = str(last.value).replace("{", "{{").replace("}", "}}")
    if not quote or not source[: len(source) - len(quote)].endswith(text):
        return None
    end = module.end(node) - len(quote)
    return Tail(node, text, end - len(text), end)


def _constant_of(module: Module, name: ast.Name, suffix: str) -> tuple[ast.expr | None, bool]:
    """The one value that a name is given in its scope, and whether only savers and loaders use the name."""
    home = module.names.scope(name).lookup(name.id)
    if home is None:
        return None, False
    bindings = home.bindings[name.id]
    if len(bindings) != 1 or bindings[0].kind != "assign" or bindings[0].value is None:
        return None, False
    uses = [node for node in module.loads.get(name.id, ()) if isinstance(node.ctx, ast.Load)]
    return bindings[0].value, all(_read(module, use) and _takes(module, use, suffix) for use in uses)


def _read(module: Module, node: ast.AST) -> bool:
    parent = module.names.parent(node)
    if isinstance(parent, ast.keyword):
        parent = module.names.parent(parent)
    return isinstance(parent, ast.Call) and _called(parent) in READERS


def _takes(module: Module, node: ast.AST, suffix: str) -> bool:
    """May the call that gets this name get one with the new ending? Weights by name only come from old files."""
    parent = module.names.parent(node)
    call = module.names.parent(parent) if isinstance(parent, ast.keyword) else parent
    if not isinstance(call, ast.Call):
        return False
    if any(keyword.arg == "by_name" for keyword in call.keywords):
        return False
    weights = "weights" in suffix
    if _called(call) == "ModelCheckpoint":
        flag = next((k.value for k in call.keywords if k.arg == "save_weights_only"), None)
        flag = call.args[4] if flag is None and len(call.args) > 4 else flag
        return (isinstance(flag, ast.Constant) and flag.value is True) == weights
    return _called(call) not in ("save_weights", "save", "save_model") or (_called(call) == "save_weights") == weights


def _same_literal(module: Module, tail: Tail, suffix: str) -> tuple[list[Tail], bool]:
    """Other literals with the same text, and whether all of them name a file for a saver or loader of this kind."""
    others: list[Tail] = []
    plain = True
    if not isinstance(tail.node, ast.Constant):
        return others, plain
    for node in module.index.strings:
        if node.value == tail.node.value and node is not tail.node:
            if node in module.inside_strings:
                continue
            other = _literal(module, node)
            if other is not None and _read(module, node) and _takes(module, node, suffix):
                others.append(other)
            else:
                plain = False
    return others, plain
