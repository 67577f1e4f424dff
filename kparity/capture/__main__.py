"""A side's process: `python -m kparity.capture SIDE FD`. Requests come as JSON lines on stdin, answers leave as JSON
lines on the file descriptor FD; stdout and stderr belong to the user's program.

A request is {"do": NAME, ...}; the answer is any number of {"progress": ...} and then one {"done": ...} or
{"failed": ...}. The process ends when stdin does.
"""

import gc
import json
import os
import resource
import sys
import time
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture import align, callbacks, held_out, inventory, record, sides, subject, update
from kparity.capture.batches import Batches
from kparity.capture.ending import end_with_parent, failure
from kparity.capture.exhibit import exhibit, parts
from kparity.capture.fed import fed, handed
from kparity.capture.loop import Loop
from kparity.capture.looped import first_state, go_on_from, mend_loop, replay_loop, train_loop
from kparity.capture.mend import compared, mended, mended_evaluation, unmended
from kparity.capture.modes import Replicas, refuse_graph_mode
from kparity.capture.natural import Seeds
from kparity.capture.natural import run as run_natural
from kparity.capture.program import Code, Program
from kparity.capture.replay import (
    Moved,
    Run,
    Sieve,
    held,
    precision,
    replay_evaluation,
    replay_forced,
    replay_free,
)
from kparity.capture.replay import replay as replay_step
from kparity.capture.stand_in import standing_in
from kparity.capture.train import Session, compile_step, evaluating, inert, predictions, to_tensors, unread
from kparity.capture.train import train as train_steps

EXACT = 4
"""Bytes of a number from which on fusing and reordering cost few digits."""


CONTAINERS = {"Sequential", "Functional", "Model"}
"""Layers that only call others."""


class Process:
    """One side: its Keras, the user's file, and the model of the seed at hand. Requests are its public methods."""

    arguments: subject.FitArguments
    """What `fit` is given, once the data are there."""
    batches: Batches
    """What is trained on, once they are cut; a program's own loop has none."""

    def __init__(self, side: str, events: int) -> None:
        self.events = os.fdopen(events, "w", buffering=1)
        self.side_name = side
        self.sources: set[str] = set()
        self.optimizers: list[list[str]] = []
        self.maps: tuple[dict[str, str], dict[str, str], dict[str, str]] = ({}, {}, {})
        self.compiled: Any = None
        self.described = ""
        """The model that is compiled, as `build` describes it."""
        self.watched = False
        """Whether updates are watched one by one although the model's training step is Keras's own."""

    def say(self, **message: Any) -> None:
        """Send one answer line to the parent."""
        self.events.write(json.dumps(message) + "\n")

    def load(
        self,
        path: str,
        origin: str,
        model: str,
        data: str,
        kind: str = "functions",
        root: str = "",
        module: str | None = None,
        arguments: tuple[str, ...] = (),
        replaced: dict[str, str] | None = None,
        own: tuple[str, ...] = (),
        natural: bool = False,
    ) -> dict[str, Any]:
        """Import Keras, install the recorder, import the user's file; a program (`kind`) is only made ready to run.

        `replaced`: files of the user's -> the files whose code is run instead, wherever they are imported. `own`: the
        program's own files, whose training loops are followed. `natural`: nothing is recorded, and the side has draws
        of its own.
        """
        self.side = sides.load(self.side_name)
        gc.freeze()  # what is imported is never garbage; looking through it takes half a second each time
        refuse_graph_mode()
        if natural:
            self.seeds = Seeds(self.side)
        else:
            self._watch()
        replaced = replaced or {}
        self.sources = {str(Path(file).resolve()) for file in (path, origin, *replaced, *replaced.values())}
        others = subject.replace_code(replaced, own)
        self.subject: subject.Subject | Program
        self.loop: Loop | None = None
        self.looped = False
        if kind == "functions":
            self.subject = subject.load(Path(path), Path(origin), model, data, tuple(arguments))
        else:
            code = Code(Path(path), Path(origin), Path(root), module, tuple(arguments), others)
            program = Program(code, self.side, data)
            self.subject = program
            if not natural:
                tools = (self.side, self.draws, self.recorder, program)
                self.loop = Loop(*tools, lambda: self._begin_anew(self.maps[2]), lambda step: self.say(progress=step))
        return {
            **self.side.identity(),
            "tensorflow": tf.__version__,
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "source": path,
        }

    def _watch(self) -> None:
        self.draws = align.Draws()
        self.recorder = record.Recorder(self.draws)
        self.created: dict[int, str] = {}
        self.side.creating(self._create, self._initialize)
        record.install(self.side, self.recorder)
        update.install(self.side, self.recorder)
        align.install(self.draws)
        self.replicas = Replicas()
        self.draws.restart(0)

    def natural(self, seed: int, steps: int, batch_size: int | None) -> dict[str, Any]:
        """Train a model from nothing with the side's own draws; its metrics at the end."""
        started = time.monotonic()
        model, metrics = run_natural(
            self.side, self.subject, self.seeds, seed, steps, batch_size, lambda number: self.say(progress=number)
        )
        return {
            "metrics": metrics,
            "module": framework_class(model),
            "jit_compile": self.side.jit_compile(model),
            "parameters": sum(int(np.prod(inventory.shape_of(variable))) for variable in model.variables),
            "notes": self.subject.notes(),
            "sources": subject.imported(),
            "seconds": time.monotonic() - started,
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }

    def _create(self, layer: Any, name: str, create: Any) -> Any:
        label = f"{layer.name}:{name}"
        self.draws.counts[f"created {label}"] += 1
        owner = f"{label}#{self.draws.counts[f'created {label}']}"
        with self.draws.owner(owner):
            variable = create()
        if self.recorder.fresh is not None and getattr(variable, "_value", variable) is not None:
            self.recorder.fresh.append((variable, np.array(variable)))
        self.created[id(variable)] = owner
        return variable

    def _initialize(self, variable: Any, initialize: Any) -> None:
        owner = self.created.get(id(variable), "program")
        self.draws.counts[owner] = 0
        with self.draws.owner(owner):
            initialize()

    def build(
        self, seed: int, steps: int, batch_size: int | None, folder: str, own: str, keep_batches: bool
    ) -> dict[str, Any]:
        """Build the model and cut the data into batches; leave initial state and, if asked, the batches in `folder`."""
        self.folder = Path(folder)
        if isinstance(self.subject, Program):
            self.subject.written.apart = str(self.folder.resolve().parents[1])
        self.seed, self.own = seed, own
        self._begin_anew({})
        self.acting = callbacks.Acting(self.side)
        cut: tuple[list[list[str]], list[Any]] = ([], [])
        fresh = self._loop_or_data(steps, batch_size)
        validation, sketched = "", []
        if fresh is None or self.loop is None:
            kept, told_of_it = held_out.steady(self.arguments.validation_data)
            self.arguments = replace(self.arguments, validation_data=kept)
            validation = held_out.digest(kept)
            if self.draws.making:
                sketched = held_out.sketched(kept)
            self.batches = Batches(self.side, self.arguments, seed, self.folder)
            cut = self.batches.cut(steps, keep_batches, self._made_by_layers)
            notes = self.subject.notes() + told_of_it
            fresh = self._session({})
        else:
            notes = self.loop.notes()
        return {
            **self._begin(fresh),
            "hashes": cut[0],
            "uneven": None if self.looped else self.batches.uneven,
            "validation": validation,
            "validation_sketches": sketched,
            "notes": notes + self.replicas.notes(),
            "raised": failure(self.subject.raised, self.sources) if self.subject.raised is not None else None,
            "sketches": cut[1],
            "module": framework_class(self.session.model),
            "parameters": sum(int(np.prod(inventory.shape_of(v))) for v in fresh.inventory.variables.values()),
            "census": self.draws.census[:10000],
            "making": sorted(self.draws.making - CONTAINERS),
            "sources": subject.imported(),
        }

    def _made_by_layers(self) -> bool:
        """Whether data may be what layers gave: round-off is in them then."""
        return self.subject.predicted or bool(self.draws.making)

    def watch(self) -> dict[str, Any]:
        """As `build`, of a model whose updates shall be watched one by one, because the other side's are."""
        self.watched, self.compiled = True, None
        return self._begin(self._session({}))

    def _begin(self, fresh: Session) -> dict[str, Any]:
        """Have the fresh model ready to be aligned and trained; its description."""
        self._save_initial(fresh)
        told = {
            **inventory.describe(fresh.inventory),
            "looped": self.looped,
            "jit_compile": self.side.jit_compile(fresh.model),
            "configuration": json.loads(json.dumps(self.side.configuration(fresh.model), default=str)),
        }
        self._keep(fresh, json.dumps(told, default=str))
        owners = {name: self.created.get(id(v), "") for name, v in fresh.inventory.variables.items()}
        return {**told, "owners": owners, "several": fresh.several}

    def _loop_or_data(self, steps: int, batch_size: int | None) -> Session | None:
        """The first iteration of a program's own loop; None where the subject has data and a model, then noted."""
        if self.loop is None:
            session, data = None, self.subject.data(steps)
        else:
            self.loop.maps = ({}, {}, [])
            session, data = self.loop.found(steps)
        self.looped = session is not None
        if session is None:
            self.arguments = subject.fit_arguments(data, batch_size)
        return session

    def _keep(self, fresh: Session, described: str) -> None:
        """Train the fresh model, unless the last seed's is the same but for its initial values, and is compiled.

        Then that is given the fresh one's: what is compiled stays, and only weights and optimizer state are set.
        """
        self.kept = described == self.described and self.compiled is not None and not self.looped
        self.fresh: Session | None = fresh
        if not self.kept:
            self.session, self.compiled, self.described = fresh, None, described

    def _save_initial(self, session: Session) -> None:
        inventory.write_state(trace.step_file(self.folder, f"{self.own}-state", 0), session.inventory, self.side)

    def _begin_anew(self, names: dict[str, str]) -> None:
        """As if nothing had been made or drawn yet; `names`: this side's owner of a draw -> the reference's."""
        self.side.clear()
        self.draws.restart(self.seed)
        self.draws.names = names
        self.draws.stand_at(0)
        self.created.clear()

    def _session(self, names: dict[str, str]) -> Session:
        """A fresh model of the user's; `names` as in `_begin_anew`."""
        if not self.subject.ready:
            self._begin_anew(names)
        model = self.subject.model()
        if not self.side.is_model(model):
            found = f"{type(model).__module__}.{type(model).__name__}"
            raise subject.SubjectError(
                f"{self.subject.name} must return a compiled {self.side.name} model, got {found}"
            )
        if getattr(model, "optimizer", None) is None:
            raise subject.SubjectError(f"{self.subject.name} returned a model that is not compiled")
        if not self.watched and not update.own_step(model):
            self.side.prepare(model, to_tensors(self.batches.of(1)))
            return Session(self.side, model, inventory.take(model, self.side), self.draws, self.recorder)
        return update.session_of(self.side, model, self.batches.of(1), self.draws, self.recorder)

    def _rename(self, session: Session) -> None:
        layers, variables, _ = self.maps
        session.inventory.rename(layers, variables)
        session.inventory.number(self.optimizers)

    def align(
        self, layers: dict[str, str], variables: dict[str, str], names: dict[str, str], optimizers: list[list[str]]
    ) -> dict[str, list[str]]:
        """Take on the reference's names; where draws were keyed by another owner, draw the initial values again."""
        if self.looped and self.loop is not None:
            self.maps, self.fresh = (layers, variables, names), None
            self.loop.maps, self.loop.steady = (layers, variables, optimizers), []
            self.session, state = first_state(self.loop)
            trace.write_arrays(trace.step_file(self.folder, f"{self.own}-state", 0), state)
            return {}
        fresh = self._session(names) if names or self.fresh is None else self.fresh
        if not self.kept or (layers, variables, names) != self.maps or optimizers != self.optimizers:
            self.session, self.compiled = fresh, None
        self.maps, self.optimizers, self.fresh = (layers, variables, names), optimizers, None
        self._rename(fresh)
        self._save_initial(fresh)
        return {}

    def train(
        self,
        steps: int,
        chosen: list[int],
        whole: list[int],
        initial: str,
        nudge: int,
        name: str,
        evaluated: bool = True,
    ) -> dict[str, Any]:
        """Train from a saved initial state; leave curves, statistics and the chosen steps' arrays in the folder.

        `evaluated`: whether the model is validated at the end.
        """
        self.fresh = None
        state = self._first_state(initial)
        unused = inventory.set_state(self.session.inventory, self.side, state)
        started = time.monotonic()
        progress = self._progress(steps)
        rest = (steps, set(chosen), set(whole))
        if self.looped and self.loop is not None:
            result = train_loop(self.loop, *rest, state, self.folder, name, progress, nudge)
        else:
            if self.compiled is None and not self.watched and not update.own_step(self.session.model):
                self.side.make_metrics(self.session.model, to_tensors(self.batches.of(1)[1]))
            self.compiled = self.compiled or compile_step(self.session)
            followed = self.acting.begin(self.session.model, self.arguments, self._evaluate)
            what = (self.session, self.compiled, self.batches.of, *rest, self.folder, name, progress, nudge)
            result = train_steps(*what, followed.step if followed else None)
            if name == self.own:
                self.acting.rates = result.curves.get("learning_rate", [])
        if name == self.own and isinstance(self.subject, Program) and not self.looped:
            self.curves = result.curves
            self.final = inventory.get_state(self.session.inventory, self.side)
        file = trace.step_file(self.folder, f"{name}-stats", 0)
        trace.write_arrays(file, {"stats": result.stats})
        return {
            "curves": result.curves,
            "keys": result.keys,
            "nonfinite_step": result.nonfinite_step,
            "wrote": list(self.subject.written.files) if isinstance(self.subject, Program) else [],
            "epochs": self.acting.epochs,
            "drew": dict(sorted(self.draws.drew.items())),
            "unused": unused,
            "seconds": time.monotonic() - started,
            "evaluated": evaluated,
            "exact": self.compiled is not None and all(dtype.size >= EXACT for dtype in self.compiled.dtypes),
            "validation": self._evaluate() if evaluated and result.nonfinite_step is None else {},
        }

    def train_with(
        self, stand_ins: list[dict[str, Any]], steps: int, initial: str, epoch: int | None = None
    ) -> dict[str, Any]:
        """Train once more from a saved initial state with Keras 2's objects in some places (see `stand_in`); with
        `epoch`, on as many batches again and again."""
        state = self._first_state(initial)
        inventory.set_state(self.session.inventory, self.side, state)
        with standing_in(self.session, stand_ins) as missed:
            followed = self.acting.begin(self.session.model, self.arguments, self._evaluate)
            result = train_steps(
                self.session,
                compile_step(self.session, silent=True),
                lambda number: self.batches.of((number - 1) % epoch + 1 if epoch else number),
                steps,
                chosen=(),
                whole=(),
                folder=self.folder,
                name="share",
                progress=self._progress(steps),
                after=followed.step if followed else None,
            )
            validation = self._evaluate() if result.nonfinite_step is None else {}
        return {"curves": result.curves, "validation": validation, "missed": missed}

    def _first_state(self, initial: str) -> Mapping[str, np.ndarray]:
        """What every training begins from: the reference's state and, of what this side alone has, its own."""
        own = trace.step_file(self.folder, f"{self.own}-state", 0)
        return ChainMap(trace.Reader(self.folder / initial), trace.Reader(own))  # type: ignore[arg-type]

    def _progress(self, steps: int) -> Callable[[int], None]:
        """Tells the parent the step that was done, four times a second at most."""
        last = [0.0]

        def progress(number: int) -> None:
            if time.monotonic() - last[0] > 0.25 or number == steps:
                last[0] = time.monotonic()
                self.say(progress=number)

        return progress

    def inert(self, initial: str, recorded: dict[str, float]) -> dict[str, Any]:
        """Whether the first step reports the same when nothing of it is recorded; see `train.inert`."""
        state = self._first_state(initial)
        return inert(self.session, state, self.batches.of(1), recorded)

    def unread(self, names: list[str], ours: str, theirs: str) -> list[str]:
        """See `train.unread`, of the states in two files; none where this model can't be asked."""
        if self.looped:
            return []
        left, right = (trace.read_arrays(self.folder / file) for file in (ours, theirs))
        try:
            return unread(self.session, left, right, names, self.batches.of(1))
        except Exception:  # one that takes more than a batch
            return []

    def usage(self) -> dict[str, float]:
        """What this process has taken up to now."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"peak_mb": round(used.ru_maxrss / 1024), "cpu_seconds": round(used.ru_utime + used.ru_stime, 2)}

    def follow(
        self, reported: dict[str, list[float]], epochs: list[dict[str, float]], marked: list[str]
    ) -> dict[str, Any]:
        """Have the callbacks act on the reference's numbers: see `callbacks.Judged`. `marked`: names of weights."""
        if self.acting.followed is None:  # the training was taken from an earlier run
            self.acting.begin(self.session.model, self.arguments, self._evaluate)
        weights = self.session.inventory.variables
        return asdict(self.acting.follow(reported, epochs, [weights[name] for name in marked if name in weights]))

    def rest(self, steps: int) -> str:
        """Run a program to its end, its training taken as done; how that went, in words."""
        if not isinstance(self.subject, Program):
            return "functions have nothing more to run."
        try:
            if self.looped and self.loop is not None:
                go_on_from(self.loop, steps, trace.read_arrays(trace.step_file(self.folder, f"{self.own}-state", 0)))
            else:
                self._begin_anew(self.maps[2])
                self.subject.go_on(self._give_weights)
        except (Exception, SystemExit) as error:
            told = failure(error, self.sources)
            return f"{told['type']}: {told['message'].strip()} at {told['where'] or 'an unknown line'}."
        return "it ran to its end."

    def _give_weights(self, model: Any) -> dict[str, list[float]]:
        """Give a new model of the program what its training left; what was reported, step by step."""
        self.side.prepare(model, to_tensors(self.batches.of(1)))
        named = inventory.take(model, self.side)
        named.rename(*self.maps[:2])
        inventory.set_state(named, self.side, self.final)
        return self.curves

    def fed(self, steps: int) -> dict[str, Any]:
        """What the side's own `fit` hands to a training step in two epochs, see `capture.fed`; and what it raises."""
        told = {"dataset": isinstance(self.arguments.x, tf.data.Dataset), "epochs": [], "raised": None}
        try:
            with self.draws.as_seeded():
                return told | {"epochs": fed(self.side, self.arguments, steps)}
        except (MemoryError, OSError, tf.errors.ResourceExhaustedError):
            raise
        except Exception as error:
            return told | {"raised": failure(error, self.sources)["message"]}

    def handed(self, name: str) -> dict[str, Any] | None:
        """Leave in a file `name` the arrays that `fit` is given; returns its arguments as Python (`call`), and whether
        the program has `seeded` TensorFlow. None where it isn't given arrays, or none that a file can hold."""
        given = handed(self.arguments)
        if given is None:
            return None
        trace.write_arrays(trace.step_file(self.folder, name, 1), given[1])
        return {"call": given[0], "seeded": self.draws.seeded}

    def validate(self, weights: str, step: int, batches: list[int], turn: int) -> dict[str, float]:
        """What validation says of a model with the weights in a file, drawing as after a step (1-based); of one that
        has nothing to validate on, what it says of these batches of the training data. `turn` tells one request from
        another."""
        if self.looped:
            return {}
        self.draws.stand_at(step)
        inventory.set_state(self.session.inventory, self.side, trace.Reader(self.folder / weights))
        if self.arguments.validation_data is not None:
            return self._evaluate()
        with evaluating(self.session):
            return callbacks.evaluate_batches(self.session.model, [self.batches.of(one) for one in batches])

    def predict(self, weights: str, step: int, name: str) -> None:
        """Leave in a file `name` what a model with the weights in a file gives for the batch of a step (1-based)."""
        self.draws.stand_at(step)
        inventory.set_state(self.session.inventory, self.side, trace.Reader(self.folder / weights))
        trace.write_arrays(trace.step_file(self.folder, name, step), predictions(self.session, self.batches.of(step)))

    def _evaluate(self) -> dict[str, float]:
        if self.looped:
            return {}
        with evaluating(self.session):
            told = callbacks.telling(self.side, lambda: self.say(progress="evaluating"))
            return callbacks.evaluate(self.session.model, self.arguments, told)

    def replay(
        self,
        steps: list[int],
        states: str,
        forced: str | None,
        nudge: int,
        name: str,
        float64: bool = False,
        doubt: float = 0.0,
        only: dict[str, list[str]] | None = None,
        free: tuple[str, ...] = (),
        evaluated: bool = False,
    ) -> dict[str, Any]:
        """Run single steps eagerly from saved states, free or forced; with `free`, but for the layers at these paths.
        `evaluated`: what is run is an evaluation of the step's batch.

        A free run leaves all its tensors in the folder. A forced one leaves those that differ from the reference's by
        more than `doubt` (see `replay.unlike`), or those named in `only` (by step).
        """
        told: dict[str, Any] = {"order": [], "unlike": {}, "lone": {}, "unforced": {}, "compiled": {}}

        def one(number: int, run: Run) -> None:
            state: Any = trace.Reader(trace.step_file(self.folder, states, number))
            given = trace.Reader(trace.step_file(self.folder, forced, number)) if forced else None
            file = trace.step_file(self.folder, name, number)
            if nudge:
                state = Moved(state, nudge)
            if given is None:
                graph = trace.step_file(self.folder, f"{self.own}-graph", number)
                compiled = trace.Reader(graph) if graph.exists() and not float64 and not evaluated else {}
                order, missed, parted = replay_free(run, state, file, compiled)
                if compiled:
                    told["compiled"][str(number)] = {key: one for key, one in parted.items() if one > trace.COMPILED}
            else:
                handed = held(Moved(given, nudge + 1) if nudge else given, free)
                wanted = only[str(number)] if only else None
                left = replay_forced(run, state, handed, given, doubt, wanted)
                order, missed = left.order, left.missed
                told["unlike"][str(number)], told["lone"][str(number)] = list(left.unlike), left.lone
                trace.write_arrays(file, left.unlike | left.own)
            told["order"] = told["order"] or order
            told["ran"] = told.get("ran") or dict(self.recorder.ran)
            told["unforced"][str(number)] = missed
            self.say(progress=number)

        with precision(float64):
            if self.looped and self.loop is not None:
                replay_loop(self.loop, steps, one, evaluated)
            else:
                session = self._in_float64() if float64 else self.session
                for number in steps:
                    batch = self.batches.of(number)
                    self.acting.stand_at(number)
                    one(number, partial(replay_evaluation if evaluated else replay_step, session, number, batch))
        return told

    def counterfactual(
        self,
        step: int,
        states: str,
        given: str,
        runs: list[dict[str, Any]],
        float64: bool = False,
        evaluated: bool = False,
    ) -> dict[str, list[str]]:
        """Run one step, or an evaluation of its batch (`evaluated`), free again and again, each time with other things
        taken from the reference.

        Of each run: `name` of the arrays that it leaves; `mend`, the keys to take from the reference's replay;
        `own`, what this side has of itself although replays take the reference's ("batch", or keys of its initial
        state); `nudge`, the key of one-ulp moves. Returns, by name, the keys that could not be mended.
        """
        reference = trace.Reader(trace.step_file(self.folder, given, step))
        before = trace.Reader(trace.step_file(self.folder, states, step))
        missed: dict[str, list[str]] = {}
        with precision(float64):
            session = self._in_float64() if float64 and not self.looped else self.session
            for run in runs:
                own = set(run["own"])
                state: Any = before
                handed: Any = reference
                if own - {"batch"}:
                    first = trace.read_arrays(trace.step_file(self.folder, f"{self.own}-state", 0), own)
                    state = ChainMap(first, before)  # type: ignore[arg-type]
                if run["nudge"]:
                    state, handed = Moved(state, run["nudge"]), Moved(reference, run["nudge"] + 1)
                with trace.Writer(trace.step_file(self.folder, run["name"], step)) as writer:
                    asked = (step, state, handed, run["mend"], Sieve(compared(writer)))
                    if self.looped and self.loop is not None:
                        missed[run["name"]] = mend_loop(self.loop, *asked, evaluated=evaluated)
                    else:
                        batch = self.batches.own(step) if "batch" in own else self.batches.of(step)
                        self.acting.stand_at(step)
                        as_it_was = given.startswith(f"{self.own}-replay") and not run["mend"] and not run["nudge"]
                        if evaluated:
                            missed[run["name"]] = mended_evaluation(session, batch, *asked)
                        elif as_it_was and not session.several:
                            missed[run["name"]] = unmended(session, batch, step, reference, asked[-1])
                        else:
                            missed[run["name"]] = mended(session, batch, *asked)
                self.say(progress=step)
        return missed

    def exhibits(self, causes: list[dict[str, Any]], given: str) -> list[dict[str, Any]]:
        """Of each cause (`phase`, `layer`, `variable`, `node`, `step`): what this side has there; see `exhibit`.

        `given`: the name of the reference's replays, from which a loss or a metric is taken apart.
        """
        shown = []
        for cause in causes:
            name = given.replace("replay", "evaluation") if cause.get("evaluated") else given
            file = trace.step_file(self.folder, name, cause["step"])
            inputs = {*(f"in|{cause['node']}|{index}" for index in range(3)), f"logits|{cause['node']}|in1"}
            arrays = trace.read_arrays(file, inputs) if file.exists() else {}
            apart = parts(self.session, cause["phase"], cause["variable"], cause["node"], arrays)
            shown.append({**exhibit(self.session, **cause), "parts": apart})
        return shown

    def _in_float64(self) -> Session:
        self.draws.without_data = True
        try:
            session = self._session(self.maps[2])
        finally:
            self.draws.without_data = False
        if self.maps[0]:
            self._rename(session)
        return session


def framework_class(model: Any) -> str:
    """The class of Keras that a model's own class comes from."""
    for base in type(model).__mro__:
        if base.__module__.split(".")[0] in {"keras", "tf_keras"}:
            return f"{base.__module__}.{base.__name__}"
    return type(model).__module__


def main() -> None:
    """Answer requests until stdin closes."""
    end_with_parent()
    process = Process(sys.argv[1], int(sys.argv[2]))
    process.say(progress="started")
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # a program's input() must not take the requests
    for line in requests:
        request = json.loads(line)
        trace.WROTE.clear()
        try:
            done = getattr(process, request.pop("do"))(**request)
        except (Exception, SystemExit) as error:
            process.say(failed=failure(error, process.sources))
        else:
            process.say(done=done, wrote=sorted(set(trace.WROTE)))


if __name__ == "__main__":
    main()
