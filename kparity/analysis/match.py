"""Pairs the layers and variables of the two sides.

In: each side's description (`kparity.capture.inventory.describe`). Out: a Pairing. Called by compare before training,
so that both sides then write their traces under the reference's names. What stays unpaired is listed, never skipped.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

Description = dict[str, Any]
_Layer = dict[str, Any]


@dataclass(frozen=True)
class Pairing:
    """Candidate name -> reference name, for layers (paths) and variables, and what has no partner."""

    layers: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    missing_variables: list[dict[str, Any]] = field(default_factory=list)
    """Variables of the reference that the candidate lacks."""
    extra_variables: list[dict[str, Any]] = field(default_factory=list)
    """Variables that only the candidate has."""
    reshaped: dict[str, str] = field(default_factory=dict)
    """Of these two: candidate name -> reference name of variables that are one but for their shape."""


def pair(reference: Description, candidate: Description) -> Pairing:
    """Pair by path first, then by class and weights in order, whatever the weights are called, then by weights alone,
    by class alone, by class and trained weights, and by class and path.

    A path with an automatic name in it, `dense_1`, says in which order a program made its layers. Where both sides are
    wired by their graph, which sorts its layers by depth, that order counts and such a path doesn't.
    """
    weights_of = {id(side): _weights(side) for side in (reference, candidate)}
    left = [layer for layer in reference["layers"] if layer["class"] != "InputLayer"]
    right = [layer for layer in candidate["layers"] if layer["class"] != "InputLayer"]

    def shapes(side: Description, layer: dict[str, Any]) -> tuple[tuple[Any, ...], ...]:
        return tuple(
            (variable["name"].split(":")[-1], *variable["shape"]) for variable in weights_of[id(side)][layer["path"]]
        )

    def unnamed(side: Description, layer: dict[str, Any]) -> tuple[Hashable, ...]:
        sizes = tuple(size for _, *size in shapes(side, layer))
        return (layer["class"], *map(tuple, sizes)) if sizes else ()

    layers: dict[str, str] = {}

    def free() -> tuple[list[_Layer], list[_Layer]]:
        taken = set(layers.values())
        return [one for one in left if one["path"] not in taken], [one for one in right if one["path"] not in layers]

    def join(left_key: Callable[[_Layer], Hashable], right_key: Callable[[_Layer], Hashable]) -> None:
        free_left, free_right = free()
        for a, b in in_order([left_key(layer) for layer in free_left], [right_key(layer) for layer in free_right]):
            layers[free_right[b]["path"]] = free_left[a]["path"]

    loose = _numbered(reference["layers"]) | _numbered(candidate["layers"])
    paths = {layer["path"] for layer in left} - loose
    layers |= {layer["path"]: layer["path"] for layer in right if layer["path"] in paths}
    alike: defaultdict[Hashable, tuple[list[_Layer], list[_Layer]]] = defaultdict(lambda: ([], []))
    for place, (side, own) in enumerate(zip((reference, candidate), free(), strict=True)):
        for layer in own:
            alike[layer["class"], unnamed(side, layer)][place].append(layer)
    outer = [{layer["path"]: id(layer) for layer in own} for own in (left, right)]
    apart = _told_apart(alike.values(), outer, {})
    apart |= _told_apart(alike.values(), outer, apart)  # a cell is told from another by the layers around them
    join(
        lambda a: (a["class"], shapes(reference, a), apart.get(id(a))),
        lambda b: (b["class"], shapes(candidate, b), apart.get(id(b))),
    )
    join(
        lambda a: (*unnamed(reference, a), apart.get(id(a))) if shapes(reference, a) else id(a),
        lambda b: (*unnamed(candidate, b), apart.get(id(b))) if shapes(candidate, b) else id(b),
    )
    join(lambda a: shapes(reference, a) or id(a), lambda b: shapes(candidate, b) or id(b))
    for sized in (True, False):  # of another width of what they take, and then of what they give
        join(
            lambda a, sized=sized: _kind(a, shapes(reference, a), sized),  # type: ignore[misc]
            lambda b, sized=sized: _kind(b, shapes(candidate, b), sized),  # type: ignore[misc]
        )
    # one side may keep as a weight what the other keeps as a plain tensor
    join(lambda a: _trained(a, weights_of[id(reference)]), lambda b: _trained(b, weights_of[id(candidate)]))
    join(lambda a: (a["class"], a["path"]), lambda b: (b["class"], b["path"]))

    variables: dict[str, str] = {}
    for path_right, path_left in layers.items():
        own_left = weights_of[id(reference)][path_left]
        own_right = weights_of[id(candidate)][path_right]
        for keys in (_name_and_shape, _shape):
            free_left = [v for v in own_left if v["name"] not in set(variables.values())]
            free_right = [v for v in own_right if v["name"] not in variables]
            for a, b in in_order([keys(v) for v in free_left], [keys(v) for v in free_right]):
                variables[free_right[b]["name"]] = free_left[a]["name"]
    taken = set(variables.values())
    free_left = [v for v in reference["variables"] if v["name"] not in taken]
    free_right = [v for v in candidate["variables"] if v["name"] not in variables]
    for a, b in in_order([_name_and_shape(v) for v in free_left], [_name_and_shape(v) for v in free_right]):
        variables[free_right[b]["name"]] = free_left[a]["name"]
    taken = set(variables.values())
    missing = [v for v in reference["variables"] if v["name"] not in taken]
    extra = [v for v in candidate["variables"] if v["name"] not in variables]
    ours: list[Hashable] = [(v["layer"], _own_name(v)) for v in missing]
    theirs: list[Hashable] = [(layers.get(v["layer"]), _own_name(v)) for v in extra]
    return Pairing(
        layers,
        variables,
        missing,
        extra,
        {extra[b]["name"]: missing[a]["name"] for a, b in in_order(ours, theirs)},
    )


def _trained(layer: _Layer, weights_of: dict[str, list[dict[str, Any]]]) -> Hashable:
    """The class of a layer that is trained, and the shapes of the weights that are; else the layer."""
    sizes = [tuple(variable["shape"]) for variable in weights_of[layer["path"]] if variable["trainable"]]
    return (layer["class"], *sizes) if sizes else id(layer)


def _kind(layer: dict[str, Any], shapes: tuple[Any, ...], sized: bool) -> Hashable:
    """The class of a layer with weights and the names of these, `sized`: with their last dimensions; else the layer."""
    if not shapes:
        return id(layer)
    return (layer["class"], *((name, tuple(size[-1:]) if sized else ()) for name, *size in shapes))


def _told_apart(
    alike: Iterable[tuple[list[_Layer], list[_Layer]]], outer: list[dict[str, int]], around: dict[int, Hashable]
) -> dict[int, Hashable]:
    """By id of a layer, the settings that tell it from others of its kind: as `go_backwards` does two equal GRUs.

    Only where both sides have the same of these, in whatever order: another setting may be what went wrong. `alike`:
    the layers of a kind on either side; `outer`: each side's ids by path; `around`: what tells the layers around apart.
    """
    found: dict[int, Hashable] = {}
    for pair_of_sides in alike:
        settings = {
            id(layer): {**layer["config"], "around": around.get(paths.get(layer["path"].rpartition("/")[0], 0))}
            for paths, side in zip(outer, pair_of_sides, strict=True)
            for layer in side
        }
        shared = set.intersection(*map(set, settings.values())) - {"name"}
        keys = [key for key in sorted(shared) if len({repr(one[key]) for one in settings.values()}) > 1]
        said = {layer: tuple(repr(one[key]) for key in keys) for layer, one in settings.items()}
        ours, theirs = (Counter(said[id(layer)] for layer in side) for side in pair_of_sides)
        if ours == theirs:
            found |= said
    return found


def _numbered(layers: list[dict[str, Any]]) -> set[str]:
    """Paths through an automatic name in a functional or sequential model."""
    classes = {layer["path"]: layer["class"] for layer in layers}
    found: set[str] = set()
    for path, kind in classes.items():
        above, _, name = path.rpartition("/")
        wired = classes.get(above or "model") in {"Functional", "Sequential"}
        if above in found or (wired and re.fullmatch(_snake(kind) + r"(_\d+)?(#\d+)?", name)):
            found.add(path)
    return found - {"model"}


def _snake(name: str) -> str:
    """The name that Keras gives a layer of a class: `Conv2DTranspose` -> `conv2d_transpose`."""
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def in_order(left: list[Hashable], right: list[Hashable]) -> Iterable[tuple[int, int]]:
    """Index pairs of equal keys: a longest common run first, then whatever is equal in order of appearance."""
    paired_left: set[int] = set()
    paired_right: set[int] = set()
    for a, b, size in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        for offset in range(size):
            paired_left.add(a + offset)
            paired_right.add(b + offset)
            yield a + offset, b + offset
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for b, key in enumerate(right):
        if b not in paired_right:
            waiting[key].append(b)
    for a, key in enumerate(left):
        if a not in paired_left and waiting[key]:
            yield a, waiting[key].pop(0)


def _weights(side: Description) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for variable in side["variables"]:
        found[variable["layer"]].append(variable)
    return found


def _own_name(variable: dict[str, Any]) -> str:
    return str(variable["name"].split(":")[-1])


def _name_and_shape(variable: dict[str, Any]) -> Hashable:
    return (_own_name(variable), *variable["shape"])


def _shape(variable: dict[str, Any]) -> Hashable:
    return tuple(variable["shape"])
