"""Makes reports/regressions.md of the records that the tests left: `python tests/regressions/write_table.py`.

In: reports/regressions/*.json and REPORTS. Out: the table with its sums. Nothing calls it but a person, after
`pytest -m slow tests/regressions`.
"""

import json

from issues import REPORTS, Report
from record import RECORDS, ROOT, Record, named

INTRODUCTION = """# Public reports, run again

Issues of keras-team/keras, keras-team/tf-keras and tensorflow/tensorflow about numbers that changed between Keras 2 and
Keras 3. Each model is rebuilt small in Keras 2 code of our own (`tests/regressions/`) and given to `kparity compare` as
it is: nothing tells it what the report says. Keras 2 is tf-keras {legacy}, Keras 3 is keras {keras3}. Not every report
is about the two Kerases: some are about Keras 2 alone, a warning or the speed, and the numbers of their models have
changed; the last column says how what compare finds stands to what was reported.

Of {all} reports {still} still reproduce; compare names the cause of {right} of them, and of {proven} all causes are
proven by a counterfactual.
Of the {gone} whose numbers are alike today it says so of {silent}.
"""


def cause_cell(record: Record) -> str:
    """The causes of a record in a cell: phase, place, step, rule, proven."""
    cells = []
    for cause in record["causes"]:
        place = f" `{cause['variable'] or cause['layer']}`" if cause["variable"] or cause["layer"] else ""
        also = f" and {len(cause['also'])} more" if cause["also"] else ""
        rule = f", {cause['rule']}" if cause["rule"] else ""
        proven = "proven" if cause["proven"] else "not proven"
        cells.append(f"{cause['phase']}{place}{also}, step {cause['step']}{rule}, {proven}")
    return "; ".join(cells) or record["verdict"]


def row(report: Report, record: Record) -> str:
    """A report as a line of the table."""
    right = named(record) == list(report.causes)
    cells = [f"[{report.issue}]({report.url})", report.saw, cause_cell(record)]
    return f"| {' | '.join([*cells, ('yes: ' if right else '**no**: ') + report.right])} |"


def main() -> None:
    """Write the report."""
    records = {report.name: json.loads((RECORDS / f"{report.name}.json").read_text("utf-8")) for report in REPORTS}
    still = [report for report in REPORTS if report.causes]
    gone = [report for report in REPORTS if not report.causes]
    right = [report for report in still if named(records[report.name]) == list(report.causes)]
    proven = [report for report in right if all(cause["proven"] for cause in records[report.name]["causes"])]
    silent = [report for report in gone if records[report.name]["verdict"] == "equivalent"]
    text = INTRODUCTION.format(
        all=len(REPORTS),
        still=len(still),
        right=len(right),
        proven=len(proven),
        gone=len(gone),
        silent=len(silent),
        **next(iter(records.values()))["sides"],
    )
    head = "| issue | what the reporter saw | what compare says | right? |\n|---|---|---|---|\n"
    for title, reports in (("Still different", still), ("Alike today", gone)):
        text += f"\n## {title}\n\n{head}" + "\n".join(row(one, records[one.name]) for one in reports) + "\n"
    text += "\nWritten by `python tests/regressions/write_table.py` after `pytest -m slow tests/regressions`.\n"
    (ROOT / "reports" / "regressions.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
