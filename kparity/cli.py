"""The command line: commands and options, nothing else. Every command imports its room when it is called.

Exit codes everywhere: 0 equivalent or nothing to do, 1 different or changes needed, 2 wrong usage or an error,
3 inconclusive.
"""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(
    name="kparity",
    help="From Keras 2 to Keras 3, with proof that nothing was lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


Finished = Annotated[Path, typer.Argument(metavar="REPORT", help="A finished comparison: reports/NAME.")]


@app.command()
def gate(
    report: Finished,
    max_accuracy_drop: Annotated[
        float, typer.Option(metavar="DROP", help="How much lower the accuracy may be, absolute: 0.01 is one point.")
    ] = 0.01,
) -> None:
    """Pass or fail a finished comparison by its exit code: 0 pass, 1 drift, 2 error, 3 inconclusive."""
    from kparity.analysis.gate import judge

    verdict = _read(report)
    try:
        judgement = judge(verdict, max_accuracy_drop)
    except ValueError as error:
        _refuse(str(error))
    typer.echo(str(judgement))
    raise typer.Exit(judgement.code)


@app.command()
def report(
    report: Finished,
    html: Annotated[Path | None, typer.Option(metavar="PATH", help="Also write the report as one HTML file.")] = None,
) -> None:
    """Show a finished comparison again; no framework needed. Exits with 0 whatever the verdict."""
    from rich.console import Console

    from kparity.report.terminal import render

    verdict = _read(report)
    if html:
        try:
            from kparity.report.html import read_map, write_html

            write_html(verdict, read_map(report), html)
        except ImportError as error:
            _refuse(f'--html needs {error.name}: pip install "kparity[compare]"')
        except OSError as error:
            _refuse(f"{html} cannot be written: {error}")
    render(verdict, Console(), folder=report if report.is_dir() else report.parent)


def _read(path: Path) -> dict[str, Any]:
    """The verdict of a finished comparison; ends the command in words when it cannot be read."""
    from kparity.report.files import Unreadable, read

    try:
        return read(path)
    except Unreadable as error:
        _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    from kparity.findings import Exit

    typer.echo(f"kparity: {why}", err=True)
    raise typer.Exit(Exit.ERROR)


if __name__ == "__main__":
    app()
