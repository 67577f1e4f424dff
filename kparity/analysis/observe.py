"""What the replays of single steps show: every local difference above the noise floor.

In: what each side recorded of the same steps, the candidate forced by the reference's tensors, so that every array is a
local result; the reference's own results after one-ulp moves. Out: Observations. Called by compare, before locate.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis.noise import Gap, gap
from kparity.trace import Key, parse

DOUBT = 20.0
"""Times the noise floor above which a difference is looked into. Measured on the fixtures: a fused and an unfused batch
normalization that compute the same formula are up to 16 floors apart, all other equal layers under 6."""
CERTAIN = 500.0
"""Times the noise floor from which a difference can't be round-off; between DOUBT and this a float64 run decides."""
CANCELS = 1e5
"""The same for a gradient of a layer whose outputs agree: its formula is the same, and sums that cancel lose digits in
one order of operations and not in another. Measured: gamma of a batch normalization of pixels from 0 to 255, where
Keras 3 is 2,000 floors away (y = x * scale + (beta - mean * scale) has the gradient sum(dy x) - mean sum(dy))."""
FEWEST = 16
"""Elements from which on a common sign of their differences means something: by chance, once in 30,000 times."""

ROOT = "model"
"""The path of the outermost model."""

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class StepRecord:
    """One step as the two sides replayed it: the arrays that are not equal bit for bit.

    `reference` also has the gradients of those arrays; `moved` is the reference after one-ulp moves. `lone` are keys of
    masks that only one side has, and of gradients that only the reference has.
    """

    step: int
    reference: Arrays
    candidate: Arrays
    moved: Arrays
    lone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A local difference of one array at one step."""

    key: Key
    phase: str
    step: int
    gap: Gap
    order: int
    kind: str = "numbers"


def observe(record: StepRecord, order: Mapping[str, int], trainable: set[str]) -> tuple[list[Seen], list[Seen]]:
    """Local differences above DOUBT: those that training reads, and those that it doesn't.

    Of a layer's output only elements with a gradient count: where the upstream gradient is exactly zero, as behind a
    mask, no difference reaches the loss. The outputs of a layer whose inputs have another shape are not local, because
    nothing could be forced on it.
    """
    live, idle = [], []
    for text in record.reference:
        key = parse(text)
        phase = phase_of(key, trainable)
        if phase is None or text not in record.candidate:
            continue
        reference, candidate = record.reference[text], record.candidate[text]
        if np.array_equal(reference, candidate):
            continue
        if candidate.shape != reference.shape:
            if key.kind in {"in", "out"} and phase == "forward":
                unlike = Gap(float("inf"), 0.0, float("inf"))
                live.append(Seen(key, phase, record.step, unlike, order.get(text, len(order)), "shape"))
            continue
        moved = record.moved.get(text, reference)
        if key.kind == "in" and _rounded(reference, candidate):
            continue
        seen = gap(reference, candidate, moved)
        if seen.ratio <= DOUBT:
            continue
        place = order.get(text, len(order))
        used = _used(record.reference, key)
        if used is not None:
            inside = gap(reference[used], candidate[used], moved[used])
            if inside.ratio <= DOUBT:
                idle.append(Seen(key, phase, record.step, seen, place))
                continue
            seen = inside
        kind = "nan" if not np.isfinite(candidate).all() and np.isfinite(reference).all() else "numbers"
        live.append(Seen(key, phase, record.step, seen, place, kind))
    return _local(live, unheld(record)), idle


def unheld(record: StepRecord) -> frozenset[str]:
    """Paths of layers one of whose inputs or outputs has another shape, and "loss" where its predictions are of another
    number: nothing could be forced there, so nothing that they make is local."""
    found = set()
    for text in record.candidate:
        key = parse(text)
        if key.kind not in {"in", "out"} or text not in record.reference:
            continue
        own, other = record.candidate[text], record.reference[text]
        path = key.owner.split("#")[0]
        # targets may have a dimension more, which a Keras adds or drops
        wide = key.index != "0" and other.size != own.size if path == "loss" else other.shape != own.shape
        if wide:
            found.add(path)
    return frozenset(found)


def inside(path: str, outer: str) -> bool:
    """Whether a layer is within another; the outermost model is around all."""
    return path != outer and (outer == ROOT or path.startswith(outer + "/"))


def _local(live: list[Seen], loose: frozenset[str]) -> list[Seen]:
    """Leave out what comes of another shape. Where shapes part is where the first array has another one, and every
    layer that makes one of inputs of the same; what lies behind, and what is around such a layer, isn't local."""
    if not loose:
        return live
    shapes = sorted((one for one in live if one.kind == "shape"), key=lambda one: one.order)
    given = {one.key.owner for one in shapes if one.key.kind == "in"}
    begins = shapes[0].order if shapes else float("inf")
    around = {outer for outer in {one.key.owner.split("#")[0] for one in live} if any(inside(p, outer) for p in loose)}

    def kept(one: Seen) -> bool:
        path = one.key.owner.split("#")[0]
        if one.kind == "shape":
            own = one.key.kind == "out" and one.key.owner not in given and path not in around
            return own or one is shapes[0]
        if one.key.kind == "in":
            return one.order < begins
        if one.phase in {"forward", "loss"}:
            return path not in loose and path not in around
        return not (one.phase == "metric" and "loss" in loose)

    return [one for one in live if kept(one)]


def _rounded(reference: np.ndarray, candidate: np.ndarray) -> bool:
    """Whether an array is the reference's but for a lower precision, which whoever made it is to blame for."""
    if reference.dtype != np.float32:
        return False
    with np.errstate(over="ignore"):
        half = reference.astype(np.float16).astype(np.float32)
    bits = reference.view(np.uint32)
    brain = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)  # to nearest even
    return any(np.array_equal(one, candidate.astype(np.float32), equal_nan=True) for one in (half, brain))


def _used(reference: Arrays, key: Key) -> np.ndarray | None:
    back = {"out": "dy", "in": "dx", "predict": "dy"}.get(key.kind)
    if back is None:
        return None
    found = [reference[one] for one in trace.passes(f"{back}|{key.owner}|{key.index}") if one in reference]
    if not found or any(upstream.shape != reference[str(key)].shape for upstream in found):
        return None
    return np.any([upstream != 0 for upstream in found], axis=0)


def phase_of(key: Key, trainable: set[str]) -> str | None:
    """The phase in which an array is made; None for what is not compared."""
    if key.kind in {"in", "out", "total"}:
        return "loss" if key.owner.split("#")[0] == "loss" else "forward"
    if key.kind == "term":
        return "loss"
    if key.kind in {"dx", "dy"}:
        return "loss" if key.owner.split("#")[0] == "loss" else "gradient"
    if key.kind == "var":
        # what the program itself does to a weight after its update is noted as "end"
        return "optimizer" if key.owner in trainable and key.index != "end" else "state"
    return {
        "grad": "gradient",
        "update": "optimizer",
        "slot": "optimizer",
        "dense": "optimizer",
        "lr": "optimizer",
        "log": "metric",
        "predict": "state",
    }.get(key.kind)


def masks(
    record: StepRecord, order: Mapping[str, int], reads: Callable[[str], bool] = lambda node: True
) -> dict[str, Key]:
    """Layer call that `reads` masks -> where the mask that it received was lost or changed: an `outmask` or `inmask`.

    The origin is the first call whose outgoing mask differs while the mask that it was given did not. What a layer
    hands on inside another one stays in there: to what is outside, the outer one hands on. Where nothing in front of a
    call hands on another one, the code lost it that calls it: that of the layer around it (an `inmask` INSIDE it) or,
    between the layers of a model, what stands directly in front of it (its own `inmask`).
    """
    changed = [text for text in record.candidate if parse(text).kind in {"inmask", "outmask"}]
    changed = [text for text in changed if not _same_mask(record.reference.get(text), record.candidate[text])]
    changed += [text for text in record.lone if parse(text).kind in {"inmask", "outmask"}]
    keys = [parse(text) for text in sorted({*changed}, key=lambda text: order.get(text, len(order)))]
    got = {key.owner: key for key in reversed(keys) if key.kind == "inmask"}
    gave = [key.owner for key in keys if key.kind == "outmask" and key.owner not in got]
    found: dict[str, Key] = {}
    for reader, taken in sorted(got.items(), key=lambda one: one[0].count("/")):
        origin = next((owner for owner in gave if f"/{reader}".startswith(f"/{owner}".rpartition("/")[0] + "/")), None)
        outer = reader.split("#")[0].rpartition("/")[0]
        around = next((node for node in got if node.split("#")[0] == outer), None)
        if not reads(reader):
            continue
        if origin is not None:
            found[reader] = Key("outmask", origin)
        elif around is not None:
            found[reader] = found.get(around, got[around])
        elif reader.split("#")[0] not in {"loss", ROOT}:
            found[reader] = Key("inmask", outer, INSIDE) if outer else taken
    return found


INSIDE = "inside"
"""Stands in the key of a mask that a layer gives to one inside of it."""


def _same_mask(left: np.ndarray | None, right: np.ndarray) -> bool:
    """Whether two masks say the same, in whatever type and with whatever dimensions of one."""
    try:
        return left is not None and bool(np.all(left.astype(bool) == right.astype(bool)))
    except ValueError:
        return False


@dataclass(frozen=True)
class Observations:
    """What the replays of a comparison show. `order`: every recorded array of a step in the order it was made.

    `owners`: variable name -> path of its layer. `live` differences reach the training, `idle` ones don't.
    """

    records: list[StepRecord]
    order: list[str]
    owners: Mapping[str, str]
    live: list[Seen]
    idle: list[Seen]
    roundoff: tuple[Seen, ...] = ()
    """What a float64 run has shown to be round-off."""


def look(records: list[StepRecord], order: list[str], trainable: set[str], owners: Mapping[str, str]) -> Observations:
    """Observe every replayed step."""
    ranks = {text: rank for rank, text in enumerate(order)}
    live: list[Seen] = []
    idle: list[Seen] = []
    for record in records:
        seen, unread = observe(record, ranks, trainable)
        live += _with_gradients(seen, record, ranks, owners)
        idle += unread
    return Observations(records, order, owners, live, idle)


def _with_gradients(
    seen: list[Seen], record: StepRecord, ranks: Mapping[str, int], owners: Mapping[str, str]
) -> list[Seen]:
    """Add variables that get no gradient; leave out gradients and state of layers that nothing could be forced on.

    Where the candidate has no upstream gradient for one of a layer's outputs, the others carry all of it.
    """
    keys = [parse(text) for text in record.lone]
    others = unheld(record)
    loose = {key.owner.split("#")[0] for key in keys if key.kind == "dy"} | others

    def within(one: Seen, paths: Collection[str]) -> bool:
        layer = layer_of(one.key, owners) or ""
        return any(layer == path or layer.startswith(path + "/") for path in paths)

    def local(one: Seen) -> bool:
        return not within(one, {"gradient": loose, "state": others}.get(one.phase, frozenset()))

    nothing = Gap(float("inf"), 0.0, float("inf"))
    missing = [
        Seen(key, "gradient", record.step, nothing, ranks.get(str(key), 0), "no-gradient")
        for key in keys
        if key.kind in {"grad", "dx"} and key.owner.split("#")[0] != "loss"
    ]
    return [*(one for one in seen if local(one)), *(one for one in missing if not within(one, others))]


def doubtful(seen: Observations, classes: Mapping[str, str]) -> list[Seen]:
    """Differences that may be round-off: under CERTAIN (CANCELS), and nothing of their sort above."""
    forward = {layer_of(one.key, seen.owners) for one in seen.live if one.phase == "forward"}

    def certain(one: Seen) -> bool:
        alone = one.phase == "gradient" and one.kind == "numbers" and layer_of(one.key, seen.owners) not in forward
        return one.gap.ratio >= (CANCELS if alone else CERTAIN)

    sure = {_sort(one, seen.owners, classes) for one in seen.live if certain(one)}
    return [one for one in seen.live if not certain(one) and _sort(one, seen.owners, classes) not in sure]


def _sort(one: Seen, owners: Mapping[str, str], classes: Mapping[str, str]) -> tuple[Any, ...]:
    """What is judged together: the same array of layers of one class."""
    layer = layer_of(one.key, owners)
    return one.phase, one.key.kind, classes.get(layer or "", layer), *one.key.owner.split(":")[1:]


def directed(
    vanished: list[Seen], seen: Observations, float64: Mapping[int, Arrays], classes: Mapping[str, str]
) -> set[int]:
    """Of differences that vanish in float64, those (by id) that are a formula all the same: round-off has no direction.

    Keras 2 may run another kernel in float64: then its own result changes by as much as the two sides differ, and
    nearly all elements, of layers and steps taken together, differ to the same side. `float64`: the reference's arrays
    by step.
    """
    records = {record.step: record for record in seen.records}
    groups: dict[tuple[Any, ...], list[Seen]] = {}
    for one in vanished:
        text = str(one.key)
        reference, other = records[one.step].reference[text], float64[one.step].get(text)
        if other is None or other.shape != reference.shape:
            continue
        if gap(reference, other, reference).error > 0.5 * one.gap.error:
            groups.setdefault(_sort(one, seen.owners, classes), []).append(one)
    found: set[int] = set()
    for members in groups.values():
        signs = np.concatenate([np.sign(_difference(records[one.step], one)).ravel() for one in members])
        signs = signs[signs != 0]
        if signs.size >= FEWEST and abs(signs.sum()) > 0.9 * signs.size:
            found |= {id(one) for one in members}
    return found


def _difference(record: StepRecord, one: Seen) -> np.ndarray:
    text = str(one.key)
    return record.candidate[text].astype(np.float64) - record.reference[text].astype(np.float64)


def layer_of(key: Key, owners: Mapping[str, str]) -> str | None:
    """The path of the layer that an array belongs to; None where it belongs to none."""
    if key.kind in {"grad", "update", "var", "slot"}:
        return owners.get(key.owner)
    if key.kind in {"lr", "log", "total", "predict"}:
        return None
    return key.owner.split("#")[0]


def roundoff(record: StepRecord, seen: Seen, share: float = 1e-3) -> bool:
    """Whether a difference seen in float32 all but vanishes in float64: to under this share of its relative size.

    `record`: the step in float64. An array that isn't in it is equal there bit for bit.
    """
    text = str(seen.key)
    reference, candidate = record.reference.get(text), record.candidate.get(text)
    if candidate is None:
        return True
    if reference is None or reference.shape != candidate.shape:
        return False
    used = _used(record.reference, seen.key)
    if used is not None:
        reference, candidate = reference[used], candidate[used]
    return gap(reference, candidate, reference).error < share * seen.gap.error
