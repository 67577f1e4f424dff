"""The exam: faults planted on the Keras 3 side, one or two at a time, each to be named in its phase, place and step.

Real comparisons of real processes. By default the ten faults on small subjects; the slow tests do all others. Each
fault leaves its record in reports/exam/ (`python tests/exam/table.py` makes the table of them), so the exam runs on as
many cores as there are: `pytest -n 14 -m "slow or not slow" tests/exam`.
"""

from pathlib import Path

import pytest
from examine import all_right, compare, examine, file_of, genuine, known, plant, quickly, said
from fault import Fault
from faults import FAULTS
from faults.basic import TEN

QUICK = ("pixels", "rows", "tokens")
"""Subjects that are equivalent without a fault, as the default suite says; so is each in EQUAL."""
EQUAL = ()
LARGE = ("encoder_decoder", "resnet", "attention")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all processes of this run of the tests."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if own.name.startswith("popen-") else own) / "exam"


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this process, in which one comparison after the other runs."""
    return tmp_path_factory.mktemp("bench")


def check(fault: Fault, bench: Path, shared: Path) -> None:
    record = examine(fault, bench, genuine(fault.subject, fault.steps, shared))
    assert all_right(record), said(record)
    assert all(cause["message"] and cause["fix"] for cause in record["found"])


def name_of(fault: Fault) -> str:
    return f"{fault.name} in {fault.subject}"


@pytest.mark.parametrize("subject", QUICK)
def test_a_small_subject_without_a_fault_is_equivalent(subject: str, bench: Path) -> None:
    verdict = quickly(file_of(subject), bench / f"{subject}-20", 20)
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", [])


@pytest.mark.slow
@pytest.mark.parametrize("subject", EQUAL)
def test_every_other_small_subject_without_a_fault_is_equivalent_too(subject: str, bench: Path) -> None:
    verdict = quickly(file_of(subject), bench / f"{subject}-20", 20)
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", [])


@pytest.mark.parametrize("fault", sorted(TEN, key=lambda one: one.subject), ids=name_of)
def test_each_of_the_ten_faults_is_named_in_its_phase_place_and_step_and_proven(
    fault: Fault, bench: Path, shared: Path
) -> None:
    check(fault, bench, shared)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in TEN], ids=name_of)
def test_every_other_fault_is_named_in_its_phase_place_and_step_and_proven(
    fault: Fault, bench: Path, shared: Path
) -> None:
    check(fault, bench, shared)


def test_every_fault_can_be_planted_and_changes_the_program(tmp_path: Path) -> None:
    names = [name_of(fault) for fault in FAULTS]
    assert len(set(names)) == len(names)
    for fault in FAULTS:
        healthy = plant(Fault("none", fault.subject, ""), tmp_path).read_text(encoding="utf-8")
        planted = plant(fault, tmp_path).read_text(encoding="utf-8")
        assert planted != healthy, fault.name
        compile(planted, fault.name, "exec")


def test_a_command_names_a_planted_fault_and_nothing_once_it_is_gone(tmp_path: Path) -> None:
    fault = next(fault for fault in TEN if fault.name == "label smoothing")
    options = ("--steps", "10", "--against", str(tmp_path / f"{fault.subject}.py"))
    plant(fault, tmp_path)
    verdict = compare(file_of(fault.subject), tmp_path, *options)
    assert (verdict["verdict"], [cause["phase"] for cause in verdict["causes"]]) == ("different", ["loss"])
    plant(Fault("none", fault.subject, ""), tmp_path)
    assert compare(file_of(fault.subject), tmp_path, *options)["verdict"] == "equivalent"


def test_a_reference_that_remembers_says_what_a_new_one_says(bench: Path) -> None:
    fault = next(fault for fault in TEN if fault.name == "missing bias")
    folder, planted = bench / "rows-20", plant(fault, bench / "remembered")
    verdicts = [
        quickly(file_of("rows"), folder, 20, against=planted),
        quickly(file_of("rows"), folder, 20, against=planted),
        quickly(file_of("rows"), bench / "new", 20, remember=False, against=planted),
    ]
    told = [(verdict["causes"], verdict["curves"], verdict["notes"]) for verdict in verdicts]
    assert told[0] == told[1] == told[2]


def test_keras_2_against_itself_is_equivalent_whatever_the_seed(bench: Path) -> None:
    verdict = quickly(file_of("resnet"), bench / "twin", 3, remember=False, twin=True, seeds=(0, 1))
    assert (verdict["verdict"], verdict["causes"], verdict["seeds"]) == ("equivalent", [], [0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("subject", LARGE)
def test_a_fixture_of_keras_2_against_itself_is_equivalent_for_three_seeds(subject: str, tmp_path: Path) -> None:
    verdict = compare(file_of(subject), tmp_path, "--self", "--seeds", "3", "--steps", "500")
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", [])
    losses = verdict["curves"]["metrics"]["loss"]
    assert losses["legacy"] == losses["keras3"], "the same program, weights and batches must train the same bits"


def test_a_cause_counts_as_known_only_where_it_was_known() -> None:
    def cause(layer: str, *also: str, phase: str = "state", step: int = 2, error: float = 0.1) -> dict[str, object]:
        where = {"layer": layer, "variable": None, "also": list(also), "message": ""}
        return {"phase": phase, "kind": "numbers", "step": step, "local_error": error, **where}

    without = [cause("bn1", "bn2", "bn3")]
    assert known(cause("bn2", "bn3"), without)
    assert known(cause("bn2", step=5, error=0.2), without)
    assert not known(cause("bn2", "bn4"), without)
    assert not known(cause("bn1", phase="forward"), without)
    assert not known(cause("bn1", step=1), without)
    assert not known(cause("bn1", error=0.4), without)
