"""A comparison under way: its two sides, two models that speak of the same layers, and what both trainings answered.

Plain data that compare, `trainings` and `judgement` hand to each other, in this order, and where its files are.
"""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis.calls import Calls
from kparity.analysis.match import Pairing
from kparity.analysis.observe import StepRecord
from kparity.analysis.verdict import SeedResult
from kparity.options import Options
from kparity.resume import Noted
from kparity.rulebook import Rule
from kparity.runtime.sides import Told

GRACE = 120.0
"""Seconds that the other side may still take for its request after one has failed."""
SMALL, MARKED = 10_000, 4
"""Elements of a weight that is marked while callbacks are judged, and about how many are."""


@dataclass
class Run:
    """A comparison under way."""

    options: Options
    told: Told
    pool: ThreadPoolExecutor
    reference: Noted
    candidate: Noted
    rules: tuple[Rule, ...]
    earlier: Callable[[], list[SeedResult]]
    """The results of the seeds that are done."""
    stages: dict[str, float] = field(default_factory=dict)
    """Stage -> seconds."""
    stage: str = ""
    since: float = field(default_factory=time.monotonic)

    def both(self, left: Callable[[], Any], right: Callable[[], Any]) -> tuple[Any, Any]:
        """Run two requests at once. Raises the failure of either, the reference's first, after both have answered."""
        futures: list[Future[Any]] = [self.pool.submit(left), self.pool.submit(right)]
        wait(futures, return_when=FIRST_EXCEPTION)
        wait(futures, timeout=GRACE)
        for future in futures:
            if future.done() and (error := future.exception()) is not None:
                raise error
        return futures[0].result(), futures[1].result()

    def say(self, stage: str) -> None:
        """Begin a stage: tell it, and note how long the last one took. An empty stage ends the last."""
        now = time.monotonic()
        if self.stage:
            self.stages[self.stage] = round(self.stages.get(self.stage, 0.0) + now - self.since, 2)
        self.stage, self.since = stage, now
        if stage:
            self.told("", stage, 0)


@dataclass(frozen=True)
class Pair:
    """Two models that speak of the same layers: each side's description, and their pairing."""

    folder: Path
    left: dict[str, Any]
    right: dict[str, Any]
    pairing: Pairing

    @property
    def owners(self) -> dict[str, str]:
        """Variable name -> path of its layer, by the reference's names."""
        return {variable["name"]: variable["layer"] for variable in self.left["variables"]}

    @property
    def marked(self) -> list[str]:
        """Names of a few weights of both sides, small ones, that callbacks may leave a trace on."""
        shared = set(self.pairing.variables.values())
        small = [one["name"] for one in self.left["variables"] if np.prod(one["shape"]) <= SMALL]
        known = [name for name in small if name in shared and name in self.trainable]
        return known[:: max(len(known) // MARKED, 1)]

    @property
    def trainable(self) -> set[str]:
        """Names of the reference's trainable variables."""
        return {variable["name"] for variable in self.left["variables"] if variable["trainable"]}


@dataclass(frozen=True)
class Trained:
    """What both trainings answered, and the steps that were replayed alone."""

    ours: dict[str, Any]
    theirs: dict[str, Any]
    order: list[str]
    records: list[StepRecord]
    compiled: dict[str, dict[str, float]]
    """Step -> weights and losses in which the reference's compiled and eager step differ."""
    calls: Calls
    inert: dict[str, Any]
    """Whether the candidate's first step reports the same when nothing is recorded."""
    step_bytes: int
    """What one replayed step of the reference takes."""


def state_of(folder: Path, name: str, step: int) -> trace.Reader:
    """Weights and optimizer state of a side before a step (1-based; 0: as they were built)."""
    return trace.Reader(trace.step_file(folder, f"{name}-state", step))


def stats_of(folder: Path, name: str) -> np.ndarray:
    """Statistics of every recorded tensor at every step of a training: see `capture.train`."""
    return trace.read_arrays(trace.step_file(folder, f"{name}-stats", 0))["stats"]
