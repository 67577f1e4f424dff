"""Makes reports/exam.md of the records that the exam left, however many processes ran it: `python tests/exam/table.py`.

In: reports/exam/*.json. Out: the tables with their sums. Nothing calls it but a person, after
`pytest -m "slow or not slow" tests/exam`.
"""

import json
from collections import Counter

from examine import RECORDS, ROOT, Record, all_right, words

HEAD = "| kind | fault | subject | expected | found first | phase | place | step right | proven | extra causes |"


def row(record: Record) -> str:
    """A fault as a line of the table."""
    right = record["right"]
    cells = [record["kind"], record["name"], record["subject"], "; ".join(map(words, record["expected"]))]
    cells.append(words(record["found"][0]) if record["found"] else "nothing")
    cells += ["yes" if right[name] else "**no**" for name in ("phase", "place", "step", "proven")]
    cells.append("; ".join(map(words, record["extra"])) or "none")
    return f"| {' | '.join(cells)} |"


def summary(records: list[Record]) -> str:
    """Shares over all faults, and the number of them by kind."""
    count = len(records)
    lines = ["| of all faults | |", "|---|--:|", f"| planted | {count} |"]
    for name, title in (
        ("first", "what was planted is named first"),
        ("phase", "right phase"),
        ("place", "right layer or variable"),
        ("step", "right step"),
        ("order", "in causal order"),
        ("proven", "proven by a counterfactual"),
    ):
        right = sum(record["right"][name] for record in records)
        lines.append(f"| {title} | {right} ({right / count:.1%}) |")
    whole = sum(map(all_right, records))
    lines.append(f"| right in all of it | {whole} ({whole / count:.1%}) |")
    lines.append(f"| false alarms: causes that nobody planted | {sum(len(record['extra']) for record in records)} |")
    return "\n".join(lines) + "\n"


def report(records: list[Record]) -> str:
    """The whole file."""
    faults = sorted(
        (one for one in records if one["exam"] == "fault"), key=lambda one: (one["kind"], one["subject"], one["name"])
    )
    kinds = Counter(record["kind"] for record in faults)
    models = sorted({record["subject"] for record in faults})
    told = ", ".join(f"{kind} ({number})" for kind, number in sorted(kinds.items()))
    return (
        "# The exam\n\n"
        f"Faults planted on the Keras 3 side of {len(models)} models ({', '.join(models)}), of {len(kinds)} kinds: "
        f"{told}. A step is right where it is the first at which the fault can show; extra causes are those that "
        "nobody planted and that aren't there without the fault.\n\n"
        'Written by `python tests/exam/table.py` after `pytest -m "slow or not slow" tests/exam`.\n\n'
        + summary(faults)
        + f"\n{HEAD}\n|{'---|' * (HEAD.count('|') - 1)}\n"
        + "".join(row(record) + "\n" for record in faults)
        + equal([one for one in records if one["exam"] == "equal"])
    )


def equal(pairs: list[Record]) -> str:
    """Pairs that are equal but look different."""
    silent = [pair for pair in pairs if not pair["found"]]
    right = [pair for pair in silent if pair["right"]["verdict"]]
    lines = [
        "\n## Pairs that are equal but look different\n",
        f"Of {len(pairs)} pairs, {len(pairs) - len(silent)} have a cause named, each a false alarm; {len(right)} get "
        "the verdict that is true.\n",
        "| kind | pair | steps | verdict | false alarms |",
        "|---|---|--:|---|---|",
    ]
    for pair in sorted(pairs, key=lambda one: (one["kind"], one["name"])):
        alarms = "; ".join(map(words, pair["found"])) or "none"
        lines.append(f"| {pair['kind']} | {pair['name']} | {pair['steps']} | {pair['verdict']} | {alarms} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(RECORDS.glob("*.json"))]
    (ROOT / "reports" / "exam.md").write_text(report(found), encoding="utf-8")
    print(summary([record for record in found if record["exam"] == "fault"]))
