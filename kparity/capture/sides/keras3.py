"""Keras 3 (the keras package) on its TensorFlow backend, reached as `keras` and as `tf.keras`."""

import contextlib
import functools
import importlib
import itertools
import os
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any

import tensorflow as tf

from kparity.capture.sides import WHOLE, Creation, Namer, Resumption, Spreading, Updating
from kparity.capture.sides.legacy import read_configuration, scan_slots, states_of, unwrapped


class Adapter:
    """The Keras 3 side: see `kparity.capture.sides.Side` for what each method answers."""

    name = "keras3"

    def __init__(self) -> None:
        if os.environ.get("TF_USE_LEGACY_KERAS", "0") == "1":
            raise RuntimeError("the Keras 3 side needs TF_USE_LEGACY_KERAS=0 before TensorFlow is imported")
        import keras

        if not keras.__version__.startswith("3"):
            raise RuntimeError(f"the Keras 3 side found keras {keras.__version__}: install keras 3")
        self.keras = keras
        self.layer_class = keras.layers.Layer
        self.loss_class = keras.losses.Loss
        # what all variables are, also in Keras 3.4, where none is a `keras.Variable`; making one would start TensorFlow
        self.variable_class = importlib.import_module("keras.src.backend.tensorflow.core").Variable

    def identity(self) -> dict[str, Any]:
        return {
            "keras": self.keras.__version__,
            "package": self.keras.__name__,
            "file": self.keras.__file__,
            "tf.keras": tf.keras.Model.__module__,
            "backend": self.keras.backend.backend(),
        }

    def is_model(self, value: Any) -> bool:
        return isinstance(value, self.keras.Model)

    def clear(self) -> None:
        # a program sets its precision policy once, and Keras 3 forgets it with everything else
        policy = self.keras.config.dtype_policy()
        self.keras.backend.clear_session()
        if policy.name not in WHOLE:
            self.keras.config.set_dtype_policy(policy)
        # errors keep the user's frames; the setting lives in the session that was just cleared
        self.keras.config.disable_traceback_filtering()

    def jit_compile(self, model: Any) -> bool:
        return bool(model.jit_compile)

    def prepare(self, model: Any, batch: Any) -> None:
        model._symbolic_build(data_batch=batch)

    def make_metrics(self, model: Any, y: Any) -> None:
        """They are made by `prepare`."""

    def weighted(self, batch: Any, class_weight: dict[int, float], given: Any) -> Any:
        adapters = "keras.src.trainers.data_adapters"
        if isinstance(given, GeneratorType):
            importlib.import_module(adapters).get_data_adapter(given, class_weight=class_weight)  # says that it can't
        if isinstance(given, tf.data.Dataset):
            tensors = tf.nest.map_structure(
                lambda part: None if part is None else tf.convert_to_tensor(part), batch[1:]
            )
            by_class = importlib.import_module(f"{adapters}.tf_dataset_adapter").make_class_weight_map_fn(class_weight)
            return (batch[0], batch[1], by_class(batch[0], *tensors)[2])
        arrays = importlib.import_module(f"{adapters}.array_data_adapter").ArrayDataAdapter
        adapter = arrays(*batch, batch_size=len(batch[1]), class_weight=class_weight)
        return (*batch[:2], next(adapter.get_numpy_iterator())[2])

    def own_variables(self, layer: Any) -> Iterator[Any]:
        yield from layer._trainable_variables
        yield from layer._non_trainable_variables

    def penalties(self, layer: Any) -> Iterator[tuple[Any, Callable[[], Any]]]:
        for variable in layer._trainable_variables:
            if variable.regularizer is not None:
                yield variable, functools.partial(variable.regularizer, variable)

    def carried(self, layer: Any) -> Iterator[Any]:
        return states_of(layer, self.keras.Variable)

    def variable_name(self, variable: Any) -> str:
        return variable.name

    def identities(self, variable: Any) -> tuple[Any, ...]:
        return (variable, variable.value)

    def assign(self, variable: Any, value: Any) -> None:
        variable.assign(tf.cast(value, variable.dtype))

    def slots(self, model: Any, namer: Namer) -> dict[tuple[str, str], Any]:
        optimizer = getattr(model, "optimizer", None)
        if optimizer is None or not optimizer.built:
            return {}
        inner = unwrapped(optimizer)
        position = {index: namer(variable) for index, variable in enumerate(inner._trainable_variables)}
        found = scan_slots(inner, position, self.variable_class)
        if inner is not optimizer:
            found |= {("loss_scale", ""): optimizer.dynamic_scale, ("loss_scale_steps", ""): optimizer.step_counter}
        return found

    def learning_rate(self, model: Any) -> Any:
        optimizer = getattr(model, "optimizer", None)
        return None if optimizer is None else tf.cast(tf.convert_to_tensor(optimizer.learning_rate), tf.float32)

    def rate_variable(self, optimizer: Any) -> Any:
        own = getattr(unwrapped(optimizer), "_learning_rate", None)
        return own if isinstance(own, self.keras.Variable) else None

    @contextlib.contextmanager
    def at_rate(self, model: Any, rate: Any) -> Iterator[None]:
        optimizer = unwrapped(model.optimizer)
        optimizer._get_current_learning_rate = lambda: tf.convert_to_tensor(rate)
        yield
        del optimizer._get_current_learning_rate

    def apply(self, optimizer: Any, pairs: list[tuple[Any, Any]]) -> None:
        optimizer.apply_gradients(pairs)

    def creating(self, wrap: Creation, resume: Resumption) -> None:
        original = self.layer_class.add_weight

        def add_weight(layer: Any, *args: Any, **kwargs: Any) -> Any:
            return wrap(layer, str(kwargs.get("name")), lambda: original(layer, *args, **kwargs))

        self.layer_class.add_weight = add_weight
        deferred = self.variable_class._deferred_initialize

        def initialize(variable: Any) -> None:
            resume(variable, lambda: deferred(variable))

        self.variable_class._deferred_initialize = initialize

    def updating(self, wrap: Updating) -> None:
        owner = self.keras.optimizers.Optimizer
        original = owner.apply

        @tf.autograph.experimental.do_not_convert
        def apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            variables = optimizer._trainable_variables if trainable_variables is None else trainable_variables
            variables = list(variables)
            return wrap(optimizer, list(grads), variables, lambda own: original(optimizer, own, variables))

        owner.apply = apply

    def spreading(self, wrap: Spreading) -> None:
        owner = self.keras.layers.TimeDistributed
        original = owner.call

        @tf.autograph.experimental.do_not_convert
        @functools.wraps(original)
        def call(layer: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            inner, steps, numbers = layer.layer, inputs.shape[1], itertools.count()
            if steps is None or "call" in vars(inner):
                return original(layer, inputs, *args, **kwargs)
            one = inner.call

            def instead(*args: Any, **kwargs: Any) -> Any:
                return wrap(next(numbers), steps, lambda: one(*args, **kwargs))

            object.__setattr__(inner, "call", instead)
            try:
                return original(layer, inputs, *args, **kwargs)
            finally:
                object.__delattr__(inner, "call")

        owner.call = call

    def build_optimizer(self, optimizer: Any, variables: list[Any]) -> None:
        if not optimizer.built:
            optimizer.build(variables)
            optimizer.built = True

    def configuration(self, model: Any) -> dict[str, Any]:
        return read_configuration(model)
