"""verdict.json on disk: it is strict JSON of the shipped schema, and what cannot be read is said plainly."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from samples import verdict

import kparity.report
from kparity.findings import PHASES, Outcome
from kparity.report.files import SCHEMA, Unreadable, read, write

SCHEMA_FILE = json.loads((Path(kparity.report.__file__).parent / "verdict.schema.json").read_text())
KINDS = ["equivalent", "different", "inconclusive", "error"]


def validate(data: object) -> None:
    jsonschema.Draft202012Validator(SCHEMA_FILE).validate(data)


def test_the_schema_is_itself_valid_and_knows_every_phase_and_outcome() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA_FILE)
    assert SCHEMA_FILE["$defs"]["phase"]["enum"] == list(PHASES)
    assert SCHEMA_FILE["$defs"]["finding"]["properties"]["outcome"]["enum"] == [str(outcome) for outcome in Outcome]
    assert SCHEMA_FILE["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize("kind", KINDS)
def test_a_verdict_of_every_kind_is_valid_before_and_after_the_disk(kind: str, tmp_path: Path) -> None:
    before = verdict(kind)
    validate(before)
    write(before, tmp_path)
    assert read(tmp_path) == before
    validate(read(tmp_path))


@pytest.mark.parametrize("sides", [{}, {"legacy": None, "keras3": {}}])
def test_an_error_before_a_side_loaded_is_valid(sides: dict) -> None:
    validate(verdict("error") | {"sides": sides})


def broken(change: str) -> dict:
    data = verdict("error" if change.startswith("error") else "different")
    match change:
        case "a key is missing":
            del data["notes"]
        case "a key has a typo":
            data["cuases"] = data.pop("causes")
        case "an unknown verdict":
            data["verdict"] = "same"
        case "another schema":
            data["schema"] = 2
        case "different without a cause":
            data["causes"] = []
        case "equivalent with a cause":
            data["verdict"] = "equivalent"
        case "error without an error":
            data["error"] = None
        case "different with an error":
            data["error"] = verdict("error")["error"]
        case "a phase of its own":
            data["causes"][0]["phase"] = "backward"
        case "a rule of another book":
            data["causes"][0]["rule"] = "E501"
        case "a negative noise floor":
            data["causes"][0]["noise_floor"] = -1e-7
        case "a number as text":
            data["curves"]["metrics"]["loss"]["keras3"][3] = "0.3"
        case "a cause without its fix":
            del data["causes"][0]["fix"]
        case "different without the proof of its sides":
            data["sides"] = {}
        case "a side without its module":
            del data["sides"]["legacy"]["module"]
        case "error of an unknown side":
            data["error"]["side"] = "torch"
    return data


@pytest.mark.parametrize(
    "change",
    [
        "a key is missing",
        "a key has a typo",
        "an unknown verdict",
        "another schema",
        "different without a cause",
        "equivalent with a cause",
        "error without an error",
        "different with an error",
        "a phase of its own",
        "a rule of another book",
        "a negative noise floor",
        "a number as text",
        "a cause without its fix",
        "different without the proof of its sides",
        "a side without its module",
        "error of an unknown side",
    ],
)
def test_a_broken_verdict_is_not_valid(change: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(broken(change))


def test_nan_infinity_and_numpy_numbers_become_strict_json(tmp_path: Path) -> None:
    data = verdict()
    data["curves"]["metrics"]["loss"]["keras3"] = np.array([1.5, np.nan, np.inf, -np.inf], dtype=np.float32)
    data["accuracy"]["noise"] = float("nan")
    data["steps"] = np.int64(500)
    data["causes"][0]["proven"] = np.bool_(True)
    data["seeds"] = (0, 1)
    data["sides"]["legacy"]["source"] = Path("model.py")
    text = write(data, tmp_path).read_text(encoding="utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    got = json.loads(text, parse_constant=refuse)
    assert got["curves"]["metrics"]["loss"]["keras3"] == [1.5, None, None, None]
    assert got["accuracy"]["noise"] is None
    assert (got["steps"], got["causes"][0]["proven"], got["seeds"]) == (500, True, [0, 1])
    assert got["sides"]["legacy"]["source"] == "model.py"
    validate(got)


def test_what_has_no_form_in_json_is_refused_and_leaves_the_old_verdict_whole(tmp_path: Path) -> None:
    write(verdict("equivalent"), tmp_path)
    with pytest.raises(TypeError, match="object"):
        write(verdict() | {"notes": [object()]}, tmp_path)
    assert read(tmp_path)["verdict"] == "equivalent"
    assert [file.name for file in tmp_path.iterdir()] == ["verdict.json"]


def test_a_verdict_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(verdict(), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["verdict.json"]


def test_a_lone_surrogate_in_a_sides_output_does_not_stop_the_verdict(tmp_path: Path) -> None:
    data = verdict("error")
    data["error"]["output"] = ["caf\udce9"]
    write(data, tmp_path)
    assert "caf" in read(tmp_path)["error"]["output"][0]


def test_read_takes_the_folder_or_the_file(tmp_path: Path) -> None:
    file = write(verdict(), tmp_path / "reports" / "mine")
    assert read(file) == read(file.parent)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON"),
        ('{"schema": 1,', "is not JSON"),
        ("[1, 2]", "no schema number"),
        ('{"verdict": "different"}', "no schema number"),
        ('{"schema": 7}', "has schema 7"),
        ('{"schema": 1, "verdict": "different"}', "is damaged: subject"),
        ("\udcff", "cannot be read"),
    ],
)
def test_what_is_not_a_verdict_is_said_in_words(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(Unreadable, match=said):
        read(tmp_path)


def test_a_missing_report_names_the_ones_that_are_there(tmp_path: Path) -> None:
    write(verdict(), tmp_path / "resnet")
    with pytest.raises(Unreadable, match=r"doesn't exist.*there are: resnet\."):
        read(tmp_path / "resent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Unreadable, match="no comparison was finished"):
        read(tmp_path / "empty")
    with pytest.raises(Unreadable, match=r"doesn't exist.*kparity compare"):
        read(tmp_path / "nowhere" / "resnet")
