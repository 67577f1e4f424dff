"""The readable table of silent changes: reports/silent.md. In: header, rows, causes. Out: Markdown.

Called by __main__.
"""

from collections import Counter
from typing import Any

from kparity.capture.silent.judge import Cause, Row
from kparity.rulebook import find


def table(header: dict[str, Any], rows: tuple[Row, ...], causes: tuple[Cause, ...]) -> str:
    """Counts a family, then each rule with its explanation and the cases that show it."""
    versions = header["versions"]
    lines = [
        "# Silent changes, measured",
        "",
        f"tf_keras {versions['legacy']['keras']} against keras {versions['keras3']['keras']}, both on TensorFlow "
        f"{versions['keras3']['tensorflow']}, on the CPU: the same inputs and weights through both. "
        "`python -m kparity.capture.silent` makes this file and `rules/api/silent.json` again.",
        "",
        "A difference counts where it is beyond round-off: more than 20 times what moving every input and weight by "
        "one unit in the last place does to Keras 2; and where float64 agrees, more than 500 times. Random numbers are "
        "compared as distributions (Kolmogorov-Smirnov, p < 1e-9).",
        "",
        "| kind | cases | agree | differ |",
        "|---|---:|---:|---:|",
    ]
    agree, differ = header["agree"], header["differ"]
    for kind in sorted({*agree, *differ}):
        one, other = agree.get(kind, 0), differ.get(kind, 0)
        lines.append(f"| {kind} | {one + other} | {one} | {other} |")
    lines += [f"| all | {header['measured']} | {sum(agree.values())} | {sum(differ.values())} |", ""]
    counted = Counter(row.rule for row in rows)
    lines += ["## What differs, by rule", ""]
    for rule, number in sorted(counted.items()):
        known = find(rule)
        title = known.title if known else "no rule yet"
        how = f"{known.safety}, {known.edit['kind']}" if known else ""
        lines += [f"### {rule or 'none'}: {title}", "", f"{how}; {number} rows." if how else f"{number} rows.", ""]
        for why in dict.fromkeys(cause.why for cause in causes if cause.rule == rule):
            lines += [why, ""]
        names: dict[str, list[Row]] = {}
        for row in rows:
            if row.rule == rule:
                names.setdefault(f"{row.kind} `{row.name}`", []).append(row)
        for name, some in names.items():
            lines.append(f"- {name} ({len(some)}), such as {some[0].case or 'as it is'}: {some[0].difference}")
        lines.append("")
    refused = header["refused_by_keras_3"]
    if refused:
        lines += ["## What Keras 3 refuses, loudly", "", "Not silent, so not measured here:", ""]
        lines += [f"- {key}: {message}" for key, message in refused.items()]
    return "\n".join(lines).rstrip() + "\n"
