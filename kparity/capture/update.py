"""The updates of a training step: which optimizer moves which variables, watched where several do.

In: a model whose step may use optimizers of its own, or user code that applies gradients itself. Out: its `Group`s,
one an optimizer; and in a recorded step what each update was handed and left. Called by the capture process.

A second update in a step, as of a GAN's generator, begins from what the first one left: to keep it local, a forced step
goes on from the reference's weights and slots after every update.
"""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.align import Draws
from kparity.capture.inventory import get_state, set_state, take
from kparity.capture.record import Recorder, Step, forced_gradient
from kparity.capture.sides import Side
from kparity.capture.train import Session, packed, to_tensors


@dataclass(frozen=True)
class Group:
    """An optimizer and what it trains: as much of a model as a Side's `slots`, `learning_rate` and `at_rate` read."""

    optimizer: Any
    trainable_variables: tuple[Any, ...]


Update = Callable[[Any, list[Any], list[Any], Callable[[list[Any]], Any]], Any]
"""Called as (optimizer, gradients, variables, apply) for every update of variables."""


def install(side: Side, recorder: Recorder) -> None:
    """Watch the updates of every optimizer. Once a process, before the user's code is imported."""

    @tf.autograph.experimental.do_not_convert
    def update(optimizer: Any, gradients: list[Any], variables: list[Any], apply: Callable[[list[Any]], Any]) -> Any:
        if recorder.dry is not None and variables:
            recorder.dry.append((optimizer, variables))
            side.build_optimizer(optimizer, variables)
            return optimizer.iterations
        step = recorder.step
        if step is None or not step.several:
            return apply(gradients)
        names = [step.inventory.variable(variable) for variable in variables]
        if not any(names):
            return apply(gradients)
        group = next((one for one in step.inventory.groups if one.optimizer is optimizer), None)
        group = group or Group(optimizer, tuple(variables))
        event = _event(step, group)
        handed = list(gradients)
        for place, (name, gradient) in enumerate(zip(names, gradients, strict=True)):
            if name is not None and gradient is not None:
                key = f"grad|{name}|u{event}"
                recorder.note(step, key, gradient)
                handed[place] = forced_gradient(recorder, step, key, gradient)
        result = apply(handed)
        if step.graph is None:
            pairs = [(name, one) for name, one in zip(names, variables, strict=True) if name is not None]
            _after(step, side, group, pairs, event)
        return result

    side.updating(update)


def _event(step: Step, group: Any) -> str:
    """Which update of the step this is: the optimizer's place and its number, for one side may lack another's."""
    place = step.inventory.place(group)
    number = step.calls[f"update of {place}"]
    step.calls[f"update of {place}"] += 1
    return f"{place}.{number}"


def _after(step: Step, side: Side, group: Any, pairs: list[tuple[str, Any]], event: str) -> None:
    """Note what an update left, and where the step is forced go on from what the reference's left."""
    left = {f"var|{name}|0": variable for name, variable in pairs}
    left |= step.inventory.slots_of(group, side)
    for key, variable in left.items():
        after = f"{key.replace(key.split('|')[0], 'after', 1)}@{event}"
        own = np.array(variable)
        step.tensors[key] = step.tensors[after] = own
        given = step.forced.get(after) if step.forced else None
        if given is not None and given.shape == own.shape:
            side.assign(variable, given)
    for name, _ in pairs:
        step.tensors[f"at|{name}|{event}"] = np.array(step.calls[step.inventory.owners[name]])
    step.updated.update(left)


def own_step(model: Any) -> bool:
    """Whether a model has a training step of its own, that may use other optimizers than its `optimizer`."""
    module = type(model).train_step.__module__ or ""
    return module.split(".")[0] not in {"keras", "tf_keras"}


def session_of(side: Side, model: Any, batch: Any, draws: Draws, recorder: Recorder) -> Session:
    """A model that trains itself, ready to train: watched are the optimizers that its step uses, whichever they are.

    Its step is run once, eagerly, with every update left out; weights, metrics and generators are as before.
    """
    prepared = True
    try:
        side.prepare(model, batch)
    except Exception:  # many such models have no `call`
        prepared = False
    known = take(model, side)
    before = get_state(known, side)
    fresh: list[tuple[Any, Any]] = []
    recorder.fresh = fresh
    groups = [model]
    try:
        with as_before(), left_out(recorder) as found:
            model.train_step(packed(to_tensors(batch)))
        groups = groups_of(found)
    except Exception:
        if not prepared:
            raise
    finally:
        recorder.fresh = None
    set_state(known, side, before)
    for variable, value in fresh:
        side.assign(variable, value)
    model.reset_metrics()
    named = take(model, side)
    named.groups[:] = groups
    return Session(side, model, named, draws, recorder, several=groups != [model])


def groups_of(found: Sequence[tuple[Any, Sequence[Any]]]) -> list[Group]:
    """One group an optimizer, in the order of their first updates, with all variables that it was given."""
    optimizers = list({id(optimizer): optimizer for optimizer, _ in found}.values())
    groups = []
    for one in optimizers:
        given = {id(v): v for optimizer, variables in found if optimizer is one for v in variables}
        groups.append(Group(one, tuple(given.values())))
    return groups


@contextlib.contextmanager
def left_out(recorder: Recorder) -> Iterator[list[tuple[Any, list[Any]]]]:
    """Inside, an update only builds its optimizer, and is noted in the list that is yielded."""
    found: list[tuple[Any, list[Any]]] = []
    recorder.dry = found
    try:
        yield found
    finally:
        recorder.dry = None


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """Python's and NumPy's generators stand afterwards where they stood."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
