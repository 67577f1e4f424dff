"""A comparison with a person, or a CI run, before it: progress is shown, a signal ends it, and the report is written.

In: the options. Out: the verdict, with verdict.json and report.html in the folder, whatever happens. Called by the
command `compare`.
"""

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from kparity.analysis.verdict import unfinished
from kparity.compare import compare
from kparity.options import Options
from kparity.report.files import write
from kparity.report.html import write_html
from kparity.report.plots import read_map
from kparity.runtime.progress import Live

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def attended(options: Options) -> dict[str, Any]:
    """Compare and report. Raises OSError where the folder can't be written, RuleError, and KeyboardInterrupt where a
    signal came before there was anything to report."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    _save(unfinished(options), options.folder)
    with Live(options.steps) as live:
        verdict = compare(options, live)
    _save(verdict, options.folder)
    return verdict


def _interrupt(number: int, frame: object) -> NoReturn:
    """Once: a second Ctrl-C must not stop what the first has begun, which is to end the sides and write the report."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _save(verdict: dict[str, Any], folder: Path) -> None:
    write(verdict, folder)
    page = folder / "report.html"
    try:
        write_html(verdict, read_map(folder), page)
    except OSError as error:
        page.unlink(missing_ok=True)  # an older one would speak of another run
        print(f"kparity: {page} can't be written: {error}", file=sys.stderr)
