"""What one statement uses of Keras and TensorFlow, which of it Keras 3 refuses, and which statement became which.

In: Python source. Out: `Statement`s with a multiset of `Use`s each, and pairs of statements of two states of one file.
Called by states. No judgement comes from kparity's rules: what Keras 3 has is asked of the installed Keras 3 (and what
Keras 2 had of tf_keras), so that the measure doesn't call good what the rules do.
"""

import ast
import functools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from kparity.codemod.module import Module
from kparity.codemod.names import normal

FLAVOURED = re.compile(r"tensorflow(_core)?\.(python\.|compat\.v2\.|_api\.v2\.)?keras\b|tf_keras\b")
GONE_ATTRIBUTES = frozenset({"get_shape", "as_list", "set_shape"})
"""Of tensors: a symbolic Keras 3 tensor hasn't them."""
MAKERS = frozenset({"zeros", "ones", "range", "constant", "normal", "uniform", "convert_to_tensor", "eye", "linspace"})
"""Functions of TensorFlow that are given no tensor."""
ASKS = """
import inspect, json, sys
import {module} as keras
from {module} import layers, metrics, losses, callbacks, optimizers
params, members, names = {{}}, {{}}, set()
def parameters(thing):
    try:
        found = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    return [p.name for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
def walk(module, prefix, depth=0):
    for name in dir(module):
        thing = getattr(module, name, None)
        if name.startswith("_"):
            continue
        dotted = prefix + "." + name
        names.add(dotted)
        if inspect.ismodule(thing) and depth < 4 and "keras" in thing.__name__ and not name in ("src",):
            walk(thing, dotted, depth + 1)
        elif callable(thing):
            params[dotted] = parameters(thing)
walk(keras, "keras")
bases = [layers.Layer, keras.Model, keras.Sequential, metrics.Metric, losses.Loss, callbacks.Callback, optimizers.Adam,
         layers.LSTM, keras.utils.Sequence]
for base in bases:
    for name in dir(base):
        if not name.startswith("__"):
            members.setdefault(name, []).append(base.__name__)
            if name in ("fit", "evaluate", "predict", "compile", "add_weight", "save", "save_weights", "load_weights",
                        "add_loss", "add_metric", "apply_gradients", "reset_states"):
                more = parameters(getattr(base, name)) or []
                params["." + name] = sorted({{*more, *params.get("." + name, [])}})
made = [layers.Dense(1), layers.LSTM(1), keras.Sequential([layers.Dense(1)]), metrics.Mean(), losses.MeanSquaredError(),
        optimizers.Adam(), callbacks.Callback()]
for one in made:
    for name in vars(one):
        members.setdefault(name, []).append(type(one).__name__)
json.dump({{"params": params, "members": members, "names": sorted(names)}}, sys.stdout)
"""


@functools.cache
def api(module: str) -> dict:
    """Public names, parameters of what can be called, and members of the base classes, as the installed module has."""
    command = [sys.executable, "-c", ASKS.format(module=module)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=_quiet())
    return json.loads(run.stdout[run.stdout.index("{") :])


def _quiet() -> dict[str, str]:
    import os

    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


@dataclass(frozen=True, order=True)
class Use:
    """One use of an API: a name, a keyword of a call, a member, or a string that means something to Keras."""

    kind: str
    """name, flavour, import, keyword, positional, member, path, shape"""
    what: str


@dataclass
class Statement:
    """A simple statement, or the head of a compound one."""

    line: int
    last: int
    words: Counter
    """What it is recognised by: names, constants and operators, without the libraries' prefixes."""
    uses: Counter
    text: str
    inside: str
    """`model` for code about symbolic tensors, `class` for methods, `` for the rest."""
    key: tuple = field(default=())


def canonical(written: str) -> str:
    """One name for one thing: flavours, keras_core and a package's own `backend.keras` or `backend.ops` are Keras."""
    plain = normal(written)
    root = plain.partition(".")[0]
    if root == "keras_core":
        return "keras" + plain[len(root) :]
    if root in ("keras", "tensorflow", "tensorflow_addons", "numpy", "np"):
        return plain
    parts = plain.split(".")
    for index, part in enumerate(parts):
        if index and parts[index - 1] == "backend" and part in ("keras", "ops", "random"):
            return ".".join(
                [{"keras": "keras", "ops": "keras.ops", "random": "keras.random"}[part], *parts[index + 1 :]]
            )
    return plain


def statements(module: Module) -> list[Statement]:
    """Every statement in the order of the source, docstrings left out."""
    found = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.stmt):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        found.append(_statement(module, node))
    return sorted(found, key=lambda s: (s.line, s.last))


def imported(module: Module) -> Counter:
    """Every imported name of Keras, TensorFlow and their like, as written."""
    found: Counter = Counter()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def _head(node: ast.stmt) -> Iterator[ast.AST]:
    """Everything inside a statement but not inside a statement of its body."""
    stack: list[ast.AST] = [
        child
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
    ]
    while stack:
        at = stack.pop()
        yield at
        stack.extend(c for c in ast.iter_child_nodes(at) if not isinstance(c, ast.stmt))


def _statement(module: Module, node: ast.stmt) -> Statement:
    words: Counter = Counter([type(node).__name__])
    uses: Counter = Counter()
    last = node.lineno
    for at in _head(node):
        last = max(last, getattr(at, "end_lineno", 0) or 0)
        parent = module.names.parent(at)
        if isinstance(at, ast.Attribute | ast.Name):
            if isinstance(parent, ast.Attribute) and parent.value is at:
                pass
            else:
                uses.update(_of_name(module, at))
            words[_word(at.attr if isinstance(at, ast.Attribute) else at.id)] += 1
        elif isinstance(at, ast.keyword) and at.arg:
            words[at.arg] += 1
        elif isinstance(at, ast.Constant):
            words[repr(at.value)[:60]] += 1
            if isinstance(at.value, str) and at.value:
                uses[Use("string", at.value)] += 1
        elif isinstance(at, ast.Call):
            uses.update(_of_call(module, at))
            words["()"] += 1
        elif isinstance(at, ast.operator | ast.cmpop | ast.unaryop):
            words[type(at).__name__] += 1
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        words[node.name] += 3
        if isinstance(node, ast.FunctionDef):
            uses[Use("defines", node.name)] += 1
            words.update(a.arg for a in node.args.args)
    for prefix in ("tf", "tensorflow", "keras", "K", "ops", "layers", "math", "nn", "backend", "ks", "random"):
        words.pop(prefix, None)
    text = module.source(node).partition("\n")[0].strip()
    return Statement(node.lineno, last, words, uses, text, _inside(module, node), tuple(sorted(words.items())))


def _word(name: str) -> str:
    name = name.removeprefix("reduce_")
    return {"concat": "concatenate", "maximum": "max", "minimum": "min"}.get(name, name)


def _of_name(module: Module, node: ast.Attribute | ast.Name) -> list[Use]:
    found: list[Use] = []
    at: ast.AST = node
    tail: list[str] = []
    while isinstance(at, ast.Attribute):
        written = module.names.written(at)
        if written is not None:
            break
        tail.append(at.attr)
        at = at.value
    found += [Use("member", attr) for attr in tail]
    written = module.names.written(at) if isinstance(at, ast.Attribute | ast.Name) else None
    if written is None:
        return found
    plain = canonical(written)
    if plain.partition(".")[0] not in ("keras", "tensorflow", "tensorflow_addons", "keras_contrib"):
        return found
    root = at
    while isinstance(root, ast.Attribute):
        root = root.value
    brought = module.names.written(root) or ""
    if FLAVOURED.match(written) and not FLAVOURED.match(brought):
        found.append(Use("flavour", plain))
    found.append(Use("name", plain))
    return found


def _of_call(module: Module, node: ast.Call) -> list[Use]:
    written = module.names.written(node.func)
    plain = canonical(written) if written is not None else ""
    if not plain and isinstance(node.func, ast.Attribute):
        plain = "." + node.func.attr
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "super().__init__":
        plain = "super().__init__"
    if not plain:
        return []
    found = [Use("keyword", f"{plain}({k.arg}=)") for k in node.keywords if k.arg]
    if plain == ".add_weight" and node.args:
        found += [Use("positional", f"{plain}({len(node.args)} positional)")]
    if plain in ("keras.Input", "keras.layers.Input"):
        shape = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "shape"), None)
        if isinstance(shape, ast.Constant) or (isinstance(shape, ast.Name) and shape.id.isupper()):
            found.append(Use("shape", f"{plain}({ast.unparse(shape)})"))
    return found


def _inside(module: Module, node: ast.stmt) -> str:
    at: ast.AST | None = node
    function: ast.AST = module.tree
    while at is not None:
        parent = module.names.parent(at)
        if isinstance(at, ast.FunctionDef):
            if isinstance(parent, ast.ClassDef):
                return "class"
            function = at if function is module.tree else function
        at = parent
    symbolic = _symbolic(module, function)
    mentioned = {n.id for n in _head(node) if isinstance(n, ast.Name)}
    return "model" if mentioned & symbolic or any(_is_layer_call(module, n) for n in _head(node)) else ""


@functools.lru_cache(maxsize=64)
def _symbolic(module: Module, function: ast.AST) -> frozenset[str]:
    """Names of a function (or of the module's top level) that hold symbolic tensors: what comes of `Input` and of
    layers made and called in one go, what such layers are called on, and what is worked out from these."""
    found: set[str] = set()
    statements = [n for n in ast.walk(function) if isinstance(n, ast.Assign | ast.Call)]
    for call in statements:
        if (
            isinstance(call, ast.Call)
            and _is_layer_call(module, call)
            and call.args
            and isinstance(call.func, ast.Call)
        ):
            found.update(n.id for n in ast.walk(call.args[0]) if isinstance(n, ast.Name))
    for _ in range(3):
        for assign in statements:
            if not isinstance(assign, ast.Assign) or _is_model(module, assign.value):
                continue
            inner = list(ast.walk(assign.value))
            if any(_is_layer_call(module, n) or (isinstance(n, ast.Name) and n.id in found) for n in inner):
                found.update(n.id for t in assign.targets for n in ast.walk(t) if isinstance(n, ast.Name))
    return frozenset(n for n in found if module.names.root.lookup(n) is None or function is module.tree)


def _is_layer_call(module: Module, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    func = node.func.func if isinstance(node.func, ast.Call) else node.func
    made = canonical(module.names.written(func) or "")
    return made in ("keras.Input", "keras.layers.Input") or (
        isinstance(node.func, ast.Call) and made.startswith("keras.layers.")
    )


def _is_model(module: Module, value: ast.AST) -> bool:
    """A model, or numbers that a model gave."""
    if not isinstance(value, ast.Call):
        return False
    last = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    return last in ("Model", "Sequential", "predict", "fit", "evaluate", "numpy", "get_layer")


# -- what Keras 3 refuses ---------------------------------------------------------------------------------------------


def required(use: Use, statement: Statement, replaced: Counter) -> bool:
    """Does Keras 3, with TensorFlow behind it, refuse this old use, or do other things with it?

    `replaced` is what a person put in its place on the same statement.
    """
    new, old = api("keras"), api("tf_keras")
    match use.kind:
        case "flavour":
            return True
        case "name":
            return _name_required(use.what, statement, replaced, new, old)
        case "keyword":
            callee, _, keyword = use.what.partition("(")
            keyword = keyword.removesuffix("=)")
            if callee == "super().__init__":
                return keyword in ("dynamic", "weights", "batch_input_shape", "lr", "decay")
            if callee == ".add_weight" and keyword == "aggregation":
                return False
            known, before = new["params"].get(callee), old["params"].get(callee)
            if known is None or before is None:
                return keyword == "lr" and callee.startswith("keras.optimizers")
            gone = keyword not in known and keyword not in ("name", "dtype", "trainable", "input_shape")
            return gone and (keyword in before or keyword in ("lr", "decay", "batch_input_shape", "weights"))
        case "positional":
            return any(u.kind == "keyword" and u.what.startswith(".add_weight(") for u in replaced)
        case "member":
            if use.what in GONE_ATTRIBUTES:
                return True
            return use.what in old["members"] and use.what not in new["members"]
        case "string":
            return any(u.kind == "string" and _means(use.what, u.what) for u in replaced)
        case "shape":
            return not any(u.kind == "shape" for u in replaced)
        case "defines":
            return use.what in old["members"] and use.what not in new["members"]
    return False


def _name_required(plain: str, statement: Statement, replaced: Counter, new: dict, old: dict) -> bool:
    root = plain.partition(".")[0]
    if root in ("tensorflow_addons", "keras_contrib"):
        return True
    if plain.startswith(("keras.optimizers.legacy", "tensorflow.compat.v1.keras")):
        return True
    if root == "keras":
        head = plain
        while head and head not in new["names"]:
            known = head in old["names"] or head.count(".") >= 1
            head = head.rpartition(".")[0]
            if not head:
                return known
        return head != plain and (plain in old["names"] or _is_module(head, new))
    if plain == "tensorflow.Variable":
        return statement.inside == "class" and any(u.what == ".add_weight(shape=)" for u in replaced)
    if root == "tensorflow" and statement.inside == "model":
        return (
            plain.rpartition(".")[2][:1].islower()
            and plain.rpartition(".")[2] not in MAKERS
            and any(u.kind == "name" and u.what.startswith("keras.ops.") for u in replaced)
        )
    return False


def _is_module(dotted: str, new: dict) -> bool:
    return any(name.startswith(dotted + ".") for name in new["names"])


def _means(old: str, new: str) -> bool:
    """Is this the same string with what Keras 3 wants of it?"""
    suffixes = (".keras", ".weights.h5", ".h5")
    if new.endswith(suffixes[:2]) and not old.endswith(suffixes[:2]):
        stem = old.removesuffix(".h5").removesuffix(".hdf5").removesuffix("/")
        return len(stem) > 0 and (stem in new or new.endswith(old + ".keras"))
    return (old, new) in {("acc", "accuracy"), ("val_acc", "val_accuracy"), ("lr", "learning_rate")}


def portable(use: Use, replaced: Counter) -> bool:
    """A TensorFlow function or type that runs with the TensorFlow backend, replaced by a name of Keras?"""
    if use.kind != "name" or not use.what.startswith("tensorflow."):
        return False
    if re.fullmatch(r"tensorflow\.(float|int|uint|bfloat|bool|string|complex)\d*", use.what):
        return any(u.kind == "string" and u.what in use.what for u in replaced)
    heads = ("keras.ops.", "keras.random.", "keras.activations.", "keras.KerasTensor", "keras.layers.", "keras.utils.")
    return any(u.kind == "name" and u.what.startswith(heads) for u in replaced)


# -- which statement became which -------------------------------------------------------------------------------------


def pair(before: list[Statement], after: list[Statement], alike: float = 0.4) -> dict[int, int]:
    """Indices of statements of the first list -> those of the second that they became; deleted ones are absent."""
    found: dict[int, int] = {}
    matcher = SequenceMatcher(None, [s.key for s in before], [s.key for s in after], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            found.update(zip(range(i1, i2), range(j1, j2), strict=True))
        elif tag == "replace":
            found.update(_pair_block(before, after, range(i1, i2), range(j1, j2), alike))
    return found


def _pair_block(before: list[Statement], after: list[Statement], rows: range, columns: range, alike: float) -> dict:
    """The order-keeping pairs with the greatest likeness altogether."""
    if len(rows) * len(columns) > 250_000:
        return {}
    best = [[0.0] * (len(columns) + 1) for _ in range(len(rows) + 1)]
    score = [[likeness(before[i].words, after[j].words) for j in columns] for i in rows]
    for r in range(len(rows)):
        for c in range(len(columns)):
            taken = best[r][c] + (score[r][c] if score[r][c] >= alike else -1)
            best[r + 1][c + 1] = max(best[r][c + 1], best[r + 1][c], taken)
    found: dict[int, int] = {}
    r, c = len(rows), len(columns)
    while r and c:
        if best[r][c] == best[r - 1][c]:
            r -= 1
        elif best[r][c] == best[r][c - 1]:
            c -= 1
        else:
            r, c = r - 1, c - 1
            found[rows[r]] = columns[c]
    return found


def likeness(one: Counter, other: Counter) -> float:
    """Dice's coefficient of two multisets: 1 for the same, 0 for nothing in common."""
    total = sum(one.values()) + sum(other.values())
    return 2 * sum((one & other).values()) / total if total else 0.0
