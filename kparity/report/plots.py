"""What the HTML report plots, as plain data: the curves with their noise band, and the layer-by-step map.

In: `curves` of verdict.json and the rows of map.parquet. Out: lists and numbers that report.js draws, thinned so that
the file stays small. NumPy and pandas; html.py calls it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kparity.analysis.curves import as_curve, fraction_inside, noise_band, smooth, window_for
from kparity.analysis.metrics import higher_is_better
from kparity.findings import PHASES

POINTS = 20_000
"""Points of all curves together: about 1 MB of the file."""

CELLS = 160_000
"""Cells of the whole map: about 1.6 MB of the file."""

ROWS = 2_000
"""Rows of the map; of more, the ones that rose furthest above their noise are shown."""

HALF_ULP = 2.0**-24
"""The noise floor that a relative difference of float32 tensors is held against where none was seen: a tensor that
the rerun left bit for bit alone is still rounded."""

Grid = NDArray[np.float64]


def read_map(folder: Path) -> pd.DataFrame | None:
    """The rows of map.parquet in `folder` (or beside the file `folder`); None when the comparison left none."""
    file = (folder if folder.is_dir() else folder.parent) / "map.parquet"
    return pd.read_parquet(file) if file.exists() else None


def curve_plots(curves: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One entry a metric, loss and accuracy first, each with lists of the same length; none for a lone last number.

    `step`; `legacy` and `keras3` smoothed over `window` steps; `raw_legacy` and `raw_keras3` as they were recorded;
    `low` and `high` of the noise band ([] where no rerun was made); `inside`, the part (0 to 1) of steps at which
    Keras 3 is in the band, or None; `lost`, the first step at which Keras 3 alone has no number, or None.
    """
    metrics = (curves or {}).get("metrics") or {}
    steps = np.array((curves or {}).get("steps") or [], dtype=np.int64)
    shown = []
    for name in sorted(metrics, key=_rank):
        entry = _curve(name, steps, metrics[name], max(100, min(1000, POINTS // len(metrics))))
        if entry and (entry["points"] > 1 or len(steps) == 1):
            shown.append(entry)
    return shown


def _rank(name: str) -> tuple[int, str]:
    bare = name.removeprefix("val_")
    kind = 0 if bare == "loss" else 1 if higher_is_better(bare) else 2
    return (4 if kind == 2 else kind + 2 * (bare != name), name)


def _curve(name: str, steps: NDArray[np.int64], sides: Mapping[str, Any], most: int) -> dict[str, Any] | None:
    legacy, keras3, rerun = (as_curve(sides.get(side) or [None] * len(steps)) for side in ("legacy", "keras3", "noise"))
    size = min(len(steps), len(legacy), len(keras3), len(rerun))
    legacy, keras3, rerun = legacy[:size], keras3[:size], rerun[:size]
    measured = np.isfinite(legacy) | np.isfinite(keras3)
    if not measured.any():
        return None
    step, legacy, keras3, rerun = steps[:size][measured], legacy[measured], keras3[measured], rerun[measured]
    window = window_for(len(step))
    mean_legacy, mean_keras3 = smooth(legacy, window), smooth(keras3, window)
    lost = step[np.isfinite(legacy) & ~np.isfinite(keras3)]
    entry: dict[str, Any] = {"name": name, "window": window, "points": len(step), "low": [], "high": [], "inside": None}
    entry["lost"] = int(lost[0]) if lost.size else None
    lines = {"legacy": mean_legacy, "keras3": mean_keras3}
    if np.isfinite(rerun).any():
        band = noise_band(legacy, rerun, window)
        lines |= {"low": band.low, "high": band.high}
        entry["inside"] = fraction_inside(keras3, band)
    even = np.unique(np.linspace(0, len(step) - 1, min(most, len(step))).astype(int))
    entry["step"] = step[even].tolist()
    entry |= {key: _numbers(line[even]) for key, line in lines.items()}
    for key, raw, mean in (("raw_legacy", legacy, mean_legacy), ("raw_keras3", keras3, mean_keras3)):
        entry[key] = _numbers(raw[_extremes(np.abs(raw - mean), even)]) if window > 1 else []
    return entry


def _extremes(distance: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """From each stretch that begins at `starts`, the index that is furthest out: thinning must not hide a spike."""
    far = np.nan_to_num(distance, nan=-1.0)
    ends = np.append(starts[1:], len(far))
    return np.array([start + int(np.argmax(far[start:end])) for start, end in zip(starts, ends, strict=True)])


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values.tolist()]


def map_plots(rows: pd.DataFrame | None, causes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The map of difference over noise floor, one panel a phase; None when there is nothing to show.

    `steps`: a label a column ("41" or "41 to 44" where steps were thinned; of those the largest ratio is kept).
    `panels`: phase, `rows` (layer and tensor) from input to output, `ratio` and `difference` as grids of
    round(100 * log10), None where nothing was measured, and `causes` as (column, row, number of the cause).
    `hidden`: how many rows were left out because there are more than ROWS.
    """
    if rows is None or not len(rows):
        return None
    rows = rows.assign(
        phase=rows["phase"].astype(str), layer=rows["layer"].astype(str), tensor=rows["tensor"].astype(str)
    )
    key = rows.groupby(["phase", "layer", "tensor"], sort=False)
    index = pd.DataFrame({"order": key["order"].min()}).reset_index()
    row_of = key.ngroup().to_numpy()
    steps, column_of = np.unique(rows["step"].to_numpy(), return_inverse=True)
    difference = rows["difference"].to_numpy(dtype=np.float64)
    ratio = difference / np.maximum(rows["noise_floor"].to_numpy(dtype=np.float64), HALF_ULP)

    worst = np.full(len(index), -np.inf)
    np.maximum.at(worst, row_of, np.nan_to_num(ratio, nan=-np.inf, posinf=np.inf))
    kept = np.sort(np.argsort(-worst, kind="stable")[:ROWS])
    width = -(-len(steps) // max(1, CELLS // len(kept)))
    columns = -(-len(steps) // width)
    ratios, differences = (np.full((len(index), columns), np.nan) for _ in range(2))
    rising = np.argsort(np.nan_to_num(ratio, nan=-np.inf), kind="stable")  # so that the largest is written last
    rising = rising[~np.isnan(ratio[rising])]
    ratios[row_of[rising], column_of[rising] // width] = ratio[rising]
    differences[row_of[rising], column_of[rising] // width] = difference[rising]

    panels = []
    index = index.iloc[kept]
    for phase in sorted(
        index["phase"].unique(), key=lambda name: PHASES.index(name) if name in PHASES else len(PHASES)
    ):
        part = index[index["phase"] == phase].sort_values("order", kind="stable")
        names = list(zip(part["layer"], part["tensor"], strict=True))
        several = part["layer"].duplicated(keep=False).tolist()
        panels.append(
            {
                "phase": phase,
                "rows": [
                    f"{layer} / {tensor}" if both else layer
                    for (layer, tensor), both in zip(names, several, strict=True)
                ],
                "tensors": sorted(set(part["tensor"])) if not any(several) else [],
                "ratio": _hundredths(ratios[part.index]),
                "difference": _hundredths(differences[part.index]),
                "causes": _marks(causes, phase, names, steps, width),
            }
        )
    ends = [(steps[start], steps[min(start + width, len(steps)) - 1]) for start in range(0, len(steps), width)]
    labels = [f"{first} to {last}" if first != last else str(first) for first, last in ends]
    return {"steps": labels, "width": width, "panels": panels, "hidden": len(worst) - len(kept)}


def _hundredths(grid: Grid) -> list[list[int | None]]:
    """round(100 * log10) of a grid: two decimals of a power of ten in the fewest characters; 0 and inf get an end."""
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.clip(100 * np.log10(grid), -1200, 1200)
    return [[None if np.isnan(value) else round(value) for value in line] for line in powers.tolist()]


def _marks(
    causes: list[dict[str, Any]], phase: str, names: list[tuple[str, str]], steps: NDArray[Any], width: int
) -> list[tuple[int, int, int]]:
    """(column, row, number) of the causes that have a cell in this panel; of several in one cell, the first."""
    marks: dict[tuple[int, int], int] = {}
    for number, cause in enumerate(causes, 1):
        if cause["phase"] != phase or cause.get("step") is None or not steps[0] <= cause["step"] <= steps[-1]:
            continue
        own = [row for row, (layer, _) in enumerate(names) if layer == cause.get("layer")]
        exact = [row for row in own if names[row][1] == cause.get("variable")]
        if own:
            column = int(np.searchsorted(steps, cause["step"], side="right")) - 1
            marks.setdefault((column // width, (exact or own)[0]), number)
    return [(column, row, number) for (column, row), number in marks.items()]
