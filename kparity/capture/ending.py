"""How a side's process fails and ends: an exception in a person's words, and no life after its parent's.

In: an exception and the user's files. Out: plain data for the answer. Called by the capture process.
"""

import os
import re
import signal
import threading
import time
import traceback
from collections.abc import Collection
from pathlib import Path
from typing import Any

from kparity.capture import subject
from kparity.runtime.failed import exhausted


def failure(error: BaseException, sources: Collection[str]) -> dict[str, Any]:
    """What a person needs of an exception: its words, and the last line of their own file that it passed through.

    `sources`: the resolved paths of that file, as it runs and as it was given.
    """
    own = str(Path(__file__).parent.parent)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if frame.filename in sources]
    where = f"{theirs[-1].filename}:{theirs[-1].lineno}" if theirs else None
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{error.filename}:{error.lineno}"
    kind = "usage" if isinstance(error, subject.SubjectError) else exhausted(error) or "raised"
    text = str(error)
    if isinstance(error, SystemExit):
        text = f"the program ended itself with exit code {error.code}: guard its main part with __name__"
    others = [frame for frame in frames if not frame.filename.startswith(own)]
    shown = others or ([] if kind != "raised" else list(frames))  # what ran out is no matter of kparity's own lines
    return {
        "kind": kind,
        "type": type(error).__name__,
        "message": re.sub(r"\x1b\[[0-9;]*m", "", text),
        "where": where,
        "traceback": "" if kind == "usage" else "".join(traceback.format_list(shown)),
    }


def end_with_parent() -> None:
    """End this process when its parent is gone, however it went: a request may run for minutes."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with what the program started
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
