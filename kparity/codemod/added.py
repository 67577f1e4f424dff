"""`model.add_loss(tensor)` and `add_metric`, which Keras 3 knows only inside of layers, as a small layer of their own.

In: such a call, as a statement. Out: the statement that puts the layer behind the model's outputs, with the layer's
class as a `Need` (one a module); or, in a class's own `call`, a metric that it keeps. Called by match. Whatever else
could know the old model, or whose meaning hangs on the output's name, raises `CannotEdit`.
"""

import ast
from collections.abc import Iterator

from ..rulebook import Rule
from .arguments import CannotEdit, arguments, is_number
from .edits import Edit, localised
from .module import Module, Need, Splice
from .scopes import Scope
from .written import first_of, written

BEFORE = frozenset(
    {"summary", "add_loss", "add_metric", "get_layer", "layers", "output", "outputs", "input", "inputs", "name"}
)
"""What may be asked of the model between where it is made and where something is added to it."""
MODELS = ("keras.Model", "keras.models.Model")
BLOCKS = ("body", "orelse", "finalbody")
REDUCERS = ("keras.ops.", "keras.backend.", "tensorflow.reduce_", "tensorflow.math.reduce_")
LOSS = '''class AddLoss(keras.layers.Layer):
    """Hands the model's outputs on, and adds a loss that was computed from its tensors."""

    def __init__(self):
        super().__init__(autocast=False)
        self.supports_masking = True

    def call(self, outputs, loss):
        self.add_loss(loss)
        return outputs

'''
METRIC = '''class AddMetric(keras.layers.Layer):
    """Hands the model's outputs on, and logs the mean of a value that was computed from its tensors."""

    def __init__(self, metric):
        super().__init__(autocast=False)
        self.supports_masking = True
        self.metric = keras.metrics.Mean(name=metric)

    def call(self, outputs, value):
        self.metric.update_state(value)
        return outputs

'''


def added_edit(rule: Rule, module: Module, call: ast.Call) -> Edit | None:
    """What the rule's call becomes, by where it stands: in a class it is the layer's own."""
    statement = module.names.parent(call)
    if not isinstance(call.func, ast.Attribute) or not isinstance(statement, ast.Expr):
        raise CannotEdit(rule.why)
    metric = rule.edit["what"] == "metric"
    values = {a.name: a.value for a in arguments(call, ["value", "name"] if metric else ["value"])}
    value = values.pop("losses", None) or values.pop("value", None)
    name = values.pop("name", None)
    mean = values.pop("aggregation", None)
    if value is None or values or isinstance(value, ast.Starred | ast.List | ast.Tuple | ast.Lambda):
        raise CannotEdit(rule.why)
    if mean is not None and not (isinstance(mean, ast.Constant) and mean.value in ("mean", None)):
        raise CannotEdit(rule.why)
    owner = call.func.value
    if not isinstance(owner, ast.Name):
        raise CannotEdit(rule.why)
    if metric and module.values.self_kind(owner) is not None:
        return _own_metric(rule, module, call, statement, value, name)
    text = module.source(value)
    if metric and not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
        raise CannotEdit(rule.why)
    _check_model(rule, module, owner, statement)
    wrapped = "AddMetric" if metric else "AddLoss"
    made = f"{wrapped}({module.source(name) if name is not None else ''})"
    template = f"{owner.id} = keras.Model({owner.id}.input, {made}({owner.id}.output, {{value}}), name={owner.id}.name)"
    new, needs = localised(template, module, call)
    needs += _class(module, call, METRIC if metric else LOSS)
    certain = metric or _is_scalar(module, value, 0)
    doubt = "" if certain else "a loss that isn't one number is summed up, and Keras 2 refused it or logged its mean"
    splice = Splice(module.start(call), module.end(call), new.replace("{value}", text))
    return Edit((splice,), tuple(needs), certain, doubt)


def _class(module: Module, call: ast.Call, source: str) -> list[Need]:
    """The layer's class, in front of the first statement of the module that may need it."""
    attr = getattr(call.func, "attr", "")
    calls = [c for c in module.index.calls if isinstance(c.func, ast.Attribute) and c.func.attr == attr]
    calls = [c for c in calls if isinstance(c.func, ast.Attribute) and not _is(c.func.value, "self")]
    text, needs = localised(source, module, first_of(module, calls))
    return [*needs, *written(module, calls, text)]


def _check_model(rule: Rule, module: Module, owner: ast.Name, statement: ast.stmt) -> None:
    """Is it a functional model of one output, made above in the same function, that nothing else knows yet?"""
    made = _made(rule.why, module, owner.id, statement)
    call = made.value
    if not isinstance(call, ast.Call) or module.names.meaning(call.func) not in MODELS:
        raise CannotEdit(rule.why)
    given = {a.name: a.value for a in arguments(call, ["inputs", "outputs", "name"])}
    outputs = given.get("outputs")
    if outputs is None or "inputs" not in given or not set(given) <= {"inputs", "outputs", "name"}:
        raise CannotEdit(rule.why)
    if module.values.kind(outputs) != "tensor" or _is_many(module, outputs):
        raise CannotEdit(f"{rule.why} Here the model may have several outputs, that go by their names")
    start, end = module.end(made), module.start(statement)
    for use in module.loads.get(owner.id, ()):
        if not start <= module.start(use) < end or _scope(module, use) is not _scope(module, owner):
            continue
        above = module.names.parent(use)
        if not isinstance(above, ast.Attribute) or above.attr not in BEFORE:
            raise CannotEdit(f"{rule.why} The model is in use already where it is added")
    home = _scope(module, owner)
    bound = home.bindings[owner.id] if home is not None else []
    again = min((module.start(b.node) for b in bound if module.start(b.node) > end), default=len(module.text))
    for other in module.index.calls:
        name = other.func.value if isinstance(other.func, ast.Attribute) and other.func.attr == "compile" else None
        if not isinstance(name, ast.Name) or name.id != owner.id or not end < module.start(other) < again:
            continue
        if _scope(module, name) is home and any(isinstance(k.value, ast.Dict) for k in other.keywords):
            raise CannotEdit(f"{rule.why} compile goes by the name of the model's output, which would be another")


def is_model(module: Module, func: ast.Attribute) -> bool:
    """Is this said of a functional model that was made right above, whatever else its name stands for elsewhere?"""
    if func.attr not in ("add_loss", "add_metric") or not isinstance(func.value, ast.Name):
        return False
    try:
        made = _made("", module, func.value.id, module.names.statement(func))
    except CannotEdit:
        return False
    return isinstance(made.value, ast.Call) and module.names.meaning(made.value.func) in MODELS


def _is_many(module: Module, outputs: ast.expr) -> bool:
    """Is it a list of tensors, or a name that is given one?"""
    home = _scope(module, outputs) if isinstance(outputs, ast.Name) else None
    given = [b.value for b in home.bindings[outputs.id]] if home is not None else [outputs]  # type: ignore[attr-defined]
    return any(isinstance(value, ast.List | ast.Tuple | ast.Dict | ast.ListComp) for value in given)


def _scope(module: Module, name: ast.Name) -> Scope | None:
    return module.names.scope(name).lookup(name.id)


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _made(why: str, module: Module, name: str, statement: ast.stmt) -> ast.Assign:
    """The assignment that certainly gave the name its value when the statement runs: the last one, in its function.

    The models that this edit itself makes of a model are passed by.
    """
    for above in _above(why, module, statement):
        if isinstance(above, ast.Assign) and len(above.targets) == 1 and _is(above.targets[0], name):
            if isinstance(above.value, ast.Call) and _is_rewrapped(above.value):
                continue
            return above
        inner = [n for n in ast.walk(above) if isinstance(n, ast.Name) and n.id == name]
        if any(not isinstance(n.ctx, ast.Load) for n in inner):
            break
    raise CannotEdit(why)


def _is_rewrapped(call: ast.Call) -> bool:
    inner = call.args[1] if len(call.args) == 2 else None
    made = inner.func if isinstance(inner, ast.Call) else None
    return isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id in ("AddLoss", "AddMetric")


def _above(why: str, module: Module, statement: ast.stmt) -> Iterator[ast.stmt]:
    """Statements that have run before this one whenever it runs, the last first; up to the function or module."""
    at: ast.AST = statement
    while True:
        home = module.names.parent(at)
        if home is None or isinstance(home, ast.For | ast.While | ast.AsyncFor | ast.Try | ast.ClassDef):
            raise CannotEdit(why)
        block = next((b for f in BLOCKS if isinstance(b := getattr(home, f, None), list) and at in b), None)
        if block is None:
            raise CannotEdit(why)
        yield from reversed(block[: block.index(at)])
        if isinstance(home, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            return
        at = home


def _is_scalar(module: Module, node: ast.expr, depth: int) -> bool:
    """Is this certainly one number: all of a tensor summed up, and what is computed from that and numbers?"""
    match node:
        case ast.Constant():
            return type(node.value) in (int, float)
        case ast.UnaryOp():
            return _is_scalar(module, node.operand, depth)
        case ast.BinOp():
            return _is_scalar(module, node.left, depth) and _is_scalar(module, node.right, depth)
        case ast.Call():
            dotted = module.names.canonical(node.func) or ""
            reduced = dotted.startswith(REDUCERS) and dotted.endswith(("sum", "mean"))
            return reduced and len(node.args) == 1 and not node.keywords and "cumsum" not in dotted
        case ast.Name() if depth < 5:
            home = module.names.scope(node).lookup(node.id)
            bound = home.bindings[node.id] if home is not None else []
            if is_number(module, node):
                return True
            given = [b.value for b in bound if b.kind in ("assign", "augmented")]
            return (
                bool(bound)
                and len(given) == len(bound)
                and all(v is not None and _is_scalar(module, v, depth + 1) for v in given)
            )
    return False


# -- in a class -------------------------------------------------------------------------------------------------------


def _own_metric(
    rule: Rule, module: Module, call: ast.Call, statement: ast.Expr, value: ast.expr, name: ast.expr | None
) -> Edit:
    """In a layer's own method: a metric that it keeps anyway needs nothing more; of a value it keeps the mean."""
    home = module.names.enclosing_class(call)
    method = module.names.enclosing_function(call)
    if home is None or not isinstance(method, ast.FunctionDef) or method.name != "call":
        raise CannotEdit(rule.why)
    if _comes_of_metric(module, value):
        return Edit((_without(module, statement),))
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isidentifier()):
        raise CannotEdit(rule.why)
    attr = f"{name.value}_metric"
    if attr in module.own_members:
        raise CannotEdit(rule.why)
    new, needs = localised(f"self.{attr} = keras.metrics.Mean(name={module.source(name)})", module, call)
    first = method.args.args[0].arg if method.args.args else ""
    if first != "self":
        raise CannotEdit(rule.why)
    updated = f"self.{attr}.update_state({module.source(value)})"
    kept = Splice(module.start(call), module.end(call), updated)
    return Edit((_in_init(rule, module, home, new), kept), tuple(needs))


def _in_init(rule: Rule, module: Module, home: ast.ClassDef, line: str) -> Splice:
    end = module.newline()
    init = next((f for f in home.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
    if init is None:
        body = home.body
        documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
        at = body[int(documented)]
        if not isinstance(at, ast.FunctionDef) or at.decorator_list:
            raise CannotEdit(rule.why)
        start = module.start(at)
        space = _indent(module, start)
        lines = ["def __init__(self, *args, **kwargs):", "    super().__init__(*args, **kwargs)", f"    {line}"]
        return Splice(start, start, end.join([lines[0], *(space + one for one in lines[1:])]) + end + end + space)
    for statement in init.body:
        text = module.source(statement)
        if isinstance(statement, ast.Expr) and text.startswith("super(") and ".__init__(" in text:
            stop = module.end(statement)
            return Splice(stop, stop, end + _indent(module, module.start(statement)) + line)
    raise CannotEdit(rule.why)


def _indent(module: Module, offset: int) -> str:
    line, column = module.line_column(offset)
    space = module.line_text(line)[: column - 1]
    if space.strip():
        raise CannotEdit("several statements stand in one line")
    return space


def _comes_of_metric(module: Module, value: ast.expr) -> bool:
    """Is it what a metric gave that the class keeps: `self.accuracy(y, y_pred)`, or the one name given that?"""
    if isinstance(value, ast.Name):
        home = module.names.scope(value).lookup(value.id)
        bound = home.bindings[value.id] if home is not None else []
        if len(bound) != 1 or bound[0].kind != "assign" or bound[0].value is None:
            return False
        value = bound[0].value
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    given = module.values.set_on_self(value.func)
    names = [module.names.canonical(g.func) or "" if isinstance(g, ast.Call) else "" for g in given]
    return bool(names) and all(n.startswith("keras.metrics.") and n.rsplit(".", 1)[-1][0].isupper() for n in names)


def _without(module: Module, statement: ast.Expr) -> Splice:
    start, end = module.start(statement), module.end(statement)
    home = module.names.parent(statement)
    line, column = module.line_column(start)
    last = module.line_column(end)[0]
    after = module.line_text(last)[module.line_column(end)[1] - 1 :]
    before = module.line_text(line)[: column - 1]
    alone = any(getattr(home, f, None) == [statement] for f in BLOCKS)
    if alone or before.strip() or after.strip():
        return Splice(start, end, "pass")
    return Splice(start - len(before), end + len(after), "")
