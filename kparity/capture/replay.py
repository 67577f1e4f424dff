"""One training step alone, from a given state: run eagerly, free or forced by the reference's tensors.

In: the state before a step, its batch, and, to force, what the reference recorded of the same step. Out: every tensor
of the step. The reference runs free and, for the noise floor, forced by its own tensors moved by one unit in the last
place; the other side runs forced by the reference's, so that each of its results is local. Called by the capture
process after training.
"""

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.inventory import get_state, set_state
from kparity.capture.train import Session, rate_key, run_step, to_tensors
from kparity.trace import parse

Arrays = dict[str, np.ndarray]


@contextlib.contextmanager
def precision(float64: bool) -> Iterator[None]:
    """Models that are made inside compute in float64, if asked."""
    if not float64:
        yield
        return
    tf.keras.backend.set_floatx("float64")
    try:
        yield
    finally:
        tf.keras.backend.set_floatx("float32")


def stand_before(session: Session, number: int, state: Arrays) -> None:
    """Bring the model to `state`, as it was before training step `number` (1-based)."""
    session.draws.stand_at(number)
    set_state(session.inventory, session.side, state)
    session.model.reset_metrics()


def replay(session: Session, number: int, state: Arrays, batch: Any, forced: Arrays | None) -> tuple[Arrays, list[str]]:
    """Run training step `number` from `state`, eagerly. Returns its tensors and the keys that could not be forced."""
    stand_before(session, number, state)
    arrays = penalties(session)
    logs, step = run_step(session, to_tensors(batch), None, forced)
    arrays |= {key: np.asarray(value) for key, value in step.tensors.items()}
    arrays |= {f"log|{name}|0": np.asarray(value) for name, value in logs.items()}
    after = get_state(session.inventory, session.side)
    arrays |= {key: value for key, value in after.items() if key.startswith("slot|") and key not in step.updated}
    arrays |= update_alone(session, state, arrays if forced is None else forced)
    return arrays, step.unforced


def penalties(session: Session) -> Arrays:
    """What each regularized variable adds to the loss: `term|layer|variable`. The total shows no small one."""
    found: Arrays = {}
    for path, layer in session.inventory.layers.items():
        for variable, penalty in session.side.penalties(layer):
            if (name := session.inventory.variable(variable)) is not None:
                found[f"term|{path}|{name}"] = np.asarray(penalty())
    return found


def update_alone(session: Session, state: Arrays, recorded: Arrays) -> Arrays:
    """The optimizer's update in two parts that keep all their digits: of the gradients, and of the weights' size.

    From the gradients: starting at `state` with every weight at zero the update is what the weight becomes; added to a
    weight it would keep only those digits above the weight's last place, and a changed epsilon would drown in them.
    From the weights: without gradients and slots and at a learning rate of 1, what is left is weight decay, which is
    itself lost in a weight's last place when multiplied by a small rate. The learning rate is the recorded one
    otherwise: a changed rate is seen as such, and must not hide or fake a changed formula.
    """
    found: Arrays = {}
    for group in session.inventory.groups:
        if getattr(group, "optimizer", None) is not None:
            found |= _group_alone(session, group, state, recorded)
    return found


def _group_alone(session: Session, group: Any, state: Arrays, recorded: Arrays) -> Arrays:
    place = session.inventory.place(group)
    rate = rate_key(place)
    set_state(session.inventory, session.side, state)
    names = {id(variable): name for name, variable in session.inventory.variables.items()}
    pairs = []
    for variable in group.trainable_variables:
        name = names.get(id(variable))
        gradient = None if name is None else _handed(name, recorded, place, session.several)
        if name is not None and gradient is not None and tuple(variable.shape) == gradient.shape:
            session.side.assign(variable, np.zeros(variable.shape))
            pairs.append((name, tf.cast(tf.constant(gradient), variable.dtype), variable))
    if not pairs or rate not in recorded:
        return {}
    with session.side.at_rate(group, recorded[rate]):
        session.side.apply(group.optimizer, [(gradient, variable) for _, gradient, variable in pairs])
    after = session.inventory.slots_of(group, session.side)
    found = {key.replace("slot|", "dense|", 1): np.array(value) for key, value in after.items()}
    found |= {f"update|{name}|0": np.asarray(variable) for name, _, variable in pairs}

    empty = {k: np.zeros_like(v) if k.startswith("slot|") and parse(k).owner else v for k, v in state.items()}
    set_state(session.inventory, session.side, empty)
    before = {name: np.array(variable) for name, _, variable in pairs}
    with session.side.at_rate(group, np.float32(1.0)):
        session.side.apply(group.optimizer, [(tf.zeros_like(gradient), variable) for _, gradient, variable in pairs])
    return found | {f"update|{name}|decay": np.array(variable) - before[name] for name, _, variable in pairs}


def _handed(name: str, recorded: Arrays, place: int, several: bool) -> np.ndarray | None:
    """The gradient that the first update of a variable by an optimizer was handed; None where it got none."""
    return recorded.get(f"grad|{name}|u{place}.0" if several else f"grad|{name}|0")


def unlike(own: Arrays, reference: Arrays) -> list[str]:
    """Keys of both whose arrays are not the same bit for bit."""
    return [key for key, value in own.items() if key in reference and not _same(value, reference[key])]


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def lone(own: Arrays, reference: Arrays) -> list[str]:
    """Masks that only one of the two has, and gradients that only the reference has.

    Of gradients to a layer's inputs those count whose input is the reference's: the layer passes nothing back to it.
    """
    masks = {key for arrays in (own, reference) for key in arrays if key.startswith(("inmask|", "outmask|"))}
    gradients = {key for key in reference if key.startswith(("dy|", "grad|"))}
    found = {key for key in masks if (key in own) != (key in reference)}
    inputs = {key: key.replace("dx|", "in|", 1) for key in reference if key.startswith("dx|") and key not in own}
    found |= {key for key, taken in inputs.items() if taken in own and _same(own[taken], reference[taken])}
    return sorted(found | {key for key in gradients if key not in own})


def held(arrays: Arrays, free: Collection[str]) -> Arrays:
    """What forces a step that leaves the layers at these paths to themselves; the layers inside of them are held."""
    passing = {"in", "out", "dx", "dy"}

    def is_free(text: str) -> bool:
        key = parse(text)
        return key.kind in passing and key.owner.split("#")[0] in free

    return {text: array for text, array in arrays.items() if not is_free(text)}


def nudged(arrays: Arrays, seed: int) -> Arrays:
    """Every floating-point element of every array moved by one unit in the last place.

    Whole numbers among what layers hand each other stay: tokens that came as float32 are cut to integers by an
    embedding, and 2.9999998 is another word than 3; -1 may say that a place is masked, and its neighbour does not.
    """
    coin = np.random.Generator(np.random.Philox(seed))
    moved = {key: neighbour(array, coin) for key, array in arrays.items()}
    passed = [key for key in arrays if key.startswith(("in|", "out|"))]
    return moved | {key: np.where(arrays[key] == np.round(arrays[key]), arrays[key], moved[key]) for key in passed}


def neighbour(array: np.ndarray, coin: np.random.Generator) -> np.ndarray:
    """Every floating-point element moved to a neighbour of its own precision, up or down by a fair coin; 0 stays."""
    if not np.issubdtype(array.dtype, np.floating):
        return array
    towards = np.where(coin.integers(0, 2, array.shape, dtype=np.int8) > 0, np.inf, -np.inf).astype(array.dtype)
    return np.where(array == 0, array, np.nextafter(array, towards))
