"""One training step alone, from a given state: run eagerly, free or forced by the reference's tensors.

In: the state before a step, its batch, and, to force, what the reference recorded of the same step. Out: every tensor
of the step. The reference runs free and, for the noise floor, forced by its own tensors moved by one unit in the last
place; the other side runs forced by the reference's, so that each of its results is local. Called by the capture
process after training.
"""

import contextlib
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture.inventory import set_state
from kparity.capture.record import Step
from kparity.capture.train import Session, rate_key, run_evaluation, run_step, to_tensors
from kparity.trace import parse

Arrays = Mapping[str, np.ndarray]


@contextlib.contextmanager
def precision(float64: bool) -> Iterator[None]:
    """Models that are made inside compute in float64, if asked."""
    if not float64:
        yield
        return
    tf.keras.backend.set_floatx("float64")
    try:
        yield
    finally:
        tf.keras.backend.set_floatx("float32")


def stand_before(session: Session, number: int, state: Arrays) -> None:
    """Bring the model to `state`, as it was before training step `number` (1-based)."""
    session.draws.stand_at(number)
    set_state(session.inventory, session.side, state)
    session.model.reset_metrics()


class Sieve(dict[str, Any]):
    """The arrays of an eager step, each handed to `take` as soon as it is noted, and kept only if that says so.

    A step that keeps each input, output and gradient to its end takes several times the memory of its training.
    """

    def __init__(self, take: Callable[[str, np.ndarray], bool], wanted: Collection[str] | None = None) -> None:
        """`wanted`: the keys that `take` looks at; None for all. Without one of an update alone, none is made."""
        super().__init__()
        self.take, self.order = take, dict[str, None]()
        self.updates = wanted is None or any(key.startswith(("update|", "dense|")) for key in wanted)
        self.last: tuple[str, Any] = ("", None)

    def __setitem__(self, key: str, value: Any) -> None:
        self.last = key, value
        self.order[key] = None
        array = np.asarray(value)
        if self.take(key, array):
            super().__setitem__(key, array)

    def __missing__(self, key: str) -> Any:
        """What was noted last can be read, whether it is kept or not."""
        if key != self.last[0]:
            raise KeyError(key)
        return self.last[1]

    def __ior__(self, other: Any) -> "Sieve":  # type: ignore[override, misc]
        for key, value in other.items() if isinstance(other, Mapping) else other:
            self[key] = value
        return self


def replay(session: Session, number: int, batch: Any, state: Arrays, forced: Arrays | None, arrays: Sieve) -> list[str]:
    """Run training step `number` from `state`, eagerly; its tensors go into `arrays`, which must keep gradients and
    the learning rate of a free run. Returns the keys that could not be forced."""
    stand_before(session, number, state)
    arrays |= penalties(session)
    with noting(session, arrays):
        logs, step = run_step(session, to_tensors(batch), None, forced)
    arrays |= logged(logs)
    arrays |= slots_left(session, step)
    if arrays.updates:
        arrays |= update_alone(session, state, dict(arrays) if forced is None else forced)
    return step.unforced


def replay_evaluation(
    session: Session, number: int, batch: Any, state: Arrays, forced: Arrays | None, arrays: Sieve
) -> list[str]:
    """As `replay`, of an evaluation of the batch instead of a step of training."""
    stand_before(session, number, state)
    with noting(session, arrays):
        logs, step = run_evaluation(session, to_tensors(batch), forced)
    arrays |= logged(logs)
    return step.unforced


def logged(logs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Reported values by their keys."""
    return {f"log|{name}|0": np.asarray(value) for name, value in logs.items()}


@contextlib.contextmanager
def noting(session: Session, arrays: Sieve) -> Iterator[None]:
    """The next step's tensors go into `arrays`."""
    session.recorder.sieve = arrays
    try:
        yield
    finally:
        session.recorder.sieve = None


Named = Iterator[tuple[str, np.ndarray]]
"""Arrays by key, each made when its turn comes."""


def slots_left(session: Session, step: Step) -> Named:
    """The optimizers' state as a step left it, but for what a watched update has noted."""
    for key, variable in session.inventory.slots(session.side).items():
        if key not in step.updated:
            yield key, np.asarray(variable)


def penalties(session: Session) -> dict[str, np.ndarray]:
    """What each regularized variable adds to the loss: `term|layer|variable`. The total shows no small one."""
    found: dict[str, np.ndarray] = {}
    for path, layer in session.inventory.layers.items():
        for variable, penalty in session.side.penalties(layer):
            if (name := session.inventory.variable(variable)) is not None:
                found[f"term|{path}|{name}"] = np.asarray(penalty())
    return found


Run = Callable[[Arrays, Arrays | None, Sieve], list[str]]
"""Runs a step: its state, what it is forced by, where its arrays go -> the keys that could not be forced."""


def replay_free(run: Run, state: Arrays, file: Path, compiled: Arrays) -> tuple[list[str], list[str], dict[str, float]]:
    """A free replay; everything it notes goes to `file`. Returns the keys in the order they were made, those that could
    not be forced, and how far losses and weights are from those of the `compiled` step."""
    parted: dict[str, float] = {}
    with trace.Writer(file) as writer:

        def take(key: str, array: np.ndarray) -> bool:
            if array.dtype != object:  # strings: what a lookup makes of them is compared
                writer.add(key, array)
            if key in compiled:
                parted.update(trace.apart({key: compiled[key]}, {key: array}))
            return key.startswith(("grad|", "lr|"))  # what the optimizer is given

        arrays = Sieve(take)
        missed = run(state, None, arrays)
    return list(arrays.order), missed, parted


@dataclass(frozen=True)
class Forced:
    """A forced replay: the keys of all its arrays in the order they were made, those that could not be forced, the
    arrays that are `unlike` the reference's or wanted, the outputs of layers that the reference lacks, and what only
    one of the two has (see `lone`)."""

    order: list[str]
    missed: list[str]
    unlike: dict[str, np.ndarray]
    own: dict[str, np.ndarray]
    lone: list[str]


def replay_forced(
    run: Run, state: Arrays, handed: Arrays, reference: Arrays, doubt: float, wanted: Collection[str] | None
) -> Forced:
    """A replay forced by `handed`, held against `reference`. `wanted`: the keys of the arrays to keep, if not those
    that are `unlike` the reference's by more than `doubt`."""
    found: dict[str, np.ndarray] = {}
    own: dict[str, np.ndarray] = {}
    same: set[str] = set()

    def take(key: str, array: np.ndarray) -> bool:
        found.pop(key, None)
        if key.startswith("logits|"):  # a loss is judged by what it makes of them, and a layer by its outputs
            return False
        if key.startswith("out|!"):
            own[key] = np.array(array)
        elif wanted is not None:
            if key in wanted:
                found[key] = np.array(array)
        elif key in reference:
            other = reference[key]
            if _same(array, other):
                same.add(key)
            elif unlike(array, other, doubt):
                found[key] = np.array(array)
        return key.startswith("lr|")

    arrays = Sieve(take, wanted)
    missed = run(state, handed, arrays)
    return Forced(list(arrays.order), missed, found, own, lone(arrays.order, reference, same))


def update_alone(session: Session, state: Arrays, recorded: Arrays) -> Named:
    """The optimizer's update in two parts that keep all their digits: of the gradients, and of the weights' size.

    From the gradients: starting at `state` with every weight at zero the update is what the weight becomes; added to a
    weight it would keep only those digits above the weight's last place, and a changed epsilon would drown in them.
    From the weights: without gradients and slots and at a learning rate of 1, what is left is weight decay, which is
    itself lost in a weight's last place when multiplied by a small rate. The learning rate is the recorded one
    otherwise: a changed rate is seen as such, and must not hide or fake a changed formula.
    """
    for group in session.inventory.groups:
        if getattr(group, "optimizer", None) is not None:
            yield from _group_alone(session, group, state, recorded)


def _group_alone(session: Session, group: Any, state: Arrays, recorded: Arrays) -> Named:
    place = session.inventory.place(group)
    rate = rate_key(place)
    set_state(session.inventory, session.side, state)
    names = {id(variable): name for name, variable in session.inventory.variables.items()}
    updated: dict[str, Any] = {}
    gradients = []
    for variable in group.trainable_variables:
        name = names.get(id(variable))
        gradient = None if name is None else _handed(name, recorded, place, session.several)
        if name is not None and gradient is not None and tuple(variable.shape) == gradient.shape:
            session.side.assign(variable, np.zeros(variable.shape))
            gradients.append(tf.cast(tf.constant(gradient), variable.dtype))
            updated[name] = variable
    if not updated or rate not in recorded:
        return
    with session.side.at_rate(group, recorded[rate]):
        session.side.apply(group.optimizer, list(zip(gradients, updated.values(), strict=True)))
    for key, value in session.inventory.slots_of(group, session.side).items():
        yield key.replace("slot|", "dense|", 1), np.array(value)
    for name, variable in updated.items():
        yield f"update|{name}|0", np.asarray(variable)

    del gradients
    unset = set_state(session.inventory, session.side, _Unmoved(state))
    before = {key: np.array(updated[name]) for name in updated if (key := f"var|{name}|0") in unset or key not in state}
    nothing = [(tf.zeros(variable.shape, variable.dtype), variable) for variable in updated.values()]
    with session.side.at_rate(group, np.float32(1.0)):
        session.side.apply(group.optimizer, nothing)
    for name, variable in updated.items():
        after, key = np.array(variable), f"var|{name}|0"
        yield f"update|{name}|decay", after - (before[key] if key in before else state[key].astype(after.dtype))


def _handed(name: str, recorded: Arrays, place: int, several: bool) -> np.ndarray | None:
    """The gradient that the first update of a variable by an optimizer was handed; None where it got none."""
    return recorded.get(f"grad|{name}|u{place}.0" if several else f"grad|{name}|0")


def unlike(own: np.ndarray, reference: np.ndarray, doubt: float) -> bool:
    """Whether two arrays differ by more than `doubt` halves of a unit in the last place, or in kind.

    No noise floor is below that half unit (see `analysis.noise.gap`), so what differs by less is below `doubt` floors,
    whatever the floor; integers and what isn't finite must be equal.
    """
    if own.shape != reference.shape or own.dtype != reference.dtype:
        return True
    if not np.issubdtype(own.dtype, np.floating) or not np.isfinite(own).all() or not np.isfinite(reference).all():
        return not _same(own, reference)
    if not own.size:
        return False
    allowed = doubt * float(np.finfo(own.dtype).eps) / 2
    difference, size = np.subtract(own, reference, dtype=np.float64), reference.astype(np.float64)
    root = np.sqrt(np.mean(difference * difference)) > allowed * np.sqrt(np.mean(size * size))
    return bool(root or np.max(np.abs(difference)) > allowed * np.max(np.abs(size)))


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return np.array_equal(a.reshape(-1).view(np.uint8), b.reshape(-1).view(np.uint8))


def lone(own: Collection[str], reference: Collection[str], same: Collection[str]) -> list[str]:
    """Masks that only one of the two has, and gradients that only the reference has.

    Of gradients to a layer's inputs those count whose input is the reference's (in `same`): the layer passes nothing
    back to it. A layer may be passed by more often than once; the first pass counts.
    """
    masks = {key for arrays in (own, reference) for key in arrays if key.startswith(("inmask|", "outmask|"))}
    gradients = {
        key
        for key in reference
        if key.startswith("grad|")
        or (key.startswith("dy|") and "." not in key.split("|")[2].removesuffix(trace.BY_LOGITS))
    }
    found = {key for key in masks if (key in own) != (key in reference)}
    inputs = {key: key.replace("dx|", "in|", 1) for key in reference if key.startswith("dx|") and key not in own}
    found |= {key for key, taken in inputs.items() if taken in same}
    return sorted(found | {key for key in gradients if key not in own})


def held(arrays: Arrays, free: Collection[str]) -> Arrays:
    """What forces a step that leaves the layers at these paths to themselves; the layers inside of them are held."""
    passing = {"in", "out", "logits", "dx", "dy"}

    def is_free(text: str) -> bool:
        key = parse(text)
        return key.kind in passing and key.owner.split("#")[0] in free

    return Some(arrays, {text: text for text in arrays if not is_free(text)}) if free else arrays


class _Each(Mapping[str, np.ndarray]):
    """Arrays that are made of others of the same keys, each when it is asked for."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def __contains__(self, key: object) -> bool:
        return key in self.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


class Moved(_Each):
    """Arrays with every floating-point element moved by one unit in the last place.

    Whole numbers among what layers hand each other stay: tokens that came as float32 are cut to integers by an
    embedding, and 2.9999998 is another word than 3; -1 may say that a place is masked, and its neighbour does not.
    """

    def __init__(self, arrays: Arrays, seed: int) -> None:
        super().__init__(arrays)
        self.seed = seed

    def __getitem__(self, key: str) -> np.ndarray:
        array = self.arrays[key]
        moved = neighbour(array, zlib.crc32(key.encode(), self.seed))
        return np.where(array == np.round(array), array, moved) if key.startswith(("in|", "out|")) else moved


class _Unmoved(_Each):
    """A state whose optimizers have no past: what they keep of each variable is zero."""

    def __getitem__(self, key: str) -> np.ndarray:
        array = self.arrays[key]
        return np.zeros_like(array) if key.startswith("slot|") and parse(key).owner else array


class Some(Mapping[str, np.ndarray]):
    """Some of the arrays there are, each when it is asked for. `names`: key -> what `arrays` has it as."""

    def __init__(self, arrays: Arrays, names: Mapping[str, str]) -> None:
        self.arrays, self.names = arrays, names

    def __getitem__(self, key: str) -> np.ndarray:
        return self.arrays[self.names[key]]

    def __contains__(self, key: object) -> bool:
        return key in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


_BITS = {2: np.int16, 4: np.int32, 8: np.int64}


def neighbour(array: np.ndarray, salt: int) -> np.ndarray:
    """Every floating-point element moved to a neighbour of its own precision, up or down by a fair coin.

    The coin is the top bit of a hash of the element's bits and `salt` (32 bits): no random numbers to be drawn. Zeros,
    and what is not finite, stay.
    """
    if not np.issubdtype(array.dtype, np.floating):
        return array
    whole = _BITS[array.dtype.itemsize]
    flat = array.reshape(-1)
    moved = flat.view(whole) ^ np.array(salt * 0x9E3779B97F4A7C15 % 2**64, np.uint64).astype(whole)
    moved *= np.array(0x9E3779B97F4A7C15, np.uint64).astype(whole)
    moved >>= 8 * array.dtype.itemsize - 1
    moved |= 1
    moved += flat.view(whole)
    result = moved.view(array.dtype)
    np.copyto(result, flat, where=(flat == 0) | ~np.isfinite(flat))
    return result.reshape(array.shape)
