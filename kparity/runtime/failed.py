"""SideFailed: how a side, or kparity itself, says that a comparison can't go on. Raised by runtime and subjects, caught
by compare, which makes the verdict of it.
"""

from dataclasses import dataclass

TAIL = 15
"""Last lines of a side's output that an error shows."""


@dataclass
class SideFailed(Exception):
    """A side could not answer. `kind`: raised, usage, died or hung; `where`: file:line in the user's file."""

    side: str
    kind: str
    message: str
    where: str | None = None
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.side}: {self.message}"
