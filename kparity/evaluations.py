"""The model outside of training: evaluations replayed on both sides, and judged as training steps are.

In: the two sides' processes, what the replayed steps showed. Out: the causes that only an evaluation shows. Called by
compare. An inference mode of its own, as of dropout or batch normalization, is seen by no step of training, and is what
validation reports.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis import locate, merging, observe
from kparity.analysis.explain import Explainer
from kparity.analysis.locate import Cause
from kparity.analysis.noise import Gap, gap
from kparity.analysis.observe import DOUBT, Observations, Seen
from kparity.analysis.rewrites import Region
from kparity.replays import CANDIDATE, REFERENCE, Ask, Replays, arbitrate, measure, records, request
from kparity.runtime.failed import CUT, SideFailed
from kparity.trace import Key, parse

WHAT = "evaluation"
ALIKE, COUNTED = 1e-4, 1e-2
"""Relative difference of a validated loss, and of other numbers, up to which it may be round-off: an accuracy counts
samples, and one on the edge is a sample more."""
EXPLAINS = {"api", "config", "init", "data", "forward", "loss", "metric"}
"""Phases of causes that may show in an evaluation, too."""


def only_evaluated(
    replays: Replays,
    trained: Observations,
    steps: Sequence[int],
    explainer: Explainer,
    notes: list[str],
    region: Region,
    means: Collection[str],
    reads: Callable[[str], bool],
) -> tuple[list[Cause], Observations | None]:
    """Causes that an evaluation of the last replayed step's batch shows and no replayed step of training did, in causal
    order; and what was observed, None where it is no cause. Dated by the first step, if they show there, too.

    Notes that Keras 3 can't evaluate a model that Keras 2 can; without either, nothing is said.
    """
    known = {str(one.key) for one in [*trained.live, *trained.idle, *trained.roundoff]}
    seen = _look(replays, [max(steps)], region, notes)
    if seen is None or not _new(seen, known).live:
        return [], None
    seen = _look(replays, sorted({min(steps), max(steps)}), region, notes) or seen
    seen = arbitrate(replays, _new(seen, known), explainer, notes, region)
    found = locate.causes(seen, [], means=means, changed=explainer.rewritten, reads=reads)
    found = merging.merge(found, explainer.classes, explainer.layer_changes)
    if not found:
        return [], None
    known_to_be_none = (*seen.roundoff, *trained.idle, *trained.roundoff)
    return [replace(cause, evaluated=True) for cause in found], replace(seen, roundoff=known_to_be_none)


def without_predictions(seen: Observations) -> Observations:
    """What replayed steps showed where predictions are known to differ for a cause that no step shows."""
    nothing = Gap(0.0, 0.0, 0.0)
    return replace(seen, roundoff=(*seen.roundoff, Seen(Key("predict", "model"), "state", 0, nothing, 0)))


def _look(replays: Replays, steps: Sequence[int], region: Region, notes: list[str]) -> Observations | None:
    """What evaluations show, each from the state before a step; None where the model can't be evaluated by itself."""
    replays.say("replaying an evaluation")
    try:
        free = replays.reference("replay", **request(steps, REFERENCE, what=WHAT))
    except SideFailed as failed:
        if failed.kind in CUT:
            raise
        return None
    try:
        forced = replays.candidate("replay", **request(steps, CANDIDATE, region=region, what=WHAT))
    except SideFailed as failed:
        if failed.kind in CUT:
            raise
        notes.append(f"Keras 2 evaluates this model on a batch of its training data; Keras 3 raises: {failed.message}")
        return None
    measure(replays.reference, forced, region, WHAT)
    found = records(replays.folder, forced, region, WHAT)
    return observe.look(found, free["order"], replays.trainable, replays.owners)


def _new(seen: Observations, known: Collection[str]) -> Observations:
    """Without the arrays that are `known` to differ in training: it is the same cause, or what nothing reads."""

    def new(one: Seen) -> bool:
        return str(one.key) not in known

    return replace(seen, live=[one for one in seen.live if new(one)])


def validation_of(side: Ask, folder: Path, steps: int, uneven: int | None, turn: int = 1) -> dict[str, float]:
    """What a side's validation says of the weights that the reference's training left after `steps` steps; of a model
    without validation data, its evaluation of a few batches. Nothing where these weights weren't kept, or it can't be
    evaluated.

    `uneven`: a batch of another size than the first, None where there is none: a mean over batches is another than one
    over rows only then. `turn`: 2 where it is asked a second time, for the same request is answered from notes.
    """
    weights = trace.step_file(folder, f"{REFERENCE}-graph", steps)
    batches = [number for number in (1, 2, uneven or 3) if number <= steps]
    asked = {"weights": str(weights.relative_to(folder)), "step": steps, "batches": batches, "turn": turn}
    if not weights.exists():
        return {}
    try:
        return dict(side("validate", **asked))
    except SideFailed as failed:
        if failed.kind in CUT:
            raise
        return {}  # one of a step of training alone


def validated(
    ours: Mapping[str, float],
    theirs: Mapping[str, float],
    again: Callable[[], Mapping[str, float]],
    exact: bool,
    steps: int,
    found: Sequence[Cause],
) -> list[Cause]:
    """A cause where the candidate validates otherwise than the reference with the same weights, although evaluations of
    a batch are the same: proven by that. Nothing where a known cause explains it.

    `again`: what the reference says of them a second time, asked where it matters: some draw what isn't aligned.
    `exact`: whether nothing is computed in half precision.
    """
    errors = _errors(ours, theirs)
    limits = {name: ALIKE if exact and name.endswith("loss") else COUNTED for name in errors}
    parted = {name: error for name, error in errors.items() if not error <= limits[name]}
    if not parted or any(_explains(one) for one in found):
        return []
    noise = _errors(ours, again())
    real = [name for name, error in parted.items() if not error <= DOUBT * noise.get(name, 0.0)]
    if not real:
        return []
    worst, *also = sorted(real, key=lambda name: -errors[name])
    cause = Cause("metric", None, worst, steps, "validated", errors[worst], also=tuple(also))
    return [replace(cause, evidence={"values": (ours[worst], theirs[worst])}, evaluated=True, proven=True)]


def predicted(
    both: Callable[[Callable[[], Any], Callable[[], Any]], tuple[Any, Any]],
    sides: tuple[Ask, Ask],
    folder: Path,
    steps: int,
    exact: bool,
    found: Sequence[Cause],
    notes: list[str],
) -> list[Cause]:
    """A cause where the two `predict_step`s give different outputs for a batch, with the weights that the reference's
    training left, although the models themselves don't: proven by that. Nothing where a known cause explains it, or the
    reference can't predict; where the candidate alone can't, a note.

    `exact`: whether nothing is computed in half precision.
    """
    weights = trace.step_file(folder, f"{REFERENCE}-graph", steps)
    if not weights.exists() or any(_explains(one) for one in found):
        return []
    files = [trace.step_file(folder, f"{name}-predicted", steps) for name in (REFERENCE, CANDIDATE, "noise")]
    asked = {"weights": str(weights.relative_to(folder)), "step": steps}

    def ask(side: Ask, name: str) -> SideFailed | None:
        try:
            side("predict", name=f"{name}-predicted", **asked)
        except SideFailed as failed:
            if failed.kind in CUT:
                raise
            return failed
        return None

    ours, theirs = both(lambda: ask(sides[0], REFERENCE), lambda: ask(sides[1], CANDIDATE))
    if ours is None and theirs is not None:
        notes.append(f"Keras 2 predicts on a batch of the training data; Keras 3 raises: {theirs.message}")
    if ours is not None or theirs is not None:
        return []
    left, right = (trace.read_arrays(file) for file in files[:2])
    error = _outputs_apart(left, right, "predict_step")
    limit = max(ALIKE if exact else COUNTED, DOUBT * _outputs_apart(left, right, "call"))
    if error <= limit or ask(sides[0], "noise") is not None:
        return []
    if error <= DOUBT * _outputs_apart(left, trace.read_arrays(files[2]), "predict_step"):
        return []
    return [Cause("metric", None, "predict", steps, "predicted", error, evaluated=True, proven=True)]


def _explains(cause: Cause) -> bool:
    """Whether a known cause may show outside of training, too."""
    return cause.evaluated or cause.phase in EXPLAINS


def _outputs_apart(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray], what: str) -> float:
    """The largest relative difference of the arrays that `what` gave; infinite where they have other shapes."""
    ours, theirs = ({key: one[key] for key in one if parse(key).kind == what} for one in (left, right))
    if {key: array.shape for key, array in ours.items()} != {key: array.shape for key, array in theirs.items()}:
        return float("inf")
    return max((gap(array, theirs[key], array).error for key, array in ours.items()), default=0.0)


def _errors(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    """Relative differences of the numbers that both report."""
    return {name: abs(right[name] - value) / max(abs(value), 1e-12) for name, value in left.items() if name in right}
