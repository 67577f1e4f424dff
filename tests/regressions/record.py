"""Runs one report's model through compare and leaves what it said as a file of its own.

In: a Report. Out: its record, plain data, also in reports/regressions/NAME.json. Called by the tests; imports no
framework: compare is a process of its own.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from issues import Report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RECORDS = ROOT / "reports" / "regressions"
TOLD = ("phase", "layer", "variable", "step", "kind", "local_error", "rule", "proven", "message", "fix", "also")
"""What a record keeps of a cause."""

Record = dict[str, Any]


def leave(report: Report, folder: Path) -> Record:
    """Compare a report's model and write its record. Raises AssertionError where compare itself fails."""
    command = [sys.executable, "-m", "kparity.cli", "compare", str(HERE / f"{report.name}.py")]
    command += ["--out", str(folder), "--name", "it", "--steps", str(report.steps)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "COLUMNS": "120"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
    assert ended.returncode in {0, 1, 3}, ended.stdout[-4000:] + ended.stderr[-4000:]
    return keep(report, json.loads((folder / "it" / "verdict.json").read_text(encoding="utf-8")))


def keep(report: Report, verdict: dict[str, Any]) -> Record:
    """Write the record of a report from its verdict."""
    record = {
        **{key: value for key, value in asdict(report).items() if key in {"name", "issue", "steps"}},
        "verdict": verdict["verdict"],
        "causes": [{key: cause[key] for key in TOLD} for cause in verdict["causes"]],
        "notes": verdict["notes"],
        "sides": {side: told["keras"] for side, told in verdict["sides"].items()},
        "accuracy": verdict["accuracy"],
    }
    RECORDS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (RECORDS / f"{report.name}.json").write_text(text, encoding="utf-8")
    return record


def named(record: Record) -> list[tuple[str, str | None, str | None]]:
    """The causes of a record as (phase, layer or variable, rule)."""
    return [(cause["phase"], cause["layer"] or cause["variable"], cause["rule"]) for cause in record["causes"]]
