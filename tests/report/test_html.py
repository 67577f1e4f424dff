"""The HTML report: one file, nothing beside it, nothing of the user's taken for mark-up, small with any size of run."""

import json
import math
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from samples import CAUSES, curves, map_rows, verdict

from kparity.report.html import write_html
from kparity.report.plots import ROWS, curve_plots, map_plots, read_map


class Page(HTMLParser):
    """What a browser would see: text outside of scripts, elements with their attributes, and the data of the plots."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.source = file.read_text(encoding="utf-8")
        self._inside = ""
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif not self._inside:
            self.words.append(data)

    def count(self, tag: str, **attributes: str) -> int:
        return sum(name == tag and all(has.get(k) == v for k, v in attributes.items()) for name, has in self.elements)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.scripts[0])


def page(data: dict[str, Any], rows: pd.DataFrame | None, folder: Path) -> Page:
    write_html(data, rows, folder / "report.html")
    return Page(folder / "report.html")


@pytest.mark.parametrize("kind", ["equivalent", "different", "inconclusive", "error"])
def test_a_verdict_of_every_kind_is_a_page_that_needs_nothing_beside_it(kind: str, tmp_path: Path) -> None:
    got = page(verdict(kind), None if kind == "error" else map_rows(), tmp_path)
    assert f"<h1>{kind.capitalize()}</h1>" in got.source
    assert "tf_keras.src.engine.functional" in got.text
    assert "2 min 28 s" in got.text
    for tag, has in got.elements:
        assert tag not in ("link", "img", "iframe", "base", "form"), tag
        assert "src" not in has, (tag, has)
        assert "href" not in has, (tag, has)
    assert "default-src 'none'" in got.source
    drawn = kind != "error"
    assert got.count("script") == (3 if drawn else 0)
    assert got.source.count("plotly.js v") == drawn
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_causes_come_before_curves_map_and_sides(tmp_path: Path) -> None:
    got = page(verdict(), map_rows(), tmp_path)
    places = [
        got.source.index(f'<h2 id="{one}"') for one in ("causes", "training", "map", "sides", "notes", "migration")
    ]
    assert places == sorted(places)
    for part in ("29,000 times the noise floor", "✓ proven", "not proven", "KP302", "step 40", "Also affected"):
        assert part in got.text, part
    assert got.count("div", **{"class": "plot curve"}) == 4
    assert got.count("div", **{"class": "plot map"}) == 4


def test_an_error_shows_where_and_the_last_output_of_its_side(tmp_path: Path) -> None:
    data = verdict("error")
    data["error"]["output"].append("\x1b[31mred\x1b[0m")
    got = page(data, None, tmp_path)
    assert "Keras 3 raised an exception at fixtures/encoder_decoder.py:61." in got.text
    assert "Last output of Keras 3" in got.text
    assert "padding = tf.cast" in got.text
    assert "\x1b" not in got.source
    assert got.source.count("red") >= 1


@pytest.mark.parametrize("sides", [{}, {"legacy": None, "keras3": {}}])
def test_sides_that_never_loaded_are_said_so(sides: dict[str, Any], tmp_path: Path) -> None:
    got = page(verdict("error") | {"sides": sides}, None, tmp_path)
    assert "Neither side came so far" in got.text
    assert "Keras (not loaded) → (not loaded)" in got.text


EVIL = "<!--<script></script ></script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'`b`"


def test_nothing_of_the_users_is_taken_for_markup(tmp_path: Path) -> None:
    data = verdict()
    data["subject"] = EVIL
    data["notes"] = [EVIL]
    data["causes"][0] |= {"layer": EVIL, "variable": EVIL, "message": EVIL, "fix": EVIL, "also": [EVIL]}
    data["curves"]["metrics"][EVIL] = data["curves"]["metrics"]["loss"]
    data["accuracy"]["metric"] = EVIL
    data["sides"]["legacy"][EVIL] = EVIL
    data["migration"][0] |= {"message": EVIL, "place": {"path": EVIL, "line": 1, "column": 1}}
    data["error"] = verdict("error")["error"] | {"message": EVIL, "output": [EVIL], "where": EVIL}
    rows = map_rows(3, 4).assign(layer=EVIL, tensor=EVIL)
    got = page(data, rows, tmp_path)
    assert got.count("script") == 3
    assert got.count("img") == 0
    assert "<" not in got.scripts[0], "no sign of the data can end its script element, in any browser"
    assert not [has for _, has in got.elements if "onerror" in has]
    assert got.data["map"]["panels"][0]["rows"] == [EVIL]
    assert got.data["curves"][-1]["name"] == EVIL


def test_the_page_says_the_first_causes_in_full_and_folds_the_others(tmp_path: Path) -> None:
    got = page(verdict(causes=50), None, tmp_path)
    causes = [has for tag, has in got.elements if tag == "details" and "cause" in (has.get("class") or "")]
    assert len(causes) == 50
    assert [("open" in has) for has in causes] == [True] * 5 + [False] * 45


@pytest.mark.parametrize(("layers", "steps"), [(300, 400), (1200, 60), (3, 20_000)])
def test_the_file_stays_below_8_megabytes(layers: int, steps: int, tmp_path: Path) -> None:
    data = verdict(steps=steps)
    data["curves"]["metrics"] |= {f"metric_{index}": data["curves"]["metrics"]["accuracy"] for index in range(40)}
    page(data, map_rows(layers, steps), tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 8e6


def test_nan_in_a_verdict_that_was_never_on_disk_is_no_number(tmp_path: Path) -> None:
    data = verdict()
    data["causes"][0]["local_error"] = math.nan
    data["accuracy"] |= {"keras3": math.nan, "difference": math.nan}
    data["curves"]["metrics"]["loss"]["keras3"][100:] = [math.nan] * 400
    got = page(data, None, tmp_path)
    assert "Keras 3 has no number from step 101." in got.text
    assert "not measured" in got.text
    assert got.data["curves"][0]["keras3"][-1] is None


def test_curves_stand_in_order_with_their_band_and_what_stays_inside() -> None:
    shown = curve_plots(curves(drift=0.06))
    assert [curve["name"] for curve in shown] == ["loss", "accuracy", "val_loss", "val_accuracy"]
    loss, _, val_loss, _ = shown
    assert loss["window"] == 21
    assert val_loss["step"] == list(range(50, 501, 50))
    assert val_loss["raw_legacy"] == []
    for curve in shown:
        lengths = {len(curve[key]) for key in ("step", "legacy", "keras3", "low", "high")}
        assert len(lengths) == 1, curve["name"]
        assert all(
            low <= mid <= high for low, mid, high in zip(curve["low"], curve["legacy"], curve["high"], strict=True)
        )
    assert loss["inside"] < 0.5
    assert curve_plots(curves(drift=0.0))[0]["inside"] > 0.9


def test_a_curve_without_a_rerun_has_no_band_and_an_empty_one_is_left_out() -> None:
    data = {
        "steps": [1, 2],
        "metrics": {"loss": {"legacy": [1, 2], "keras3": [1, 3]}, "lr": {"legacy": [], "keras3": []}},
    }
    (loss,) = curve_plots(data)
    assert (loss["low"], loss["inside"], loss["keras3"]) == ([], None, [1.0, 3.0])
    assert curve_plots(None) == []


def test_thinning_a_curve_does_not_hide_its_spike() -> None:
    data = {"steps": list(range(1, 5001)), "metrics": {"loss": {"legacy": [1.0] * 5000, "keras3": [1.0] * 5000}}}
    data["metrics"]["loss"]["keras3"][3333] = 9.0
    (loss,) = curve_plots(data)
    assert len(loss["step"]) == 1000
    assert max(loss["raw_keras3"]) == 9.0
    assert max(loss["raw_legacy"]) == 1.0


def cells(differences: list[float], floors: list[float], **columns: Any) -> pd.DataFrame:
    base = {
        "step": range(1, len(differences) + 1),
        "phase": "forward",
        "layer": "dense",
        "tensor": "output",
        "order": 0,
    }
    return pd.DataFrame(base | {"difference": differences, "noise_floor": floors} | columns)


def test_a_cell_is_the_logarithm_of_difference_over_noise() -> None:
    shown = map_plots(cells([1e-5, 1e-7, 0.0, np.nan, np.inf, 1e-3], [1e-7, 1e-7, 1e-7, 1e-7, 1e-7, 0.0]), [])
    assert shown is not None
    (panel,) = shown["panels"]
    # 0: no difference; None: not measured; infinite: not a number on one side; no noise: half an ulp stands in
    assert panel["ratio"] == [[200, 0, -1200, None, 1200, round(100 * math.log10(1e-3 * 2**24))]]
    assert panel["difference"] == [[-500, -700, -1200, None, 1200, -300]]
    assert shown["steps"] == ["1", "2", "3", "4", "5", "6"]


def test_thinning_the_map_keeps_the_largest_ratio_and_its_own_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kparity.report.plots.CELLS", 2)
    shown = map_plots(cells([1e-2, 1e-5, 1e-7, 1e-7, 1e-6], [1e-2, 1e-7, 1e-7, 1e-7, 1e-7]), [])
    assert shown is not None
    assert (shown["width"], shown["steps"]) == (3, ["1 to 3", "4 to 5"])
    assert shown["panels"][0]["ratio"] == [[200, 100]]
    assert shown["panels"][0]["difference"] == [[-500, -600]]


def test_rows_stand_in_topological_order_and_phases_in_causal_order() -> None:
    rows = map_rows(6, 5).sample(frac=1.0, random_state=0)
    shown = map_plots(rows, [])
    assert shown is not None
    assert [panel["phase"] for panel in shown["panels"]] == ["forward", "gradient", "optimizer", "state"]
    assert shown["panels"][0]["rows"] == ["embedding", "encoder_lstm", "bn_1", "dropout", "shift", "decoder_lstm"]


def test_of_too_many_rows_those_that_rise_furthest_are_shown() -> None:
    count = ROWS + 5
    layers = [f"layer_{index}" for index in range(count)]
    rows = cells([1e-7] * (count - 1) + [1e-3], [1e-7] * count, step=1, layer=layers, order=range(count))
    shown = map_plots(rows, [])
    assert shown is not None
    assert shown["hidden"] == 5
    assert len(shown["panels"][0]["rows"]) == ROWS
    assert shown["panels"][0]["rows"][-1] == layers[-1]


def test_a_cause_is_marked_at_its_layer_tensor_and_step_once() -> None:
    rows = pd.concat([cells([1e-6] * 3, [1e-7] * 3, tensor=name, order=n) for n, name in enumerate(["kernel", "bias"])])
    cause = CAUSES[0] | {"phase": "forward", "layer": "dense", "variable": "bias", "step": 2}
    others = [cause | {"layer": "elsewhere"}, cause | {"step": 9}, cause | {"step": None}, cause | {"phase": "loss"}]
    shown = map_plots(rows, [*others, cause, cause])
    assert shown is not None
    assert shown["panels"][0]["rows"] == ["dense / kernel", "dense / bias"]
    assert shown["panels"][0]["causes"] == [(1, 1, 5)]


def test_the_map_is_read_from_beside_the_verdict(tmp_path: Path) -> None:
    assert read_map(tmp_path) is None
    map_rows(2, 3).to_parquet(tmp_path / "map.parquet")
    (tmp_path / "verdict.json").write_text("{}")
    got = read_map(tmp_path)
    assert got is not None
    assert got.equals(read_map(tmp_path / "verdict.json"))
    assert map_plots(got, []) == map_plots(map_rows(2, 3), [])
    assert map_plots(got.iloc[:0], []) is None
