"""Local name -> canonical dotted name, by scope.

In: the syntax tree of one module. Out: `Names`, which says for any expression which public name it stands for
(`L.Dense` -> `keras.layers.Dense`), whatever flavour of import brought it in. A name that is bound twice to different
things, or to anything that isn't an import, stands for nothing: code about it is never edited. Called by values and
match.
"""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

FLAVOURS = (
    ("tensorflow.compat.v2.keras", "keras"),
    ("tensorflow.python.keras", "keras"),
    ("tensorflow_core.python.keras", "keras"),
    ("tensorflow.keras", "keras"),
    ("keras.api._v2.keras", "keras"),
    ("keras.api", "keras"),
    ("keras._tf_keras.keras", "keras"),
    ("tf_keras", "keras"),
    ("keras.backend.tensorflow_backend", "keras.backend"),
    *((f"tensorflow.{name}", f"keras.{name}") for name in ("optimizers", "losses", "metrics", "initializers")),
    ("tensorflow.compat.v2", "tensorflow"),
)
"""How the same module was spelled over the years, longest first. `tensorflow.compat.v1.keras` is another library."""

TF_VIEWS = tuple(old for old, new in FLAVOURS if old == f"tensorflow.{new.rpartition('.')[2]}" and new != "keras")
"""Modules of Keras that TensorFlow shows under its own name, too; in TensorFlow 1 they were others."""

BUILTINS = frozenset(dir(builtins))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LEAVES = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def normal(dotted: str) -> str:
    """The canonical spelling of a dotted module or object name: every flavour of Keras is `keras`."""
    for flavour, plain in FLAVOURS:
        if dotted == flavour or dotted.startswith(flavour + "."):
            return plain + dotted[len(flavour) :]
    return dotted


def under(dotted: str, prefix: str) -> bool:
    """Is `dotted` the name `prefix` or something inside it?"""
    return dotted == prefix or dotted.startswith(prefix + ".")


@dataclass(eq=False)
class Binding:
    """One place where a scope binds a name."""

    kind: str
    """import, assign, unpack, param, function, class, or other (loops, with, except, del, augmented)."""
    node: ast.AST
    target: str | None = None
    """The imported thing's dotted name as it was written, not normalised."""
    value: ast.expr | None = None


@dataclass(eq=False)
class Scope:
    """A module, class, function or comprehension and the names it binds."""

    node: ast.AST
    parent: "Scope | None"
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    elsewhere: dict[str, "Scope"] = field(default_factory=dict)
    """Names declared `global` or `nonlocal`, and the scope that has them."""

    def bind(self, name: str, binding: Binding) -> None:
        self.elsewhere.get(name, self).bindings.setdefault(name, []).append(binding)

    def lookup(self, name: str) -> "Scope | None":
        """The scope whose `name` an expression in this scope sees: functions don't see the class around them."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.elsewhere:
                return scope.elsewhere[name]
            if name in scope.bindings and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return scope
            scope = scope.parent
        return None

    def module(self) -> "Scope":
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


class Names:
    """What the names of one module stand for."""

    def __init__(self, tree: ast.Module, known: frozenset[str] = frozenset(), declares: bool = True) -> None:
        """`known` are the public names that a star import may bring; `declares`: may there be `global` statements?"""
        self.known = known
        self.tree = tree
        self.scopes: dict[ast.AST, Scope] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.root = Scope(tree, None)
        self._aliasing: set[Binding] = set()
        self._declares = declares
        self._visit(tree, self.root)

    # -- questions -----------------------------------------------------------------------------------------------

    def scope(self, node: ast.AST) -> Scope:
        """The scope that `node` stands in."""
        return self.scopes.get(node, self.root)

    def written(self, node: ast.AST) -> str | None:
        """The dotted name as the imports spell it (`tensorflow.keras.layers.Dense`), or None if it isn't certain."""
        if isinstance(node, ast.Attribute):
            base = self.written(node.value)
            return None if base is None else f"{base}.{node.attr}"
        if isinstance(node, ast.Name):
            return self.name(node.id, self.scope(node))
        return None

    def canonical(self, node: ast.AST) -> str | None:
        """The canonical dotted name (`keras.layers.Dense`), or None if it isn't certain."""
        dotted = self.written(node)
        return None if dotted is None else normal(dotted)

    def name(self, name: str, scope: Scope) -> str | None:
        """What the plain name `name` stands for, seen from `scope`."""
        home = scope.lookup(name)
        if home is None:
            return self._starred(name, scope)
        found = {self._target(b, home) for b in home.bindings[name] if not self._is_fallback(b)}
        plain = {normal(f) for f in found if f is not None}
        if None in found or len(plain) != 1:
            return None
        # of two spellings of one thing the foreign one counts, so that the import of it is rewritten
        return sorted((f for f in found if f is not None), key=lambda f: (f == normal(f), f))[0]

    def anchors(self, node: ast.AST) -> list[ast.stmt]:
        """The import statements that bind the first name of a dotted expression."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            return []
        home = self.scope(node).lookup(node.id)
        if home is None:
            return [s for s in ast.walk(self.tree) if isinstance(s, ast.ImportFrom) and s.names[0].name == "*"]
        return [b.node for b in home.bindings[node.id] if b.kind == "import" and isinstance(b.node, ast.stmt)]

    def is_free(self, name: str, scope: Scope) -> bool:
        """Is `name` bound nowhere that `scope` can see, so that a new import may take it?"""
        return scope.lookup(name) is None

    def visible(self, scope: Scope) -> Iterator[tuple[str, str]]:
        """(local name, canonical name) of every import that `scope` sees."""
        at: Scope | None = scope
        while at is not None:
            for name in at.bindings:
                target = self.name(name, scope)
                if target is not None:
                    yield name, normal(target)
            at = at.parent

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self.parents.get(node)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that `node` is part of."""
        at: ast.AST = node
        while not isinstance(at, ast.stmt):
            at = self.parents[at]
        return at

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class whose method holds `node`."""
        at: ast.AST | None = self.parents.get(node)
        while at is not None and not isinstance(at, ast.ClassDef):
            at = self.parents.get(at)
        return at if isinstance(at, ast.ClassDef) else None

    def enclosing_function(self, node: ast.AST) -> ast.AST | None:
        """The function or lambda around `node`, or None at module or class level."""
        at: ast.AST | None = self.parents.get(node)
        while at is not None and not isinstance(at, FUNCTIONS):
            if isinstance(at, ast.ClassDef):
                return None
            at = self.parents.get(at)
        return at

    # -- building ------------------------------------------------------------------------------------------------

    def _target(self, binding: Binding, scope: Scope) -> str | None:
        if binding.kind == "import":
            return binding.target
        if binding.kind == "assign" and isinstance(binding.value, ast.Name | ast.Attribute):
            if binding in self._aliasing:
                return None
            self._aliasing.add(binding)
            try:
                dotted = self.written(binding.value)
            finally:
                self._aliasing.discard(binding)
            # only whole modules: `Base = keras.Model` may be rebound by code that we don't see
            if dotted is not None and (normal(dotted) in ("keras", "tensorflow") or _is_module(normal(dotted))):
                return dotted
        return None

    def _is_fallback(self, binding: Binding) -> bool:
        """`except ImportError: tf = None` says nothing about what tf is where it is there."""
        if binding.kind != "assign" or not isinstance(binding.value, ast.Constant) or binding.value.value is not None:
            return False
        at: ast.AST | None = binding.node
        while at is not None and not isinstance(at, ast.ExceptHandler):
            at = self.parents.get(at)
        return at is not None

    def _starred(self, name: str, scope: Scope) -> str | None:
        for star in reversed(scope.module().stars):
            dotted = f"{star}.{name}"
            if normal(dotted) in self.known:
                return dotted
        return None

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        self.scopes[node] = scope
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                scope.bind(node.name, Binding("function", node))
                inner = Scope(node, scope)
                self._outside(node, scope, [*node.decorator_list, *_defaults(node.args)])
                self._outside(node, scope, _annotations(node))
                self._parameters(node.args, node, inner)
                if self._declares:
                    self._declare(node.body, inner)
                self._children(node, inner, node.body)
            case ast.Lambda():
                inner = Scope(node, scope)
                self._outside(node, scope, _defaults(node.args))
                self._parameters(node.args, node, inner)
                self._children(node, inner, [node.body])
            case ast.ClassDef():
                scope.bind(node.name, Binding("class", node))
                self._outside(node, scope, [*node.decorator_list, *node.bases, *node.keywords])
                self._children(node, Scope(node, scope), node.body)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                inner = Scope(node, scope)
                for index, generator in enumerate(node.generators):
                    self.parents[generator] = node
                    self._outside(generator, scope if index == 0 else inner, [generator.iter])
                    self._bind(generator.target, inner, Binding("other", node))
                    self._children(generator, inner, [generator.target, *generator.ifs])
                parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                self._children(node, inner, parts)
            case _:
                self._simple(node, scope)
                self._children(node, scope, ast.iter_child_nodes(node))

    def _simple(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    target = alias.name if alias.asname else alias.name.split(".")[0]
                    scope.bind(alias.asname or target, Binding("import", node, target))
            case ast.ImportFrom():
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    if alias.name == "*":
                        scope.stars.append(module)
                    else:
                        scope.bind(alias.asname or alias.name, Binding("import", node, f"{module}.{alias.name}"))
            case ast.Assign():
                for left in node.targets:
                    self._bind(left, scope, Binding("assign", node, value=node.value))
            case ast.AnnAssign() if node.value is not None:
                self._bind(node.target, scope, Binding("assign", node, value=node.value))
            case ast.NamedExpr():
                home = scope
                while isinstance(home.node, COMPREHENSIONS) and home.parent is not None:
                    home = home.parent
                self._bind(node.target, home, Binding("assign", node, value=node.value))
            case ast.AugAssign():
                self._bind(node.target, scope, Binding("augmented", node, value=node.value))
            case ast.For() | ast.AsyncFor():
                self._bind(node.target, scope, Binding("other", node))
            case ast.withitem() if node.optional_vars is not None:
                self._bind(node.optional_vars, scope, Binding("other", node))
            case ast.ExceptHandler() if node.name:
                scope.bind(node.name, Binding("other", node))
            case ast.Delete():
                for left in node.targets:
                    self._bind(left, scope, Binding("other", node))
            case ast.MatchAs() | ast.MatchStar() if node.name:
                scope.bind(node.name, Binding("other", node))
            case ast.MatchMapping() if node.rest:
                scope.bind(node.rest, Binding("other", node))

    def _bind(self, target: ast.AST, scope: Scope, binding: Binding) -> None:
        match target:
            case ast.Name():
                scope.bind(target.id, binding)
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

    def _parameters(self, args: ast.arguments, node: ast.AST, scope: Scope) -> None:
        self.parents[args] = node
        for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
            if arg is not None:
                self.parents[arg] = args
                self.scopes[arg] = scope
                scope.bind(arg.arg, Binding("param", arg))

    def _declare(self, body: list[ast.stmt], scope: Scope) -> None:
        """`global` and `nonlocal` hold for the whole function, also above the line that says so."""
        stack: list[ast.AST] = list(body)
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Global):
                scope.elsewhere.update({name: scope.module() for name in node.names})
            elif isinstance(node, ast.Nonlocal):
                for name in node.names:
                    home = scope.parent.lookup(name) if scope.parent else None
                    if home is not None:
                        scope.elsewhere[name] = home
            elif not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                stack.extend(ast.iter_child_nodes(node))

    def _outside(self, parent: ast.AST, scope: Scope, nodes: list[ast.AST]) -> None:
        self._children(parent, scope, nodes)

    def _children(self, parent: ast.AST, scope: Scope, nodes: Iterator[ast.AST] | list[ast.AST] | list) -> None:
        for node in nodes:
            if isinstance(node, LEAVES):
                continue
            self.parents[node] = parent
            self._visit(node, scope)


def _defaults(args: ast.arguments) -> list[ast.AST]:
    return [d for d in [*args.defaults, *args.kw_defaults] if d is not None]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    found: list[ast.AST] = [a.annotation for a in every if a is not None and a.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


def _is_module(dotted: str) -> bool:
    last = dotted.rsplit(".", 1)[-1]
    return under(dotted, "keras") and last.islower() and dotted.count(".") <= 2
