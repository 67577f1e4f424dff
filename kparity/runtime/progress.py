"""Live progress of a comparison: a bar a side on a terminal, a line a stage in a log.

In: what compare tells (side, stage, step). Out: text on stderr. Called by the command line.
"""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Live:
    """A context manager that takes what `compare` tells. `steps`: how many training steps make a full bar."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.console = Console(file=sys.stderr)
        columns = (TextColumn("{task.description:10}"), BarColumn(), TextColumn("{task.fields[at]}"))
        self.bars = Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True)
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Live":
        if self.console.is_terminal:
            self.bars.start()
            for side in ("legacy", "keras3"):
                self.tasks[side] = self.bars.add_task(side, total=self.steps, at="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.tasks:
            self.bars.stop()

    def __call__(self, side: str, stage: str, step: int) -> None:
        """Show a new stage (side empty), or how far a side is."""
        if not self.tasks:
            if not side:
                self.console.print(f"kparity: {stage} ...", highlight=False, soft_wrap=True)
        elif side:
            self.bars.update(self.tasks[side], completed=step, at=f"step {step}")
        else:
            self.bars.console.print(f"[dim]{stage} ...[/dim]", highlight=False)
            for task in self.tasks.values():
                self.bars.update(task, completed=0, at="")
