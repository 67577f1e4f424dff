"""Which files a program writes while it is run for a comparison: it runs in the user's own folder.

In: Python's audit events. Out: paths. Called by the capture process; the verdict's notes name them. What a library
writes without Python (HDF5, TensorFlow's own checkpoints) is seen by the folders that are made for it, if at all.
"""

import os
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
MOST = 1000
"""Files that are noted."""


class Written:
    """Notes files and folders under `root` that are opened for writing or made while `on`, but for those in `apart`."""

    def __init__(self, root: Path) -> None:
        self.root = str(root.resolve()) + os.sep
        self.apart: str = os.devnull
        self.on = False
        self.files: dict[str, None] = {}
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or event not in {"open", "os.mkdir"} or len(self.files) >= MOST:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
        try:
            path = os.path.realpath(os.fsdecode(arguments[0]))
        except TypeError:  # a file that is open already, by its number
            return
        if path.startswith(self.root) and not path.startswith(self.apart) and "__pycache__" not in path:
            self.files[os.path.relpath(path)] = None
