"""Silent changes: the tables leave nothing out, the judge knows round-off, the stored rows are what a new run gives."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kparity.capture.silent.judge import differences, load_causes
from kparity.capture.silent.left_out import FAMILIES, LEFT_OUT, reason
from kparity.config import shipped
from kparity.rulebook import api, find

STORED = json.loads((shipped("rules") / "api" / "silent.json").read_text("utf-8"))
CAUSES = load_causes(shipped("rules") / "api" / "silent_causes.toml")
KINDS = {
    "layers": "layer",
    "losses": "loss",
    "metrics": "metric",
    "activations": "activation",
    "optimizers": "optimizer",
    "optimizers.schedules": "schedule",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "constraints": "constraint",
}


def public_names():
    for name, what in api(2).items():
        family = name.split(".")[1] if name.count(".") > 1 else ""
        if family in FAMILIES and what in ("class", "function"):
            yield name.removeprefix("keras.")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_public_name_of_keras_2_is_measured_or_says_why_not(family):
    measured = {(kind, name) for kind, names in STORED["header"]["names"].items() for name in names}
    missing = []
    for name in public_names():
        if name.split(".")[0] != family or reason(name):
            continue
        home, _, own = name.partition(".")
        if own.startswith("schedules."):
            home, own = "optimizers.schedules", own.removeprefix("schedules.")
        if (KINDS[home], own) not in measured:
            missing.append(name)
    assert not missing


def test_what_is_left_out_is_there_to_be_left_out():
    known = set(public_names())
    talk = {name for name in LEFT_OUT if name.rsplit(".", 1)[-1] in ("get", "serialize", "deserialize")}
    assert not (set(LEFT_OUT) - known - talk)


LOUD = {"KP525"}
"""A key of the logs that is gone: the code that asks for it raises."""


def test_every_difference_has_a_rule_that_says_numbers():
    wrong = {}
    for row in STORED["rows"]:
        rule = find(row["rule"]) if row["rule"] else None
        if rule is None or (rule.effect != "numbers" and rule.id not in LOUD):
            wrong[f"{row['kind']} {row['name']}: {row['case']}"] = row["rule"]
    assert not wrong


def test_every_cause_explains_something_that_was_measured():
    rules = {row["rule"] for row in STORED["rows"]}
    assert {cause.rule for cause in CAUSES} == rules
    for cause in CAUSES:
        assert len(cause.why) > 40, cause
        for pattern in (cause.kind, cause.name, cause.case, cause.array):
            re.compile(pattern)


def test_the_header_counts_what_was_measured():
    header = STORED["header"]
    assert header["measured"] == sum(header["agree"].values()) + sum(header["differ"].values())
    assert header["measured"] > 3000


RNG = np.random.default_rng(0)
SIGNAL = RNG.standard_normal(100).astype("float32")
ULP = SIGNAL * np.float32(1 + 2**-23)


@pytest.mark.parametrize(
    ("label", "old", "new", "expected"),
    [
        ("the same", SIGNAL, SIGNAL, 0),
        ("one unit in the last place", SIGNAL, ULP, 0),
        ("a thousandth", SIGNAL, SIGNAL * np.float32(1.001), 1),
        ("one element", SIGNAL, np.where(np.arange(100) == 3, SIGNAL + np.float32(0.01), SIGNAL), 1),
        ("nan for a number", SIGNAL, np.where(np.arange(100) == 3, np.float32(np.nan), SIGNAL), 1),
        ("nan for nan", SIGNAL * np.float32(np.nan), SIGNAL * np.float32(np.nan), 0),
        ("another shape", SIGNAL, SIGNAL[:, None], 1),
        ("a truth value", np.array([True, False]), np.array([True, True]), 1),
        ("zero for something", np.zeros(3, "float32"), np.full(3, 1e-3, "float32"), 1),
    ],
)
def test_the_judge_tells_a_difference_from_round_off(label, old, new, expected):
    assert len(differences({"out": old}, {"out": old}, {"out": new})) == expected


def test_what_moves_as_much_by_one_unit_is_round_off():
    moved = {"out": SIGNAL * np.float32(1.001)}
    assert not differences({"out": SIGNAL}, moved, {"out": SIGNAL * np.float32(0.999)})


@pytest.mark.parametrize(("apart", "expected"), [(1e-14, 0), (1e-5, 1)])
def test_float64_decides_what_is_in_doubt(apart, expected):
    exact = SIGNAL.astype("float64")
    doubles = ({"out": exact}, {"out": exact * (1 + apart)})
    new = {"out": SIGNAL * np.float32(1 + 1e-5)}
    assert len(differences({"out": SIGNAL}, {"out": SIGNAL}, new, doubles=doubles)) == expected


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 0), (0.2, 1)])
def test_samples_are_compared_as_distributions(shift, expected):
    old, new = RNG.standard_normal(4000), RNG.standard_normal(4000) + shift
    assert len(differences({"sample|x": old}, {}, {"sample|x": new})) == expected


def measured(folder, only):
    out = Path(folder) / "rows.json"
    done = subprocess.run(
        [sys.executable, "-m", "kparity.capture.silent", str(out), str(Path(folder) / "table.md"), "--only", only],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert out.exists(), done.stderr[-3000:]
    return json.loads(out.read_text("utf-8"))


def keys(rows):
    return {(row["kind"], row["name"], row["case"], row["rule"]) for row in rows}


SAMPLE = r"^(activation hard_sigmoid|layer BatchNormalization: momentum|layer Dense: units=3; 4x6|regularizer l1_l2)"


def test_a_sample_measured_again_gives_the_stored_rows(tmp_path):
    again = measured(tmp_path, SAMPLE)
    assert again["header"]["measured"] > 10
    stored = [row for row in STORED["rows"] if re.search(SAMPLE, f"{row['kind']} {row['name']}: {row['case']}")]
    assert keys(again["rows"]) == keys(stored)
    assert stored


@pytest.mark.slow
def test_everything_measured_again_gives_the_stored_rows(tmp_path):
    again = measured(tmp_path, "")
    assert keys(again["rows"]) == keys(STORED["rows"])
    assert again["header"]["names"] == STORED["header"]["names"]
