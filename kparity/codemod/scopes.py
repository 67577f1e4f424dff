"""One walk over a syntax tree: what stands where, and which scope binds which name.

In: the tree of one module. Out: `Index`, the nodes by what the rules ask for, their parents and scopes. It is the only
walk over whole modules, and most of migrate's time beside the parser's. Called by names.
"""

import ast
from dataclasses import dataclass, field
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
NOT_CHILDREN = frozenset(
    {"ctx", "op", "ops", "id", "attr", "name", "level", "module", "kind", "conversion", "type_comment", "type_ignores"}
    | {"arg", "asname", "is_async", "simple", "rest", "kwd_attrs", "tag"}
)
"""Fields that hold no expression, statement or pattern."""
LEAVES = (ast.Global, ast.Nonlocal, ast.MatchSingleton)
"""Kinds of node all of whose fields hold names or constants."""


@dataclass(eq=False, slots=True)
class Binding:
    """One place where a scope binds a name."""

    kind: str
    """import, assign, unpack, param, function, class, augmented, loop (`value` is what is gone through), or other
    (loops over several names, with, except, del)."""
    node: ast.AST
    target: str | None = None
    """The imported thing's dotted name as it was written, not normalised."""
    value: ast.expr | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """A module, class, function or comprehension and the names it binds."""

    node: ast.AST
    parent: "Scope | None"
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    elsewhere: dict[str, "Scope"] = field(default_factory=dict)
    """Names declared `global` or `nonlocal`, and the scope that has them."""
    returns: list[ast.Return] = field(default_factory=list)
    """The function's own return statements."""
    yields: bool = False

    def bind(self, name: str, binding: Binding) -> None:
        bindings = (self.elsewhere.get(name, self) if self.elsewhere else self).bindings
        if name in bindings:
            bindings[name].append(binding)
        else:
            bindings[name] = [binding]

    def lookup(self, name: str) -> "Scope | None":
        """The scope whose `name` an expression in this scope sees: functions don't see the class around them."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.elsewhere:
                return scope.elsewhere[name]
            if name in scope.bindings and (scope is self or type(scope.node) is not ast.ClassDef):
                return scope
            scope = scope.parent
        return None

    def module(self) -> "Scope":
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


class Index:
    """The nodes of a module by kind, each list in no particular order; parents; scopes."""

    def __init__(self, tree: ast.Module, declares: bool = True) -> None:
        """`declares`: may there be `global` or `nonlocal` statements?"""
        self.tree = tree
        self.root = Scope(tree, None)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {tree: self.root}
        """Scopes of names, statements and parameters, and of whatever starts a scope; others have their parent's."""
        self.owned: dict[ast.AST, Scope] = {tree: self.root}
        """The scope that a function, class or comprehension opens."""
        self.calls: list[ast.Call] = []
        self.attributes: list[ast.Attribute] = []
        self.loads: dict[str, list[ast.Name]] = {}
        """Every place where a name is read or deleted."""
        self.strings: list[ast.Constant] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self.classes: list[ast.ClassDef] = []
        self.functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        self.formatted: list[ast.JoinedStr] = []
        self.attribute_stores: list[tuple[ast.Attribute, ast.expr, ast.stmt]] = []
        """`value.NAME = given`: target, given (an Ellipsis constant where it can't be told), statement."""
        self.aliases: list[tuple[str, str]] = []
        """(name, the first name of the dotted expression that it is given); that is empty where it begins otherwise."""
        self._open: list[tuple[Scope, list[ast.AST]]] = []
        self._push(self.root, tree, tree.body)
        for scope, stack in self._open:
            if declares and isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._declare(stack, scope)
            self._walk(scope, stack)
        self.root.stars.reverse()

    # -- the walk --------------------------------------------------------------------------------------------------

    def _push(self, scope: Scope, parent: ast.AST, nodes: list) -> None:
        """Nodes that are to be walked in a scope, whenever its turn comes."""
        parents = self.parents
        for node in nodes:
            parents[node] = parent
        self._open.append((scope, list(nodes)))

    def _walk(self, scope: Scope, stack: list) -> None:
        parents, scopes, loads, plans = self.parents, self.scopes, self.loads, _PLANS
        calls, attributes, strings, pop, push = self.calls, self.attributes, self.strings, stack.pop, stack.append
        while stack:
            node = pop()
            kind = type(node)
            if kind is ast.Attribute:  # down to what it is of
                while kind is ast.Attribute:
                    attributes.append(node)
                    value = node.value
                    parents[value] = node
                    node = value
                    kind = type(node)
            if kind is ast.Name:
                scopes[node] = scope
                if type(node.ctx) is not ast.Store:
                    found = loads.get(node.id)
                    if found is None:
                        loads[node.id] = [node]
                    else:
                        found.append(node)
                continue
            if kind is ast.Constant:
                if type(node.value) is str:
                    strings.append(node)
                continue
            if kind is ast.Call:
                calls.append(node)
                func = node.func
                parents[func] = node
                push(func)
                for value in node.args:
                    parents[value] = node
                    push(value)
                for keyword in node.keywords:
                    parents[keyword] = node
                    value = keyword.value
                    parents[value] = keyword
                    if type(value) is not ast.Constant or type(value.value) is str:
                        push(value)
                continue
            is_statement, handle, fields = plans[kind]
            if is_statement:
                scopes[node] = scope
            if handle is not None and handle(self, node, scope, stack):
                continue
            for name in fields:
                value = getattr(node, name)
                if value is None:
                    continue
                if type(value) is list:
                    for item in value:
                        if item is not None:
                            parents[item] = node
                            push(item)
                else:
                    parents[value] = node
                    push(value)

    def _here(self, stack: list[ast.AST], parent: ast.AST, nodes: list) -> None:
        for node in nodes:
            if node is not None:
                self.parents[node] = parent
                stack.append(node)

    # -- what opens a scope: True, the children are taken care of ----------------------------------------------------

    def _function(self, node: ast.FunctionDef, scope: Scope, stack: list[ast.AST]) -> bool:
        self.functions.append(node)
        scope.bind(node.name, Binding("function", node))
        inner = self.owned[node] = Scope(node, scope)
        every = self._parameters(node.args, node, inner)
        self._here(stack, node, [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, node.returns])
        self._here(stack, node, [arg.annotation for arg in every])
        self._push(inner, node, node.body)
        return True

    def _lambda(self, node: ast.Lambda, scope: Scope, stack: list[ast.AST]) -> bool:
        inner = self.owned[node] = Scope(node, scope)
        self._parameters(node.args, node, inner)
        self._here(stack, node, [*node.args.defaults, *node.args.kw_defaults])
        self.scopes[node.body] = inner
        self._push(inner, node, [node.body])
        return True

    def _class(self, node: ast.ClassDef, scope: Scope, stack: list[ast.AST]) -> bool:
        self.classes.append(node)
        scope.bind(node.name, Binding("class", node))
        inner = self.owned[node] = Scope(node, scope)
        self._here(stack, node, [*node.decorator_list, *node.bases, *node.keywords])
        self._push(inner, node, node.body)
        return True

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
        scope: Scope,
        stack: list[ast.AST],
    ) -> bool:
        inner = self.owned[node] = Scope(node, scope)
        for index, generator in enumerate(node.generators):
            self.parents[generator] = node
            self.scopes[generator.iter] = scope if index == 0 else inner
            if index == 0:
                self._here(stack, generator, [generator.iter])
            else:
                self._push(inner, generator, [generator.iter])
            self._bind(generator.target, inner, _looped(node, generator.target, generator.iter))
            self._push(inner, generator, [generator.target, *generator.ifs])
            for part in (generator.target, *generator.ifs):
                self.scopes[part] = inner
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._push(inner, node, parts)
        for part in parts:
            self.scopes[part] = inner
        return True

    # -- what binds names: False, the children come next --------------------------------------------------------------

    def _import(self, node: ast.Import, scope: Scope, _: list[ast.AST]) -> bool:
        self.imports.append(node)
        for alias in node.names:
            self.parents[alias] = node
            target = alias.name if alias.asname else alias.name.split(".")[0]
            scope.bind(alias.asname or target, Binding("import", node, target))
        return True

    def _import_from(self, node: ast.ImportFrom, scope: Scope, _: list[ast.AST]) -> bool:
        self.imports.append(node)
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            self.parents[alias] = node
            if alias.name == "*":
                scope.stars.append(module)
            else:
                scope.bind(alias.asname or alias.name, Binding("import", node, f"{module}.{alias.name}"))
        return True

    def _assign(self, node: ast.Assign, scope: Scope, _: list[ast.AST]) -> bool:
        for left in node.targets:
            self._bind(left, scope, Binding("assign", node, value=node.value))
        return False

    def _annotated(self, node: ast.AnnAssign, scope: Scope, _: list[ast.AST]) -> bool:
        if node.value is not None:
            self._bind(node.target, scope, Binding("assign", node, value=node.value))
        return False

    def _walrus(self, node: ast.NamedExpr, scope: Scope, _: list[ast.AST]) -> bool:
        home = scope
        while isinstance(home.node, COMPREHENSIONS) and home.parent is not None:
            home = home.parent
        self._bind(node.target, home, Binding("assign", node, value=node.value))
        return False

    def _augmented(self, node: ast.AugAssign, scope: Scope, _: list[ast.AST]) -> bool:
        self._bind(node.target, scope, Binding("augmented", node, value=node.value))
        return False

    def _loop(self, node: ast.For | ast.AsyncFor, scope: Scope, _: list[ast.AST]) -> bool:
        self._bind(node.target, scope, _looped(node, node.target, node.iter))
        return False

    def _with(self, node: ast.withitem, scope: Scope, _: list[ast.AST]) -> bool:
        if node.optional_vars is not None:
            self._bind(node.optional_vars, scope, Binding("other", node))
        return False

    def _named(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar, scope: Scope, _: list[ast.AST]) -> bool:
        if node.name:
            scope.bind(node.name, Binding("other", node))
        return False

    def _mapping(self, node: ast.MatchMapping, scope: Scope, _: list[ast.AST]) -> bool:
        if node.rest:
            scope.bind(node.rest, Binding("other", node))
        return False

    def _delete(self, node: ast.Delete, scope: Scope, _: list[ast.AST]) -> bool:
        for left in node.targets:
            self._bind(left, scope, Binding("other", node))
        return False

    def _return(self, node: ast.Return, scope: Scope, _: list[ast.AST]) -> bool:
        scope.returns.append(node)
        return False

    def _yield(self, _node: ast.AST, scope: Scope, _: list[ast.AST]) -> bool:
        scope.yields = True
        return False

    def _joined(self, node: ast.JoinedStr, _scope: Scope, _: list[ast.AST]) -> bool:
        self.formatted.append(node)
        return False

    def _bind(self, target: ast.AST, scope: Scope, binding: Binding) -> None:
        match target:
            case ast.Name():
                scope.bind(target.id, binding)
                if binding.kind == "assign" and isinstance(binding.value, (ast.Name, ast.Attribute)):
                    self.aliases.append((target.id, first_name(binding.value) or ""))
            case ast.Attribute():
                if binding.value is not None and binding.kind in ("assign", "unpack"):
                    given = binding.value if binding.kind == "assign" else ast.Constant(value=...)
                    assert isinstance(binding.node, ast.stmt)
                    self.attribute_stores.append((target, given, binding.node))
            case ast.Tuple() | ast.List():
                for index, element in enumerate(target.elts):
                    value = binding.value
                    if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                        self._bind(element, scope, Binding(binding.kind, binding.node, value=value.elts[index]))
                    else:
                        kind = "unpack" if binding.kind == "assign" else binding.kind
                        self._bind(element, scope, Binding(kind, binding.node, value=value))
            case ast.Starred():
                self._bind(target.value, scope, Binding("other", binding.node))

    def _parameters(self, args: ast.arguments, node: ast.AST, scope: Scope) -> list[ast.arg]:
        self.parents[args] = node
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        every += [arg for arg in (args.vararg, args.kwarg) if arg is not None]
        for arg in every:
            self.parents[arg] = args
            self.scopes[arg] = scope
            scope.bind(arg.arg, Binding("param", arg))
        return every

    def _declare(self, body: list[ast.AST], scope: Scope) -> None:
        """`global` and `nonlocal` hold for the whole function, also above the line that says so."""
        stack = list(body)
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Global):
                scope.elsewhere.update({name: scope.module() for name in node.names})
            elif isinstance(node, ast.Nonlocal):
                for name in node.names:
                    home = scope.parent.lookup(name) if scope.parent else None
                    if home is not None:
                        scope.elsewhere[name] = home
            elif not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.expr)):
                stack.extend(ast.iter_child_nodes(node))


def first_name(node: ast.expr) -> str | None:
    while type(node) is ast.Attribute:
        node = node.value
    return node.id if type(node) is ast.Name else None


def _looped(node: ast.AST, target: ast.expr, through: ast.expr) -> Binding:
    return Binding("loop", node, value=through) if isinstance(target, ast.Name) else Binding("other", node)


def _concrete(base: type) -> list[type]:
    found = [base]
    for kind in found:
        found += kind.__subclasses__()
    return found


_SPECIAL: dict[type, Any] = {
    ast.FunctionDef: Index._function,
    ast.AsyncFunctionDef: Index._function,
    ast.Lambda: Index._lambda,
    ast.ClassDef: Index._class,
    ast.ListComp: Index._comprehension,
    ast.SetComp: Index._comprehension,
    ast.GeneratorExp: Index._comprehension,
    ast.DictComp: Index._comprehension,
    ast.Import: Index._import,
    ast.ImportFrom: Index._import_from,
    ast.Assign: Index._assign,
    ast.AnnAssign: Index._annotated,
    ast.NamedExpr: Index._walrus,
    ast.AugAssign: Index._augmented,
    ast.For: Index._loop,
    ast.AsyncFor: Index._loop,
    ast.withitem: Index._with,
    ast.ExceptHandler: Index._named,
    ast.MatchAs: Index._named,
    ast.MatchStar: Index._named,
    ast.MatchMapping: Index._mapping,
    ast.Delete: Index._delete,
    ast.Return: Index._return,
    ast.Yield: Index._yield,
    ast.YieldFrom: Index._yield,
    ast.JoinedStr: Index._joined,
}
_PLANS = {
    kind: (
        issubclass(kind, ast.stmt),
        _SPECIAL.get(kind),
        tuple(f for f in kind._fields if f not in NOT_CHILDREN and kind not in LEAVES),  # type: ignore[attr-defined]
    )
    for kind in _concrete(ast.AST)
}
"""Of each kind of node: is it a statement, what else it says, and the fields with its children."""
