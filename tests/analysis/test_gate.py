"""The gate: the limit against drop ± noise, exit codes, and words that a CI log's reader understands."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kparity.analysis.gate import judge
from kparity.report.files import write

CAUSE = {
    "phase": "optimizer",
    "layer": "lstm",
    "variable": "kernel",
    "step": 1,
    "kind": "numbers",
    "local_error": 3e-3,
    "noise_floor": 1e-7,
    "rule": "KP302",
    "proven": True,
    "message": "Keras 3 dropped `decay`.",
    "fix": "Use InverseTimeDecay.",
    "also": [],
}


def verdict(kind: str, drop: float | None = 0.0, noise: float | None = 0.004, **changed: Any) -> dict[str, Any]:
    keras3 = None if drop is None else 0.61 - drop
    accuracy = {
        "metric": "val_accuracy",
        "legacy": 0.61,
        "keras3": keras3,
        "difference": None if keras3 is None else keras3 - 0.61,
        "noise": noise,
    }
    error = {
        "side": "keras3",
        "kind": "raised",
        "message": "ValueError: no\nsecond line",
        "where": "m.py:3",
        "output": [],
    }
    return {
        "schema": 1,
        "verdict": kind,
        "subject": "model.py",
        "steps": 500,
        "seeds": [0],
        "sides": {"legacy": {}, "keras3": {}},
        "causes": [CAUSE] if kind == "different" else [],
        "accuracy": accuracy,
        "curves": None,
        "error": error if kind == "error" else None,
        "notes": [],
        "migration": [],
        "cost": {},
    } | changed


@pytest.mark.parametrize(
    ("kind", "drop", "noise", "code"),
    [
        # the whole of drop ± noise keeps the limit of 0.01
        ("different", 0.002, 0.004, 0),
        ("different", 0.0, 0.0, 0),
        ("different", -0.2, 0.05, 0),
        ("equivalent", 0.002, 0.004, 0),
        # exactly the limit is no more than the limit, whatever binary fractions make of it
        ("different", 0.01, 0.0, 0),
        ("different", 0.007, 0.003, 0),
        # the whole of it breaks the limit
        ("different", 0.05, 0.004, 1),
        ("different", 0.0101, 0.0, 1),
        ("equivalent", 0.05, 0.004, 1),
        # it straddles the limit, from either side
        ("different", 0.012, 0.02, 3),
        ("different", 0.012, 0.004, 3),
        ("different", 0.008, 0.004, 3),
        ("different", -0.05, 0.3, 3),
        ("equivalent", 0.012, 0.02, 3),
        # equivalent is stronger evidence than a noisy accuracy
        ("equivalent", 0.008, 0.004, 0),
        ("equivalent", -0.05, 0.3, 0),
        # without a measured noise no drop can be told from it
        ("different", 0.05, None, 3),
        ("different", 0.0, None, 3),
        ("equivalent", 0.0, None, 0),
        # the comparison's own doubt, or its end, comes first
        ("inconclusive", 0.0, 0.0, 3),
        ("inconclusive", 0.05, 0.004, 3),
        ("error", 0.0, 0.0, 2),
    ],
)
def test_the_limit_is_held_against_the_drop_and_its_noise(
    kind: str, drop: float, noise: float | None, code: int
) -> None:
    judgement = judge(verdict(kind, drop, noise), 0.01)
    assert judgement.code == code, judgement
    assert judgement.result.startswith({0: "PASS", 1: "DRIFT", 2: "ERROR", 3: "INCONCLUSIVE"}[code])
    assert len(str(judgement).splitlines()) == 3


@pytest.mark.parametrize(
    "accuracy", [None, {"metric": None, "legacy": None, "keras3": None, "difference": None, "noise": None}]
)
def test_a_comparison_of_losses_alone_is_inconclusive_and_says_what_to_add(accuracy: dict | None) -> None:
    judgement = judge(verdict("equivalent", accuracy=accuracy), 0.01)
    assert judgement.code == 3
    assert "a loss alone" in judgement.result
    assert 'metrics=["accuracy"]' in judgement.advice


@pytest.mark.parametrize("metric", ["val_loss", "mean_absolute_error", "rmse", "perplexity"])
def test_a_metric_where_lower_is_better_is_not_judged_as_an_accuracy(metric: str) -> None:
    data = verdict("different", -0.5)
    data["accuracy"]["metric"] = metric
    judgement = judge(data, 0.01)
    assert judgement.code == 3
    assert metric in judgement.result
    assert "lower" in judgement.result


@pytest.mark.parametrize("metric", ["val_accuracy", "auc", "my_own_thing"])
def test_every_other_metric_is_better_when_higher(metric: str) -> None:
    data = verdict("different", 0.05)
    data["accuracy"]["metric"] = metric
    assert judge(data, 0.01).code == 1
    data["accuracy"]["difference"] = 0.05
    assert judge(data, 0.01).code == 0


def test_an_accuracy_that_became_nan_is_inconclusive() -> None:
    for nothing in (None, math.nan):
        data = verdict("different")
        data["accuracy"]["difference"] = nothing
        judgement = judge(data, 0.01)
        assert judgement.code == 3
        assert "not a number" in judgement.result


def test_a_pass_of_a_different_comparison_says_so_and_names_the_first_cause() -> None:
    judgement = judge(verdict("different", 0.002), 0.01)
    assert "DIFFERENT" in judgement.result
    assert "1 cause found" in judgement.result
    assert "optimizer · lstm / kernel · step 1" in judgement.advice
    assert "Use InverseTimeDecay (KP302)." in judgement.advice


def test_a_drift_shows_both_accuracies_the_noise_and_the_limit() -> None:
    judgement = judge(verdict("different", 0.05), 0.01)
    assert (
        judgement.result == "DRIFT: val_accuracy dropped by 0.0500 from Keras 2 to Keras 3, more than the limit allows."
    )
    for shown in ("0.6100", "0.5600", "-0.0500", "±0.0040", "a drop of 0.0100"):
        assert shown in judgement.numbers


@pytest.mark.parametrize("limit", [-0.01, 1.0, 5, math.nan, math.inf])
def test_a_limit_that_means_nothing_is_wrong_usage(limit: float) -> None:
    with pytest.raises(ValueError, match="percentage point"):
        judge(verdict("equivalent"), limit)


def kparity(*words: str, folder: Path, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": encoding}
    return subprocess.run(
        [sys.executable, "-m", "kparity.cli", *words], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("kind", "drop", "code", "said"),
    [
        ("equivalent", 0.0, 0, "PASS"),
        ("different", 0.05, 1, "DRIFT"),
        ("error", 0.0, 2, "ERROR"),
        ("inconclusive", 0.0, 3, "INCONCLUSIVE"),
    ],
)
def test_the_command_speaks_three_lines_and_exits_with_the_code(
    kind: str, drop: float, code: int, said: str, tmp_path: Path
) -> None:
    write(verdict(kind, drop), tmp_path / "reports" / "mine")
    ended = kparity("gate", "reports/mine", "--max-accuracy-drop", "0.01", folder=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout.startswith(said)
    assert len(ended.stdout.splitlines()) == 3
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gate", "reports/mine", "--max-accuracy-drop", "5"], "percentage point"),
        (["gate", "reports/none", "--max-accuracy-drop", "0.01"], "doesn't exist"),
        (["gate", "reports/mine", "--max-accuracy-drop", "much"], "Invalid value for"),
        (["gate"], "Missing argument"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why_on_stderr(words: list[str], said: str, tmp_path: Path) -> None:
    write(verdict("equivalent"), tmp_path / "reports" / "mine")
    ended = kparity(*words, folder=tmp_path)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stdout == ""


def test_no_damage_and_no_old_terminal_turns_into_the_exit_code_of_a_drift(tmp_path: Path) -> None:
    write(verdict("different", 0.0), tmp_path / "mine")
    ended = kparity("gate", "mine", folder=tmp_path, encoding="ascii")
    assert ended.returncode == 0, ended.stderr
    assert "optimizer ? lstm / kernel" in ended.stdout
    write(verdict("different", 0.0, causes=[{"layer": "dense"}]), tmp_path / "mine")
    ended = kparity("gate", "mine", folder=tmp_path)
    assert ended.returncode == 2
    assert "mine is damaged" in ended.stderr


def test_the_gate_loads_neither_a_framework_nor_numpy(tmp_path: Path) -> None:
    write(verdict("different", 0.05), tmp_path)
    code = (
        "import sys; from kparity.cli import app\n"
        f"try: app(['gate', {str(tmp_path)!r}])\n"
        "except SystemExit as end: assert end.code == 1, end.code\n"
        "heavy = {'numpy', 'pandas', 'plotly', 'tensorflow', 'keras', 'libcst'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
