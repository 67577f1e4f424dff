"""One training step run free, but for the few things that are taken from the reference: a counterfactual.

In: the state before a step, its batch, what the reference recorded of it, and the keys of what is mended. Out: what the
step left, and what the model predicts after it. Called by the capture process, on both sides: the reference mends
nothing, and so says what the step must be.

The step has a joint at its gradients: they are noted, and the update is made of the reference's. Otherwise a gradient
that is zero but for round-off would turn Adam's update around, and no changed epsilon could be told from it.
"""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture.inventory import set_state
from kparity.capture.replay import (
    Arrays,
    Sieve,
    Some,
    logged,
    noting,
    penalties,
    slots_left,
    stand_before,
    update_alone,
)
from kparity.capture.train import Session, run_evaluation, run_step, to_tensors
from kparity.trace import parse, thinned

COMPARED = {"out", "dx", "total", "term", "grad", "update", "var", "slot", "dense", "log", "lr", "predict", "outmask"}
"""Kinds that tell whether a step agrees: `in` and `dy` say the same again at the other end of a wire."""


def mended(
    session: Session, batch: Any, number: int, state: Arrays, given: Arrays, keys: Collection[str], arrays: Sieve
) -> list[str]:
    """Run training step `number` from `state`, eagerly; its tensors go into `arrays`, which must keep the learning
    rate. Returns the keys that could not be mended."""
    mend = frozenset(keys)
    stand_before(session, number, state)
    forced = forced_by(given, mend)
    data = to_tensors(batch)
    arrays |= penalties(session)
    with noting(session, arrays):
        logs, step = run_step(session, data, None, forced, mend)
    missed = set_state(session.inventory, session.side, left_by(forced, mend))
    arrays |= logged(logs)
    arrays |= slots_left(session, step)
    arrays |= _predicted(session, data)
    arrays |= update_alone(session, state, given)
    return [key for key in [*missed, *step.unforced] if key in mend]


def mended_evaluation(
    session: Session, batch: Any, number: int, state: Arrays, given: Arrays, keys: Collection[str], arrays: Sieve
) -> list[str]:
    """As `mended`, of an evaluation of the batch instead of a step of training."""
    mend = frozenset(keys)
    stand_before(session, number, state)
    forced = forced_by(given, mend)
    with noting(session, arrays):
        logs, step = run_evaluation(session, to_tensors(batch), forced, mend)
    missed = set_state(session.inventory, session.side, left_by(forced, mend))
    arrays |= logged(logs)
    return [key for key in [*missed, *step.unforced] if key in mend]


def unmended(session: Session, batch: Any, number: int, given: Arrays, arrays: Sieve) -> list[str]:
    """Training step `number` as this side's own replay left it, `given`: nothing is mended or moved, so it isn't run
    again. What the model predicts after it is all that is new. Returns no keys: nothing is to be mended."""
    stand_before(session, number, given)
    arrays |= ((key, given[key]) for key in given if parse(key).kind in COMPARED)
    arrays |= _predicted(session, to_tensors(batch))
    return []


def forced_by(given: Arrays, mend: frozenset[str]) -> Some:
    """What a mended step takes from the reference: its gradients, and what is mended with what updates left of that."""
    forced = {key for key in given if key.startswith(("grad|", "rows|")) or key in mend}
    forced |= {key for key in given if key.startswith("after|") and _mends(key, mend)}
    forced |= {key for key in given if key.startswith("at|") and f"var|{parse(key).owner}|0" in mend}
    return Some(given, {key: key for key in given if key in forced})


def left_by(forced: Arrays, mend: frozenset[str]) -> Some:
    """The weights and slots among what is mended, to be set after the step."""
    left = {key: key for key in forced if parse(key).kind in {"var", "slot"} and key in mend}
    ends = {f"{key.removesuffix('end')}0": key for key in left if key.startswith("var|") and key.endswith("|end")}
    return Some(forced, {key: key for key in left if key not in ends.values()} | ends)


def compared(writer: trace.Writer) -> Callable[[str, np.ndarray], bool]:
    """What of a step's arrays tells whether it agrees is written as soon as it is noted."""

    def take(key: str, array: np.ndarray) -> bool:
        if parse(key).kind in COMPARED:
            writer.add(key, thinned(key, array))
        return key.startswith("lr|")

    return take


def _mends(after: str, mend: frozenset[str]) -> bool:
    """Whether what an update left of a weight or a slot belongs to what is mended."""
    _, owner, index = after.split("|")
    name = index.rpartition("@")[0]
    return f"var|{owner}|{name}" in mend or f"slot|{owner}|{name}" in mend


def _predicted(session: Session, data: Any) -> Arrays:
    """What the model gives for the inputs of the batch outside of training: there its state is read."""
    try:
        with session.draws.training_step():  # a model that draws there, too, draws the same whatever ran before
            outputs = tf.nest.flatten(session.model(data[0], training=False))
    except Exception:  # a model that is only trained, by a train_step of its own
        return {}
    return {f"predict|model|{index}": np.asarray(value) for index, value in enumerate(outputs)}
