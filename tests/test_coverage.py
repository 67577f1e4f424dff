"""What the rule book covers of Keras 2: everything, by the stored snapshots and by those of the installed packages."""

import json
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase

import pytest

from kparity import coverage
from kparity.changes import curated, dumps, table
from kparity.config import shipped
from kparity.rulebook import api
from kparity.snapshots import Snapshot, snapshot, versions

API = shipped("rules") / "api"
MEASURED = coverage.PARTS[:-1]
"""Silent changes have their own measurement, and tests of their own."""


@pytest.fixture(scope="module")
def rows():
    return coverage.measure(snapshot(2), snapshot(3))


def uncovered(rows):
    return [(row.part, row.name, row.why) for row in rows if row.how == "uncovered" and row.part in MEASURED]


def test_nothing_is_uncovered(rows):
    assert uncovered(rows) == []


def test_every_part_is_measured_and_edits_tells_and_leaves(rows):
    counts = coverage.counts(rows)
    assert counts["symbols"]["nothing"] > 400
    for part, least in (
        ("symbols", 750),
        ("parameters", 4000),
        ("members", 1200),
        ("defaults", 2000),
        ("strings", 150),
    ):
        assert sum(counts[part].values()) >= least, (part, counts[part])
        assert counts[part]["nothing"] < sum(counts[part].values()), (part, counts[part])
    assert counts["silent changes"]["nothing"] > 100


def test_what_needs_nothing_has_a_reason(rows):
    assert [row for row in rows if row.how == "nothing" and not row.why] == []


def test_every_entry_about_nothing_is_about_something(rows):
    for part, entries in tomllib.loads((API / "nothing.toml").read_text("utf-8")).items():
        for entry in entries:
            met = []
            for pattern in entry["names"]:
                found = [row for row in rows if row.part == part and fnmatchcase(row.name, pattern)]
                assert found, (part, pattern)
                met += found
            # of a thing that is renamed and else needs nothing the table says the first
            assert any(row.why == entry["why"] or row.how == "safe" for row in met), entry


NEW = {
    "a symbol that is gone": ("symbols", ["keras.layers.Flatten"], []),
    "a parameter that is gone": (
        "parameters",
        ["keras.layers.Flatten"],
        ["keras.layers.Flatten class (**kwargs)", "keras.layers.Flatten hidden name trainable dtype"],
    ),
    "a parameter that moved": (
        "parameters",
        ["keras.layers.Dense"],
        ["keras.layers.Dense class (activation=None, units=1, **kwargs)"],
    ),
    "a default that changed": (
        "defaults",
        ["keras.layers.ELU"],
        ["keras.layers.ELU class (alpha=2.0, **kwargs)", "keras.layers.ELU hidden name trainable dtype"],
    ),
    "a parameter that has to be given": (
        "symbols",
        ["keras.layers.Flatten"],
        ["keras.layers.Flatten class (data_format, **kwargs)"],
    ),
}


@pytest.mark.parametrize("name", NEW)
def test_a_keras_that_brings_something_new_is_noticed(name):
    """A snapshot in which one class is otherwise: the rules, which know nothing of it, don't cover it."""
    part, gone, lines = NEW[name]
    text = versions(3)[-1].read_text("utf-8").splitlines()
    kept = [line for line in text if line.split(" ", 1)[0] not in gone]
    left = uncovered(coverage.measure(snapshot(2), Snapshot([*kept, *lines])))
    assert any(found == part and row.startswith(gone[0]) for found, row, _ in left), left


def test_the_table_of_changes_is_what_the_snapshots_say():
    made = dumps(table(snapshot(2), snapshot(3), curated(API)))
    assert (API / "changed.json").read_text("utf-8") == made, (
        "make it again: python -m kparity.capture.snapshot --table"
    )


def test_the_names_are_those_of_the_snapshots():
    for version in (2, 3):
        assert {name for name in api(version) if name not in snapshot(version)} == set()


def test_the_command_prints_the_table_and_says_by_its_exit_code_whether_all_is_covered(rows):
    done = subprocess.run(
        [sys.executable, "-m", "kparity.cli", "rules", "--coverage"], capture_output=True, text=True, timeout=300
    )
    assert [line.split()[0] for line in done.stdout.splitlines()[1:7]] == [part.split()[0] for part in coverage.PARTS]
    assert done.returncode == int(any(row.how == "uncovered" for row in rows))


@pytest.mark.slow
def test_the_installed_packages_are_covered(tmp_path):
    """A fresh snapshot of whatever is installed: a new version that brings something uncovered fails here."""
    done = subprocess.run(
        [sys.executable, "-m", "kparity.capture.snapshot", str(tmp_path)], capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("nothing.toml", "silent.json"):
        (tmp_path / name).write_bytes((API / name).read_bytes())
    fresh = [Snapshot(versions(v, tmp_path)[-1].read_text("utf-8").splitlines()) for v in (2, 3)]
    assert uncovered(coverage.measure(*fresh, tmp_path)) == []
    made = json.loads((tmp_path / "changed.json").read_text("utf-8"))
    stored = json.loads((API / "changed.json").read_text("utf-8"))
    assert made == stored
