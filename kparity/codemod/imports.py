"""Import statements: every flavour of Keras becomes `keras`, what was renamed is imported by its new name.

In: a module and the rules that rename. Out: splices for its import statements, and at the very end for the imports that
nothing uses any more. Called by match and migrate.
"""

import ast
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

from ..rulebook import Rule, api, exists, in_shim
from .module import Module, Splice, overlaps
from .names import Scope, normal, under


class Rewritten(NamedTuple):
    """One imported name that is imported otherwise now."""

    rule: Rule
    alias: ast.alias
    line: str
    """The import that replaces it, as a statement."""
    becomes: tuple[tuple[str, str], ...] | None = None
    """What the local name stood for and stands for now; None where it is bound to something else altogether."""


def is_guarded(module: Module, node: ast.stmt) -> bool:
    """Is this half of a `try: new / except ImportError: old` pair whose new half is Keras 3 already?"""
    at: ast.AST = node
    while True:
        parent = module.names.parent(at)
        if parent is None or parent is module.tree or isinstance(parent, (ast.FunctionDef, ast.ClassDef)):
            return False
        if isinstance(parent, ast.Try) and parent.handlers and (at in parent.body or at in parent.handlers):
            found = [s for s in parent.body if _is_about_keras(s)]
            return bool(found) and all(_is_new(s) for s in found)
        at = parent


def _is_about_keras(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and under(normal(node.module or ""), "keras")
    return isinstance(node, ast.Import) and any(under(normal(alias.name), "keras") for alias in node.names)


def _is_new(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        return bool(node.module) and node.level == 0 and all(under(n, "keras") and n in api(3) for n in names)
    if isinstance(node, ast.Import):
        return all(under(alias.name, "keras") and alias.name in api(3) for alias in node.names)
    return False


def rewrite(
    module: Module,
    node: ast.Import | ast.ImportFrom,
    flavour: Callable[[str], Rule | None],
    rename: Callable[[str], tuple[Rule, str] | None],
    keep: Callable[[str, ast.stmt], bool],
) -> list[tuple[list[Rewritten], tuple[Splice, ...]]]:
    """Groups of names of one statement that are imported otherwise, each with its splices.

    `flavour` gives the rule for a name as written, `rename` the rule and new canonical name, `keep` says of a local
    name that it must stay what it is.
    """
    if is_guarded(module, node) or (isinstance(node, ast.ImportFrom) and (node.level or not node.module)):
        return []
    changed: list[Rewritten] = []
    homes: list[str] = []
    for alias in node.names:
        made = _one(module, node, alias, flavour, rename, keep)
        if made is not None:
            changed.append(made[0])
            homes.append(made[1])
    if not changed:
        return []
    every = len(changed) == len(node.names) and all(_same_name(r) for r in changed)
    if isinstance(node, ast.ImportFrom) and every and homes[0] and len(set(homes)) == 1:
        return [(changed, (_module_splice(module, node, homes[0]),))]
    if isinstance(node, ast.Import) and len(node.names) == len(changed) == 1:
        return [(changed, (Splice(module.start(node), module.end(node), changed[0].line),))]
    lines = _merged([r.line for r in changed])
    separator = _separator(module, node)
    if len(changed) == len(node.names):
        if "#" in module.source(node):
            return [(changed, (_commented(module, node, changed, lines, separator),))]
        return [(changed, (Splice(module.start(node), module.end(node), separator.join(lines)),))]
    return [(changed, (_commented(module, node, changed, lines, separator),))]


def _one(
    module: Module,
    node: ast.Import | ast.ImportFrom,
    alias: ast.alias,
    flavour: Callable[[str], Rule | None],
    rename: Callable[[str], tuple[Rule, str] | None],
    keep: Callable[[str, ast.stmt], bool],
) -> tuple[Rewritten, str] | None:
    if isinstance(node, ast.ImportFrom):
        written = f"{node.module}.{alias.name}"
        if alias.name == "*":
            return _star(module, node, alias, flavour, rename)
    else:
        written = alias.name
    rule = flavour(written)
    canonical = normal(written)
    renamed = rename(canonical) if under(canonical, "keras") else None
    if renamed is not None and renamed[1] == written:
        renamed = None
    if rule is None and renamed is None:
        return _through_nothing(module, node, alias, canonical, rename)
    target = renamed[1] if renamed is not None else canonical
    local = alias.asname or (alias.name if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0])
    if not exists(target) or (target.count(".") == 0 and target != "keras"):
        return None
    if keep(local, node) and not target.startswith("tensorflow."):
        return None
    chosen = renamed[0] if renamed is not None else rule
    assert chosen is not None
    if isinstance(node, ast.Import) and alias.asname is None:
        return _plain_import(module, node, alias, target, chosen)
    if module.target == "tf.keras" and written.startswith(("tensorflow.", "tensorflow_core.")) and in_shim(target):
        target = f"tensorflow.{target}"
    becomes = ((canonical, normal(target)),)
    parent, _, last = target.rpartition(".")
    suffix = f" as {local}" if local != last else ""
    if not parent:
        return Rewritten(chosen, alias, f"import keras{suffix}", becomes), ""
    if isinstance(node, ast.Import):
        return Rewritten(chosen, alias, f"import {target} as {local}", becomes), ""
    return Rewritten(chosen, alias, f"from {parent} import {last}{suffix}", becomes), parent


def _star(
    module: Module,
    node: ast.ImportFrom,
    alias: ast.alias,
    flavour: Callable[[str], Rule | None],
    rename: Callable[[str], tuple[Rule, str] | None],
) -> tuple[Rewritten, str] | None:
    """Everything of another place: not where that would bring names that the module already has from elsewhere."""
    home = normal(node.module or "")
    moved = rename(home)
    rule = moved[0] if moved is not None else flavour(node.module or "")
    target = moved[1] if moved is not None else home
    if rule is None or api(3).get(target) != "module":
        return None
    if moved is not None:
        brought = {name.rpartition(".")[2] for name in api(3) if name.rpartition(".")[0] == target}
        bound = module.names.scope(node).bindings
        if any(b.kind != "import" for name in brought & set(bound) for b in bound[name]):
            return None
    return Rewritten(rule, alias, f"from {target} import *"), target


def _through_nothing(
    module: Module,
    node: ast.Import | ast.ImportFrom,
    alias: ast.alias,
    canonical: str,
    rename: Callable[[str], tuple[Rule, str] | None],
) -> tuple[Rewritten, str] | None:
    """`import keras.engine.topology`, where no code goes through that path any more, only has to bind `keras`."""
    if isinstance(node, ast.ImportFrom) or alias.asname or not under(canonical, "keras") or canonical in api(3):
        return None
    known = rename(f"{canonical}.Layer")
    uses = _uses(module, "keras", module.names.scope(node))
    if known is None or any(under(_chain(module, use), canonical) for use in uses):
        return None
    return Rewritten(known[0], alias, "import keras"), ""


def _plain_import(
    module: Module, node: ast.Import, alias: ast.alias, target: str, rule: Rule
) -> tuple[Rewritten, str] | None:
    """`import tensorflow.keras.layers` binds `tensorflow`: it goes when no code says `tensorflow.keras` any more."""
    root = alias.name.split(".")[0]
    if root == "keras":
        return (Rewritten(rule, alias, f"import {target}"), "") if target != alias.name else None
    if alias.name == "tf_keras":
        return Rewritten(rule, alias, "import keras as tf_keras"), ""
    uses = _uses(module, root, module.names.scope(node))
    if any(under(normal(_chain(module, use)), "keras") for use in uses):
        return None
    if not uses and module.names.scope(node).lookup("keras") is not None:
        return None  # nothing needs it any more: it is dropped as unused
    return Rewritten(rule, alias, f"import {root}" if uses else "import keras"), ""


def _chain(module: Module, node: ast.AST) -> str:
    while isinstance(parent := module.names.parent(node), ast.Attribute):
        node = parent
    return module.names.written(node) or ""


def _same_name(rewritten: Rewritten) -> bool:
    alias = rewritten.alias
    return rewritten.line.endswith(f" import {alias.name}" + (f" as {alias.asname}" if alias.asname else ""))


def _module_splice(module: Module, node: ast.ImportFrom, home: str) -> Splice:
    start = module.text.index(node.module or "", module.start(node) + len("from"))
    return Splice(start, start + len(node.module or ""), home)


def _separator(module: Module, node: ast.stmt) -> str:
    line, column = module.line_column(module.start(node))
    indent = module.line_text(line)[: column - 1]
    return "; " if indent.strip() else module.newline() + indent


def _merged(lines: list[str]) -> list[str]:
    """One statement a module: `from keras import a` and `from keras import b` -> `from keras import a, b`."""
    merged: dict[str, list[str]] = {}
    for line in lines:
        head, found, name = line.partition(" import ")
        merged.setdefault(head + found, []).append(name)
    return [head + ", ".join(names) for head, names in merged.items()]


def _commented(
    module: Module, node: ast.Import | ast.ImportFrom, gone: list[Rewritten], lines: list[str], separator: str
) -> Splice:
    """The statement without the names that went, its comments kept, behind the statements that replace them."""
    left = without(module, node, [r.alias for r in gone])
    text = separator.join([*lines, *([left] if left else [])])
    lost = [c for c in _comments(module.source(node)) if c not in text]
    if lost and separator != "; ":
        text = separator.join([*lost, text])
    return Splice(module.start(node), module.end(node), text)


def _comments(source: str) -> list[str]:
    return [line[line.index("#") :].rstrip() for line in source.splitlines() if "#" in line]


def without(module: Module, node: ast.Import | ast.ImportFrom, gone: list[ast.alias]) -> str:
    """The statement's text without some of its names; empty when none is left."""
    left = [a for a in node.names if a not in gone]
    if not left:
        return ""
    import libcst as cst

    tree = cst.parse_module(module.source(node))
    statement = tree.body[0].body[0]  # type: ignore[index]
    assert isinstance(statement, cst.Import | cst.ImportFrom)
    assert not isinstance(statement.names, cst.ImportStar)
    names = [n for n, a in zip(statement.names, node.names, strict=True) if a not in gone]
    names[-1] = _ending_as(cst, names[-1], statement.names[-1])
    return tree.code_for_node(statement.with_changes(names=names))


def _ending_as(cst: Any, name: Any, last: Any) -> Any:
    """A name that is the last one now, followed by what followed the `last` one; a comment of its own it keeps."""
    own, other = getattr(name.comma, "whitespace_after", None), getattr(last.comma, "whitespace_after", None)
    if isinstance(own, cst.ParenthesizedWhitespace) and isinstance(other, cst.ParenthesizedWhitespace):
        after = own.with_changes(empty_lines=[], indent=other.indent, last_line=other.last_line)
        return name.with_changes(comma=last.comma.with_changes(whitespace_after=after))
    return name.with_changes(comma=last.comma) if last.comma is cst.MaybeSentinel.DEFAULT else name


# -- imports that nothing uses any more -------------------------------------------------------------------------------


def used_names(module: Module) -> set[tuple[str, str]]:
    """(scope, local name) of every imported name of Keras or TensorFlow that some code uses."""
    return {(_path(module, scope), name) for scope, name, _, _ in _imported(module) if _uses(module, name, scope)}


def unused(
    module: Module, before: set[tuple[str, str]], wanted: Callable[[], frozenset[str] | None] = frozenset
) -> list[Splice]:
    """Splices that drop imports of Keras and TensorFlow that were used `before` and aren't any more.

    `wanted()` are the names that other files import from this one; None stands for any.
    """
    gone: dict[ast.stmt, list[ast.alias]] = {}
    for scope, name, node, alias in _imported(module):
        if (_path(module, scope), name) not in before or _uses(module, name, scope):
            continue
        if is_guarded(module, node) and len(_block(module, node)) == 1:
            continue
        if _mentioned(module, name):
            continue
        if scope is module.names.root and ((others := wanted()) is None or name in others):
            continue
        gone.setdefault(node, []).append(alias)
    return [s for node, aliases in gone.items() for s in _drop(module, node, aliases)]


def unused_after(
    module: Module, splices: list[Splice], wanted: Callable[[], frozenset[str] | None] = frozenset
) -> list[Splice] | None:
    """These splices, and those that drop the imports which nothing but the code that they replace uses.

    None where only a look at the new text could tell: where it has the name, or part of a statement stays.
    """
    old = sorted(s for s in splices if s.end > s.start)
    starts = [s.start for s in old]
    gone: dict[ast.stmt, list[ast.alias]] = {}
    for scope, name, node, alias in _imported(module):
        uses = _uses(module, name, scope)
        if not uses or not all(_is_inside(module.start(use), old, starts) for use in uses):
            continue
        if any(re.search(rf"\b{name}\b", s.text) for s in splices if not _is_part(module, s, node)):
            return None
        if (is_guarded(module, node) and len(_block(module, node)) == 1) or _mentioned(module, name):
            continue
        if scope is module.names.root and ((others := wanted()) is None or name in others):
            continue
        gone.setdefault(node, []).append(alias)
    kept = splices
    for node, aliases in gone.items():
        assert isinstance(node, ast.Import | ast.ImportFrom)
        left = [s for s in kept if not _is_part(module, s, node)]
        at = module.start(node)
        in_front = [s for s in left if s.start == s.end == at]
        dropped = _drop(module, node, aliases, follows=bool(in_front))
        if not dropped:  # it stays for the comment behind it, as it is rewritten
            continue
        if len(left) < len(kept) and len(aliases) < len(node.names):
            return None
        if in_front and dropped[0].start < at and module.text[module.end(node) : dropped[0].end] == module.newline():
            left = [s for s in left if s not in in_front]
            text = "".join(s.text for s in in_front).rstrip()
            dropped = [Splice(at, at, text), Splice(at, module.end(node), "")]
        if any(overlaps(one, other) for one in dropped for other in left):
            return None
        kept = [*left, *dropped]
    return kept


def _is_part(module: Module, splice: Splice, node: ast.stmt) -> bool:
    """Does the splice replace something of this statement?"""
    return splice.start < splice.end and module.start(node) <= splice.start and splice.end <= module.end(node)


def is_freed(reached: list[int], splices: list[Splice]) -> bool:
    """Is everything that a name was held for replaced by the splices?"""
    old = sorted(s for s in splices if s.end > s.start)
    starts = [s.start for s in old]
    return all(_is_inside(offset, old, starts) for offset in reached)


def _is_inside(offset: int, splices: list[Splice], starts: list[int]) -> bool:
    at = bisect_right(starts, offset) - 1
    return at >= 0 and offset < splices[at].end


def _drop(module: Module, node: ast.stmt, aliases: list[ast.alias], follows: bool = False) -> list[Splice]:
    """The statement without these names; `follows`: another import is put in front of it."""
    assert isinstance(node, ast.Import | ast.ImportFrom)
    left = without(module, node, aliases)
    start, end = module.start(node), module.end(node)
    if left:
        return [Splice(start, end, left)]
    body = _block(module, node)
    line, column = module.line_column(start)
    before = module.line_text(line)[: column - 1]
    last, _ = module.line_column(end)
    rest = module.line_text(last)[module.line_column(end)[1] - 1 :]
    if len(body) == 1:
        return [Splice(start, end, "pass")]
    if before.strip() or rest.lstrip().startswith(";"):
        after = module.text[end:]
        skip = len(after) - len(after.lstrip(" \t;")) if rest.lstrip().startswith(";") else 0
        if skip:
            return [Splice(start, end + skip, "")]
        return [Splice(start - (len(before) - len(before.rstrip(" \t;"))), end, "")]
    if rest.strip():
        return []
    end += len(rest)
    if not follows and not module.text[: start - len(before)].strip():
        # an import that stood first leaves no empty lines at the top
        end += len(module.text[end:]) - len(module.text[end:].lstrip("\r\n"))
    return [Splice(start - len(before), end, "")]


def _block(module: Module, node: ast.stmt) -> list[ast.stmt]:
    parent = module.names.parent(node)
    for name in ("body", "orelse", "finalbody", "handlers"):
        body = getattr(parent, name, [])
        if isinstance(body, list) and node in body:
            return body
    return [node]


def _imported(module: Module) -> list[tuple[Scope, str, ast.stmt, ast.alias]]:
    found: list[tuple[Scope, str, ast.stmt, ast.alias]] = []
    for node in module.index.imports:
        for alias in node.names:
            dotted = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
            if isinstance(node, ast.ImportFrom) and module.near is not None:
                near = "." * node.level + (node.module or "")
                dotted = module.names.handed_on(near, alias.name) or dotted
            elif isinstance(node, ast.ImportFrom) and node.level:
                continue
            if alias.name == "*" or not (
                under(normal(dotted), "keras") or under(dotted, "tensorflow") or under(dotted, "tensorflow_addons")
            ):
                continue
            name = alias.asname or (alias.name if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0])
            found.append((module.names.scope(node), name, node, alias))
    return found


def _uses(module: Module, name: str, scope: Scope) -> list[ast.AST]:
    return [
        node
        for node in module.loads.get(name, [])
        if module.names.scope(node).lookup(name) is (scope.elsewhere.get(name) or scope)
    ]


def _path(module: Module, scope: Scope) -> str:
    parts: list[str] = []
    at: Scope | None = scope
    while at is not None:
        parts.append(getattr(at.node, "name", type(at.node).__name__))
        at = at.parent
    return ".".join(reversed(parts))


def _mentioned(module: Module, name: str) -> bool:
    """Is the name in a string, as `__all__` or an annotation would have it?"""
    return any(text == name or text.startswith(name + ".") or f"[{name}." in text for text in module.strings)
