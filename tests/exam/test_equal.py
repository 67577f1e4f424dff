"""The exam's other half: pairs that are equal but look different, of which compare must name no cause.

Real comparisons of real processes, a folder and a JSON file of results each: `pytest -m slow tests/exam/test_equal.py`,
with `-n 14` on a machine that has the cores.
"""

from pathlib import Path

import pytest
from examine import compare, words
from pairs import PAIRS, Pair

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


def test_there_are_many_pairs_and_no_two_have_the_same_name() -> None:
    assert len({pair.name for pair in PAIRS}) == len(PAIRS) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_pair_that_is_equal_has_no_cause(pair: Pair, tmp_path: Path) -> None:
    left, right = write(pair, tmp_path)
    options = ("--steps", str(pair.steps), "--against", str(right), *pair.options)
    verdict = compare(left, tmp_path, *options)
    assert [words(cause) for cause in verdict["causes"]] == [], verdict["notes"]
    assert verdict["verdict"] in pair.words, verdict["notes"]
