"""Plants a fault, runs the comparison, and judges what it says against what it must say.

In: a Fault. Out: its record, plain data that stands as a file of its own in reports/exam/, from which `table.py` makes
the report. Called by the tests; imports no framework: the sides of a comparison are processes (`bench.py`).
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bench
from fault import Fault, Says

import kparity.compare
from kparity.codemod.migrate import migrate_source

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = Path(__file__).resolve().parent / "subjects"
RECORDS = ROOT / "reports" / "exam"
"""Where records are left: one JSON file each, so that any number of processes can examine at once."""

PLANTED = '''

import functools

import keras
import tensorflow as tf


def built(change):
    """Have `change` run on the model that build_model makes."""
    global build_model
    healthy = build_model

    def build_model():
        model = healthy()
        change(model)
        return model


def patched(owner, name):
    """Have the decorated function, called with the original and its arguments, stand for a method or function."""

    def decorate(replacement):
        original = getattr(owner, name)

        @functools.wraps(original)
        def method(*args, **kwargs):
            return replacement(original, *args, **kwargs)

        setattr(owner, name, method)
        return replacement

    return decorate
'''

Cause = dict[str, Any]
Record = dict[str, Any]
TOLD = ("phase", "layer", "variable", "step", "kind", "also", "proven", "message", "fix")
"""What a record keeps of a cause."""


def file_of(subject: str) -> Path:
    """The file of a small subject or of a fixture."""
    own = SUBJECTS / f"{subject}.py"
    return own if own.exists() else ROOT / "fixtures" / f"{subject}.py"


def plant(fault: Fault, folder: Path) -> Path:
    """Write the subject with the fault in it, migrated to Keras 3. Raises ValueError for a swap that fits not once."""
    text = file_of(fault.subject).read_text(encoding="utf-8")
    for old, new in fault.swaps:
        if text.count(old) != 1:
            raise ValueError(f"{fault.name}: {old!r} stands {text.count(old)} times in {fault.subject}")
        text = text.replace(old, new)
    migrated = migrate_source(text, f"{fault.subject}.py")
    if migrated.error:
        raise ValueError(f"{fault.name}: {migrated.error}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{fault.subject}.py"
    file.write_text(migrated.text + (PLANTED + fault.code if fault.code else ""), encoding="utf-8")
    return file


def compare(subject: Path, folder: Path, *options: str, expect: tuple[int, ...] = (0, 1, 3)) -> dict[str, Any]:
    """Run `kparity compare` in a process of its own, as a user would, and return its verdict."""
    command = [sys.executable, "-m", "kparity.cli", "compare", str(subject), "--out", str(folder), "--name", "it"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "COLUMNS": "120"}
    ended = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, timeout=1800)
    assert ended.returncode in expect, ended.stdout[-4000:] + ended.stderr[-4000:]
    found: dict[str, Any] = json.loads((folder / "it" / "verdict.json").read_text(encoding="utf-8"))
    return found


def quickly(subject: Path, folder: Path, steps: int, remember: bool = True, **options: Any) -> dict[str, Any]:
    """The same within this process, with sides that are ready; in one folder after another the reference remembers.

    Raises AssertionError where a side failed.
    """
    with bench.ready(remember):
        verdict = kparity.compare.compare(
            kparity.compare.Options(subject, folder, steps=steps, **options), lambda *_: None
        )
    assert verdict["error"] is None, verdict["error"]
    return verdict


def genuine(subject: str, steps: int, folder: Path) -> list[Cause]:
    """The causes that a subject has without a fault: the installed versions' own differences.

    Worked out once for all processes that share `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"genuine-{subject}-{steps}.json"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            verdict = quickly(file_of(subject), folder / f"{subject}-{os.getpid()}", steps)
            file.write_text(json.dumps(verdict["causes"]), encoding="utf-8")
    causes: list[Cause] = json.loads(file.read_text(encoding="utf-8"))
    return causes


def places(cause: Cause) -> set[str | None]:
    """Every layer and variable that a cause names."""
    return {cause["layer"], cause["variable"], *cause["also"]}


def known(cause: Cause, without: list[Cause]) -> bool:
    """Whether a cause is there without the fault: the same phase and kind, in no place that is not named there.

    It isn't where it begins earlier, or is three times as large: that is a fault in the same place.
    """
    same = [other for other in without if (other["phase"], other["kind"]) == (cause["phase"], cause["kind"])]
    if cause["phase"] == "optimizer":  # the update of all weights is not their average
        same = [other for other in same if quantity(other) == quantity(cause)]
    same = [other for other in same if (cause["step"] or 0) >= (other["step"] or 0)]
    same = [other for other in same if (cause["local_error"] or 0.0) <= 3.0 * (other["local_error"] or 0.0)]
    return bool(same) and places(cause) <= set().union(*(places(other) for other in same))


def quantity(cause: Cause) -> str:
    """What of the optimizer a cause is about, in its own words: what is said before the numbers."""
    return str(cause["message"]).partition(" from the same ")[0]


def placed(cause: Cause, says: Says) -> bool:
    """Whether a cause names the right layer or variable, and says the right kind where that matters."""
    if says.kind is not None and cause["kind"] != says.kind:
        return False
    if says.variable is not None and cause["variable"] != says.variable:
        return False
    return bool(cause["layer"] == says.layer)


def judge(expected: tuple[Says, ...], new: list[Cause]) -> tuple[dict[str, bool], list[Cause]]:
    """What is right of what was found, each as yes or no; and the causes that nobody planted.

    Each expected cause takes the first that fits best: by phase and place, then by phase, then by place.
    """
    free = list(new)
    right = {"phase": True, "place": True, "step": True, "proven": True}
    order: list[int] = []
    for says in expected:

        def fit(cause: Cause, says: Says = says) -> tuple[bool, bool]:
            return cause["phase"] == says.phase and placed(cause, says), cause["phase"] == says.phase

        best = max(free, key=fit, default=None)
        if best is None or not any((*fit(best), placed(best, says))):
            right = dict.fromkeys(right, False)
            continue
        free.remove(best)
        order.append(new.index(best))
        right["phase"] &= best["phase"] == says.phase
        right["place"] &= placed(best, says)
        right["step"] &= best["step"] == says.step
        right["proven"] &= bool(best["proven"])
    right["first"] = order[:1] == [0] or not (expected or new)
    right["order"] = order == sorted(order)
    return right, free


def examine(fault: Fault, folder: Path, without: list[Cause]) -> Record:
    """Plant the fault, compare, judge, and leave the record. `without`: the causes of the subject without the fault.

    `folder`: of the subject, for one fault after the other.
    """
    began = time.monotonic()
    planted = plant(fault, folder / "planted")
    verdict = quickly(file_of(fault.subject), folder / f"{fault.subject}-{fault.steps}", fault.steps, against=planted)
    new = [{key: cause[key] for key in TOLD} for cause in verdict["causes"] if not known(cause, without)]
    right, extra = judge(fault.expected, new)
    record = {
        "exam": "fault",
        "name": fault.name,
        "subject": fault.subject,
        "kind": fault.family,
        "steps": fault.steps,
        "expected": [vars(says) for says in fault.expected],
        "verdict": verdict["verdict"],
        "found": new,
        "genuine": len(verdict["causes"]) - len(new),
        "right": right,
        "extra": extra,
        "notes": verdict["notes"],
        "seconds": round(time.monotonic() - began, 1),
    }
    return keep(record)


def keep(record: Record) -> Record:
    """Leave a record in RECORDS, whole or not at all."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    name = "-".join([record["exam"], record["subject"], record["name"]])
    file = RECORDS / ("".join(c if c.isalnum() else "-" for c in name) + ".json")
    part = file.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(record, indent=1), encoding="utf-8")
    part.replace(file)
    return record


def all_right(record: Record) -> bool:
    """Whether everything that was planted was named, proven, and nothing else."""
    return all(record["right"].values()) and not record["extra"]


def said(record: Record) -> str:
    """A record in a line, for a failing test."""
    found = "; ".join(map(words, record["found"])) or "nothing"
    wrong = ", ".join(name for name, right in record["right"].items() if not right) or "nothing"
    must = "; ".join(map(words, record["expected"])) or "nothing"
    return f"must say: {must}\nsays: {found}\nwrong: {wrong}; extra: {len(record['extra'])}\n{record['notes']}"


def words(cause: Cause) -> str:
    """A cause, expected or found, in a few words."""
    variable, layer = cause["variable"] or "", cause["layer"] or ""
    where = [variable] if layer and layer in variable else [layer, variable]
    more = f" and {len(cause['also'])} more" if cause.get("also") else ""
    kind = cause["kind"] or ""
    what = f"({kind}, step {cause['step']})" if kind else f"(step {cause['step']})"
    return " ".join(filter(None, [cause["phase"], *where, what])) + more
