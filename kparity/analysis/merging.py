"""Causes that are one: layers of a class that differ alike, slots that differ together. And their order.

In: Causes. Out: fewer of them. Called by compare once every cause has its layer; the verdict orders by `rank`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kparity.analysis.locate import AVERAGES, Cause
from kparity.findings import PHASES


def rank(cause: Cause) -> tuple[int, int]:
    """Where a cause stands in causal order."""
    return PHASES.index(cause.phase), cause.order


def _slots_together(found: list[Cause]) -> list[Cause]:
    """Slots and updates of the same variables that differ from the same step on are one cause, as where gradients are
    clipped otherwise: the first, with all `quantities`. An average of the weights is something else."""

    def members(cause: Cause) -> set[str]:
        if cause.phase != "optimizer" or cause.kind not in {"numbers", "sparse"}:
            return set()
        if cause.evidence.get("quantity") == AVERAGES:
            return set()
        return {*cause.evidence.get("variables", [])}

    kept: list[Cause] = []
    for cause in found:
        own = members(cause)
        place = next(
            (
                place
                for place, first in enumerate(kept)
                if own and (first.step, first.kind) == (cause.step, cause.kind)
                if members(first) >= own or own >= members(first) != set()
            ),
            None,
        )
        if place is None:
            kept.append(cause)
            continue
        first = kept[place]
        wider = first if members(first) >= own else cause
        quantities = [*first.evidence.get("quantities", [first.evidence["quantity"]]), cause.evidence["quantity"]]
        evidence = {**first.evidence, "variables": wider.evidence["variables"], "quantities": quantities}
        kept[place] = replace(first, layer=wider.layer, variable=wider.variable, also=wider.also, evidence=evidence)
    return kept


_JOINED = {"layers", "unfit", "places"}
"""What of the evidence of causes that become one is of all of them."""


def merge(
    found: list[Cause], classes: Mapping[str, str], changes: Callable[[str | None], Mapping[str, Any]]
) -> list[Cause]:
    """Layers of one class that differ in the same way become one cause: the first, and the others in `also`.

    The same way: the same arrays, and the same change of configuration, if any. The first: of those that show at the
    earliest step.
    """
    merged: dict[Any, Cause] = {}
    found = _slots_together(found)
    for cause in found:
        if cause.kind == "initial-slot" and any(
            (other.phase, other.evidence.get("quantity")) == ("optimizer", cause.evidence["quantity"])
            and {*cause.evidence["variables"]} <= {*other.evidence.get("variables", [])}
            for other in found
            if other.kind != "initial-slot"
        ):
            continue  # a slot that every step makes otherwise also begins otherwise
        if cause.layer is None:
            merged[id(cause)] = cause
            continue
        if cause.kind.endswith("-layer") and any(o.phase == "config" and o.layer == cause.layer for o in found):
            continue  # its missing or extra variables say so already
        tails = tuple(sorted({name.split(":")[-1] for name in cause.evidence.get("variables", [])}))
        kind = classes.get(cause.layer, cause.layer)
        key: Any = (cause.phase, cause.kind, kind, tails, tuple(sorted(changes(cause.layer).items(), key=str)))
        if cause.phase == "config":
            key = (cause.kind,) if cause.kind in {"frozen", "unfrozen"} else (cause.kind, cause.layer)
            if cause.kind == "other-shape" and (told := changes(cause.layer)):
                key = (cause.kind, kind, *sorted(told.items(), key=str))
        first = merged.get(key)
        if first is None:
            merged[key] = cause
        else:
            late = (cause.step or 0) < (first.step or 0)
            lead, other = (cause, first) if late else (first, cause)
            name = other.variable or other.layer or ""
            names = (name, *first.also) if late else (*first.also, name)
            both = {
                one: list(dict.fromkeys([*lead.evidence[one], *other.evidence.get(one, [])]))
                for one in _JOINED & lead.evidence.keys()
            }
            merged[key] = replace(
                lead,
                also=tuple(one for one in dict.fromkeys(names) if one != lead.layer),
                ratio=max(first.ratio, cause.ratio),
                evidence={**lead.evidence, **both},
            )
    return list(merged.values())
