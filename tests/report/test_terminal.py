"""The terminal view: at most 40 lines, within its width, causes first, and safe with whatever a model prints."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from samples import verdict

from kparity.report.files import write
from kparity.report.terminal import LINES, render, spark
from kparity.report.words import clean, fixed, headline, place, ratio, seconds, times


def shown(data: dict[str, Any], width: int = 100, encoding: str = "utf-8", folder: Path | None = None) -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    render(data, Console(file=file, width=width), folder)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def crowded(causes: int) -> dict[str, Any]:
    """Everything at its longest: long names and messages, many notes, findings and lines of output."""
    data = verdict("different", causes=causes)
    for cause in data["causes"]:
        cause["message"] = cause["message"] * 12
        cause["fix"] = cause["fix"] * 12 or "x" * 500
        cause["layer"] = "a_very_long_name_of_a_layer/" * 9
    data["notes"] = [f"note {index} " * 40 for index in range(30)]
    data["migration"] = data["migration"] * 200
    data["subject"] = "deep/" * 60 + "model.py"
    data["error"] = verdict("error")["error"] | {"message": "ValueError: " + "long " * 300, "output": ["y" * 400] * 80}
    return data


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize(
    "data",
    [
        *(verdict(kind) for kind in ("equivalent", "different", "inconclusive", "error")),
        verdict("different", causes=50),
        verdict("different", causes=1) | {"accuracy": None, "curves": None},
        crowded(1),
        crowded(50),
    ],
    ids=["equivalent", "different", "inconclusive", "error", "50 causes", "bare", "crowded", "crowded 50"],
)
def test_every_verdict_fits_in_40_lines_of_the_width(data: dict[str, Any], width: int, tmp_path: Path) -> None:
    write(data, tmp_path)
    text = shown(data, width, folder=tmp_path)
    lines = text.splitlines()
    assert len(lines) <= LINES, text
    assert max(map(len, lines)) <= width, text
    assert lines[0].startswith(data["verdict"].upper())
    assert "verdict.json" in text, "the files are named however little room there is"


def test_causes_come_first_and_the_rest_is_counted() -> None:
    text = shown(verdict("different", causes=50))
    order = [
        "Causes, in causal order",
        "1. optimizer",
        "2. forward",
        "more in the report",
        "Accuracy",
        "Keras 2   tf_keras",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    complete = sum(text.count(f"\n{index}. ") for index in range(1, 51))
    assert f"and {50 - complete} more in the report" in text


def test_a_few_causes_are_all_shown_with_why_fix_rule_proof_and_noise() -> None:
    text = shown(verdict("different"))
    assert "more in" not in text.split("Accuracy")[0].replace("and 1 more\n", "")
    for part in (
        "KP302 · proven",
        "Why: Keras 2's Adam",
        "Fix: learning_rate=",
        "29,000 times the noise floor",
        "not proven",
    ):
        assert part in text


def test_an_error_shows_its_side_its_message_and_that_sides_last_output() -> None:
    text = shown(verdict("error"))
    assert "Keras 3 raised an exception at fixtures/encoder_decoder.py:61." in text
    assert "Last output of Keras 3:" in text
    assert "padding = tf.cast" in text
    assert "Accuracy" not in text


def test_a_side_that_never_loaded_is_said_so() -> None:
    text = shown(verdict("error") | {"sides": {}})
    assert "Keras 2   not loaded" in text
    assert "Keras 3   not loaded" in text


def test_what_the_user_named_is_neither_markup_nor_a_terminal_command() -> None:
    data = verdict("error")
    data["subject"] = "[bold]model[/bold].py"
    data["error"]["output"] = ["\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07", "[/nothing]"]
    text = shown(data)
    assert "[bold]model[/bold].py" in text
    assert "red bell" in text
    assert "[/nothing]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_file_of_another_encoding_gets_numbers_in_place_of_bars() -> None:
    data = verdict("different")
    data["subject"] = "modèle.py"
    text = shown(data, encoding="ascii")
    assert "3.118 -> " in text
    assert "mod?le.py" in text


def test_a_terminal_gets_colour_and_a_file_none() -> None:
    file = io.StringIO()
    render(
        verdict("different"),
        Console(file=file, width=100, force_terminal=True, color_system="standard", no_color=False),
    )
    assert "\x1b[" in file.getvalue()
    assert "\x1b[" not in shown(verdict("different"))


@pytest.mark.parametrize(
    ("values", "cells", "bars"),
    [
        ([0.0, 1.0], 8, "▁█"),
        ([0.0, 0.0, 1.0, 1.0], 2, "▁█"),
        ([None, 0.5, None, 1.0], 4, " ▅ █"),
        ([0.5, None, None, 0.5], 2, "▅▅"),
        ([], 8, ""),
    ],
)
def test_a_sparkline_is_the_mean_of_each_share(values: list[float | None], cells: int, bars: str) -> None:
    assert spark(values, 0.0, 1.0, cells) == bars


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (times(0.43), "0.43 times"),
        (times(17.2), "17 times"),
        (times(28909), "29,000 times"),
        (times(3.2e9), "3e+09 times"),
        (fixed(0.7712), "0.7712"),
        (fixed(-0.0009), "-0.00090"),
        (fixed(2e-7), "2.0e-07"),
        (fixed(0.0), "0.0000"),
        (fixed(None), "not measured"),
        (seconds(8.31), "8.3 s"),
        (seconds(250), "4 min 10 s"),
        (seconds(7500), "2 h 5 min"),
        (clean("a\x1b[1mb\tc\r\nd\x00"), "ab\tc\nd"),
        (ratio({"local_error": 0.01, "noise_floor": 0.0}), "1.0e-02, where the noise floor is zero"),
        (ratio({"local_error": 0.01, "noise_floor": None}), "1.0e-02, noise floor not measured"),
        (ratio({"local_error": None, "noise_floor": 1e-7}), ""),
        (place({"phase": "data", "layer": None, "variable": None, "step": None}), "data"),
        (place({"phase": "state", "layer": "bn", "variable": "mean", "step": 0}), "state · bn / mean · step 0"),
        (
            headline(verdict("different", causes=1)),
            "Keras 3 does not train this model as Keras 2 does. 1 cause found, 1 of them proven.",
        ),
        (
            headline({**verdict("different"), "causes": [{"evaluated": True, "proven": False}]}),
            "Keras 3 trains this model as Keras 2 does, and evaluates it otherwise. 1 cause found.",
        ),
    ],
)
def test_numbers_and_places_are_said_shortly(said: str, words: str) -> None:
    assert said == words
