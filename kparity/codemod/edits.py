"""The few kinds of edit that a rule can ask for: a matched piece of code in, splices out.

`arguments` sees to what becomes of a call's arguments. Each function returns None where the rule has nothing to do, and
raises `CannotEdit` with the reason where it has but can't. Called by match.
"""

import ast
import re
from typing import Any, NamedTuple

from ..rulebook import Rule, keras_only
from .arguments import CannotEdit, argument_splices, arguments, words
from .forward import is_plain_call
from .module import Module, Need, Splice
from .places import renamed
from .sequential import NAMES
from .written import first_of, name_of, written

ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.List, ast.Dict, ast.Set, ast.ListComp)

KERAS_TAKEN = "`keras` is another thing here"
"""Why a name of Keras 3 can't be said."""


class Edit(NamedTuple):
    """Splices of one place, and the imports they need."""

    splices: tuple[Splice, ...]
    needs: tuple[Need, ...] = ()
    certain: bool = True
    doubt: str = ""
    """Why it isn't certain."""


def call_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """Another callee, and arguments renamed, dropped, pinned, changed, or turned into keywords."""
    spec = dict(rule.edit)
    callee = (
        own_edit(rule, module, call.func) if "defines" in spec else callee_edit(spec.get("to", ""), module, call.func)
    )
    needs = list(callee.needs)
    if "pin" in spec:
        pins = {name: localised(source, module, call) for name, source in spec["pin"].items()}
        spec["pin"] = {name: text for name, (text, _) in pins.items()}
        needs += [need for _, more in pins.values() for need in more]
    if "wrap" in spec:
        spec["value"], more = _wrapped(spec, module, call)
        needs += more
    changed = argument_splices(spec, module, call)
    if not callee.splices and not changed:
        return None
    return Edit((*callee.splices, *changed), tuple(needs) if changed else callee.needs, callee.certain)


def own_edit(rule: Rule, module: Module, node: ast.expr) -> Edit:
    """The name of a class or function that the rule brings along, for one of Keras."""
    uses: list[ast.expr] = [n for n in module.index.attributes if module.names.canonical(n) in rule.applies]
    for loads in module.loads.values():
        uses += loads if module.names.canonical(loads[0]) in rule.applies else []
    source = rule.edit["defines"]
    text, needs = localised(source, module, first_of(module, [*uses, node]))
    needs += written(module, [*uses, node], text + "\n")
    return Edit((Splice(module.start(node), module.end(node), name_of(source)),), tuple(needs))


def _wrapped(spec: dict[str, Any], module: Module, call: ast.Call) -> tuple[dict[str, dict[str, str]], list[Need]]:
    """`[value]` -> `new(value)`: what stood alone in a list, wrapped into something else."""
    made: dict[str, dict[str, str]] = {}
    needs: list[Need] = []
    for argument in arguments(call, words(spec.get("params"))):
        if argument.name is None or argument.name not in spec["wrap"]:
            continue
        if not isinstance(argument.value, ast.List | ast.Tuple) or len(argument.value.elts) != 1:
            raise CannotEdit(f"`{argument.name}` isn't a list of one value here")
        template, more = localised(spec["wrap"][argument.name], module, call)
        text = template.replace("{value}", module.source(argument.value.elts[0]))
        made[argument.name] = {module.source(argument.value): text}
        needs += more
    return made, needs


def callee_edit(to: str, module: Module, func: ast.expr) -> Edit:
    """The name of what is called, or of a method."""
    if not to:
        return Edit(())
    if "." not in to:
        if not isinstance(func, ast.Attribute):
            raise CannotEdit("the method is called by another name here")
        if func.attr == to:
            return Edit(())
        end = module.end(func)
        return Edit((Splice(end - len(func.attr), end, to),))
    dotted = module.names.canonical(func) or ""
    target = to[:-1] + dotted.rsplit(".", 1)[-1] if to.endswith(".*") else to
    return Edit(()) if target == dotted else reference_edit(target, module, func)


def reference_edit(target: str, module: Module, node: ast.expr) -> Edit:
    """`node` is to say `target`: as much of the dotted name as still fits stays as it is."""
    at: ast.expr = node
    while isinstance(at, ast.Attribute):
        at = at.value
        kept = module.names.canonical(at)
        if kept is not None and kept.startswith("keras") and target.startswith(kept + "."):
            if target in keras_only() and module.target == "keras" and _root_stays(module, at):
                break
            return Edit((Splice(module.end(at), module.end(node), target[len(kept) :]),))
    found = module.reference(target, node)
    if found is None:
        raise CannotEdit(f"{KERAS_TAKEN}, so {target} can't be named")
    text, need = found
    return Edit((Splice(module.start(node), module.end(node), text),), (need,) if need else ())


def _root_stays(module: Module, node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and module.stays_tf(node.id, node)


def strings_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """Strings that stand in some of the arguments, also in lists and dicts there: other strings, or `=code`."""
    spec = rule.edit
    wanted = words(spec["arguments"])
    splices: list[Splice] = []
    needs: list[Need] = []
    for argument in arguments(call, words(spec.get("params"))):
        if argument.name not in wanted:
            continue
        for node in _strings(argument.value):
            new = spec["table"].get(node.value)
            if new is None:
                continue
            if new.startswith("="):
                text, more = localised(new[1:], module, node)
                needs += more
            else:
                quote = module.source(node)[-1]
                text = f"{quote}{new}{quote}"
            splices.append(Splice(module.start(node), module.end(node), text))
    return Edit(tuple(splices), tuple(needs)) if splices else None


def string_edit(new: str, module: Module, node: ast.Constant) -> Edit | None:
    """Another text in the same quotes."""
    source = module.source(node)
    quote, old = source[-1], str(node.value)
    if source != f"{quote}{old}{quote}" or old.isidentifier() > new.isidentifier():
        raise CannotEdit(f"the string would have to say {new}")
    return Edit((Splice(module.start(node), module.end(node), f"{quote}{new}{quote}"),))


def _strings(node: ast.expr) -> list[ast.Constant]:
    match node:
        case ast.Constant() if isinstance(node.value, str):
            return [node]
        case ast.List() | ast.Tuple():
            return [s for element in node.elts for s in _strings(element)]
        case ast.Dict():
            return [s for element in node.values for s in _strings(element)]
    return []


def input_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """The shape that a first layer was told becomes a layer of its own in front of it."""
    spec = rule.edit
    names = words(spec["argument"])
    values = {k.arg: k.value for k in call.keywords if k.arg in names}
    if len(values) < len(names):
        return None
    text, needs = localised(spec["to"], module, call)
    for name, value in values.items():
        text = text.replace("{value}" if len(names) == 1 else f"{{{name}}}", module.source(value))
    parent = module.names.parent(call)
    dropped = argument_splices({"drop": spec["argument"]}, module, call)
    if spec.get("otherwise") == "drop" and not _is_first(module, parent, call):
        return Edit(dropped)
    if isinstance(parent, ast.List) and parent.elts and parent.elts[0] is call:
        made = module.names.parent(parent)
        made = module.names.parent(made) if isinstance(made, ast.keyword) else made
        if isinstance(made, ast.Call) and module.values.called(made.func) == "model":
            line, column = module.line_column(module.start(call))
            indent = module.line_text(line)[: column - 1]
            gap = " " if indent.strip() else module.newline() + indent
            return Edit((Splice(module.start(call), module.start(call), f"{text},{gap}"), *dropped), tuple(needs))
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "add":
        statement = module.names.parent(parent)
        if isinstance(statement, ast.Expr) and len(parent.args) == 1:
            start = module.start(statement)
            line, column = module.line_column(start)
            indent = module.line_text(line)[: column - 1]
            gap = "; " if indent.strip() else module.newline() + indent
            added = f"{module.source(parent.func)}({text}){gap}"
            return Edit((Splice(start, start, added), *dropped), tuple(needs))
    raise CannotEdit("it isn't the first layer of a Sequential model here")


def _is_first(module: Module, parent: ast.AST | None, call: ast.Call) -> bool:
    """Is it certainly the first layer of a Sequential model: of its list, or added right where the model is made?"""
    if isinstance(parent, ast.List):
        made = module.names.parent(parent)
        made = module.names.parent(made) if isinstance(made, ast.keyword) else made
        called = module.names.meaning(made.func) if isinstance(made, ast.Call) else None
        return called in NAMES and parent.elts[0] is call
    func = parent.func if isinstance(parent, ast.Call) and parent.args == [call] else None
    if not isinstance(func, ast.Attribute) or func.attr != "add" or not isinstance(func.value, ast.Name):
        return False
    statement = module.names.statement(call)
    body = getattr(module.names.parent(statement), "body", [])
    above = body[: body.index(statement)] if statement in body else []
    for one in reversed(above):
        if isinstance(one, ast.Assign) and [module.source(t) for t in one.targets] == [func.value.id]:
            new = one.value
            return isinstance(new, ast.Call) and module.names.meaning(new.func) in NAMES and not new.args
        if any(isinstance(n, ast.Name) and n.id == func.value.id for n in ast.walk(one)):
            return False
    return False


def schedule_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """`decay=` folded into the learning rate: a constant becomes a schedule object."""
    given = {a.name: a for a in arguments(call, ["learning_rate"]) if a.name is not None}
    decay, rate = given["decay"], given.get("learning_rate")
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        raise CannotEdit("other arguments come in by `*` or `**`")
    factor = module.source(decay.value)
    spec: dict[str, Any] = {"drop": "decay", "params": "learning_rate"}
    if isinstance(decay.value, ast.Constant) and not decay.value.value:
        return Edit(argument_splices(spec, module, call))
    dotted = module.names.canonical(call.func) or ""
    defaults: dict[str, str] = rule.edit["defaults"]
    start = module.source(rate.value) if rate is not None else defaults.get(dotted.rsplit(".", 1)[-1], defaults["*"])
    template, needs = localised(rule.edit["to"], module, call)
    made = template.replace("{learning_rate}", start).replace("{decay}", factor)
    if rate is None:
        spec["pin"] = {"learning_rate": made}
    else:
        spec["value"] = {"learning_rate": {start: made}}
    numbers = ast.Constant | ast.BinOp | ast.UnaryOp | ast.Name | ast.Attribute
    certain = rate is None or isinstance(rate.value, numbers)
    return Edit(argument_splices(spec, module, call), tuple(needs), certain)


def template_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """The whole call written anew: `{name}` is the source of that argument, `{self}` what the method is called on."""
    spec = rule.edit
    given = arguments(call, words(spec.get("params")))
    if any(a.starred or a.name is None for a in given):
        raise CannotEdit("its arguments can't be told apart")
    values = {a.name: a.value for a in given if a.name is not None}
    if isinstance(call.func, ast.Attribute):
        values["self"] = call.func.value
    sources = {name: module.source(value) for name, value in values.items()}
    defaults: dict[str, str] = spec.get("defaults", {})
    said = re.findall(r"\{(\w+)\}", spec["to"])
    wanted = set(said)
    for name in wanted & set(values):
        if said.count(name) > 1 and any(isinstance(n, ast.Call | ast.NamedExpr) for n in ast.walk(values[name])):
            raise CannotEdit(f"{sources[name]} would have to be worked out twice")
    missing = wanted - set(sources) - set(defaults)
    if missing:
        raise CannotEdit(f"argument {sorted(missing)[0]!r} isn't given")
    extra = set(values) - wanted - {"self", "name"} - set(words(spec.get("drop")))
    if extra:
        raise CannotEdit(f"argument {sorted(extra)[0]!r} has no counterpart")

    template, needs = localised(spec["to"], module, call)
    pieces: list[str | ast.AST] = []
    at = 0
    for match in re.finditer(r"\{(\w+)\}([.\[]?)", template):
        name = match[1]
        value = values.get(name)
        text = sources.get(name, defaults.get(name, ""))
        atom = value is None or isinstance(value, ATOMS) or (isinstance(value, ast.Tuple) and text.startswith("("))
        around = template[: match.start()].rstrip()[-1:] + template[match.end() :].lstrip()[:1]
        operand = bool(match[2]) or bool(set(around) & set("*-+/@"))
        opened, closed = "()" if isinstance(value, ast.GeneratorExp) or (not atom and operand) else ("", "")
        once = value is not None and said.count(name) == 1
        pieces += [template[at : match.start()] + opened, value if once and value is not None else text]
        pieces.append(closed + match[2])
        at = match.end()
    pieces.append(template[at:])
    new = "".join(piece if isinstance(piece, str) else module.source(piece) for piece in pieces)
    if module.source(call).count("#") > new.count("#"):
        raise CannotEdit("a comment stands inside")
    return Edit(module.woven(call, module.start(call), pieces), tuple(needs))


def localised(source: str, module: Module, node: ast.AST) -> tuple[str, list[Need]]:
    """New code with every `keras.x.y` in it spelled the way the module names it."""
    needs: list[Need] = []

    def spell(match: re.Match[str]) -> str:
        found = module.reference(match[0], node)
        if found is None:
            raise CannotEdit(f"{KERAS_TAKEN}, so {match[0]} can't be named")
        if found[1] is not None:
            needs.append(found[1])
        return found[0]

    return re.sub(r"(?<![\w.])keras(?:\.\w+)+", spell, source), needs


def attribute_edit(rule: Rule, module: Module, node: ast.Attribute) -> Edit | None:
    """`value.old` -> `value.new`."""
    end = module.end(node)
    return Edit((Splice(end - len(node.attr), end, rule.edit["to"]),))


def private_edit(module: Module, node: ast.Attribute) -> Edit:
    """`value.name` -> `value._name`: where a layer of Keras 3 keeps what it only shows by that name."""
    end = module.end(node)
    return Edit((Splice(end - len(node.attr), end - len(node.attr), "_"),))


def rename_edit(rule: Rule, module: Module, node: ast.expr, matched: str) -> Edit | None:
    """Another dotted name for the same thing."""
    target = renamed(rule, matched)
    if target is None or target == matched:
        return None
    return reference_edit(target, module, node)


def method_edit(rule: Rule, module: Module, node: ast.FunctionDef) -> Edit | None:
    """`def old(self)` -> `def new(self)`."""
    home = module.names.parent(node)
    if any(isinstance(n, ast.FunctionDef) and n.name == rule.edit["to"] for n in getattr(home, "body", ())):
        return None  # the class has both, for old and new callers
    start = module.start(node)
    at = re.compile(r"def\s+").search(module.text, start)
    if at is None or rule.edit["to"] == node.name:
        return None
    home = module.names.parent(node)
    if isinstance(home, ast.ClassDef) and any(getattr(other, "name", "") == rule.edit["to"] for other in home.body):
        return None
    if node.name.startswith("__") and any(isinstance(n, ast.Name) and n.id == "super" for n in ast.walk(node)):
        return None
    if "plain" in rule.edit and rule.edit["plain"] != is_plain_call(module, node):
        return None
    return Edit((Splice(at.end(), at.end() + len(node.name), rule.edit["to"]),))
