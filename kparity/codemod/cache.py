"""What earlier runs found in files that haven't changed since: a second run reads their names only.

In: paths. Out: findings, where file, rules and options are what they were. One JSON file for each set of options in
`.kparity_cache/`; it is only ever replaced as a whole, so that runs at the same time lose nothing but time, and a
damaged one counts as none. Called by files.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..config import shipped
from ..findings import Finding, Outcome, Place

FOLDER = ".kparity_cache"
KEPT = 8
"""Sets of options whose findings are kept."""
TAG = """Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of kparity. It can be deleted at any time.
"""
WIDTH, ASKED = 7, 5
"""How many values stand for a file, and which of them says that other files were asked."""
UNSURE = 2_000_000_000
"""Nanoseconds before a run in which a file may have changed without its time telling."""


class Entry(NamedTuple):
    """What is known of one file."""

    mtime: int
    size: int
    digest: str
    mentions: bool
    changes: bool
    """Would it be edited?"""
    asked: bool
    """Do the findings depend on what other files of the project say?"""
    findings: tuple[Finding, ...]


def digest(data: bytes) -> str:
    import hashlib  # it brings a whole library, which one file doesn't need

    return hashlib.blake2b(data, digest_size=16).hexdigest()


def key_of(options: Iterable[object], own: Iterable[Path]) -> str:
    """A name for everything but the files that findings depend on: kparity, Python, the rules and the options."""
    import hashlib

    state = hashlib.blake2b(digest_size=12)
    for one in (__version__, sys.version_info[:2], *options):
        state.update(f"{one!r}\0".encode())
    package = Path(__file__).resolve().parent
    sources = [*package.glob("*.py"), *package.parent.glob("*.py")]
    for file in sorted([*sources, *shipped("rules").glob("*.toml"), *shipped("rules").glob("api/*.txt")]):
        stat = file.stat()
        state.update(f"{file} {stat.st_mtime_ns} {stat.st_size}\0".encode())
    for file in own:
        state.update(file.read_bytes())
    return state.hexdigest()


class Cache:
    """The findings of one set of options. Nothing that goes wrong with it is an error.

    Findings that depend on other files count only while all `files` are as they were, and the others only while there
    are the same files.
    """

    def __init__(self, folder: Path, key: str, files: list[Path]) -> None:
        self.touched = False
        """Did this run write a file, so that those that looked at it have to be looked at again?"""
        self._stats = {os.path.abspath(file): _stamp(file) for file in files}  # noqa: PTH100
        self._file = folder / FOLDER / f"{key}.json"
        self._started = time.time_ns()
        self._new: dict[str, Entry] = {}
        names, state, self._texts, self._old = self._read()
        if names != self._names():
            self._old = {}
        elif state != self._state():
            self._old = {name: values for name, values in self._old.items() if not values[ASKED]}

    def _names(self) -> str:
        return digest("\0".join(self._stats).encode(errors="surrogateescape"))

    def _state(self) -> str:
        return digest(repr(self._stats).encode(errors="surrogateescape"))

    def get(self, path: Path) -> Entry | None:
        """What is known of a file that is still as it was."""
        name = os.path.abspath(path)  # noqa: PTH100
        values = self._old.get(name)
        mtime, size = self._stats[name]
        if values is None or size != values[1]:
            return None
        try:
            entry = _entry(str(path), values, self._texts)
            if mtime == entry.mtime:
                return entry
            if digest(path.read_bytes()) != entry.digest:
                return None
        except (OSError, ValueError, TypeError, IndexError):
            return None
        self.put(path, entry._replace(mtime=mtime))
        return entry

    def put(self, path: Path, entry: Entry) -> None:
        sure = entry.mtime < self._started - UNSURE
        self._new[os.path.abspath(path)] = entry if sure else entry._replace(mtime=-1)  # noqa: PTH100

    def save(self) -> None:
        """Write what is known now; of runs at the same time the last one counts."""
        if not self._new:
            return
        entries = dict(self._new)
        with contextlib.suppress(ValueError, TypeError, IndexError):
            entries = {name: _entry(name, values, self._texts) for name, values in self._old.items()} | entries
        if self.touched:
            entries = {name: entry for name, entry in entries.items() if not entry.asked}
            self._stats = {name: _stamp(Path(name)) for name in self._stats}
        texts: dict[str, int] = {}

        def number(text: str) -> int:
            return texts.setdefault(text, len(texts))

        files = {
            name: [
                *(entry.mtime, entry.size, entry.digest, int(entry.mentions), int(entry.changes), int(entry.asked)),
                [
                    [
                        *(f.place.line, f.place.column, f.place.cell, f.place.cell_line),
                        *(number(one) for one in (f.rule, f.phase, str(f.outcome), f.message, f.fix)),
                    ]
                    for f in entry.findings
                ],
            ]
            for name, entry in entries.items()
        }
        made = {"names": self._names(), "state": self._state(), "texts": list(texts), "files": files}
        folder = self._file.parent
        unfinished = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            for name, text in (("CACHEDIR.TAG", TAG), (".gitignore", "*\n")):
                if not (folder / name).exists():
                    (folder / name).write_text(text)
            try:
                unfinished.write_text(json.dumps(made, separators=(",", ":")))
                unfinished.replace(self._file)
            finally:
                unfinished.unlink(missing_ok=True)
            others = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
            for old in others[KEPT:]:
                old.unlink(missing_ok=True)

    def _read(self) -> tuple[str, str, list[str], dict[str, list[Any]]]:
        try:
            found: Any = json.loads(self._file.read_bytes())
            files: dict[str, list[Any]] = found["files"]
            if all(isinstance(values, list) and len(values) == WIDTH for values in files.values()):
                return found["names"], found["state"], found["texts"], files
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass
        return "", "", [], {}


def _entry(name: str, values: list[Any], texts: list[str]) -> Entry:
    mtime, size, made, mentions, changes, asked, findings = values
    found = tuple(
        Finding(
            texts[rule],
            Place(name, line, column, cell, at),
            texts[phase],
            Outcome(texts[outcome]),
            texts[said],
            texts[fix],
        )
        for line, column, cell, at, rule, phase, outcome, said, fix in findings
    )
    return Entry(int(mtime), int(size), str(made), bool(mentions), bool(changes), bool(asked), found)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return 0, -1
    return stat.st_mtime_ns, stat.st_size
