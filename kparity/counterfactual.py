"""Has the counterfactuals of a comparison run, and marks the causes that they prove.

In: the two sides' processes, the causes, the steps that were replayed. Out: the causes with `proven`, and notes on what
was not. Called by compare once the causes are known: the one flow that goes back from analysis to capture.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis import observe
from kparity.analysis.locate import Cause
from kparity.analysis.noise import gap
from kparity.analysis.observe import DOUBT, Seen, StepRecord
from kparity.analysis.proof import MOST, Mend, Parts, excused, plan, reaching, remains, step_of, taken
from kparity.analysis.rewrites import Region, outside
from kparity.runtime.side import SideFailed

MOVES = (21, 31)
"""Keys of the one-ulp moves under which the reference runs free; a third moves the outputs of its layers. Several,
because a free step can be ill-conditioned in few elements: where an activation is zero but for round-off, a gradient
passes or does not."""

NEEDLESS = "The step agrees without taking this one back, too."
"""What is said of a cause that the others explain."""
DROWNS = "It is too small for a step that is run free, where round-off of all that comes before it is added."
SHRUNK = 0.1
"""Of its size in float32, what a difference of a whole step may keep in float64. A formula keeps all of it; constants
that a Keras holds in float32, as the rate of a dropout, leave some 1e-8 of an array's size."""

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
    calls: Collection[str] = (),
    region: Region = frozenset(),
    what: str = "replay",
    beside: Sequence[Cause] = (),
) -> list[Cause]:
    """The causes, each with `proven` and, where it isn't, `unproven`: why, in a sentence.

    `roundoff`: differences already shown to be none, which remain when every cause is taken back. `calls`: those that
    the candidate gives no gradient back, or doesn't make. `region`: layers that are written differently and give the
    same together; their own arrays say nothing. `what`: whether it was a `replay` of a training step that showed them,
    or an `evaluation`. `beside`: causes that are taken back in every run, and not judged.
    """
    ranks = {text: rank for rank, text in enumerate(order)}
    at = [step_of(cause, steps) for cause in causes]
    done = list(causes)
    for step in sorted(set(at)):
        reference = trace.Reader(trace.step_file(folder, f"legacy-{what}", step))
        parts = Parts(reference, owners, trainable, calls, trace.Reader(trace.step_file(folder, "legacy-replay", step)))
        every = [*causes, *beside]
        mends = _apart(every, [plan(cause, parts) for cause in every])
        here = [index for index, place in enumerate(at) if place == step and mends[index] is not None][:MOST]
        if not here:
            continue
        free = _run(both, sides, folder, step, mends, here, ranks, parts, region, what)
        rest = reaching([one for one in free.whole if not excused(one, roundoff)], free.reference)
        everything = _request("proof-all-float64", [mend for mend in mends if mend is not None], parts)
        if rest and (exact := _in_float64(both, sides, folder, step, [everything], what)) is not None:
            record = StepRecord(step, exact[0], exact[1], {})
            rest = [one for one in rest if not observe.roundoff(record, one, SHRUNK)]
        for index in here:
            own = mends[index]
            there = [one for one in free.without[index] if own is not None and own.names(one.key, owners)]
            there = [one for one in there if not excused(one, roundoff)]
            done[index] = _judge(causes[index], rest, bool(there))
            if own is not None and done[index].unproven == NEEDLESS and _small(causes[index], free):
                others = [mend for other, mend in enumerate(mends) if mend is not None and other != index]
                but = {**_request(f"proof-but-{index}-float64", others, parts), "own": sorted(own.own)}
                exact = _in_float64(both, sides, folder, step, [everything, but], what)
                done[index] = replace(causes[index], unproven=DROWNS)
                if _there_in_float64(causes[index], exact):
                    done[index] = replace(causes[index], proven=True)
    return [
        cause if cause.proven or cause.unproven else replace(cause, unproven="No counterfactual is run for it yet.")
        for cause in done
    ]


def _apart(causes: Sequence[Cause], mends: Sequence[Mend | None]) -> list[Mend | None]:
    """A layer's mend leaves alone the state that is a cause of its own."""
    own = {c: m.updated for c, m in enumerate(mends) if m is not None and causes[c].phase == "state"}
    taken = frozenset().union(*own.values())
    return [m if m is None or c in own else replace(m, updated=m.updated - taken) for c, m in enumerate(mends)]


@dataclass(frozen=True)
class _Free:
    """A step run free. `worst`: the reference's arrays, each element as far off as one-ulp moves took it; `whole`: what
    differs with every cause mended; `without`: by cause, what does with every cause mended but this one."""

    reference: Mapping[str, np.ndarray]
    worst: Mapping[str, np.ndarray]
    whole: list[Seen]
    without: dict[int, list[Seen]]


def _run(
    both: Both,
    sides: tuple[Ask, Ask],
    folder: Path,
    step: int,
    mends: Sequence[Mend | None],
    here: Sequence[int],
    order: Mapping[str, int],
    parts: Parts,
    region: Region,
    what: str,
) -> "_Free":
    """Run the step free: as it is on the reference, with every cause mended, and with every cause mended but one."""
    known = [(index, mend) for index, mend in enumerate(mends) if mend is not None]
    everything = [mend for _, mend in known]
    runs = [_request("proof-all", everything, parts)]
    for index in here:
        rest = [mend for other, mend in known if other != index]
        runs.append({**_request(f"proof-but-{index}", rest, parts), "own": sorted(dict(known)[index].own)})
    plain: list[dict[str, Any]] = [{"name": "proof-reference", "mend": [], "own": [], "nudge": 0}]
    plain += [{"name": f"proof-moved-{key}", "mend": [], "own": [], "nudge": key} for key in MOVES]
    # An output near 1 keeps its bits when what it is made of moves, and what divides by its distance from 1 does not
    outputs = [key for key in parts.reference if key.startswith("out|")]
    plain.append({"name": "proof-moved-outputs", "mend": outputs, "own": [], "nudge": MOVES[0]})
    names = {"step": step, "states": "legacy-state", "given": f"legacy-{what}", "evaluated": what == "evaluation"}
    both(
        lambda: sides[0]("counterfactual", runs=plain, **names), lambda: sides[1]("counterfactual", runs=runs, **names)
    )

    def arrays(name: str) -> Mapping[str, np.ndarray]:
        found = trace.Reader(trace.step_file(folder, name, step))
        return outside(found, region) if region else found

    reference, *moved = (arrays(one["name"]) for one in plain)
    worst = _Furthest(reference, moved)

    def left(name: str, kept: list[Mend]) -> list[Seen]:
        candidate = arrays(name)
        unshared = [key for key in dict.fromkeys([*reference, *candidate]) if (key in reference) != (key in candidate)]
        lone = tuple(key for key in unshared if key.startswith("grad|"))
        return remains(StepRecord(step, reference, candidate, worst, lone), kept, order, parts)

    without = {i: left(f"proof-but-{i}", [m for other, m in known if other != i]) for i in here}
    return _Free(reference, worst, left("proof-all", everything), without)


def _in_float64(
    both: Both, sides: tuple[Ask, Ask], folder: Path, step: int, runs: list[dict[str, Any]], what: str
) -> list[trace.Reader] | None:
    """The step in float64: as the reference runs it free, then as each of the candidate's `runs` leaves it.

    None where the model doesn't run in float64.
    """
    given, evaluated = f"legacy-{what}-float64", what == "evaluation"
    names = {"step": step, "states": "legacy-state", "given": given, "float64": True, "evaluated": evaluated}
    plain = [{"name": "proof-reference-float64", "mend": [], "own": [], "nudge": 0}]
    try:
        if not trace.step_file(folder, given, step).exists():
            free = {"states": "legacy-state", "forced": None, "nudge": 0, "name": given}
            free |= {"float64": True, "evaluated": evaluated}
            sides[0]("replay", steps=[step], **free)
        both(
            lambda: sides[0]("counterfactual", runs=plain, **names),
            lambda: sides[1]("counterfactual", runs=runs, **names),
        )
    except SideFailed as failed:
        if failed.kind in {"died", "hung"}:
            raise
        return None
    return [trace.Reader(trace.step_file(folder, one["name"], step)) for one in (*plain, *runs)]


def _small(cause: Cause, free: "_Free") -> bool:
    """Whether a difference would drown in the round-off of a step that is run free.

    There everything moves that comes before; the replay that showed it was forced.
    """
    key = str(cause.evidence.get("array", ""))
    if cause.local_error is None or key not in free.reference or key not in free.worst:
        return False
    return cause.local_error <= DOUBT * gap(free.reference[key], free.worst[key], free.worst[key]).floor


def _there_in_float64(cause: Cause, exact: Sequence[Mapping[str, np.ndarray]] | None) -> bool:
    """Whether a small difference is there with every cause mended but this one, and not with all. `exact`: the free
    step, the one with all mended, the one with all but this."""
    key = str(cause.evidence.get("array", ""))
    if exact is None or any(key not in arrays for arrays in exact):
        return False
    whole, without = (gap(exact[0][key], arrays[key], exact[0][key]).error for arrays in exact[1:])
    return without >= 0.1 * (cause.local_error or 0.0) and without >= 10.0 * whole


def _request(name: str, mends: list[Mend], parts: Parts) -> dict[str, Any]:
    return {"name": name, "mend": taken(mends, parts), "own": [], "nudge": 0}


class _Furthest(Mapping[str, np.ndarray]):
    """Of a step and its one-ulp moves the arrays of `_furthest`, each made when it is asked for: together they are
    several times what a large model's training takes."""

    def __init__(self, reference: Mapping[str, np.ndarray], moved: Sequence[Mapping[str, np.ndarray]]) -> None:
        self.reference, self.moved = reference, moved

    def __getitem__(self, key: str) -> np.ndarray:
        return _furthest(self.reference[key], [other[key] for other in self.moved])

    def __contains__(self, key: object) -> bool:
        return key in self.reference

    def __iter__(self) -> Iterator[str]:
        return iter(self.reference)

    def __len__(self) -> int:
        return len(self.reference)


def _furthest(value: np.ndarray, moved: list[np.ndarray]) -> np.ndarray:
    """Of several results of one-ulp moves, element by element the one that is furthest from `value`."""
    if not np.issubdtype(value.dtype, np.floating):
        return next((other for other in moved if not np.array_equal(other, value)), value)
    furthest, away = moved[0], _away(moved[0], value)
    for other in moved[1:]:
        further = _away(other, value)
        furthest, away = np.where(further > away, other, furthest), np.maximum(further, away)
    return furthest


def _away(moved: np.ndarray, value: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.abs(np.nan_to_num(moved - value))


def _judge(cause: Cause, whole: list[Seen], without: bool) -> Cause:
    """Proven where the step agrees with every cause mended, and doesn't with every one but this."""
    if whole:
        worst = max(whole, key=lambda one: one.gap.ratio)
        owner, error = worst.key.owner, worst.gap.error
        said = f"With all causes taken back, `{owner}` still differs ({error:.1e} of its size, {worst.phase})."
        return replace(cause, unproven=said)
    if not without:
        return replace(cause, unproven=NEEDLESS)
    return replace(cause, proven=True)


def independent(causes: Sequence[Cause]) -> tuple[list[Cause], list[str]]:
    """The causes without those that come of the others, and a note on each of these.

    A difference that was seen within a step and that is gone once the other causes are taken back is a consequence.
    What was seen before training, in the model's structure, initial weights or data, stands whatever a step shows.
    A lone cause is as old as what comes of it: a loss may differ first in its gradient.
    """
    seen = [c for c in causes if c.phase not in {"api", "config", "init", "data"} and c.unproven == NEEDLESS]
    if not any(cause.proven for cause in causes):
        return list(causes), []
    notes = [
        f"`{one.variable or one.layer or one.evidence.get('quantity', one.phase)}` differs too ({one.phase}), and no "
        "longer does once the other causes are taken back."
        for one in seen
    ]
    left = [cause for cause in causes if cause not in seen]
    if len(left) == 1 and left[0].step:
        left = [replace(left[0], step=min(left[0].step, *(one.step or left[0].step for one in seen), left[0].step))]
    return left, notes


def needed(causes: Sequence[Cause], trained: Collection[str], names: tuple[str, str]) -> tuple[list[Cause], list[str]]:
    """The causes without the variables that one side alone has, doesn't train, and can do without, and a note on each.

    What a preprocessing layer learned its table from is such a variable: a step agrees whether it is there or not, and
    nothing else differs of its layer. `trained`: names of variables that are trained; `names`: of the two sides.
    """
    alone = {"missing-variable": names[0], "extra-variable": names[1]}
    idle = [
        one
        for one in causes
        if one.kind in alone
        and one.unproven == NEEDLESS
        and not {one.variable, *one.also} & {*trained}
        and not any(other.layer == one.layer and other.kind not in alone for other in causes)
    ]
    notes = [
        f"`{', '.join([str(one.variable), *one.also])}` is kept by {alone[one.kind]} alone, and neither training nor "
        "evaluation needs it."
        for one in idle
    ]
    return [one for one in causes if one not in idle], notes
