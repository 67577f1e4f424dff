"""An independent look at migrated code: which names, arguments and methods in it exist only in Keras 2?

In: the texts of one code base. Out: `Left`s, each a place and why it can't work under Keras 3. Called by measure. It
shares nothing with kparity's own resolver, on purpose: names are bound without scopes and across files, so that it sees
too much rather than too little; whatever it sees must have been told by kparity.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

FLAVOURS = (
    "tensorflow.compat.v2.keras",
    "tensorflow_core.python.keras",
    "tensorflow.python.keras",
    "tensorflow_core.keras",
    "tensorflow.contrib.keras",
    "tensorflow.keras",
    "keras.api._v2.keras",
    "keras._tf_keras.keras",
    "keras.api",
    "tf_keras",
)
INNER = ("tensorflow.python.keras", "tensorflow_core.python.keras", "tensorflow.contrib.keras", "tf_keras")
DEAD = {
    "tensorflow_addons": "no longer developed, Keras 2 only",
    "keras_contrib": "Keras 2 only",
    "keras_applications": "Keras 2 only",
    "tensorflow.estimator": "gone from TensorFlow 2.16",
    "tensorflow.contrib.keras": "gone from TensorFlow 2",
    "tensorflow.compat.v1.keras": "Keras 2 with the defaults of TensorFlow 1",
    "tensorflow.compat.v1.layers": "gone from TensorFlow 2.16",
    "tensorflow.layers": "gone from TensorFlow 2",
    "tensorflow_hub.KerasLayer": "a layer of Keras 2",
}
GONE = {
    # of models
    "fit_generator evaluate_generator predict_generator predict_proba predict_classes to_yaml add_metric add_update "
    "compiled_loss compiled_metrics total_loss metrics_tensors metrics_updates sample_weight_modes _feed_inputs "
    "_feed_targets _feed_sample_weights _feed_input_names _feed_outputs _feed_output_shapes targets_tensors "
    "_collected_trainable_weights _check_trainable_weights_consistency _make_train_function _make_test_function "
    "_make_predict_function _standardize_user_data _validate_or_infer_batch_size _get_callback_model "
    "_is_graph_network _is_compiled _is_graph_initialized state_updates train_tf_function save_spec "
    "_compile_metrics _compile_metric_functions _set_inputs _network_nodes _nodes_by_depth container_nodes "
    "_input_coordinates _output_coordinates _input_layers _output_layers _uses_dynamic_learning_phase": "model",
    # of layers and tensors
    "_keras_shape _uses_learning_phase inbound_nodes outbound_nodes get_input_at get_output_at get_input_shape_at "
    "get_output_shape_at get_input_mask_at get_output_mask_at get_updates_for get_losses_for "
    "compute_output_signature _compute_dtype _initial_weights get_output_for uses_learning_phase add_inbound_node "
    "_add_inbound_node _trainable_weights _non_trainable_weights _updates _input_map "
    "get_dropout_mask_for_cell get_recurrent_dropout_mask_for_cell reset_dropout_mask": "layer or tensor",
    # of optimizers
    "get_updates get_gradients _get_hyper _set_hyper _create_slots add_slot get_slot _resource_apply_dense "
    "_resource_apply_sparse _resource_apply_sparse_duplicate_indices _serialize_hyperparameter _decayed_lr "
    "_prepare_local _fallback_apply_state _call_if_callable _create_hypers get_scaled_loss get_unscaled_gradients "
    "_create_all_weights _transform_loss _transform_gradients _transform_unaggregated_gradients _hyper "
    "_resource_scatter_add _assign_add_variable compute_gradients _aggregate_gradients apply_grad": "optimizer",
}
GONE_ATTRIBUTES = {word: kind for text, kind in GONE.items() for word in text.split()}
OLD_KEYWORDS = {
    "fit": "nb_epoch workers use_multiprocessing max_queue_size show_accuracy nb_worker max_q_size pickle_safe",
    "predict": "workers use_multiprocessing max_queue_size",
    "evaluate": "workers use_multiprocessing max_queue_size show_accuracy",
    "compile": "sample_weight_mode target_tensors experimental_run_tf_function distribute class_mode theano_mode "
    "pss_evaluation_shards",
    "save": "save_format save_traces signatures include_optimizer options",
    "save_weights": "save_format options",
    "load_weights": "reshape options",
    "train_on_batch": "reset_metrics accuracy",
    "test_on_batch": "reset_metrics accuracy",
    "add_weight": "partitioner use_resource synchronization collections experimental_autocast getter caching_device",
    "add_loss": "inputs",
    "apply_gradients": "skip_gradients_aggregation experimental_aggregate_gradients name",
    "summary": "",
}


@dataclass(frozen=True, order=True)
class Left:
    """One thing of Keras 2 at one place of the output."""

    path: str
    line: int
    end: int
    name: str
    """Its last part is what a finding about it must mention."""
    why: str
    imports: tuple[int, ...] = ()
    """Lines of the imports that bring it in and are of Keras 2 themselves: to tell of these is enough."""


@dataclass
class File:
    path: str
    tree: ast.Module
    package: tuple[str, ...]
    """The folders that a relative import starts from."""
    bound: dict[str, set[str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    lines: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """Local name -> what an import binds it to, and where."""
    aliases: list[tuple[str, ast.expr]] = field(default_factory=list)
    parameters: dict[str, set[str]] = field(default_factory=dict)
    """Functions and methods of the file -> what they take."""
    spared: set[ast.AST] = field(default_factory=set)
    """Imports that only an older Keras comes to."""
    own: set[str] = field(default_factory=set)
    """Names of classes, functions and other things that the file makes itself."""


class Program:
    """The files of one code base and what their names may stand for, without regard to scopes."""

    def __init__(self, texts: dict[str, str], surface: dict[str, dict[str, Any]]) -> None:
        self.new = surface["keras"]
        self.old = surface["tf_keras"]
        self.shim = surface["tf.keras"]
        self.files: dict[str, File] = {}
        self.patched: set[str] = set()
        """Names of Keras that the code base itself gives another meaning, `K.reshape = mine`, and so may use."""
        for path, text in texts.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    tree = ast.parse(text.removeprefix("\ufeff"))
                except (SyntaxError, ValueError, RecursionError):
                    continue
            self.files[path] = File(path, tree, PurePosixPath(path).parent.parts)
        self.modules = {self._dotted(path): path for path in self.files}
        for file in self.files.values():
            self._bind(file)
        for _ in range(3):
            for file in self.files.values():
                for name, value in file.aliases:
                    file.bound.setdefault(name, set()).update(d for d in self.resolve(file, value) if self._is_known(d))

        for file in self.files.values():
            for node in ast.walk(file.tree):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    self.patched |= {canonical(d) for d in self.resolve(file, node)}

    # -- names -------------------------------------------------------------------------------------------------------

    @staticmethod
    def _dotted(path: str) -> str:
        parts = PurePosixPath(path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _home(self, dotted: str) -> str | None:
        """The file of the code base that an absolute module name means; its packages may stand deeper down."""
        if dotted in self.modules:
            return self.modules[dotted]
        if "." not in dotted:
            return None
        ends = [path for name, path in self.modules.items() if name.endswith("." + dotted)]
        return ends[0] if len(ends) == 1 else None

    def _bind(self, file: File) -> None:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Try) and self._is_new_first(node):
                # `except ImportError:` after what Keras 3 has is for older Kerases
                old = [n for handler in node.handlers for n in ast.walk(handler)]
                file.spared.update(n for n in old if isinstance(n, ast.Import | ast.ImportFrom))
        for node in ast.walk(file.tree):
            if node in file.spared:
                continue
            match node:
                case ast.Import():
                    for alias in node.names:
                        target = alias.name if alias.asname else alias.name.split(".")[0]
                        file.bound.setdefault(alias.asname or target, set()).add(target)
                        file.lines.setdefault(alias.asname or target, []).append((alias.name, node.lineno))
                case ast.ImportFrom():
                    base = self._base(file, node)
                    for alias in node.names:
                        if alias.name == "*":
                            file.stars.append(base)
                            file.lines.setdefault("*", []).append((base, node.lineno))
                        else:
                            local, target = alias.asname or alias.name, f"{base}.{alias.name}"
                            file.bound.setdefault(local, set()).add(target)
                            file.lines.setdefault(local, []).append((target, node.lineno))
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    file.aliases.append((name, value))
                    if isinstance(value, ast.Attribute):
                        file.lines.setdefault(name, []).append((ast.unparse(value), node.lineno))
                    file.own.add(name)
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    pairs = zip(names, values, strict=False)
                    file.aliases += [(n.id, v) for n, v in pairs if isinstance(n, ast.Name)]
                case ast.ClassDef() | ast.FunctionDef():
                    file.own.add(node.name)
                    if isinstance(node, ast.FunctionDef):
                        given = [*node.args.args, *node.args.kwonlyargs]
                        file.parameters.setdefault(node.name, set()).update(a.arg for a in given)
                case ast.Attribute(value=ast.Name(id="self"), ctx=ast.Store()):
                    file.own.add(f"self.{node.attr}")

    def _is_new_first(self, node: ast.Try) -> bool:
        imported = [n for n in node.body if isinstance(n, ast.ImportFrom | ast.Import)]
        dotted = [
            f"{n.module}.{a.name}" if isinstance(n, ast.ImportFrom) else a.name for n in imported for a in n.names
        ]
        return bool(dotted) and not any(self._bad(d) for d in dotted)

    def _base(self, file: File, node: ast.ImportFrom) -> str:
        if not node.level:
            home = self._home(node.module or "")
            return (
                f"@{self._dotted(home)}" if home and (node.module or "").split(".")[0] != "keras" else node.module or ""
            )
        parts = file.package[: len(file.package) - node.level + 1]
        return "@" + ".".join([*parts, *(node.module or "").split(".")]).strip(".")

    def resolve(self, file: File, node: ast.AST, depth: int = 0) -> set[str]:
        """The dotted names that an expression may stand for; names of the code base's own files begin with @."""
        if depth > 8:
            return set()
        match node:
            case ast.Name():
                found = set(file.bound.get(node.id, ()))
                if not found and node.id not in file.own:
                    found = {f"{s}.{node.id}" for s in file.stars if self._star_has(s, node.id)}
                return {d for one in found for d in self._through(one, depth)}
            case ast.Attribute():
                bases = self.resolve(file, node.value, depth)
                return {d for base in bases for d in self._through(f"{base}.{node.attr}", depth)}
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]) if _last(func) in (
                "import_module",
                "__import__",
                "LazyLoader",
            ):
                return {name}
            case ast.Call(func=ast.Name(id="getattr"), args=[base, ast.Constant(value=str(name)), *_]):
                return {f"{d}.{name}" for d in self.resolve(file, base, depth)}
            case ast.IfExp():
                return self.resolve(file, node.body, depth) | self.resolve(file, node.orelse, depth)
        return set()

    def _through(self, dotted: str, depth: int) -> set[str]:
        """`@package.compat.keras` -> what that file calls keras."""
        if not dotted.startswith("@"):
            return {dotted}
        module, _, name = dotted[1:].rpartition(".")
        path = self.modules.get(module)
        if path is None:
            return {dotted}
        if dotted[1:] in self.modules:
            return {dotted}
        return self.resolve(self.files[path], ast.Name(name), depth + 1) or {dotted}

    def _star_has(self, star: str, name: str) -> bool:
        if star.startswith("@"):
            path = self.modules.get(star[1:])
            return path is not None and (name in self.files[path].bound or bool(self.files[path].stars))
        dotted = f"{canonical(star)}.{name}"
        return dotted in self.old["names"] or dotted in self.new["names"]

    @staticmethod
    def _is_known(dotted: str) -> bool:
        return dotted.split(".")[0] in ("keras", "tensorflow", "tf_keras", "tensorflow_addons")

    # -- what is left ------------------------------------------------------------------------------------------------

    def left(self) -> list[Left]:
        """Everything of Keras 2 in the code base, in the order of the source."""
        found = {one for file in self.files.values() for one in self._file(file)}
        return sorted(found)

    def _file(self, file: File) -> Iterator[Left]:
        parents = {child: node for node in ast.walk(file.tree) for child in ast.iter_child_nodes(node)}
        about_keras = any(
            "keras" in canonical(d) for targets in file.bound.values() for one in targets for d in self._through(one, 0)
        ) or any("keras" in canonical(s) for s in file.stars)
        for node in ast.walk(file.tree):
            match node:
                case ast.Import() | ast.ImportFrom():
                    yield from self._import(file, node)
                case ast.Attribute() | ast.Name():
                    if isinstance(parents.get(node), ast.Attribute):
                        inner = self.resolve(file, node)
                        if not any(self._bad(d) for d in inner) or any(
                            self._bad(d) for d in self.resolve(file, parents[node])
                        ):
                            if isinstance(node, ast.Attribute) and about_keras:
                                yield from self._attribute(file, node)
                            continue
                    if isinstance(node, ast.Attribute):
                        for dotted in self.resolve(file, node):
                            why = self._bad(dotted)
                            if why:
                                yield self._at(file, node, dotted, why)
                        if about_keras:
                            yield from self._attribute(file, node)
                    elif file.stars and node.id not in file.bound and isinstance(node.ctx, ast.Load):
                        for dotted in self.resolve(file, node):
                            if self._bad(dotted):
                                yield self._at(file, node, dotted, "comes by a star import; " + self._bad(dotted))
                case ast.Call():
                    if about_keras:
                        yield from self._call(file, node)

    def _at(self, file: File, node: ast.AST, name: str, why: str) -> Left:
        root = node.func if isinstance(node, ast.Call) else node
        while isinstance(root, ast.Attribute):
            root = root.value
        lines = file.lines.get(root.id, []) if isinstance(root, ast.Name) else []
        meant = self.resolve(file, root) if isinstance(root, ast.Name) else set()
        if meant and not lines:
            lines = file.lines.get("*", [])
        # of a name that is two things it is enough to tell where it comes from
        bad = any(self._bad(d) for d in meant) or len({canonical(d) for d in meant}) > 1
        imports = tuple(line for target, line in lines if bad or self._bad(target))
        return Left(file.path, node.lineno, node.end_lineno or node.lineno, name, why, imports)  # type: ignore[attr-defined]

    def _import(self, file: File, node: ast.Import | ast.ImportFrom) -> Iterator[Left]:
        for alias in node.names if node not in file.spared else ():
            if isinstance(node, ast.ImportFrom):
                base = self._base(file, node)
                if base.startswith("@"):
                    continue
                dotted = base if alias.name == "*" else f"{base}.{alias.name}"
            else:
                dotted = alias.name
            why = self._bad(dotted)
            if why:
                yield self._at(file, node, dotted, why)

    def _bad(self, dotted: str) -> str:
        """Why this name can't be used with Keras 3, or nothing."""
        for dead, why in DEAD.items():
            if _under(dotted, dead):
                return why
        for inner in INNER:
            if _under(dotted, inner):
                return "is another library than Keras 3"
        plain = canonical(dotted)
        if not _under(plain, "keras") or plain in self.patched:
            return ""
        through_shim = _under(dotted, "tensorflow.keras")
        names = self.shim["names"] if through_shim else self.new["names"]
        parts = plain.split(".")
        for length in range(len(parts), 0, -1):
            head = ".".join(parts[:length])
            kind = names.get(head)
            if kind is None:
                continue
            if length == len(parts):
                return ""
            if kind == "module":
                if parts[length].startswith("__"):
                    return ""
                where = "tf.keras" if through_shim else "keras"
                return f"{where} 3 has no {'.'.join(parts[: length + 1])}"
            return ""
        return ""

    def _attribute(self, file: File, node: ast.Attribute) -> Iterator[Left]:
        text = ast.unparse(node.value).lower()
        shared = node.attr in ("predict_proba", "total_loss", "save_spec")  # other things have these, too
        unlikely = shared and "model" not in text and text != "self"
        if node.attr in GONE_ATTRIBUTES and not self._is_own(file, node) and not unlikely:
            yield self._at(file, node, node.attr, f"gone from every {GONE_ATTRIBUTES[node.attr]}")
        foreign = any(not _under(canonical(d), "keras") for d in self.resolve(file, node.value))
        foreign = foreign or self._is_made_elsewhere(file, node.value)
        if node.attr in ("lr", "minimize", "_lr") and not foreign and ("opt" in text or text.endswith("adam")):
            yield self._at(file, node, node.attr, "gone from optimizers")
        if node.attr == "as_list" and "shape" in text and "tensorshape" not in text.replace("_", "").split(".")[-1]:
            yield self._at(file, node, node.attr, "a shape is a tuple")
        if node.attr == "get_shape" and not self._in_method(file, node):
            yield self._at(file, node, node.attr, "gone from Keras tensors")
        if (
            node.attr in ("input_shape", "output_shape")
            and re.search(r"layers?(_\w+)?(\[[^]]*\])?$", text)
            and "profile" not in text
        ):
            yield self._at(file, node, node.attr, "gone from layers (a Model still has it)")
        if node.attr == "reset_states" and ("model" in text or "metric" in text or "acc" in text or "loss" in text):
            yield self._at(file, node, node.attr, "models and metrics have none")

    @staticmethod
    def _in_method(file: File, node: ast.Attribute) -> bool:
        """Inside a method, where tensors are TensorFlow's own, which have `get_shape`?"""
        methods = (
            method
            for home in ast.walk(file.tree)
            if isinstance(home, ast.ClassDef)
            for method in home.body
            if isinstance(method, ast.FunctionDef)
        )
        return any(m.lineno <= node.lineno <= (m.end_lineno or m.lineno) for m in methods)

    def _is_made_elsewhere(self, file: File, node: ast.expr) -> bool:
        """Is the value, or the last one above that the name was given, made by TensorFlow 1 or another library?"""
        if isinstance(node, ast.Name):
            above = [v for name, v in file.aliases if name == node.id and v.lineno < node.lineno]
            node = max(above, key=lambda v: v.lineno, default=node)
        if not isinstance(node, ast.Call):
            return False
        made = {canonical(d) for d in self.resolve(file, node.func)}
        return bool(made) and not any(
            _under(d, "keras") or (_under(d, "tensorflow") and "train." not in d) or d.startswith("@") for d in made
        )

    @staticmethod
    def _is_own(file: File, node: ast.Attribute) -> bool:
        """Does the file define something of that name itself, which is then meant?"""
        return node.attr in file.own or f"self.{node.attr}" in file.own

    def _call(self, file: File, node: ast.Call) -> Iterator[Left]:
        given = [k.arg for k in node.keywords if k.arg]
        for dotted in self.resolve(file, node.func):
            plain = canonical(dotted)
            signature = self.new["signatures"].get(plain)
            if signature is None:
                continue
            old = self.old["signatures"].get(plain, {"names": [], "any": True})
            for name in given:
                if name not in signature["names"] and not self._any(plain, signature):
                    yield self._at(file, node, f"{plain}.{name}", "Keras 3 refuses this argument")
            if len(node.args) > signature["positional"] and not any(isinstance(a, ast.Starred) for a in node.args):
                yield self._at(file, node, plain, f"{len(node.args)} arguments without a name")
            for index in range(min(len(node.args), len(signature["names"]), len(old["names"]))):
                if isinstance(node.args[index], ast.Starred):
                    break
                if (
                    old["names"][index] in set(signature["names"]) - {"input_shape"}
                    and signature["names"][index] != old["names"][index]
                ):
                    was, now = old["names"][index], signature["names"][index]
                    yield self._at(file, node, plain, f"argument {index + 1} was {was}, is {now}")
                    break
        if isinstance(node.func, ast.Attribute) and node.func.attr in OLD_KEYWORDS:
            old_words = OLD_KEYWORDS[node.func.attr].split()
            if any(canonical(d).split(".")[0] not in ("keras",) for d in self.resolve(file, node.func)):
                return
            by_self = isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
            own = file.parameters.get(node.func.attr, set()) if by_self else set()
            for name in given:
                if name in old_words and name not in own:
                    yield self._at(file, node, f"{node.func.attr}.{name}", "Keras 3 refuses this argument")

    @staticmethod
    def _any(plain: str, signature: dict[str, Any]) -> bool:
        return bool(signature["any"])


def canonical(dotted: str) -> str:
    """Every spelling of Keras is `keras`."""
    for flavour in FLAVOURS:
        if _under(dotted, flavour):
            return "keras" + dotted[len(flavour) :]
    return dotted


def _under(dotted: str, prefix: str) -> bool:
    return dotted == prefix or dotted.startswith(prefix + ".")


def _last(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
