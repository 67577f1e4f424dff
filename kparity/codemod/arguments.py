"""The arguments of a call: by parameter, and anew where a rule renames, drops, pins or changes some of them.

In: a call, and what a rule wants of its arguments. Out: splices. Where only commas and spaces stand between them they
are put together again as they were; libcst, imported when the first other list has to be rebuilt, keeps whitespace and
comments. Called by edits and whatever else looks at arguments.
"""

import ast
from typing import Any, NamedTuple

from .counts import is_from_numpy
from .module import Module, Splice


class CannotEdit(Exception):
    """Why a place that a rule applies to has to be edited by hand."""


class Argument(NamedTuple):
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
    return _respaced(module, call, plan, pins) or (_rebuilt(module, call, plan, pins),)


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


def is_number(module: Module, value: ast.expr, depth: int = 4) -> bool:
    """A number as it stands, what is computed of numbers, or a name that is given nothing else?"""
    match value:
        case ast.Constant():
            return type(value.value) in (int, float)
        case ast.UnaryOp(op=ast.USub()):
            return is_number(module, value.operand, depth)
        case ast.BinOp():
            return is_number(module, value.left, depth) and is_number(module, value.right, depth)
        case ast.Name() if depth:
            home = module.names.scope(value).lookup(value.id)
            bound = home.bindings[value.id] if home is not None else []
            given: list[ast.expr] = []
            for binding in bound:
                if binding.kind == "assign" and binding.value is not None:
                    given.append(binding.value)
                elif binding.kind == "param" and len(bound) == 1 and home is not None:
                    given += _given_for(module, home.node, value.id)
                else:
                    return False
            return bool(given) and all(is_number(module, one, depth - 1) for one in given)
    return False


def _given_for(module: Module, function: ast.AST, name: str) -> list[ast.expr]:
    """What all calls of a function of this module give for a parameter; nothing where it may be called otherwise."""
    if not isinstance(function, ast.FunctionDef) or module.names.parent(function) is not module.tree:
        return []
    given = function.args
    params = [one.arg for one in given.args]
    pairs = zip(reversed(given.args), reversed(given.defaults), strict=False)
    default = next((value for one, value in pairs if one.arg == name), None)
    if function.decorator_list or given.vararg or given.posonlyargs or name not in params:
        return []
    found: list[ast.expr] = []
    for use in module.loads.get(function.name, ()):
        call = module.names.parent(use)
        if not isinstance(call, ast.Call) or call.func is not use:
            return []
        said = next((a.value for a in arguments(call, params) if a.name == name and not a.starred), default)
        if said is None or any(a.starred for a in arguments(call, params)):
            return []
        found.append(said)
    return found


def _constant(value: ast.expr) -> str | None:
    return repr(value.value) if isinstance(value, ast.Constant) else None


def _respaced(
    module: Module,
    call: ast.Call,
    plan: list[tuple[Argument, bool, str | None, str | None]],
    pins: dict[str, str],
) -> tuple[Splice, ...]:
    """The arguments anew, with the commas and spaces that stood between them: most calls have nothing else there.

    Empty where there is more to keep, comments or parentheses, or where a pin has to stand on a line of its own.
    """
    start, end = module.end(call.func), module.end(call)
    if skipped(call) or "#" in module.text[start:end] or "\\" in module.text[start:end]:
        return ()
    gaps: list[str] = []
    texts: list[list[str | ast.AST] | None] = []
    at = start
    for argument, keep, keyword, value in plan:
        first = module.start(argument.keyword or argument.value)
        last = module.end(argument.keyword or argument.value)
        gaps.append(module.text[at:first])
        at = last
        given = value if value is not None else argument.value
        text: list[str | ast.AST]
        if argument.keyword is None:
            text = [f"{keyword}=" if keyword is not None else "", given]
        elif argument.keyword.arg is None:
            text = [argument.keyword]
        elif module.text[first : module.start(argument.value)] != f"{argument.keyword.arg}=":
            return ()
        else:
            text = [f"{keyword or ''}=", given]
        texts.append(text if keep else None)
    gaps.append(module.text[at:end])
    first_gap, last_gap = ("(", (")", ",)")) if plan else ("", ("()",))
    if "".join(gaps[-1].split()) not in last_gap or (plan and gaps[0].strip() != first_gap):
        return ()
    if any(gap.strip() != "," for gap in gaps[1:-1]):
        return ()
    if pins and (any(gap != ", " for gap in gaps[1:-1]) or gaps[-1] not in (")", "()") or gaps[0] not in ("(", "()")):
        return ()
    kept: list[list[str | ast.AST]] = []
    for said, gap in zip(texts, gaps[1:], strict=True):
        if said is not None:
            kept.append([*said, gap])
        elif kept:
            kept[-1][-1] = gap  # what goes takes the comma in front of it along, not the one behind
    if pins:
        every: list[list[str | ast.AST]] = [one[:-1] for one in kept]
        every += [[f"{name}={value}"] for name, value in pins.items()]
        kept = [[*one, ", "] for one in every]
        kept[-1][-1] = ")"
        gaps[0] = "("
    return module.woven(call, start, [gaps[0], *(piece for one in kept for piece in one)] if kept else ["()"])


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
