"""Judges what both trainings left: the causes in causal order, dated and proven, and notes.

In: a comparison under way, its trainings and replayed steps. Out: Causes. Called by compare. What the rooms in
`analysis/` say of traces is put together here, and what they want to know besides is asked of the sides.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kparity import evaluations, replays, trace
from kparity.analysis import locate, merging, observe, outset, rewrites, wiring
from kparity.analysis.calls import of_predictions
from kparity.analysis.explain import Explainer
from kparity.analysis.locate import Cause
from kparity.analysis.observe import Observations
from kparity.analysis.rewrites import Region
from kparity.analysis.verdict import (
    at_callbacks,
    at_metrics,
    at_rates,
    curves_of,
    not_finite,
    not_proven,
    stopped,
    unmatched,
    unread,
    unshared,
    written,
)
from kparity.counterfactual import independent, needed, prove
from kparity.dating import dated
from kparity.replays import CANDIDATE, REFERENCE
from kparity.runtime.failed import SideFailed
from kparity.shares import proven_compiled
from kparity.trace import parse
from kparity.trainings import NO_RERUN, in_between, taken_back
from kparity.under_way import Pair, Run, Trained, state_of


def at_the_outset(run: Run, pair: Pair) -> tuple[list[Cause], list[str]]:
    """Causes that are there before anything is trained, and notes on differences there that nothing ever looks at."""
    before = outset.initial(state_of(pair.folder, REFERENCE, 0), state_of(pair.folder, CANDIDATE, 0))
    idle: set[str] = set()
    if names := sorted({cause.variable for cause in before if cause.variable} - pair.trainable):
        states = [f"tensors/{name}-state-000000.safetensors" for name in (REFERENCE, CANDIDATE)]
        asked = {"names": names, "ours": states[0], "theirs": states[1]}
        sides = run.both(lambda: run.reference.ask("unread", **asked), lambda: run.candidate.ask("unread", **asked))
        idle = {*sides[0]} & {*sides[1]}
    notes = [f"`{name}` begins otherwise; neither training nor predictions look at it." for name in sorted(idle)]
    before = [cause for cause in before if cause.variable not in idle]
    before = outset.structure(pair.pairing, pair.left, pair.right) + before
    return before + outset.batches(pair.left["hashes"], pair.right["hashes"], _sketches(pair)), notes


def judge(run: Run, pair: Pair, trained: Trained, explainer: Explainer) -> tuple[list[Cause], list[str]]:
    """The causes in causal order, and notes on what was seen beside them."""
    notes: list[str] = list(pair.left["notes"])
    if not outset.same_validation(pair.left, pair.right):
        notes.append("The two sides validate on different data: what they report of it can't be held together.")
    ours, theirs = trained.ours, trained.theirs
    before, kept_aside = at_the_outset(run, pair)
    before += outset.in_loops(ours["drew"], theirs["drew"])
    seen = observe.look(trained.records, trained.order, pair.trainable, pair.owners)
    again = replays.Replays(
        run.reference.ask, run.candidate.ask, run.say, pair.folder, trained.order, pair.trainable, pair.owners
    )
    seen = replays.arbitrate(again, seen, explainer, notes)
    regions = rewrites.regions(seen, pair.pairing, pair.left, pair.right, explainer.rewritten)
    seen, region = replays.settle(again, seen, regions, explainer, notes)
    metrics = pair.left["configuration"].get("metrics", {})
    means = {name for name, kind in metrics.items() if kind == "Mean"}
    found = locate.causes(
        seen,
        before,
        lambda one: explainer.state_apart(one, seen.owners),
        means,
        explainer.rewritten,
        trained.calls.reads_mask,
    )
    if explainer.configured("optimizer"):
        found = outset.lone_slots(found, state_of(pair.folder, REFERENCE, 0), state_of(pair.folder, CANDIDATE, 0))
    judged = {"learning_rate": theirs["rates"]} if theirs.get("rates") else {}
    found = at_rates(found, ours["curves"], theirs["curves"] | judged)
    notes += stopped(ours, theirs) + written(ours, theirs)
    found = not_finite(found, ours["nonfinite_step"], theirs["nonfinite_step"], notes)

    def recorded(step: int) -> tuple[trace.Reader, trace.Reader]:
        return replays.recorded(pair.folder, step)

    found = wiring.lone_layers(found, trained.order, pair.pairing, pair.left, pair.right, recorded)
    found = wiring.rewired(found, recorded)
    found = merging.merge(found, explainer.classes, explainer.layer_changes)
    found = dated(
        found,
        trained.records,
        lambda step: in_between(run, pair.folder, trained, step, region),
        trained.order,
        pair.owners,
        pair.trainable,
    )
    found = at_metrics([_with_predictions(pair.folder, cause) for cause in found], ours["curves"], theirs["curves"])
    later, shown = _evaluated(run, pair, trained, explainer, seen, region, means, notes)
    found = _prove(run, pair, trained, found, seen if shown is None else evaluations.without_predictions(seen), region)
    if any(cause.kind == "draws" for cause in found) and not pair.left["looped"]:
        alone = curves_of(ours, theirs, NO_RERUN)
        found = proven_compiled(*taken_back(run, pair, trained, found, alone))
    found, consequences = independent(found)
    if shown is not None:
        later = _prove(run, pair, trained, later, shown, region, evaluations.WHAT, beside=found)
        later, more = independent(later)
        found, consequences = [*found, *later], [*consequences, *more]
    trained_here = {one["name"] for side in (pair.left, pair.right) for one in side["variables"] if one["trainable"]}
    found, more = needed(found, trained_here, explainer.names)
    consequences += more
    found = at_callbacks(found, theirs.get("judged"))
    notes += [*not_proven(found), *consequences]
    notes += unread(seen.idle) + kept_aside
    notes += unshared(ours["curves"], theirs["curves"])
    notes += unmatched(pair.pairing, pair.left, pair.right)
    return found, notes


def _evaluated(
    run: Run,
    pair: Pair,
    trained: Trained,
    explainer: Explainer,
    seen: Observations,
    region: Region,
    means: set[str],
    notes: list[str],
) -> tuple[list[Cause], Observations | None]:
    """The causes that no step of training shows and an evaluation does, and what that showed; None if nothing."""
    sides = (run.reference.ask, run.candidate.ask)
    again = replays.Replays(*sides, run.say, pair.folder, trained.order, pair.trainable, pair.owners, evaluations.WHAT)
    steps, reads = [record.step for record in trained.records], trained.calls.reads_mask
    if pair.left["looped"] or pair.right["looped"]:
        steps = steps[:2]  # a program is run anew up to them
    return evaluations.only_evaluated(again, seen, steps, explainer, notes, region, means, reads)


def _prove(
    run: Run,
    pair: Pair,
    trained: Trained,
    found: list[Cause],
    seen: Observations,
    region: Region,
    what: str = "replay",
    beside: Sequence[Cause] = (),
) -> list[Cause]:
    """Have the counterfactuals of the causes run; one that fails for itself leaves its causes unproven."""
    if not found:
        return found
    run.say("taking each cause back, to prove it")
    records = trained.records if what == "replay" else seen.records
    steps = [record.step for record in records]
    sides = (run.reference.ask, run.candidate.ask)
    lone = [parse(key) for record in records for key in record.lone]
    calls = {key.owner for key in lone if key.kind == "dy"}
    order = trained.order if what == "replay" else seen.order
    parts = (order, pair.owners, pair.trainable, seen.roundoff, calls, region, what, beside)
    try:
        return prove(run.both, sides, pair.folder, found, steps, *parts)
    except SideFailed as failed:
        if failed.kind in {"died", "hung"}:
            raise
        return [replace(cause, unproven=f"The counterfactual failed: {failed.message}") for cause in found]


def _with_predictions(folder: Path, cause: Cause) -> Cause:
    """Note of a cause in the loss what it was given."""
    if cause.phase != "loss" or not cause.step:
        return cause
    arrays = trace.Reader(trace.step_file(folder, f"{REFERENCE}-replay", cause.step))
    return replace(cause, evidence={**cause.evidence, "with": of_predictions(arrays)})


def _sketches(pair: Pair) -> Any:
    """What both sides noted of batches that what layers give is part of; None where none are."""
    left, right = pair.left["sketches"], pair.right["sketches"]
    return (left, right) if left and right else None
