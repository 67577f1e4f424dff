"""Does a rule's `when` hold at a call?

In: a rule, the arguments of a call by parameter, and the module around it. Out: yes or no. What each condition means
stands in `rulebook.WHEN`. Called by match.
"""

import ast
import re

from ..rulebook import Rule
from . import tensors as known
from .arguments import Argument, is_number, words
from .keys import is_metric
from .made import is_made_by
from .module import Module
from .paths import tail_of
from .straight import value_at
from .uses import is_counted_with

OF_ARGUMENTS = frozenset(
    {"has", "lacks", "equals", "not_equals", "constant", "computed", "number", "computed_number", "matches"}
    | {"callable", "folder"}
)
"""The conditions on arguments alone."""


def hold(rule: Rule, module: Module, given: list[Argument], node: ast.Call, old_code: bool) -> bool:
    """Do the rule's conditions on this call hold? The cheap ones come first."""
    when = rule.when
    if not when:
        return True
    if (when.get("old_code") and not old_code) or "defined" in when or "stored" in when:
        return False
    values = {a.name: a.value for a in given if a.name is not None}
    return _hold_arguments(when, module, values) and _hold_around(when, module, values, node)


def _hold_arguments(when: dict, module: Module, values: dict[str, ast.expr]) -> bool:
    if when.keys().isdisjoint(OF_ARGUMENTS):
        return True
    if "has" in when and not any(name in values for name in words(when["has"])):
        return False
    if any(name in values for name in words(when.get("lacks"))):
        return False
    for name, wanted in when.get("equals", {}).items():
        if name not in values or module.source(values[name]) not in words(wanted):
            return False
    for name, refused in when.get("not_equals", {}).items():
        if name in values and module.source(values[name]) in words(refused):
            return False
    if any(name in values and not _is_constant(values[name]) for name in words(when.get("constant"))):
        return False
    computed = [name for name in words(when.get("computed")) if name in values and not _is_constant(values[name])]
    if "computed" in when and not computed:
        return False
    if not all(is_number(module, values[name]) for name in words(when.get("number")) if name in values):
        return False
    numbers = words(when.get("computed_number"))
    if numbers and all(is_number(module, values[name]) for name in numbers if name in values):
        return False
    for name, pattern in when.get("matches", {}).items():
        if name not in values or not re.search(pattern, module.source(values[name])):
            return False
    if "callable" in when and not _is_function(module, values.get(when["callable"])):
        return False
    return "folder" not in when or _is_folder(module, values.get(when["folder"]))


def _hold_around(when: dict, module: Module, values: dict[str, ast.expr], node: ast.Call) -> bool:
    if "inside" in when and not _is_inside(when["inside"], module, node):
        return False
    if when.get("subscripted") and not _is_taken_apart(module, node):
        return False
    if "counted" in when and when["counted"] != is_counted_with(module, node):
        return False
    if "listed" in when and not _is_listed(module, values.get(when["listed"]), node):
        return False
    if when.get("by_super") and not module.source(node).startswith("super("):
        return False
    if "made_by" in when and not _is_method_of(module, node, frozenset(words(when["made_by"]))):
        return False
    if when.get("not_metric") and is_metric(module, when["not_metric"]):
        return False
    if when.get("single") and not _is_single(module, node):
        return False
    if "mentions" in when and not any(word in module.text for word in words(when["mentions"])):
        return False
    for name, wanted in when.get("called", {}).items():
        value = values.get(name)
        if not isinstance(value, ast.Call) or module.names.canonical(value.func) != wanted:
            return False
    given = [values[name] for name in words(when.get("tensor")) if name in values]
    if "tensor" not in when:
        return True
    return bool(given) and (
        known.stands_in_computation(module.values, node) or any(module.values.kind(v) == "tensor" for v in given)
    )


def _is_method_of(module: Module, node: ast.Call, names: frozenset[str]) -> bool:
    """Is it a method of what certainly one of these classes makes?"""
    return isinstance(node.func, ast.Attribute) and is_made_by(module, node.func.value, names)


def compiled_for_good(module: Module, target: ast.Attribute) -> bool:
    """Is `model.trainable = ...` said of a model that was compiled above, and isn't compiled again below?"""
    owner = module.source(target.value)
    lines = [
        call.lineno
        for call in module.index.calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "compile"
        and module.source(call.func.value) == owner
        and module.names.scope(call) is module.names.scope(target)
    ]
    return any(line < target.lineno for line in lines) and not any(line > target.lineno for line in lines)


def switched_on(module: Module, name: ast.Constant) -> bool:
    """Is this variable of the environment set here: `environ[NAME] = "1"`, `setdefault(NAME, "1")`, `{NAME: "1"}`?

    One that is set to "0", removed or only asked for isn't; one whose value nobody can see is.
    """
    parent = module.names.parent(name)
    value: ast.expr | None = None
    if isinstance(parent, ast.Subscript):
        home = module.names.parent(parent)
        if not isinstance(parent.ctx, ast.Store):
            return False
        value = getattr(home, "value", None)
    elif isinstance(parent, ast.Call):
        called = getattr(parent.func, "attr", getattr(parent.func, "id", ""))
        if called in ("get", "getenv", "pop", "delenv", "unsetenv", "print") or name not in parent.args:
            return False
        given = parent.args[parent.args.index(name) + 1 :]
        value = given[0] if given else None
    elif isinstance(parent, ast.Dict) and name in parent.keys:
        value = parent.values[parent.keys.index(name)]
    elif isinstance(parent, ast.Compare | ast.Expr):
        return False
    return not (isinstance(value, ast.Constant) and str(value.value).lower() in ("0", "false", "", "none"))


def _is_folder(module: Module, path: ast.expr | None) -> bool:
    if isinstance(path, ast.Call) and (module.names.canonical(path.func) or "").endswith("latest_checkpoint"):
        return True
    tail = tail_of(module, path)
    last = tail.text.rstrip("/").rsplit("/", 1)[-1] if tail is not None else "."
    return bool(last) and ("." not in last or last.endswith((".ckpt", ".tf", ".pb")))


def _is_listed(module: Module, value: ast.expr | None, node: ast.Call) -> bool:
    """Does it stand there element by element? Between symbolic tensors, outside of layers, it can't be a tensor."""
    if isinstance(value, ast.Name) and (found := value_at(module, value)) is not None:
        value = found[0]
    parts: list[ast.expr | None] = [value]  # [1] * rank + [n]
    for part in parts:
        parts += [part.left, part.right] if isinstance(part, ast.BinOp) else []
    return any(isinstance(part, ast.List | ast.Tuple) for part in parts) or not _in_call(module, node)


_KEEPS = {"kept": "__init__", "built": "build"}


def _is_inside(where: str, module: Module, node: ast.Call) -> bool:
    """`call`: in a method or lambda; `model`: not so; `layer`: in a class that computes with Keras tensors; `kept` and
    `built`: as a variable that such a class makes in `__init__` or in `build` and keeps."""
    if where in _KEEPS:
        return known.keeps_variable(module.values, node, _KEEPS[where])
    if where == "layer":
        home = module.names.enclosing_class(node)
        return home is not None and known.computes(module.values, home)
    return (where == "call") == _in_call(module, node)


def _in_call(module: Module, node: ast.AST) -> bool:
    """Does the code run inside a layer, where tensors have values, and not between symbolic tensors?"""
    at: ast.AST | None = node
    while at is not None:
        parent = module.names.parent(at)
        if isinstance(at, ast.FunctionDef) and isinstance(parent, ast.ClassDef):
            return True
        if isinstance(at, ast.Lambda):
            return True
        at = parent
    return False


def _is_function(module: Module, value: ast.expr | None) -> bool:
    """Is it a function of this module, not what one gives?"""
    if isinstance(value, ast.Name):
        home = module.names.scope(value).lookup(value.id)
        bound = home.bindings[value.id] if home is not None else []
        return len(bound) == 1 and isinstance(bound[0].node, ast.FunctionDef) and bound[0].kind == "function"
    return isinstance(value, ast.Lambda)


def _is_single(module: Module, node: ast.Call) -> bool:
    """Does one name get all that comes of the call, and is it never taken apart?"""
    statement = module.names.parent(node)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    target = statement.targets[0]
    if not isinstance(target, ast.Name):
        return False
    for use in module.loads.get(target.id, ()):
        parent = module.names.parent(use)
        if isinstance(parent, ast.Subscript | ast.Starred | ast.Return):
            return False
        if isinstance(parent, ast.Assign) and any(isinstance(t, ast.Tuple | ast.List) for t in parent.targets):
            return False
    return True


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _is_taken_apart(module: Module, node: ast.AST) -> bool:
    """Is only one number of it ever asked for, here (`f(x)[0]`) or by the one name that it is given?"""
    parent = module.names.parent(node)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        name = parent.targets[0].id
        home = module.names.scope(parent.targets[0]).lookup(name)
        if home is None or len(home.bindings[name]) != 1:
            return False
        uses = [use for use in module.loads.get(name, ()) if module.names.scope(use).lookup(name) is home]
        return bool(uses) and all(_is_taken_apart_here(module, use) for use in uses)
    return _is_taken_apart_here(module, node)


def _is_taken_apart_here(module: Module, node: ast.AST) -> bool:
    parent = module.names.parent(node)
    return isinstance(parent, ast.Subscript) and parent.value is node and _is_number(parent.slice)


def _is_number(node: ast.AST) -> bool:
    value = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(value, ast.Constant) and isinstance(value.value, int)
