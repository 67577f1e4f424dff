"""Where layers are wired otherwise: layers that only one side has, and layers that take one another's outputs.

In: Causes that lie in what a layer takes, and what both sides recorded of their steps. Out: the causes, each with the
layer that says it. Called by compare after locate.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kparity.analysis.locate import Cause
from kparity.analysis.match import Description, Pairing
from kparity.analysis.observe import ROOT, Arrays
from kparity.trace import parse


def lone_layers(
    found: list[Cause],
    order: list[str],
    pairing: Pairing,
    reference: Description,
    candidate: Description,
    arrays: Callable[[int], tuple[Arrays, Arrays]] = lambda step: ({}, {}),
) -> list[Cause]:
    """Where what lies between two layers differs, name the layer that only one side has there, if there is one.

    It is the one whose output is what the layer behind it takes, bit for bit, in `arrays`: what each side recorded of a
    step. Else, of the reference's lone layers the call order says where they stand; of the candidate's the order in its
    model.
    """
    called = [parse(text).owner.split("#")[0] for text in order if text.startswith("out|")]
    partners = set(pairing.layers.values())
    paths = [layer["path"] for layer in candidate["layers"] if layer["class"] != "InputLayer"]
    theirs = [pairing.layers.get(path, f"!{path}") for path in paths]
    known = {layer["path"] for layer in reference["layers"]}
    classes = {layer["path"]: layer["class"] for layer in reference["layers"]}
    told = []
    for cause in found:
        if cause.evidence.get("array", "").startswith("in|") and cause.layer:
            ours, own = arrays(cause.step or 0)
            place = cause.evidence["array"]
            missing = _feeds(ours, place, lambda path: path in known and path not in partners)
            extra = _feeds(own, place, lambda path: path.startswith("!"))
            if not missing and not extra:
                missing = _in_front(called, cause.layer, lambda path: path in known and path not in partners)
                extra = _in_front(theirs, cause.layer, lambda path: path.startswith("!"))
            if missing or extra:
                kind = "missing-layer" if missing else "extra-layer"
                evidence = {**cause.evidence, "before": cause.layer, "places": [place]}
                layer = missing or (extra or "").removeprefix("!")
                cause = replace(cause, layer=layer, variable=None, kind=kind, evidence=evidence)
            elif (outer := (cause.layer or "").rpartition("/")[0]) and classes.get(outer, "Model") not in _CONTAINERS:
                # between the layers inside another, that one's own code computes
                cause = replace(cause, layer=outer, evidence={**cause.evidence, "before": cause.layer})
        told.append(cause)
    return told


def rewired(found: list[Cause], arrays: Callable[[int], tuple[Arrays, Arrays]]) -> list[Cause]:
    """Layers that take one another's outputs, as where two stand in another order, are one cause: the first, and the
    others in `also`, with what all of them take in `places`.

    `arrays`: what the reference recorded of a step, and what of the candidate differs. As the outputs of layers are
    forced, what a layer takes on the candidate's side is the output of another one of the reference, bit for bit, or
    that of one whose output couldn't be forced.
    """
    kept: list[Cause] = []
    groups: list[tuple[int, set[str]]] = []
    wires: dict[int, _Wires] = {}
    for cause in found:
        place = cause.evidence.get("array", "")
        plain = cause.phase == "forward" and cause.kind in {"numbers", "shape"} and place.startswith("in|")
        step = cause.step or 0
        if plain and step not in wires:
            wires[step] = _Wires(*arrays(step))
        wire = wires[step].at(place) if plain else None
        if wire is None:
            kept.append(cause)
            continue
        number = next((number for number, others in groups if others & {*wire, cause.layer}), None)
        if number is not None:
            first = kept[number]
            places = list(dict.fromkeys([*first.evidence["places"], place]))
            kept[number] = replace(
                first, also=_added(first, cause.layer or ""), evidence={**first.evidence, "places": places}
            )
            continue
        # what lies behind another shape was no cause of its own, and is wired otherwise all the same
        others = {text: wires[step].at(text) for text in wires[step].own if text.startswith("in|") and text != place}
        around = {*wire, cause.layer or ""}
        places = [place]
        for text, ends in others.items():
            if ends is not None and {*ends} & around:
                places.append(text)
                around |= {*ends, parse(text).owner.split("#")[0]}
        groups.append((len(kept), around))
        kept.append(replace(cause, evidence={**cause.evidence, "places": places, "takes": wire}))
    return kept


def _added(cause: Cause, layer: str) -> tuple[str, ...]:
    return cause.also if layer in {cause.layer, *cause.also} else (*cause.also, layer)


class _Wires:
    """What is taken where in a step. `ours`: what the reference recorded of it; `own`: where the candidate differs."""

    def __init__(self, ours: Arrays, own: Arrays) -> None:
        self.ours, self.own = ours, own
        self.given, self.given_own = _givers(ours), _givers(own)

    def at(self, place: str) -> tuple[str, str] | None:
        """Which layers' outputs are taken at a place by the reference and by the candidate; None where one is
        computed."""
        if place not in self.ours or place not in self.own:
            return None
        left, right = _mark(self.ours[place]), _mark(self.own[place])
        ends = self.given.get(left), self.given_own.get(right) or self.given.get(right)
        return (ends[0], ends[1]) if ends[0] and ends[1] and ends[0] != ends[1] else None


def _givers(arrays: Arrays) -> dict[Any, str]:
    """Array -> the layer that gives it, the innermost; the model for one of its inputs."""
    named = [key for key in map(parse, arrays) if key.kind == "out" or (key.kind, key.owner) == ("in", ROOT)]
    named.sort(key=lambda key: key.owner.count("/"))
    found = {_mark(arrays[str(key)]): key.owner.split("#")[0] for key in named}
    return {mark: layer for mark, layer in found.items() if 0 not in mark[0]}


def _mark(array: np.ndarray) -> tuple[tuple[int, ...], bytes]:
    return array.shape, hashlib.blake2b(array.tobytes(), digest_size=16).digest()


_CONTAINERS = {"Functional", "Sequential", "Model", "Bidirectional", "TimeDistributed"}
"""Classes that only wire the layers in them."""


def _feeds(arrays: Arrays, place: str, lone: Callable[[str], bool]) -> str | None:
    """The lone layer that gives what is taken at `place`; the first of several in a row is `_in_front`'s to find."""
    taken = arrays.get(place)
    for key, value in arrays.items():
        layer = parse(key).owner.split("#")[0]
        same = taken is not None and key.startswith("out|") and value.shape == taken.shape
        if same and taken is not None and lone(layer) and value.tobytes() == taken.tobytes():
            return layer
    return None


def _in_front(paths: list[str], layer: str, lone: Callable[[str], bool]) -> str | None:
    """The first of the lone layers that stand directly in front of `layer`."""
    place = paths.index(layer) if layer in paths else 0
    found = None
    while place > 0 and lone(paths[place - 1]):
        place -= 1
        found = paths[place]
    return found
