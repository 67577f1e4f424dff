"""The model outside of training: evaluations replayed on both sides, and judged as training steps are.

In: the two sides' processes, what the replayed steps showed. Out: the causes that only an evaluation shows. Called by
compare. An inference mode of its own, as of dropout or batch normalization, is seen by no step of training, and is what
validation reports.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from kparity.analysis import locate, merging, observe
from kparity.analysis.explain import Explainer
from kparity.analysis.locate import Cause
from kparity.analysis.noise import Gap
from kparity.analysis.observe import Observations, Seen
from kparity.analysis.rewrites import Region
from kparity.replays import CANDIDATE, REFERENCE, Replays, arbitrate, measure, records, request
from kparity.runtime.failed import CUT, SideFailed
from kparity.trace import Key

WHAT = "evaluation"


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
