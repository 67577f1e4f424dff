"""The command `migrate`: from what was asked to a report and an exit code.

In: a `Request`, the options as the command line has them. Out: files changed, a report on stdout, the exit code. Called
by cli.
"""

import os
import sys
from pathlib import Path
from typing import NamedTuple

from ..config import TARGETS, Settings, project, settings
from ..report.migration import Summary
from ..report.migration.text import as_json, closing, coloured, places
from ..rulebook import Rule, rules
from .files import FileResult, Options, diff_of, failed, migrate_files, migrate_text
from .progress import Bar
from .project import Neighbours
from .sources import SourceError, decode

FORMATS = ("text", "json", "sarif", "github", "junit")


class UsageError(ValueError):
    """What was asked can't be done; the message says why."""


class Request(NamedTuple):
    """The options of the command line; None where nothing was said."""

    paths: tuple[str, ...]
    diff: bool = False
    check: bool = False
    select: tuple[str, ...] = ()
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    unsafe_fixes: bool = False
    requirements: bool = False
    rules: tuple[str, ...] = ()
    target: str = ""
    allow_dirty: bool = False
    stdin_filename: str = ""
    output: str = "text"
    report: str = ""
    cache: bool = True
    jobs: int | None = None


def run(request: Request) -> int:
    """Do it, and say what was done.

    Raises:
        UsageError, SourceError, ConfigError, RuleError, ValueError: wrong usage, in words.
        KeyboardInterrupt: after the processes were ended; every file is whole, old or new.
    """
    if request.output not in FORMATS:
        raise UsageError(f"--format is {', '.join(FORMATS)}, not {request.output!r}")
    from_stdin = request.paths == ("-",)
    if "-" in request.paths and not from_stdin:
        raise UsageError("- (stdin) stands alone")
    if request.report and not Path(request.report).absolute().parent.is_dir():
        raise UsageError(f"--report: there is no folder {Path(request.report).parent}")
    paths = [Path(request.stdin_filename or "stdin.py")] if from_stdin else [Path(one) for one in request.paths]
    found = settings(paths)
    options = _options(request, found, paths)
    book = rules(options.own)
    summary = Summary(options.write or from_stdin, request.output == "json")
    if from_stdin:
        _stdin(paths[0], options, summary)
    else:
        with Bar() as bar:
            for result in migrate_files(paths, options, bar.step, request.jobs):
                summary.add(result)
                if request.output == "text":
                    _show(result, request.diff, bar)
    _close(summary, book, request, from_stdin)
    return summary.exit_code()


def _options(request: Request, found: Settings, paths: list[Path]) -> Options:
    target = request.target or found.target
    if target not in TARGETS:
        raise UsageError(f"--target is {' or '.join(TARGETS)}, not {target!r}")
    own = tuple(Path(one) for one in request.rules)
    for one in own:
        if not one.is_file():
            raise UsageError(f"--rules: there is no file {one}")
    return Options(
        unsafe=request.unsafe_fixes,
        select=request.select or found.select,
        extend=(*found.extend_select, *request.extend),
        ignore=(*found.ignore, *request.ignore),
        own=(*found.rules, *own),
        target=target,
        requirements=request.requirements,
        write=not (request.diff or request.check),
        diff=request.diff or (request.output == "json" and request.check),
        allow_dirty=request.allow_dirty,
        settings=found,
        cache=project(paths) if request.cache and request.paths != ("-",) else None,
    )


def _stdin(path: Path, options: Options, summary: Summary) -> None:
    """An editor's text: migrated on stdout, or as it was where it can't be."""
    data = sys.stdin.buffer.read()
    new = data
    try:
        source = decode(path, data)
        done = migrate_text(source.text, path, options, Neighbours(path.absolute()))
        changed = done.text != source.text
        diff = diff_of(str(path), source.text, done.text) if changed and options.diff else ""
        summary.written = options.write
        summary.add(FileResult(str(path), tuple(done.findings), changed, done.mentions, done.error, diff))
        new = done.text.encode(source.encoding)
        if options.diff:
            new = diff.encode(source.encoding, "replace")
    except (SourceError, UnicodeEncodeError) as error:
        summary.add(failed(str(path), str(error)))
    if options.write or options.diff:
        sys.stdout.buffer.write(new)
        sys.stdout.buffer.flush()


def _show(result: FileResult, diff: bool, bar: Bar) -> None:
    """What is to say of one file, as soon as it is known: nothing is kept until the end."""
    said = places(result)
    if result.diff or said:
        bar.clear()
    if result.diff:
        _out(coloured(result.diff) if _colours(sys.stdout.isatty()) else result.diff, end="")
    if said:
        (_to_stderr if diff else _out)(said)


def _close(summary: Summary, book: tuple[Rule, ...], request: Request, from_stdin: bool) -> None:
    if request.report:
        from ..report.migration.worklist import as_markdown

        try:
            Path(request.report).write_text(as_markdown(summary, book), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"--report: {request.report} can't be written: {error}") from error
    if from_stdin:
        for result in summary.results:
            if said := places(result):
                _to_stderr(said)
        return
    match request.output:
        case "json":
            _out(as_json(summary, book))
        case "sarif":
            from ..report.migration.ci import as_sarif

            _out(as_sarif(summary, book))
        case "github":
            from ..report.migration.ci import as_github

            _out(as_github(summary, book))
        case "junit":
            from ..report.migration.ci import as_junit

            _out(as_junit(summary, book))
        case _:
            begun = bool(summary.to_do())
            (_to_stderr if request.diff else _out)(("\n" if begun else "") + closing(summary, book))


def _colours(is_terminal: bool) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return is_terminal or bool(os.environ.get("FORCE_COLOR"))


def _out(text: str, end: str = "\n") -> None:
    """To stdout, whatever it can show: a name or a line of code may hold what it can't."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), end=end)


def _to_stderr(text: str) -> None:
    encoding = sys.stderr.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)
