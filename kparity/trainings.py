"""Builds both models, trains them and replays steps of it: what each side is asked for that, and in which order.

In: a comparison under way. Out: what both trainings answered, and their replayed steps. Called by compare; nothing is
judged here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kparity import evaluations, replays, trace
from kparity.analysis import match
from kparity.analysis.calls import Calls
from kparity.analysis.curves import accuracy
from kparity.analysis.locate import Cause
from kparity.analysis.observe import StepRecord
from kparity.analysis.onset import sudden_steps
from kparity.analysis.rewrites import Region
from kparity.analysis.verdict import curves_of
from kparity.beside import FEWEST, affordable, chosen_steps, repeated_first, side_by_side, size_of
from kparity.replays import CANDIDATE, REFERENCE
from kparity.shares import apart, known_noise, shares, stand_ins
from kparity.under_way import Pair, Run, Trained, state_of, stats_of

NO_RERUN: dict[str, Any] = {"curves": {}, "validation": {}}
"""What stands for the answer of a training one ulp away that there isn't."""
ULP_MOVE = 1
"""Key of the one-ulp moves of the rerun's weights."""


def build_both(run: Run, verdict: dict[str, Any], seed: int) -> Pair:
    """Build both models, cut the batches, and have the candidate take on the reference's names."""
    options = run.options
    folder = options.folder / "trace" / f"seed-{seed}"
    build = {"seed": seed, "steps": options.steps, "batch_size": options.batch_size, "folder": str(folder.resolve())}
    run.say("building the models and cutting the batches")
    left, right = run.both(
        lambda: run.reference.ask("build", own=REFERENCE, keep_batches=True, **build),
        lambda: run.candidate.ask("build", own=CANDIDATE, keep_batches=False, **build),
    )
    if right["raised"] and not left["raised"]:
        raise run.candidate.side.failed(right["raised"])
    if left["several"] and not right["several"]:  # only one of the two training steps is Keras's own
        right |= run.candidate.ask("watch")
    elif right["several"] and not left["several"]:
        left |= run.reference.ask("watch")
    for name, told in ((REFERENCE, left), (CANDIDATE, right)):
        verdict["sides"][name] |= {key: told[key] for key in ("module", "jit_compile", "parameters")}
    pairing = match.pair(left, right)
    draws = {
        right["owners"][mine]: left["owners"][theirs]
        for mine, theirs in pairing.variables.items()
        if right["owners"].get(mine) and left["owners"].get(theirs) and right["owners"][mine] != left["owners"][theirs]
    }
    maps = {"layers": pairing.layers, "variables": pairing.variables, "names": draws}
    run.candidate.ask("align", optimizers=left["optimizers"], **maps)
    return Pair(folder, left, right, pairing)


def training_of(run: Run) -> dict[str, Any]:
    """The request that trains a side from the reference's initial state."""
    steps = run.options.steps
    initial = f"tensors/{REFERENCE}-state-000000.safetensors"
    return {"steps": steps, "chosen": sorted(chosen_steps(steps)), "whole": [1, steps], "initial": initial}


def both_trained(run: Run, pair: Pair) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train both sides from the same state on the same batches; the callbacks of both act on the same numbers."""
    request = training_of(run)
    run.say("training")
    ours, theirs = run.both(
        lambda: run.reference.ask("train", nudge=0, name=REFERENCE, **request),
        lambda: run.candidate.ask("train", nudge=0, name=CANDIDATE, **{**request, "chosen": []}),
    )
    if ours["epochs"]:
        reported = {"reported": ours["curves"], "epochs": ours["epochs"], "marked": pair.marked}
        asks = (run.reference.ask, run.candidate.ask)
        theirs["judged"] = run.both(lambda: asks[0]("follow", **reported), lambda: asks[1]("follow", **reported))
        theirs["rates"] = theirs["judged"][1]["rates"]
    return ours, theirs


def replayed(run: Run, pair: Pair, ours: dict[str, Any], theirs: dict[str, Any]) -> Trained:
    """Replay single steps of both trainings."""
    steps, folder = run.options.steps, pair.folder
    request = training_of(run)
    chosen = request["chosen"]
    lasted = min(side["nonfinite_step"] or len(next(iter(side["curves"].values()), [])) for side in (ours, theirs))
    if ours["nonfinite_step"] != theirs["nonfinite_step"] and lasted not in chosen:
        chosen = sorted({*[step for step in chosen if step <= lasted], lasted})
        run.say("training again up to the step that is not finite")
        run.reference.ask("train", nudge=0, name=REFERENCE, **{**request, "steps": lasted, "chosen": chosen})
    chosen = [step for step in chosen if step <= lasted]
    chosen = _with_sudden_steps(folder, chosen, ours["keys"], theirs["keys"])

    run.say("replaying single steps")
    known = [step for step in chosen_steps(steps) if step in chosen]
    ranked = [*known[:FEWEST], *[step for step in chosen if step not in known], *known[FEWEST:]]
    looped = pair.left["looped"] or pair.right["looped"]
    inert, free, forced = side_by_side(
        run.both,
        (run.reference.ask, run.candidate.ask),
        [sorted(chosen)] if looped else [[step] for step in ranked],
        (lambda at: replays.request(at, REFERENCE), lambda at: replays.request(at, CANDIDATE)),
        lambda: _inert(run, pair, run.candidate.ask, theirs),
        lambda at: (
            chosen if looped else affordable(ranked, size_of(trace.step_file(folder, f"{REFERENCE}-replay", at)), steps)
        ),
        lambda answer: replays.measure(run.reference.ask, answer),
    )
    records = replays.records(folder, forced)
    calls = Calls(free["ran"], forced["ran"], tuple(free["order"]))
    size = size_of(trace.step_file(folder, f"{REFERENCE}-replay", records[0].step))
    return Trained(ours, theirs, free["order"], records, free["compiled"], calls, inert, size)


def _with_sudden_steps(folder: Path, chosen: list[int], ours: list[str], theirs: list[str]) -> list[int]:
    """Add steps at which the two runs part suddenly, with a state to replay them from.

    A step is judged alone, so any state on the way serves: the last saved one, with the count of steps put forward.
    """
    left, right = (stats_of(folder, name) for name in (REFERENCE, CANDIDATE))
    added = sudden_steps(left, right, (ours, theirs), chosen)
    for step in added:
        _put_forward(folder, step, chosen)
    return sorted({*chosen, *added})


def _put_forward(folder: Path, step: int, saved: list[int]) -> None:
    """Make a state for a step of the last one that was saved before it."""
    state = dict(state_of(folder, REFERENCE, max(known for known in saved if known < step)))
    for key in [key for key in state if key.split("#")[0] == "slot||iterations"]:
        state[key] = np.full_like(state[key], step - 1)
    trace.write_arrays(trace.step_file(folder, f"{REFERENCE}-state", step), state)


def in_between(run: Run, folder: Path, trained: Trained, step: int, region: Region = replays.NOTHING) -> StepRecord:
    """Replay one more step on both sides, and measure its noise."""
    run.say("replaying steps in between, to find and date what begins late")
    _put_forward(folder, step, [record.step for record in trained.records])
    run.reference.ask("replay", **replays.request([step], REFERENCE))
    forced = run.candidate.ask("replay", **replays.request([step], CANDIDATE, region=region))
    replays.measure(run.reference.ask, forced, region)
    return replays.records(folder, forced, region)[0]


def first_apart(folder: Path, name: str) -> dict[str, float]:
    """How far the compiled first step of a run is from the reference's, by weight and loss."""
    ours, theirs = (trace.Reader(trace.step_file(folder, f"{side}-graph", 1)) for side in (REFERENCE, name))
    return trace.apart(ours, theirs)


def _inert(run: Run, pair: Pair, ask: Callable[..., Any], trained: dict[str, Any]) -> dict[str, Any]:
    """Whether recording leaves as it is what the first step of a side reports, which has answered `trained`."""
    if pair.left["looped"] or pair.right["looped"]:
        return {"equal": True, "why": "nothing is recorded within the steps of a program's own loop"}
    recorded = {name: values[0] for name, values in trained["curves"].items()}
    return dict(ask("inert", initial=training_of(run)["initial"], recorded=recorded))


def taken_back(
    run: Run, pair: Pair, trained: Trained, found: list[Cause], curves: dict[str, Any]
) -> tuple[Any, list[Cause], list[dict[str, Any] | None], dict[str, Any], dict[str, Any]]:
    """What `shares` takes: whom it asks, the causes and what stands in for each, the curves, the request."""
    rates = trained.ours["curves"].get("learning_rate", [])
    return run.candidate.ask, found, stand_ins(run.reference.ask, found, pair.owners, rates), curves, from_start(run)


def from_start(run: Run) -> dict[str, Any]:
    """The request that trains a side with what is taken back, from the reference's initial state."""
    return {"steps": run.options.steps, "initial": f"tensors/{REFERENCE}-state-000000.safetensors"}


def trained_again(
    run: Run, pair: Pair, trained: Trained, found: list[Cause]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
    """Train the reference again one ulp away, and ask whether its record is inert.

    A large model is only as far as its answer is needed. Beside it the candidate validates with the reference's weights
    (returned last), and trains with the first cause taken back, if it seems to matter: for once it does, the answer is
    noted.
    """
    run.say("training again from weights one ulp away")
    asked = {**training_of(run), "chosen": [], "whole": [1], "nudge": ULP_MOVE, "name": "noise"}
    curves = curves_of(trained.ours, trained.theirs, NO_RERUN)

    def same() -> dict[str, float]:
        return evaluations.validation_of(run.candidate.ask, pair.folder, run.options.steps, pair.left["uneven"])

    if (part := repeated_first(trained.step_bytes, run.options.steps)) < run.options.steps:
        partly = {**asked, "steps": part, "evaluated": False}
        rerun, validation = run.both(lambda: dict(run.reference.ask("train", **partly)), same)
        if known_noise(accuracy(curves_of(trained.ours, trained.theirs, rerun)["metrics"])):
            return rerun, _inert(run, pair, run.reference.ask, trained.ours), validation

    def again() -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(run.reference.ask("train", **asked)), _inert(run, pair, run.reference.ask, trained.ours)

    worth = found and not pair.left["looped"] and apart(accuracy(curves["metrics"]))
    first = taken_back(run, pair, trained, found, curves) if worth else None  # asks the reference, before it trains

    def beside() -> dict[str, float]:
        validation = same()
        if first is not None:
            shares(*first, most=1)
        return validation

    (rerun, inert), validation = run.both(again, beside)
    return rerun, inert, validation
