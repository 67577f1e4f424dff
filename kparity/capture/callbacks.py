"""Callbacks that act on a training: run where `fit` would run them, and judged apart from the numbers that they read.

In: the callbacks that `fit` was given, and what each step reported. Out: the learning rate at every step, and where the
training was stopped. Called by the capture process.

What an epoch reports is the mean over its steps, and what `evaluate` says at its end. Two trainings part by round-off
in the end, and a callback that waits for a plateau may then act an epoch earlier in one of them: that is no difference
of the callback. So the other side's callbacks are run once more on the numbers of the reference (`follow`), and it is
this rate that its steps are judged with. Some weights are marked with the number of the step meanwhile: a callback that
brings earlier ones back, or averages them, is told by what it leaves of the marks.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.sides import Side
from kparity.capture.subject import FitArguments

Logs = dict[str, float]
INERT = {
    "History",
    "ModelCheckpoint",
    "TensorBoard",
    "CSVLogger",
    "ProgbarLogger",
    "BackupAndRestore",
    "TerminateOnNaN",
}
"""Callbacks of Keras that only look on, or write files."""
MARK = 1e-3
"""What a marked weight holds at step 1, times the number of each later step: small, as weights are."""


def active(callbacks: Any) -> list[Any]:
    """Those that may change something. `callbacks`: as `fit` takes them."""
    return [one for one in tf.nest.flatten(callbacks or []) if type(one).__name__ not in INERT]


def steps_in_epoch(given: FitArguments) -> int | None:
    """How many steps an epoch has; None where the data don't say."""
    if given.steps_per_epoch:
        return int(given.steps_per_epoch)
    if isinstance(given.x, tf.data.Dataset):
        count = int(given.x.cardinality())
        return count if count > 0 else None
    leaves = tf.nest.flatten(given.x)
    if leaves and all(hasattr(leaf, "shape") and len(leaf.shape) for leaf in leaves):
        return math.ceil(leaves[0].shape[0] / (given.batch_size or 32))  # sparse and ragged tensors have no len()
    return len(given.x) if hasattr(given.x, "__len__") else None


def telling(side: Side, say: Callable[[], None]) -> Any:
    """A callback that says once a second that a model is being evaluated: that may take longer than all training."""

    class Telling(side.keras.callbacks.Callback):  # type: ignore[name-defined]
        _supports_tf_logs = True
        last = 0.0

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            if time.monotonic() - self.last > 1.0:
                self.last = time.monotonic()
                say()

    return Telling()


def evaluate(model: Any, given: FitArguments, told: Any) -> Logs:
    """What validation says of a model: `val_loss`, ... `told`: see `telling`."""
    if given.validation_data is None:
        return {}
    parts, size = given.validation_data, given.batch_size
    if not isinstance(parts, tuple):
        parts, size = (parts,), None
    asked = dict(zip(("x", "y", "sample_weight"), parts, strict=False))
    logs = model.evaluate(**asked, batch_size=size, verbose=0, return_dict=True, callbacks=[told])
    return {f"val_{name}": float(value) for name, value in logs.items()}


def evaluate_batches(model: Any, batches: list[Any]) -> Logs:
    """What a model says of a few batches together. Raises what a model does that can't be evaluated."""
    given = [tuple(part for part in batch if part is not None) for batch in batches]
    logs = model.evaluate((one for one in given), steps=len(given), verbose=0, return_dict=True)
    return {name: float(value) for name, value in logs.items()}


@dataclass(frozen=True)
class Judged:
    """What callbacks did that were told certain numbers.

    `rates`: the learning rate before every step. `end`: the step after which they ended the training, if they did.
    `left`: by step, what they made of the marked weights, as the number of the step whose marks these are; only where
    they changed any.
    """

    rates: list[float] = field(default_factory=list)
    end: int | None = None
    left: dict[int, list[float]] = field(default_factory=dict)


@dataclass
class Followed:
    """The callbacks of one training. `evaluate` gives what validation says of the model as it is."""

    side: Side
    model: Any
    callbacks: list[Any]
    steps: int
    evaluate: Callable[[], Logs]
    rate: float | None = None
    epochs: list[Logs] = field(default_factory=list)
    """What each epoch reported, of the last training."""
    running: list[Any] = field(default_factory=list)
    sums: dict[str, list[float]] = field(default_factory=dict)

    def begin(self) -> None:
        """Before the first step: everything as `fit` finds it."""
        variable = self.side.rate_variable(self.model.optimizer)
        if variable is not None:
            self.rate = float(np.asarray(variable)) if self.rate is None else self.rate
            self.side.assign(variable, self.rate)
        self.epochs = []
        self.sums = {}
        self.model.stop_training = False
        self.running = [copy.copy(one) for one in self.callbacks]  # each training has fresh ones
        for one in self.running:
            one.set_params({"epochs": 1_000_000, "steps": self.steps, "verbose": 0})
            one.set_model(self.model)
        self._tell("on_train_begin")
        self._tell("on_epoch_begin", 0)
        self._tell("on_train_batch_begin", 0)

    def step(self, number: int, logs: Logs, epoch_logs: Callable[[int, Logs], Logs] | None = None) -> bool:
        """After a step (1-based); whether the training ends here. `epoch_logs` changes what an epoch reports."""
        epoch, place = divmod(number - 1, self.steps)
        logs = {name: value for name, value in logs.items() if not name.startswith("learning_rate")}
        self._tell("on_train_batch_end", place, dict(logs))
        for name, value in logs.items():
            self.sums.setdefault(name, []).append(value)
        if place == self.steps - 1:
            means = {name: float(np.mean(values)) for name, values in self.sums.items()}
            self.sums = {}
            told = epoch_logs(epoch, means) if epoch_logs else means | self.evaluate()
            self.epochs.append(told)
            self._tell("on_epoch_end", epoch, dict(told))
            if not self.model.stop_training:
                self._tell("on_epoch_begin", epoch + 1)
        if self.model.stop_training:
            self._tell("on_train_end")
            return True
        self._tell("on_train_batch_begin", number % self.steps)
        return False

    def follow(self, reported: list[Logs], epochs: list[Logs], marked: list[Any]) -> Judged:
        """What the callbacks do, had this side's steps and epochs reported these numbers; `marked` weights are lost.

        The names stay this side's own: a callback that asks for one that this Keras doesn't have finds nothing.
        """
        own = self.epochs
        names = {name for logs in own for name in logs}
        self.begin()
        rates: list[float] = []
        left: dict[int, list[float]] = {}

        def told(epoch: int, means: Logs) -> Logs:
            theirs = epochs[epoch] if epoch < len(epochs) else {}
            mine = own[epoch] if epoch < len(own) else {}
            return {name: theirs.get(name, mine.get(name, math.nan)) for name in names} if names else means | theirs

        variable = self.side.rate_variable(self.model.optimizer)
        for number, logs in enumerate(reported, 1):
            rates.append(float(np.asarray(variable)) if variable is not None else math.nan)
            for weight in marked:
                self.side.assign(weight, np.full(weight.shape, number * MARK))
            over = self.step(number, logs, told)
            if not over and number == len(reported):
                self._tell("on_train_end")
            marks = [float(np.mean(weight)) / MARK for weight in marked]
            if any(abs(mark - number) > 1e-5 * number for mark in marks):
                left[number] = marks
            if over:
                return Judged(rates, number, left)
        return Judged(rates, None, left)

    def stand_at(self, rate: float | None) -> None:
        """The optimizer's rate from here on, where it is one that can be set."""
        variable = self.side.rate_variable(self.model.optimizer)
        if variable is not None and rate is not None and math.isfinite(rate):
            self.side.assign(variable, rate)

    def _tell(self, what: str, *place: Any) -> None:
        """Call a method of every callback, with its place in the training and what was reported."""
        logs = place[1:] or ({},)
        for one in self.running:
            getattr(one, what)(*place[:1], *logs)


@dataclass
class Acting:
    """The callbacks of a subject over all its trainings, and the rates that they set before each step of this side."""

    side: Side
    followed: Followed | None = None
    rates: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> list[Logs]:
        """What the epochs of the last training reported; nothing where no callback acts."""
        return self.followed.epochs if self.followed else []

    def begin(self, model: Any, given: FitArguments, evaluate: Callable[[], Logs]) -> Followed | None:
        """The callbacks standing before the first step; None where none acts."""
        acting, steps = active(given.callbacks), steps_in_epoch(given)
        if not acting or steps is None:
            return None
        self.followed = self.followed or Followed(self.side, model, acting, steps, evaluate)
        self.followed.begin()
        return self.followed

    def follow(self, reported: dict[str, list[float]], epochs: list[Logs], marked: list[Any]) -> Judged:
        """What the callbacks do that are told these numbers. Its rates are those that steps are judged with from now
        on."""
        if self.followed is None:
            return Judged(self.rates)
        steps = [dict(zip(reported, values, strict=True)) for values in zip(*reported.values(), strict=True)]
        judged = self.followed.follow(steps, epochs, marked)
        self.rates = judged.rates
        return judged

    def stand_at(self, number: int) -> None:
        """Give the optimizer the rate that callbacks had set before a step (1-based)."""
        if self.followed is not None and number <= len(self.rates):
            self.followed.stand_at(self.rates[number - 1])
