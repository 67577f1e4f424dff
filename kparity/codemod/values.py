"""What a local value is: a model, a layer, an optimizer, a metric, a loss, or a tensor of a Keras model.

In: an expression and the `Names` of its module. Out: one of `KINDS`, or None where that isn't certain. A parameter
named `model` is not a model: only where a value comes from counts. Called by match, for rules on methods
(`<model>.save`) and on tensors.
"""

import ast
from collections.abc import Callable

from . import tensors
from .kinds import made_by, passes_on
from .names import Names
from .nearby import Made, made_near
from .places import place
from .scopes import Binding, Scope

KINDS = ("model", "layer", "optimizer", "metric", "loss", "callback", "tensor", "shape", "sequence")

WEIGHTS = ("kernel", "bias", "recurrent_kernel", "embeddings", "gamma", "beta")
"""What layers of Keras call their weights."""
TENSOR_ATTRIBUTES = frozenset({"input", "output", "inputs", "outputs"})
STEPS = 4000
"""Values that are looked at to find out about one; code that needs more counts as not certain."""
ANY = "any"
"""A value that is being worked out further up: it agrees with everything."""


class Values:
    """Kinds of the values of one module."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._cache: dict[object, str | None] = {}
        self.busy: set[object] = set()
        self.loops = 0
        """How often something turned out to depend on itself: what was found meanwhile isn't final."""
        self.own_calls: dict[tuple[ast.ClassDef, str], list[ast.Call]] | None = None
        self.odd: set[ast.AST] | None = None
        self.computations: dict[ast.FunctionDef, bool] = {}
        self.handed_on: set[str] | None = None
        self.near_made: dict[ast.AST, Made | None] = {}
        self.asked: set[object] = set()
        """The calls, and names in scopes, that some answer depends on."""
        self._steps = 0
        self._drafts: dict[object, str | None] = {}
        """What was found by leaning on something that is still being worked out; good until that is done."""
        self._leaned_on: set[object] = set()
        self._fed: set[tuple[Scope | None, str]] | None = None
        self._attributes: dict[ast.ClassDef, dict[str, list[ast.expr]]] | None = None

    def kind(self, node: ast.AST) -> str | None:
        """The kind of the value of expression `node`, or None."""
        if type(node) is ast.Constant:
            return None
        if node in self._cache:
            return self._cache[node]
        return self.once(node, lambda: self._kind(node) or self._told_by_use(node))

    def once(self, key: object, work: Callable[[], str | None], meanwhile: str | None = ANY) -> str | None:
        """The kind that `work` finds; it is kept unless it leans on something that is still being worked out.

        `meanwhile` is what the thing counts as while it is being worked out.
        """
        if key in self._cache:
            return self._cache[key]
        if key in self.busy:
            self.loops += 1
            self._leaned_on.add(key)
            return meanwhile
        if key in self._drafts:
            self.loops += 1
            return self._drafts[key]
        self._steps = self._steps + 1 if self.busy else 0
        if self._steps > STEPS:
            self.loops += 1
            return None
        loops, drafts = self.loops, len(self._drafts)
        self.busy.add(key)
        try:
            found = work()
        except RecursionError:
            self.loops += 1
            found = None
        finally:
            self.busy.discard(key)
        if not self.busy:
            found = None if found == ANY else found
        if key in self._leaned_on:
            self._leaned_on.discard(key)
            for old in list(self._drafts)[drafts:]:
                del self._drafts[old]
        if not self.busy or (loops == self.loops and found != ANY):
            self._cache[key] = found
        else:
            self._drafts[key] = found
        if not self.busy:
            self._drafts.clear()
        return found

    def class_kind(self, node: ast.ClassDef) -> str | None:
        """What an instance of a local class is, by its bases."""
        return self.once(node, lambda: self._inherited(node), meanwhile=None)

    def _by_methods(self, node: ast.ClassDef) -> str | None:
        """What a class is whose bases come from another file of the project: by the methods that Keras asks for."""
        unknown = [b for b in node.bases if (dotted := self.names.meaning(b)) is None or not _is_public(dotted)]
        if not unknown:
            return None
        methods = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
        if "train_step" in methods and ("call" in methods or "compile" in methods):
            return "model"
        if "update_state" in methods and "result" in methods:
            return "metric"
        if "call" in methods:
            given = [a.arg for a in methods["call"].args.args]
            if given[:3] == ["self", "y_true", "y_pred"]:
                return "loss"
            if given[:1] == ["self"] and len(given) > 1 and {"build", "compute_output_shape"} & set(methods):
                return "layer"
        return None

    def called(self, func: ast.AST) -> str | None:
        """What calling the class or function `func` gives."""
        dotted = self.names.meaning(func)
        if dotted is not None:
            return made_by(dotted) or self._made_near(func)
        if isinstance(func, ast.Name):
            home = self.names.scope(func).lookup(func.id)
            if home is None:
                return self._made_near(func)
            kinds = {self._defined(b) for b in home.bindings[func.id]}
            return kinds.pop() if len(kinds) == 1 else None
        return None

    def self_kind(self, node: ast.AST) -> str | None:
        """What `self` is in the class around `node`."""
        home = self.names.enclosing_class(node)
        return self.class_kind(home) if home is not None else None

    def sets_itself(self, node: ast.Attribute) -> bool:
        """Is this `self.NAME` of a class that gives itself that attribute? Then it isn't the library's."""
        home = self.names.enclosing_class(node)
        if home is None or not _is_self(node.value):
            return False
        if node.attr in self.set_by(home):
            return True
        return any(isinstance(n, ast.FunctionDef) and n.name == node.attr for n in home.body)

    def makers(self, node: ast.expr) -> list[str]:
        """The classes that a value may be of, as far as names say: those it is made by, and the bases of `self`."""
        if _is_self(node):
            home = self.names.enclosing_class(node)
            funcs = list(home.bases) if home is not None else []
        elif isinstance(node, ast.Name):
            scope = self.names.scope(node).lookup(node.id)
            given = [b.value for b in scope.bindings[node.id]] if scope is not None else []
            funcs = [value.func for value in given if isinstance(value, ast.Call)]
        else:
            funcs = (
                [value.func for value in self.set_on_self(node) if isinstance(value, ast.Call)]
                if isinstance(node, ast.Attribute)
                else []
            )
        return [dotted for func in funcs if (dotted := self.names.meaning(func)) is not None]

    def set_on_self(self, node: ast.Attribute) -> list[ast.expr]:
        """What the class around `self.NAME` gives that attribute."""
        home = self.names.enclosing_class(node) if _is_self(node.value) else None
        return self.set_by(home).get(node.attr, []) if home is not None else []

    def alike(self, old: str, new: str) -> bool:
        """Does calling the one say the same of a value as calling the other, as far as is known here?"""
        old = place(old)
        return made_by(old) == made_by(new) and passes_on(old) == passes_on(new)

    def stays_nothing(self, call: ast.Call, new: str) -> bool:
        """Is the value of a call of no kind, and of none either where `new` is called instead?"""
        return made_by(new) is None and not passes_on(new) and self.kind(call) is None

    def is_known(self, node: object) -> bool:
        """Has anybody asked what kind of value this is?"""
        return node in self._cache

    def local_classes(self, node: ast.AST) -> list[ast.ClassDef]:
        """The classes of this module that a name may stand for."""
        home = self.names.scope(node).lookup(node.id) if isinstance(node, ast.Name) else None
        bound = home.bindings[node.id] if home is not None and isinstance(node, ast.Name) else []
        return [b.node for b in bound if isinstance(b.node, ast.ClassDef)]

    def is_odd(self, home: ast.ClassDef) -> bool:
        """Does a class, or one of another file that it inherits from, work with ragged, sparse or string tensors?"""
        near = [made_near(self, base) for base in home.bases]
        return tensors.handles_odd(self, home) or any(made is not None and made.odd for made in near)

    # -- working out ---------------------------------------------------------------------------------------------

    def _made_near(self, func: ast.AST) -> str | None:
        made = made_near(self, func)
        return made.kind if made is not None else None

    def _inherited(self, node: ast.ClassDef) -> str | None:
        # of what inherits from odd things elsewhere its own methods must say what it is
        near = {base: made_near(self, base) for base in node.bases}
        kinds = [self.called(base) for base, made in near.items() if made is None or not made.odd]
        return next((k for k in kinds if k is not None), None) or self._by_methods(node)

    def _defined(self, binding: Binding) -> str | None:
        if isinstance(binding.node, ast.ClassDef):
            return self.class_kind(binding.node)
        if isinstance(binding.node, ast.FunctionDef) and binding.kind == "function":
            function = binding.node
            return self.once(function, lambda: self._merged([self.kind(v) for v in self._returned(function)]))
        return None

    def _kind(self, node: ast.AST) -> str | None:
        if type(node) is ast.Name:
            return self._name(node)
        if type(node) is ast.Attribute:
            return self._attribute(node)
        match node:
            case ast.Call():
                return self._call(node)
            case ast.NamedExpr() | ast.Await() | ast.Starred():
                return self.kind(node.value)
            case ast.IfExp():
                return self._merged([self.kind(node.body), self.kind(node.orelse)])
            case ast.BinOp():
                return self._touched([node.left, node.right])
            case ast.UnaryOp():
                return self._touched([node.operand])
            case ast.Subscript():
                if isinstance(node.value, ast.Attribute) and node.value.attr == "layers":
                    return "layer" if self.kind(node.value.value) == "model" and _is_index(node.slice) else None
                kind = self._touched([node.value])
                return "shape" if kind is None and self.kind(node.value) == "shape" else kind
            case ast.Tuple() | ast.List():
                return "tensor" if node.elts and all(self.kind(e) in ("tensor", ANY) for e in node.elts) else None
            case ast.Dict():
                return "tensor" if node.values and all(self.kind(v) in ("tensor", ANY) for v in node.values) else None
            case ast.ListComp():
                return "tensor" if self.kind(node.elt) == "tensor" else None
            case ast.Compare():
                return self._touched([node.left, *node.comparators])
        return None

    def _call(self, node: ast.Call) -> str | None:
        self.asked.add(node)
        made = self.called(node.func)
        if made is not None:
            return made
        kind = self.kind(node.func)
        if kind in ("layer", "model"):
            return "tensor"
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self.self_kind(node)
        dotted = self.names.meaning(node.func)
        if dotted is not None:
            if dotted.endswith(".TensorShape"):
                return "tensorshape"  # TensorFlow's own, which has `as_list`
            return self._touched(node.args) if passes_on(dotted) else None
        if isinstance(node.func, ast.Attribute):
            if node.func.attr == "add_weight" and _is_self(node.func.value):
                return "tensor" if self.self_kind(node) in ("layer", "model") else None
            if node.func.attr == "get_layer" and self.kind(node.func.value) == "model":
                return "layer"
            if node.func.attr == "get_shape" and self._asked_as_list(node):
                return "shape"
            if node.func.attr == "compute_output_shape":
                return "shape"
            if node.func.attr == "get_shape" and self.kind(node.func.value) == "tensor":
                return "shape"
            if _is_self(node.func.value) and self.self_kind(node) in ("layer", "model"):
                return self._own_call(node, node.func)
            if isinstance(node.func.value, ast.Call) and node.func.attr == "call":
                return self._touched(node.args) if self.self_kind(node) in ("layer", "model") else None
        return self._touched(node.args) if self._is_own_part(node.func) else None

    def _is_own_part(self, func: ast.expr) -> bool:
        """One of the things that a layer or model keeps in a list: `self.blocks[0]`, or a loop's variable."""
        if isinstance(func, ast.Name):
            home = self.names.scope(func).lookup(func.id)
            bound = home.bindings[func.id] if home is not None else []
            over = [_iterated(b, func.id) for b in bound if b.kind in ("loop", "other")]
            return len(over) == len(bound) > 0 and all(self._is_own_list(o) for o in over)
        return isinstance(func, ast.Subscript) and self._is_own_list(func.value)

    def _is_own_list(self, node: ast.expr | None) -> bool:
        while isinstance(node, ast.Subscript):
            node = node.value
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("zip", "enumerate", "reversed")
        ):
            return any(self._is_own_list(a) for a in node.args)
        if not (isinstance(node, ast.Attribute) and _is_self(node.value)):
            return False
        home = self.names.enclosing_class(node)
        kinds = ("layer", "model")
        return home is not None and self.class_kind(home) in kinds and not tensors.handles_odd(self, home)

    def _own_call(self, node: ast.Call, func: ast.Attribute) -> str | None:
        """`self.NAME(x)`: a method's own value, or of something that the object was given what comes of a tensor."""
        home = self.names.enclosing_class(node)
        method = (
            next((n for n in home.body if isinstance(n, ast.FunctionDef) and n.name == func.attr), None)
            if home
            else None
        )
        if method is not None:
            return self._defined(Binding("function", method))
        if home is None or not self.set_by(home).get(func.attr) or tensors.handles_odd(self, home):
            return None
        return self._touched(node.args)

    def _told_by_use(self, node: ast.AST) -> str | None:
        """What is asked `.get_shape()` for a list of its sizes is a tensor; a shape is what is called so."""
        parent = self.names.parent(node)
        if self._asked_as_list(node) and _is_called_shape(node):
            return None if any(f.name == "as_list" for f in self.names.index.functions) else "shape"
        if not isinstance(parent, ast.Attribute) or parent.attr != "get_shape":
            return None
        call = self.names.parent(parent)
        above = self.names.parent(call) if isinstance(call, ast.Call) else None
        listed = isinstance(above, ast.Call) and isinstance(above.func, ast.Name) and above.func.id == "list"
        return "tensor" if listed or (isinstance(above, ast.Attribute) and above.attr == "as_list") else None

    def _asked_as_list(self, node: ast.AST) -> bool:
        """Is it asked `.as_list()`? Only TensorFlow's shapes have that."""
        parent = self.names.parent(node)
        return isinstance(parent, ast.Attribute) and parent.attr == "as_list"

    def _attribute(self, node: ast.Attribute) -> str | None:
        if _is_self(node.value):
            home = self.names.enclosing_class(node)
            return self._own_attribute(home, node.attr) if home is not None else None
        if node.attr == "shape" and (self._asked_as_list(node) or self.kind(node.value) == "tensor"):
            return "shape"
        kind = self.kind(node.value)
        if kind == "model" and node.attr == "optimizer":
            return "optimizer"
        if kind in ("model", "layer") and node.attr in TENSOR_ATTRIBUTES:
            return "tensor"
        if kind == "layer" and node.attr in WEIGHTS:
            return "tensor"
        return None

    def _own_attribute(self, home: ast.ClassDef, attr: str) -> str | None:
        values = self.set_by(home).get(attr, [])
        if not values:
            own = self.class_kind(home)
            if own == "callback" and attr == "model":
                return "model"
            return "optimizer" if own == "model" and attr == "optimizer" else None
        return self._merged([self.kind(value) for value in values if not _is_none(value)])

    def set_by(self, home: ast.ClassDef) -> dict[str, list[ast.expr]]:
        """Every `self.NAME = value` of a class; a value that isn't plain is an Ellipsis."""
        if self._attributes is None:
            self._attributes = {}
            for target, value, _ in self.names.index.attribute_stores:
                around = self.names.enclosing_class(target) if _is_self(target.value) else None
                if around is not None:
                    self._attributes.setdefault(around, {}).setdefault(target.attr, []).append(value)
        return self._attributes.get(home, {})

    def _name(self, node: ast.Name) -> str | None:
        scope = self.names.scope(node)
        home = scope.lookup(node.id)
        if home is None:
            return None
        key = (home, node.id)
        self.asked.add(key)
        if key in self._cache:
            return self._cache[key]
        return self.once(key, lambda: self._named(node, home))

    def _named(self, node: ast.Name, home: Scope) -> str | None:
        if _is_self(node):
            return self.self_kind(node)
        given = [b for b in home.bindings[node.id] if not _is_none(b.value) and not isinstance(b.node, ast.Delete)]
        return self._merged([self._bound(b, home, node.id) for b in given])

    def _bound(self, binding: Binding, home: Scope, name: str) -> str | None:
        if binding.kind == "assign" and binding.value is not None:
            if _is_empty(binding.value):
                return tensors.of_collection(self, home, name)
            return self.kind(binding.value)
        if binding.kind == "unpack" and binding.value is not None:
            return "tensor" if self.kind(binding.value) == "tensor" else None
        if binding.kind == "augmented":
            return ANY
        if binding.kind == "param":
            return tensors.of_parameter(self, home, name)
        if binding.kind == "loop" and binding.value is not None:
            return self._one_of(binding.value)
        if binding.kind == "other" and (gone_through := _iterated(binding, name)) is not None:
            return tensors.of_elements(self, gone_through)
        return None

    def _one_of(self, many: ast.expr) -> str | None:
        """What an element of a list is: of a model's layers, of tensors, of the shapes that a layer is built for."""
        if isinstance(many, ast.Attribute) and many.attr in ("layers", "metrics"):
            return many.attr[:-1] if self.kind(many.value) == "model" else None
        return tensors.of_elements(self, many)

    def fed_to_layer(self, home: Scope, name: str) -> bool:
        """Is a layer made and called on this name right away?"""
        if self._fed is None:
            self._fed = set()
            for call in self.names.index.calls:
                if not (isinstance(call.func, ast.Call) and call.args and isinstance(call.args[0], ast.Name)):
                    continue
                made = self.names.meaning(call.func.func)
                if made is not None and made_by(made) == "layer":
                    given = call.args[0]
                    self._fed.add((self.names.scope(given).lookup(given.id), given.id))
        return (home, name) in self._fed

    def _returned(self, function: ast.FunctionDef) -> list[ast.expr]:
        scope = self.names.index.owned[function]
        return [] if scope.yields else [r.value for r in scope.returns if r.value is not None]

    def _touched(self, operands: list[ast.expr]) -> str | None:
        """What comes of an operation on these: a tensor if one of them is."""
        kinds = [self.kind(operand) for operand in operands]
        return "tensor" if "tensor" in kinds else ANY if ANY in kinds else None

    @staticmethod
    def _merged(kinds: list[str | None]) -> str | None:
        real = {k for k in kinds if k != ANY}
        if not real:
            return ANY if kinds else None
        return real.pop() if len(real) == 1 else None


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_called_shape(node: ast.AST) -> bool:
    while isinstance(node, ast.Subscript):
        node = node.value
    called = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return called.rpartition("_")[2].rstrip("0123456789") in ("shape", "shapes")


def _is_index(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant | ast.Name | ast.UnaryOp)


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_empty(node: ast.expr) -> bool:
    return (isinstance(node, ast.List) and not node.elts) or (isinstance(node, ast.Dict) and not node.keys)


def _is_public(dotted: str) -> bool:
    return dotted.partition(".")[0] in ("keras", "tensorflow", "object", "abc", "typing", "collections", "enum")


def _iterated(binding: Binding, name: str) -> ast.expr | None:
    """What a loop goes over that binds the name, if nothing else does that."""
    if isinstance(binding.node, ast.For | ast.AsyncFor):
        return binding.node.iter
    for generator in getattr(binding.node, "generators", ()):
        if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(generator.target)):
            return generator.iter
    return None
