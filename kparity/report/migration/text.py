"""A migration for a terminal, and as one JSON object.

In: files' results and the `Summary`. Out: text. Called by the command `migrate`.
"""

import json
from typing import Any

from ...codemod.files import FileResult
from ...findings import Outcome
from ...rulebook import Rule
from . import FIRST, LEFT, Summary

QUIET = (Outcome.FIXED, Outcome.SUPPRESSED)
COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}


def places(result: FileResult) -> str:
    """What is left to a person in one file, place by place."""
    lines: list[str] = []
    for finding in result.findings:
        if finding.outcome not in QUIET:
            lines.append(f"{finding.place}: {finding.rule} {finding.outcome}: {finding.message}")
            if finding.fix:
                lines.append("    " + " ".join(finding.fix.split()))
    return "\n".join(lines)


def coloured(diff: str) -> str:
    """A diff in the colours of git."""
    made = []
    for line in diff.split("\n"):
        colour = "\x1b[1m" if line.startswith(("+++ ", "--- ")) else COLOURS.get(line[:1])
        made.append(f"{colour}{line}\x1b[0m" if colour else line)
    return "\n".join(made)


def closing(summary: Summary, book: tuple[Rule, ...]) -> str:
    """The last lines: edits by rule, what is left by rule, where it begins, and the counts."""
    names = {rule.id: rule.name for rule in book}
    counts = summary.counts()
    verb = "changed" if summary.written else "would change"
    lines: list[str] = []
    for title, outcomes in (("fixed" if summary.written else "would fix", (Outcome.FIXED,)), ("left", LEFT)):
        numbers = summary.by_rule(*outcomes)
        if numbers:
            said = (f"{rule} x{number} ({names.get(rule, '')})" for rule, number in numbers.items())
            lines.append(f"{title}: " + ", ".join(said))
    left = summary.findings(*LEFT, Outcome.FAILED)
    if left:
        first = ", ".join(f"{f.place} {f.rule}" for f in left[:FIRST])
        lines.append(f"begin with: {first}" + (f", and {len(left) - FIRST} more" if len(left) > FIRST else ""))
    lines.append(
        f"{counts['files']} files, {counts['mention_keras']} mention Keras or TensorFlow, {counts['changed']} {verb}: "
        f"{counts['fixed']} {'fixed' if summary.written else 'to fix'}, {counts['unsafe']} need --unsafe-fixes, "
        f"{counts['manual']} left to you, {counts['suppressed']} suppressed, {counts['failed']} failed"
    )
    return "\n".join(lines)


def as_json(summary: Summary, book: tuple[Rule, ...]) -> str:
    """The whole report as one JSON object."""
    names = {rule.id: rule.name for rule in book}
    return indented(
        {
            "schema": 1,
            "written": summary.written,
            "summary": summary.counts(),
            "fixed": summary.by_rule(Outcome.FIXED),
            "left": summary.by_rule(*LEFT),
            "files": [
                {
                    "path": r.path,
                    "changed": r.changed,
                    "error": r.error or None,
                    **({"diff": r.diff} if r.diff else {}),
                    "findings": [{**f.to_json(), "name": names.get(f.rule, "")} for f in r.findings],
                }
                for r in summary.results
            ],
        }
    )


def indented(value: Any, margin: str = "\n") -> str:
    """The same as `json.dumps(value, indent=2)`, in a third of its time: Python's encoder in C doesn't indent."""
    inner = f"{margin}  "
    if value and isinstance(value, dict):
        items = [f"{inner}{json.dumps(key)}: {indented(one, inner)}" for key, one in value.items()]
        return "{" + ",".join(items) + margin + "}"
    if value and isinstance(value, list):
        return "[" + ",".join([inner + indented(one, inner) for one in value]) + margin + "]"
    return json.dumps(value)
