"""A migration for continuous integration: SARIF 2.1.0, annotations of GitHub, JUnit's XML.

In: the `Summary`. Out: text. What was edited is no news to a CI; what would be edited is. Lines are those of the file,
in notebooks too, with the cell named beside. Called by the command `migrate`.
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from ... import __version__
from ...findings import Finding, Outcome
from ...rulebook import Rule
from . import Summary
from .text import indented

LEVELS = {Outcome.FAILED: "error", Outcome.MANUAL: "warning", Outcome.UNSAFE: "warning"}
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def said(finding: Finding) -> str:
    """The finding in one text, with its cell where the place alone doesn't say it."""
    cell = f"cell {finding.place.cell}, line {finding.place.cell_line}: " if finding.place.cell else ""
    fix = "kparity migrate edits it." if finding.outcome is Outcome.FIXED else " ".join(finding.fix.split())
    return f"{cell}{finding.message}" + (f"\n{fix}" if fix else "")


def as_github(summary: Summary, book: tuple[Rule, ...]) -> str:
    """Workflow commands that GitHub shows beside the lines."""
    names = {rule.id: f" {rule.name}" for rule in book}
    lines = []
    for finding in summary.to_do():
        level = LEVELS.get(finding.outcome, "notice")
        place = finding.place
        parts = {"file": place.path, "line": place.line or 1, "col": place.column, "title": finding.rule}
        parts["title"] = finding.rule + names.get(finding.rule, "")
        words = ",".join(f"{key}={_property(str(value))}" for key, value in parts.items() if value)
        lines.append(f"::{level} {words}::{_data(said(finding))}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_junit(summary: Summary, book: tuple[Rule, ...]) -> str:
    """One test case a file that mentions Keras; it fails with what is to do in it."""
    outcomes = set(LEVELS) | (set() if summary.written else {Outcome.FIXED})
    cases: list[str] = []
    failures = errors = 0
    for result in summary.results:
        to_do = [f for f in result.findings if f.outcome in outcomes]
        head = f"    <testcase classname={_attribute(result.path)} name={_attribute('migrate ' + result.path)}"
        if not to_do:
            cases.append(f"{head}/>")
            continue
        kind = "error" if any(f.outcome is Outcome.FAILED for f in to_do) else "failure"
        failures += kind == "failure"
        errors += kind == "error"
        text = "\n".join(f"{f.place}: {f.rule} {said(f)}" for f in to_do)
        message = f"{len(to_do)} to do: " + ", ".join(sorted({f.rule for f in to_do}))
        cases.append(
            f"{head}>\n      <{kind} message={_attribute(message)}>{escape(_plain(text))}</{kind}>\n    </testcase>"
        )
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'
    body = "\n".join(cases)
    suite = (
        f'  <testsuite name="kparity migrate" {counts}>\n{body}\n  </testsuite>'
        if cases
        else (f'  <testsuite name="kparity migrate" {counts}/>')
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites {counts}>\n{suite}\n</testsuites>'


def _plain(text: str) -> str:
    """Without the characters that XML has no form for."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def _attribute(text: str) -> str:
    return quoteattr(_plain(text))


def as_sarif(summary: Summary, book: tuple[Rule, ...]) -> str:
    """SARIF 2.1.0, as code scanning services read it."""
    shown = [*summary.to_do(), *summary.findings(Outcome.SUPPRESSED)]
    results = [f for f in shown if f.outcome is not Outcome.FAILED]
    used = {f.rule for f in results}
    rules = [rule for rule in book if rule.id in used]
    index = {rule.id: number for number, rule in enumerate(rules)}
    failed = summary.findings(Outcome.FAILED)
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "kparity", "version": __version__, "rules": [_rule(rule) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not failed,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": said(f)}, "locations": [_location(f)]} for f in failed
                ],
            }
        ],
        "results": [_result(f, index) for f in results],
    }
    return indented({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": " ".join(rule.why.split())},
        "defaultConfiguration": {"level": "warning" if rule.effect in ("raises", "numbers", "files") else "note"},
        "properties": {"safety": rule.safety, "effect": rule.effect, "phase": rule.phase},
        **({"helpUri": rule.links[0]} if rule.links and rule.links[0].startswith("https://") else {}),
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": "note" if finding.outcome is Outcome.FIXED else "warning",
        "message": {"text": said(finding)},
        "locations": [_location(finding)],
        "properties": {"outcome": str(finding.outcome)},
    }
    if finding.rule in index:
        made["ruleIndex"] = index[finding.rule]
    if finding.outcome is Outcome.SUPPRESSED:
        made["suppressions"] = [{"kind": "inSource"}]
    return made


def _location(finding: Finding) -> dict[str, Any]:
    place = finding.place
    path = Path(place.path)
    uri = "file://" * path.is_absolute() + quote(os.fsencode(path.as_posix()))
    made: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    if place.line:
        region = {"startLine": place.line, **({"startColumn": place.column} if place.column else {})}
        made["physicalLocation"]["region"] = region
    if place.cell:
        made["logicalLocations"] = [{"name": f"cell {place.cell}", "kind": "module"}]
    return made
