"""The exam's other half: pairs that are equal but look different, of which compare must name no cause.

Real comparisons of real processes. Each pair leaves its record in reports/exam/, as each fault does:
`pytest -n 14 -m slow tests/exam/test_equal.py`, then `python tests/exam/table.py`.
"""

import time
from pathlib import Path

import pytest
from examine import TOLD, Record, compare, keep, quickly, words
from pairs import KINDS, PAIRS, Pair

from kparity.codemod.migrate import migrate_source


def write(pair: Pair, folder: Path) -> tuple[Path, Path]:
    """The two programs as files: Keras 2's, and Keras 3's as migrate leaves it."""
    left, right = pair.texts()
    files = folder / "left.py", folder / "right.py"
    migrated = migrate_source(right, "right.py")
    assert not migrated.error, f"{pair.name}: {migrated.error}"
    files[0].write_text(left, encoding="utf-8")
    files[1].write_text(migrated.text, encoding="utf-8")
    return files


def examine(pair: Pair, kind: str, folder: Path) -> Record:
    """Compare, and leave the record, in the form of those of faults; nothing is expected of a pair."""
    began = time.monotonic()
    left, right = write(pair, folder)
    if pair.fresh:
        verdict = compare(left, folder / "out", "--against", str(right), "--steps", str(pair.steps))
    else:
        verdict = quickly(left, folder / "out", pair.steps, remember=False, against=right)
    causes = [{key: cause[key] for key in TOLD} for cause in verdict["causes"]]
    return keep(
        {
            "exam": "equal",
            "name": pair.name,
            "subject": "pair",
            "kind": kind,
            "steps": pair.steps,
            "expected": [],
            "verdict": verdict["verdict"],
            "found": causes,
            "genuine": 0,
            "right": {"verdict": verdict["verdict"] in pair.words},
            "extra": causes,
            "notes": verdict["notes"],
            "seconds": round(time.monotonic() - began, 1),
        }
    )


def test_there_are_many_pairs_and_no_two_have_the_same_name() -> None:
    assert len({pair.name for pair in PAIRS}) == len(PAIRS) >= 30


def test_every_pair_is_two_programs() -> None:
    for pair in PAIRS:
        for text in pair.texts():
            compile(text, pair.name, "exec")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "pair"),
    [pytest.param(kind, pair, id=pair.name) for kind, pairs in KINDS.items() for pair in pairs],
)
def test_a_pair_that_is_equal_has_no_cause(kind: str, pair: Pair, tmp_path: Path) -> None:
    record = examine(pair, kind, tmp_path)
    assert [words(cause) for cause in record["found"]] == [], record["notes"]
    assert record["right"]["verdict"], (record["verdict"], record["notes"])
