"""Keras in a roundabout way: getattr with a name in quotes, functools.partial, `**`, importlib, classes in a dict.

In: a module. Out: for each such place, what it stands for: a call that rules can look at like any other, the name that
a string gives, or the arguments that a `**` brings along. Called by match.
"""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ..rulebook import Rule
from .arguments import words
from .module import Module
from .scopes import Binding

FUNCTOOLS = frozenset({"functools"})
IMPORTLIB = frozenset({"importlib"})
BUILTINS = ("getattr", "setattr", "hasattr", "delattr", "__import__")


class Partial(ast.Call):
    """What `functools.partial(f, ...)` will call, as far as it is known: `f(...)`. Stands where the partial stands."""


class Entry(NamedTuple):
    """One argument that comes in by `**`."""

    name: str
    value: ast.expr
    at: ast.AST
    by: str


def builtin_calls(module: Module) -> list[tuple[str, ast.Call]]:
    """Calls of `getattr` and its like, where those names are Python's own."""
    found = []
    for name in BUILTINS:
        for use in module.loads.get(name, ()):
            call = module.names.parent(use)
            if isinstance(call, ast.Call) and call.func is use and module.names.scope(use).lookup(name) is None:
                found.append((name, call))
    return found


def named(call: ast.Call) -> ast.Constant | None:
    """The string that `getattr(value, "name")` names."""
    if len(call.args) < 2 or call.keywords or any(isinstance(a, ast.Starred) for a in call.args):
        return None
    name = call.args[1]
    plain = isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isidentifier()
    return name if plain and isinstance(name, ast.Constant) else None


def fetched(module: Module, calls: list[tuple[str, ast.Call]]) -> list[ast.Call]:
    """Every `getattr(module, "name")` of something that an import names; `names` knows them from here on."""
    found = []
    for function, call in calls:
        name = named(call) if function == "getattr" and len(call.args) == 2 else None
        home = module.names.written(call.args[0]) if name is not None else None
        if name is not None and home is not None:
            module.names.given[call] = f"{home}.{name.value!s}"
            found.append(call)
    return found


def imports_by_name(module: Module, calls: list[tuple[str, ast.Call]]) -> Iterator[tuple[ast.Call, ast.Constant]]:
    """`importlib.import_module("keras.layers")` and `__import__("keras")`, with the string."""
    every = [call for function, call in calls if function == "__import__" and (len(call.args) > 3 or call.keywords)]
    every += _calls_of(module, IMPORTLIB, "importlib.import_module")
    for call in every:
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            yield call, call.args[0]


def partials(module: Module) -> list[Partial]:
    """What every `functools.partial` is going to call."""
    found = []
    for call in _calls_of(module, FUNCTOOLS, "functools.partial"):
        if not call.args or isinstance(call.args[0], ast.Starred):
            continue
        view = Partial(func=call.args[0], args=call.args[1:], keywords=call.keywords)
        ast.copy_location(view, call)
        module.index.parents[view] = call
        found.append(view)
    return found


def _calls_of(module: Module, packages: frozenset[str], dotted: str) -> list[ast.Call]:
    found: list[ast.Call] = []
    if not any(package in module.text for package in packages):
        return found
    for root in module.names.roots(packages):
        for use in module.loads.get(root, ()):
            at: ast.AST = use
            while isinstance(parent := module.names.parent(at), ast.Attribute):
                at = parent
            if isinstance(parent, ast.Call) and parent.func is at and module.names.written(at) == dotted:
                found.append(parent)
    return found


def possible(module: Module, func: ast.AST, depth: int = 4) -> set[str]:
    """What of Keras may be called here: one of two, one of a dict or a loop, what an attribute or a name holds."""
    dotted = module.names.canonical(func) if isinstance(func, ast.Name | ast.Attribute) else None
    if dotted is not None or depth == 0:
        return {dotted} if dotted is not None and dotted.startswith("keras.") else set()
    return {name for value in _choices(module, func) for name in possible(module, value, depth - 1)}


def _choices(module: Module, node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.BoolOp():
            return list(node.values)
        case ast.NamedExpr():
            return [node.value]
        case ast.Dict():
            return list(node.values)
        case ast.List() | ast.Tuple() | ast.Set():
            return list(node.elts)
        case ast.Subscript():
            return [node.value]
        case ast.Attribute(value=ast.Name(id="self" | "cls")):
            home = module.names.enclosing_class(node)
            held = [s.value for s in home.body if isinstance(s, ast.Assign) and _names(s, node.attr)] if home else []
            return [*held, *module.values.set_on_self(node)]
        case ast.Name():
            home_scope = module.names.scope(node).lookup(node.id)
            return [c for b in home_scope.bindings[node.id] for c in _bound(module, b)] if home_scope else []
    return []


def _names(statement: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)


def _bound(module: Module, binding: Binding) -> list[ast.AST]:
    if binding.kind == "param" and isinstance(binding.node, ast.arg):
        return _default(module, binding.node)
    if isinstance(binding.node, ast.For | ast.AsyncFor):
        return [binding.node.iter] if isinstance(binding.node.iter, ast.List | ast.Tuple | ast.Name) else []
    return [binding.value] if binding.kind == "assign" and binding.value is not None else []


def _default(module: Module, parameter: ast.arg) -> list[ast.AST]:
    """What a parameter is when nobody says otherwise."""
    given = module.names.parent(parameter)
    if not isinstance(given, ast.arguments):
        return []
    plain = [*given.posonlyargs, *given.args]
    pairs = [
        *zip(reversed(plain), reversed(given.defaults), strict=False),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    return [default for argument, default in pairs if argument is parameter and default is not None]


def spread(module: Module, call: ast.Call) -> list[Entry]:
    """The arguments that `**` brings into a call, as far as they can be seen from here."""
    return [
        entry for k in call.keywords if k.arg is None for entry in _entries(module, k.value, module.source(k.value))
    ]


def concerned(rule: Rule) -> set[str]:
    """The arguments that a rule has something to say about."""
    edit = rule.edit
    found = {*edit.get("rename", {}), *words(edit.get("drop")), *words(rule.when.get("has"))}
    if edit["kind"] == "schedule":
        found.add("decay")
    if edit["kind"] == "input":
        found.add(edit["argument"])
    return found


def _entries(module: Module, value: ast.expr, by: str) -> Iterator[Entry]:
    match value:
        case ast.Dict():
            for key, item in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield Entry(key.value, item, key, by)
                elif key is None and isinstance(item, ast.Dict | ast.Call):
                    yield from _entries(module, item, by)
        case ast.Call(func=ast.Name(id="dict")):
            yield from (Entry(k.arg, k.value, k, by) for k in value.keywords if k.arg is not None)
        case ast.Name():
            home = module.names.scope(value).lookup(value.id)
            for binding in home.bindings[value.id] if home is not None else ():
                if binding.kind == "assign" and binding.value is not None and not isinstance(binding.value, ast.Name):
                    yield from _entries(module, binding.value, by)
                elif binding.kind == "param" and isinstance(binding.node, ast.arg):
                    yield from _handed_on(module, binding.node, by)
            yield from _stored(module, value, by)


def _stored(module: Module, name: ast.Name, by: str) -> Iterator[Entry]:
    """`settings["lr"] = 0.1`, of the dict that goes by this name."""
    home = module.names.scope(name).lookup(name.id)
    for use in module.loads.get(name.id, ()):
        item = module.names.parent(use)
        if isinstance(item, ast.Attribute) and module.names.scope(use).lookup(name.id) is home:
            yield from _called_on(module, item, by)
        if not isinstance(item, ast.Subscript) or item.value is not use or not isinstance(item.ctx, ast.Store):
            continue
        statement = module.names.parent(item)
        mine = module.names.scope(use).lookup(name.id) is home and isinstance(statement, ast.Assign)
        if mine and isinstance(item.slice, ast.Constant) and isinstance(item.slice.value, str):
            yield Entry(item.slice.value, statement.value, item.slice, by)  # type: ignore[union-attr]


def _called_on(module: Module, method: ast.Attribute, by: str) -> Iterator[Entry]:
    """`settings.update(lr=0.1)` and `settings.setdefault("lr", 0.1)`."""
    call = module.names.parent(method)
    if not isinstance(call, ast.Call) or call.func is not method:
        return
    if method.attr == "update":
        yield from (Entry(k.arg, k.value, k, by) for k in call.keywords if k.arg is not None)
        if call.args and not isinstance(call.args[0], ast.Name):
            yield from _entries(module, call.args[0], by)
    elif method.attr == "setdefault" and len(call.args) == 2 and isinstance(call.args[0], ast.Constant):
        yield Entry(str(call.args[0].value), call.args[1], call.args[0], by)


def _handed_on(module: Module, parameter: ast.arg, by: str) -> Iterator[Entry]:
    """The keywords that callers in this module give to a function that hands its `**kwargs` on."""
    arguments = module.names.parent(parameter)
    function = module.names.parent(arguments) if arguments is not None else None
    if not isinstance(function, ast.FunctionDef) or function.args.kwarg is not parameter:
        return
    home_class = module.names.parent(function)
    made: ast.FunctionDef | ast.ClassDef = function
    if isinstance(home_class, ast.ClassDef):
        if function.name != "__init__":
            return
        made = home_class
    own = {a.arg for a in [*function.args.args, *function.args.kwonlyargs]}
    for use in module.loads.get(made.name, ()):
        call = module.names.parent(use)
        home = module.names.scope(use).lookup(made.name)
        if not isinstance(call, ast.Call) or call.func is not use or home is None:
            continue
        if [b.node for b in home.bindings[made.name]] == [made]:
            yield from (Entry(k.arg, k.value, k, by) for k in call.keywords if k.arg is not None and k.arg not in own)
