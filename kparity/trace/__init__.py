"""What a training run leaves behind: the contract between capture and analysis. NumPy only.

A trace is a folder. `tensors/NAME-000123.safetensors` holds named arrays of one step; `stats.parquet` holds one row a
recorded tensor and step; JSON files hold what is not an array. Keys are written by `key` and read by `parse`.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kparity.trace.stream import WROTE, Reader, Writer, as_bytes

__all__ = ["WROTE", "Reader", "Writer", "as_bytes"]

SAMPLES = 32
"""Elements of each tensor that are kept at every step, at a fixed stride through the flattened tensor; the statistics
of a tensor are a root mean square and then these."""

MANY = 1 << 16
"""Elements up to which an array of a counterfactual is kept whole."""

COMPILED = 1e-2
"""Relative difference of a compiled step from which a pair that is equal eagerly isn't called equivalent: far above
what fusing and reordering do in float32, far below what a wrong formula does."""
COMPILED_LOSS = 1e-4
"""The same of a loss in float32 after a step from equal weights. Measured: ResNet50 3e-6."""

STEADY = " (the same at every step)"
"""Ends the kind of a random draw whose seed is a constant."""

KINDS = (
    "in",
    "inmask",
    "out",
    "outmask",
    "logits",
    "dx",
    "dy",
    "total",
    "term",
    "grad",
    "rows",
    "update",
    "var",
    "slot",
    "dense",
    "log",
    "lr",
    "predict",
)
"""What a recorded array is. in/out: a layer call's inputs and outputs; inmask/outmask: the masks on them; logits:
what goes along with one for a loss to read; dx/dy: the
gradients that its backward pass gives to its inputs and gets from its outputs; total: the loss that is differentiated;
term: what a layer adds to it;
grad, update, var: of a variable; rows: the rows of a sparse gradient; slot: optimizer state of a variable; dense: the
same after an update from the gradient without its rows; log: a value
that the training step reports; lr: the learning rate; predict: what the model predicts after a step."""


@dataclass(frozen=True)
class Key:
    """The name of one recorded array. `owner` is a layer call (`path` or `path#2`), a loss, or a variable's path."""

    kind: str
    owner: str
    index: str = "0"

    def __str__(self) -> str:
        return f"{self.kind}|{self.owner}|{self.index}"

    @property
    def handed(self) -> bool:
        """Whether it is what a watched update was given of a gradient (`u0.1`: the optimizer's place, the update)."""
        return self.kind in {"grad", "rows"} and self.index.startswith("u")


def parse(text: str) -> Key:
    """The Key that `str(key)` was written from."""
    kind, owner, index = text.split("|")
    return Key(kind, owner, index)


PASSES = 4
"""Backward passes through one call that are looked at: each tape of a step makes one."""
BY_LOGITS = ".logits"
"""Ends the key of a gradient that comes back by the logits that go along with a tensor, not by the tensor itself."""


def passes(key: str) -> tuple[str, ...]:
    """The keys of what the first, second, ... backward pass gives or gets at one place (`dy|critic#2|0`, `...|0.1`)."""
    again = ("", *(f".{number}" for number in range(1, PASSES)))
    return tuple(f"{way}{one}" for way in (key, key + BY_LOGITS) for one in again)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays, any dtype that safetensors knows, atomically: a reader sees the whole file or none."""
    room = sum(len(name) + 20 * np.ndim(array) + 100 for name, array in arrays.items())
    with Writer(path, room + -room % 8) as writer:
        for name, array in arrays.items():
            writer.add(name, array)


def read_arrays(path: Path, keys: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Named arrays as `write_arrays` or a `Writer` left them; of `keys` those that are there. Raises
    FileNotFoundError."""
    reader = Reader(path)
    return {key: reader[key] for key in reader if keys is None or key in keys}


def write_json(path: Path, value: Any) -> None:
    """Write plain data as JSON, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(json.dumps(value, indent=1), encoding="utf-8")
    part.replace(path)


def step_file(folder: Path, name: str, step: int) -> Path:
    """Where the arrays `name` of a training step (1-based) stand in a trace folder."""
    return folder / "tensors" / f"{name}-{step:06d}.safetensors"


def thinned(key: str, array: np.ndarray) -> np.ndarray:
    """Outputs and their gradients of more than MANY elements at a fixed stride, flat; all else as it is.

    What differs in one of them in few places only still shows, in whole arrays, in the loss and in the weights.
    """
    if array.size <= MANY or parse(key).kind not in {"out", "dx", "dy"}:
        return array
    return array.reshape(-1)[:: -(-array.size // MANY)]


def bounded(sides: Sequence[Mapping[str, np.ndarray]], most: int) -> list[dict[str, np.ndarray]]:
    """The arrays of each side, in `most` bytes together: the largest at a fixed stride, flat, the same on all sides."""
    sizes = sorted(array.nbytes for side in sides for array in side.values())
    cap, left = most, most
    for number, size in enumerate(sizes):
        cap = left // (len(sizes) - number)
        if size > cap:
            break
        left -= size

    def within(array: np.ndarray) -> np.ndarray:
        stride = -(-array.nbytes // max(cap, array.itemsize)) if array.nbytes > cap else 1
        return array.reshape(-1)[::stride] if stride > 1 else array

    return [{key: within(array) for key, array in side.items()} for side in sides]


def apart(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The relative root-mean-square differences of losses and weights of the same name, by name.

    Gradients are left out, because one that is zero but for round-off differs by all of its size, and outputs, because
    nothing may read them behind a mask: whatever of either matters reaches the weights.
    """
    found: dict[str, float] = {}
    for key, value in left.items():
        if parse(key).kind not in {"total", "var"}:
            continue
        other = right.get(key)
        if other is None or other.shape != value.shape or not np.issubdtype(value.dtype, np.floating):
            continue
        scale = float(np.sqrt(np.mean(np.square(value, dtype=np.float64))))
        if scale > 0:
            error = float(np.sqrt(np.mean(np.square(other.astype(np.float64) - value)))) / scale
            found[key] = error
    return found
