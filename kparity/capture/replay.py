"""One training step alone, from a given state: run eagerly, free or forced by the reference's tensors.

In: the state before a step, its batch, and, to force, what the reference recorded of the same step. Out: every tensor
of the step. The reference runs free and, for the noise floor, forced by its own tensors moved by one unit in the last
place; the other side runs forced by the reference's, so that each of its results is local. Called by the capture
process after training.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.inventory import get_state, set_state
from kparity.capture.train import Session, run_step, to_tensors

Arrays = dict[str, np.ndarray]


def replay(session: Session, number: int, state: Arrays, batch: Any, forced: Arrays | None) -> tuple[Arrays, list[str]]:
    """Run training step `number` (1-based) from `state`. Returns its tensors and the keys that could not be forced."""
    assert session.draws.step is not None
    session.draws.step.assign(number)
    set_state(session.model, session.inventory, session.side, state)
    session.model.reset_metrics()
    logs, step = run_step(session, to_tensors(batch), None, forced)
    arrays = {key: np.asarray(value) for key, value in step.tensors.items()}
    arrays |= {f"log|{name}|0": np.asarray(value) for name, value in logs.items()}
    after = get_state(session.model, session.inventory, session.side)
    arrays |= {key: value for key, value in after.items() if key.startswith("slot|")}
    arrays |= update_alone(session, state, arrays if forced is None else forced)
    return arrays, step.unforced


def update_alone(session: Session, state: Arrays, recorded: Arrays) -> Arrays:
    """The optimizer's update from `state` and recorded gradients, with every weight at zero.

    At zero the update is what the weight becomes, with all its digits: added to a weight it would keep only those
    above the weight's last place, and a changed epsilon would drown in them.
    """
    model = session.model
    if getattr(model, "optimizer", None) is None:
        return {}
    set_state(model, session.inventory, session.side, state)
    names = {id(variable): name for name, variable in session.inventory.variables.items()}
    pairs = []
    for variable in model.trainable_variables:
        name = names.get(id(variable))
        gradient = recorded.get(f"grad|{name}|0")
        if name is not None and gradient is not None and tuple(variable.shape) == gradient.shape:
            session.side.assign(variable, tf.zeros_like(tf.convert_to_tensor(variable)))
            pairs.append((name, tf.cast(tf.constant(gradient), variable.dtype), variable))
    if not pairs:
        return {}
    model.optimizer.apply_gradients([(gradient, variable) for _, gradient, variable in pairs])
    return {f"update|{name}|0": np.asarray(variable) for name, _, variable in pairs}


def nudged(arrays: Arrays, seed: int) -> Arrays:
    """Every floating-point element moved to a neighbour of its own precision, up or down by a fair coin."""
    coin = np.random.Generator(np.random.Philox(seed))

    def move(array: np.ndarray) -> np.ndarray:
        if not np.issubdtype(array.dtype, np.floating):
            return array
        towards = np.where(coin.integers(0, 2, array.shape, dtype=np.int8) > 0, np.inf, -np.inf).astype(array.dtype)
        return np.where(array == 0, array, np.nextafter(array, towards))

    return {key: move(array) for key, array in arrays.items()}
