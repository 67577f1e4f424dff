"""Keras 2 (the tf_keras package), reached as `tf.keras`, as `tf_keras` and, through an import hook, as `keras`."""

import contextlib
import functools
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import tensorflow as tf

from kparity.capture.sides import Creation, Namer, Resumption, Spreading, Updating

_SLOT_NAMES = {
    "m": "momentums",
    "v": "velocities",
    "vhat": "velocity_hats",
    "momentum": "momentums",
    "rms": "velocities",
    "mg": "average_gradients",
    "accumulator": "accumulators",
    "accum_grad": "accumulated_grads",
    "accum_var": "accumulated_delta_vars",
}
"""Slots of the optimizers in `optimizers.legacy`, by the names that Keras 2.11 and later give the same quantities."""


_ONCE_LAYERS = {
    *("advanced_activations", "convolutional", "convolutional_recurrent", "core", "embeddings", "local", "merge"),
    *("noise", "normalization", "pooling", "recurrent", "wrappers"),
}
"""Modules of `keras.layers` in earlier versions, whose classes are all in `keras.layers` itself."""


class _KerasIsTfKeras(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import keras` and everything under it give tf_keras: what the line meant when the code was written.

    Modules that only earlier versions had, or had in public, are those of today with the same contents.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name == "keras" or name.startswith("keras."):
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        above, _, last = spec.name.rpartition(".")
        for name in ("tf_" + spec.name, "tf_keras.src" + spec.name.removeprefix("keras")):
            if above == "keras.layers" and last in _ONCE_LAYERS:
                name = "tf_keras.layers"
            with contextlib.suppress(ModuleNotFoundError):
                return importlib.import_module(name)
        return importlib.import_module("tf_" + spec.name)

    def exec_module(self, module: ModuleType) -> None:
        return None


class Adapter:
    """The legacy side: see `kparity.capture.sides.Side` for what each method answers."""

    name = "legacy"

    def __init__(self) -> None:
        if os.environ.get("TF_USE_LEGACY_KERAS") != "1":
            raise RuntimeError("the legacy side needs TF_USE_LEGACY_KERAS=1 before TensorFlow is imported")
        sys.meta_path.insert(0, _KerasIsTfKeras())
        import tf_keras

        tf.debugging.disable_traceback_filtering()
        self.keras = tf_keras
        self.layer_class = tf_keras.layers.Layer
        self.loss_class = tf_keras.losses.Loss

    def identity(self) -> dict[str, Any]:
        return {
            "keras": self.keras.__version__,
            "package": self.keras.__name__,
            "file": self.keras.__file__,
            "tf.keras": tf.keras.Model.__module__,
        }

    def is_model(self, value: Any) -> bool:
        return isinstance(value, self.keras.Model)

    def clear(self) -> None:
        self.keras.backend.clear_session()

    def jit_compile(self, model: Any) -> bool:
        return bool(model._jit_compile)

    def prepare(self, model: Any, batch: Any) -> None:
        x, _, _ = batch
        # Keras 2 trains what was trainable when the model was compiled, whatever was frozen since
        model._set_trainable_state(model._compiled_trainable_state)
        if not model.built or not model.inputs:
            tensors = [one if tf.is_tensor(one) else tf.convert_to_tensor(one) for one in tf.nest.flatten(x)]
            model(tf.nest.pack_sequence_as(x, tensors), training=False)
        if getattr(model, "optimizer", None) is not None:
            self.build_optimizer(model.optimizer, model.trainable_variables)

    def make_metrics(self, model: Any, y: Any) -> None:
        losses, metrics = model.compiled_loss, model.compiled_metrics
        outputs = tf.nest.flatten(model._nested_outputs) if model._is_graph_network else []
        own = not type(model).__module__.startswith("tf_keras.")  # what it reports may be whatever metrics there are
        # of the strings "accuracy" and "crossentropy" Keras 2 makes metrics by the sizes of what they are given
        if y is None or own or not outputs or any(not one.shape.rank or one.shape[-1] is None for one in outputs):
            return
        if losses is not None and not losses.built:
            losses.build(model._nested_outputs)
        if metrics is not None and not metrics.built:
            metrics.build(model._nested_outputs, metrics._conform_to_outputs(model._nested_outputs, y))

    def weighted(self, batch: Any, class_weight: dict[int, float], given: Any) -> Any:
        by_class = importlib.import_module("tf_keras.src.engine.data_adapter")._make_class_weight_map_fn(class_weight)
        tensors = tf.nest.map_structure(lambda part: None if part is None else tf.convert_to_tensor(part), batch[1:])
        return (*batch[:2], by_class(batch[0], *tensors)[2])

    def own_variables(self, layer: Any) -> Iterator[Any]:
        weights = (*layer._trainable_weights, *layer._non_trainable_weights)
        yield from (one for one in weights if isinstance(one, tf.Variable))  # a vocabulary counts as a weight, too

    def penalties(self, layer: Any) -> Iterator[tuple[Any, Callable[[], Any]]]:
        for tagged in layer._callable_losses:  # partial(tag, partial(loss, variable)), or partial(tag, the user's own)
            own = tagged.args[0] if isinstance(tagged, functools.partial) and tagged.args else None
            if isinstance(own, functools.partial) and own.args:
                yield own.args[0], own

    def carried(self, layer: Any) -> Iterator[Any]:
        return states_of(layer, tf.Variable)

    def variable_name(self, variable: Any) -> str:
        return variable.name.split("/")[-1].split(":")[0]

    def identities(self, variable: Any) -> tuple[Any, ...]:
        return (variable,)

    def assign(self, variable: Any, value: Any) -> None:
        variable.assign(tf.cast(value, variable.dtype))

    def slots(self, model: Any, namer: Namer) -> dict[tuple[str, str], Any]:
        optimizer = getattr(model, "optimizer", None)
        if optimizer is None:
            return {}
        scales = _scales(optimizer)
        optimizer = unwrapped(optimizer)
        named = [(namer(variable), variable) for variable in model.trainable_variables]
        if hasattr(optimizer, "get_slot_names"):
            found: dict[tuple[str, str], Any] = {("iterations", ""): optimizer.iterations, **scales}
            for slot in optimizer.get_slot_names():
                for name, variable in named:
                    if name is not None:
                        found[_SLOT_NAMES.get(slot, slot), name] = optimizer.get_slot(variable, slot)
            return found
        places = getattr(optimizer, "_index_dict", {})  # none before it is built
        keys = [(optimizer._var_key(variable), name) for name, variable in named]
        position = {places[key]: name for key, name in keys if key in places}
        return scan_slots(optimizer, position, tf.Variable) | scales

    def learning_rate(self, model: Any) -> Any:
        optimizer = getattr(model, "optimizer", None)
        if optimizer is None:
            return None
        optimizer = unwrapped(optimizer)
        if hasattr(optimizer, "_decayed_lr"):
            return optimizer._decayed_lr(tf.float32)
        rate = optimizer._learning_rate
        return tf.cast(rate(optimizer.iterations) if callable(rate) else rate, tf.float32)

    def rate_variable(self, optimizer: Any) -> Any:
        optimizer = unwrapped(optimizer)
        own = optimizer._hyper.get("learning_rate") if hasattr(optimizer, "_hyper") else optimizer._learning_rate
        return own if isinstance(own, tf.Variable) else None

    @contextlib.contextmanager
    def at_rate(self, model: Any, rate: Any) -> Iterator[None]:
        optimizer = unwrapped(model.optimizer)
        if hasattr(optimizer, "_decayed_lr"):
            optimizer._decayed_lr = lambda dtype: tf.cast(rate, dtype)
            yield
            del optimizer._decayed_lr
        else:
            own = optimizer._learning_rate
            optimizer._learning_rate = tf.Variable(rate, trainable=False)
            yield
            optimizer._learning_rate = own

    def apply(self, optimizer: Any, pairs: list[tuple[Any, Any]]) -> None:
        if unwrapped(optimizer) is not optimizer:
            gradients = optimizer.get_unscaled_gradients([gradient for gradient, _ in pairs])
            pairs = [(gradient, variable) for gradient, (_, variable) in zip(gradients, pairs, strict=True)]
        optimizer.apply_gradients(pairs)

    def creating(self, wrap: Creation, resume: Resumption) -> None:
        original = self.layer_class.add_weight

        @tf.autograph.experimental.do_not_convert
        def add_weight(layer: Any, name: Any = None, *args: Any, **kwargs: Any) -> Any:
            return wrap(layer, str(name), lambda: original(layer, name, *args, **kwargs))

        self.layer_class.add_weight = add_weight

    def updating(self, wrap: Updating) -> None:
        optimizers = self.keras.optimizers
        for owner in (optimizers.Optimizer.__mro__[1], optimizers.legacy.Optimizer):
            self._watch(owner, wrap)

    @staticmethod
    def _watch(owner: Any, wrap: Updating) -> None:
        original = owner.apply_gradients

        @tf.autograph.experimental.do_not_convert
        def apply_gradients(optimizer: Any, grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
            pairs = list(grads_and_vars)
            variables = [variable for _, variable in pairs]

            def apply(gradients: list[Any]) -> Any:
                return original(optimizer, list(zip(gradients, variables, strict=True)), *args, **kwargs)

            return wrap(optimizer, [gradient for gradient, _ in pairs], variables, apply)

        owner.apply_gradients = apply_gradients

    def spreading(self, wrap: Spreading) -> None:
        """All time steps are one large batch in `fit`, which doesn't know the size of a batch before: here, too."""
        owner = self.keras.layers.TimeDistributed
        original = owner.call

        @tf.autograph.experimental.do_not_convert
        @functools.wraps(original)
        def call(layer: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            layer._always_use_reshape = not getattr(layer.layer, "stateful", False)
            return original(layer, inputs, *args, **kwargs)

        owner.call = call

    def build_optimizer(self, optimizer: Any, variables: list[Any]) -> None:
        if hasattr(optimizer, "get_slot_names"):
            _ = optimizer.iterations
            optimizer._create_all_weights(variables)
        else:
            optimizer.build(variables)

    def configuration(self, model: Any) -> dict[str, Any]:
        return read_configuration(model)


def unwrapped(optimizer: Any) -> Any:
    """The optimizer inside of one that scales the loss for half precision, which both Kerases name alike; or itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _scales(optimizer: Any) -> dict[tuple[str, str], Any]:
    """The state of a loss scale that changes, by the names that its slots get on both sides."""
    state: Any = getattr(optimizer, "_loss_scale", None)
    if unwrapped(optimizer) is optimizer or not hasattr(state, "current_loss_scale"):
        return {}
    return {("loss_scale", ""): state.current_loss_scale, ("loss_scale_steps", ""): state.counter}


def states_of(layer: Any, variable_class: Any) -> Iterator[Any]:
    """The variables in the `states` of a stateful layer with a cell: both Kerases call them so.

    A wrapper such as Bidirectional of Keras 3 names those of the layers inside it, too: they are the inner ones' own.
    """
    if getattr(layer, "stateful", False) is True and hasattr(layer, "cell"):
        yield from (
            value for value in tf.nest.flatten(getattr(layer, "states", None)) if isinstance(value, variable_class)
        )


RATES = frozenset({"learning_rate", "current_learning_rate"})
"""No state: the rate that is set, and the copy that Keras 2 keeps of what a schedule computes at every step."""


def scan_slots(optimizer: Any, position: dict[int, str | None], variable_class: Any) -> dict[tuple[str, str], Any]:
    """Optimizer state by attribute: a list of variables is a slot, a lone variable is a scalar of the optimizer.

    Keras 2.11 and later and Keras 3 keep their state alike, and name the attributes alike but for an underscore.
    """
    found: dict[tuple[str, str], Any] = {}
    for attribute, value in vars(optimizer).items():
        slot = attribute.lstrip("_")
        if attribute in {"_variables", "_trainable_variables"}:
            continue
        if isinstance(value, variable_class) and slot not in RATES:
            found[slot, ""] = value
        elif isinstance(value, (list, tuple)) and value and len(value) <= max(position, default=-1) + 1:
            for index, variable in enumerate(value):
                name = position.get(index)
                if name is not None and isinstance(variable, variable_class):
                    found[slot, name] = variable
    return found


def read_configuration(model: Any) -> dict[str, Any]:
    """`get_config()` of a model's optimizer and loss, by its repr what has none, and the classes of its metrics."""

    def config(value: Any) -> Any:
        if hasattr(value, "get_config"):
            try:
                return {"class": type(value).__name__, **value.get_config()}
            except Exception as error:
                return {"class": type(value).__name__, "get_config": repr(error)}
        return getattr(value, "__name__", repr(value))

    loss = getattr(model, "loss", None)
    return {
        "optimizer": config(unwrapped(model.optimizer)) if getattr(model, "optimizer", None) is not None else None,
        "loss": [config(value) for value in tf.nest.flatten(loss)],
        "metrics": {metric.name: type(metric).__name__ for metric in model.metrics},
    }
