"""The few kinds of edit that a rule can ask for: a matched piece of code in, splices out.

`ast` says what the arguments are; libcst, imported when the first argument list has to be rebuilt, keeps whitespace and
comments. Each function returns None where the rule has nothing to do, and raises `CannotEdit` with the reason where it
has but can't. Called by match.
"""

import ast
import re
from dataclasses import dataclass
from typing import Any

from ..rulebook import Rule, keras_only
from .counts import is_from_numpy
from .module import Module, Need, Splice
from .places import renamed

ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.List, ast.Dict, ast.Set, ast.ListComp)

KERAS_TAKEN = "`keras` is another thing here"
"""Why a name of Keras 3 can't be said."""


class CannotEdit(Exception):
    """Why a place that a rule applies to has to be edited by hand."""


@dataclass(frozen=True)
class Edit:
    """Splices of one place, and the imports they need."""

    splices: tuple[Splice, ...]
    needs: tuple[Need, ...] = ()
    certain: bool = True
    doubt: str = ""
    """Why it isn't certain."""


@dataclass(frozen=True)
class Argument:
    """One argument of a call, in the order of the source."""

    name: str | None
    """Its parameter, or None for `*args`, `**kwargs` and what is beyond the known parameters."""
    value: ast.expr
    keyword: ast.keyword | None = None
    starred: bool = False


def arguments(call: ast.Call, params: list[str]) -> list[Argument]:
    """The arguments of a call by parameter, in the order of the source."""
    found: list[Argument] = []
    certain = True
    for index, value in enumerate(call.args):
        starred = isinstance(value, ast.Starred)
        certain = certain and not starred
        found.append(Argument(params[index] if certain and index < len(params) else None, value, starred=starred))
    found += [Argument(k.arg, k.value, k, starred=k.arg is None) for k in call.keywords]
    if not certain and call.keywords:  # `*args` may stand behind keywords
        found.sort(key=lambda a: _place(a.keyword or a.value))
    return found


def _place(node: ast.keyword | ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def words(value: Any) -> list[str]:
    """A list of names, given as one string with spaces or as a list."""
    return value.split() if isinstance(value, str) else list(value or ())


# -- call -------------------------------------------------------------------------------------------------------------


def call_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """Another callee, and arguments renamed, dropped, pinned, changed, or turned into keywords."""
    spec = dict(rule.edit)
    callee = callee_edit(spec.get("to", ""), module, call.func)
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


def argument_splices(spec: dict[str, Any], module: Module, call: ast.Call) -> tuple[Splice, ...]:
    """What happens to the arguments; empty if nothing does."""
    given = arguments(call, words(spec.get("params")))
    drop = set(words(spec.get("drop")))
    rename: dict[str, str] = spec.get("rename", {})
    order = words(spec.get("order"))
    keywords_from = spec.get("keywords_from")
    tuples, ints = words(spec.get("tuples")), words(spec.get("ints"))
    first, second = _joined(words(spec.get("join")), given)
    drop |= {second.name or ""} if second is not None else set()
    named = {rename.get(a.name or "", a.name) for a in given}
    pins = {k: v for k, v in spec.get("pin", {}).items() if k not in named}
    plan: list[tuple[Argument, bool, str | None, str | None]] = []
    position, positional = 0, True
    for argument in given:
        name = rename.get(argument.name or "", argument.name)
        keep = argument.name not in drop or argument.name is None
        value = _new_value(spec.get("value", {}).get(argument.name or "", {}), module, argument.value)
        if argument.name in tuples and _number(module, argument.value):
            value = f"({module.source(argument.value)},)"
        if argument.name in ints and is_from_numpy(module, argument.value):
            value = f"int({module.source(argument.value)})"
        if argument is first and second is not None:
            value = f"({module.source(argument.value)}, {module.source(second.value)})"
        keyword = argument.keyword.arg if argument.keyword is not None else None
        if not keep:
            positional = positional and argument.keyword is not None
        elif argument.keyword is None and not argument.starred:
            if argument.name is None and (order or keywords_from is not None):
                raise CannotEdit("it has more positional arguments than are known")
            if order:
                positional = positional and position < len(order) and order[position] == name
            elif keywords_from is not None:
                positional = positional and position < keywords_from
            keyword = None if positional else name
            position += 1
        elif argument.keyword is not None and argument.name in rename:
            keyword = name
        plan.append((argument, keep, keyword, value))
    said = [keyword for _, keep, keyword, _ in plan if keep and keyword is not None]
    if len(said) != len(set(said)):
        raise CannotEdit("an argument would be given twice: its positional arguments are others than usual")
    changes = [
        (argument, keep, keyword, value)
        for argument, keep, keyword, value in plan
        if not keep or value is not None or keyword != (argument.keyword.arg if argument.keyword else None)
    ]
    if not changes and not pins:
        return ()
    if skipped(call) and (pins or any(a.keyword is None for a, *_ in changes)):
        raise CannotEdit("functools.partial hands it on, and more arguments may come")
    # `**more` can't hold what is given by position, else the call would have raised; what is to be pinned it can
    stars = [a for a in given if a.starred and (pins or a.keyword is None)]
    if stars and (pins or order or any(a.keyword is None for a, *_ in changes)):
        raise CannotEdit(f"`{module.source(stars[0].value)}` may hold any argument")
    if not pins and all(keep and (argument.keyword is not None or k is None) for argument, keep, k, _ in changes):
        return tuple(s for argument, _, keyword, value in changes for s in _plain(module, argument, keyword, value))
    return (_respaced(module, call, plan, pins) or _rebuilt(module, call, plan, pins),)


def _joined(names: list[str], given: list[Argument]) -> tuple[Argument | None, Argument | None]:
    """Two arguments that become one tuple, if both are given."""
    found = [next((a for a in given if a.name == name), None) for name in names]
    if len(found) != 2 or found[0] is None or found[1] is None:
        return None, None
    if any(a is not None and isinstance(a.value, ast.Tuple | ast.List) for a in found):
        raise CannotEdit("its positional arguments are others than usual")
    return found[0], found[1]


def _plain(module: Module, argument: Argument, keyword: str | None, value: str | None) -> list[Splice]:
    splices: list[Splice] = []
    if argument.keyword is not None and keyword is not None and keyword != argument.keyword.arg:
        start = module.start(argument.keyword)
        splices.append(Splice(start, start + len(argument.keyword.arg or ""), keyword))
    if value is not None:
        splices.append(Splice(module.start(argument.value), module.end(argument.value), value))
    return splices


def _new_value(table: dict[str, str], module: Module, value: ast.expr) -> str | None:
    for key in (module.names.canonical(value), _constant(value), module.source(value)):
        if key is not None and key in table:
            return table[key]
    return None


def _number(module: Module, value: ast.expr) -> bool:
    """Is this a plain number, or a name that the module gives one number?"""
    if isinstance(value, ast.Name):
        home = module.names.scope(value).lookup(value.id)
        bound = home.bindings[value.id] if home is not None else []
        return len(bound) == 1 and bound[0].kind == "assign" and _number(module, bound[0].value or value) is True
    return isinstance(value, ast.Constant) and type(value.value) is int


def is_number(module: Module, value: ast.expr) -> bool:
    """A number as it stands, or a name that is given one number and nothing else?"""
    if isinstance(value, ast.Name):
        home = module.names.scope(value).lookup(value.id)
        bound = home.bindings[value.id] if home is not None else []
        return (
            len(bound) == 1
            and bound[0].kind == "assign"
            and isinstance(bound[0].value, ast.Constant)
            and is_number(module, bound[0].value)
        )
    return isinstance(value, ast.Constant) and type(value.value) in (int, float)


def _constant(value: ast.expr) -> str | None:
    return repr(value.value) if isinstance(value, ast.Constant) else None


def _respaced(
    module: Module,
    call: ast.Call,
    plan: list[tuple[Argument, bool, str | None, str | None]],
    pins: dict[str, str],
) -> Splice | None:
    """The arguments anew, with the commas and spaces that stood between them: most calls have nothing else there.

    None where there is more to keep, comments or parentheses, or where a pin has to stand on a line of its own.
    """
    start, end = module.end(call.func), module.end(call)
    if skipped(call) or "#" in module.text[start:end] or "\\" in module.text[start:end]:
        return None
    gaps: list[str] = []
    texts: list[str | None] = []
    at = start
    for argument, keep, keyword, value in plan:
        first = module.start(argument.keyword or argument.value)
        last = module.end(argument.keyword or argument.value)
        gaps.append(module.text[at:first])
        at = last
        text = module.text[first:last]
        if argument.keyword is not None and argument.keyword.arg is not None:
            text = text[len(argument.keyword.arg) :]
            if not text.startswith("=") or module.start(argument.value) != last - len(text) + 1:
                return None
            text = (keyword or "") + (f"={value}" if value is not None else text)
        elif value is not None or keyword is not None:
            text = (f"{keyword}=" if keyword is not None else "") + (value if value is not None else text)
        texts.append(text if keep else None)
    gaps.append(module.text[at:end])
    first_gap, last_gap = ("(", (")", ",)")) if plan else ("", ("()",))
    if "".join(gaps[-1].split()) not in last_gap or (plan and gaps[0].strip() != first_gap):
        return None
    if any(gap.strip() != "," for gap in gaps[1:-1]):
        return None
    if pins and (any(gap != ", " for gap in gaps[1:-1]) or gaps[-1] not in (")", "()") or gaps[0] not in ("(", "()")):
        return None
    kept: list[list[str]] = []
    for given, gap in zip(texts, gaps[1:], strict=True):
        if given is not None:
            kept.append([given, gap])
        elif kept:
            kept[-1][1] = gap  # what goes takes the comma in front of it along, not the one behind
    if pins:
        every = [*(one for one, _ in kept), *(f"{name}={value}" for name, value in pins.items())]
        return Splice(start, end, f"({', '.join(every)})")
    return Splice(start, end, gaps[0] + "".join(map("".join, kept)) if kept else "()")


def _rebuilt(
    module: Module,
    call: ast.Call,
    plan: list[tuple[Argument, bool, str | None, str | None]],
    pins: dict[str, str],
) -> Splice:
    import libcst as cst

    text = module.source(call)
    tree = cst.parse_module(f"({text})")
    node = tree.body[0].body[0].value  # type: ignore[union-attr, index]
    skip = skipped(call)
    if not isinstance(node, cst.Call) or len(node.args) != len(plan) + skip:
        raise CannotEdit("its arguments can't be told apart")
    node = node.with_changes(lpar=[], rpar=[])
    kept: list[cst.Arg] = list(node.args[:skip])
    for arg, (argument, keep, keyword, value) in zip(node.args[skip:], plan, strict=True):
        if not keep:
            if kept:
                kept[-1] = _last(cst, kept[-1], arg)
            continue
        if keyword != (argument.keyword.arg if argument.keyword else None):
            equal = arg.equal if arg.keyword is not None else _equal(cst)
            arg = arg.with_changes(keyword=cst.Name(keyword) if keyword else None, equal=equal)
        if value is not None:
            arg = arg.with_changes(value=cst.parse_expression(value))
        kept.append(arg)
    for name, value in pins.items():
        arg = cst.Arg(keyword=cst.Name(name), equal=_equal(cst), value=cst.parse_expression(value))
        if kept:
            last = kept[-1]
            arg = arg.with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)
            kept[-1] = last.with_changes(
                comma=_separator(cst, node, kept), whitespace_after_arg=cst.SimpleWhitespace("")
            )
        kept.append(arg)
    if not kept:
        node = node.with_changes(whitespace_before_args=cst.SimpleWhitespace(""))
    new = node.with_changes(args=kept)
    head = len(tree.code_for_node(node.func)) + len(tree.code_for_node(node.whitespace_after_func))
    if skip:
        head = module.end(call.func) - module.start(call)
    old_tail = text[head:]
    new_tail = tree.code_for_node(new)[head:]
    if old_tail.count("#") > new_tail.count("#"):
        raise CannotEdit("a comment stands in the argument that goes")
    end = module.end(call)
    return Splice(end - len(old_tail), end, new_tail)


def _last(cst: Any, kept: Any, gone: Any) -> Any:
    """An argument whose neighbour goes: it ends as that one did, and keeps a comment behind its comma."""
    own, other = getattr(kept.comma, "whitespace_after", None), getattr(gone.comma, "whitespace_after", None)
    spaced = cst.ParenthesizedWhitespace
    if (
        isinstance(own, spaced)
        and isinstance(other, spaced)
        and own.first_line.comment
        and not other.first_line.comment
    ):
        after = own.with_changes(indent=other.indent, last_line=other.last_line)
        return kept.with_changes(comma=gone.comma.with_changes(whitespace_after=after))
    return kept.with_changes(comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg)


def skipped(call: ast.Call) -> int:
    """How many arguments stand in front of the call's own: one in `functools.partial(f, ...)`."""
    return int(type(call) is not ast.Call)


def _equal(cst: Any) -> Any:
    plain = cst.SimpleWhitespace("")
    return cst.AssignEqual(whitespace_before=plain, whitespace_after=plain)


def _separator(cst: Any, node: Any, kept: list[Any]) -> Any:
    """The comma that goes in front of an added argument: like the others of this call."""
    if len(kept) > 1 and isinstance(kept[-2].comma, cst.Comma):
        return kept[-2].comma
    if isinstance(node.whitespace_before_args, cst.ParenthesizedWhitespace):
        return cst.Comma(whitespace_after=node.whitespace_before_args)
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


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


# -- templates, attributes, names --------------------------------------------------------------------------------


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
    wanted = set(re.findall(r"\{(\w+)\}", spec["to"]))
    missing = wanted - set(sources) - set(defaults)
    if missing:
        raise CannotEdit(f"argument {sorted(missing)[0]!r} isn't given")
    extra = set(values) - wanted - {"self", "name"} - set(words(spec.get("drop")))
    if extra:
        raise CannotEdit(f"argument {sorted(extra)[0]!r} has no counterpart")

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        text = sources.get(name, defaults.get(name, ""))
        value = values.get(name)
        atom = value is None or isinstance(value, ATOMS) or (isinstance(value, ast.Tuple) and text.startswith("("))
        around = match.string[: match.start()].rstrip()[-1:] + match.string[match.end() :].lstrip()[:1]
        operand = bool(match[2]) or bool(set(around) & set("*-+/@"))
        if isinstance(value, ast.GeneratorExp) or (not atom and operand):
            text = f"({text})"
        return text + match[2]

    template, needs = localised(spec["to"], module, call)
    new = re.sub(r"\{(\w+)\}([.\[]?)", fill, template)
    if module.source(call).count("#") > new.count("#"):
        raise CannotEdit("a comment stands inside")
    return Edit((Splice(module.start(call), module.end(call), new),), tuple(needs))


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
    return Edit((Splice(at.end(), at.end() + len(node.name), rule.edit["to"]),))
