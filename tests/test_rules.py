"""The rule book proves itself: every safe rule's `before` on Keras 2 and `after` on Keras 3 give the same numbers, and
the codemod makes `after` of `before`."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome
from kparity.rulebook import EDITS, FAMILIES, api, expand, rules

RULES = {rule.id: rule for rule in rules()}
PROVEN = [key for key, rule in RULES.items() if rule.probe]
EDITED = [key for key, rule in RULES.items() if rule.before and rule.after and rule.safety != "manual"]
TOLD = [key for key, rule in RULES.items() if rule.edit["kind"] == "manual"]


@pytest.fixture(scope="session")
def measured(request, tmp_path_factory):
    """{side: {rule: {value or error}}}: one process a side runs the snippets of the rules that are asked for."""
    asked = {item.callspec.params.get("key") for item in request.session.items if hasattr(item, "callspec")}
    folder = tmp_path_factory.mktemp("rules")
    given = folder / "rules.json"
    given.write_text(json.dumps([RULES[key].to_json() for key in PROVEN if key in asked]))
    results = {}
    for side, legacy in (("legacy", "1"), ("keras3", "0")):
        out = folder / f"{side}.json"
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("rule_side.py")), side, str(given), str(out)],
            env={**os.environ, "TF_USE_LEGACY_KERAS": legacy, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        results[side] = json.loads(out.read_text())
    return results


@pytest.mark.parametrize("key", PROVEN)
def test_before_on_keras_2_and_after_on_keras_3_give_the_same_numbers(key, measured):
    sides = {side: result[key] for side, result in measured.items()}
    for side, result in sides.items():
        assert "error" not in result, f"{key} on {side}:\n{result.get('error')}"
    assert_same(sides["legacy"]["value"], sides["keras3"]["value"], RULES[key].tolerance, key)


def assert_same(old, new, tolerance, where):
    if isinstance(old, str) or old is None:
        assert old == new, where
        return
    if isinstance(old, dict):
        assert sorted(old) == sorted(new), where
        for name in old:
            assert_same(old[name], new[name], tolerance, f"{where}[{name!r}]")
        return
    if isinstance(old, list) and (not isinstance(new, list) or not is_array(old)):
        assert isinstance(new, list), f"{where}: {old} and {new}"
        assert len(old) == len(new), f"{where}: {len(old)} and {len(new)} values"
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            assert_same(one, other, tolerance, f"{where}[{index}]")
        return
    one, other = np.asarray(old, "float64"), np.asarray(new, "float64")
    assert one.shape == other.shape, f"{where}: shapes {one.shape} and {other.shape}"
    scale = max(1e-30, float(np.max(np.abs(one), initial=0.0)))
    worst = float(np.max(np.abs(one - other), initial=0.0)) / scale
    assert worst <= tolerance, f"{where}: relative difference {worst:.3g} > {tolerance}\n{one}\n{other}"


def is_array(value):
    try:
        return np.asarray(value, "float64").dtype == "float64"
    except (ValueError, TypeError):
        return False


@pytest.mark.parametrize("key", EDITED)
def test_the_codemod_makes_after_of_before(key):
    rule = RULES[key]
    done = migrate_source(rule.before, "before.py", unsafe=rule.safety == "unsafe")
    assert done.text == rule.after
    assert rule.id in {f.rule for f in done.findings if f.outcome is Outcome.FIXED}


@pytest.mark.parametrize("key", EDITED)
def test_after_needs_nothing_more(key):
    rule = RULES[key]
    again = migrate_source(rule.after, "after.py", unsafe=rule.safety == "unsafe")
    assert again.text == rule.after
    assert not [f for f in again.findings if f.outcome is Outcome.FIXED]


@pytest.mark.parametrize("key", EDITED)
def test_an_unsafe_rule_waits_to_be_asked(key):
    rule = RULES[key]
    found = {f.rule: f.outcome for f in migrate_source(rule.before, "before.py").findings}
    assert found[rule.id] is (Outcome.FIXED if rule.safety == "safe" else Outcome.UNSAFE)


@pytest.mark.parametrize("key", TOLD)
def test_a_manual_rule_tells_and_leaves_the_rest_alone(key):
    rule = RULES[key]
    found = migrate_source(rule.before, "before.py").findings
    assert rule.id in {f.rule for f in found if f.outcome is Outcome.MANUAL}, found
    assert all(f.fix for f in found if f.outcome is Outcome.MANUAL)


@pytest.mark.parametrize("key", sorted(RULES))
def test_every_name_a_rule_applies_to_stands_in_its_example(key):
    """A table of names is proven name by name."""
    rule = RULES[key]
    if rule.safety != "safe" or len(rule.applies) > 20 or rule.edit["kind"] in ("import", "public", "rename"):
        return
    if rule.edit["kind"] != "call" or not rule.edit.get("to", "").endswith("*"):
        return
    missing = [name for name in rule.applies if name.rsplit(".", 1)[-1] not in rule.before]
    assert not missing


def test_the_book_is_big_enough_and_has_every_family_and_every_kind_of_edit():
    assert len(RULES) >= 55
    assert {rule.family for rule in RULES.values()} == set(FAMILIES)
    assert {rule.edit["kind"] for rule in RULES.values()} == set(EDITS)


@pytest.mark.parametrize("key", sorted(RULES))
def test_snippets_are_python(key):
    rule = RULES[key]
    for text in (rule.before, rule.after, rule.reference, rule.setup):
        ast.parse(text)
    if rule.probe:
        ast.parse(rule.probe, mode="eval")


def test_the_api_lists_are_those_of_the_installed_kerases():
    code = (
        "import os, json, importlib; m = importlib.import_module(os.environ['WANTED']); "
        "print(json.dumps({g: sorted(n for n in dir(getattr(m, g)) if not n.startswith('_')) "
        "for g in ('layers', 'losses', 'metrics', 'optimizers', 'utils')}))"
    )
    for version, package, legacy in ((2, "tf_keras", "1"), (3, "keras", "0")):
        env = {**os.environ, "WANTED": package, "TF_USE_LEGACY_KERAS": legacy, "TF_CPP_MIN_LOG_LEVEL": "3"}
        out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
        assert out.returncode == 0, out.stderr[-2000:]
        for group, names in json.loads(out.stdout.splitlines()[-1]).items():
            listed = {n.rsplit(".", 1)[1] for n in api(version) if n.rpartition(".")[0] == f"keras.{group}"}
            assert listed >= {n for n in names if f"keras.{group}.{n}" in api(version)}
            public = {n for n in names if n[:1].isupper()}
            assert public <= listed | {"AutoCastVariable"}, (version, group, public - listed)


def test_braces_expand():
    assert expand("a.{b,c}.{d,e}") == ["a.b.d", "a.b.e", "a.c.d", "a.c.e"]
