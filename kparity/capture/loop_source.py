"""Finds a program's own training loop in its source, and makes each iteration of it a function that can be watched.

In: the text of a Python file. Out: its syntax tree, compiled by the caller, in which the body of every loop that
updates weights step by step is a nested function, handed to `HOOK`. Line numbers stay. Standard library only; called
where the user's files are compiled.

    for x in data:              for x in data:
        loss = step(x)              def body():
        if loss < 1:                    global loss
            break                       loss = step(x)
                                        if loss < 1:
                                            return ("break", None)
                                    flow = HOOK(body, ("loss",))
                                    if flow and flow[0] == "break":
                                        break
"""

import ast
import copy
from collections.abc import Iterable, Iterator

HOOK = "__kparity_iteration__"
"""The builtin that runs an iteration: called as (body, names that the body assigns)."""
BODY, FLOW = "__kparity_body__", "__kparity_flow__"
UPDATES = {"apply_gradients", "minimize", "train_on_batch"}
"""Methods that update weights."""
Loop = ast.For | ast.While
Function = ast.FunctionDef | ast.AsyncFunctionDef
INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def instrument(text: bytes | str, others: Iterable[str] = ()) -> ast.Module | None:
    """The tree of a file with its training loops made watchable; None where it has none.

    `others`: names of functions of the program's other files that update weights. Raises SyntaxError.
    """
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    updating = updating_names(functions, others)
    changed = False
    for scope in [tree, *functions]:
        if isinstance(scope, Function) and _is_traced(scope):
            continue
        for loop in _step_loops(scope, updating):
            changed |= _watch(loop, scope)
    return ast.fix_missing_locations(tree) if changed else None


def exported(text: bytes | str) -> set[str]:
    """Names of the functions of a file that update weights within one call, for the files that import it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    return updating_names([node for node in ast.walk(tree) if isinstance(node, Function)], ())


def updating_names(functions: list[Function], others: Iterable[str]) -> set[str]:
    """Names whose call is an update or part of a step: the methods of optimizers, and functions that call those
    outside of a loop of their own, which would be a training rather than a step."""
    known = UPDATES | set(others)
    while True:
        found = {one.name for one in functions if one.name not in known and _is_step(one, known)}
        if not found:
            return known
        known |= found


def _is_step(function: Function, known: set[str]) -> bool:
    loops = [] if _is_traced(function) else _step_loops(function, known)
    inside = {id(node) for loop in loops for node in ast.walk(loop)}
    return any(_updates(node, known) and id(node) not in inside for node in _own(function))


def _is_traced(function: Function) -> bool:
    """Whether a function is compiled as a whole, its loops with it."""
    said = [ast.unparse(one).split("(")[0].split(".")[-1] for one in function.decorator_list]
    return "function" in said


def _updates(node: ast.AST, known: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Attribute):
        said = ast.unparse(called.value).lower()
        return (
            called.attr in known
            or (called.attr == "apply" and "opt" in said)
            or (called.attr == "run" and any(isinstance(one, ast.Name) and one.id in known for one in node.args))
        )
    return isinstance(called, ast.Name) and called.id in known


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope without those of functions and classes inside it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, INNER):
            waiting += ast.iter_child_nodes(node)


def _step_loops(scope: ast.AST, known: set[str]) -> list[Loop]:
    """The loops of a scope one iteration of which is a training step: the innermost, but with all that trains beside
    it in the same iteration, as a generator beside the loop over its critic."""
    found: list[Loop] = []
    for loop in _loops(scope):
        if not any(_updates(node, known) for node in _own(loop)):
            continue
        inner = [one for one in _loops(loop) if any(_updates(node, known) for node in _own(one))]
        inside = {id(node) for one in inner for node in ast.walk(one)}
        beside = any(_updates(node, known) and id(node) not in inside for node in _own(loop))
        found += [loop] if beside or len(inner) != 1 else _step_loops(loop, known)
    return found


def _loops(scope: ast.AST) -> list[Loop]:
    """The outermost loops of a scope."""
    found: list[Loop] = []
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, Loop):
            found.append(node)
        elif not isinstance(node, INNER):
            waiting[:0] = ast.iter_child_nodes(node)
    return found


def _watch(loop: Loop, scope: ast.AST) -> bool:
    """Make a loop's body a function; False where that can't be done."""
    nodes = [node for statement in loop.body for node in [statement, *_own(statement)]]
    if any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.AsyncFor | ast.AsyncWith) for node in nodes):
        return False
    if any(isinstance(node, ast.Call) and ast.unparse(node.func) in {"super", "locals"} for node in nodes):
        return False
    names = sorted(_assigned(loop.body))
    at_top = isinstance(scope, ast.Module)
    declared = {name for node in _own(scope) if isinstance(node, ast.Global) for name in node.names}
    outer = [name for name in names if at_top or name in declared]
    inner = [name for name in names if not at_top and name not in declared]
    head: list[ast.stmt] = []
    if outer:
        head.append(ast.Global(outer))
    if inner:
        head.append(ast.Nonlocal(inner))
        # names that only the body binds must be bound somewhere in the function around it
        binding = ast.parse("if 0:\n    " + " = ".join(inner) + " = None").body
        scope.body[:0] = [ast.copy_location(one, scope.body[0]) for one in binding]  # type: ignore[attr-defined]
        _keep_docstring(scope)
    body = [_Flow().visit(statement) for statement in loop.body]
    function = ast.parse(f"def {BODY}():\n    pass").body[0]
    function.body = [*head, *body]  # type: ignore[attr-defined]
    after = ast.parse(
        f"{FLOW} = {HOOK}({BODY}, {tuple(names)!r})\n"
        f"if {FLOW} and {FLOW}[0] == 'break':\n    break\n"
        + ("" if at_top else f"if {FLOW} and {FLOW}[0] == 'return':\n    return {FLOW}[1]\n")
    ).body
    first = loop.body[0]
    loop.body = [ast.copy_location(one, first) for one in (function, *after)]
    return True


def _keep_docstring(scope: ast.AST) -> None:
    """A docstring is one only as the first statement; and `from __future__` must come first in a file."""
    statements = scope.body  # type: ignore[attr-defined]
    if len(statements) > 1 and isinstance(statements[1], ast.Expr) and isinstance(statements[1].value, ast.Constant):
        statements[0], statements[1] = statements[1], statements[0]


def _assigned(statements: list[ast.stmt]) -> set[str]:
    """Names that statements bind in the scope that they stand in."""
    found: set[str] = set()
    waiting: list[tuple[ast.AST, bool]] = [(one, False) for one in statements]
    while waiting:
        node, in_comprehension = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            waiting += [(one, in_comprehension) for one in node.decorator_list]
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.NamedExpr) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del) and not in_comprehension:
            found.add(node.id)
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        if isinstance(node, ast.MatchMapping) and node.rest:
            found.add(node.rest)
        comprehension = isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
        waiting += [(one, in_comprehension or comprehension) for one in ast.iter_child_nodes(node)]
    return found


class _Flow(ast.NodeTransformer):
    """Says `break`, `continue` and `return` of the loop's own body as what the function in its place returns."""

    def __init__(self) -> None:
        self.depth = 0

    def _inside(self, node: ast.AST) -> ast.AST:
        loop = copy.copy(node)
        self.depth += 1
        loop.body = [self.visit(one) for one in node.body]  # type: ignore[attr-defined]
        self.depth -= 1
        loop.orelse = [self.visit(one) for one in node.orelse]  # type: ignore[attr-defined]
        return loop

    visit_For = visit_While = _inside

    def _as_it_is(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _as_it_is

    def visit_Break(self, node: ast.Break) -> ast.AST:
        return node if self.depth else _returned(node, "break", None)

    def visit_Continue(self, node: ast.Continue) -> ast.AST:
        return node if self.depth else _returned(node, "continue", None)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        return _returned(node, "return", node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """`global` names can't be annotated."""
        if not isinstance(node.target, ast.Name):
            return node
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        return ast.copy_location(ast.Pass(), node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        return ast.copy_location(ast.Pass(), node)


def _returned(node: ast.stmt, how: str, value: ast.expr | None) -> ast.AST:
    what = ast.Tuple([ast.Constant(how), value or ast.Constant(None)], ast.Load())
    return ast.copy_location(ast.Return(what), node)
