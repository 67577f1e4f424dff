"""Layers that are written differently on the two sides and give the same together.

In: Observations of replays in which every layer was held against its partner. Out: regions, which are to be replayed
without being held, and whether such a replay shows that only their inside differs. Called by `kparity.replays`.

An activation may be an argument on one side and a layer on the other, a softmax stand in front of the loss or in it:
then a layer's own output differs, and what comes out behind it does not. What is judged is the region's edge: the next
layer's inputs, what goes back to the layer before it, and the gradients of all variables, its own too.
"""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from kparity.analysis.match import Description, Pairing
from kparity.analysis.observe import ROOT, Arrays, Observations, Seen, StepRecord, layer_of
from kparity.trace import parse

WITHIN = {"forward", "loss", "gradient"}
"""Phases of what is made inside of a step's computation."""
OWN = {"in", "out", "logits", "dx", "dy", "inmask", "outmask"}
"""Kinds of array that are inside of a region, or at its edge seen from within."""
MOST = 6
"""Regions of one model that are tried; each costs a step."""

Region = frozenset[str]


def regions(
    seen: Observations, pairing: Pairing, left: Description, right: Description, changed: Callable[[str], bool]
) -> list[Region]:
    """Layers that may be one thing written in two ways, best guess first: all that differ, with their surroundings, and
    then one stretch of the model after the other. None where both sides are written alike.

    `changed`: whether a layer (or "loss") has another class or configuration on the other side.
    """
    within = [one for one in seen.live if one.phase in WITHIN]
    outputs = {layer for one in within if one.key.kind == "out" and (layer := layer_of(one.key, seen.owners))}
    inputs = {layer for one in within if one.key.kind == "in" and (layer := layer_of(one.key, seen.owners))}
    if not within or not (outputs | inputs):
        return []
    if not (inputs or _lone(pairing, left, right) or any(changed(layer) for layer in outputs)):
        return []
    found = [frozenset(outputs), frozenset(outputs | inputs), *_stretches(outputs, seen.order)]
    return list(dict.fromkeys(region for region in found if region))[:MOST]


def _lone(pairing: Pairing, left: Description, right: Description) -> bool:
    ours = {layer["path"] for layer in left["layers"] if layer["class"] != "InputLayer"}
    theirs = {layer["path"] for layer in right["layers"] if layer["class"] != "InputLayer"}
    return not (ours <= set(pairing.layers.values()) and theirs <= set(pairing.layers))


def _stretches(layers: Collection[str], order: list[str]) -> list[Region]:
    """The layers in groups of those that are called one directly after the other."""
    called = list(dict.fromkeys(parse(text).owner.split("#")[0] for text in order if text.startswith("out|")))
    groups: list[set[str]] = [set()]
    for path in called:
        if path in layers:
            groups[-1].add(path)
        elif groups[-1]:
            groups.append(set())
    return [frozenset(group) for group in groups]


def with_shells(region: Region, outputs: Arrays) -> Region:
    """The region, and models and layers around its layers that hand on one of their outputs as it is.

    `outputs`: the reference's, by key. Where a last layer is left to itself, so must be what it is the last of.
    """
    own = {text: array for text, array in outputs.items() if parse(text).owner.split("#")[0] in region}
    found = set(region)
    for text, array in outputs.items():
        path = parse(text).owner.split("#")[0]
        inner = {key: value for key, value in own.items() if path == ROOT or parse(key).owner.startswith(path + "/")}
        if any(value.shape == array.shape and value.tobytes() == array.tobytes() for value in inner.values()):
            found.add(path)
    return frozenset(found - {"loss"} | region)


def without(record: StepRecord, region: Region) -> StepRecord:
    """The record without the region's own arrays."""
    if not region:
        return record
    return StepRecord(
        record.step,
        outside(record.reference, region),
        outside(record.candidate, region),
        outside(record.moved, region),
        tuple(text for text in record.lone if not _inside(text, region)),
    )


def outside(arrays: Arrays, region: Region) -> dict[str, np.ndarray]:
    """Arrays but for the region's own."""
    return {text: array for text, array in arrays.items() if not _inside(text, region)}


def _inside(text: str, region: Region) -> bool:
    key = parse(text)
    return key.kind in OWN and key.owner.split("#")[0] in region


def settles(region: Region, before: Observations, after: Observations) -> bool:
    """Whether nothing is seen of a step once a region is left to itself that wasn't seen beside it before."""
    rest = {str(one.key) for one in before.live if not _of(one, region, before.owners)}
    return {str(one.key) for one in after.live if one.phase in {*WITHIN, "metric"}} <= rest


def _of(seen: Seen, region: Region, owners: Mapping[str, str]) -> bool:
    return layer_of(seen.key, owners) in region


def told(region: Region) -> str:
    """What a reader should know of a region."""
    names = ", ".join(f"`{path}`" for path in sorted(region))
    return f"Written differently on the two sides, and the same to what stands around it: {names}."
