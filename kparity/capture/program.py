"""A training program run as it is, up to where it trains: that call is taken over, and what comes after it is left out.

In: a file or a module of a package, with its arguments. Out: the model and what `fit` was given. The first `fit` or
`train_on_batch` of a Keras model never trains: it notes its arguments and ends the program with an exception that no
`except Exception` of it catches. A loop over `train_on_batch` goes on, without training, until there are enough
batches. A program that never trains may leave a compiled `model` and its data at module level. Called by the capture
process, once for every model that it needs: each run begins with the same random state, and its own modules anew.
"""

import importlib.util
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.callbacks import active
from kparity.capture.sides import Side
from kparity.capture.subject import (
    COMPOSITE,
    FitArguments,
    Kept,
    SubjectError,
    fit_arguments,
    sparse_as_tensors,
    split_off,
    watchable,
    weighted,
)
from kparity.capture.written import Written

DATA = (("x", "y"), ("x_train", "y_train"), ("train_data",), ("dataset",), ("train_dataset",), ("train_ds",))
"""Names under which a program that doesn't train may leave its data, the first that is there."""


class Taken(BaseException):
    """Ends the user's program where its training was taken over."""


@dataclass
class Take:
    """A training as the program asked for it: the model, what `fit` was given, and where that was."""

    model: Any
    arguments: FitArguments
    call: str
    notes: list[str] = field(default_factory=list)
    batches: list[Any] = field(default_factory=list)
    """Of a loop over `train_on_batch`: what it was given, call by call."""


@dataclass(frozen=True)
class Code:
    """Which program: a file to be run as if it stood at `origin`, or a module to be run as `python -m` does."""

    path: Path
    origin: Path
    root: Path
    """The folder that a plain Python would put first on its path."""
    module: str | None
    arguments: tuple[str, ...]
    others: frozenset[str] = frozenset()
    """Names of functions in its other files that update weights."""


class Program:
    """A program as a subject. `ready` says whether a model was made by the last run that nobody has asked for yet."""

    def __init__(self, code: Code, side: Side, data: str) -> None:
        self.code, self.side, self.data_name = code, side, data
        self.ready = self.running = self.predicted = False
        self.steps = 1
        self.busy = self.looped = self.asked_inside = False
        """Whether an iteration of a loop is being run; whether one was found; whether a model was asked within it."""
        self.loop: Any = None
        self.written = Written(Path.cwd())
        self.trained_already: Callable[[Any], dict[str, list[float]]] | None = None
        self.trained: list[Any] = []
        """Models whose `train_on_batch` was called within an iteration."""
        self.taken: Take | None = None
        self.refused: SubjectError | None = None
        self.raised: Exception | None = None
        """What ended the program between two batches that were taken."""
        self.objects = dict(side.keras.utils.get_custom_objects())
        os.environ.setdefault("MPLBACKEND", "Agg")
        _watch(side.keras, self)

    def data(self, steps: int) -> FitArguments:
        """Run the program; what its training is given. `steps`: how many batches will be wanted."""
        self.steps = steps
        arguments = self._run().arguments
        self.ready = True
        return arguments

    def model(self) -> Any:
        """The model of the last run, once; after that that of a new run."""
        taken = self.taken if self.ready else self._run()
        self.ready, self.taken = False, None
        assert taken is not None
        return taken.model

    def notes(self) -> list[str]:
        """What of the program was and wasn't followed. To be asked after the batches were cut."""
        if self.taken is None:
            return []
        kept = self.taken.arguments.x
        if isinstance(kept, Kept) and kept.rounds > 1:
            return [
                *self.taken.notes,
                f"The program makes {len(kept.batches)} batches; they are repeated in that order.",
            ]
        return self.taken.notes

    def _run(self) -> Take:
        module = self.execute()
        if self.looped:
            raise Taken
        if self.taken is not None and self.taken.batches:
            self.taken.arguments = FitArguments(Kept(iter(self.taken.batches)))
        if self.taken is None:
            self.taken = self._left(vars(module))
        return self.taken

    def execute(self) -> ModuleType:
        """Run the program to its end or to where it was taken over. Raises what it raises, and SubjectError."""
        self.taken, self.refused, self.raised, self.predicted = None, None, None, False
        _forget_modules()
        known = self.side.keras.utils.get_custom_objects()
        known.clear()  # Keras 2 refuses to register a class again
        known.update(self.objects)
        module = ModuleType("__main__")
        self.running = self.written.on = True
        try:
            self._execute(module)
        except Taken:
            pass
        except SystemExit as error:
            if self.taken is None and self.refused is None and not self.looped:
                raise SubjectError(
                    f"nothing was trained: {self.name} ended itself with exit code {error.code} before any fit"
                ) from None
        except Exception as error:
            if self.taken is None and self.refused is None:
                raise
            if self.taken is not None and 0 < len(self.taken.batches) < self.steps:
                self.raised = error
        finally:
            self.running = self.written.on = False
        if self.refused is not None:
            raise self.refused
        return module

    @property
    def name(self) -> str:
        """The program in words."""
        return f"python -m {self.code.module}" if self.code.module else self.code.origin.name

    def _execute(self, module: ModuleType) -> None:
        root = str(self.code.root)
        if root in sys.path:
            sys.path.remove(root)
        sys.path.insert(0, root)
        sys.argv = [str(self.code.origin), *self.code.arguments]
        sys.modules["__main__"] = module
        module.__file__ = str(self.code.origin)
        module.__dict__["__builtins__"] = __builtins__
        if self.code.module is None:
            code = watchable(self.code.path, self.code.others)
        else:
            spec = importlib.util.find_spec(self.code.module)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = importlib.util.find_spec(f"{self.code.module}.__main__")
            loader = spec.loader if spec is not None else None
            if spec is None or loader is None or not hasattr(loader, "get_code"):
                raise SubjectError(f"there is no module {self.code.module} to run")
            module.__spec__, module.__package__, module.__loader__ = spec, spec.parent, loader
            code = loader.get_code(spec.name)
        exec(code, module.__dict__)

    def _left(self, left: dict[str, Any]) -> Take:
        """The training that the names of a program's module tell of, where it has no `fit`."""
        model = left.get("model")
        if not self.side.is_model(model):
            raise SubjectError(
                f"nothing was trained: {self.name} ended without a fit, a train_on_batch or a "
                "loop that updates weights, and it has neither build_model() and load_data() nor a compiled `model` "
                "with its data"
            )
        if getattr(model, "optimizer", None) is None:
            raise SubjectError(f"`model` of {self.name} is not compiled")
        load = left.get(self.data_name)
        note = f"`model` of {self.name} was trained as it is left at the end of the program."
        if callable(load):
            return Take(model, fit_arguments(load(), None), "", [note])
        for names in DATA:
            if all(name in left for name in names):
                values = dict(zip(("x", "y"), (left[name] for name in names), strict=False))
                return Take(model, self._fit_arguments(values, []), "", [note])
        wanted = ", ".join(" and ".join(names) for names in DATA)
        raise SubjectError(f"{self.name} has a compiled `model` but no data for it: {self.data_name}(), {wanted}")

    def go_on(self, trained: Callable[[Any], dict[str, list[float]]]) -> None:
        """Run the program to its end; where it would train, `trained` gives its model the weights and the history."""
        self.trained_already = trained
        try:
            self.execute()
        finally:
            self.trained_already = None

    def fit(self, model: Any, given: dict[str, Any]) -> Any:
        """A `fit` of the program: take it over."""
        if self.trained_already is not None:
            history = self.side.keras.callbacks.History()
            history.history = self.trained_already(model)
            history.epoch = list(range(len(next(iter(history.history.values()), []))))
            model.history = history
            self.running = False
            return history
        if self.taken is None:
            self._check(model, "fit")
            call = f"`fit` at {_caller()}"
            notes = [f"Trained: the {call}, {self.steps} steps of it; what {self.name} does after it was not run."]
            self.taken = Take(model, self._fit_arguments(given, notes), call, notes)
        raise Taken

    def train_on_batch(self, model: Any, given: dict[str, Any]) -> Any:
        """A `train_on_batch` of the program: keep the batch, and answer with the loss of the untrained model."""
        if self.trained_already is not None:
            self.trained_already(model)
            self.running = False
            return model.train_on_batch(**{name: value for name, value in given.items() if value is not None})
        if self.taken is None:
            self._check(model, "train_on_batch")
            call = f"`train_on_batch` at {_caller()}"
            notes = [f"Trained: the {call}, on the batches that {self.name} gives it while nothing is trained yet."]
            self.taken = Take(model, FitArguments(None), call, notes)
        if model is not self.taken.model:
            self.asked("another model's train_on_batch")
        given = {name: _plain(value) for name, value in given.items()}
        batch = (given["x"], given.get("y"), given.get("sample_weight"))
        copied = tf.nest.map_structure(lambda value: None if value is None else np.array(value), batch)
        if given.get("class_weight"):
            copied = weighted(self.side, copied, given["class_weight"], given["x"])
        self.taken.batches.append(copied)
        if len(self.taken.batches) >= self.steps:
            raise Taken
        kept = {name: given[name] for name in ("x", "y", "sample_weight", "return_dict") if given.get(name) is not None}
        states = [(state, np.array(state)) for layer in model._flatten_layers() for state in self.side.carried(layer)]
        try:
            return model.test_on_batch(**kept)
        except Exception as error:
            raise Taken from error
        finally:
            for state, value in states:
                self.side.assign(state, value)

    def inside(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A call within an iteration of the program's own loop: it does what it does."""
        if name == "train_on_batch":
            self.trained.append(args[0])
            return self.loop.on_batch(args[0], lambda: original(*args, **kwargs))
        if name != "apply_gradients":
            self.asked_inside = True
        return original(*args, **kwargs)

    def asked(self, what: str) -> None:
        """The program asks something of a model: after its training was taken over, the answer would be another."""
        self.predicted = True
        if self.taken is not None:
            self.taken.notes.append(
                f"No more batches were taken after {_caller()}, which depends on the training ({what})."
            )
            raise Taken

    def own_loop(self) -> None:
        """The program updates weights itself."""
        if self.taken is None:
            self.refused = SubjectError(
                f"{_caller()} updates weights outside of any Python loop of the program's own files, so there are no "
                "steps to compare: give a file with build_model() and load_data(), or call the step in a loop"
            )
        raise Taken

    def _check(self, model: Any, call: str) -> None:
        if getattr(model, "optimizer", None) is None:
            self.refused = SubjectError(f"{_caller()} calls {call} of a model that is not compiled")
            raise Taken

    def _fit_arguments(self, given: dict[str, Any], notes: list[str]) -> FitArguments:
        """The arguments of a `fit` call as the training loop takes them; what it can't follow goes to `notes`."""
        x, y, weights = (_plain(sparse_as_tensors(given.get(name))) for name in ("x", "y", "sample_weight"))
        size, steps = given.get("batch_size"), given.get("steps_per_epoch")
        if hasattr(x, "__next__") and not hasattr(x, "__getitem__"):
            x = Kept(x)
        held = given.get("validation_data")
        split = float(given.get("validation_split") or 0.0)
        leaves = tf.nest.flatten(x)
        arrays = not isinstance(x, Kept) and all(hasattr(leaf, "shape") for leaf in leaves)
        arrays = arrays and not any(isinstance(leaf, COMPOSITE) for leaf in leaves)
        if arrays and x is not None:
            x, y, weights = tf.nest.map_structure(lambda v: None if v is None else np.asarray(v), (x, y, weights))
            rows = len(tf.nest.flatten(x)[0])
            if held is None and split:
                (x, y, weights), held = split_off((x, y, weights), split)
                rows = len(tf.nest.flatten(x)[0])
            if size is None and steps:
                size = -(-rows // int(steps))
        acting = sorted({type(one).__name__ for one in active(given.get("callbacks"))})
        if acting:
            notes.append(f"Callbacks were run, told the mean of each epoch's steps: {', '.join(acting)}.")
        return FitArguments(
            x=x,
            y=y,
            sample_weight=weights,
            batch_size=size,
            validation_data=_held_out(held, given.get("validation_steps")),
            class_weight=given.get("class_weight"),
            shuffle=bool(given.get("shuffle", True)),
            callbacks=given.get("callbacks"),
            steps_per_epoch=steps,
        )


def _watch(keras: Any, program: Program) -> None:
    """Send what trains a model, or asks it something, through `program` while that is running. Once a process."""

    def watched(owner: Any, name: str, take: Callable[..., Any] | None, before: Callable[[], None] | None) -> None:
        original = getattr(owner, name)

        @tf.autograph.experimental.do_not_convert
        def call(*args: Any, **kwargs: Any) -> Any:
            if not program.running:
                return original(*args, **kwargs)
            if program.busy:
                return program.inside(name, original, args, kwargs)
            if before is not None:
                before()
            if take is None:
                return original(*args, **kwargs)
            found = inspect.signature(original).bind(*args, **kwargs)
            found.apply_defaults()
            given = found.arguments
            return take(given.pop("self"), given)

        setattr(owner, name, call)

    watched(keras.Model, "fit", program.fit, None)
    watched(keras.Model, "train_on_batch", program.train_on_batch, None)
    for name in ("predict", "predict_on_batch", "evaluate"):
        watched(keras.Model, name, None, lambda name=name: program.asked(name))  # type: ignore[misc]
    optimizers = (keras.optimizers.Optimizer, getattr(getattr(keras.optimizers, "legacy", None), "Optimizer", None))
    for optimizer in optimizers:
        if hasattr(optimizer, "apply_gradients"):
            watched(optimizer, "apply_gradients", None, program.own_loop)


def _plain(value: Any) -> Any:
    """Lists of numbers as the array that Keras makes of them."""
    if (
        isinstance(value, (list, tuple))
        and value
        and not any(hasattr(leaf, "shape") for leaf in tf.nest.flatten(value))
    ):
        return np.asarray(value)
    return value


def _held_out(value: Any, steps: int | None) -> Any:
    """Validation data as `evaluate` takes them, of so many steps."""
    if isinstance(value, list) and 2 <= len(value) <= 3:
        return tuple(value)
    if isinstance(value, tf.data.Dataset) and steps:
        return value.take(steps)
    return value


ELSEWHERE = ("site-packages", "dist-packages", "__autograph_generated_file")
OWN = str(Path(__file__).parent.parent)


def _caller() -> str:
    file, line = caller_frame()
    return f"{Path(file).name}:{line}" if file else "?"


def caller_frame() -> tuple[str, int]:
    """The line of the user's program that is being run: file and line of the innermost frame that is in no library."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not _library(file):
            return file, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return "", 0


def _library(file: str) -> bool:
    stdlib = sysconfig.get_paths()["stdlib"]
    return file.startswith((OWN, stdlib, "<")) or any(part in file for part in ELSEWHERE)


_before: set[str] = set()


def _forget_modules() -> None:
    """Drop the modules that the last run of the program imported and that are its own: their models are used up."""
    if not _before:
        _before.update(sys.modules)
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name not in _before and file is not None and not _library(file):
            del sys.modules[name]
