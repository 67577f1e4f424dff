"""`tf.train.latest_checkpoint(folder)` of weights that Keras wrote: the newest of its .weights.h5 files.

In: the call. Out: the edit, where this module lets Keras write weights into that very folder, and nothing else writes
TensorFlow checkpoints; else None. Called by match.
"""

import ast
import posixpath

from ..rulebook import Rule
from .arguments import CannotEdit, arguments
from .edits import Edit
from .module import Module, Need, Splice
from .paths import library, tail_of
from .straight import value_at

ENDING = ".weights.h5"
CHECKPOINT = ["filepath", "monitor", "verbose", "save_best_only", "save_weights_only"]
DEPTH = 6
"""Names that are looked through to find out what a path is."""


def newest_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """The newest of the files that the checkpoints have become."""
    given = [a.value for a in arguments(call, ["checkpoint_dir"]) if a.name == "checkpoint_dir"]
    if len(given) != 1 or len(call.args) + len(call.keywords) != 1 or _has_own_checkpoints(module):
        return None
    wanted = _path(module, given[0], DEPTH)
    written = [_folder(module, path) for path in _written(module)]
    if wanted is None or wanted not in written:
        return None
    needs: list[Need] = []
    for name in ("glob", "os"):
        need = library(module, call, name)
        if need is None:
            raise CannotEdit(rule.why)
        needs += need
    folder = module.source(given[0])
    new = f'max(glob.glob(os.path.join({folder}, "*{ENDING}")), key=os.path.getmtime, default=None)'
    return Edit((Splice(module.start(call), module.end(call), new),), tuple(needs))


def _has_own_checkpoints(module: Module) -> bool:
    """Are there checkpoints that Keras doesn't write?"""
    return any(
        (module.names.canonical(c.func) or "").startswith(("tensorflow.train.Checkpoint", "tensorflow.train.Saver"))
        or (module.names.canonical(c.func) or "").startswith("tensorflow.compat.v1.train")
        for c in module.index.calls
    )


def _written(module: Module) -> list[ast.expr]:
    """The paths under which Keras writes weights here, as far as they have the new ending."""
    found: list[ast.expr] = []
    for call in module.index.calls:
        called = module.names.canonical(call.func) or ""
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if not called.endswith(".ModelCheckpoint") and method != "save_weights":
            continue
        path = next((a.value for a in arguments(call, CHECKPOINT) if a.name == "filepath"), None)
        if path is not None and _ends(module, path, DEPTH):
            found.append(path)
    return found


def _ends(module: Module, path: ast.expr, depth: int) -> bool:
    if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute) and path.func.attr == "format":
        path = path.func.value
    if isinstance(path, ast.Name) and depth:
        found = value_at(module, path)
        return found is not None and _ends(module, found[0], depth - 1)
    tail = tail_of(module, path)
    return tail is not None and tail.text.endswith(ENDING)


def _folder(module: Module, path: ast.expr) -> tuple[str, str] | None:
    """The folder of a file, in the terms of `_path`."""
    if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute) and path.func.attr == "format":
        path = path.func.value
    if isinstance(path, ast.Name):
        found = value_at(module, path)
        return _folder(module, found[0]) if found is not None else None
    if isinstance(path, ast.Constant) and isinstance(path.value, str):
        return "path", posixpath.normpath(posixpath.dirname(path.value))
    if isinstance(path, ast.BinOp) and isinstance(path.op, ast.Add) and isinstance(path.right, ast.Constant):
        text = str(path.right.value)
        return _path(module, path.left, DEPTH) if text.startswith("/") and "/" not in text[1:] else None
    if isinstance(path, ast.Call) and _is(module, path, "join") and len(path.args) == 2:
        last = path.args[1]
        if isinstance(last, ast.Constant) and "/" not in str(last.value):
            return _path(module, path.args[0], DEPTH)
    return None


def _path(module: Module, node: ast.expr, depth: int) -> tuple[str, str] | None:
    """What a path is: its text, or the expression that gives it, where two that are alike are the same."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "path", posixpath.normpath(node.value)
    if isinstance(node, ast.Call) and _is(module, node, "dirname") and len(node.args) == 1:
        return _folder(module, node.args[0])
    if isinstance(node, ast.Name) and depth:
        found = value_at(module, node)
        if found is not None:
            known = _path(module, found[0], depth - 1)
            return known or ("given at", str(module.start(found[0])))
        home = module.names.scope(node).lookup(node.id)
        bound = home.bindings[node.id] if home is not None else []
        if len(bound) == 1 and bound[0].kind == "param":
            return "given at", str(module.start(bound[0].node))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        around = module.names.enclosing_class(node)
        if around is not None and len(module.values.set_on_self(node)) == 1:
            return "given at", f"{module.start(around)} {node.attr}"
    return None


def _is(module: Module, call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == name and "path" in module.source(call.func)
