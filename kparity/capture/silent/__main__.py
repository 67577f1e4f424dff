"""`python -m kparity.capture.silent [ROWS.json] [TABLE.md] [--only REGEX]`: measure silent changes and write them down.

Starts one process a side and pass (float32; the reference once more, one unit in the last place away; float64 for what
is in doubt), judges, and writes the rows and the readable table; without paths, into the checkout. Exit code 1 where a
difference has no rule.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kparity.capture.silent.judge import EPS, Row, differences, load_causes, rows
from kparity.capture.silent.words import table
from kparity.config import shipped

Key = tuple[str, str, str]
Arrays = dict[str, dict[str, np.ndarray]]
"""Case key -> array name -> array."""
Left = tuple[Arrays, dict[str, Any]]
"""What one side left: its arrays, and its notes on what was raised."""
FLAGS = {"legacy": "1", "keras3": "0"}


@dataclass(frozen=True)
class Measured:
    """What the sides left: rows that differ, and the counts around them."""

    header: dict[str, Any]
    rows: tuple[Row, ...]


def measure(only: str = "", folder: Path | None = None) -> Measured:
    """Run both sides. `only`: a regular expression of case keys ("layer Dense: units=3")."""
    with tempfile.TemporaryDirectory() as temporary:
        home = folder or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        keys = None
        if only:
            keys = home / "only.json"
            keys.write_text(json.dumps([key for key in _keys(home) if re.search(only, key)]))
        _wait([_start(side, "float32", home, keys) for side in FLAGS])
        old, new = (_load(home, side, "float32")[0] for side in FLAGS)
        both = [key for key in old if key in new]
        again = home / "doubtful.json"
        again.write_text(json.dumps([key for key in both if differences(old[key], old[key], new[key], _grain(key))]))
        _wait([_start(side, mode, home, again) for side, mode in (("legacy", "moved"), ("keras3", "float64"))])
        _wait([_start("legacy", "float64", home, again)])
        return judged(
            _load(home, "legacy", "float32"),
            _load(home, "keras3", "float32"),
            _load(home, "legacy", "moved")[0],
            (_load(home, "legacy", "float64")[0], _load(home, "keras3", "float64")[0]),
        )


def judged(legacy: Left, keras3: Left, moved: Arrays, doubles: tuple[Arrays, Arrays]) -> Measured:
    """Rows and counts from what the sides left."""
    (old, old_notes), (new, new_notes) = legacy, keras3
    causes = load_causes(shipped("rules") / "api" / "silent_causes.toml")
    found: list[Row] = []
    agree: Counter[str] = Counter()
    differ: Counter[str] = Counter()
    both = [key for key in old if key in new]
    for key in both:
        kind, name, label = _split(key)
        exact = tuple(side.get(key, {}) for side in doubles)
        apart = differences(old[key], moved.get(key, old[key]), new[key], _grain(key), exact)
        these = rows((kind, name, label), apart, causes)
        found += these
        (differ if these else agree)[kind] += 1
    names: dict[str, dict[str, int]] = {}
    for key in {**old, **new_notes["raised"], **old_notes["raised"]}:
        kind, name, _ = _split(key)
        names.setdefault(kind, {}).setdefault(name, 0)
        names[kind][name] += 1
    header = {
        "versions": {"legacy": old_notes["versions"], "keras3": new_notes["versions"]},
        "measured": len(both),
        "agree": dict(sorted(agree.items())),
        "differ": dict(sorted(differ.items())),
        "names": {kind: dict(sorted(some.items())) for kind, some in sorted(names.items())},
        "refused_by_keras_3": {k: v for k, v in new_notes["raised"].items() if k in old},
        "refused_by_both": sorted(k for k in old_notes["raised"] if k in new_notes["raised"]),
        "refused_by_keras_2": {k: v for k, v in old_notes["raised"].items() if k in new},
    }
    return Measured(header, tuple(found))


def _grain(key: str) -> float:
    """One unit in the last place of the coarsest precision that a case computes in, as its label says."""
    return next((EPS[name] for name in ("bfloat16", "float16") if name in key), EPS["float32"])


def _split(key: str) -> Key:
    thing, _, label = key.partition(": ")
    kind, _, name = thing.partition(" ")
    return kind, name, label


def _start(side: str, mode: str, home: Path, keys: Path | None) -> tuple[subprocess.Popen[bytes], Path]:
    out = home / f"{side}-{mode}"
    environment = {
        **os.environ,
        "TF_USE_LEGACY_KERAS": FLAGS[side],
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [
        sys.executable,
        "-m",
        "kparity.capture.silent.side",
        side,
        mode,
        str(out),
        *([str(keys)] if keys else []),
    ]
    log = out.with_suffix(".log").open("wb")
    return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT), out


def _wait(started: list[tuple[subprocess.Popen[bytes], Path]]) -> None:
    for process, out in started:
        if process.wait() != 0:
            raise SystemExit(
                f"{out.name} ended with {process.returncode}:\n{out.with_suffix('.log').read_text()[-3000:]}"
            )


def _keys(home: Path) -> list[str]:
    """Keys of all cases, as a side's process lists them: the tables import TensorFlow, this process doesn't."""
    code = "import json; from kparity.capture.silent.tables import cases; print(json.dumps([c.key for c in cases()]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def _load(home: Path, side: str, mode: str) -> Left:
    notes = json.loads((home / f"{side}-{mode}.json").read_text("utf-8"))
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(home / f"{side}-{mode}.npz") as arrays:
        for number, name in enumerate(notes["names"]):
            key, _, array = name.partition("\t")
            found.setdefault(key, {})[array] = arrays[str(number)]
    return found, notes


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Measure what Keras 3 computes otherwise, without a word.")
    root = shipped("rules").parent
    parser.add_argument("rows", nargs="?", type=Path, default=root / "rules" / "api" / "silent.json")
    parser.add_argument("table", nargs="?", type=Path, default=root / "reports" / "silent.md")
    parser.add_argument("--only", default="", help="regular expression of cases, such as '^loss '")
    parser.add_argument("--keep", type=Path, default=None, help="folder for the raw arrays")
    given = parser.parse_args()
    found = measure(given.only, given.keep)
    causes = load_causes(shipped("rules") / "api" / "silent_causes.toml")
    text = {"header": found.header, "rows": [asdict(row) for row in found.rows]}
    given.rows.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", "utf-8")
    given.table.write_text(table(found.header, found.rows, causes), "utf-8")
    loose = [row for row in found.rows if not row.rule]
    print(f"{found.header['measured']} cases, {len(found.rows)} rows that differ, {len(loose)} of them without a rule")
    for row in loose:
        print(f"  {row.kind} {row.name}: {row.case}: {row.difference}")
    return 1 if loose else 0


if __name__ == "__main__":
    sys.exit(main())
