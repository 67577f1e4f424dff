"""Local name -> canonical dotted name, by scope.

In: the syntax tree of one module. Out: `Names`, which says for any expression which public name it stands for
(`L.Dense` -> `keras.layers.Dense`), whatever flavour of import brought it in. A name that is bound twice to different
things, or to anything that isn't an import, stands for nothing: code about it is never edited. Called by values and
match.
"""

import ast
import functools
from typing import TYPE_CHECKING, Protocol

from .places import place
from .scopes import FUNCTIONS, Binding, Index, Scope
from .scopes import first_name as _first

if TYPE_CHECKING:
    from .nearby import Made

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
_FLAVOURS_OF = {
    root: tuple(pair for pair in FLAVOURS if pair[0].partition(".")[0] == root)
    for root in {flavour.partition(".")[0] for flavour, _ in FLAVOURS}
}

TF_VIEWS = tuple(old for old, new in FLAVOURS if old == f"tensorflow.{new.rpartition('.')[2]}" and new != "keras")
"""Modules of Keras that TensorFlow shows under its own name, too; in TensorFlow 1 they were others."""

TENSORFLOW_1 = frozenset(
    {"placeholder", "Session", "InteractiveSession", "variable_scope", "get_variable", "get_collection", "contrib"}
    | {"global_variables_initializer", "trainable_variables", "global_variables", "reset_default_graph", "layers"}
    | {"to_float", "ConfigProto", "flags", "app", "assign"}
)
"""What `tf` had in TensorFlow 1 alone."""

KERAS = frozenset({"keras", "tensorflow", "tensorflow_core"})
"""The packages that Keras was ever a part of."""

NOT_NEAR = KERAS | {"numpy", "os", "sys", "typing", "collections", "functools", "abc", "math", "matplotlib", "sklearn"}
"""Packages that are no neighbour of any file: the most common ones needn't be looked for."""


@functools.lru_cache(maxsize=65536)
def normal(dotted: str) -> str:
    """The canonical spelling of a dotted module or object name: every flavour of Keras is `keras`."""
    for flavour, plain in _FLAVOURS_OF.get(dotted.partition(".")[0], ()):
        if under(dotted, flavour):
            return plain + dotted[len(flavour) :]
    return dotted


def under(dotted: str, prefix: str) -> bool:
    """Is `dotted` the name `prefix` or something inside it?"""
    return dotted.startswith(prefix) and (len(dotted) == len(prefix) or dotted[len(prefix)] == ".")


class Near(Protocol):
    """The other files of the project that a module belongs to."""

    def brought(self, module: str, name: str) -> str | None:
        """What `from MODULE import NAME` brings, if MODULE is a file of the project and NAME is Keras's there."""

    def made(self, module: str, name: str) -> "Made | None":
        """What calling NAME of MODULE gives, if that is a file of the project."""

    def meanings(self, module: str, name: str) -> frozenset[str]:
        """Every dotted name that NAME may stand for in MODULE, if that is a file of the project."""

    def patched(self, module: str) -> frozenset[str]:
        """Names of Keras that MODULE has given other meanings."""

    def has(self, package: str) -> bool:
        """Is this top-level package or module one of the project?"""


class Names:
    """What the names of one module stand for."""

    def __init__(
        self,
        tree: ast.Module,
        known: frozenset[str] = frozenset(),
        declares: bool = True,
        near: Near | None = None,
    ) -> None:
        """`known` are the public names that a star import may bring; `declares`: may there be `global` statements?

        `near` knows the other files of the project.
        """
        self.near = near
        self.known = known
        self.tree = tree
        self.index = Index(tree, declares)
        self.root = self.index.root
        self.given: dict[ast.AST, str] = {}
        """Calls that are as good as a dotted name: `getattr(keras.layers, "Dense")`."""
        self._aliasing: set[Binding] = set()
        self._meant: dict[tuple[Scope, str], str | None] = {}
        self._roots: dict[frozenset[str], frozenset[str]] = {}
        self._written: dict[ast.AST, str | None] = {}
        self._visible: dict[Scope, list[tuple[str, str]]] = {}

    # -- questions -----------------------------------------------------------------------------------------------

    def scope(self, node: ast.AST) -> Scope:
        """The scope that `node` stands in."""
        scopes, parents = self.index.scopes, self.index.parents
        at: ast.AST | None = node
        while at is not None and at not in scopes:
            at = parents.get(at)
        return scopes[at] if at is not None else self.root

    def written(self, node: ast.AST) -> str | None:
        """The dotted name as the imports spell it (`tensorflow.keras.layers.Dense`), or None if it isn't certain."""
        if node in self._written:
            return self._written[node]
        at, parts = node, []
        while type(at) is ast.Attribute:
            parts.append(at.attr)
            at = at.value
        if type(at) is not ast.Name:
            fetched = self.given.get(at)
            return None if fetched is None else ".".join([fetched, *reversed(parts)])
        if at.id not in self._speaking and not self.root.stars:
            return None
        dotted = self.name(at.id, self.index.scopes.get(at, self.root))
        if parts and dotted is not None:
            parts.append(dotted)
            parts.reverse()
            dotted = ".".join(parts)
            if (self.patched and normal(dotted) in self.patched) or self._is_view_of_1(dotted):
                dotted = None
        if not self._aliasing:
            self._written[node] = dotted
        return dotted

    @functools.cached_property
    def _speaking(self) -> set[str]:
        """Every local name that may stand for something: what is imported, and what is given another name."""
        found = {alias.asname or alias.name.split(".")[0] for node in self.index.imports for alias in node.names}
        found.update(name for name, first in self.index.aliases if not first)
        grown = -1
        while grown != len(found):
            grown = len(found)
            found.update(name for name, first in self.index.aliases if first in found)
        return found

    def chain(self, name: ast.Name) -> list[tuple[ast.Name | ast.Attribute, str | None]]:
        """A name and what is reached through it, the innermost first, each with what `written` says of it.

        Empty where the name itself isn't certain.
        """
        dotted = self.written(name)
        if dotted is None:
            return []
        found: list[tuple[ast.Name | ast.Attribute, str | None]] = [(name, dotted)]
        parents, written, patched = self.index.parents, self._written, self.patched
        at: ast.AST | None = parents.get(name)
        while type(at) is ast.Attribute:
            if patched:
                found.append((at, self.written(at)))
            else:
                dotted = f"{dotted}.{at.attr}"
                if self._is_view_of_1(dotted):
                    break
                written[at] = dotted
                found.append((at, dotted))
            at = parents.get(at)
        return found

    def _is_view_of_1(self, dotted: str) -> bool:
        """Is it `tf.losses` or its like, in code for TensorFlow 1? There these were no part of Keras."""
        return dotted.startswith("tensorflow.") and dotted.startswith(TF_VIEWS) and self._for_tensorflow_1

    @functools.cached_property
    def _for_tensorflow_1(self) -> bool:
        self.__dict__["_for_tensorflow_1"] = False  # while it is looked for
        found = [node for node in self.index.attributes if node.attr in TENSORFLOW_1 or node.attr == "train"]
        said = [(self.written(node.value), node, self.index.parents.get(node)) for node in found]
        return any(
            home == "tensorflow"
            and (node.attr != "train" or (isinstance(above, ast.Attribute) and above.attr.endswith("Optimizer")))
            for home, node, above in said
        )

    def canonical(self, node: ast.AST) -> str | None:
        """The canonical dotted name (`keras.layers.Dense`), or None if it isn't certain."""
        dotted = self.written(node)
        return None if dotted is None else normal(dotted)

    @functools.cached_property
    def patches(self) -> dict[ast.Attribute, str]:
        """Where this module changes Keras itself, `K.reshape = mine`, and the name that means that from then on."""
        self.__dict__["patched"] = frozenset()  # while these are looked for
        found = {}
        for target, _, _ in self.index.attribute_stores:
            first = _first(target)
            dotted = self.canonical(target) if first is not None and first != "self" else None
            if dotted is not None and under(dotted, "keras"):
                found[target] = dotted
        del self.__dict__["patched"]
        self._written.clear()
        return found

    @functools.cached_property
    def patched(self) -> frozenset[str]:
        """Names that this module, or a file that hands Keras on to it, has given other meanings."""
        found = set(self.patches.values())
        for node in self.index.imports if self.near is not None else ():
            module = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if module and self.near is not None and any(self.handed_on(module, alias.name) for alias in node.names):
                found |= self.near.patched(module)
        return frozenset(found)

    def meaning(self, node: ast.AST) -> str | None:
        """The canonical name, or the one that Keras 3 has for the same thing."""
        dotted = self.written(node)
        return None if dotted is None else place(normal(dotted))

    def name(self, name: str, scope: Scope) -> str | None:
        """What the plain name `name` stands for, seen from `scope`."""
        home = scope.lookup(name)
        if home is None:
            return self._starred(name, scope)
        key = (home, name)
        if key not in self._meant:
            meant = self._worked_out(name, home)
            if self._aliasing:
                return meant  # seen from inside itself: true only there
            self._meant[key] = meant
        return self._meant[key]

    def _worked_out(self, name: str, home: Scope) -> str | None:
        found = {self._target(b, home) for b in home.bindings[name] if not self._is_fallback(b)}
        plain = {normal(f) for f in found if f is not None}
        if None in found or len(plain) != 1:
            return None
        # of two spellings of one thing the foreign one counts, so that the import of it is rewritten
        return sorted((f for f in found if f is not None), key=lambda f: (f == normal(f), f))[0]

    def meanings(self, name: str, scope: Scope, without: frozenset[Binding] = frozenset()) -> frozenset[str]:
        """Every dotted name that a plain one may stand for, as written: more than one where it is bound twice."""
        home = scope.lookup(name)
        if home is None:
            near = self.near
            every = [near.meanings(star, name) for star in scope.module().stars if may_be_near(star)] if near else []
            return next((found for found in every if found), frozenset())
        found: set[str] = set()
        for binding in home.bindings[name]:
            if binding in without or binding.target is binding.value is None:
                continue
            if binding.kind == "import" and binding.target is not None:
                module, _, last = binding.target.rpartition(".")
                plain = self.near is None or not isinstance(binding.node, ast.ImportFrom) or not may_be_near(module)
                far = None if plain else self.near.meanings(module, last)  # type: ignore[union-attr]
                found |= far or {binding.target}
            elif binding.kind == "assign" and isinstance(binding.value, ast.Name | ast.Attribute):
                first, rest = _first(binding.value), ast.unparse(binding.value).partition(".")[2]
                inner = self.meanings(first, self.scope(binding.value), without | {binding}) if first else ()
                found |= {f"{one}.{rest}" if rest else one for one in inner}
        return frozenset(found)

    def roots(self, packages: frozenset[str]) -> frozenset[str]:
        """Every local name that may stand for one of these packages or for something inside it."""
        if packages not in self._roots:
            found = set(self._starred_names())
            for node in self.index.imports:
                inside = node.module if isinstance(node, ast.ImportFrom) else ""
                if self.near is not None and isinstance(node, ast.ImportFrom):
                    found.update(self._handed_on_names(node, packages))
                if isinstance(node, ast.ImportFrom) and (node.level or _package(inside or "") not in packages):
                    continue
                for alias in node.names:
                    if inside or _package(alias.name) in packages:
                        found.add(alias.asname or alias.name.split(".")[0])
            grown = -1
            while grown != len(found):
                grown = len(found)
                found.update(name for name, first in self.index.aliases if first in found)
            self._roots[packages] = frozenset(found)
        return self._roots[packages]

    def anchors(self, node: ast.AST) -> list[ast.stmt]:
        """The import statements that bind the first name of a dotted expression."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            return []
        home = self.scope(node).lookup(node.id)
        if home is None:
            return [s for s in self.index.imports if s.names[0].name == "*"]
        return [b.node for b in home.bindings[node.id] if b.kind == "import" and isinstance(b.node, ast.stmt)]

    def is_free(self, name: str, scope: Scope) -> bool:
        """Is `name` bound nowhere that `scope` can see, so that a new import may take it?"""
        return scope.lookup(name) is None

    def visible(self, scope: Scope) -> list[tuple[str, str]]:
        """(local name, canonical name) of every import that `scope` sees."""
        if scope not in self._visible:
            found: list[tuple[str, str]] = []
            at: Scope | None = scope
            while at is not None:
                speaking = at.bindings if self.root.stars else self._speaking.intersection(at.bindings)
                said = [(name, self.name(name, scope)) for name in speaking]
                found += [(name, normal(target)) for name, target in said if target is not None]
                at = at.parent
            self._visible[scope] = sorted(found)
        return self._visible[scope]

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self.index.parents.get(node)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that `node` is part of."""
        at: ast.AST = node
        while not isinstance(at, ast.stmt):
            at = self.index.parents[at]
        return at

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class whose method holds `node`."""
        at: ast.AST | None = self.index.parents.get(node)
        while at is not None and not isinstance(at, ast.ClassDef):
            at = self.index.parents.get(at)
        return at if isinstance(at, ast.ClassDef) else None

    def enclosing_function(self, node: ast.AST) -> ast.AST | None:
        """The function or lambda around `node`, or None at module or class level."""
        at: ast.AST | None = self.index.parents.get(node)
        while at is not None and not isinstance(at, FUNCTIONS):
            if isinstance(at, ast.ClassDef):
                return None
            at = self.index.parents.get(at)
        return at

    # -- building ------------------------------------------------------------------------------------------------

    def _target(self, binding: Binding, scope: Scope) -> str | None:
        if binding.kind == "import":
            return self._handed_on(binding) or binding.target
        if binding.kind == "assign" and isinstance(binding.value, ast.Name | ast.Attribute):
            if binding in self._aliasing:
                return None
            self._aliasing.add(binding)
            try:
                dotted = self.written(binding.value)
            finally:
                self._aliasing.discard(binding)
            if dotted is None or normal(dotted) in ("keras", "tensorflow") or _is_module(normal(dotted)):
                return dotted
            if under(normal(dotted), "keras") and self._is_plain(binding, scope):
                return dotted  # `Dense = tf.keras.layers.Dense`; whatever else binds the name must mean the same
        return None

    def _is_plain(self, binding: Binding, scope: Scope) -> bool:
        """Is it a plain assignment of its own, and the name bound by no more than imports besides?"""
        statement = binding.node
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or isinstance(scope.node, ast.ClassDef):
            return False
        others = scope.bindings.get(targets[0].id, [])
        return binding in others and all(other is binding or other.kind == "import" for other in others)

    def _handed_on(self, binding: Binding) -> str | None:
        """What a neighbouring file calls the imported name, if that is something of Keras or TensorFlow."""
        if self.near is None or not isinstance(binding.node, ast.ImportFrom) or binding.target is None:
            return None
        module, _, name = binding.target.rpartition(".")
        return self.handed_on(module, name)

    def handed_on(self, module: str, name: str) -> str | None:
        """What `from MODULE import NAME` brings, if MODULE is a file of the project and NAME is Keras's there."""
        return self.near.brought(module, name) if self.near is not None and may_be_near(module) else None

    def is_foreign(self, dotted: str) -> bool:
        """Is this a name of another library than Keras, and not of the project itself?"""
        package = _package(dotted)
        return bool(package) and package != "keras" and not (self.near is not None and self.near.has(package))

    def _is_fallback(self, binding: Binding) -> bool:
        """`except ImportError: tf = None` says nothing about what tf is where it is there."""
        if binding.kind != "assign" or not isinstance(binding.value, ast.Constant) or binding.value.value is not None:
            return False
        at: ast.AST | None = binding.node
        while at is not None and not isinstance(at, ast.ExceptHandler):
            at = self.index.parents.get(at)
        return at is not None

    def _handed_on_names(self, node: ast.ImportFrom, packages: frozenset[str]) -> list[str]:
        module = "." * node.level + (node.module or "")
        brought = {a.asname or a.name: self.handed_on(module, a.name) for a in node.names if a.name != "*"}
        return [name for name, dotted in brought.items() if dotted is not None and _package(dotted) in packages]

    def _starred_names(self) -> list[str]:
        if not self.root.stars:
            return []
        return [name for name in self.index.loads if self._starred(name, self.root) is not None]

    def _starred(self, name: str, scope: Scope) -> str | None:
        for star in reversed(scope.module().stars):
            dotted = f"{star}.{name}"
            if normal(dotted) in self.known:
                return dotted
            if (given := self.handed_on(star, name)) is not None:
                return given
        return None


def may_be_near(module: str) -> bool:
    """May this module be a file of the project, and not one of Keras or TensorFlow?"""
    return module.startswith(".") or _package(module) not in NOT_NEAR


@functools.lru_cache(maxsize=65536)
def _package(dotted: str) -> str:
    return normal(dotted).split(".", 1)[0]


def _is_module(dotted: str) -> bool:
    last = dotted.rsplit(".", 1)[-1]
    return under(dotted, "keras") and last.islower() and dotted.count(".") <= 2
