"""The rule book refuses what is wrong in a rule, and says which rule of which file."""

import sys

import pytest

from kparity import rulebook
from kparity.config import shipped
from kparity.rulebook import RuleError, load

GOOD = """[KP399]
name = "x"
title = "x"
applies = "keras.layers.Dense"
safety = "safe"
effect = "none"
phase = "api"
edit = { kind = "rename", to = "keras.layers.Dense" }
why = "x"
before = "x = 1"
after = "x = 1"
probe = "x"
"""


def write(tmp_path, text, name="kp3_mine.toml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_good_rule_loads(tmp_path):
    (rule,) = load([write(tmp_path, GOOD)])
    assert (rule.id, rule.family, rule.file, rule.applies) == ("KP399", "KP3", "kp3_mine.toml", ("keras.layers.Dense",))


WRONG = {
    "not TOML": ("[KP399", "kp3_mine.toml"),
    "not a table": ("KP399 = 1", "a rule is a table"),
    "a bad id": (GOOD.replace("KP399", "K1"), "an id is"),
    "a missing key": (GOOD.replace('why = "x"\n', ""), "`why` is missing"),
    "an unknown key": (GOOD + "extra = 1\n", "unknown key 'extra'"),
    "an unknown safety": (GOOD.replace('"safe"', '"quite"'), "safety = 'quite'"),
    "an unknown phase": (GOOD.replace('"api"', '"later"'), "phase = 'later'"),
    "an unknown kind of edit": (GOOD.replace('"rename"', '"magic"'), "edit.kind"),
    "an unknown word in the edit": (GOOD.replace("kind =", "speed = 1, kind ="), "has no 'speed'"),
    "a change of no known kind": (
        GOOD.replace('kind = "rename", to = "keras.layers.Dense"', 'kind = "changed", what = "gon"'),
        "edit.what must be one of",
    ),
    "an unknown condition": (GOOD + "when = { moon = 1 }\n", "unknown condition 'moon'"),
    "no proof": (GOOD.replace('probe = "x"\n', ""), "needs `probe`"),
    "a target that Keras 3 hasn't": (
        GOOD.replace('to = "keras.layers.Dense"', 'to = "keras.layers.Dens"'),
        "Keras 3 has no keras.layers.Dens",
    ),
    "a template with a name that Keras 3 hasn't": (
        GOOD.replace('kind = "rename", to = "keras.layers.Dense"', 'kind = "template", to = "keras.ops.summe({x})"'),
        "Keras 3 has no keras.ops.summe",
    ),
    "manual with an edit": (GOOD.replace('"safe"', '"manual"'), "belong together"),
    "a subject that doesn't exist": (GOOD.replace('"keras.layers.Dense"\nsafety', '"<moon>.rise"\nsafety'), "<moon>"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_rule_is_refused_with_its_file_and_id(tmp_path, name):
    text, said = WRONG[name]
    with pytest.raises(RuleError) as refused:
        load([write(tmp_path, text)])
    assert said in str(refused.value)
    assert "kp3_mine.toml" in str(refused.value)
    if name not in ("not TOML", "a bad id"):
        assert "KP399" in str(refused.value)


def test_an_id_and_a_name_are_given_once(tmp_path):
    one = write(tmp_path, GOOD, "a.toml")
    with pytest.raises(RuleError, match=r"b.toml: KP399: the id is taken by a.toml"):
        load([one, write(tmp_path, GOOD, "b.toml")])
    with pytest.raises(RuleError, match="the name 'x' is taken by KP399"):
        load([one, write(tmp_path, GOOD.replace("KP399", "KP398"), "b.toml")])


@pytest.fixture
def remembered(tmp_path, monkeypatch):
    """Reads the rule book as every start does, with a cache folder of its own; gives the file, too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    files = sorted(shipped("rules").glob("*.toml"))
    return lambda: (rulebook._remembered(files), next((tmp_path / "kparity").glob("rules-*"), None))


def test_the_rule_book_is_remembered_as_it_was_read(remembered, monkeypatch):
    fresh, _ = remembered()
    monkeypatch.setattr(rulebook, "load", lambda files: pytest.fail("it was read again"))
    again, _ = remembered()
    assert again == fresh == rulebook.rules()
    assert {type(rule) for rule in again} == {rulebook.Rule}


DAMAGES = {
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "one bit": lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
    "other text": lambda data: b"not a rule book",
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_memory_of_the_rule_book_counts_as_none_and_is_made_again(remembered, name):
    fresh, file = remembered()
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[name](whole))
    assert remembered() == (fresh, file)
    assert file.read_bytes() == whole


def test_what_another_version_remembered_is_not_believed(remembered, monkeypatch):
    fresh, file = remembered()
    whole = file.read_bytes()
    monkeypatch.setattr(rulebook, "__version__", "99")
    assert remembered() == (fresh, file)
    assert file.read_bytes() != whole


def test_a_home_that_holds_no_folder_is_done_without(remembered, tmp_path):
    (tmp_path / "kparity").write_text("a file of that name")
    assert remembered()[0] == rulebook.rules()
