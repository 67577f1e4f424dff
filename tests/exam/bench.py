"""Comparisons in seconds: sides that begin with their Keras imported, and a reference that answers from memory.

A process a side imports once and forks itself for every comparison, so each has memory of its own and a fault may patch
Keras itself. The reference of a subject is asked the same things for every fault: its answers and files are kept, and
only what is new goes to its process, which stays. Called by examine; run as a program it is the process that forks.
"""

import atexit
import contextlib
import functools
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import kparity.compare
from kparity.runtime import side as runtime
from kparity.runtime import sides

IMPORTED = {"legacy": ("tf_keras", "sklearn.datasets"), "keras3": ("keras", "sklearn.datasets")}
MASK = "KPARITY_EXAM_UMASK"
PRIVATE = 0o077
"""The reference's process makes files that others can't read: that is how its files are told from all others."""


class Forked:
    """A forked side, with as much of `subprocess.Popen` as `SideProcess` uses."""

    def __init__(self, pid: int, stdin: Any) -> None:
        self.pid, self.stdin = pid, stdin
        self.descriptor = os.pidfd_open(pid)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, 1 for any, as nobody here is its parent; None while it runs."""
        if self.returncode is None and select.select([self.descriptor], [], [], 0.0)[0]:
            self.returncode = 1
            os.close(self.descriptor)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None and not select.select([self.descriptor], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a forked side", timeout or 0.0)
        return self.poll()


@functools.cache
def parent(side: str) -> socket.socket:
    """The process of this test run that has imported the Keras of a side; it ends with it."""
    ours, theirs = socket.socketpair()
    settings = {"TF_USE_LEGACY_KERAS": "1" if side == "legacy" else "0", "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, __file__, side, str(theirs.fileno())]
    process = subprocess.Popen(command, env=os.environ | settings, pass_fds=(theirs.fileno(),))
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def fork(command: list[str], env: dict[str, str], stdout: Any, pass_fds: tuple[int, ...], **_: Any) -> Forked:
    """Stands for the `subprocess.Popen` of `SideProcess`, whose command is [..., side, events]."""
    connection = parent(command[-2])
    read, write = os.pipe()
    told = env | {MASK: str(PRIVATE if Path(stdout.name).stem == kparity.compare.REFERENCE else 0o022)}
    message = "\0".join(f"{name}={value}" for name, value in told.items()).encode()
    socket.send_fds(connection, [message], [read, stdout.fileno(), *pass_fds])
    os.close(read)
    return Forked(int.from_bytes(connection.recv(8), "little"), os.fdopen(write, "wb"))


class Remembered:
    """A reference that is asked again and again in one folder; stands for its `SideProcess`."""

    def __init__(self, side: runtime.SideProcess, folder: Path) -> None:
        self.side, self.folder, self.name, self.check = side, folder, side.name, side.check
        self.wrote: list[str] = []
        self.memory = folder.parent / f"{folder.name}-remembered"
        shutil.rmtree(self.memory, ignore_errors=True)
        self.answers: dict[str, tuple[Any, list[tuple[Path, Path]]]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.side, name)

    def __enter__(self) -> "Remembered":
        return self

    def __exit__(self, *_: object) -> None:
        """Stays for the next comparison."""

    def ask(self, do: str, **arguments: Any) -> Any:
        """The answer, and the files that came with it where they stood."""
        request = json.dumps([do, arguments], sort_keys=True)
        if request not in self.answers:
            before = set(self._files())
            try:
                answer = self.side.ask(do, **arguments)
            except runtime.SideFailed as failed:
                if failed.kind in {"died", "hung"}:
                    forget()
                raise
            kept = []
            self.memory.mkdir(parents=True, exist_ok=True)
            for file, _ in sorted(set(self._files()) - before):
                copy = self.memory / f"{len(self.answers)}-{len(kept)}"
                os.link(file, copy)
                kept.append((copy, file))
            self.answers[request] = (answer, kept)
        else:
            for copy, file in self.answers[request][1]:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.unlink(missing_ok=True)
                os.link(copy, file)
        self.wrote = [str(file) for _, file in self.answers[request][1]]
        return self.answers[request][0]

    def _files(self) -> Iterator[tuple[Path, int]]:
        for file in self.folder.rglob("*.*"):
            with contextlib.suppress(FileNotFoundError):
                told = file.stat()
                if not told.st_mode & PRIVATE:
                    yield file, told.st_mtime_ns


LIVE: dict[Path, Remembered] = {}
"""Folder -> the reference of the comparisons in it; one at a time."""


def side_of(name: str, adapter: str, log: Path, *rest: Any) -> Any:
    """Stands for `SideProcess`: a side that may be there already."""
    if name != kparity.compare.REFERENCE:
        return runtime.SideProcess(name, adapter, log, *rest)
    folder = log.parent
    if folder not in LIVE:
        forget()
        LIVE[folder] = Remembered(runtime.SideProcess(name, adapter, log, *rest), folder)
    return LIVE[folder]


def forget() -> None:
    """End the reference that is kept."""
    while LIVE:
        _, kept = LIVE.popitem()
        kept.side.end()
        shutil.rmtree(kept.memory, ignore_errors=True)


atexit.register(forget)


@contextlib.contextmanager
def ready(remember: bool = True) -> Iterator[None]:
    """Comparisons inside begin with their Keras imported and, if asked, with what their reference said before.

    The causes' shares of the accuracy, for which Keras 3 trains again and again, are not measured: no exam asks.
    """
    shim = SimpleNamespace(**{**vars(subprocess), "Popen": fork})
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(kparity.compare, "matters", return_value=False))
        stack.enter_context(mock.patch.object(runtime, "subprocess", shim))
        if remember:
            stack.enter_context(mock.patch.object(sides, "SideProcess", side_of))
        yield


def serve(side: str, connection: socket.socket) -> None:
    """Import, then fork a side for every message until the other end closes."""
    for package in IMPORTED[side]:
        importlib.import_module(package)
    capture = importlib.import_module("kparity.capture.__main__")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 4)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            connection.close()
            os.environ.update(pair.split("=", 1) for pair in message.decode().split("\0"))
            os.umask(int(os.environ.pop(MASK)))
            requests, output, events = descriptors
            for number, descriptor in enumerate((requests, output, output)):
                os.dup2(descriptor, number)
            sys.argv = ["kparity.capture", side, str(events)]
            capture.main()
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(pid.to_bytes(8, "little"))


if __name__ == "__main__":
    serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
