"""Public reports of changed numbers, run again: compare names the cause of each by itself, or says equivalent.

Real comparisons, each in processes of its own. Every one leaves its record in reports/regressions/, of which `python
tests/regressions/write_table.py` makes the table; so any number can run at once: `pytest -n 14 -m slow
tests/regressions`.
"""

from pathlib import Path

import pytest
from issues import REPORTS, Report
from record import HERE, leave, named


def test_every_report_has_its_model_and_every_model_its_report() -> None:
    assert sorted(report.name for report in REPORTS) == sorted(file.stem for file in HERE.glob("issue_*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_compare_names_the_cause_of_a_public_report_or_says_that_there_is_none(report: Report, tmp_path: Path) -> None:
    record = leave(report, tmp_path)
    assert record["verdict"] == ("different" if report.causes else "equivalent"), record["notes"]
    assert named(record) == list(report.causes), record["causes"]
    assert all(cause["proven"] for cause in record["causes"]) or not report.proven, record["notes"]
