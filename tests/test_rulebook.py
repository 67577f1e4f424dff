"""The rule book refuses what is wrong in a rule, and says which rule of which file."""

import pytest

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
