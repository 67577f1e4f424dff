"""Popular architectures under the installed Keras 2 and Keras 3: compare must say what is true of each.

Real comparisons, as a user would run them. Each leaves its record in reports/architectures/, from which
`python tests/architectures/architectures_table.py` makes the report: `pytest -n 14 -m slow tests/architectures`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from truths import ARCHITECTURES, Architecture

HERE = Path(__file__).resolve().parent
RECORDS = HERE.parents[1] / "reports" / "architectures"


def compare(one: Architecture, folder: Path) -> dict[str, Any]:
    """The verdict of `kparity compare` on an architecture."""
    command = [sys.executable, "-m", "kparity.cli", "compare", str(HERE / one.file), "--model", one.model]
    command += [
        "--data",
        one.data,
        "--steps",
        str(one.steps),
        "--timeout",
        "1200",
        "--out",
        str(folder),
        "--name",
        "it",
    ]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "COLUMNS": "120"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3000)
    assert ended.returncode in (0, 1, 3), ended.stdout[-4000:] + ended.stderr[-4000:]
    found: dict[str, Any] = json.loads((folder / "it" / "verdict.json").read_text(encoding="utf-8"))
    return found


def keep(one: Architecture, verdict: dict[str, Any]) -> None:
    """Leave the record of an architecture."""
    told = ("phase", "layer", "variable", "step", "kind", "rule", "proven", "local_error", "noise_floor", "also")
    record = {
        "name": one.name,
        "steps": one.steps,
        "weights": verdict["sides"]["legacy"]["parameters"],
        "verdict": verdict["verdict"],
        "causes": [{key: cause[key] for key in told} for cause in verdict["causes"]],
        "notes": verdict["notes"],
        "seconds": verdict["cost"]["seconds"],
        "versions": {side: verdict["sides"][side]["keras"] for side in ("legacy", "keras3")},
    }
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{one.name}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("one", ARCHITECTURES, ids=lambda one: one.name)
def test_compare_says_what_is_true_of_an_architecture(one: Architecture, tmp_path: Path) -> None:
    verdict = compare(one, tmp_path)
    keep(one, verdict)
    assert [(cause["phase"], cause["rule"]) for cause in verdict["causes"]] == list(one.causes), verdict["notes"]
    assert verdict["verdict"] == ("different" if one.causes else "equivalent"), verdict["notes"]


def test_every_architecture_is_a_function_here_and_has_its_truth() -> None:
    assert len({one.name for one in ARCHITECTURES}) == len(ARCHITECTURES)
    for one in ARCHITECTURES:
        text = (HERE / one.file).read_text(encoding="utf-8")
        assert f"def {one.model}(" in text, one.name
        assert f"def {one.data}(" in text, one.name
        assert one.truth, one.name
