"""File names that Keras 3 wants to end otherwise: "model.h5" -> "model.keras", "w.h5" -> "w.weights.h5".

In: a call that writes a file, by one of the `path` rules. Out: splices for the literal in that call, and for every
other place in the module that names the same file, so that what is written is also what is read. Called by match.
"""

import ast
import posixpath
import re
from typing import NamedTuple

from ..rulebook import Rule
from .arguments import Argument, CannotEdit, argument_splices, arguments
from .edits import Edit
from .module import Module, Need, Splice
from .straight import value_at

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
    | {"unlink", "print", "join", "getsize", "load", "dirname"}
)
"""Callables that may share the literal without anything else depending on its old ending."""
MAKERS = frozenset({"makedirs", "mkdir", "MakeDirs"})
OF_KERAS = frozenset({"model", "layer", "loss", "metric", "optimizer"})


ELSEWHERE = "the same file name is used for something else, too: rename that as well, or give this file another name"


FILLED = re.compile(r"(\{[^{}:]*(:[^{}]*s)?\}|%s|%r)$")
"""A name that ends with whatever is filled in there; a number filled in is no ending."""


FIELD = re.compile(r"\{[^{}]*\}")
"""A number that is filled in, "{val_loss:.2f}": its point is no ending's."""


class Tail(NamedTuple):
    """The last piece of a file name that stands in the source: `text` ends at character `end` (before the quote)."""

    node: ast.expr
    text: str
    start: int
    end: int


def path_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """The file name of a call that saves, with the ending that Keras 3 asks for."""
    try:
        return _path_edit(rule, module, call)
    except CannotEdit:
        if rule.edit.get("read_back"):  # what can't be edited, the rule about all other folders tells
            return None
        raise


def _path_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
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
    uses: list[ast.Name] = []
    name = _filled(path)
    if isinstance(name, ast.Name):
        found = value_at(module, name)
        if found is None:
            return None if not _may_be_wrong(rule) else _unknown(path, module)
        literal, uses = found
        certain = all(_read(module, use) and _takes(module, use, spec["suffix"]) for use in uses)
    tail = tail_of(module, literal)
    if tail is None or (FILLED.search(tail.text) and not _filled_with_numbers(call, tail, literal)):
        return None if not _may_be_wrong(rule) else _unknown(path, module)
    new = _ending(tail.text, words_of(spec["from"]), spec["suffix"])
    if new is None and not tail.text.endswith(spec["suffix"]):
        return None  # another rule's file
    others, readers, plain = _same_path(module, literal or path, tail, spec["suffix"])
    if "read_back" in spec:
        back = certain and plain and _is_read_back(module, call, [*uses, *readers])
        if back != spec["read_back"]:
            return None
    if dropping:
        return Edit(dropping, certain=certain, doubt=ELSEWHERE)
    if new is None:
        return None
    splices = [_splice(tail, new), *(_splice(other, new) for other in others)]
    folder, needs = _folder_made(module, call, path, literal or path, tail)
    return Edit((*folder, *splices), tuple(needs), certain=certain and plain, doubt=ELSEWHERE)


def _folder_made(
    module: Module, call: ast.Call, path: ast.expr, literal: ast.expr, tail: Tail
) -> tuple[list[Splice], list[Need]]:
    """Keras 2 makes the folder of a checkpoint or SavedModel, Keras 3 not that of a file: a line in front does.

    Not where the module makes that folder anyway, nor where there may be none in the name.
    """
    last = tail.text.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    if last.endswith((".h5", ".hdf5", ".keras")) or _called(call) == "ModelCheckpoint":
        return [], []
    if isinstance(literal, ast.Constant):
        if "/" not in tail.text.rstrip("/").removeprefix("./"):
            return [], []
        made = f'"{tail.text.rstrip("/").rpartition("/")[0]}"' if path is literal else ""
    elif isinstance(literal, ast.Call) and _called(literal) == "join" and len(literal.args) > 1:
        made = ""
    else:
        return [], []
    if _is_made_here(module, path, literal, tail):
        return [], []
    statement = module.names.statement(call)
    line, column = module.line_column(module.start(statement))
    indent = module.line_text(line)[: column - 1]
    needs = library(module, call, "os")
    if not isinstance(statement, ast.Expr) or indent.strip() or needs is None or "{" in made:
        return [], []
    made = made or f"os.path.dirname(os.path.abspath({module.source(path)}))"
    start = module.start(statement)
    return [Splice(start, start, f"os.makedirs({made}, exist_ok=True){module.newline()}{indent}")], needs


def _is_made_here(module: Module, path: ast.expr, literal: ast.expr, tail: Tail) -> bool:
    """Does the module make the folder of this file itself, by its name or by a value that the path is made of?"""
    folder = posixpath.normpath(posixpath.dirname(tail.text)) if isinstance(literal, ast.Constant) else ""
    parts = _parts(module, path) | _parts(module, literal)
    for call in module.index.calls:
        if _called(call) not in MAKERS:
            continue
        given = call.args[0] if call.args else getattr(call.func, "value", None)
        made = [given] if given is not None else []
        if isinstance(given, ast.Name) and (found := value_at(module, given)) is not None:
            made.append(found[0])
        for one in made:
            while isinstance(one, ast.Call) and len(one.args) == 1 and _called(one) in ("Path", "str", "abspath"):
                one = one.args[0]
            if isinstance(one, ast.Constant):
                if folder and f"{posixpath.normpath(str(one.value))}/".startswith(f"{folder}/"):
                    return True
            elif parts & _parts(module, one):
                return True
    return False


def _parts(module: Module, node: ast.expr) -> set[str]:
    """The names and attributes that an expression takes its value from, functions left out."""
    found: set[str] = set()
    open_: list[ast.AST] = [node]
    while open_:
        at = open_.pop()
        if isinstance(at, ast.Call):
            open_ += [*at.args, *(keyword.value for keyword in at.keywords)]
            if isinstance(at.func, ast.Attribute) and module.names.canonical(at.func) is None:
                open_.append(at.func.value)
        elif isinstance(at, ast.Name | ast.Attribute):
            found |= {module.source(at)} if module.names.canonical(at) is None else set()
        else:
            open_ += ast.iter_child_nodes(at)
    return found


def library(module: Module, node: ast.AST, name: str) -> list[Need] | None:
    """What has to be imported for code at `node` to use a module of the standard library; None where it can't be."""
    known = module.names.name(name, module.names.scope(node))
    if known == name:
        return []
    if known is None and module.names.is_free(name, module.names.scope(node)):
        return [module.import_keras(node, f"import {name}")]
    return None


def _filled(path: ast.expr) -> ast.expr:
    """`path` of `path.format(...)`, else the expression itself."""
    if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute) and path.func.attr == "format":
        return path.func.value if isinstance(path.func.value, ast.Name) else path
    return path


def _filled_with_numbers(call: ast.Call, tail: Tail, literal: ast.expr | None) -> bool:
    """Is it a checkpoint's own template, "model_{epoch}", filled in with what training logs?"""
    at = literal
    while at is not tail.node:
        if isinstance(at, ast.BinOp) and not isinstance(at.op, ast.Mod):
            at = at.right
        elif isinstance(at, ast.Call) and at.args and _called(at) != "format":
            at = at.args[-1]
        else:
            return False
    return isinstance(at, ast.Constant) and _called(call) == "ModelCheckpoint" and tail.text.endswith("}")


def _is_read_back(module: Module, call: ast.Call, readers: list[ast.AST]) -> bool:
    """Is what is saved here also loaded in this module, and made of Keras's own layers, or of what is named there?

    A SavedModel holds the code of a model's layers, a .keras file their names: classes of one's own have to be known.
    """
    loads = [c for r in readers if isinstance(c := _taker(module, r), ast.Call) and _called(c) == "load_model"]
    if not loads or any(called.startswith("Lambda") for called in map(_called, module.index.calls)):
        return False
    if all(any(k.arg == "custom_objects" for k in load.keywords) for load in loads):
        return True
    own = [c for c in module.index.classes if _is_above(module, c, call) and not _is_registered(module, c)]
    return not any(module.values.class_kind(c) in OF_KERAS for c in own) and not any(
        _is_foreign_layer(module, c) for c in module.index.calls
    )


def _is_registered(module: Module, home: ast.ClassDef) -> bool:
    return any("register_keras_serializable" in module.source(d) for d in home.decorator_list)


def _is_foreign_layer(module: Module, call: ast.Call) -> bool:
    """Is an instance of a class that comes from elsewhere made here, and used as a layer?"""
    dotted = module.names.meaning(call.func)
    if dotted is None or dotted.startswith("keras.") or not dotted.rsplit(".", 1)[-1][:1].isupper():
        return False
    parent = module.names.parent(call)
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        return any(_is_layer(module, use) for use in module.loads.get(parent.targets[0].id, ()))
    return _is_layer(module, call)


def _is_layer(module: Module, node: ast.expr) -> bool:
    """Is it called, or given to a model among its layers?"""
    parent = module.names.parent(node)
    if isinstance(parent, ast.List):
        parent = module.names.parent(parent)
        return isinstance(parent, ast.Call) and module.values.called(parent.func) == "model"
    return isinstance(parent, ast.Call) and (parent.func is node or _called(parent) == "add")


def _is_above(module: Module, home: ast.ClassDef, call: ast.Call) -> bool:
    """May an instance of the class be part of what is saved? Code in functions runs at any time."""
    return module.names.enclosing_function(call) is not None or module.start(home) < module.start(call)


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


def _read(module: Module, node: ast.AST) -> bool:
    parent = _taker(module, node)
    if not isinstance(parent, ast.Call) or _called(parent) not in READERS:
        return False
    return _called(parent) != "load" or "saved_model" not in module.source(parent.func)


def _taker(module: Module, node: ast.AST) -> ast.AST | None:
    """What gets a file name: the call that it is an argument of, filled in (`name.format(...)`) or as it is."""
    parent = module.names.parent(node)
    if isinstance(parent, ast.Attribute) and parent.attr == "format":
        parent = module.names.parent(parent)
        parent = module.names.parent(parent) if isinstance(parent, ast.Call) else parent
    return module.names.parent(parent) if isinstance(parent, ast.keyword) else parent


def _takes(module: Module, node: ast.AST, suffix: str) -> bool:
    """May the call that gets this name get one with the new ending? Weights by name only come from old files."""
    call = _taker(module, node)
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


def _same_path(module: Module, path: ast.expr, tail: Tail, suffix: str) -> tuple[list[Tail], list[ast.AST], bool]:
    """Other places with the same path: what it ends with there, the path there, and whether all of them name a file for
    a saver or loader of this kind. Of a path that is put together (`join`, `+`, an f-string) all has to be the same."""
    others: list[Tail] = []
    paths: list[ast.AST] = []
    plain = True
    nodes: list[ast.expr] = [*module.index.formatted] if isinstance(tail.node, ast.JoinedStr) else []
    if isinstance(tail.node, ast.Constant):
        nodes = [n for n in module.index.strings if n.value == tail.node.value and n not in module.inside_strings]
    whole = module.source(path)
    for node in nodes:
        if node is tail.node or (found := _whole(module, node, path, tail, whole)) is None:
            continue
        other = tail_of(module, node)
        uses = _uses(module, found)
        if other is not None and uses and all(_read(module, use) and _takes(module, use, suffix) for use in uses):
            others.append(other)
            paths += uses
        elif found is not path:
            plain = False
    return others, paths, plain


def _uses(module: Module, path: ast.AST) -> list[ast.AST]:
    """Where a path is read: as it stands, or by the name that it is given."""
    parent = module.names.parent(path)
    if not isinstance(parent, ast.Assign) or len(parent.targets) != 1 or not isinstance(parent.targets[0], ast.Name):
        return [path]
    target = parent.targets[0]
    home = module.names.scope(target).lookup(target.id)
    uses = [u for u in module.loads.get(target.id, ()) if module.names.scope(u).lookup(target.id) is home]
    return [u for u in uses if (found := value_at(module, u)) is None or found[0] is path]


def _whole(module: Module, node: ast.AST, path: ast.expr, tail: Tail, source: str) -> ast.AST | None:
    """The expression around the end of another path, if it is the same path as a whole."""
    if path is tail.node and isinstance(node, ast.Constant):
        return node
    at: ast.AST | None = node
    while at is not None and not isinstance(at, ast.stmt):
        if module.source(at) == source:
            return at
        at = module.names.parent(at)
    return None
