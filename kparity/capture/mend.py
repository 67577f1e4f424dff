"""One training step run free, but for the few things that are taken from the reference: a counterfactual.

In: the state before a step, its batch, what the reference recorded of it, and the keys of what is mended. Out: what the
step left, and what the model predicts after it. Called by the capture process, on both sides: the reference mends
nothing, and so says what the step must be.

The step has a joint at its gradients: they are noted, and the update is made of the reference's. Otherwise a gradient
that is zero but for round-off would turn Adam's update around, and no changed epsilon could be told from it.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.inventory import get_state, set_state
from kparity.capture.replay import Arrays, penalties, stand_before, update_alone
from kparity.capture.train import Session, run_step, to_tensors
from kparity.trace import parse, thinned

COMPARED = {"out", "dx", "total", "term", "grad", "update", "var", "slot", "dense", "log", "lr", "predict", "outmask"}
"""Kinds that tell whether a step agrees: `in` and `dy` say the same again at the other end of a wire."""


def mended(
    session: Session, number: int, state: Arrays, batch: Any, given: Arrays, keys: Collection[str]
) -> tuple[Arrays, list[str]]:
    """Run training step `number` from `state`, eagerly. Returns its arrays and the keys that could not be mended."""
    mend = frozenset(keys)
    stand_before(session, number, state)
    forced = forced_by(given, mend)
    data = to_tensors(batch)
    terms = penalties(session)
    logs, step = run_step(session, data, None, forced, mend)
    missed = set_state(session.inventory, session.side, left_by(forced, mend))
    arrays = terms | {key: np.asarray(value) for key, value in step.tensors.items()}
    arrays |= {f"log|{name}|0": np.asarray(value) for name, value in logs.items()}
    now = get_state(session.inventory, session.side)
    arrays |= {key: value for key, value in now.items() if key.startswith("slot|") and key not in step.updated}
    arrays |= _predicted(session.model, data)
    arrays |= update_alone(session, state, given)
    return compared(arrays), [key for key in [*missed, *step.unforced] if key in mend]


def forced_by(given: Arrays, mend: frozenset[str]) -> Arrays:
    """What a mended step takes from the reference: its gradients, and what is mended with what updates left of that."""
    forced = {key: value for key, value in given.items() if key.startswith(("grad|", "rows|")) or key in mend}
    forced |= {key: value for key, value in given.items() if key.startswith("after|") and _mends(key, mend)}
    return forced | {k: v for k, v in given.items() if k.startswith("at|") and f"var|{parse(k).owner}|0" in mend}


def left_by(forced: Arrays, mend: frozenset[str]) -> Arrays:
    """The weights and slots among what is mended, to be set after the step."""
    left = {key: value for key, value in forced.items() if parse(key).kind in {"var", "slot"} and key in mend}
    ends = {key: value for key, value in left.items() if key.startswith("var|") and key.endswith("|end")}
    kept = {key: value for key, value in left.items() if key not in ends}
    return kept | {f"{key.removesuffix('end')}0": value for key, value in ends.items()}


def compared(arrays: Arrays) -> Arrays:
    """What of a step's arrays tells whether it agrees."""
    return {key: thinned(key, value) for key, value in arrays.items() if parse(key).kind in COMPARED}


def _mends(after: str, mend: frozenset[str]) -> bool:
    """Whether what an update left of a weight or a slot belongs to what is mended."""
    _, owner, index = after.split("|")
    name = index.rpartition("@")[0]
    return f"var|{owner}|{name}" in mend or f"slot|{owner}|{name}" in mend


def _predicted(model: Any, data: Any) -> Arrays:
    """What the model gives for the inputs of the batch outside of training: there its state is read."""
    try:
        outputs = tf.nest.flatten(model(data[0], training=False))
    except Exception:  # a model that is only trained, by a train_step of its own
        return {}
    return {f"predict|model|{index}": np.asarray(value) for index, value in enumerate(outputs)}
