"""Makes reports/architectures.md of the records that the architectures left: run it after `pytest -m slow` on them.

In: reports/architectures/*.json, truths.py. Out: the table. Nothing calls it but a person.
"""

import json
from pathlib import Path
from typing import Any

from truths import ARCHITECTURES, Architecture

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "reports" / "architectures"


def cause(one: dict[str, Any]) -> str:
    """A cause in a few words."""
    where = one["variable"] or one["layer"] or ""
    more = f" and {len(one['also'])} more" if one["also"] else ""
    rule = f", {one['rule']}" if one["rule"] else ""
    return f"{one['phase']} {where}{more} ({one['kind']}, step {one['step']}{rule})".replace("  ", " ")


def row(one: Architecture, record: dict[str, Any]) -> str:
    """An architecture as a line of the table."""
    causes = "; ".join(map(cause, record["causes"])) or "none"
    proven = f"{sum(c['proven'] for c in record['causes'])} of {len(record['causes'])}" if record["causes"] else ""
    cells = [one.name, f"{record['weights']:,}", record["steps"], record["verdict"], causes, proven]
    return f"| {' | '.join(map(str, [*cells, round(record['seconds']), one.truth]))} |\n"


def earlier(text: str) -> dict[str, str]:
    """The rows of a report as it stands, by name."""
    rows = [line + "\n" for line in text.splitlines() if line.startswith("| ") and not line.startswith("| model ")]
    return {row.split("|")[1].strip(): row for row in rows}


def report(records: dict[str, dict[str, Any]], before: dict[str, str]) -> str:
    """The whole file. `before`: the rows that it had, of which those stay that nothing was recorded of since."""
    done = [one for one in ARCHITECTURES if one.name in records or one.name in before]
    old = [one.name for one in done if one.name not in records]
    versions = {tuple(record["versions"].values()) for record in records.values()}
    said = "; ".join(f"tf-keras {left} and keras {right}" for left, right in sorted(versions))
    head = "| model | weights | steps | verdict | causes | proven | seconds | the truth |"
    rows = [row(one, records[one.name]) if one.name in records else before[one.name] for one in done]
    return (
        "# Popular architectures\n\n"
        f"What `kparity compare` says of {len(done)} models under {said}, without being told. The models are in "
        "tests/architectures; seconds are wall time on a shared machine of two cores. Lines are those of the installed "
        "packages.\n\n"
        + (f"Measured earlier, and not again by the engine of now: {', '.join(old)}.\n\n" if old else "")
        + "Written by `python tests/architectures/architectures_table.py` after `pytest -m slow tests/architectures`."
        "\n\n"
        f"{head}\n|---|--:|--:|---|---|---|--:|---|\n" + "".join(rows)
    )


if __name__ == "__main__":
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(RECORDS.glob("*.json"))]
    file = ROOT / "reports" / "architectures.md"
    kept = earlier(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(report({one["name"]: one for one in found}, kept), encoding="utf-8")
