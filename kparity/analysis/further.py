"""A further seed: whether its two trainings part in a way that those of the first seed did not.

In: statistics of every step of both sides, of the first seed and of this one; what is known of the causes. Out: a
reason to replay single steps of this seed too, or None. Called by compare: a seed that parts as the first did shows
the same causes again, and its replays would cost as much as its training.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis.onset import VISIBLE, apart, sudden_steps
from kparity.trace import parse

FURTHER = 10.0
"""How many times further apart than in the first seed an output, a loss or a weight must be to be looked into: at the
first step than at the first; where the sides part suddenly than at any. Both begin at the same weights, and how far
round-off takes them hangs on these: on the ResNet fixture every one of five seeds has sudden steps, each its own."""


@dataclass(frozen=True)
class Parting:
    """How two trainings part. `stats` of the reference and the candidate are (steps, tensors, 1 + samples), `keys` name
    their rows; `nonfinite` is the step at which the loss of each stops being finite, or None."""

    stats: tuple[np.ndarray, np.ndarray]
    keys: tuple[Sequence[str], Sequence[str]]
    nonfinite: tuple[int | None, int | None]

    def gaps(self) -> dict[str, np.ndarray]:
        """Output, loss or weight -> how far apart the sides are after each step, relative, of shape (steps,)."""
        places = {key: place for place, key in enumerate(self.keys[1])}
        shared = [(place, places[key], key) for place, key in enumerate(self.keys[0]) if key in places]
        shared = [one for one in shared if parse(one[2]).kind in {"out", "total", "var"}]
        steps = min(len(side) for side in self.stats)
        left, right = self.stats
        return {
            key: np.nan_to_num(_apart(left[:steps, ours], right[:steps, theirs]), nan=0.0, posinf=1e30)
            for ours, theirs, key in shared
        }

    def sudden(self) -> list[int]:
        """Steps at which they part suddenly."""
        return sudden_steps(*self.stats, self.keys, ())


def _apart(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return apart(left[:, None].astype(np.float64), right[:, None].astype(np.float64))[:, 0]


PARTING = "parting.json"
"""Beside the statistics of a seed: what their rows are, and where the loss stopped being finite."""


def leave(folder: Path, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Parting:
    """How the trainings part whose statistics are in `folder`; what they answered is left there for further seeds."""
    told = {name: [ours[name], theirs[name]] for name in ("keys", "nonfinite_step")}
    trace.write_json(folder / PARTING, told)
    return _parting(folder, told)


def read(folder: Path) -> Parting | None:
    """How the trainings part that were left in `folder`; None where none were."""
    file = folder / PARTING
    return _parting(folder, json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def _parting(folder: Path, told: Mapping[str, Any]) -> Parting:
    files = [trace.step_file(folder, f"{name}-stats", 0) for name in ("legacy", "keras3")]
    left, right = (trace.read_arrays(file)["stats"] for file in files)
    return Parting((left, right), tuple(told["keys"]), tuple(told["nonfinite_step"]))


def otherwise(first: Parting, this: Parting) -> str | None:
    """In what this seed parts as the first did not, in words; None where it doesn't."""
    if (this.nonfinite[0] == this.nonfinite[1]) != (first.nonfinite[0] == first.nonfinite[1]):
        return "its loss stops being finite on one side"
    before, now = first.gaps(), this.gaps()
    worst = {key: float(np.max(gap, initial=0.0)) for key, gap in before.items()}
    for key, gap in now.items():
        if gap[0] > FURTHER * max(float(before[key][0]) if key in before else 0.0, VISIBLE / FURTHER):
            return f"its first step is {gap[0]:.1e} apart in {key}"
    for step in this.sudden():
        for key, gap in now.items():
            if gap[step - 1] > FURTHER * max(worst.get(key, 0.0), VISIBLE / FURTHER):
                return f"it parts suddenly at step {step}, to {gap[step - 1]:.1e} in {key}"
    return None
