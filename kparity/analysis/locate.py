"""The causes of a difference, in causal order.

In: Observations, and what the two sides said of themselves before training. Out: Causes. Called by compare.

The order is that of DESIGN: structure, initial values, batches, forward (in call order), loss, gradients, optimizer,
state, metrics. A difference that an earlier cause in the same layer explains is not listed again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kparity.analysis.noise import gap
from kparity.analysis.observe import DOUBT, Observations, Seen, StepRecord, layer_of, masks
from kparity.findings import PHASES
from kparity.trace import Key, parse

AVERAGES = "model_variables_moving_average"
"""The one slot that is made of the new weights, and explains none of them."""


MASKS = {"mask", "given-mask"}
"""Kinds of cause that are about a mask: one that a layer passes on, and one that a layer is given by what calls it."""


@dataclass(frozen=True)
class Cause:
    """One origin of a difference. `also`: other layers or variables in which the same thing happens.

    `local_error` and `noise_floor` are relative to the root mean square of the reference's array.
    """

    phase: str
    layer: str | None
    variable: str | None
    step: int | None
    kind: str
    local_error: float | None = None
    noise_floor: float | None = None
    ratio: float = float("inf")
    order: int = 0
    also: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    proven: bool = False
    unproven: str = ""
    """Why a counterfactual did not prove it."""
    evaluated: bool = False
    """Whether it was seen where the model is evaluated, and not in training."""


def reshaped(before: list[Cause], seen: Observations, changed: Callable[[str], bool]) -> tuple[list[Cause], set[str]]:
    """The causes without weights whose shape follows from that of what their layer takes; and the layers to blame.

    What is behind a layer of another width is part of its cause: `layers` in its evidence are to be mended with it, and
    `unfit` are arrays of it that can't be, for they have another shape. A layer that is run within a loop, where
    nothing is recorded, speaks through the one around it.
    """
    called = list(dict.fromkeys(parse(text).owner.split("#")[0] for text in seen.order if text.startswith("out|")))
    unlike = {
        text: own.shape != record.reference[text].shape
        for record in seen.records
        for text, own in record.candidate.items()
        if parse(text).kind in {"in", "out"} and text in record.reference
    }
    unfit = [text for text, other in unlike.items() if other and parse(text).owner.split("#")[0] != "loss"]
    fed = {parse(text).owner.split("#")[0] for text in unfit if text.startswith("in|")}
    loose = {parse(text).owner.split("#")[0] for text in unfit}

    def speaker(layer: str) -> str:
        while layer not in called and "/" in layer:
            layer = layer.rpartition("/")[0]
        return layer

    kept, blamed = [], set()
    for cause in before:
        if cause.phase != "config" or cause.layer is None:
            kept.append(cause)
            continue
        blamed.add(cause.layer)
        if cause.kind in {"frozen", "unfrozen"}:
            kept.append(cause)
            continue
        spoken = speaker(cause.layer)
        blamed.add(spoken)
        if cause.kind != "other-shape" or spoken not in fed or changed(cause.layer) or changed(spoken):
            kept.append(replace(cause, evidence={**cause.evidence, "layers": [spoken]}))
    origins = {cause.evidence["layers"][0] for cause in kept if cause.kind == "other-shape"}
    behind: dict[str, list[str]] = {origin: [] for origin in origins}
    last = ""
    for path in called:
        last = path if path in origins else last
        if last and path in loose:
            behind[last].append(path)
    if len(kept) < len(before):
        rest = [text.replace("in|", "dx|", 1).replace("out|", "dy|", 1) for text in unfit]
        kept = [
            replace(
                cause,
                evidence={
                    **cause.evidence,
                    "layers": list(dict.fromkeys([*cause.evidence["layers"], *behind[cause.evidence["layers"][0]]])),
                    "unfit": [*unfit, *rest],
                },
            )
            if cause.kind == "other-shape"
            else cause
            for cause in kept
        ]
    return kept, blamed


def causes(
    seen: Observations,
    before: list[Cause],
    apart: Callable[[Seen], bool] = lambda seen: False,
    means: Collection[str] = (),
    changed: Callable[[str], bool] = lambda path: False,
    reads: Callable[[str], bool] = lambda node: True,
) -> list[Cause]:
    """Every independent cause in causal order, after those of structure, initial values and data in `before`.

    `apart`: whether a layer's state differs for a reason of its own, whatever else differs in the layer. `means`:
    reported numbers that are plain means of what a training step feeds them, which is what it makes of the loss.
    `changed`: whether a layer has another class or configuration. `reads`: whether a layer call reads a mask.
    """
    records, owners, live = seen.records, seen.owners, list(seen.live)
    ranks = {text: rank for rank, text in enumerate(seen.order)}
    origins: dict[str, Key] = {}
    for record in records:
        origins |= masks(record, ranks, reads)
    found, blamed = reshaped(before, seen, changed)
    paid = _paid(before, seen.order)
    if paid:
        found = [replace(c, evidence={**c.evidence, "told": PAID}) if c.kind in UNPAIRED else c for c in found]
    frozen = {cause.variable for cause in before if cause.kind in {"frozen", "unfrozen"}}
    live = [one for one in live if one.key.owner not in frozen]
    trained = {key.owner for key in map(parse, seen.order) if key.kind == "grad"}
    if frozen and trained <= frozen:  # nothing is left to train, so no update is counted
        live = [one for one in live if one.phase != "optimizer"]
    for phase in PHASES:
        here = [one for one in live if one.phase == phase]
        if phase == "forward":
            inside = {s.key.owner: origin for s in here if (origin := _around(s, origins)) is not None}
            origins |= {node: origin for node, origin in inside.items() if node not in origins}
            misled = [s for s in live if s.phase in {"forward", "loss"} and s.key.owner in origins]
            owners_misled = {one.key.owner for one in misled}
            live = [s for s in live if not (s.phase in {"forward", "loss"} and s.key.owner in owners_misled)]
            here = [s for s in here if s.key.owner not in owners_misled]
            blamed |= {layer for one in misled if (layer := layer_of(one.key, owners)) is not None}
            here += _lost(misled, here, origins)
        here = [one for one in here if not _explained(one, blamed, owners) or (phase == "state" and apart(one))]
        if phase == "gradient":
            here = _without_handed(here, live)
            rewired = any(cause.evidence.get("array", "").startswith("in|") for cause in found)
            if rewired or any(one.key.kind == "dx" and one.kind == "no-gradient" for one in here):
                here = _without(here, {"dy"}, owners)
            penalty = next((c for c in found if c.phase == "loss" and total_alone(c.evidence["kinds"])), None)
            if penalty is not None:
                rest = _without([one for one in here if one.key.kind != "grad"], {"dy"}, owners)
                found[found.index(penalty)] = _penalty(penalty, [one for one in here if one not in rest], owners)
                here = rest
        if phase == "loss" and paid:
            here = [one for one in here if one.key.kind != "total"]
        if phase == "loss" and here:
            here = _without_terms(here, records)
            blamed.add("loss")
        if phase == "optimizer":
            starved = {c.variable for c in found if c.kind == "no-gradient"} | _also(found, "no-gradient")
            sparse = {parse(text).owner for text in ranks if text.startswith("rows|")}
            here = [one for one in _at_one_rate(here, sparse) if one.key.owner not in starved]
            here = [_sparse(one, here, records, ranks) for one in here]
        if phase == "metric" and ("loss" in blamed or paid):
            rest = [one for one in here if one.key.owner != "loss" and one.key.owner not in means]
            told = sorted({str(one.key) for one in here if one not in rest})
            found = [
                replace(c, evidence={**c.evidence, "told": [*c.evidence.get("told", []), *told]})
                if c.phase == "loss" or "told" in c.evidence
                else c
                for c in found
            ]
            here = rest
        if phase == "metric" and "loss" in origins:
            here = []  # metrics read the same lost mask of the predictions
        grouped = [_as_old(cause, live, owners) for cause in _group(phase, here, owners)]
        found += [_with_readers(cause, origins) for cause in grouped] if phase == "forward" else grouped
        if phase not in {"gradient", "optimizer"}:  # what a layer hands back, and its update, explain no state
            blamed |= {layer for one in here if (layer := layer_of(one.key, owners)) is not None}
    return found


def _around(seen: Seen, origins: Mapping[str, Key]) -> Key | None:
    """The origin of the mask that the layer around a call read, where it is this one's inputs that differ: what that
    layer computes between the layers inside of it, it computes with its mask."""
    outer = seen.key.owner.split("#")[0].rpartition("/")[0]
    if seen.key.kind != "in" or not outer:
        return None
    return next((key for node, key in origins.items() if node.split("#")[0] == outer), None)


UNPAIRED = {"missing-variable", "other-shape"}
"""Kinds of cause of which a penalty on a weight can't be held against the candidate's."""
PAID = ["total|loss|0", "log|loss|0"]


def _paid(before: list[Cause], order: list[str]) -> bool:
    """Whether the loss has a penalty on a weight that the candidate lacks, or has in another shape."""
    unpaired = {cause.variable for cause in before if cause.kind in UNPAIRED}
    return any(key.kind == "term" and key.index in unpaired for key in map(parse, order))


def _lost(misled: list[Seen], others: list[Seen], origins: Mapping[str, Key]) -> list[Seen]:
    """What read another mask, as seen of where that was lost. A layer that gives other numbers, too, is one cause."""
    own = {one.key.owner.split("#")[0] for one in others}
    lost = []
    for one in misled:
        key = origins[one.key.owner]
        kind = "mask" if key.kind == "outmask" else "given-mask"
        lost.append(replace(one, key=key, phase="forward", kind=kind))
    return [one for one in lost if one.key.owner.split("#")[0] not in own]


def _with_readers(cause: Cause, origins: Mapping[str, Key]) -> Cause:
    """Note the calls that read another mask because of a layer."""
    readers = [node for node, key in origins.items() if key.owner.split("#")[0] == cause.layer]
    return replace(cause, evidence={**cause.evidence, "readers": readers}) if readers else cause


def _also(found: list[Cause], kind: str) -> set[str]:
    return {name for cause in found if cause.kind == kind for name in (*cause.also, *cause.evidence["variables"])}


def _without(seen: list[Seen], kinds: set[str], owners: Mapping[str, str]) -> list[Seen]:
    """Leave out layers of which nothing but `kinds` differs.

    What reaches a layer's output backward is made by what is wired behind it: where that is known to be wired
    differently, it says nothing of the layer.
    """
    by_layer: dict[str | None, set[str]] = {}
    for one in seen:
        by_layer.setdefault(layer_of(one.key, owners), set()).add(one.key.kind)
    return [one for one in seen if not by_layer[layer_of(one.key, owners)] <= kinds]


def _without_handed(seen: list[Seen], live: list[Seen]) -> list[Seen]:
    """Leave out gradients that an optimizer is handed (`u0.0`), where it makes another update of the same gradients and
    the tape gave the same: an optimizer's own class may change them first, as coupled weight decay does."""
    updated = {one.key.owner for one in live if one.phase == "optimizer" and one.key.kind == "update"}
    taped = {one.key.owner for one in seen if one.key.kind == "grad" and not one.key.handed}
    own = updated - taped
    return [one for one in seen if not (one.key.handed and one.key.owner in own)]


def _as_old(cause: Cause, live: list[Seen], owners: Mapping[str, str]) -> Cause:
    """A layer that gives something else is as old as the first of its gradients that does."""
    if cause.phase != "forward" or cause.step is None or cause.kind != "numbers":
        return cause
    own = [one.step for one in live if one.phase == "gradient" and layer_of(one.key, owners) == cause.layer]
    return replace(cause, step=min([cause.step, *own]))


def _without_terms(seen: list[Seen], records: list[StepRecord]) -> list[Seen]:
    """Leave out a total that differs by just what the layers' own terms of it do."""

    def explained(one: Seen) -> bool:
        record = next(record for record in records if record.step == one.step)
        if one.key.kind != "total" or str(one.key) not in record.candidate:
            return False
        terms = [key for key in record.candidate if key.startswith("term|") and key in record.reference]
        apart, added = _apart(record, [str(one.key)]), _apart(record, terms)
        size = float(np.abs(record.reference[str(one.key)]).sum())
        return bool(terms) and abs(apart - added) <= 1e-2 * abs(added) + 1e-6 * size

    return [one for one in seen if not explained(one)]


def _apart(record: StepRecord, keys: list[str]) -> float:
    """By how much the sum of some arrays differs."""
    return float(sum(np.sum(record.candidate[key], dtype=np.float64) - np.sum(record.reference[key]) for key in keys))


def total_alone(kinds: Collection[str]) -> bool:
    """Whether a difference of the loss is in how the total is put together, not in one loss: penalties and weights."""
    return "total" in kinds and "out" not in kinds


def _penalty(cause: Cause, seen: list[Seen], owners: Mapping[str, str]) -> Cause:
    """The total differs while each loss does not: what a variable's gradient shows besides is the same penalty.

    Where the program computes the loss itself, it shows in what goes back from it to the outputs (`back`), too.
    """
    variables = sorted({one.key.owner for one in seen if one.key.kind == "grad"})
    back = sorted({str(one.key) for one in seen if one.key.kind == "dy"})
    evidence = {**cause.evidence, "variables": variables, "back": back}
    if not variables or back or "dy" in evidence["kinds"]:
        return replace(cause, evidence=evidence)
    return replace(
        cause, layer=owners.get(variables[0]), variable=variables[0], also=tuple(variables[1:]), evidence=evidence
    )


def _explained(seen: Seen, blamed: set[str], owners: Mapping[str, str]) -> bool:
    layer = layer_of(seen.key, owners)
    if layer is None or seen.phase == "optimizer":
        return False
    if seen.kind in MASKS:
        return False
    if seen.phase == "forward" and layer in blamed:
        return True
    return any(layer == other or layer.startswith(other + "/") for other in blamed)


def _group(phase: str, seen: list[Seen], owners: Mapping[str, str]) -> list[Cause]:
    """One cause for what is one thing: a quantity of the optimizer, a layer (its first array), a loss, a metric."""
    groups: dict[Any, list[Seen]] = {}
    for one in seen:
        if phase == "optimizer":
            name: Any = _quantity(one.key, seen)
        elif phase in {"metric", "loss"}:
            name = one.key.owner.split("#")[0]
        else:
            name = layer_of(one.key, owners)
        if name != "":
            groups.setdefault((name, one.kind), []).append(one)
    found = []
    for (name, kind), members in groups.items():
        first_step = min(one.step for one in members)
        early = [one for one in members if one.step == first_step]
        lead = min(early, key=lambda one: (one.order, -one.gap.ratio))
        if phase == "optimizer":
            lead = max(early, key=lambda one: (one.key.kind == "update", one.gap.ratio))
        variables = sorted(
            {one.key.owner for one in members if one.key.kind in {"grad", "update", "var", "slot"}} - {""}
        )
        evidence = {
            "array": str(lead.key),
            "kinds": sorted({one.key.kind for one in members}),
            "variables": variables,
            "quantity": name,
        }
        layer = name
        if phase in {"optimizer", "metric", "loss"}:
            layer = owners.get(variables[0]) if phase == "optimizer" and len(variables) == 1 else None
            layer = name if lead.key.kind == "term" else layer
            variables = variables or sorted({one.key.index for one in members if ":" in one.key.index})
        found.append(
            Cause(
                phase,
                layer,
                _variable(phase, lead, variables),
                first_step,
                kind,
                lead.gap.error,
                lead.gap.floor,
                max(one.gap.ratio for one in members),
                lead.order,
                tuple(variables) if phase == "optimizer" and len(variables) > 1 else (),
                evidence,
            )
        )
    return sorted(found, key=lambda cause: (cause.order, cause.layer or ""))


def _sparse(seen: Seen, others: list[Seen], records: list[StepRecord], ranks: Mapping[str, int]) -> Seen:
    """Call a difference `sparse` where the gradient has rows and the update from their dense sum does not differ."""
    key = seen.key
    if key.kind not in {"slot", "var"} or f"rows|{key.owner}|0" not in ranks:
        return seen
    record = next(record for record in records if record.step == seen.step)
    if key.kind == "var":
        dense_differs = any(o.key.kind == "update" and (o.key.owner, o.step) == (key.owner, seen.step) for o in others)
    else:
        text = str(replace(key, kind="dense"))
        reference = record.reference.get(text)
        dense_differs = reference is not None and (
            gap(reference, record.candidate[text], record.moved.get(text, reference)).ratio > DOUBT
        )
    return seen if dense_differs else replace(seen, kind="sparse")


def _at_one_rate(seen: list[Seen], sparse: set[str]) -> list[Seen]:
    """Where the learning rate differs, what it changes is no second cause: judge slots by the update at one rate.

    That update has no rows. `sparse`: variables whose gradients have; a slot that differs for these alone, of all
    variables, is not made with the rate.
    """
    if not any(one.key.kind == "lr" for one in seen):
        return [one for one in seen if one.key.kind != "dense"]
    kept = [one for one in seen if one.key.kind in {"lr", "update", "dense"}]
    rated = {one.key.index for one in seen if one.key.kind == "slot" and one.key.owner not in sparse}
    kept += [one for one in seen if one.key.kind == "slot" and one.key.owner in sparse and one.key.index not in rated]
    return [replace(one, key=replace(one.key, kind="slot")) if one.key.kind == "dense" else one for one in kept]


def _quantity(key: Key, seen: list[Seen]) -> str:
    """What of the optimizer differs: the rate, a slot, or the update; "" for what a differing slot explains.

    Slots are made before new weights, so a weight's update is not a cause of its own where a slot that it reads
    differs: one of its own, or one that all weights share.
    """
    if key.kind == "lr":
        return "learning_rate"
    if key.kind == "slot":
        return key.index
    slots = {one.key.owner for one in seen if one.key.kind == "slot" and one.key.index != AVERAGES}
    return "" if "" in slots or key.owner in slots else "update"


def _variable(phase: str, lead: Seen, variables: list[str]) -> str | None:
    if lead.key.kind == "lr":
        return "learning_rate"
    if phase == "metric":
        return lead.key.owner
    if phase == "optimizer":
        return variables[0] if len(variables) == 1 else None
    if lead.key.kind == "term":
        return lead.key.index if ":" in lead.key.index else None
    return lead.key.owner if lead.key.kind in {"grad", "update", "var"} else None
