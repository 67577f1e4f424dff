"""The rule book for a terminal. In: rules. Out: what rich prints. Called by the commands `rules` and `explain`."""

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from ..rulebook import FAMILIES, Rule

COLOURS = {"safe": "green", "unsafe": "yellow", "manual": "red"}
EFFECTS = {
    "raises": "Keras 3 raises an error on the old code",
    "numbers": "Keras 3 runs the old code and gives other numbers",
    "files": "Keras 3 writes or reads another file",
    "speed": "the same numbers at another speed",
    "none": "Keras 3 does the same",
}
SAFETY = {
    "safe": "safe: applied by `migrate`, the numbers are proven equal",
    "unsafe": "unsafe: applied with --unsafe-fixes, needs a look",
    "manual": "manual: reported, a person has to change it",
}


def rule_table(book: tuple[Rule, ...]) -> RenderableType:
    """All rules, a line each, by family."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rule", "safety", "effect", "name", "what"):
        table.add_column(column, no_wrap=column != "what")
    family = ""
    for rule in book:
        if rule.family != family:
            family = rule.family
            table.add_row(Text(family, "bold"), "", "", "", Text(FAMILIES.get(family, "your own rules"), "bold"))
        table.add_row(rule.id, Text(rule.safety, COLOURS[rule.safety]), rule.effect, rule.name, Text(rule.title))
    count = Text(f"\n{len(book)} rules; `kparity explain KP302` says everything about one", "dim")
    return Group(table, count)


def rule_page(rule: Rule) -> RenderableType:
    """One rule: why, how certain, code before and after, and how it is proven."""
    parts: list[RenderableType] = [
        Text.assemble((f"{rule.id} {rule.name}", "bold"), "  ", (rule.safety, COLOURS[rule.safety])),
        Text(rule.title),
        Text(""),
        Text(" ".join(rule.why.split())),
        Text(""),
        Text(f"  {SAFETY[rule.safety]}"),
        Text(f"  {EFFECTS[rule.effect]}"),
        Text(f"  seen by compare in: {rule.phase}"),
        Text(f"  applies to: {', '.join(rule.applies[:6])}" + (", ..." if len(rule.applies) > 6 else "")),
    ]
    for title, code in (
        ("setup of both", rule.setup),
        ("before, Keras 2", rule.before),
        ("after, Keras 3", rule.after),
    ):
        if code:
            shown = Syntax(code.strip("\n"), "python", theme="ansi_light", background_color="default", word_wrap=True)
            parts += [Text(f"\n{title}:", "bold"), shown]
    if rule.reference:
        shown = Syntax(rule.reference, "python", theme="ansi_light", background_color="default", word_wrap=True)
        parts += [Text("\nwhat it meant, in the words of the last Keras 2:", "bold"), shown]
    if rule.probe:
        parts += [
            Text("\nproven by:", "bold"),
            Text(f"{rule.probe}\nevaluated on both, equal to {rule.tolerance:g} of the largest number"),
        ]
    if rule.links:
        parts += [Text("\nsee:", "bold"), *(Text(link) for link in rule.links)]
    return Group(*parts)
