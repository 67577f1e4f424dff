"""The requests of a side's process where the program trains by a loop of its own.

In: a `Loop` and the same requests as for a model that `fit` trains. Out: the same answers and files. Called by the
capture process in place of its own methods.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture import mend, train
from kparity.capture.inventory import get_state, set_state
from kparity.capture.loop import Body, Loop
from kparity.capture.replay import Arrays, Run, Sieve, slots_left, update_alone
from kparity.capture.train import Session, Training

Ended = Callable[[int], None]
"""Told each step that is done."""


def first_state(loop: Loop) -> tuple[Session, Arrays]:
    """The session of a new run at its first iteration, and its state there."""
    found: list[Any] = []

    def visit(session: Session, number: int, body: Body) -> None:
        found[:] = [session, get_state(session.inventory, loop.side)]

    loop.run(visit, 1)
    return found[0], found[1]


def train_loop(
    loop: Loop,
    steps: int,
    chosen: set[int],
    whole: set[int],
    initial: Arrays,
    folder: Path,
    name: str,
    progress: Ended,
    nudge: int,
) -> Training:
    """As `capture.train.train`, of a loop. Statistics are those of weights and losses alone."""
    curves: dict[str, list[float]] = {}
    rows: list[np.ndarray] = []
    keys: list[str] = []
    nonfinite: list[int] = []
    tools: dict[str, Any] = {}

    def visit(session: Session, number: int, body: Body) -> Any:
        if nonfinite:
            return body()
        if number == 1:
            set_state(session.inventory, loop.side, initial)
        if tools.get("session") is not session:
            move = train.compile_move(session, nudge) if nudge else None
            tools.update(session=session, move=move, look=_look(session))
        if tools["move"] is not None:
            loop.draws.stand_at(number)
            tools["move"]()
        if number in chosen:
            arrays = get_state(session.inventory, loop.side)
            trace.write_arrays(trace.step_file(folder, f"{name}-state", number), arrays)
        rates = {
            train.rate_key(session.inventory.place(g)): loop.side.learning_rate(g) for g in session.inventory.groups
        }
        flow = loop.plainly(session, number, body)
        numbers = loop.reported.curves()
        numbers |= {train.parse_rate(key): float(rate) for key, rate in rates.items() if rate is not None}
        for key, value in numbers.items():
            curves.setdefault(key, [np.nan] * (number - 1)).append(value)
        totals = [float(value) for value in loop.reported.totals.values()]
        keys[:] = keys or [f"var|{variable}|0" for variable in session.inventory.variables] + [
            f"total|loss|{place}" for place in range(len(totals))
        ]
        rows.append(_row(tools["look"](), totals, len(keys)))
        if number == 1 and number in whole:  # of a later step no noise is known
            updated = {one for names in session.inventory.owned() for one in names}
            variables = session.inventory.variables.items()
            arrays = {f"var|{one}|{'end' if one in updated else '0'}": np.array(v) for one, v in variables}
            trace.write_arrays(trace.step_file(folder, f"{name}-graph", number), arrays)
        progress(number)
        if not np.isfinite([*numbers.values()]).all():
            nonfinite.append(number)
        return flow

    loop.run(visit, steps)
    lasted = len(rows)
    full = {key: [*values, *[np.nan] * (lasted - len(values))] for key, values in curves.items()}
    return Training(full, keys, np.stack(rows), nonfinite[0] if nonfinite else None)


def go_on_from(loop: Loop, steps: int, initial: Arrays) -> None:
    """Train again from `initial`, then let the program leave its loop and run to its end."""

    def visit(session: Session, number: int, body: Body) -> Any:
        if number == 1:
            set_state(session.inventory, loop.side, initial)
        return loop.plainly(session, number, body)

    loop.run(visit, steps, go_on=True)


def _look(session: Session) -> Any:
    """A compiled function that gives the statistics of every variable."""
    variables = list(session.inventory.variables.values())

    @tf.function
    def look() -> tf.Tensor:
        return train.statistics([tf.convert_to_tensor(one) for one in variables])

    return look


def _row(variables: tf.Tensor, totals: list[float], width: int) -> np.ndarray:
    lone = np.array([[abs(total), *[total] * trace.SAMPLES] for total in totals], "float32")
    row = np.concatenate([np.asarray(variables), lone.reshape(-1, 1 + trace.SAMPLES)])
    return np.resize(row, (width, row.shape[1])) if len(row) < width else row[:width]


def replay_loop(
    loop: Loop,
    steps: list[int],
    one: Callable[[int, Run], None],
    evaluated: bool = False,
) -> None:
    """Run the program up to the last of `steps`, training; at each of them `one(step, run)` is called, which calls
    `run` for the arrays of that iteration, as of `capture.replay.replay`; or, `evaluated`, for those of its models that
    are called as it calls them and told not to train."""
    wanted = set(steps)

    def visit(session: Session, number: int, body: Body) -> Any:
        if number not in wanted:
            return loop.plainly(session, number, body)
        flows: list[Any] = []

        def run(state: Arrays, forced: Arrays | None, into: Sieve) -> list[str]:
            set_state(session.inventory, loop.side, state)
            if evaluated:
                step, flow = _evaluated(loop, session, number, body, state, forced, frozenset(), forced)
                flows.append(flow)
                into |= {key: np.asarray(value) for key, value in step.tensors.items()}
                return step.unforced
            logs, step, flow = loop.recorded(session, number, body, forced, frozenset())
            flows.append(flow)
            arrays = _arrays(loop, session, step, logs)
            after = get_state(session.inventory, loop.side)
            if into.updates:
                arrays |= update_alone(session, state, arrays if forced is None else forced)
            set_state(session.inventory, loop.side, after)
            into |= arrays
            return step.unforced

        one(number, run)
        return flows[0]

    loop.run(visit, max(wanted))


def _evaluated(
    loop: Loop,
    session: Session,
    number: int,
    body: Body,
    state: Arrays,
    forced: Arrays | None,
    mended: frozenset[str],
    given: Arrays | None,
) -> tuple[Any, Any]:
    """Run an iteration, and then what it calls again from `state`, without training; then all is as after the first.
    The rest as of `Loop.evaluated`."""
    calls, flow = loop.calls(number, body)
    after = get_state(session.inventory, loop.side)
    set_state(session.inventory, loop.side, state)
    step = loop.evaluated(session, number, calls, forced, mended, given)
    set_state(session.inventory, loop.side, after)
    return step, flow


def _arrays(loop: Loop, session: Session, step: Any, logs: dict[str, Any]) -> dict[str, np.ndarray]:
    arrays = {key: np.asarray(value) for key, value in step.tensors.items()}
    arrays |= {f"log|{name}|0": np.asarray(value) for name, value in logs.items()}
    return arrays | dict(slots_left(session, step))


def mend_loop(
    loop: Loop, number: int, state: Arrays, given: Arrays, keys: list[str], into: Sieve, evaluated: bool = False
) -> list[str]:
    """As `capture.mend.mended`: run the program up to step `number` and that one with the reference's arrays.
    `evaluated`: as of `replay_loop`."""
    left: list[str] = []

    def visit(session: Session, now: int, body: Body) -> Any:
        if now < number:
            return loop.plainly(session, now, body)
        set_state(session.inventory, loop.side, state)
        wanted = frozenset(keys)
        forced = mend.forced_by(given, wanted)
        if evaluated:
            step, flow = _evaluated(loop, session, number, body, state, forced, wanted, given)
            for key, value in step.tensors.items():
                into[key] = np.asarray(value)
            left[:] = [key for key in step.unforced if key in wanted]
            return flow
        logs, step, flow = loop.recorded(session, number, body, forced, wanted)
        missed = set_state(session.inventory, loop.side, mend.left_by(forced, wanted))
        for arrays in (_arrays(loop, session, step, logs).items(), update_alone(session, state, given)):
            for key, value in arrays:
                into[key] = value
        left[:] = [key for key in [*missed, *step.unforced] if key in wanted]
        return flow

    loop.run(visit, number)
    return left
