"""How a comparison ends before its end: a side's failure, a full disk, too little memory, Ctrl-C, a fault of kparity.

In: the exception. Out: SideFailed, in words for people, which compare makes a verdict of. Raised by runtime and
subjects; `exhausted` also serves the side processes. Standard library only.
"""

import contextlib
import errno
import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TAIL = 15
"""Last lines of a side's output that an error shows."""

RESERVE = 8 << 20
"""Bytes kept free for the report of a run that fills the disk: its HTML is 5 MB."""

CUT = ("died", "hung", "memory", "disk", "interrupted", "fault")
"""Kinds of failure that say nothing of the program, and after which the same comparison may go on."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_UNWRITABLE = (*_FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


@dataclass
class SideFailed(Exception):
    """A side, or kparity itself, could not go on. `where`: file:line in the user's file; `output`: its last lines.

    `kind`: raised (an exception of the program), usage, died, hung, memory, disk, interrupted, or fault (kparity's).
    """

    side: str
    kind: str
    message: str
    where: str | None = None
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.side}: {self.message}"


def exhausted(error: BaseException) -> str | None:
    """ "memory" or "disk" where an exception says that one of them was used up; by its text where a library's own
    exceptions (TensorFlow's, safetensors') hold what the system said."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in _FULL:
        return "disk"
    if any(f"os error {code})" in text or os.strerror(code) in text for code in _FULL):
        return "disk"
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return "memory"
    if type(error).__name__ == "ResourceExhaustedError" or "std::bad_alloc" in text:
        return "memory"
    return exhausted(error.__cause__) if error.__cause__ is not None else None


def failure_of(error: BaseException, folder: Path) -> SideFailed:
    """What ended a comparison, as a failure. What nobody foresaw is kparity's fault; its traceback goes to a log."""
    if isinstance(error, SideFailed):
        return error
    if isinstance(error, KeyboardInterrupt):
        return SideFailed("kparity", "interrupted", f"interrupted{f' by {error}' if str(error) else ''}")
    if exhausted(error) == "memory":
        return SideFailed("kparity", "memory", f"not enough memory: {error}")
    if exhausted(error) == "disk" or (isinstance(error, OSError) and error.errno in _UNWRITABLE):
        return SideFailed("kparity", "disk", f"{folder} can't be written: {error}")
    log = folder / "kparity.log"
    with contextlib.suppress(OSError):
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return SideFailed("kparity", "fault", f"failed by its own fault, please report it with {log}: {error!r}")


class Watch:
    """Passes on what a comparison tells, and remembers how far it is."""

    def __init__(self, told: Callable[[str, str, int], None], steps: int) -> None:
        self.told, self.steps = told, steps
        self.stage = ""
        self.at: dict[str, int] = {}

    def __call__(self, side: str, stage: str, step: int) -> None:
        if side:
            self.at[side] = step
        else:
            self.stage, self.at = stage, {}
        self.told(side, stage, step)

    def __str__(self) -> str:
        """ "training: legacy at step 12, keras3 at step 7 of 400"."""
        at = ", ".join(f"{side} at step {step}" for side, step in sorted(self.at.items(), reverse=True))
        return f"{self.stage}: {at} of {self.steps}" if at else self.stage


@contextlib.contextmanager
def reserved(folder: Path) -> Iterator[None]:
    """Inside, RESERVE bytes of the disk are taken, and free again after. Raises OSError where they aren't there."""
    file = folder / ".reserve"
    try:
        with file.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, RESERVE)
        yield
    finally:
        file.unlink(missing_ok=True)
