"""Arguments and members that Keras 3 doesn't have, or has elsewhere, by one table instead of one rule each.

In: a call, or an attribute of a value, and rules/api/changed.json (made by kparity/changes.py, which says what is in
it). Out: what is to say of it: a positional argument that needs its keyword, one under its new name, one that says
nothing any more, one that is gone. Called by match for what no other rule spoke about: one look-up by name.
"""

import ast
import functools
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config import shipped
from ..rulebook import Rule
from .arguments import Argument, CannotEdit, argument_splices, arguments, words
from .edits import Edit
from .module import Module


class Found(NamedTuple):
    """One thing to say of one place."""

    what: str
    edit: Edit | None = None
    reason: str = ""


@functools.cache
def table() -> dict[str, dict[str, Any]]:
    """calls, methods, members and advice; see kparity/changes.py."""
    return json.loads((shipped("rules") / "api" / "changed.json").read_text("utf-8"))


def change_of(name: str) -> dict[str, Any] | None:
    """What differs in calls of a class or function of Keras, by canonical name."""
    found = table()["calls"].get(name)
    return table()["calls"][found] if isinstance(found, str) else found


@functools.cache
def _classes() -> frozenset[str]:
    return frozenset(table()["classes"])


@functools.cache
def _own_names() -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in _classes())


def makes_any(module: Module) -> bool:
    """Does the module make an instance of any class that differs?"""
    if module.makes_changed is None:
        classes, own = _classes(), _own_names()
        module.makes_changed = any(
            module.names.canonical(call.func) in classes
            for call in module.index.calls
            if type(call.func) is not ast.Attribute or call.func.attr in own
        )
    return module.makes_changed


def class_of(module: Module, node: ast.expr) -> dict[str, Any] | None:
    """What differs in the class that certainly made this value: `Class(...)`, or a name that is only bound to one."""
    if not makes_any(module):
        return None
    if isinstance(node, ast.Name):
        home = module.names.scope(node).lookup(node.id)
        bound = home.bindings[node.id] if home is not None else []
        if len(bound) != 1 or bound[0].kind != "assign" or bound[0].value is None:
            return None
        node = bound[0].value
    elif isinstance(node, ast.Attribute):
        given = module.values.set_on_self(node)
        if len(given) != 1:
            return None
        node = given[0]
    if not isinstance(node, ast.Call):
        return None
    dotted = module.names.canonical(node.func)
    found = table()["classes"].get(dotted) if dotted is not None else None
    return table()["classes"][found] if isinstance(found, str) else found


@functools.cache
def members() -> frozenset[str]:
    """Names of members that are gone from some class."""
    own = {m for c in table()["classes"].values() if not isinstance(c, str) for m in c["gone"]}
    return frozenset(own | set(table()["members"]))


def of_call(module: Module, call: ast.Call, said: list[Rule], old_code: bool) -> Iterator[Found]:
    """What to say of a call. `said` are the rules that have spoken about it and couldn't settle it."""
    found = _change(module, call)
    if found is None:
        return
    name, change = found
    gone, renamed = change.get("gone", {}), change.get("renamed", {})
    order = words(change.get("order"))
    spoken: set[str] = set()
    for rule in said:
        if rule.when.get("old_code"):
            continue  # it has nothing to say any more once the code is of Keras 3, and this stays
        about = about_arguments(rule)
        if not about:
            return
        spoken |= about
    given = [a for a in arguments(call, order) if a.name is not None and a.name not in spoken]
    left = False
    for argument in given:
        if argument.name in gone:
            if _is(argument.value, gone[argument.name]) and (argument.keyword is not None or not _starred(call)):
                left = left or argument.keyword is None
                yield _edited("default", module, call, {"params": order, "drop": argument.name})
            else:
                left = left or argument.keyword is None
                yield Found("gone", None, _advice(name, argument))
        elif argument.keyword is not None and argument.name in change.get("dropped", ()):
            yield _edited("dropped", module, call, {"params": order, "drop": argument.name})
        elif argument.keyword is not None and argument.name in renamed:
            yield _edited("renamed", module, call, {"rename": {argument.name: renamed[argument.name]}})
    moves = old_code and not left and not spoken and "same" in change and _positional(call) > change["same"]
    if "needs" in change:
        by_now = arguments(call, order if moves else words(change["then"]))
        named = {renamed.get(a.name, a.name) for a in by_now}
        needs = [n for n in words(change["needs"]) if n not in named]
        if needs and not any(a.starred for a in by_now):
            yield Found("needs", None, f"{name} needs `{needs[0]}` in Keras 3")
    if moves:
        yield _edited("moved", module, call, _keywords(change, call))


def differs(module: Module, func: ast.Attribute, names: set[str | None]) -> bool:
    """Is there something to say of a call of this method that gives these arguments by name, and none else?"""
    own = class_of(module, func.value)
    changes = own["methods"] if own is not None else table()["methods"].get(func.attr, {})
    change = changes.get(func.attr if own is not None else _kind(module, func) or "")
    if change is None:
        return False
    return "needs" in change or any(
        name in change.get(part, ()) for part in ("gone", "dropped", "renamed") for name in names
    )


def of_attribute(module: Module, node: ast.Attribute) -> Iterator[Found]:
    """What to say of a member of a value."""
    if node.attr not in members() or not isinstance(node.ctx, ast.Load):
        return
    own = class_of(module, node.value)
    if own is not None and node.attr in own["gone"]:
        yield Found("member", None, f"nothing in Keras 3 stands for it: the class has no `{node.attr}`")
        return
    kinds = table()["members"].get(node.attr, {})
    kind = _kind(module, node) if kinds else None
    if kind in kinds:
        yield Found("member", None, kinds[kind] or f"nothing in Keras 3 stands for it: a {kind} has no `{node.attr}`")


@functools.cache
def methods() -> frozenset[str]:
    """Names of methods that differ."""
    own = {m for c in table()["classes"].values() if not isinstance(c, str) for m in c["methods"]}
    return frozenset(own | set(table()["methods"]) | {"__init__"})


def about_arguments(rule: Rule) -> set[str]:
    """The parameters that a rule is about; empty if it is about the whole call."""
    edit, when = rule.edit, rule.when
    found = {name for key in ("drop", "argument", "arguments", "tuples", "ints") for name in words(edit.get(key))}
    found |= {name for key in ("rename", "pin", "value") for name in edit.get(key, {})}
    found |= {name for key in ("has", "constant", "computed", "folder") for name in words(when.get(key))}
    found |= {name for key in ("equals", "not_equals") for name in when.get(key, {})}
    return found


def _change(module: Module, call: ast.Call) -> tuple[str, dict[str, Any]] | None:
    func = call.func
    dotted = module.names.meaning(func)
    if dotted is not None:
        change = change_of(dotted)
        return (dotted, change) if change is not None and matters(change, call) else None
    if not isinstance(func, ast.Attribute) or not (func.attr == "__init__" or func.attr in methods()):
        own = class_of(module, func)
        change = own["methods"].get("()") if own is not None else None
        return (module.source(func), change) if change is not None and matters(change, call) else None
    if func.attr == "__init__":
        home = module.names.enclosing_class(call)
        first = (
            module.names.meaning(home.bases[0]) if home is not None and home.bases and _is_super(func.value) else None
        )
        change = change_of(first) if first is not None else None
        return (first or "", change) if change is not None and matters(change, call) else None
    own = class_of(module, func.value)
    if own is not None:
        change = own["methods"].get(func.attr)
        return (f"`{func.attr}`", change) if change is not None and matters(change, call) else None
    kinds = table()["methods"].get(func.attr)
    if kinds is None or not any(matters(change, call) for change in kinds.values()):
        return None
    kind = _kind(module, func)
    change = kinds.get(kind or "")
    return (f"<{kind}>.{func.attr}", change) if change is not None and matters(change, call) else None


def _kind(module: Module, node: ast.Attribute) -> str | None:
    """The kind of the value, unless a class of this module has a member of that name of its own."""
    if _is_super(node.value):
        return module.values.self_kind(node)
    if node.attr in module.own_members:
        return None
    return module.values.kind(node.value)


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _positional(call: ast.Call) -> int:
    """How many arguments certainly stand in known positions."""
    return next((i for i, value in enumerate(call.args) if isinstance(value, ast.Starred)), len(call.args))


def _starred(call: ast.Call) -> bool:
    return any(isinstance(value, ast.Starred) for value in call.args)


def matters(change: dict[str, Any], call: ast.Call) -> bool:
    """Does a call give some argument that the change is about?"""
    if "needs" in change:
        return True
    positional = _positional(call)
    if "same" in change and positional > change["same"]:
        return True
    order = words(change.get("order"))[:positional]
    gone = change.get("gone", {})
    return any(name in gone for name in order) or any(
        keyword.arg in part
        for keyword in call.keywords
        for part in (gone, change.get("dropped", ()), change.get("renamed", {}))
    )


def _is(value: ast.expr, default: str) -> bool:
    return isinstance(value, ast.Constant) and repr(value.value) == default


def _advice(name: str, argument: Argument) -> str:
    texts = table()["advice"]
    advice = texts.get(f"{name}:{argument.name}") or texts.get(argument.name or "") or "leave it out"
    return f"{name} takes no `{argument.name}` in Keras 3: {advice}"


def _keywords(change: dict[str, Any], call: ast.Call) -> dict[str, Any]:
    return {
        "params": change["order"],
        "keywords_from": change["same"],
        "rename": change.get("renamed", {}),
        "drop": change.get("dropped", ()),
    }


def _edited(what: str, module: Module, call: ast.Call, spec: dict[str, Any]) -> Found:
    try:
        if call in module.inside_strings:
            raise CannotEdit("it stands inside an f-string")
        return Found(what, Edit(argument_splices(spec, module, call)))
    except CannotEdit as error:
        return Found(what, None, str(error))
