"""What differs beyond round-off, and which rule says so. NumPy and SciPy; no framework.

In: the arrays that the sides left, as `{case key: {array name: array}}`, and rules/api/silent_causes.toml. Out: `Row`s.
Called by __main__ and by the tests.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from kparity.analysis.noise import gap
from kparity.analysis.observe import CERTAIN, DOUBT

EPS = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""One unit in the last place, relative to the number."""
SURE = 1e-9
"""Probability below which two samples are not of one distribution (Kolmogorov-Smirnov); thousands are compared."""
SINGLE = float(np.finfo(np.float32).eps) / 2
"""In float64 the same formula agrees far better than half a unit in the last place of float32."""


@dataclass(frozen=True)
class Difference:
    """One array that differs: how much, in words."""

    array: str
    size: str
    kind: str
    """numbers, shape, missing, text, sample"""
    single_only: bool = False
    """float64 agrees: another kernel or another order of rounding that float32 shows."""


@dataclass(frozen=True)
class Row:
    """Differences of one case with one cause."""

    kind: str
    name: str
    case: str
    difference: str
    rule: str


@dataclass(frozen=True)
class Cause:
    """Which differences a rule explains: regular expressions, all of which must match."""

    rule: str
    kind: str
    name: str
    case: str
    array: str
    why: str

    def fits(self, kind: str, name: str, case: str, array: str) -> bool:
        pairs = ((self.kind, kind), (self.name, name), (self.case, case), (self.array, array))
        return all(re.search(pattern, text) for pattern, text in pairs)


def differences(
    old: dict[str, np.ndarray],
    moved: dict[str, np.ndarray],
    new: dict[str, np.ndarray],
    grain: float = EPS["float32"],
    doubles: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] | None = None,
) -> list[Difference]:
    """Arrays of one case that differ. `doubles`: both sides in float64; without it what is in doubt counts as
    different (so that the caller can ask for float64), with it that decides. `grain`: the precision computed in."""
    found = []
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            here = "Keras 2" if name in old else "Keras 3"
            found.append(Difference(name, f"only in {here}", "missing"))
            continue
        one = _different(name, old[name], moved.get(name, old[name]), new[name], grain, doubles)
        if one is not None:
            found.append(one)
    return found


def _different(
    name: str, old: np.ndarray, moved: np.ndarray, new: np.ndarray, grain: float, doubles: Any
) -> Difference | None:
    if name.startswith("text|") or old.dtype.kind in "US":
        if str(old) == str(new):
            return None
        lines = [(a, b) for a, b in zip(str(old).splitlines(), str(new).splitlines(), strict=False) if a != b]
        was, now = lines[0] if lines else (str(old), str(new))
        return Difference(name, f"{was or 'nothing'} -> {now or 'nothing'}", "text")
    if old.shape != new.shape:
        return Difference(name, f"shape {old.shape} -> {new.shape}", "shape")
    if name.startswith("sample|"):
        return _sample(name, old, new)
    if old.dtype.kind == "f" and new.dtype.kind == "f" and old.dtype != new.dtype:
        coarse = min(old.dtype, new.dtype, key=lambda d: d.itemsize)
        old, moved, new = old.astype(coarse), moved.astype(coarse), new.astype(coarse)
    new = (new.astype(old.dtype) if new.dtype.kind != "f" else new) if old.dtype.kind != "f" else new.astype(old.dtype)
    seen = gap(old, new, moved if moved.shape == old.shape else old)
    ratio = seen.ratio
    if old.dtype.kind == "f" and np.isfinite(seen.error):
        ratio = min(ratio, _worst(old, new) / (grain / 2))  # a float32 sum of half-precision numbers is no finer
    if ratio <= DOUBT:
        return None
    size = _size(old, new)
    if doubles is None:
        return Difference(name, size, "numbers")
    first, second = (side.get(name) for side in doubles)
    if first is None or second is None or first.shape != second.shape:
        return Difference(name, size, "numbers")
    if first.dtype != np.float64 or second.dtype != np.float64:
        first, second = first.astype(np.float64), second.astype(np.float64)
    exact = gap(first, second, first)
    if exact.error > SINGLE or _worst(first, second) > SINGLE:
        return Difference(name, size, "numbers")
    return Difference(name, size, "numbers", single_only=True) if ratio >= CERTAIN else None


def _sample(name: str, old: np.ndarray, new: np.ndarray) -> Difference | None:
    if np.array_equal(old, new):
        return None
    a, b = old.ravel().astype(np.float64), new.ravel().astype(np.float64)
    probability = float(stats.ks_2samp(a, b, method="asymp").pvalue)
    if probability >= SURE:
        return None
    return Difference(
        name,
        f"mean {a.mean():.4g} -> {b.mean():.4g}, std {a.std():.4g} -> {b.std():.4g}, "
        f"range [{a.min():.4g}, {a.max():.4g}] -> [{b.min():.4g}, {b.max():.4g}]",
        "sample",
    )


def _worst(one: np.ndarray, other: np.ndarray) -> float:
    with np.errstate(invalid="ignore", over="ignore"):
        scale = np.nanmax(np.abs(np.where(np.isfinite(one), one, 0.0)), initial=0.0)
        apart = np.nanmax(np.abs(np.where(np.isfinite(one - other), one - other, 0.0)), initial=0.0)
    return float(apart / scale) if scale else float(apart > 0) * np.inf


def _size(old: np.ndarray, new: np.ndarray) -> str:
    if old.size == 1:
        return f"{old.ravel()[0]:.6g} -> {new.ravel()[0]:.6g}"
    ends = np.isfinite(old.astype(np.float64)) != np.isfinite(new.astype(np.float64))
    if ends.any():
        at = np.flatnonzero(ends.ravel())[0]
        return f"{old.ravel()[at]:.4g} -> {new.ravel()[at]:.4g}"
    apart = np.abs(np.nan_to_num(old.astype(np.float64)) - np.nan_to_num(new.astype(np.float64)))
    at = int(np.argmax(apart))
    return f"{old.ravel()[at]:.4g} -> {new.ravel()[at]:.4g}"


def load_causes(path: Path) -> tuple[Cause, ...]:
    """The table of causes, in order: the first that fits counts."""
    data = tomllib.loads(path.read_text("utf-8"))
    return tuple(
        Cause(
            entry["rule"],
            f"^(?:{entry.get('kind', '.*')})$",
            f"^(?:{entry.get('name', '.*')})$",
            entry.get("case", ""),
            entry.get("array", ""),
            " ".join(entry["why"].split()),
        )
        for entry in data["cause"]
    )


def rows(case: tuple[str, str, str], found: list[Difference], causes: tuple[Cause, ...]) -> list[Row]:
    """One row for each rule that explains differences of the case; rule "" for what none explains."""
    kind, name, label = case
    by_rule: dict[str, list[Difference]] = {}
    for one in found:
        cause = next((c for c in causes if c.fits(kind, name, label, one.array)), None)
        by_rule.setdefault(cause.rule if cause else "", []).append(one)
    return [Row(kind, name, label, _sentence(some), rule) for rule, some in by_rule.items()]


def _sentence(found: list[Difference]) -> str:
    shown = [f"{one.array.removeprefix('text|').removeprefix('sample|')}: {one.size}" for one in found[:3]]
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""
    alone = " (float64 agrees)" if all(one.single_only for one in found) else ""
    return "; ".join(shown) + more + alone
