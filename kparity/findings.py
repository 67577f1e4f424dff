"""Finding: the one currency that every part pays in.

migrate turns rule matches into findings, compare turns causes into findings; terminal, JSON, HTML and exit codes are
views of the same list. Imports nothing but the standard library.
"""

from enum import StrEnum
from typing import Any, NamedTuple

PHASES = ("api", "config", "init", "data", "forward", "loss", "gradient", "optimizer", "state", "metric", "save")
"""Where a difference shows, in causal order: what comes earlier can cause what comes later."""


class Exit:
    """Exit codes of every command."""

    OK = 0
    """Equivalent, or nothing to do."""
    DIFFERENT = 1
    """Different, or changes needed."""
    ERROR = 2
    """Wrong usage, or an error."""
    INCONCLUSIVE = 3
    """The measurement cannot tell."""


EXIT_OF_VERDICT = {
    "equivalent": Exit.OK,
    "different": Exit.DIFFERENT,
    "error": Exit.ERROR,
    "inconclusive": Exit.INCONCLUSIVE,
}
"""The exit code that says each verdict."""


class Outcome(StrEnum):
    """How a finding of migrate ended: every finding is exactly one of these."""

    FIXED = "fixed"
    UNSAFE = "unsafe"
    """Has an edit, but needs --unsafe-fixes."""
    MANUAL = "manual"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Place(NamedTuple):
    """A place in source code. `line` is 1-based, `column` is a 1-based character position; 0 means unknown.

    In a notebook both are of the file, as editors and CI need them; `cell` counts all of its cells from 1, and
    `cell_line` the lines of that cell: that is what people see.
    """

    path: str
    line: int = 0
    column: int = 0
    cell: int = 0
    cell_line: int = 0

    def __str__(self) -> str:
        if self.cell:
            return f"{self.path}:cell {self.cell}" + (f":line {self.cell_line}" if self.cell_line else "")
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part)


class Finding(NamedTuple):
    """One thing that a rule says of one place: what it is, where, how it ended, and what to do."""

    rule: str
    place: Place
    phase: str
    outcome: Outcome
    message: str
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as plain data: keys are the field names, `place` a nested object; cells only in notebooks."""
        data = {**self._asdict(), "place": self.place._asdict()}
        if not self.place.cell:
            del data["place"]["cell"], data["place"]["cell_line"]
        return data
