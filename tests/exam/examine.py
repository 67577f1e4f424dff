"""Plants a fault, runs the comparison as a user would, and judges what it says against what it must say.

In: a Fault. Out: an Answer. Called by test_exam; imports no framework: `kparity compare` starts its own processes.
"""

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults import Fault

from kparity.codemod.migrate import migrate_source

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = Path(__file__).resolve().parent / "subjects"

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
'''

Cause = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a comparison said of a fault: `hit` is the cause that it must name, `extra` those that it must not."""

    fault: Fault
    hit: Cause | None
    first: Cause | None
    extra: list[Cause]
    notes: list[str]

    @property
    def right(self) -> bool:
        """The fault was named, and nothing else that isn't there without it."""
        return self.hit is not None and not self.extra


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
    file = folder / f"{fault.subject}.py"
    file.write_text(migrated.text + (PLANTED + fault.code if fault.code else ""), encoding="utf-8")
    return file


def compare(subject: Path, folder: Path, *options: str, expect: tuple[int, ...] = (0, 1, 3)) -> dict[str, Any]:
    """Run `kparity compare` in a process of its own and return its verdict."""
    command = [sys.executable, "-m", "kparity.cli", "compare", str(subject), "--out", str(folder), "--name", "it"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "COLUMNS": "120"}
    ended = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, timeout=1800)
    assert ended.returncode in expect, ended.stdout[-4000:] + ended.stderr[-4000:]
    found: dict[str, Any] = json.loads((folder / "it" / "verdict.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def baseline(subject: str, steps: int, folder: Path) -> list[Cause]:
    """The causes that a subject has without a fault: the installed versions' genuine differences."""
    causes: list[Cause] = compare(file_of(subject), folder / f"{subject}-{steps}", "--steps", str(steps))["causes"]
    return causes


def places(cause: Cause) -> set[str | None]:
    """Every layer and variable that a cause names."""
    return {cause["layer"], cause["variable"], *cause["also"]}


def known(cause: Cause, without: list[Cause]) -> bool:
    """Whether a cause is there without the fault: the same phase and kind, in no place that is not named there."""
    same = [other for other in without if (other["phase"], other["kind"]) == (cause["phase"], cause["kind"])]
    return bool(same) and places(cause) <= set().union(*(places(other) for other in same))


def hits(cause: Cause, fault: Fault) -> bool:
    """Whether a cause says what it must say of the fault."""
    if cause["phase"] != fault.phase or (cause["step"] or 0) < fault.at:
        return False
    if fault.kind is not None and cause["kind"] != fault.kind:
        return False
    if fault.variable is not None and cause["variable"] != fault.variable:
        return False
    return cause["layer"] == fault.layer


def examine(fault: Fault, folder: Path, without: list[Cause]) -> Answer:
    """Plant the fault, compare, and judge. `without`: the causes of the same subject without the fault."""
    folder.mkdir(parents=True, exist_ok=True)
    planted = plant(fault, folder)
    verdict = compare(file_of(fault.subject), folder, "--steps", str(fault.steps), "--against", str(planted))
    new = [cause for cause in verdict["causes"] if not known(cause, without)]
    hit = next((cause for cause in new if hits(cause, fault)), None)
    return Answer(fault, hit, new[0] if new else None, [cause for cause in new if cause is not hit], verdict["notes"])


def words(cause: Cause | None) -> str:
    """A cause in a line."""
    if cause is None:
        return "nothing"
    where = cause["variable"] if cause["variable"] and (cause["layer"] or "") in cause["variable"] else None
    named = [where] if where else [cause["layer"], cause["variable"]]
    more = f" and {len(cause['also'])} more" if cause["also"] else ""
    return " ".join(filter(None, [cause["phase"], *named, f"({cause['kind']}, step {cause['step']})"])) + more


def table(answers: list[Answer]) -> str:
    """The answers as a Markdown table."""
    rows = ["| fault | subject | expected | found first | found at all | proven | extra causes |"]
    rows.append("|---|---|---|---|---|---|---|")
    for answer in answers:
        fault = answer.fault
        extra = "; ".join(map(words, answer.extra)) or "none"
        found = "yes" if answer.hit else "**no**"
        proven = "yes" if answer.hit and answer.hit["proven"] else "**no**"
        cells = [fault.name, fault.subject, fault.expected, words(answer.first), found, proven, extra]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"
