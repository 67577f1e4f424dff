"""Many files -> changed files and findings: what the command `migrate` does.

In: paths and options. Out: one `FileResult` after the other, in the order of the files. Many files are shared out to
processes; few are done here, because a process takes longer to start than they do. Called by the command, which tells
the results to a report.
"""

import os
import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, NamedTuple

from ..config import Settings
from ..findings import Finding, Outcome, Place
from . import git
from .cache import Cache, Entry, digest, key_of
from .migrate import chosen, migrate_source
from .nearby import Made
from .outcomes import Migrated
from .project import PLAUSIBLE, Neighbours
from .sources import SourceError, decode, find, lists_requirements, write

WORTH_A_PROCESS = 48
"""Files that one process does in the time that another one takes to start, on a machine of 2024."""
WORTH_A_CACHE = 20
"""Files; fewer are done before anyone could miss a cache, and need no folder of it."""
TF = re.compile(rb"tf(?![0-9a-z_])")
WORDS = (b"keras", b"tensorflow", b"np_utils")
REQUIREMENTS = ("KP154", "KP155", "KP156", "KP157", "KP158")


class Options(NamedTuple):
    """What the user asked for."""

    unsafe: bool = False
    select: tuple[str, ...] | None = None
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    own: tuple[Path, ...] = ()
    target: str = "keras"
    requirements: bool = False
    """Edit the pins of Keras and TensorFlow, too."""
    write: bool = True
    """False: --diff and --check, no file is touched."""
    diff: bool = False
    allow_dirty: bool = False
    settings: Settings = Settings()
    cache: Path | None = None
    """The folder that `.kparity_cache` belongs into; None: without."""

    def rules(self, path: Path) -> tuple[str, ...]:
        """What is ignored in this file."""
        return (*self.ignore, *self.settings.ignored_for(path))


class FileResult(NamedTuple):
    """What became of one file."""

    path: str
    findings: tuple[Finding, ...] = ()
    changed: bool = False
    mentions: bool = False
    error: str = ""
    diff: str = ""
    entry: Entry | None = None
    """What to remember of it."""


class Asked(Neighbours):
    """The files around one file, and whether what they say was needed for it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.files: list[str] = []

    def brought(self, module: str, name: str) -> str | None:
        self.files.append(module)
        return super().brought(module, name)

    def made(self, module: str, name: str) -> Made | None:
        self.files.append(module)
        return super().made(module, name)

    def meanings(self, module: str, name: str) -> frozenset[str]:
        self.files.append(module)
        return super().meanings(module, name)

    def wanted(self) -> frozenset[str] | None:
        self.files.append("")
        return super().wanted()


def migrate_text(text: str, path: Path, options: Options, near: Neighbours | None = None) -> Migrated:
    """The text of a file of this name, migrated: Python, a notebook or requirements."""
    ignored = options.rules(path)
    migrate = partial(
        migrate_source,
        unsafe=options.unsafe,
        select=options.select,
        ignore=ignored,
        extend=options.extend,
        own=options.own,
        target=options.target,
        neighbours=near,
    )
    name = str(path)
    if path.suffix == ".ipynb":
        from .notebooks import NotebookError, migrate_notebook

        try:
            done = migrate_notebook(text, name, lambda code: migrate(code, name))
        except NotebookError as error:
            raise SourceError(str(error)) from error
        return _chosen_only(done, options, ignored)
    if path.name == "setup.py" or (path.suffix not in (".py", ".pyw") and lists_requirements(path)):
        from .requirements import migrate_requirements

        first = migrate(text, name) if path.suffix == ".py" else Migrated(text, [], mentions=True)
        if first.error:
            return first
        edit = options.requirements and _is_chosen("KP154", options, ignored)
        pins = _chosen_only(migrate_requirements(first.text, name, edit=edit), options, ignored)
        again = (*first.again, *pins.again)
        return Migrated(pins.text, [*first.findings, *pins.findings], mentions=True, again=again)
    return migrate(text, name)


def _is_chosen(rule: str, options: Options, ignored: tuple[str, ...]) -> bool:
    return any(one.id == rule for one in chosen(options.select, ignored, options.extend, options.own))


def _chosen_only(done: Migrated, options: Options, ignored: tuple[str, ...]) -> Migrated:
    """Without what rules say that the user left out; those about code never got so far."""
    out = {rule for rule in REQUIREMENTS if not _is_chosen(rule, options, ignored)}
    if not out:
        return done
    again = tuple(f for f in done.again if f.rule not in out)
    return done._replace(findings=[f for f in done.findings if f.rule not in out], again=again)


def migrate_file(path: Path, options: Options) -> FileResult:
    """Migrate one file; an error is part of the result, so that the others go on."""
    name = str(path)
    try:
        stat = path.stat()
        if not S_ISREG(stat.st_mode) and not S_ISDIR(stat.st_mode):
            raise SourceError(f"{name}: is no regular file")
        data = path.read_bytes()
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4096]
        if not mentions(data.replace(b"\0", b"") if wide else data) and not takes_from_neighbours(data):
            return FileResult(name, entry=_entry(stat, data, False, False, ()) if options.cache else None)
        if wide:
            raise SourceError(f"{name}: has null bytes, as text in UTF-16 has: Python can't read it either")
        source = decode(path, data)
        near = Asked(path.absolute())
        done = migrate_text(source.text, path, options, near)
        changed = done.text != source.text
        findings = tuple(done.findings)
        if changed and options.write:
            if not options.allow_dirty and (why := git.why_not(path.resolve())):
                raise SourceError(f"{name}: {why}")
            _still(path, stat, data)
            write(source, done.text)
        diff = diff_of(name, source.text, done.text) if changed and options.diff else ""
        entry = None
        if options.cache and not done.error:
            if changed and options.write:
                new = done.text.encode(source.encoding)
                entry = _entry(path.stat(), new, done.mentions, False, done.again, bool(near.files))
            else:
                entry = _entry(stat, data, done.mentions, changed, findings, bool(near.files))
        return FileResult(name, findings, changed, done.mentions, done.error, diff, entry)
    except (OSError, SourceError) as error:
        return failed(name, str(error))
    except Exception as error:
        # one odd file must not end the run, and what it was must be told
        return failed(name, f"{name}: kparity failed by its own fault, please report it: {error!r}")


def mentions(data: bytes) -> bool:
    """Does a file say Keras or TensorFlow? The same as `MENTIONS`, at the tenth part of its time."""
    lower = data.lower()
    return any(word in lower for word in WORDS) or any(
        found.start() == 0 or not _is_word(lower[found.start() - 1]) for found in TF.finditer(lower)
    )


def _is_word(byte: int) -> bool:
    return byte == 95 or 48 <= byte <= 57 or 97 <= byte <= 122


def takes_from_neighbours(data: bytes) -> bool:
    """Could a file that doesn't mention Keras get it from another file of the project?"""
    at = data.find(b"from")
    while at >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        if not data[start:at].strip() and PLAUSIBLE.match(data, start):
            return True
        at = data.find(b"from", at + 4)
    return False


def failed(name: str, message: str) -> FileResult:
    """The result of a file that couldn't be read, understood or written."""
    finding = Finding("KP000", Place(name), "api", Outcome.FAILED, message, "nothing was changed")
    return FileResult(name, (finding,), mentions=True, error=message)


def _still(path: Path, before: os.stat_result, data: bytes) -> None:
    """Nobody wrote the file while it was being migrated."""
    now = path.stat()
    if (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size) and path.read_bytes() != data:
        raise SourceError(f"{path}: was changed by someone else meanwhile")


def _entry(
    stat: os.stat_result, data: bytes, mentions: bool, changes: bool, findings: tuple[Finding, ...], asked: bool = False
) -> Entry:
    return Entry(stat.st_mtime_ns, len(data), digest(data), mentions, changes, asked, findings)


def migrate_files(
    paths: list[Path], options: Options, step: Callable[[int, int], None] | None = None, jobs: int | None = None
) -> Iterator[FileResult]:
    """Migrate every file under these paths, one result after the other; `step(done, total)` is told of each.

    Raises:
        SourceError: a path that isn't there.
        ValueError: an unknown rule in the options.
        RuleError: a rule book that can't be read.
    """
    chosen(options.select, options.ignore, options.extend, options.own)
    for _, ignored in options.settings.per_file_ignores:
        chosen(None, ignored, (), options.own)
    files = find(paths, options.settings)
    if len(files) < WORTH_A_CACHE:
        options = options._replace(cache=None)
    for done, result in enumerate(_remembering(files, options, jobs or _processors()), 1):
        yield result
        if step is not None:
            step(done, len(files))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _remembering(files: list[Path], options: Options, jobs: int) -> Iterator[FileResult]:
    """The results, those of files that haven't changed from the cache."""
    if options.cache is None:
        yield from _each(files, options, jobs)
        return
    asked = (options.unsafe, options.select, options.extend, options.ignore, options.target, options.requirements)
    per_file = (
        options.settings.per_file_ignores,
        options.settings.root,
        os.path.commonpath(map(os.path.abspath, files)),
    )
    cache = Cache(options.cache, key_of((*asked, *per_file), options.own), files)
    known: dict[Path, Entry] = {}
    for file in files:
        entry = cache.get(file)
        if entry is not None and not (entry.changes and (options.write or options.diff)):
            known[file] = entry
    results = _each([file for file in files if file not in known], options, jobs)
    try:
        for file in files:
            found = known.pop(file, None)
            if found is not None:
                yield FileResult(str(file), found.findings, found.changes, found.mentions)
                continue
            result = next(results)
            if result.entry is not None:
                cache.put(file, result.entry)
                cache.touched |= result.changed and options.write
            yield result._replace(entry=None) if result.entry is not None else result
    finally:
        results.close()
        cache.save()


def _each(files: list[Path], options: Options, jobs: int) -> Generator[FileResult, None, None]:
    work = partial(migrate_file, options=options)
    jobs = min(jobs, len(files) // WORTH_A_PROCESS)
    if jobs < 2:
        for file in files:
            yield work(file)
        return
    from concurrent.futures import ProcessPoolExecutor

    pool: Any = ProcessPoolExecutor(jobs, initializer=_worker, initargs=(os.getpid(),))
    try:
        yield from pool.map(work, files, chunksize=max(1, min(16, len(files) // (4 * jobs))))
    finally:
        # after Ctrl-C too: files that are being written are finished, the others are not begun
        pool.shutdown(wait=True, cancel_futures=True)


def _worker(parent: int) -> None:
    """A process that ends with its parent, and leaves Ctrl-C to it."""
    import signal
    import threading
    import time

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def diff_of(name: str, old: str, new: str) -> str:
    """The change of one file, for `patch` and people."""
    import difflib

    lines = difflib.unified_diff(_lines(old), _lines(new), f"{name} (Keras 2)", f"{name} (Keras 3)")
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines as `patch` sees them: a form feed ends none."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
