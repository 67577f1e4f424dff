"""How a layer was called and what it is configured as: the evidence by which a rule is named.

In: what each side noted of its layer calls in a replayed step, the reference's recorded keys, a layer's configuration.
Out: what differs between the calls, in words; and `shows` patterns held against all that was measured. Called by
explain.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kparity.trace import STEADY, parse

SATURATED = 1e-3
"""Distance of a probability from 0 or 1 at which 1e-7 more or less changes its logarithm by 1e-4."""

Told = Mapping[str, Mapping[str, Any]]
"""Layer call -> how it ran: `training`; `draws`, the (kind, shape) of each random draw; `masked`, by `mask=`;
`reads mask`, whether it would read one."""


@dataclass(frozen=True)
class Calls:
    """The layer calls of one step. `order`: every key that the reference recorded of it."""

    reference: Told = field(default_factory=dict)
    candidate: Told = field(default_factory=dict)
    order: tuple[str, ...] = ()

    def modes(self, path: str) -> tuple[bool, bool] | None:
        """`training` of the first call of a layer that the two sides ran in another mode: (reference, candidate)."""
        for ours, theirs in self._pairs(path):
            left, right = ours.get("training"), theirs.get("training")
            if left is not None and right is not None and left != right:
                return left, right
        return None

    def draws(self, path: str) -> tuple[list[Any], list[Any]] | None:
        """The random draws of the first call of a layer that drew otherwise on the two sides."""
        for ours, theirs in self._pairs(path):
            if ours.get("draws", []) != theirs.get("draws", []):
                return ours.get("draws", []), theirs.get("draws", [])
        return None

    def frozen(self, path: str) -> bool:
        """Whether a layer draws anew at every step in the reference, and the same numbers again in the candidate."""
        ours, theirs = self.draws(path) or ([], [])
        steady = [any(kind.endswith(STEADY) for kind, _ in drawn) for drawn in (ours, theirs)]
        return steady == [False, True]

    def masked(self, path: str) -> bool:
        """Whether a call of a layer was given `mask=`."""
        return any(ours.get("masked") for ours, _ in self._pairs(path))

    def reads_mask(self, node: str) -> bool:
        """Whether a layer or loss call reads a mask on either side; unknown calls are said to."""
        return any(side.get(node, {}).get("reads mask", True) for side in (self.reference, self.candidate))

    def count(self, kind: str, path: str) -> int:
        """How many arrays of a kind a layer's calls have at most: `in`, its tensors; `inmask`, their masks."""
        counts: dict[str, int] = {}
        for text in self.order:
            key = parse(text)
            if key.kind == kind and key.owner.split("#")[0] == path:
                counts[key.owner] = counts.get(key.owner, 0) + 1
        return max(counts.values(), default=0)

    def _pairs(self, path: str) -> Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        nodes = [node for node in self.reference if node.split("#")[0] == path and node in self.candidate]
        return [(self.reference[node], self.candidate[node]) for node in nodes]


def in_words(calls: Calls, path: str, names: tuple[str, str]) -> str:
    """A sentence for each way in which the two sides called a layer differently."""
    ours, theirs = names
    said = ""
    modes = calls.modes(path)
    if modes is not None:
        said += f" It runs with training={modes[0]} in {ours} and training={modes[1]} in {theirs}."
    draws = calls.draws(path)
    if draws is not None:
        said += f" {ours} draws {_list(draws[0])}, {theirs} {_list(draws[1])}."
    return said


def _list(draws: list[Any]) -> str:
    told = [f"{kind} of shape {tuple(shape)}" for kind, shape in draws]
    return " and ".join(told[:2]) + (f" and {len(told) - 2} more" if len(told) > 2 else "") if told else "nothing"


def facts(calls: Calls, path: str | None) -> list[str]:
    """What `shows` may ask for of a layer's calls, beside its configuration."""
    if path is None:
        return []
    found = [f"{calls.count('in', path)} inputs"]
    found += ["other training"] if calls.modes(path) is not None else []
    found += ["other draws"] if calls.draws(path) is not None else []
    found += ["masked"] if calls.count("inmask", path) or calls.masked(path) else []
    return found


def of_predictions(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """The same of a loss: "saturated" where its predictions are probabilities, some next to 0 or 1; "not finite in
    Keras 2".

    `arrays`: what the reference recorded of a step; a loss is called with (targets, predictions).
    """
    given = [arrays[key] for key in arrays if key.startswith("in|loss") and key.endswith("|1")]
    if not all(np.isfinite(arrays[key]).all() for key in arrays if key.startswith("out|loss")):
        return ["not finite in Keras 2"]
    shares = [value for value in given if value.size and 0 <= value.min() <= value.max() <= 1]
    return ["saturated"] if any(np.minimum(value, 1 - value).min() < SATURATED for value in shares) else []


def fits(shows: Mapping[str, str], measured: Mapping[str, list[str]]) -> bool:
    """Whether every pattern of `shows` matches a measured value; of patterns joined by " & ", each one, of those joined
    by " | ", any."""

    def seen(name: str, pattern: str) -> bool:
        return any(fnmatch.fnmatchcase(value, pattern) for value in measured.get(name, []))

    return all(
        any(all(seen(name, one) for one in either.split(" & ")) for either in pattern.split(" | "))
        for name, pattern in shows.items()
    )
