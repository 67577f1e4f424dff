"""MIGRATION.md: what a migration leaves to people, by how long it takes, as a list to tick off.

In: the `Summary` and the rule book. Out: Markdown. The effort is guessed from the rule alone: whether it has an edit
that only needs a look, what Keras 3 does with the old code, and which part of a program it is about. Called by the
command `migrate`.
"""

from ...findings import Finding, Outcome
from ...rulebook import FAMILIES, Rule
from . import LEFT, Summary

SHOWN = 50
EFFORTS = {
    "minute": (
        "A minute each",
        "The edit is known, or one line says what to write; somebody has to look at the place.",
    ),
    "hour": (
        "An hour each",
        "Keras 3 has no word for it, but another way that is known: a few lines change, and want to be tried.",
    ),
    "decision": (
        "A design decision",
        "What the code does has to be decided anew, or its numbers change: look at it before the others, "
        "and compare the training with `kparity compare`.",
    ),
}


def effort(finding: Finding, rule: Rule | None) -> str:
    """minute, hour or decision."""
    if finding.outcome is Outcome.UNSAFE or rule is None:
        return "minute"
    if rule.safety != "manual":
        # the edit is known, and only this place was too unclear for it
        return "decision" if rule.effect == "numbers" else "minute"
    if rule.edit["kind"] == "note" or rule.effect in ("none", "speed"):
        return "minute"
    if rule.effect == "numbers" or rule.family in ("KP5", "KP8"):
        return "decision"
    return "hour"


def as_markdown(summary: Summary, book: tuple[Rule, ...]) -> str:
    """The whole list."""
    rules = {rule.id: rule for rule in book}
    counts = summary.counts()
    edited = "were edited" if summary.written else "would be edited"
    lines = [
        "# Migration to Keras 3",
        "",
        f"{counts['files']} files, {counts['mention_keras']} mention Keras or TensorFlow, "
        f"{counts['changed']} {edited}: "
        f"{counts['fixed']} edits. Left: {counts['unsafe']} with an edit that needs a look (`--unsafe-fixes`), "
        f"{counts['manual']} to write by hand; {counts['suppressed']} suppressed, {counts['failed']} failed.",
        "",
        "Efforts are guesses from the kind of rule, not from your code.",
    ]
    groups: dict[str, dict[str, list[Finding]]] = {name: {} for name in EFFORTS}
    for finding in summary.findings(*LEFT):
        groups[effort(finding, rules.get(finding.rule))].setdefault(finding.rule, []).append(finding)
    failed = summary.findings(Outcome.FAILED)
    if failed:
        lines += ["", f"## Not understood ({len(failed)})", "", "Nothing was changed there, and nothing is known."]
        lines += ["", *(f"- [ ] `{f.place}`: {_line(f.message)}" for f in failed)]
    for name, (title, what) in EFFORTS.items():
        found = groups[name]
        if not found:
            continue
        total = sum(map(len, found.values()))
        lines += ["", f"## {title} ({total})", "", what]
        for rule_id in sorted(found, key=lambda one: (-len(found[one]), one)):
            lines += _section(rule_id, rules.get(rule_id), found[rule_id])
    if not failed and not any(groups.values()):
        lines += ["", "Nothing is left to do."]
    fixed = summary.by_rule(Outcome.FIXED)
    if fixed:
        lines += ["", "## Done" if summary.written else "## What migrate does by itself", "", "| rule | edits | what |"]
        lines += ["|---|---|---|"]
        lines += [f"| {one} | {number} | {_cell(rules.get(one))} |" for one, number in fixed.items()]
    return "\n".join(lines) + "\n"


def _section(rule_id: str, rule: Rule | None, found: list[Finding]) -> list[str]:
    title = f"{rule_id}: {rule.title}" if rule is not None else rule_id
    lines = ["", f"### {title} ({len(found)})", ""]
    if rule is not None:
        lines += [f"{FAMILIES.get(rule.family, 'your own rules')}. {_line(rule.why)}", ""]
    common = _line(rule.why) if rule is not None else ""
    for finding in found[:SHOWN]:
        what = _line(finding.message.rpartition(": `")[2].rstrip("`"))
        more = "" if _line(finding.fix) in ("", common) else f": {_line(finding.fix)}"
        lines.append(f"- [ ] `{finding.place}` `` {what} ``{more}")
    if len(found) > SHOWN:
        lines.append(f"- [ ] and {len(found) - SHOWN} more; `kparity migrate --select {rule_id} --check` lists them")
    return lines


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(rule: Rule | None) -> str:
    return rule.title.replace("|", "\\|") if rule is not None else ""
