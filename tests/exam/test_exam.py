"""The exam: faults planted on the Keras 3 side, one at a time, each to be named in its phase and place.

Real comparisons of real processes. By default the ten faults on small subjects; the slow tests add the fixtures, the
faults beyond the ten, and Keras 2 against itself. `-s` shows the table; `pytest -m "slow or not slow" tests/exam` meets
every fault and writes the table to reports/exam.md.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examine import ROOT, Answer, baseline, compare, examine, file_of, known, plant, table, words
from faults import FIXTURES, FURTHER, TEN, Fault

SMALL = ("pixels", "rows", "tokens")
LARGE = ("encoder_decoder", "resnet", "attention")

LIMITS = {"a layer in half precision": "the layer behind it is named too: what is forced into it is rounded to half"}
"""Faults after which one cause too many is named, and why."""


@pytest.fixture(scope="module")
def answers() -> Iterator[list[Answer]]:
    """Collects the answers of this run and shows them at its end."""
    found: list[Answer] = []
    yield found
    print("\n" + table(found))
    if len(found) == len([*TEN, *FIXTURES, *FURTHER]):
        write_report(found)


def write_report(found: list[Answer]) -> None:
    """The table as a tracked file: what the exam of this version said."""
    right = sum(answer.right for answer in found)
    proven = sum(answer.hit is not None and answer.hit["proven"] for answer in found)
    text = (
        "# The exam\n\n"
        f"Faults planted on the Keras 3 side, one at a time: {right} of {len(found)} named in the right phase and "
        f"place, with no cause beside it that isn't there without the fault; {proven} proven by a counterfactual.\n"
        'Written by `pytest -m "slow or not slow" tests/exam`.\n\n'
    )
    file = ROOT / "reports" / "exam.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text + table(found), encoding="utf-8")


def check(
    fault: Fault, folder: Path, without: list[dict[str, object]], answers: list[Answer], proven: bool = False
) -> None:
    answer = examine(fault, folder, without)
    answers.append(answer)
    said = f"said first: {words(answer.first)}; extra: {'; '.join(map(words, answer.extra)) or 'none'}"
    assert answer.hit is not None, f"must say {fault.expected}; {said}"
    assert not answer.extra, said
    assert answer.hit["proven"] or not proven, answer.notes
    assert answer.hit["message"]
    assert answer.hit["fix"]


def name_of(fault: Fault) -> str:
    return f"{fault.name} in {fault.subject}"


@pytest.mark.parametrize("subject", SMALL)
def test_a_small_subject_without_a_fault_is_equivalent(subject: str, tmp_path: Path) -> None:
    verdict = compare(file_of(subject), tmp_path, "--steps", "20")
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", [])


@pytest.mark.parametrize("fault", TEN, ids=name_of)
def test_each_of_the_ten_faults_is_named_in_its_phase_and_place_and_proven(
    fault: Fault, tmp_path: Path, answers: list[Answer]
) -> None:
    check(fault, tmp_path, [], answers, proven=True)


def test_every_fault_can_be_planted_and_changes_the_program(tmp_path: Path) -> None:
    for fault in [*TEN, *FIXTURES, *FURTHER]:
        healthy = plant(Fault("none", fault.subject, "api"), tmp_path).read_text(encoding="utf-8")
        planted = plant(fault, tmp_path).read_text(encoding="utf-8")
        assert planted != healthy, fault.name
        compile(planted, fault.name, "exec")


def test_a_fault_planted_and_removed_leaves_no_trace(tmp_path: Path) -> None:
    fault = next(fault for fault in TEN if fault.name == "label smoothing")
    options = ("--steps", "10", "--against", str(tmp_path / f"{fault.subject}.py"))
    plant(fault, tmp_path)
    assert compare(file_of(fault.subject), tmp_path, *options)["verdict"] == "different"
    plant(Fault("none", fault.subject, "api"), tmp_path)
    assert compare(file_of(fault.subject), tmp_path, *options)["verdict"] == "equivalent"


def test_keras_2_against_itself_is_equivalent_whatever_the_seed(tmp_path: Path) -> None:
    verdict = compare(file_of("resnet"), tmp_path, "--self", "--seeds", "2", "--steps", "3")
    assert (verdict["verdict"], verdict["causes"], verdict["seeds"]) == ("equivalent", [], [0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("subject", LARGE)
def test_a_fixture_of_keras_2_against_itself_is_equivalent_for_three_seeds(subject: str, tmp_path: Path) -> None:
    verdict = compare(file_of(subject), tmp_path, "--self", "--seeds", "3", "--steps", "500")
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", [])
    losses = verdict["curves"]["metrics"]["loss"]
    assert losses["legacy"] == losses["keras3"], "the same program, weights and batches must train the same bits"


@pytest.mark.slow
@pytest.mark.parametrize("fault", FIXTURES, ids=name_of)
def test_each_of_the_ten_is_named_among_the_genuine_differences_of_a_fixture(
    fault: Fault, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, answers: list[Answer]
) -> None:
    without = baseline(fault.subject, fault.steps, tmp_path_factory.getbasetemp())
    check(fault, tmp_path, without, answers)


def with_known_limits(fault: Fault) -> Any:
    marks = [pytest.mark.xfail(strict=True, reason=LIMITS[fault.name])] if fault.name in LIMITS else []
    return pytest.param(fault, id=name_of(fault), marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [with_known_limits(fault) for fault in FURTHER])
def test_faults_beyond_the_ten_are_named_too(fault: Fault, tmp_path: Path, answers: list[Answer]) -> None:
    check(fault, tmp_path, [], answers)


def test_a_cause_counts_as_known_only_where_it_was_known() -> None:
    def cause(layer: str, *also: str, phase: str = "state") -> dict[str, object]:
        return {"phase": phase, "kind": "numbers", "layer": layer, "variable": None, "also": list(also)}

    without = [cause("bn1", "bn2", "bn3")]
    assert known(cause("bn2", "bn3"), without)
    assert not known(cause("bn2", "bn4"), without)
    assert not known(cause("bn1", phase="forward"), without)
