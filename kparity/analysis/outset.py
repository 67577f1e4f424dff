"""Causes that are there before a step is made: structure, initial weights and slots, batches.

In: what the two sides said of themselves, their states before training, hashes of their batches. Out: Causes. Called by
compare; `locate.causes` goes on from these.
"""

from collections.abc import Mapping
from typing import Any

from kparity.analysis.locate import Cause
from kparity.analysis.match import Description, Pairing
from kparity.analysis.noise import Gap, gap
from kparity.analysis.observe import CERTAIN, Arrays
from kparity.trace import parse


def structure(pairing: Pairing, reference: Description, candidate: Description) -> list[Cause]:
    """Variables that only one side has, that have another shape, and that only one side trains."""
    reshaped = {ours: theirs for theirs, ours in pairing.reshaped.items()}
    shapes = {variable["name"]: variable["shape"] for variable in pairing.extra_variables}
    found = [
        (variable, "other-shape" if variable["name"] in reshaped else "missing-variable")
        for variable in pairing.missing_variables
    ]
    found += [(v, "extra-variable") for v in pairing.extra_variables if v["name"] not in pairing.reshaped]
    ours = {variable["name"]: variable for variable in reference["variables"]}
    for variable in candidate["variables"]:
        partner = ours.get(pairing.variables.get(variable["name"], ""))
        if partner is not None and partner["trainable"] != variable["trainable"]:
            found.append((partner, "frozen" if partner["trainable"] else "unfrozen"))
    return [
        Cause(
            "config",
            variable["layer"],
            variable["name"],
            0,
            kind,
            evidence={
                "shape": variable["shape"],
                "variables": [variable["name"]],
                "other": shapes.get(reshaped.get(variable["name"], "")),
            },
        )
        for variable, kind in found
    ]


def initial(reference: Arrays, candidate: Arrays) -> list[Cause]:
    """Initial weights and optimizer state that differ although both sides drew the same numbers.

    A slot of several variables is one cause.
    """
    causes: list[Cause] = []
    slots: dict[str, list[tuple[str, Gap, int]]] = {}
    for order, (text, value) in enumerate(reference.items()):
        other = candidate.get(text)
        if other is None or other.shape != value.shape:
            continue
        seen = gap(value, other, value)
        if seen.ratio > CERTAIN:
            key = parse(text)
            if key.kind == "var":
                evidence = {"array": text, "variables": [key.owner]}
                numbers = (seen.error, seen.floor, seen.ratio, order)
                causes.append(
                    Cause("init", _layer_of_variable(key.owner), key.owner, 0, "numbers", *numbers, (), evidence)
                )
            else:
                slots.setdefault(key.index, []).append((key.owner, seen, order))
    for quantity, members in slots.items():
        _, seen, order = max(members, key=lambda one: one[1].ratio)
        owners = tuple(one[0] for one in members if one[0])
        evidence = {"arrays": [f"slot|{one[0]}|{quantity}" for one in members], "variables": list(owners)}
        alone = owners[0] if len(owners) == 1 else None
        evidence |= {"quantity": quantity}
        also = owners if len(owners) > 1 else ()
        numbers = (seen.error, seen.floor, seen.ratio, order)
        layer = _layer_of_variable(alone or "")
        causes.append(Cause("optimizer", layer, alone, 0, "initial-slot", *numbers, also, evidence))
    return causes


def in_loops(ours: Mapping[str, bool], theirs: Mapping[str, bool]) -> list[Cause]:
    """Layers that draw at each turn of a loop of the compiled step on one side, and once before it on the other.

    `ours`, `theirs`: who draws in the compiled step, and whether in a loop. A step alone is run eagerly, where Keras 2
    keeps what it has drawn.
    """
    apart = [layer for layer in ours if layer in theirs and ours[layer] != theirs[layer]]
    return [Cause("forward", layer, None, 1, "draws", evidence={"looped": ours[layer]}) for layer in apart]


def lone_slots(found: list[Cause], reference: Arrays, candidate: Arrays) -> list[Cause]:
    """Optimizer state that only one side keeps, of which no update tells: an average of the weights, say.

    Asked where the two optimizers are configured differently; where an update differs, that says it already.
    """
    if any(cause.phase == "optimizer" for cause in found):
        return found

    def kept(state: Arrays) -> dict[str, list[str]]:
        slots: dict[str, list[str]] = {}
        for key in map(parse, state):
            if key.kind == "slot":
                slots.setdefault(key.index, []).append(key.owner)
        return slots

    ours, theirs = kept(reference), kept(candidate)
    lone = [(slot, "missing-slot", ours[slot]) for slot in ours if slot not in theirs]
    lone += [(slot, "extra-slot", theirs[slot]) for slot in theirs if slot not in ours]
    return found + [
        Cause("optimizer", None, None, 1, kind, also=tuple(owners), evidence={"quantity": slot, "variables": owners})
        for slot, kind, owners in lone
    ]


def _layer_of_variable(name: str) -> str | None:
    return name.split(":")[0] or None


PARTS = ("inputs", "targets", "sample weights")
"""What a batch is made of."""
Sketch = list[Any]
"""Of a batch: a hash of all that isn't a floating-point number, then (size, size along a fixed direction) an array."""


def batches(
    reference: list[list[str]], candidate: list[list[str]], sketches: tuple[list[Sketch], list[Sketch]] | None = None
) -> list[Cause]:
    """The first batch whose bytes differ; with `sketches`, by more than round-off.

    `reference`, `candidate`: of each batch the hashes of inputs, targets and sample weights.
    """
    for step, (left, right) in enumerate(zip(reference, candidate, strict=False), start=1):
        if left != right and not (sketches and alike(*(side[step - 1] for side in sketches))):
            apart = [part for part, ours, theirs in zip(PARTS, left, right, strict=True) if ours != theirs]
            return [Cause("data", None, None, step, "numbers", evidence={"parts": apart})]
    if len(reference) != len(candidate):
        return [Cause("data", None, None, min(len(reference), len(candidate)) + 1, "length")]
    return []


def same_validation(left: Description, right: Description) -> bool:
    """Whether two sides validate on the same data, but for round-off of layers that made them."""
    known = [side["validation_sketches"] for side in (left, right)]
    near = all(known) and len(known[0]) == len(known[1]) and all(alike(*one) for one in zip(*known, strict=True))
    return near or left["validation"] == right["validation"]


def alike(left: Sketch, right: Sketch) -> bool:
    """Whether two batches that came out of a model's predictions, or of layers, are the same but for round-off."""
    return left[0] == right[0] and all(
        abs(a - b) <= 1e-5 * abs(ours[0])
        for ours, theirs in zip(left[1:], right[1:], strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )
