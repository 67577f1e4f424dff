"""Keras 2's own objects at work inside a Keras 3 model: a layer, a loss, a metric or an optimizer that stands in.

In: a Keras 3 session, and what the Keras 2 side said of the objects behind some causes (`exhibit`). Inside the context
the model trains with the behaviour of Keras 2 for these, and with that of Keras 3 for all else; the weights stay those
of the Keras 3 model. Called by the capture process, to find out what each cause does to the accuracy.
"""

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from kparity.capture.exhibit import metric_named
from kparity.capture.sides.legacy import unwrapped
from kparity.capture.train import Session


@contextlib.contextmanager
def standing_in(session: Session, wanted: Sequence[dict[str, Any]]) -> Iterator[list[int]]:
    """Have Keras 2's objects stand in; yields the places in `wanted` of those that can't, and are left as they were.

    Of each: `phase`, `node`, `variable`, `exhibits` (path of a layer, or "" -> what Keras 2 said of the object),
    `rates` (a learning rate a step, where that is the cause). The training step must be compiled inside.
    """
    undo: list[tuple[Any, str, Any]] = []
    missed = []
    try:
        _set(session.model, "test_function", None, undo)  # a compiled evaluation holds what was there before
        _set(session.draws, "drew", dict(session.draws.drew), undo)  # what stands in draws in its own way
        for place, one in enumerate(wanted):
            try:
                _put(session, one, undo)
            except Exception:  # tf_keras lacks it, or can't make it from its configuration: said by `missed`
                missed.append(place)
        yield missed
    finally:
        for held, name, before in reversed(undo):
            if before is _ABSENT:
                delattr(held, name)
            else:
                setattr(held, name, before)


_ABSENT = object()


def _set(held: Any, name: str, value: Any, undo: list[tuple[Any, str, Any]]) -> None:
    undo.append((held, name, vars(held).get(name, _ABSENT) if name != "__class__" else held.__class__))
    object.__setattr__(held, name, value)


def _put(session: Session, one: dict[str, Any], undo: list[tuple[Any, str, Any]]) -> None:
    model, phase = session.model, one["phase"]
    if phase == "optimizer":
        if one["rates"]:
            rates = tf.constant(one["rates"], tf.float32)
            step = session.draws.step
            _set(
                unwrapped(model.optimizer),
                "_get_current_learning_rate",
                lambda: tf.gather(rates, tf.convert_to_tensor(step) - 1),
                undo,
            )
        else:
            _set(unwrapped(model.optimizer), "apply", _update(session, one["exhibits"][""]), undo)
    elif phase == "loss" and not one["variable"]:
        two, held = _made(one["exhibits"][""]), session.recorder.losses[one["node"]]
        _become(held, {"__call__": lambda self, *args, **kwargs: two(*args, **kwargs)}, undo)
    elif phase == "metric":
        two, held = _made(one["exhibits"][""]), metric_named(model, one["variable"])
        methods = {
            "update_state": lambda self, *args, **kwargs: two.update_state(*args, **kwargs),
            "result": lambda self: two.result(),
            "reset_state": lambda self: two.reset_state(),
        }
        _become(held, methods, undo)
    elif phase in {"forward", "gradient", "state"}:
        for path, exhibit in one["exhibits"].items():
            _layer(session, path, exhibit, undo)
    else:
        raise LookupError(f"nothing stands in for a cause of phase {phase}")


def _made(exhibit: dict[str, Any]) -> Any:
    import tf_keras

    found: Any = tf_keras
    for part in [exhibit["family"], *exhibit["class"].split(".")]:
        found = getattr(found, part)
    return found.from_config(dict(exhibit["config"]))


def _become(held: Any, methods: dict[str, Any], undo: list[tuple[Any, str, Any]]) -> None:
    """Give one object other methods: those that Python looks up on its class, too."""
    _set(held, "__class__", type(type(held).__name__, (type(held),), methods), undo)


def _update(session: Session, exhibit: dict[str, Any]) -> Any:
    """`apply` of Keras 2's optimizer, on the variables in Keras 2's order: Nadam's updates depend on it."""
    two, model = _made(exhibit), session.model
    held = session.inventory.variables
    variables = [held[name].value for name in exhibit["weights"] if name in held]
    if hasattr(two, "get_slot_names"):
        _ = two.iterations
        two._create_all_weights(variables)
    else:
        two.build(variables)
    # Keras 2 traces its first step twice, as metrics make their variables in it: what an optimizer counts in Python
    # while it is traced, as Nadam does, is counted twice
    specs = [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables]
    trace = tf.autograph.experimental.do_not_convert(
        lambda *given: two.apply_gradients(zip(given, variables, strict=True))
    )
    tf.function(trace).get_concrete_function(*specs)
    counted = unwrapped(model.optimizer).iterations

    @tf.autograph.experimental.do_not_convert
    def apply(gradients: Any, trainable_variables: Any = None) -> None:
        given = model.trainable_variables if trainable_variables is None else trainable_variables
        made = {id(getattr(v, "value", v)): g for v, g in zip(given, gradients, strict=True)}
        pairs = [(made[id(v)], v) for v in variables if made.get(id(v)) is not None]
        two.apply_gradients(pairs)
        counted.assign_add(1)

    return apply


def _layer(session: Session, path: str, exhibit: dict[str, Any], undo: list[tuple[Any, str, Any]]) -> None:
    """The layer computes as Keras 2's would, on its own weights: cast as that casts them in lower precision."""
    from tf_keras.src.mixed_precision import autocast_variable

    held, two = session.inventory.layers[path], _made(exhibit)
    zeros = [tf.zeros(shape, dtype) for shape, dtype in exhibit["shapes"]]
    args, kwargs = _filled(exhibit["call"], zeros)
    two(*args, **kwargs)
    held_by = session.inventory.variables
    mine = {}
    for variable, name in zip(two.weights, exhibit["weights"], strict=True):
        cast = isinstance(variable, autocast_variable.AutoCastVariable)
        value = held_by[name].value
        mine[id(variable)] = autocast_variable.create_autocast_variable(value) if cast else value
    for inner in two._flatten_layers():
        for attribute, value in list(vars(inner).items()):
            if id(value) in mine:
                vars(inner)[attribute] = mine[id(value)]
    takes = inspect.signature(two.call).parameters
    call = tf.autograph.experimental.do_not_convert(two.call)

    def instead(*args: Any, **kwargs: Any) -> Any:
        with autocast_variable.enable_auto_cast_variables(two._compute_dtype_object):
            return call(*args, **{name: value for name, value in kwargs.items() if name in takes})

    instead.__signature__ = inspect.signature(held.call)  # type: ignore[attr-defined]
    _set(held, "call", instead, undo)


def _filled(call: Any, tensors: list[Any]) -> Any:
    """Recorded arguments with `tensors` where "@0", "@1", ... stand."""
    return tf.nest.map_structure(
        lambda value: tensors[int(value[1:])] if isinstance(value, str) and value.startswith("@") else value, call
    )
