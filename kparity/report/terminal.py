"""A verdict for the terminal: at most 40 lines, causes first, readable without colour and in 80 columns.

In: the dict of verdict.json. Out: lines on a rich Console. `compare` calls render() at its end, `kparity report`
again later. Needs rich alone. Everything of the user's (layer names, messages, output) is printed as it is: never
read as mark-up, and without control characters.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from kparity.report.files import plain
from kparity.report.words import (
    SIDES,
    accuracy_line,
    clean,
    cost_line,
    count,
    effect_line,
    error_line,
    headline,
    number,
    one_line,
    place,
    ratio,
    source_lines,
)

LINES = 40
"""How many lines a verdict may take: what a terminal shows without scrolling."""

_COLOUR = {"equivalent": "green", "different": "red", "inconclusive": "yellow", "error": "magenta"}
_BARS = "▁▂▃▄▅▆▇█"
_PLAIN = str.maketrans({"·": "-", "±": "+/-", "…": "...", "→": "->"})


def render(verdict: dict[str, Any], console: Console, folder: Path | None = None) -> None:
    """Prints `verdict` on `console`; `folder`, where known, is named as the place of the files."""
    verdict = plain(verdict)
    wide = max(40, min(console.width, 120))
    glyphs = (console.encoding or "").lower().startswith("utf")
    top = _headline(verdict, console, wide)
    if verdict["error"]:
        top += _error(verdict["error"], console, wide)
    below = _measured(verdict, console, wide, glyphs) + _context(verdict, console, wide, folder)
    middle = _causes(verdict["causes"], console, wide, LINES - len(top) - len(below), folder is not None)
    for line in [*top, *middle, *below]:
        if not glyphs:
            line = Text(line.plain.translate(_PLAIN).encode("ascii", "replace").decode(), style=line.style)
        console.print(line, highlight=False, no_wrap=True, overflow="ignore", crop=False)


def _fit(parts: Sequence[tuple[str, str]], console: Console, wide: int, indent: int = 0, most: int = 3) -> list[Text]:
    """(text, style) pairs set one after another in at most `most` lines of `wide` cells; what doesn't fit ends in …"""
    text = Text()
    for words, style in parts:
        text.append(one_line(words) if words.strip() else words, style)
        text.append(" ")
    text.rstrip()
    lines = list(text.wrap(console, wide - indent))
    for line in lines:
        line.rstrip()
    if len(lines) > most:
        lines = lines[:most]
        lines[-1].truncate(wide - indent - 2)
        lines[-1].append(" …")
    return [Text(" " * indent).append_text(line) for line in lines]


def _labelled(label: str, parts: Sequence[tuple[str, str]], console: Console, wide: int, most: int = 2) -> list[Text]:
    lines = _fit(parts, console, wide, 10, most)
    if lines:
        lines[0] = Text(f"{label:<10}", "bold").append_text(lines[0][10:])
    return lines


def _headline(verdict: dict[str, Any], console: Console, wide: int) -> list[Text]:
    outcome = verdict["verdict"]
    seeds = verdict.get("seeds") or []
    drawn = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds[:5]))}{' …' if len(seeds) > 5 else ''}"
    about = [verdict["subject"], count(verdict["steps"], "step"), drawn if seeds else ""]
    first = [(outcome.upper(), f"bold {_COLOUR.get(outcome, '')}"), (" · ".join(filter(None, about)), "bold")]
    return _fit(first, console, wide, most=2) + _fit([(headline(verdict), "")], console, wide, most=2)


def _error(error: dict[str, Any], console: Console, wide: int) -> list[Text]:
    lines = _fit([(error.get("message") or error_line(error), "bold")], console, wide, 2, 4)
    output = [line for line in clean("\n".join(map(str, error.get("output") or []))).splitlines() if line.strip()]
    if output:
        lines.append(Text(f"  Last output of {SIDES.get(error.get('side', ''), 'kparity')}:", "dim"))
        for line in output[-10:]:
            shown = Text("    " + line.expandtabs(4), "dim")
            shown.truncate(wide, overflow="ellipsis")
            lines.append(shown)
    return lines


def _causes(causes: list[dict[str, Any]], console: Console, wide: int, room: int, saved: bool) -> list[Text]:
    """The causes in at most `room` lines: the first in full, then as many as fit, then how many more there are."""
    if not causes:
        return []
    lines = [Text(""), Text("Causes, in causal order", "bold")]
    for index, cause in enumerate(causes, 1):
        left = len(causes) - index
        entry = _cause(index, cause, console, wide, full=index == 1)
        if len(lines) + len(entry) + (left > 0) > room:
            where = "report.html" if saved else "the report"
            lines.append(Text(f"  and {left + 1:,} more in {where}", "italic"))
            break
        lines += entry
    return lines


def _cause(index: int, cause: dict[str, Any], console: Console, wide: int, full: bool) -> list[Text]:
    tag = ("proven", "bold") if cause["proven"] else ("not proven", "dim")
    rule = f" · {cause['rule']}" if cause.get("rule") else ""
    head = [(f"{index}.", "bold"), (f"{place(cause)}{rule}", "bold"), ("·", "dim"), tag]
    lines = _fit(head, console, wide, 0, 2)
    lines += _fit([("Why:", "bold"), (cause["message"], "")], console, wide, 3, 5 if full else 2)
    if cause.get("fix"):
        lines += _fit([("Fix:", "bold"), (cause["fix"], "green")], console, wide, 3, 3 if full else 1)
    if cause.get("share") is not None:
        said = f"Taken back, the final accuracy of Keras 3 changes by {cause['share']:+.4f}"
        lines += _fit([(said, "dim")], console, wide, 3, 1)
    if ratio(cause):
        lines += _fit([(f"Local error {ratio(cause)}", "dim")], console, wide, 3, 1)
    if full and source_lines(cause):
        lines += _fit([(f"Code: {'; '.join(source_lines(cause))}", "dim")], console, wide, 3, 2)
    if cause.get("also"):
        shown = ", ".join(cause["also"][:4]) + (
            f" and {len(cause['also']) - 4:,} more" if len(cause["also"]) > 4 else ""
        )
        lines += _fit([(f"Also: {shown}", "dim")], console, wide, 3, 1)
    return lines


def _measured(verdict: dict[str, Any], console: Console, wide: int, glyphs: bool) -> list[Text]:
    """Accuracy and the two curves that matter most, as sparklines or as first and last numbers."""
    lines = [Text("")]
    if not verdict["error"] or verdict["accuracy"]:
        lines += _labelled("Accuracy", [(accuracy_line(verdict["accuracy"]), "")], console, wide)
    if natural := verdict.get("natural"):
        lines += _labelled("Seeds", [(effect_line(natural), "")], console, wide)
    metrics = (verdict["curves"] or {}).get("metrics") or {}
    for name in sorted(metrics, key=lambda name: (name != "loss", name != "accuracy"))[:2]:
        curves = metrics[name]
        both = [value for side in ("legacy", "keras3") for value in curves.get(side) or [] if value is not None]
        if not both:
            continue
        title = one_line(name)[:24].ljust(9) + " "
        for side in ("legacy", "keras3"):
            known = [value for value in curves.get(side) or [] if value is not None]
            ends = f"{number(known[0])} → {number(known[-1])}" if known else "no number"
            label = Text(title if side == "legacy" else " " * len(title), "bold")
            drawn = spark(curves.get(side) or [], min(both), max(both), min(48, wide - 46)) if glyphs else ""
            lines.append(
                label.append(f"{SIDES[side]}  ", "not bold").append(f"{drawn}  " if drawn else "").append(ends)
            )
            lines[-1].truncate(wide)
    return lines if len(lines) > 1 else []


def spark(values: Sequence[float | None], low: float, high: float, cells: int) -> str:
    """`values` as `cells` bars (fewer when there are fewer values), each the mean of its share; a gap where no number.

    `low` and `high` are the values of the lowest and the highest bar.
    """
    cells = min(cells, len(values))
    bars = ""
    for cell in range(cells):
        share = values[cell * len(values) // cells : (cell + 1) * len(values) // cells]
        known = [value for value in share if value is not None]
        if not known:
            bars += " "
            continue
        height = (sum(known) / len(known) - low) / (high - low) if high > low else 0.5
        bars += _BARS[max(0, min(7, int(height * 8)))]
    return bars


def _context(verdict: dict[str, Any], console: Console, wide: int, folder: Path | None) -> list[Text]:
    """Which Keras each side loaded, notes, migration findings, cost, and where the files are."""
    lines = [Text("")]
    for side in ("legacy", "keras3"):
        said = verdict["sides"].get(side) or {}
        shown = [
            f"{said['module']} {said.get('keras', '')}" if said.get("module") else said.get("keras") or "not loaded"
        ]
        if said.get("environment"):
            shown[0] = f"{said['package']} {said['keras']} from {Path(said['environment']).name}"
        shown += [f"{key} {said[key]}" for key in ("tensorflow", "python") if said.get(key)]
        shown += ["jit_compile"] if said.get("jit_compile") else []
        lines += _labelled(SIDES[side], [(", ".join(shown), "")], console, wide, 1)
    notes = verdict["notes"]
    for index, note in enumerate(notes[:2]):
        more = [(f"(and {len(notes) - 2} more)", "dim")] if index == 1 and len(notes) > 2 else []
        lines += _labelled("Notes" if index == 0 else "", [(note, ""), *more], console, wide, 2)
    if verdict["migration"]:
        outcomes = [finding.get("outcome", "") for finding in verdict["migration"]]
        each = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes))
        lines += _labelled("Migration", [(f"{count(len(outcomes), 'finding')}: {each}", "")], console, wide, 1)
    if verdict["cost"]:
        lines += _labelled("Cost", [(cost_line(verdict["cost"]), "")], console, wide, 1)
    if folder is not None:
        files = [file for file in ("report.html", "verdict.json", "map.parquet") if (folder / file).exists()]
        if files:
            lines += _labelled("Files", [(f"{folder}: {', '.join(files)}", "")], console, wide, 2)
    return lines
