"""A program's own training loop: run as it stands, iteration by iteration, each iteration one training step.

In: a `Program` whose loops `loop_source` made watchable. Out: what `train`, `replay` and `mend` give of a model that
`fit` trains. The program is run anew, from its start, for everything that is asked: so whatever an iteration reads
(data, counters, generators) is there as its author had it, and only weights, optimizers and random draws are set.
Called by the capture process.

Before its first iteration counts, it is run once, eagerly and with every update left out: that builds what is built on
first use, and shows which layers and optimizers take part.
"""

import builtins
import contextlib
import inspect
import linecache
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture import update
from kparity.capture.align import Draws
from kparity.capture.inventory import get_state, set_state, take_all
from kparity.capture.loop_source import HOOK
from kparity.capture.program import Program, Taken
from kparity.capture.record import Recorder, Step, made_up
from kparity.capture.sides import Side
from kparity.capture.subject import SubjectError
from kparity.capture.train import Session, at_rates, note_end, rates_of, watching

LEAVE = ("break", None)
"""What an iteration returns to leave its loop."""
Body = Callable[[], Any]
Call = tuple[Any, tuple[tuple[Any, ...], dict[str, Any]]]
"""A model, and what it was called with: by place and by name."""
Visit = Callable[[Session, int, Body], Any]
"""What is done with an iteration: (session, number of the step from 1, the iteration itself) -> what that returned."""


@dataclass
class Stand:
    """What takes part in the loop, in place of a model: as much of one as the trainer and the sides read."""

    groups: list[Any]
    loss: Any = None
    metrics: tuple[Any, ...] = ()
    jit_compile: bool = False
    _jit_compile: bool = False

    @property
    def trainable_variables(self) -> list[Any]:
        return [variable for group in self.groups for variable in group.trainable_variables]

    @property
    def optimizer(self) -> Any:
        return self.groups[0].optimizer if self.groups else None

    def reset_metrics(self) -> None:
        return None


@dataclass
class Reported:
    """Numbers that an iteration shows: losses that are differentiated, what `train_on_batch` returns, scalars."""

    totals: dict[str, tf.Variable] = field(default_factory=dict)
    returned: dict[str, float] = field(default_factory=dict)
    told: int = 0
    """Whether within a call that returns its loss."""

    def total(self, target: Any) -> None:
        """Note a loss, eagerly or in a graph: a variable carries it out. `train_on_batch` says its own."""
        if self.told:
            return
        name = None
        for one in tf.nest.flatten(target):
            if not tf.is_tensor(one) or not one.dtype.is_floating:
                continue
            name = name or _loss_name(self.totals)
            if name not in self.totals:
                with tf.init_scope():
                    self.totals[name] = tf.Variable(np.nan, trainable=False, dtype=tf.float32)
            self.totals[name].assign(tf.reduce_mean(tf.cast(one, tf.float32)))
            return

    def curves(self) -> dict[str, float]:
        """All numbers of the iteration; a loss that is the only one is called `loss`."""
        found = {name: float(value) for name, value in self.totals.items()}
        if len(found) == 1 and not self.returned:
            return {"loss": next(iter(found.values()))}
        return found | self.returned


def _loss_name(known: dict[str, Any]) -> str:
    """What the program calls the loss that it asks the gradient of, as its line says it."""
    from kparity.capture.program import caller_frame

    file, line = caller_frame()
    said = re.search(r"\.gradient\(\s*([A-Za-z_]\w*)\s*,", linecache.getline(file, line))
    return said.group(1) if said else f"loss@{line}"


class Loop:
    """The training loop of a program, once `find` has found one. `maps`: this side's names -> the reference's."""

    def __init__(
        self,
        side: Side,
        draws: Draws,
        recorder: Recorder,
        program: Program,
        anew: Callable[[], None],
        alive: Callable[[int], None],
    ) -> None:
        """`anew` has everything be as before the program was run; `alive` is told the step, about once a second."""
        self.side, self.draws, self.recorder, self.program, self.anew = side, draws, recorder, program, anew
        self.alive, self.since = alive, 0.0
        self.maps: tuple[dict[str, str], dict[str, str], list[list[str]]] = ({}, {}, [])
        self.reported = Reported()
        self.visitor: Callable[[Body, tuple[str, ...]], Any] | None = None
        self.steady: list[float] = []
        """Sizes of what the models are given in the first iteration: the same in every run."""
        self.at = "?"
        """Where the loop's body begins: file:line."""
        self.called: dict[int, str] = {}
        """Objects by identity -> what the program calls them."""
        self.iterations = 0
        """Iterations of the program's own loop, where it has fewer than were asked for."""
        setattr(builtins, HOOK, self._iteration)
        program.loop = self

    def _iteration(self, body: Body, names: tuple[str, ...]) -> Any:
        if self.visitor is None or self.program.busy or not self.program.running:
            return body()
        self.program.busy = True
        try:
            return self.visitor(body, names)
        finally:
            self.program.busy = False

    def found(self, steps: int) -> tuple[Session | None, Any]:
        """(the session at the first iteration of the program's own loop, None), or (None, what its `fit` is given).

        Runs the program up to there. A loop that only calls one model's `train_on_batch` is followed as a `fit` on
        the batches that it makes.
        """
        session: Session | None = None

        def visitor(body: Body, names: tuple[str, ...]) -> Any:
            nonlocal session
            session, flow = self._begin(body)
            if session is None:
                return flow
            self.program.looped = True
            raise Taken

        self.program.looped, self.visitor, self.steady = False, visitor, []
        try:
            return None, self.program.data(steps)
        except Taken:
            pass
        finally:
            self.visitor = None
        if len(self.program.trained) == 1 and not self.program.asked_inside and session is not None:
            only = self.program.trained[0].trainable_variables
            if {id(v) for v in only} >= {id(v) for v in session.model.trainable_variables}:
                self.anew()
                self.program.looped = False
                return None, self.program.data(steps)
        return session, None

    def notes(self) -> list[str]:
        """What a reader of the verdict should know of how the program was run."""
        return [
            f"Trained: the loop at {self.at}, an iteration a step; {self.program.name} was run anew for every "
            "measurement. Numbers that it works out from its results, such as metrics that it prints, are not compared."
        ]

    def run(self, visit: Visit, last: int, go_on: bool = False) -> None:
        """Run the program and have `visit` do its iterations 1 to `last`; a program that ends before begins again.

        After the last it is ended or, with `go_on`, leaves its loop and runs to its end.

        Raises SubjectError where it never gets to its loop.
        """
        number = 0
        carried: dict[str, np.ndarray] = {}
        while number < last:
            before = number
            session: Session | None = None

            def visitor(body: Body, names: tuple[str, ...]) -> Any:
                nonlocal number, session
                if number == last:
                    return LEAVE
                if session is None:
                    session, flow = self._begin(body)
                    if session is None:
                        return flow
                    set_state(session.inventory, self.side, carried)  # noqa: B023
                number += 1
                flow = visit(session, number, body)
                if time.monotonic() - self.since > 1.0:
                    self.since = time.monotonic()
                    self.alive(number)
                if number == last and not go_on:
                    raise Taken
                return LEAVE if number == last else flow

            self.anew()
            self.visitor = visitor
            try:
                self.program.execute()
            except Taken:
                pass
            finally:
                self.visitor = None
            if number == before or session is None:
                raise SubjectError(f"{self.program.name} did not get to its training loop when it was run again")
            carried = get_state(session.inventory, self.side)
            self.iterations = self.iterations or (number if number < last else 0)

    def _begin(self, body: Any) -> tuple[Session | None, Any]:
        """An iteration without its updates; afterwards weights, layer state and generators are as before it."""
        touched: dict[int, tuple[Any, Any]] = {}
        roots: dict[int, Any] = {}

        sizes: list[float] = []

        def seen(layer: Any, given: Any) -> None:
            roots.setdefault(id(layer), layer)
            sizes.extend(_sizes(given))
            with contextlib.suppress(ValueError):  # a model that isn't built has none yet
                for variable in layer.weights:
                    touched.setdefault(id(variable), (variable, np.array(variable)))

        self.recorder.roots, self.recorder.fresh = seen, []
        self.program.trained.clear()
        self.program.asked_inside = False
        try:
            with update.as_before(), update.left_out(self.recorder) as found, eagerly(), self.draws.training_step():
                flow = body()
        finally:
            fresh, self.recorder.roots, self.recorder.fresh = self.recorder.fresh, None, None
        if not found:
            return None, flow
        self.steady = self.steady or sizes
        if len(self.steady) != len(sizes) or not np.allclose(self.steady, sizes, rtol=1e-3, atol=1e-6):
            raise SubjectError(
                f"{self.program.name} computes other numbers each time it is run, so its steps can't be compared: seed "
                "what it draws (RandomState(), random.Random(), the time, the system's randomness)"
            )
        for variable, value in [*touched.values(), *fresh]:
            self.side.assign(variable, value)
        groups = update.groups_of(found)
        names = self.called = _names(body)
        self.at = f"{Path(body.__code__.co_filename).name}:{body.__code__.co_firstlineno}"
        trained = {id(one): one for group in groups for one in group.trainable_variables}
        inventory = take_all(list(roots.values()), list(trained.values()), names, self.side)
        inventory.groups[:] = groups
        layers, variables, owned = self.maps
        if layers or variables:
            inventory.rename(layers, variables)
        inventory.number(owned)
        return Session(self.side, Stand(groups), inventory, self.draws, self.recorder, several=True), flow

    def plainly(self, session: Session, number: int, body: Body) -> Any:
        """An iteration as the program would run it, compiled where it compiles; its losses go to `reported`."""
        self.draws.stand_at(number)
        self.reported.returned.clear()
        self.recorder.totals, self.recorder.named = self.reported.total, session.inventory
        try:
            with self.draws.training_step():
                return body()
        finally:
            self.recorder.totals = self.recorder.named = None

    def recorded(
        self, session: Session, number: int, body: Body, forced: Mapping[str, np.ndarray] | None, mend: frozenset[str]
    ) -> tuple[dict[str, Any], Step, Any]:
        """An iteration run eagerly, watched: (reported values, step, what the iteration returned)."""
        self.draws.stand_at(number)
        self.reported.returned.clear()
        step = Step(session.inventory, None, forced, mend, several=True)
        step.due = made_up(step, self.side) if mend else {}
        with eagerly(), at_rates(session, step), watching(session, step), self.draws.training_step():
            flow = body()
        note_end(step)
        logs = {name: tf.constant(value, tf.float32) for name, value in self.reported.returned.items()}
        return logs | rates_of(step), step, flow

    def calls(self, number: int, body: Body) -> tuple[list[Call], Any]:
        """The calls of models in an iteration, which is run eagerly, in order; and what it returned."""
        found: list[Call] = []
        self.draws.stand_at(number)
        self.reported.returned.clear()
        self.recorder.roots = lambda layer, given: found.append((layer, given))
        try:
            with eagerly(), self.draws.training_step():
                return found, body()
        finally:
            self.recorder.roots = None

    def evaluated(
        self,
        session: Session,
        number: int,
        calls: list[Call],
        forced: Mapping[str, np.ndarray] | None,
        mend: frozenset[str],
        given: Mapping[str, np.ndarray] | None,
    ) -> Step:
        """These calls made eagerly, watched, of models that are told not to train. What training recorded of calls
        stays. `given`: where the models' inputs are taken from, the iteration's own without it: what one model makes of
        another's output in training is no matter of an evaluation."""
        self.draws.stand_at(number)
        step = Step(session.inventory, None, forced, mend, several=True)
        with self.recorder.aside(), eagerly(), watching(session, step), self.draws.training_step():
            made: Counter[str] = Counter()
            for model, called in calls:
                path = session.inventory.path(model)
                made[path] += 1
                node = path if made[path] == 1 else f"{path}#{made[path]}"
                args, kwargs = _with_inputs(step, node, called, given or {})
                model(*args, **({**kwargs, "training": False} if _takes_training(model) else kwargs))
        return step

    def on_batch(self, model: Any, call: Callable[[], Any]) -> Any:
        """A `train_on_batch` in an iteration: what it returns is reported."""
        self.reported.told += 1
        try:
            returned = call()
        finally:
            self.reported.told -= 1
        self._noted(model, returned)
        return returned

    def _noted(self, model: Any, returned: Any) -> None:
        values = returned.values() if isinstance(returned, dict) else np.atleast_1d(returned).tolist()
        names = list(returned) if isinstance(returned, dict) else ["loss", *map(str, range(2, 2 + len(list(values))))]
        for name, value in zip(names, list(values), strict=False):
            if np.ndim(value) == 0:
                full = label = f"{self.called.get(id(model), model.name)}_{name}"
                count = 1
                while full in self.reported.returned:
                    count += 1
                    full = f"{label}#{count}"
                self.reported.returned[full] = float(value)


@contextlib.contextmanager
def eagerly() -> Iterator[None]:
    """Functions that are compiled otherwise run eagerly inside."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _with_inputs(step: Step, node: str, called: Any, given: Mapping[str, np.ndarray]) -> Any:
    """The arguments of a call with its tensors taken from what was recorded of it, those that were."""
    flat, index = tf.nest.flatten(called), 0
    for place, value in enumerate(flat):
        value = tf.convert_to_tensor(value) if isinstance(value, np.ndarray) else value
        if step.sees(value):
            if (key := f"in|{node}|{index}") in given:
                flat[place] = tf.constant(given[key])
            index += 1
    return tf.nest.pack_sequence_as(called, flat)


def _takes_training(model: Any) -> bool:
    taken = inspect.signature(model.call).parameters
    return "training" in taken or any(one.kind is one.VAR_KEYWORD for one in taken.values())


def _sizes(given: Any) -> list[float]:
    """The mean absolute value of every array or tensor in a structure."""
    arrays = [np.asarray(one) for one in tf.nest.flatten(given) if isinstance(one, (np.ndarray, tf.Tensor))]
    return [float(np.mean(np.abs(one))) for one in arrays if one.dtype.kind in "fiu" and one.size]


def _names(body: Any) -> dict[int, str]:
    """Objects by identity -> what the program calls them where the iteration stands: variables of the functions around
    it and of the module, what those hold in attributes, and in lists and dicts."""
    found: dict[int, str] = {}
    cells = dict(zip(body.__code__.co_freevars, body.__closure__ or (), strict=True))
    spaces: list[dict[str, Any]] = [{}, body.__globals__]
    for name, cell in cells.items():
        with contextlib.suppress(ValueError):
            spaces[0][name] = cell.cell_contents
    held: list[tuple[str, Any]] = []
    for space in spaces:
        for name, value in space.items():
            if not name.startswith("__"):
                found.setdefault(id(value), name)
                held.append((name, value))
    for name, value in held:
        if isinstance(value, dict):
            inner = {f"{name}.{key}": one for key, one in value.items()}
        elif isinstance(value, (list, tuple)):
            inner = {f"{name}.{place}": one for place, one in enumerate(value)}
        elif name not in body.__globals__ or type(value).__module__ == "__main__":
            inner = dict(getattr(value, "__dict__", {}))
        else:
            continue
        for label, one in inner.items():
            if not str(label).startswith("_"):
                found.setdefault(id(one), re.sub(r"[^\w.]", "_", str(label)))
    return found
