"""A step's arrays written one by one while the step runs, and read one by one when they are asked for.

In: arrays by name. Out: a safetensors file. The library writes a file from all its arrays at once and maps it into
memory to read it, and the arrays of one step of a large model take several times what its training does. What is
equal bit for bit is written once: a layer's input is another layer's output. Called through `kparity.trace`.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

ROOM = 1 << 18
"""Bytes kept free for the header, which is known last; a longer one costs a copy of the file."""
LOOKED_AT = 256
"""Elements of an array by which one that may be equal is found."""
WROTE: list[str] = []
"""Files that this process has left since the list was last emptied: without them its answer is worth nothing."""
_CODES = {
    "bool": "BOOL",
    **{f"{kind}{size}": f"{code}{size}" for kind, code in (("int", "I"), ("uint", "U")) for size in (8, 16, 32, 64)},
    **{f"float{size}": f"F{size}" for size in (16, 32, 64)},
    "bfloat16": "BF16",
    "complex64": "C64",
}
_NAMES = {code: name for name, code in _CODES.items()}
_Place = tuple[str, tuple[int, ...], int, int]
"""An array in a file: code of its dtype, shape, first byte and the one after the last."""


class Writer:
    """Writes arrays to `path`, which is whole or not there: as a context manager that is left without an exception."""

    def __init__(self, path: Path, room: int = ROOM) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.part, self.room = path, path.with_suffix(".part"), room
        self.file = self.part.open("wb+")
        self.file.seek(8 + room)
        self.end = 0
        self.places: dict[str, _Place] = {}
        self.text: set[str] = set()
        self.alike: dict[tuple[Any, ...], list[_Place]] = {}

    def __enter__(self) -> "Writer":
        return self

    def add(self, name: str, array: np.ndarray) -> None:
        """Write one array, text as the bytes of its characters; of a name that is given again the last counts. Raises
        KeyError for a dtype that the format hasn't."""
        array = np.asarray(array, order="C")
        self.text.discard(name)
        if array.dtype.kind in "OSU":
            self.text.add(name)
            text = array if array.dtype.kind == "S" else as_bytes(array)
            array = text.view(np.uint8).reshape(*text.shape, text.itemsize)
        data = array.reshape(-1).view(np.uint8)
        code = _CODES[array.dtype.name]
        few = data[:: max(data.size // LOOKED_AT, 1)]
        alike = self.alike.setdefault((code, array.shape, zlib.crc32(few.tobytes())), [])
        place = next((one for one in alike if np.array_equal(self._written(one), data)), None)
        if place is None:
            place = (code, array.shape, self.end, self.end + data.nbytes)
            alike.append(place)
            self.file.write(data.data)
            self.end += data.nbytes
        self.places[name] = place

    def _written(self, place: _Place) -> np.ndarray:
        self.file.flush()
        _, _, start, end = place
        return np.frombuffer(os.pread(self.file.fileno(), end - start, 8 + self.room + start), np.uint8)

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            with contextlib.ExitStack() as stack:  # on a full disk closing fails, too
                stack.callback(self.part.unlink, missing_ok=True)
                self.file.close()

    def _finish(self) -> None:
        first: dict[_Place, str] = {}
        for name, place in self.places.items():
            first.setdefault(place, name)
        entries: dict[str, Any] = {
            name: {"dtype": code, "shape": list(shape), "data_offsets": [start, end]}
            for (code, shape, start, end), name in first.items()
        }
        same = {name: first[place] for name, place in self.places.items() if first[place] != name}
        about = {"same": json.dumps(same), "text": json.dumps(sorted(self.text))}
        header = json.dumps({"__metadata__": about} | entries).encode()
        length = self.room if len(header) <= self.room else len(header) + -len(header) % 8
        if length > self.room:
            self._move(length)
        self.file.seek(0)
        self.file.write(length.to_bytes(8, "little") + header.ljust(length))
        self.file.flush()
        self.part.replace(self.path)
        WROTE.append(str(self.path))

    def _move(self, length: int) -> None:
        """Make room for a header of `length` bytes: the data from its end to its beginning, piece by piece."""
        piece, handle = 1 << 24, self.file.fileno()
        self.file.flush()
        for start in reversed(range(0, self.end, piece)):
            os.pwrite(handle, os.pread(handle, min(piece, self.end - start), 8 + self.room + start), 8 + length + start)


class Reader(Mapping[str, np.ndarray]):
    """The arrays of a file by name, each read when it is asked for. Raises FileNotFoundError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self.entries: dict[str, Any] = json.loads(file.read(length))
        self.start = 8 + length
        about = self.entries.pop("__metadata__", {})
        same = json.loads(about.get("same", "{}"))
        self.text = set(json.loads(about.get("text", "[]")))
        self.entries |= {name: self.entries[other] for name, other in same.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self.entries[name]
        start, end = entry["data_offsets"]
        dtype = _dtype(_NAMES[entry["dtype"]])
        array = np.fromfile(self.path, dtype, (end - start) // dtype.itemsize, offset=self.start + start)
        array = array.reshape(entry["shape"])
        return array.view(f"S{array.shape[-1]}")[..., 0] if name in self.text else array

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def as_bytes(text: np.ndarray) -> np.ndarray:
    """An array of text, of whatever Python or NumPy type, as UTF-8 bytes: dtype S, of at least one byte."""
    parts = [one if isinstance(one, bytes) else str(one).encode() for one in text.reshape(-1).tolist()]
    width = max(map(len, parts), default=1)
    return np.array(parts, f"S{max(width, 1)}").reshape(text.shape)


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes  # comes with TensorFlow

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)
