"""The batches of a seed: cut from what `fit` is given, and the reference's, which both sides are trained on.

In: the arguments of `fit`, a folder. Out: (x, y, sample weights) of a step, in this side's own structure. Called by the
capture process; the reference leaves its batches in the folder, where the candidate reads them.
"""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from kparity import trace
from kparity.capture import subject
from kparity.capture.sides import Side


class Batches:
    """A side's batches of one seed; both sides' processes have the same `folder`."""

    first: Any
    """The side's own first batch, once it is cut."""

    def __init__(self, side: Side, given: subject.FitArguments, seed: int, folder: Path) -> None:
        self.side, self.given, self.seed, self.folder = side, given, seed, folder
        self.sizes: list[int] = []
        """Rows of each batch."""

    def cut(self, steps: int, keep: bool, predicted: Callable[[], bool]) -> tuple[list[list[str]], list[Any]]:
        """Hashes of each batch's (x, y, sample weights); sketches, where what layers give may be part of it.

        `keep`: both sides are to train on these batches. Raises what `subject.batches` does.
        """
        hashes, sketches = [], []
        for number, batch in zip(range(1, steps + 1), self._all(), strict=False):
            flat = subject.parts(batch)
            hashes.append([subject.digest(part) for part in batch])
            self.sizes.append(len(flat[0]) if flat and flat[0].ndim else 1)
            if predicted():
                sketches.append(subject.sketch(flat))
            if number == 1:
                self.first = batch
                if keep:
                    trace.write_json(self._form, subject.form(batch))
            if keep:
                arrays = {str(index): array for index, array in enumerate(flat)}
                trace.write_arrays(trace.step_file(self.folder, "batch", number), arrays)
        return hashes, sketches

    @property
    def uneven(self) -> int | None:
        """The first batch (1-based) of another size than batch 1."""
        return next((number for number, rows in enumerate(self.sizes, 1) if rows != self.sizes[0]), None)

    def of(self, number: int) -> Any:
        """The reference's batch of a step, in this side's structure; a part that one side lacks is the reference's."""
        file = trace.step_file(self.folder, "batch", number)
        if not file.exists():
            return self.first
        arrays = trace.read_arrays(file)
        if subject.composite(self.first):
            return subject.rebuilt(self.first, [arrays[str(index)] for index in range(len(arrays))])
        structure = tf.nest.map_structure(lambda array: array is not None, self.first)
        reference = json.loads(self._form.read_text(encoding="utf-8"))
        return subject.filled(structure, reference, [arrays[str(index)] for index in range(len(arrays))])

    def own(self, number: int) -> Any:
        """This side's own batch of a step (1-based), whatever the reference was given."""
        return next(itertools.islice(self._all(), number - 1, None))

    def _all(self) -> Any:
        return subject.batches(self.given, self.seed, self.side)

    @property
    def _form(self) -> Path:
        """Where the reference leaves the form of its batches."""
        return self.folder / "tensors" / "batch-form.json"
