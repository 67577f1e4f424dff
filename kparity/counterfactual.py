"""Has the counterfactuals of a comparison run, and marks the causes that they prove.

In: the two sides' processes, the causes, the steps that were replayed. Out: the causes with `proven`, and notes on what
was not. Called by compare once the causes are known: the one flow that goes back from analysis to capture.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis import observe
from kparity.analysis.locate import Cause
from kparity.analysis.observe import Seen, StepRecord
from kparity.analysis.proof import MOST, Mend, Parts, excused, plan, remains, step_of, taken
from kparity.runtime.side import SideFailed

MOVES = (21, 31, 41)
"""Keys of the one-ulp moves under which the reference runs free. Several, because a free step can be ill-conditioned
in few elements: where an activation is zero but for round-off, a gradient passes or does not."""

Ask = Callable[..., Any]
"""A side's `ask`."""
Both = Callable[[Callable[[], Any], Callable[[], Any]], tuple[Any, Any]]
"""Runs two requests at once."""


def prove(
    both: Both,
    sides: tuple[Ask, Ask],
    folder: Path,
    causes: Sequence[Cause],
    steps: Sequence[int],
    order: Sequence[str],
    owners: Mapping[str, str],
    trainable: set[str],
    roundoff: Sequence[Seen] = (),
) -> list[Cause]:
    """The causes, each with `proven` and, where it isn't, `unproven`: why, in a sentence.

    `roundoff`: differences already shown to be none, which remain when every cause is taken back.
    """
    ranks = {text: rank for rank, text in enumerate(order)}
    at = [step_of(cause, steps) for cause in causes]
    done = list(causes)
    for step in sorted(set(at)):
        reference = trace.read_arrays(trace.step_file(folder, "legacy-replay", step))
        parts = Parts(reference, owners, trainable)
        mends = [plan(cause, parts) for cause in causes]
        here = [index for index, place in enumerate(at) if place == step and mends[index] is not None][:MOST]
        told = _run(both, sides, folder, step, mends, here, ranks, parts)
        rest = [one for one in next(iter(told.values()), ([], []))[0] if not excused(one, roundoff)]
        if rest:
            rest = _in_float64(both, sides, folder, step, mends, rest, parts)
        for index in here:
            without = told[index][1]
            own = mends[index]
            there = [one for one in without if own is not None and own.names(one.key, owners)]
            done[index] = _judge(causes[index], rest, [one for one in there if not excused(one, roundoff)])
    return [
        cause if cause.proven or cause.unproven else replace(cause, unproven="No counterfactual is run for it yet.")
        for cause in done
    ]


def _run(
    both: Both,
    sides: tuple[Ask, Ask],
    folder: Path,
    step: int,
    mends: Sequence[Mend | None],
    here: Sequence[int],
    order: Mapping[str, int],
    parts: Parts,
) -> dict[int, tuple[list[Seen], list[Seen]]]:
    """Cause -> what remains of the step with every cause mended, and with every cause mended but this one."""
    known = [(index, mend) for index, mend in enumerate(mends) if mend is not None]
    everything = [mend for _, mend in known]
    runs = [_request("proof-all", everything, parts)]
    for index in here:
        rest = [mend for other, mend in known if other != index]
        runs.append({**_request(f"proof-but-{index}", rest, parts), "own": sorted(dict(known)[index].own)})
    plain = [{"name": "proof-reference", "mend": [], "own": [], "nudge": 0}]
    plain += [{"name": f"proof-moved-{key}", "mend": [], "own": [], "nudge": key} for key in MOVES]
    names = {"step": step, "states": "legacy-state", "given": "legacy-replay"}
    both(
        lambda: sides[0]("counterfactual", runs=plain, **names), lambda: sides[1]("counterfactual", runs=runs, **names)
    )

    def arrays(name: str) -> dict[str, np.ndarray]:
        return trace.read_arrays(trace.step_file(folder, name, step))

    reference, moved = arrays("proof-reference"), [arrays(f"proof-moved-{key}") for key in MOVES]
    worst = {key: _furthest(value, [other[key] for other in moved]) for key, value in reference.items()}

    def unshared(key: str, candidate: dict[str, np.ndarray]) -> bool:
        return (key in reference) != (key in candidate)

    def left(name: str, kept: list[Mend]) -> list[Seen]:
        candidate = arrays(name)
        lone = tuple(key for key in {**reference, **candidate} if key.startswith("grad|") and unshared(key, candidate))
        return remains(StepRecord(step, reference, candidate, worst, lone), kept, order, parts)

    whole = left("proof-all", everything)
    return {i: (whole, left(f"proof-but-{i}", [m for other, m in known if other != i])) for i in here}


def _in_float64(
    both: Both,
    sides: tuple[Ask, Ask],
    folder: Path,
    step: int,
    mends: Sequence[Mend | None],
    rest: list[Seen],
    parts: Parts,
) -> list[Seen]:
    """What remains with every cause taken back, and remains in float64 too: a sum that cancels loses other digits on
    each side, more than one-ulp moves of the reference show. All of it, where the model doesn't run in float64."""
    given = "legacy-replay-float64"
    names = {"step": step, "states": "legacy-state", "given": given, "float64": True}
    plain = [{"name": "proof-reference-float64", "mend": [], "own": [], "nudge": 0}]
    mended = [_request("proof-all-float64", [mend for mend in mends if mend is not None], parts)]
    try:
        if not trace.step_file(folder, given, step).exists():
            free = {"states": "legacy-state", "forced": None, "nudge": 0, "name": given, "float64": True}
            sides[0]("replay", steps=[step], **free)
        both(
            lambda: sides[0]("counterfactual", runs=plain, **names),
            lambda: sides[1]("counterfactual", runs=mended, **names),
        )
    except SideFailed as failed:
        if failed.kind in {"died", "hung"}:
            raise
        return rest
    exact, candidate = (trace.read_arrays(trace.step_file(folder, one["name"], step)) for one in (*plain, *mended))
    record = StepRecord(step, exact, candidate, {})
    return [one for one in rest if not observe.roundoff(record, one)]


def _request(name: str, mends: list[Mend], parts: Parts) -> dict[str, Any]:
    return {"name": name, "mend": taken(mends, parts), "own": [], "nudge": 0}


def _furthest(value: np.ndarray, moved: list[np.ndarray]) -> np.ndarray:
    """Of several results of one-ulp moves, element by element the one that is furthest from `value`."""
    if not np.issubdtype(value.dtype, np.floating):
        return next((other for other in moved if not np.array_equal(other, value)), value)
    stacked = np.stack(moved)
    with np.errstate(invalid="ignore"):
        place = np.argmax(np.abs(np.nan_to_num(stacked - value)), axis=0)
    return np.take_along_axis(stacked, place[None], axis=0)[0]


def _judge(cause: Cause, whole: list[Seen], without: list[Seen]) -> Cause:
    """Proven where the step agrees with every cause mended, and doesn't with every one but this."""
    if whole:
        worst = max(whole, key=lambda one: one.gap.ratio)
        owner, error = worst.key.owner, worst.gap.error
        said = f"With all causes taken back, `{owner}` still differs ({error:.1e} of its size, {worst.phase})."
        return replace(cause, unproven=said)
    if not without:
        return replace(cause, unproven="The step agrees without taking this one back, too.")
    return replace(cause, proven=True)
