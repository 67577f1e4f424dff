"""Single steps run again from saved states: which requests that takes, and what they show.

In: the two sides' processes, the steps. Out: StepRecords and Observations. Called by compare after training. The
reference runs free, the candidate forced by its tensors; a region of the model that is written differently on the two
sides is left to itself and judged by its edges; where round-off is in doubt, float64 decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis import observe, rewrites
from kparity.analysis.explain import Explainer
from kparity.analysis.observe import Observations, StepRecord
from kparity.analysis.rewrites import Region
from kparity.analysis.verdict import cancelled
from kparity.runtime.failed import SideFailed

REFERENCE, CANDIDATE = "legacy", "keras3"
REPLAY_MOVE = 11
"""Key of the one-ulp moves of everything in a replay."""
NOTHING: Region = frozenset()

Ask = Callable[..., Any]
"""A side's `ask`."""


@dataclass(frozen=True)
class Replays:
    """What is asked, and of whom. `say` tells a stage; `owners`: variable name -> path of its layer."""

    reference: Ask
    candidate: Ask
    say: Callable[[str], None]
    folder: Path
    order: list[str]
    trainable: set[str]
    owners: Mapping[str, str]
    what: str = "replay"
    """`replay` of training steps, or `evaluation` of their batches."""


def request(
    chosen: Sequence[int], name: str, float64: bool = False, region: Region = NOTHING, what: str = "replay"
) -> dict[str, Any]:
    """Replays single steps on a side: the reference free, the candidate forced by it but for a region of it."""
    suffix = "-float64" * float64
    return {
        "steps": list(chosen),
        "states": f"{REFERENCE}-state",
        "forced": None if name == REFERENCE else f"{REFERENCE}-{what}{suffix}",
        "nudge": 0,
        "name": f"{name}-{what}{suffix}{'-freed' * bool(region)}",
        "float64": float64,
        "free": sorted(region),
        "doubt": observe.DOUBT,
        "evaluated": what == "evaluation",
    }


def measure(reference: Ask, forced: Mapping[str, Any], region: Region = NOTHING, what: str = "replay") -> None:
    """Have the reference measure its own noise at the steps that the candidate replayed: of the arrays that differ."""
    steps = sorted(int(step) for step, keys in forced["unlike"].items() if keys)
    if steps:
        asked = {**request(steps, CANDIDATE, region=region, what=what), "nudge": REPLAY_MOVE}
        asked["name"] = _moved(what, region)
        reference("replay", only={str(step): forced["unlike"][str(step)] for step in steps}, **asked)


def _moved(what: str, region: Region) -> str:
    """The name of the arrays that the reference leaves after one-ulp moves."""
    return "moved" + "-evaluation" * (what == "evaluation") + "-freed" * bool(region)


def records(
    folder: Path, forced: Mapping[str, Any], region: Region = NOTHING, what: str = "replay"
) -> list[StepRecord]:
    """The steps as the candidate's replay left them, with the noise that was measured of them."""
    return [_record(folder, step, forced, region=region, what=what) for step in sorted(map(int, forced["unlike"]))]


def _record(
    folder: Path,
    step: int,
    forced: Mapping[str, Any],
    suffix: str = "",
    region: Region = NOTHING,
    what: str = "replay",
) -> StepRecord:
    keys = set(forced["unlike"][str(step)])
    back = {key.replace("out|", "dy|", 1) for key in keys} | {key.replace("in|", "dx|", 1) for key in keys}
    gradients = {one for key in back for one in trace.passes(key)}
    freed = suffix + "-freed" * bool(region)

    def arrays(name: str, wanted: set[str]) -> dict[str, np.ndarray]:
        file = trace.step_file(folder, name, step)
        return trace.read_arrays(file, wanted) if file.exists() else {}

    record = StepRecord(
        step,
        arrays(f"{REFERENCE}-{what}{suffix}", keys | gradients),
        arrays(f"{CANDIDATE}-{what}{freed}", keys),
        {} if suffix else arrays(_moved(what, region), keys),
        tuple(forced["lone"][str(step)]),
    )
    return rewrites.without(record, region)


def recorded(folder: Path, step: int) -> tuple[trace.Reader, trace.Reader]:
    """What the reference recorded of a step, and what the candidate did: the arrays that are not the reference's."""
    ours, theirs = (trace.step_file(folder, f"{name}-replay", step) for name in (REFERENCE, CANDIDATE))
    return trace.Reader(ours), trace.Reader(theirs)


def settle(
    replays: Replays, seen: Observations, regions: Sequence[Region], explainer: Explainer, notes: list[str]
) -> tuple[Observations, Region]:
    """What is seen once those of the regions are left to themselves that are the same to all that is around them."""
    kept = NOTHING
    if not regions:
        return seen, kept
    steps = [record.step for record in seen.records]
    first = min((one.step for one in seen.live if one.phase in rewrites.WITHIN), default=0)
    outputs = trace.read_arrays(
        trace.step_file(replays.folder, f"{REFERENCE}-replay", first),
        {text for text in replays.order if text.startswith("out|")},
    )
    for region in regions:
        region = rewrites.with_shells(region, outputs)
        if region <= kept:
            continue
        after = _left_to_itself(replays, kept | region, [first], explainer)
        if rewrites.settles(kept | region, seen, after):
            kept |= region
            if not any(one.phase in rewrites.WITHIN for one in after.live):
                break
    if not kept:
        return seen, kept
    after = _left_to_itself(replays, kept, steps, explainer)
    if not rewrites.settles(kept, seen, after):
        return seen, NOTHING
    notes.append(rewrites.told(kept))
    return after, kept


def _left_to_itself(replays: Replays, region: Region, steps: Sequence[int], explainer: Explainer) -> Observations:
    replays.say("replaying steps with what is written differently left to itself")
    forced = replays.candidate("replay", **request(steps, CANDIDATE, region=region))
    measure(replays.reference, forced, region)
    seen = observe.look(records(replays.folder, forced, region), replays.order, replays.trainable, replays.owners)
    return arbitrate(replays, seen, explainer, [], region)


def arbitrate(
    replays: Replays, seen: Observations, explainer: Explainer, notes: list[str], region: Region = NOTHING
) -> Observations:
    """Where a difference is little above the noise floor, both sides run its step in float64: round-off shrinks.

    A model that can't run in float64 keeps those doubtful differences that its configuration confirms.
    """
    doubtful = observe.doubtful(seen, explainer.classes)
    if not doubtful:
        return seen
    steps = sorted({one.step for one in doubtful})
    replays.say("deciding doubtful differences in float64")
    try:
        replays.reference("replay", **request(steps, REFERENCE, float64=True, what=replays.what))
        forced = replays.candidate(
            "replay", **request(steps, CANDIDATE, float64=True, region=region, what=replays.what)
        )
    except SideFailed as failed:
        if failed.kind in {"died", "hung"}:
            raise
        close = [one for one in doubtful if one.gap.ratio < observe.CERTAIN]
        vanished = [one for one in close if not explainer.confirms(one, seen.owners)]
        if vanished:
            worst = max(one.gap.ratio for one in vanished)
            notes.append(
                f"A difference of {worst:.0f} noise floors could not be decided in float64, which this model does not "
                f"run in ({failed.message}); it is not called a cause."
            )
    else:
        decided = {step: _record(replays.folder, step, forced, "-float64", region, replays.what) for step in steps}
        vanished = [one for one in doubtful if observe.roundoff(decided[one.step], one)]
        named = {step: {str(one.key) for one in vanished if one.step == step} for step in steps}
        files = {step: trace.step_file(replays.folder, f"{REFERENCE}-{replays.what}-float64", step) for step in steps}
        exact = {step: trace.read_arrays(files[step], named[step]) for step in steps}
        real = observe.directed(vanished, seen, exact, explainer.classes)
        vanished = [one for one in vanished if id(one) not in real]
        notes += cancelled(vanished)
    live = [one for one in seen.live if one not in vanished]
    return replace(seen, live=live, roundoff=tuple(vanished))
