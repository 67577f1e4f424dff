"""Many files -> changed files and findings: what the command `migrate` does.

In: paths and options. Out: one `FileResult` a file and the report as text or JSON. Many files are shared out to
processes; few are done here, because a process takes longer to start than they do.
"""

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..findings import Exit, Finding, Outcome, Place
from ..rulebook import rules
from .migrate import MENTIONS, chosen, migrate_source
from .project import PLAUSIBLE, Neighbours
from .sources import SourceError, decode, find, write

WORTH_A_PROCESS = 48
"""Files that one process does in the time that another one takes to start, on a machine of 2024."""
BYTES = re.compile(MENTIONS.pattern.encode(), re.IGNORECASE)


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    unsafe: bool = False
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    write: bool = True
    """False: --diff and --check, no file is touched."""


@dataclass(frozen=True)
class FileResult:
    """What became of one file."""

    path: str
    findings: tuple[Finding, ...] = ()
    changed: bool = False
    mentions: bool = False
    error: str = ""
    diff: str = ""


def migrate_file(path: Path, options: Options) -> FileResult:
    """Migrate one file; an error is part of the result, so that the others go on."""
    name = str(path)
    try:
        data = path.read_bytes()
        if not BYTES.search(data) and not PLAUSIBLE.search(data):
            return FileResult(name)
        source = decode(path, data)
        near = Neighbours(path.absolute())
        done = migrate_source(
            source.text, name, unsafe=options.unsafe, select=options.select, ignore=options.ignore, neighbours=near
        )
        changed = done.text != source.text
        if changed and options.write:
            write(source, done.text)
        diff = _diff(name, source.text, done.text) if changed and not options.write else ""
        return FileResult(name, tuple(done.findings), changed, done.mentions, done.error, diff)
    except (OSError, SourceError) as error:
        message = str(error)
        finding = Finding("KP000", Place(name), "api", Outcome.FAILED, message, "nothing was changed")
        return FileResult(name, (finding,), mentions=True, error=message)


def migrate_files(
    paths: list[Path], options: Options, step: Callable[[int, int], None] | None = None, jobs: int | None = None
) -> list[FileResult]:
    """Migrate every Python file under these paths; `step(done, total)` is told of each.

    Raises:
        SourceError: a path that isn't there.
        ValueError: an unknown rule in the options.
        RuleError: a rule book that can't be read.
    """
    chosen(options.select, options.ignore)
    files = find(paths)
    results: list[FileResult] = []
    for result in _each(files, options, jobs if jobs is not None else os.cpu_count() or 1):
        results.append(result)
        if step is not None:
            step(len(results), len(files))
    return results


def _each(files: list[Path], options: Options, jobs: int) -> Iterator[FileResult]:
    work = partial(migrate_file, options=options)
    jobs = min(jobs, len(files) // WORTH_A_PROCESS)
    if jobs < 2:
        yield from map(work, files)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, files, chunksize=max(1, min(16, len(files) // (4 * jobs))))


def _diff(name: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"{name} (Keras 2)", f"{name} (Keras 3)"
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def exit_code(results: list[FileResult], options: Options) -> int:
    """0: nothing (left) to do. 1: changes needed, or something is left to a person. 2: a file failed."""
    if any(r.error for r in results):
        return Exit.ERROR
    if not options.write and any(r.changed for r in results):
        return Exit.DIFFERENT
    left = any(f.outcome in (Outcome.UNSAFE, Outcome.MANUAL) for r in results for f in r.findings)
    return Exit.DIFFERENT if left else Exit.OK


def summary(results: list[FileResult]) -> dict[str, int]:
    """How many files, and how many findings ended in each of the five ways."""
    outcomes = Counter(f.outcome for r in results for f in r.findings)
    counts = {"files": len(results), "mention_keras": sum(r.mentions for r in results)}
    counts["changed"] = sum(r.changed for r in results)
    return counts | {str(outcome): outcomes[outcome] for outcome in Outcome}


def as_json(results: list[FileResult], options: Options) -> str:
    """The whole report as one JSON object."""
    names = {rule.id: rule.name for rule in rules()}
    return json.dumps(
        {
            "schema": 1,
            "written": options.write,
            "summary": summary(results),
            "files": [
                {
                    "path": r.path,
                    "changed": r.changed,
                    "error": r.error or None,
                    **({"diff": r.diff} if r.diff else {}),
                    "findings": [{**f.to_json(), "name": names.get(f.rule, "")} for f in r.findings],
                }
                for r in results
                if r.mentions
            ],
        },
        indent=2,
    )


def as_text(results: list[FileResult], options: Options) -> str:
    """The report for a terminal: what is left to a person, place by place, then the counts."""
    lines: list[str] = []
    for result in results:
        for finding in result.findings:
            if finding.outcome in (Outcome.FIXED, Outcome.SUPPRESSED):
                continue
            lines.append(f"{finding.place}: {finding.rule} {finding.outcome}: {finding.message}")
            if finding.fix:
                lines.append("    " + " ".join(finding.fix.split()))
    counts = summary(results)
    verb = "changed" if options.write else "would change"
    fixed = Counter(f.rule for r in results for f in r.findings if f.outcome is Outcome.FIXED)
    if lines:
        lines.append("")
    if fixed:
        lines.append("fixed: " + ", ".join(f"{rule} x{number}" for rule, number in sorted(fixed.items())))
    lines.append(
        f"{counts['files']} files, {counts['mention_keras']} mention Keras or TensorFlow, {counts['changed']} {verb}: "
        f"{counts['fixed']} fixed, {counts['unsafe']} need --unsafe-fixes, {counts['manual']} left to you, "
        f"{counts['suppressed']} suppressed, {counts['failed']} failed"
    )
    return "\n".join(lines)
