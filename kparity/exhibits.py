"""Has both sides show what is behind each cause: source lines, parts of a loss or a metric, and what a script needs.

In: the two sides' processes, the causes and their words. Out: `sources` and, where a loss or a metric can be taken
apart, a sentence more in each cause's message; the folder `repro`. Called by compare once the causes are known.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis import material
from kparity.analysis.locate import Cause
from kparity.analysis.proof import step_of

SAME = 1e-5
"""Relative difference up to which a part of a loss or metric is the same: sums of float32 in another order."""

Ask = Callable[..., Any]
Both = Callable[[Callable[[], Any], Callable[[], Any]], tuple[Any, Any]]


def show(
    both: Both,
    sides: tuple[Ask, Ask],
    folder: Path,
    keep: Path,
    causes: Sequence[Cause],
    told: Sequence[dict[str, Any]],
    steps: Sequence[int],
) -> None:
    """Complete `told`, the causes as verdict.json has them, and leave in `keep` what `kparity repro` needs."""
    reference, candidate = sides
    at = [step_of(cause, steps) for cause in causes[: material.MOST]]
    asked = [
        {"phase": c.phase, "layer": c.layer, "variable": c.variable, "node": material.node(c), "step": step}
        | {"evaluated": c.evaluated}
        for c, step in zip(causes, at, strict=False)
    ]
    ours, theirs = both(
        lambda: reference("exhibits", causes=asked, given="legacy-replay"),
        lambda: candidate("exhibits", causes=asked, given="legacy-replay"),
    )
    for number, (cause, step, left, right) in enumerate(zip(causes, at, ours, theirs, strict=False), start=1):
        entry = told[number - 1]
        entry["sources"] = {"legacy": left.get("source"), "keras3": right.get("source")}
        what = "evaluation" if cause.evaluated else "replay"
        apart = left.pop("parts", None), right.pop("parts", None)
        other = _given([trace.step_file(folder, f"{side}-{what}", step) for side in ("legacy", "keras3")], cause)
        entry["message"] += other or taken_apart(cause.phase, *apart)
        name = f"legacy-{what}"
        replayed = trace.Reader(trace.step_file(folder, name, step))
        state = trace.Reader(trace.step_file(folder, "legacy-state", step))
        arrays = material.arrays_of(cause, left or right, replayed, state)
        left.pop("rows", None)
        right.pop("rows", None)
        material.keep(keep, number, entry, (left, right), arrays)


def show_fit(ask: Ask, folder: Path, keep: Path, number: int, entry: Mapping[str, Any]) -> None:
    """Leave in `keep` what `kparity repro` needs of a cause in what `fit` hands over, as far as it is given arrays."""
    if (given := ask("handed", name="handed")) is not None:
        fit = {"family": "fit", **given}
        material.keep(keep, number, entry, (fit, fit), trace.read_arrays(trace.step_file(folder, "handed", 1)))


def _given(files: Sequence[Path], cause: Cause) -> str:
    """What else than predictions a loss is given otherwise, in a sentence. `files`: what each side left of the step,
    the candidate what differs."""
    if cause.phase != "loss" or not all(file.exists() for file in files):
        return ""
    (ours, theirs), node = map(trace.Reader, files), material.node(cause)
    keys = {what: f"in|{node}|{index}" for index, what in ((0, "targets"), (2, "sample weights"))}
    known = {what: (ours[key], theirs[key]) for what, key in keys.items() if key in ours and key in theirs}
    # one of another type or shape may be the same numbers
    other = [what for what, arrays in known.items() if not _same(*(one.ravel() for one in arrays))]
    return f" It is given other {' and '.join(other)}." if other else ""


def taken_apart(phase: str, ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> str:
    """Which part of a loss or a metric differs, in a sentence; "" where both sides could not be taken apart."""
    if not ours or not theirs:
        return ""
    apart = [part for part in ours if part in theirs and not _same(ours[part], theirs[part])]
    if phase == "metric":
        return _METRIC["result" if apart else ""]
    return _LOSS[apart[0] if apart else ""]


_LOSS = {
    "values": " Taken apart: the values of single samples differ already.",
    "plain": " Taken apart: the values of single samples are the same, and their reduction to one number differs.",
    "weighted": " Taken apart: values and reduction are the same, and what the sample weights do to them differs.",
    "": " Taken apart: values, sample weights and reduction are the same, so it is the mask.",
}
"""By the first part that differs, in the order in which a loss is made."""
_METRIC = {
    "result": " Fed with the same predictions of one batch, the two metrics themselves differ.",
    "": " Fed with the same predictions of one batch the two metrics agree: what they are fed differs (mask, sample "
    "weights, or which batches are averaged).",
}


def _same(left: Any, right: Any) -> bool:
    a, b = np.asarray(left, np.float64), np.asarray(right, np.float64)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=SAME, atol=SAME * float(np.abs(a).max(initial=0.0))))
