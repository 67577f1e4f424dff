"""A side's process, seen from outside: started, asked, watched, and ended whatever happens.

In: requests as plain data. Out: answers as plain data, or SideFailed with what the side said last. Called by compare;
knows nothing of Keras.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kparity.runtime.environments import Environment
from kparity.runtime.failed import TAIL, SideFailed

SPENT = {"memory": "the process ran out of memory", "disk": "the process found no room left on the disk"}
"""What an exception of these kinds comes to; its own text is long, and of the library that met it."""

Progress = Callable[[str, Any], None]
"""Told (side, progress value) while a request runs."""


class SideProcess:
    """One running side. Use as a context manager: leaving it ends the process and everything that it started."""

    def __init__(
        self,
        name: str,
        adapter: str,
        log: Path,
        timeout: float,
        progress: Progress,
        home: Environment | None = None,
    ) -> None:
        """Start the process. `name` is its place in the comparison, `adapter` the Keras it loads.

        `timeout`: seconds without any sign of life after which it is called hung. `home`: the environment it runs in,
        where that isn't the one that is running.
        """
        self.name, self.log, self.timeout, self.progress = name, log, timeout, progress
        self.home = home
        self.kills = _kills()
        command = home.command if home else [sys.executable, "-m", "kparity.capture"]
        read, write = os.pipe()
        environment = {
            **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(_half_of_the_cores())),
            **os.environ,
            "TF_USE_LEGACY_KERAS": "1" if adapter == "legacy" else "0",
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
            "PYTHONUNBUFFERED": "1",
        }
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, adapter, str(write)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(write,),
                start_new_session=True,
            )
        os.close(write)
        os.set_blocking(read, False)
        self.events = read
        self.buffer = b""
        self.wrote: list[str] = []
        """Files of the trace that the last request left."""

    def __enter__(self) -> "SideProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def check(self, identity: dict[str, Any]) -> None:
        """Raise SideFailed if what the side says of the Keras it loaded is not what its environment is for.

        Otherwise the environment goes into what it says, too.
        """
        if self.home is None:
            return
        if not Path(identity["file"]).is_relative_to(self.home.folder):
            raise SideFailed(
                self.name,
                "usage",
                f"{identity['package']} {identity['keras']} was loaded from {identity['file']}, which is not in the "
                f"environment {self.home.folder}: does PYTHONPATH, or the program itself, put it before?",
            )
        identity["environment"] = str(self.home.folder)

    def end(self) -> None:
        """End the process group at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        with contextlib.suppress(OSError):
            os.close(self.events)

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send one request and wait for its answer. Raises SideFailed."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        for message in self._messages():
            if "progress" in message:
                self.progress(self.name, message["progress"])
            elif "done" in message:
                self.wrote = message["wrote"]
                return message["done"]
            else:
                raise self.failed(message["failed"])
        raise self._died()

    def failed(self, told: dict[str, Any]) -> SideFailed:
        """An exception of the program, as its process tells of it, in words for people."""
        lines = tuple(told["traceback"].splitlines()[-TAIL:]) or self._tail()
        text = told["message"] if told["kind"] == "usage" else f"{told['type']}: {told['message']}"
        if told["kind"] in SPENT:
            text, lines = SPENT[told["kind"]], (*lines, *text.splitlines())[-TAIL:]
        return SideFailed(self.name, told["kind"], text, told["where"], lines)

    def _messages(self) -> Any:
        deadline = time.monotonic() + self.timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self.events, selectors.EVENT_READ)
            while True:
                while b"\n" in self.buffer:
                    line, self.buffer = self.buffer.split(b"\n", 1)
                    deadline = time.monotonic() + self.timeout
                    yield json.loads(line)
                if not selector.select(timeout=1.0):
                    if self.process.poll() is not None:
                        return
                    if time.monotonic() > deadline:
                        raise SideFailed(
                            self.name, "hung", f"no sign of life for {self.timeout:.0f} s", None, self._tail()
                        )
                    continue
                data = os.read(self.events, 1 << 16)
                if not data:
                    return
                self.buffer += data

    def _died(self) -> SideFailed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        code = self.process.returncode
        tail = self._tail()
        if _kills() > self.kills or any("std::bad_alloc" in line for line in tail):
            return SideFailed(self.name, "memory", f"{SPENT['memory']} and was ended", None, tail)
        if code is not None and code < 0:
            how = f"was killed by signal {-code} ({signal.Signals(-code).name})"
            if -code == signal.SIGKILL:
                how += ": often the system's answer to too little memory"
        else:
            how = f"ended by itself with exit code {code}"
        return SideFailed(self.name, "died", f"the process {how}", None, tail)

    def _tail(self) -> tuple[str, ...]:
        try:
            return tuple(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])
        except OSError:
            return ()


def _half_of_the_cores() -> int:
    """Threads of a side: two of them train side by side, and threads in each other's way take a quarter more CPU time.
    Whoever sets TensorFlow's own variables is obeyed."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)


def _kills() -> int:
    """How many processes the system has ended in this container for want of memory; 0 where it doesn't say."""
    try:
        lines = Path("/sys/fs/cgroup/memory.events").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
