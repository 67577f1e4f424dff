"""A progress bar on a terminal, and nothing anywhere else. Called by the command `migrate`."""

import sys
from typing import Any

SHOWN_FROM = 20
"""Files; fewer are done before anyone could read a bar."""


class Bar:
    """`step(done, total)` moves the bar; it appears on stderr when that is a terminal and there is much to do."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._task: Any = None
        self._wanted = sys.stderr.isatty()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def clear(self) -> None:
        """Make room: something is printed now."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def step(self, done: int, total: int) -> None:
        if not self._wanted or total < SHOWN_FROM:
            return
        if self._progress is None:
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task("migrate", total=total)
            self._progress.start()
        self._progress.update(self._task, completed=done)
