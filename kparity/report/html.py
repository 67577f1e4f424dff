"""The report as one HTML file that needs nothing beside it: no server, no network, no framework.

In: the dict of verdict.json, the rows of map.parquet (or None) and a path. Out: the file. `compare` calls write_html()
at its end, `kparity report --html` again later. The looks are in report.html.j2, report.css and report.js; the plots
are drawn by plotly.js, which is inlined once, and only when there is something to draw.
"""

import json
import math
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

import kparity
from kparity.report import words
from kparity.report.files import plain, save

if TYPE_CHECKING:
    import pandas as pd

OPEN_CAUSES = 5
"""How many causes are shown unfolded; the others show place and reason, and unfold."""

FINDINGS = 300
"""How many migration findings are listed; `kparity migrate` lists all."""

_SIDE_ROWS = {
    "keras": "Keras version",
    "module": "The model's class came from",
    "tensorflow": "TensorFlow",
    "backend": "Backend",
    "python": "Python",
    "jit_compile": "jit_compile",
    "file": "Loaded from",
    "environment": "Environment made for it",
    "source": "Source that ran",
}


def write_html(verdict: dict[str, Any], map_rows: "pd.DataFrame | None", path: Path) -> None:
    """Writes the report of `verdict` to `path`, whole or not at all.

    `map_rows` has the columns of map.parquet: step, phase, layer, tensor, difference, noise_floor, order. Everything
    that comes from the user is escaped. Raises OSError, and ImportError when there is something to plot and plotly,
    NumPy or pandas is missing.
    """
    verdict = plain(verdict)
    data: dict[str, Any] = {"curves": [], "map": None}
    if (verdict["curves"] or {}).get("metrics") or map_rows is not None:
        from kparity.report.plots import curve_plots, map_plots

        data = {"curves": curve_plots(verdict["curves"]), "map": map_plots(map_rows, verdict["causes"])}
    drawn = bool(data["curves"] or data["map"])
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"prose": _prose, "clean": words.clean, "one_line": words.one_line}
    text = environment.from_string(_asset("report.html.j2")).render(
        verdict=verdict,
        words=words,
        causes=[_cause(index, cause) for index, cause in enumerate(verdict["causes"], 1)],
        sides=_sides(verdict["sides"]),
        loaded=[(verdict["sides"].get(side) or {}).get("keras", "(not loaded)") for side in ("legacy", "keras3")],
        findings=verdict["migration"][:FINDINGS],
        outcomes=Counter(finding["outcome"] for finding in verdict["migration"]),
        curves=data["curves"],
        map=data["map"],
        css=Markup(_asset("report.css")),
        data=_script_data(data),
        plotly=Markup(_plotly()) if drawn else "",
        script=Markup(_asset("report.js")) if drawn else "",
        version=kparity.__version__,
    )
    save(path, text)


def _asset(name: str) -> str:
    return (resources.files("kparity.report") / name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("</script", r"<\/script")


def _script_data(data: dict[str, Any]) -> Markup:
    """`data` as JSON that can stand in a script element whatever a layer is called."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e"))


def _prose(text: object) -> Markup:
    """Cleaned and escaped `text` with what stands between backticks set as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(words.clean(text)))))


def _cause(index: int, cause: dict[str, Any]) -> dict[str, Any]:
    """A cause with what the template shows of it: how far above the noise, as words and as a length (0 to 1)."""
    error, floor = cause.get("local_error"), cause.get("noise_floor")
    factor = error / floor if error and floor else None
    decades = min(6.0, max(0.0, math.log10(factor))) if factor else 0.0
    return {
        **cause,
        "number": index,
        "open": index <= OPEN_CAUSES,
        "times": words.times(factor) if factor else "",
        "length": decades / 6,
        "measured": words.ratio(cause),
    }


def _sides(sides: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """(label, legacy, keras3) rows: the known keys in their order, then whatever else a side reported."""
    legacy, keras3 = sides.get("legacy") or {}, sides.get("keras3") or {}
    keys = [key for key in _SIDE_ROWS if key in legacy or key in keras3]
    keys += sorted((set(legacy) | set(keras3)) - set(keys))
    return [
        (_SIDE_ROWS.get(key, key.replace("_", " ")), _shown(legacy.get(key)), _shown(keras3.get(key))) for key in keys
    ]


def _shown(value: object) -> str:
    if value is None:
        return "not reported"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return words.clean(value)
