"""The conductor: subject -> two side processes -> traces -> match -> noise -> locate -> explain -> verdict.

In: Options from the command line. Out: the verdict as plain data, with its files in a folder. Imports no framework;
everything that needs one is asked of the side processes. Called by the command `compare`.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from kparity import evaluations, natural, replays, subjects, trace
from kparity.analysis import feeding, further, locate, match, merging, observe, outset, rewrites, wiring
from kparity.analysis.calls import Calls, of_predictions
from kparity.analysis.curves import accuracy
from kparity.analysis.explain import Explainer
from kparity.analysis.further import Parting
from kparity.analysis.locate import Cause
from kparity.analysis.match import Pairing
from kparity.analysis.observe import Observations, StepRecord
from kparity.analysis.onset import parted_at_once, parting_steps, sudden_steps
from kparity.analysis.rewrites import Region
from kparity.analysis.verdict import (
    SeedResult,
    at_callbacks,
    at_metrics,
    at_rates,
    compiled_apart,
    conclude,
    curves_of,
    eager_only,
    empty,
    ends_apart,
    fail,
    moved_as,
    not_finite,
    not_proven,
    other_tensorflows,
    partial,
    repeated_in_part,
    stopped,
    touched,
    unmatched,
    unread,
    unshared,
    write_map,
    written,
)
from kparity.beside import FEWEST, affordable, chosen_steps, repeated_first, side_by_side, size_of, tidy
from kparity.counterfactual import independent, prove
from kparity.dating import dated
from kparity.exhibits import show
from kparity.options import Options
from kparity.replays import CANDIDATE, REFERENCE
from kparity.resume import Noted, Notes
from kparity.rulebook import Rule, rules
from kparity.runtime.failed import SideFailed, Watch, failure_of, reserved
from kparity.runtime.sides import Told, started
from kparity.shares import apart, known_noise, matters, proven_compiled, shares, stand_ins
from kparity.subjects import Code
from kparity.trace import parse

GRACE = 120.0
"""Seconds that the other side may still take for its request after one has failed."""
NO_RERUN: dict[str, Any] = {"curves": {}, "validation": {}}
"""What stands for the answer of a training one ulp away that there isn't."""
SMALL, MARKED = 10_000, 4
"""Elements of a weight that is marked while callbacks are judged, and about how many are."""
ULP_MOVE = 1
"""Key of the one-ulp moves of the rerun's weights."""


@dataclass
class _Run:
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


def compare(options: Options, told: Told) -> dict[str, Any]:
    """Run the comparison and return its verdict; whatever ends it early makes the verdict `error`, not an exception.

    Leaves map.parquet, logs, notes, and the trace in `options.folder`. Raises OSError where the folder can't be
    written, and RuleError.
    """
    begun = time.monotonic()
    book = () if options.twin else rules()
    options.folder.mkdir(parents=True, exist_ok=True)
    verdict = empty(options)
    about: list[str] = []
    watch = Watch(told, options.steps)
    notes: Notes | None = None
    with reserved(options.folder), ExitStack() as stack:
        try:
            pool = stack.enter_context(ThreadPoolExecutor(2))
            sides = [stack.enter_context(side) for side in started(options, (REFERENCE, CANDIDATE), watch)]
            codes = _codes(options, verdict, about)  # the sides import their Keras meanwhile
            notes = Notes(options, {file for code in codes for file in code.files})
            run = _Run(options, watch, pool, notes.wrap(sides[0]), notes.wrap(sides[1]), book, notes.results)
            _load(run, verdict, codes)
            about += other_tensorflows(verdict["sides"])
            notes.frameworks(verdict["sides"])
            if options.natural:
                natural.run(run.both, run.say, (run.reference, run.candidate), options, notes, verdict)
            else:
                conclude(verdict, notes.seeds(options.seeds, verdict, lambda seed: _one_seed(run, verdict, seed)))
            run.say("")
            verdict["cost"]["stages"] = run.stages
        except BaseException as error:
            failed = failure_of(error, options.folder)
            if notes is not None:
                partial(verdict, notes.results(), notes.trained())
            fail(verdict, failed, CANDIDATE, str(watch))
    verdict["notes"] = [*about, *(notes.told() if notes is not None else []), *verdict["notes"]]
    verdict["cost"] |= {"seconds": round(time.monotonic() - begun, 2), "trace_bytes": size_of(options.folder / "trace")}
    return verdict


def _codes(options: Options, verdict: dict[str, Any], notes: list[str]) -> tuple[Code, Code]:
    """What the two sides run. Keras 3: another file, the same, or the same as `migrate` would leave it."""
    left, here = subjects.reference(options.subject, options.module, options.legacy_rev, options.folder, notes)
    if options.against is not None:
        return left, Code(options.against, options.against, options.against.absolute().parent)
    if options.twin or not options.migrate or options.legacy_rev is not None:
        return left, here
    shutil.rmtree(options.folder / "keras3", ignore_errors=True)
    return left, subjects.migrated(here, options.folder, verdict["migration"])


def _load(run: _Run, verdict: dict[str, Any], codes: tuple[Code, Code]) -> None:
    options = run.options
    run.say("importing Keras and the model file")
    left, right = (
        code.request(options.model, options.data, options.arguments) | {"natural": options.natural} for code in codes
    )
    ours, theirs = run.both(lambda: run.reference.ask("load", **left), lambda: run.candidate.ask("load", **right))
    verdict["sides"] = {REFERENCE: ours, CANDIDATE: theirs}
    for side, identity in ((run.reference, ours), (run.candidate, theirs)):
        side.check(identity)


@dataclass(frozen=True)
class _Pair:
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
class _Trained:
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


def _one_seed(run: _Run, verdict: dict[str, Any], seed: int) -> SeedResult:
    pair = _build(run, verdict, seed)
    ours, theirs = _both_trained(run, pair)
    here = further.leave(pair.folder, ours, theirs)
    if (result := _further_seed(run, verdict, pair, ours, theirs, here)) is not None:
        return result
    trained = _replayed(run, pair, ours, theirs)
    names = ("Keras 2", "the other side" if run.options.twin else "Keras 3")
    layers, known = pair.pairing.layers, {finding["rule"] for finding in verdict["migration"]}
    explainer = Explainer(pair.left, pair.right, layers, run.rules, names, trained.calls, known)
    found, notes = _judge(run, pair, trained, explainer)
    rerun, inert, validation = _rerun(run, pair, trained, found)
    sides = (ours, theirs, rerun)
    stats = [_stats(pair.folder, name) for name in (REFERENCE, CANDIDATE, "noise")]
    keys = [side["keys"] for side in sides]
    noise = _first_apart(pair.folder, "noise")
    parting = parting_steps(stats, keys, [record.step for record in trained.records], bool(found))
    if parting:
        trained.records.extend(_in_between(run, pair.folder, trained, step) for step in parting)
        trained.records.sort(key=lambda record: record.step)
        found, notes = _judge(run, pair, trained, explainer)
    curves = curves_of(*sides)
    write_map(run.options.folder / "map.parquet", stats, keys, pair.trainable, pair.owners)
    seconds = [round(side["seconds"], 2) for side in sides]
    verdict["cost"]["training_seconds"] = dict(zip((REFERENCE, CANDIDATE, "noise"), seconds, strict=True))
    verdict["cost"]["inert"] = {REFERENCE: inert, CANDIDATE: trained.inert}
    notes += repeated_in_part(rerun, run.options.steps, accuracy(curves["metrics"]))
    notes += eager_only(trained.compiled, noise) + touched(verdict["cost"]["inert"])
    exact, steps = ours["exact"] and theirs["exact"], run.options.steps

    def validated(turn: int) -> dict[str, float]:
        return evaluations.validation_of(run.reference.ask, pair.folder, steps, pair.left["uneven"], turn)

    at_once = parted_at_once(stats, keys, observe.DOUBT)
    compiled = [] if found else compiled_apart(_first_apart(pair.folder, CANDIDATE), noise, exact, at_once)
    reported: list[Cause] = []
    if validation and not compiled and pair.left["validation"] == pair.right["validation"]:
        # what evaluates is compiled, too: where that alone makes a difference, it is told already
        first = ours["validation"] or validated(1)
        reported = evaluations.validated(first, validation, lambda: validated(2), exact, steps, found)
    if not compiled and not reported and not pair.left["looped"]:
        asks = (run.reference.ask, run.candidate.ask)
        reported = evaluations.predicted(run.both, asks, pair.folder, steps, exact, found, notes)
    reported += _fed(run, pair, found)
    doubts = [] if found or reported else [*ends_apart(curves), *compiled]
    told = [explainer.tell(cause) for cause in found]
    if found and seed == run.options.seeds[0]:
        asks = (run.reference.ask, run.candidate.ask)
        steps_replayed = [record.step for record in trained.records]
        show(run.both, asks, pair.folder, run.options.folder / "repro", found, told, steps_replayed)
    if found and not pair.left["looped"] and matters(accuracy(curves["metrics"])):
        run.say("training again with one cause after the other taken back")
        found_shares, end = shares(*_taken_back(run, pair, trained, found, curves))
        for cause, share in zip(told, found_shares, strict=True):
            cause["share"] = share
        notes = [*([end] if end else []), *notes]
    told += [explainer.tell(cause) for cause in reported]
    verdict["cost"]["trace_peak_bytes"] = max(verdict["cost"].get("trace_peak_bytes", 0), size_of(pair.folder))
    if run.options.go_on and seed == run.options.seeds[0]:
        notes += _rest(run)
    tidy(pair.folder, trained.records)
    _used(run, verdict)
    return SeedResult(told, notes, curves, doubts)


def _fed(run: _Run, pair: _Pair, found: list[Cause]) -> list[Cause]:
    """A cause where the two `fit`s hand other data to a training step, which a known cause in the data doesn't explain.

    Asked last, and of a single seed: data may remember how often they were gone through.
    """
    if pair.left["looped"] or len(run.options.seeds) > 1 or any(cause.phase == "data" for cause in found):
        return []
    steps = run.options.steps
    ours, theirs = run.both(
        lambda: run.reference.ask("fed", steps=steps), lambda: run.candidate.ask("fed", steps=steps)
    )
    if ours["raised"]:
        return []
    if theirs["raised"]:
        return [Cause("api", None, None, 0, "refused", evidence={"message": theirs["raised"]})]
    return feeding.fed(ours["epochs"], theirs["epochs"], not ours["dataset"])


def _used(run: _Run, verdict: dict[str, Any]) -> None:
    """Note what the two processes have taken up to now."""
    ours, theirs = run.reference.ask("usage"), run.candidate.ask("usage")
    for name in ("peak_mb", "cpu_seconds"):
        verdict["cost"][name] = {REFERENCE: ours[name], CANDIDATE: theirs[name]}


def _further_seed(
    run: _Run, verdict: dict[str, Any], pair: _Pair, ours: dict[str, Any], theirs: dict[str, Any], here: Parting
) -> SeedResult | None:
    """The result of a seed after the first that was only trained; None where it shows what the first did not.

    The noise of its accuracy is that of the first seed's rerun.
    """
    base = further.read(run.options.folder / "trace" / f"seed-{run.options.seeds[0]}")
    known = run.earlier()
    if not known or base is None:
        return None
    kinds = {(cause["phase"], cause["kind"]) for cause in known[0].causes}
    found = at_rates(_before(run, pair)[0], ours["curves"], theirs["curves"])
    curves = curves_of(ours, theirs, NO_RERUN)
    for name, sides in curves["metrics"].items():
        if (first := known[0].curves["metrics"].get(name)) is not None:
            sides["noise"] = moved_as(sides["legacy"], first)
    doubts = ends_apart(curves) + compiled_apart(_first_apart(pair.folder, CANDIDATE), {}, False, {})
    doubts = [] if known[0].causes else doubts
    if doubts or further.otherwise(base, here) or any((cause.phase, cause.kind) not in kinds for cause in found):
        return None
    tidy(pair.folder, [])
    _used(run, verdict)
    return SeedResult([], [], curves, [])


def _before(run: _Run, pair: _Pair) -> tuple[list[Cause], list[str]]:
    """Causes that are there before anything is trained, and notes on differences there that nothing ever looks at."""
    before = outset.initial(_state(pair.folder, REFERENCE, 0), _state(pair.folder, CANDIDATE, 0))
    idle: set[str] = set()
    if names := sorted({cause.variable for cause in before if cause.variable} - pair.trainable):
        states = [f"tensors/{name}-state-000000.safetensors" for name in (REFERENCE, CANDIDATE)]
        asked = {"names": names, "ours": states[0], "theirs": states[1]}
        sides = run.both(lambda: run.reference.ask("unread", **asked), lambda: run.candidate.ask("unread", **asked))
        idle = {*sides[0]} & {*sides[1]}
    notes = [f"`{name}` begins otherwise; neither training nor predictions look at it." for name in sorted(idle)]
    before = [cause for cause in before if cause.variable not in idle]
    before = outset.structure(pair.pairing, pair.left, pair.right) + before
    return before + outset.batches(pair.left["hashes"], pair.right["hashes"], _sketches(pair)), notes


def _taken_back(
    run: _Run, pair: _Pair, trained: _Trained, found: list[Cause], curves: dict[str, Any]
) -> tuple[Any, list[Cause], list[dict[str, Any] | None], dict[str, Any], dict[str, Any]]:
    """What `shares` takes: whom it asks, the causes and what stands in for each, the curves, the request."""
    rates = trained.ours["curves"].get("learning_rate", [])
    request = {"steps": run.options.steps, "initial": f"tensors/{REFERENCE}-state-000000.safetensors"}
    return run.candidate.ask, found, stand_ins(run.reference.ask, found, pair.owners, rates), curves, request


def _inert(run: _Run, pair: _Pair, ask: Callable[..., Any], trained: dict[str, Any]) -> dict[str, Any]:
    """Whether recording leaves as it is what the first step of a side reports, which has answered `trained`."""
    if pair.left["looped"] or pair.right["looped"]:
        return {"equal": True, "why": "nothing is recorded within the steps of a program's own loop"}
    recorded = {name: values[0] for name, values in trained["curves"].items()}
    return dict(ask("inert", initial=_training(run)["initial"], recorded=recorded))


def _rerun(
    run: _Run, pair: _Pair, trained: _Trained, found: list[Cause]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
    """Train the reference again one ulp away, and ask whether its record is inert.

    A large model is only as far as its answer is needed. Beside it the candidate validates with the reference's weights
    (returned last), and trains with the first cause taken back, if it seems to matter: for once it does, the answer is
    noted.
    """
    run.say("training again from weights one ulp away")
    asked = {**_training(run), "chosen": [], "whole": [1], "nudge": ULP_MOVE, "name": "noise"}
    curves = curves_of(trained.ours, trained.theirs, NO_RERUN)

    def same() -> dict[str, float]:
        return evaluations.validation_of(run.candidate.ask, pair.folder, run.options.steps, pair.left["uneven"])

    if (part := repeated_first(trained.step_bytes, run.options.steps)) < run.options.steps:
        partly = {**asked, "steps": part, "evaluated": False}
        rerun, validation = run.both(lambda: dict(run.reference.ask("train", **partly)), same)
        if known_noise(accuracy(curves_of(trained.ours, trained.theirs, rerun)["metrics"])):
            return rerun, _inert(run, pair, run.reference.ask, trained.ours), validation

    def again() -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(run.reference.ask("train", **asked)), _inert(run, pair, run.reference.ask, trained.ours)

    worth = found and not pair.left["looped"] and apart(accuracy(curves["metrics"]))
    first = _taken_back(run, pair, trained, found, curves) if worth else None  # asks the reference, before it trains

    def beside() -> dict[str, float]:
        validation = same()
        if first is not None:
            shares(*first, most=1)
        return validation

    (rerun, inert), validation = run.both(again, beside)
    return rerun, inert, validation


def _rest(run: _Run) -> list[str]:
    """Have both programs run what comes after their training; what they raise there is a note."""
    run.say("running what comes after the training")
    steps = run.options.steps
    said = run.both(lambda: run.reference.ask("rest", steps=steps), lambda: run.candidate.ask("rest", steps=steps))
    return [f"After the training, {name}: {text}" for name, text in zip((REFERENCE, CANDIDATE), said, strict=True)]


def _build(run: _Run, verdict: dict[str, Any], seed: int) -> _Pair:
    """Build both models, cut the batches, and have the candidate take on the reference's names."""
    options = run.options
    folder = options.folder / "trace" / f"seed-{seed}"
    build = {"seed": seed, "steps": options.steps, "batch_size": options.batch_size, "folder": str(folder.resolve())}
    run.say("building the models and cutting the batches")
    left, right = run.both(
        lambda: run.reference.ask("build", own=REFERENCE, keep_batches=True, **build),
        lambda: run.candidate.ask("build", own=CANDIDATE, keep_batches=False, **build),
    )
    if right["raised"] and not left["raised"]:
        raise run.candidate.side.failed(right["raised"])
    if left["several"] and not right["several"]:  # only one of the two training steps is Keras's own
        right |= run.candidate.ask("watch")
    elif right["several"] and not left["several"]:
        left |= run.reference.ask("watch")
    for name, told in ((REFERENCE, left), (CANDIDATE, right)):
        verdict["sides"][name] |= {key: told[key] for key in ("module", "jit_compile", "parameters")}
    pairing = match.pair(left, right)
    draws = {
        right["owners"][mine]: left["owners"][theirs]
        for mine, theirs in pairing.variables.items()
        if right["owners"].get(mine) and left["owners"].get(theirs) and right["owners"][mine] != left["owners"][theirs]
    }
    maps = {"layers": pairing.layers, "variables": pairing.variables, "names": draws}
    run.candidate.ask("align", optimizers=left["optimizers"], **maps)
    return _Pair(folder, left, right, pairing)


def _training(run: _Run) -> dict[str, Any]:
    """The request that trains a side from the reference's initial state."""
    steps = run.options.steps
    initial = f"tensors/{REFERENCE}-state-000000.safetensors"
    return {"steps": steps, "chosen": sorted(chosen_steps(steps)), "whole": [1, steps], "initial": initial}


def _both_trained(run: _Run, pair: _Pair) -> tuple[dict[str, Any], dict[str, Any]]:
    request = _training(run)
    run.say("training")
    ours, theirs = run.both(
        lambda: run.reference.ask("train", nudge=0, name=REFERENCE, **request),
        lambda: run.candidate.ask("train", nudge=0, name=CANDIDATE, **{**request, "chosen": []}),
    )
    if ours["epochs"]:
        reported = {"reported": ours["curves"], "epochs": ours["epochs"], "marked": pair.marked}
        asks = (run.reference.ask, run.candidate.ask)
        theirs["judged"] = run.both(lambda: asks[0]("follow", **reported), lambda: asks[1]("follow", **reported))
        theirs["rates"] = theirs["judged"][1]["rates"]
    return ours, theirs


def _replayed(run: _Run, pair: _Pair, ours: dict[str, Any], theirs: dict[str, Any]) -> _Trained:
    """Replay single steps of both trainings."""
    steps, folder = run.options.steps, pair.folder
    request = _training(run)
    chosen = request["chosen"]
    lasted = min(side["nonfinite_step"] or len(next(iter(side["curves"].values()), [])) for side in (ours, theirs))
    if ours["nonfinite_step"] != theirs["nonfinite_step"] and lasted not in chosen:
        chosen = sorted({*[step for step in chosen if step <= lasted], lasted})
        run.say("training again up to the step that is not finite")
        run.reference.ask("train", nudge=0, name=REFERENCE, **{**request, "steps": lasted, "chosen": chosen})
    chosen = [step for step in chosen if step <= lasted]
    chosen = _with_sudden_steps(folder, chosen, ours["keys"], theirs["keys"])

    run.say("replaying single steps")
    known = [step for step in chosen_steps(steps) if step in chosen]
    ranked = [*known[:FEWEST], *[step for step in chosen if step not in known], *known[FEWEST:]]
    looped = pair.left["looped"] or pair.right["looped"]
    inert, free, forced = side_by_side(
        run.both,
        (run.reference.ask, run.candidate.ask),
        [sorted(chosen)] if looped else [[step] for step in ranked],
        (lambda at: replays.request(at, REFERENCE), lambda at: replays.request(at, CANDIDATE)),
        lambda: _inert(run, pair, run.candidate.ask, theirs),
        lambda at: (
            chosen if looped else affordable(ranked, size_of(trace.step_file(folder, f"{REFERENCE}-replay", at)), steps)
        ),
        lambda answer: replays.measure(run.reference.ask, answer),
    )
    records = replays.records(folder, forced)
    calls = Calls(free["ran"], forced["ran"], tuple(free["order"]))
    size = size_of(trace.step_file(folder, f"{REFERENCE}-replay", records[0].step))
    return _Trained(ours, theirs, free["order"], records, free["compiled"], calls, inert, size)


def _judge(run: _Run, pair: _Pair, trained: _Trained, explainer: Explainer) -> tuple[list[Cause], list[str]]:
    """The causes in causal order, and notes on what was seen beside them."""
    notes: list[str] = list(pair.left["notes"])
    if pair.left["validation"] != pair.right["validation"]:
        notes.append("The two sides validate on different data: what they report of it can't be held together.")
    ours, theirs = trained.ours, trained.theirs
    before, kept_aside = _before(run, pair)
    before += outset.in_loops(ours["drew"], theirs["drew"])
    seen = observe.look(trained.records, trained.order, pair.trainable, pair.owners)
    again = replays.Replays(
        run.reference.ask, run.candidate.ask, run.say, pair.folder, trained.order, pair.trainable, pair.owners
    )
    seen = replays.arbitrate(again, seen, explainer, notes)
    regions = rewrites.regions(seen, pair.pairing, pair.left, pair.right, explainer.rewritten)
    seen, region = replays.settle(again, seen, regions, explainer, notes)
    metrics = pair.left["configuration"].get("metrics", {})
    means = {name for name, kind in metrics.items() if kind == "Mean"}
    found = locate.causes(
        seen,
        before,
        lambda one: explainer.state_apart(one, seen.owners),
        means,
        explainer.rewritten,
        trained.calls.reads_mask,
    )
    if explainer.configured("optimizer"):
        found = outset.lone_slots(found, _state(pair.folder, REFERENCE, 0), _state(pair.folder, CANDIDATE, 0))
    judged = {"learning_rate": theirs["rates"]} if theirs.get("rates") else {}
    found = at_rates(found, ours["curves"], theirs["curves"] | judged)
    notes += stopped(ours, theirs) + written(ours, theirs)
    found = not_finite(found, ours["nonfinite_step"], theirs["nonfinite_step"], notes)

    def recorded(step: int) -> tuple[trace.Reader, trace.Reader]:
        return replays.recorded(pair.folder, step)

    found = wiring.lone_layers(found, trained.order, pair.pairing, pair.left, pair.right, recorded)
    found = wiring.rewired(found, recorded)
    found = merging.merge(found, explainer.classes, explainer.layer_changes)
    found = dated(
        found,
        trained.records,
        lambda step: _in_between(run, pair.folder, trained, step, region),
        trained.order,
        pair.owners,
        pair.trainable,
    )
    found = at_metrics([_with_predictions(pair.folder, cause) for cause in found], ours["curves"], theirs["curves"])
    later, shown = _evaluated(run, pair, trained, explainer, seen, region, means, notes)
    found = _prove(run, pair, trained, found, seen if shown is None else evaluations.without_predictions(seen), region)
    if any(cause.kind == "draws" for cause in found) and not pair.left["looped"]:
        alone = curves_of(ours, theirs, NO_RERUN)
        found = proven_compiled(*_taken_back(run, pair, trained, found, alone))
    found, consequences = independent(found)
    if shown is not None:
        later = _prove(run, pair, trained, later, shown, region, evaluations.WHAT, beside=found)
        later, more = independent(later)
        found, consequences = [*found, *later], [*consequences, *more]
    found = at_callbacks(found, theirs.get("judged"))
    notes += [*not_proven(found), *consequences]
    notes += unread(seen.idle) + kept_aside
    notes += unshared(ours["curves"], theirs["curves"])
    notes += unmatched(pair.pairing, pair.left, pair.right)
    return found, notes


def _in_between(run: _Run, folder: Path, trained: _Trained, step: int, region: Region = replays.NOTHING) -> StepRecord:
    """Replay one more step on both sides, and measure its noise."""
    run.say("replaying steps in between, to find and date what begins late")
    _put_forward(folder, step, [record.step for record in trained.records])
    run.reference.ask("replay", **replays.request([step], REFERENCE))
    forced = run.candidate.ask("replay", **replays.request([step], CANDIDATE, region=region))
    replays.measure(run.reference.ask, forced, region)
    return replays.records(folder, forced, region)[0]


def _evaluated(
    run: _Run,
    pair: _Pair,
    trained: _Trained,
    explainer: Explainer,
    seen: Observations,
    region: Region,
    means: set[str],
    notes: list[str],
) -> tuple[list[Cause], Observations | None]:
    """The causes that no step of training shows and an evaluation does, and what that showed; None if nothing."""
    sides = (run.reference.ask, run.candidate.ask)
    again = replays.Replays(*sides, run.say, pair.folder, trained.order, pair.trainable, pair.owners, evaluations.WHAT)
    steps, reads = [record.step for record in trained.records], trained.calls.reads_mask
    if pair.left["looped"] or pair.right["looped"]:
        steps = steps[:2]  # a program is run anew up to them
    return evaluations.only_evaluated(again, seen, steps, explainer, notes, region, means, reads)


def _prove(
    run: _Run,
    pair: _Pair,
    trained: _Trained,
    found: list[Cause],
    seen: Observations,
    region: Region,
    what: str = "replay",
    beside: Sequence[Cause] = (),
) -> list[Cause]:
    """Have the counterfactuals of the causes run; one that fails for itself leaves its causes unproven."""
    if not found:
        return found
    run.say("taking each cause back, to prove it")
    records = trained.records if what == "replay" else seen.records
    steps = [record.step for record in records]
    sides = (run.reference.ask, run.candidate.ask)
    lone = [parse(key) for record in records for key in record.lone]
    calls = {key.owner for key in lone if key.kind == "dy"}
    order = trained.order if what == "replay" else seen.order
    parts = (order, pair.owners, pair.trainable, seen.roundoff, calls, region, what, beside)
    try:
        return prove(run.both, sides, pair.folder, found, steps, *parts)
    except SideFailed as failed:
        if failed.kind in {"died", "hung"}:
            raise
        return [replace(cause, unproven=f"The counterfactual failed: {failed.message}") for cause in found]


def _with_predictions(folder: Path, cause: Cause) -> Cause:
    """Note of a cause in the loss what it was given."""
    if cause.phase != "loss" or not cause.step:
        return cause
    arrays = trace.Reader(trace.step_file(folder, f"{REFERENCE}-replay", cause.step))
    return replace(cause, evidence={**cause.evidence, "with": of_predictions(arrays)})


def _sketches(pair: _Pair) -> Any:
    """What both sides noted of batches that a model's predictions are part of; None where none are."""
    left, right = pair.left["sketches"], pair.right["sketches"]
    return (left, right) if left and right else None


def _state(folder: Path, name: str, step: int) -> trace.Reader:
    return trace.Reader(trace.step_file(folder, f"{name}-state", step))


def _with_sudden_steps(folder: Path, chosen: list[int], ours: list[str], theirs: list[str]) -> list[int]:
    """Add steps at which the two runs part suddenly, with a state to replay them from.

    A step is judged alone, so any state on the way serves: the last saved one, with the count of steps put forward.
    """
    left, right = (_stats(folder, name) for name in (REFERENCE, CANDIDATE))
    added = sudden_steps(left, right, (ours, theirs), chosen)
    for step in added:
        _put_forward(folder, step, chosen)
    return sorted({*chosen, *added})


def _put_forward(folder: Path, step: int, saved: list[int]) -> None:
    """Make a state for a step of the last one that was saved before it."""
    state = dict(_state(folder, REFERENCE, max(known for known in saved if known < step)))
    for key in [key for key in state if key.split("#")[0] == "slot||iterations"]:
        state[key] = np.full_like(state[key], step - 1)
    trace.write_arrays(trace.step_file(folder, f"{REFERENCE}-state", step), state)


def _first_apart(folder: Path, name: str) -> dict[str, float]:
    """How far the compiled first step of a run is from the reference's, by weight and loss."""
    ours, theirs = (trace.Reader(trace.step_file(folder, f"{side}-graph", 1)) for side in (REFERENCE, name))
    return trace.apart(ours, theirs)


def _stats(folder: Path, name: str) -> np.ndarray:
    return trace.read_arrays(trace.step_file(folder, f"{name}-stats", 0))["stats"]
