"""Dates causes that begin late: steps between the last replay without a cause and the first with it are replayed too.

In: the causes, the replayed steps, and what replays one more. Out: the causes, each with the first step at which it
shows. Called by compare before the causes are proven, because a cause is proven at its step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from kparity.analysis.locate import Cause
from kparity.analysis.observe import Seen, StepRecord, layer_of, observe
from kparity.trace import parse

MOST = 10
"""Steps that are replayed for one cause: by halves, enough for a gap of a thousand."""


def dated(
    causes: Sequence[Cause],
    records: list[StepRecord],
    replayed: Callable[[int], StepRecord],
    order: Sequence[str],
    owners: Mapping[str, str],
    trainable: set[str],
) -> list[Cause]:
    """The causes with their steps; `records` gains those of the steps in between.

    Halving finds the first step of what stays once it has begun. What comes and goes is dated by `sudden_steps`.
    """
    ranks = {text: rank for rank, text in enumerate(order)}
    seen = {record.step: observe(record, ranks, trainable)[0] for record in records}
    done = []
    for cause in causes:
        before = max((step for step in seen if step < (cause.step or 0)), default=None)
        if "array" in cause.evidence and before is not None:
            low, high = before, cause.step or 0
            for _ in range(MOST):
                if high - low <= 1:
                    break
                middle = (low + high) // 2
                if middle not in seen:
                    records.append(replayed(middle))
                    seen[middle] = observe(records[-1], ranks, trainable)[0]
                shows = any(_same(one, cause, owners) for one in seen[middle])
                low, high = (low, middle) if shows else (middle, high)
            cause = replace(cause, step=high)
        elif cause.phase == "data" and cause.kind != "length" and cause.step and cause.step not in seen:
            records.append(replayed(cause.step))  # another batch is proven at the step that takes it
            seen[cause.step] = observe(records[-1], ranks, trainable)[0]
        done.append(cause)
    records.sort(key=lambda record: record.step)
    return done


def _same(one: Seen, cause: Cause, owners: Mapping[str, str]) -> bool:
    """Whether a difference is what the cause is about: its phase, kind of array, and layer, variable or quantity."""
    lead = parse(cause.evidence["array"])
    if (one.phase, one.key.kind) != (cause.phase, lead.kind):
        return False
    if cause.phase == "optimizer":
        return one.key.index == lead.index and one.key.owner in {*cause.evidence["variables"], ""}
    return one.key.owner == lead.owner or layer_of(one.key, owners) == layer_of(lead, owners) is not None
