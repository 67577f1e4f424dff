"""What each cause does to the final accuracy: Keras 3 trained again with one cause after the other taken back.

In: the two sides' processes, the causes in causal order, the curves of the trainings. Out: a share a cause, in the
units of the accuracy. Called by compare where the final accuracies differ by more than the noise.

A training can't be forced step by step as a replay can: it goes its own way. So Keras 2's own layer, loss or optimizer
stands in the Keras 3 model (`capture.stand_in`), and the training is free.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kparity.analysis import material
from kparity.analysis.curves import accuracy
from kparity.analysis.locate import Cause
from kparity.runtime.failed import SideFailed

MOST = 4
"""Causes whose share is measured; each takes a training."""

ROUND_OFF = 1e-5
"""Of a reported number, what the order of operations may change: a hundred units in the last place of float32."""
ACTING = {"forward", "gradient", "state", "loss", "optimizer", "metric"}
"""Phases of causes that act in training."""

Ask = Callable[..., Any]


def apart(end: Mapping[str, Any] | None) -> bool:
    """Whether the final accuracies are further apart than one part in a thousand."""
    return end is not None and abs(end["difference"]) > 1e-3


def matters(end: Mapping[str, Any] | None) -> bool:
    """Whether they are further apart than the measured noise, too: one sample more or less is the same twice."""
    return end is not None and apart(end) and bool(abs(end["difference"]) > end["noise"] * (1 + ROUND_OFF))


def known_noise(end: Mapping[str, Any] | None) -> bool:
    """Whether noise as it was measured covers the difference of the final accuracies, so that no more of it is needed:
    it only grows. Also where there is no accuracy."""
    return end is None or (math.isfinite(end["noise"]) and not matters(end))


def stand_ins(
    reference: Ask, causes: Sequence[Cause], owners: Mapping[str, str], rates: Sequence[float]
) -> list[dict[str, Any] | None]:
    """What the reference has to stand in for each cause in a training of Keras 3; None where nothing can.

    `owners`: variable -> path of its layer; `rates`: the reference's learning rate at each step.
    """
    return [_wanted(reference, cause, owners, rates) for cause in causes]


def shares(
    candidate: Ask,
    causes: Sequence[Cause],
    found: Sequence[Mapping[str, Any] | None],
    curves: Mapping[str, Any],
    request: Mapping[str, Any],
    most: int = MOST,
) -> tuple[list[float | None], str]:
    """By how much the final accuracy rises when each cause is taken back, after those before it; None: it can't be.

    `found`: what stands in for each; `curves`: as verdict.json has them; `request`: what `train` was asked; `most`: how
    many trainings at most. Also a sentence on where the last of these ended.
    """
    measured: list[float | None] = [None] * len(causes)
    wanted: list[Mapping[str, Any]] = []
    whole: set[str] = set()
    before = accuracy(curves["metrics"])
    for place, (cause, one) in enumerate(zip(causes, found, strict=True)):
        if before is None or one is None or cause.phase in whole or len(wanted) == most:
            continue
        try:
            trained = candidate("train_with", stand_ins=[*wanted, one], **request)
        except SideFailed as failed:
            if failed.kind in {"died", "hung"}:
                raise
            continue  # what stands in does not run in a model of Keras 3
        after = _with(curves, trained)
        if len(wanted) in trained["missed"] or after is None:
            continue
        wanted.append(one)
        if cause.phase == "optimizer" and not one["rates"]:
            whole.add("optimizer")  # all of it stands in, whichever of its quantities a cause names
        measured[place] = float(after["keras3"]) - float(before["keras3"])
        before = after
    if before is None or not wanted:
        return measured, ""
    left = [place for place, cause in enumerate(causes) if measured[place] is None and cause.phase in ACTING - whole]
    named = "With every cause taken back that acts in training"
    if left:
        named = f"With {len(wanted)} of {len(wanted) + len(left)} causes taken back that act in training"
    return measured, f"{named}, Keras 3 ends at {before['keras3']:.4f} and Keras 2 at {before['legacy']:.4f}."


def of_order(
    candidate: Ask, cause: Cause, curves: Mapping[str, Any], request: Mapping[str, Any]
) -> tuple[float | None, str]:
    """The same of a `fit` that hands over one epoch again and again, which both sides were spared; and a sentence.

    `request`: what `train` was asked. None where less than an epoch is trained, or there is no accuracy.
    """
    before, epoch = accuracy(curves["metrics"]), cause.evidence.get("epoch")
    if before is None or epoch is None or epoch >= request["steps"]:
        return None, ""
    after = _with(curves, candidate("train_with", stand_ins=[], epoch=epoch, **request))
    if after is None:
        return None, ""
    return float(before["keras3"]) - float(after["keras3"]), (
        f"With the batches of the first epoch in every epoch, as its own `fit` has them, Keras 3 ends at "
        f"{after['keras3']:.4f}."
    )


def proven_compiled(
    candidate: Ask,
    causes: Sequence[Cause],
    found: Sequence[Mapping[str, Any] | None],
    curves: Mapping[str, Any],
    request: Mapping[str, Any],
) -> list[Cause]:
    """The causes; of those that only compiled steps show, proven are the ones without which the first step differs.

    Arguments as of `shares`. With everything standing in that can, the candidate's compiled first step must report what
    the reference's does, and with everything but that cause it must not.
    """
    reported = {name: sides["legacy"][0] for name, sides in curves["metrics"].items() if sides["legacy"][0] is not None}
    reported = {name: value for name, value in reported.items() if name == "loss"} or reported

    def apart_without(place: int | None) -> float | None:
        wanted = [one for other, one in enumerate(found) if one is not None and other != place]
        try:
            trained = candidate("train_with", stand_ins=wanted, **{**request, "steps": 1})
        except SideFailed as failed:
            if failed.kind in {"died", "hung"}:
                raise
            return None
        here = {name: values[0] for name, values in trained["curves"].items() if name in reported}
        sizes = [abs(value - reported[name]) / max(abs(reported[name]), 1e-30) for name, value in here.items()]
        return max(sizes, default=None)

    places = [place for place, cause in enumerate(causes) if cause.kind == "draws" and found[place] is not None]
    left = apart_without(None) if places else None
    if left is None or not left <= ROUND_OFF:
        return list(causes)
    done = list(causes)
    for place in places:
        without = apart_without(place)
        if without is not None and without > max(10 * left, ROUND_OFF):
            done[place] = replace(causes[place], proven=True, unproven="")
    return done


def _wanted(reference: Ask, cause: Cause, owners: Mapping[str, str], rates: Sequence[float]) -> dict[str, Any] | None:
    """What stands in for a cause; None for phases in which nothing can."""
    if cause.phase not in ACTING:
        return None
    paths = [""]
    if cause.phase in {"forward", "gradient", "state"}:
        paths = sorted({owners.get(name, name.split(":")[0]) for name in [cause.layer or "", *cause.also]} - {""})
    about = {"phase": cause.phase, "variable": cause.variable, "step": cause.step or 1}

    def shown(paths: list[str]) -> list[dict[str, Any] | None]:
        asked = [{**about, "layer": path or cause.layer, "node": path or material.node(cause)} for path in paths]
        return list(reference("exhibits", causes=asked, given="legacy-replay"))

    told = shown(paths)
    while outer := {p: p.rpartition("/")[0] for p, one in zip(paths, told, strict=True) if one and _inside(p, one)}:
        paths = sorted({outer.get(path, path) for path in paths})
        told = shown(paths)
    if not all(one and one.get("public") and one["config"] is not None for one in told):
        return None
    return {
        "phase": cause.phase,
        "variable": cause.variable,
        "node": material.node(cause),
        "rates": list(rates) if cause.variable == "learning_rate" else [],
        "exhibits": dict(zip(paths, told, strict=True)),
    }


def _inside(path: str, exhibit: Mapping[str, Any]) -> bool:
    """Whether a layer is called in another one's loop alone, as a cell is: no stand-in can be called for it."""
    return "/" in path and exhibit.get("call", ...) is None


def _with(curves: Mapping[str, Any], trained: Mapping[str, Any]) -> dict[str, Any] | None:
    """The final accuracy with this training in the place of Keras 3's."""
    ends = {**trained["curves"], **_last(trained["validation"], curves)}
    metrics = {name: {**sides, "keras3": ends[name]} for name, sides in curves["metrics"].items() if name in ends}
    return accuracy(metrics)


def _last(validation: Mapping[str, float], curves: Mapping[str, Any]) -> dict[str, list[float | None]]:
    missing = [None] * (len(curves["steps"]) - 1)
    return {name: [*missing, value] for name, value in validation.items()}
