"""The conductor: subject -> two side processes -> traces -> match -> noise -> locate -> explain -> verdict.

In: Options from the command line. Out: the verdict as plain data, with its files in a folder. Imports no framework;
everything that needs one is asked of the side processes. Called by the command `compare`.
"""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from kparity import evaluations, natural, subjects
from kparity.analysis import feeding, further, observe, outset
from kparity.analysis.curves import accuracy
from kparity.analysis.explain import Explainer
from kparity.analysis.further import Parting
from kparity.analysis.locate import Cause
from kparity.analysis.onset import parted_at_once, parting_steps
from kparity.analysis.verdict import (
    SeedResult,
    at_rates,
    compiled_apart,
    conclude,
    curves_of,
    eager_only,
    empty,
    ends_apart,
    fail,
    moved_as,
    other_tensorflows,
    partial,
    repeated_in_part,
    touched,
    write_map,
)
from kparity.beside import repeated_first, size_of, tidy
from kparity.exhibits import show, show_fit
from kparity.judgement import at_the_outset, judge
from kparity.options import Options
from kparity.replays import CANDIDATE, REFERENCE
from kparity.resume import Notes
from kparity.rulebook import rules
from kparity.runtime.failed import Watch, failure_of, reserved
from kparity.runtime.sides import Told, started
from kparity.shares import matters, of_order, shares
from kparity.subjects import Code
from kparity.trainings import (
    NO_RERUN,
    both_trained,
    build_both,
    first_apart,
    from_start,
    in_between,
    replayed,
    taken_back,
    trained_again,
)
from kparity.under_way import Pair, Run, stats_of


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
            run = Run(options, watch, pool, notes.wrap(sides[0]), notes.wrap(sides[1]), book, notes.results)
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


def _load(run: Run, verdict: dict[str, Any], codes: tuple[Code, Code]) -> None:
    options = run.options
    run.say("importing Keras and the model file")
    left, right = (
        code.request(options.model, options.data, options.arguments) | {"natural": options.natural} for code in codes
    )
    ours, theirs = run.both(lambda: run.reference.ask("load", **left), lambda: run.candidate.ask("load", **right))
    verdict["sides"] = {REFERENCE: ours, CANDIDATE: theirs}
    for side, identity in ((run.reference, ours), (run.candidate, theirs)):
        side.check(identity)


def _one_seed(run: Run, verdict: dict[str, Any], seed: int) -> SeedResult:
    pair = build_both(run, verdict, seed)
    ours, theirs = both_trained(run, pair)
    here = further.leave(pair.folder, ours, theirs)
    if (result := _further_seed(run, verdict, pair, ours, theirs, here)) is not None:
        return result
    trained = replayed(run, pair, ours, theirs)
    names = ("Keras 2", "the other side" if run.options.twin else "Keras 3")
    layers, known = pair.pairing.layers, {finding["rule"] for finding in verdict["migration"]}
    explainer = Explainer(pair.left, pair.right, layers, run.rules, names, trained.calls, known)
    found, notes = judge(run, pair, trained, explainer)
    rerun, inert, validation = trained_again(run, pair, trained, found)
    sides = (ours, theirs, rerun)
    stats = [stats_of(pair.folder, name) for name in (REFERENCE, CANDIDATE, "noise")]
    keys = [side["keys"] for side in sides]
    noise = first_apart(pair.folder, "noise")
    parting = parting_steps(stats, keys, [record.step for record in trained.records], bool(found))
    if parting:
        trained.records.extend(in_between(run, pair.folder, trained, step) for step in parting)
        trained.records.sort(key=lambda record: record.step)
        found, notes = judge(run, pair, trained, explainer)
    curves = curves_of(*sides)
    write_map(run.options.folder / "map.parquet", stats, keys, pair.trainable, pair.owners)
    seconds = [round(side["seconds"], 2) for side in sides]
    verdict["cost"]["training_seconds"] = dict(zip((REFERENCE, CANDIDATE, "noise"), seconds, strict=True))
    verdict["cost"]["inert"] = {REFERENCE: inert, CANDIDATE: trained.inert}
    notes += repeated_in_part(rerun, run.options.steps, accuracy(curves["metrics"]))
    notes += eager_only(trained.compiled, noise) + touched(verdict["cost"]["inert"])
    exact, at_once = ours["exact"] and theirs["exact"], parted_at_once(stats, keys, observe.DOUBT)
    compiled = [] if found else compiled_apart(first_apart(pair.folder, CANDIDATE), noise, exact, at_once)
    reported = _fed(run, pair, found)
    elsewhere = [*found, *(cause for cause in reported if cause.evidence.get("what") in {"sizes", "rows"})]
    if not compiled:
        reported += _outside(run, pair, elsewhere, (ours["validation"], validation), exact, notes)
    doubts = [] if found or reported else [*ends_apart(curves), *compiled]
    told = [explainer.tell(cause) for cause in found]
    if found and seed == run.options.seeds[0]:
        asks = (run.reference.ask, run.candidate.ask)
        steps_replayed = [record.step for record in trained.records]
        show(run.both, asks, pair.folder, run.options.folder / "repro", found, told, steps_replayed)
    if found and not pair.left["looped"] and matters(accuracy(curves["metrics"])):
        run.say("training again with one cause after the other taken back")
        found_shares, end = shares(*taken_back(run, pair, trained, found, curves))
        for cause, share in zip(told, found_shares, strict=True):
            cause["share"] = share
        notes = [*([end] if end else []), *notes]
    for one in reported:
        told.append(explainer.tell(one))
        if one.kind in {"fed", "refused"}:
            show_fit(run.reference.ask, pair.folder, run.options.folder / "repro", len(told), told[-1])
        if one.evidence.get("epoch") and repeated_first(trained.step_bytes, run.options.steps) == run.options.steps:
            run.say("training again in the order of its own fit")
            told[-1]["share"], end = of_order(run.candidate.ask, one, curves, from_start(run))
            notes += [end] if end else []
    verdict["cost"]["trace_peak_bytes"] = max(verdict["cost"].get("trace_peak_bytes", 0), size_of(pair.folder))
    if run.options.go_on and seed == run.options.seeds[0]:
        notes += _rest(run)
    tidy(pair.folder, trained.records)
    _used(run, verdict)
    return SeedResult(told, notes, curves, doubts)


def _outside(
    run: Run,
    pair: Pair,
    found: list[Cause],
    validation: tuple[dict[str, float], dict[str, float]],
    exact: bool,
    notes: list[str],
) -> list[Cause]:
    """Causes in what the model reports and predicts with the weights that the reference's training left.

    `validation`: what that reported, and the candidate with these weights. Not asked where what is compiled differs by
    itself: evaluations are compiled, too.
    """
    asks, steps = (run.reference.ask, run.candidate.ask), run.options.steps

    def validated(turn: int) -> dict[str, float]:
        return evaluations.validation_of(asks[0], pair.folder, steps, pair.left["uneven"], turn)

    ours, theirs = validation
    if theirs and outset.same_validation(pair.left, pair.right):
        ours = ours or validated(1)
        if reported := evaluations.validated(ours, theirs, lambda: validated(2), exact, steps, found):
            return reported
    if pair.left["looped"]:
        return []
    return evaluations.predicted(run.both, asks, pair.folder, steps, exact, found, notes)


def _fed(run: Run, pair: Pair, found: list[Cause]) -> list[Cause]:
    """A cause where the two `fit`s hand other data to a training step, which a known cause in the data doesn't explain.

    Asked of a single seed, when no more batches are cut: data may remember how often they were gone through.
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
        return [Cause("api", None, None, 0, "refused", evidence={"message": theirs["raised"]}, proven=True)]
    exact = pair.left["hashes"] == pair.right["hashes"]
    return feeding.fed(ours["epochs"], theirs["epochs"], not ours["dataset"], exact)


def _used(run: Run, verdict: dict[str, Any]) -> None:
    """Note what the two processes have taken up to now."""
    ours, theirs = run.reference.ask("usage"), run.candidate.ask("usage")
    for name in ("peak_mb", "cpu_seconds"):
        verdict["cost"][name] = {REFERENCE: ours[name], CANDIDATE: theirs[name]}


def _further_seed(
    run: Run, verdict: dict[str, Any], pair: Pair, ours: dict[str, Any], theirs: dict[str, Any], here: Parting
) -> SeedResult | None:
    """The result of a seed after the first that was only trained; None where it shows what the first did not.

    The noise of its accuracy is that of the first seed's rerun.
    """
    base = further.read(run.options.folder / "trace" / f"seed-{run.options.seeds[0]}")
    known = run.earlier()
    if not known or base is None:
        return None
    kinds = {(cause["phase"], cause["kind"]) for cause in known[0].causes}
    found = at_rates(at_the_outset(run, pair)[0], ours["curves"], theirs["curves"])
    curves = curves_of(ours, theirs, NO_RERUN)
    for name, sides in curves["metrics"].items():
        if (first := known[0].curves["metrics"].get(name)) is not None:
            sides["noise"] = moved_as(sides["legacy"], first)
    doubts = ends_apart(curves) + compiled_apart(first_apart(pair.folder, CANDIDATE), {}, False, {})
    doubts = [] if known[0].causes else doubts
    if doubts or further.otherwise(base, here) or any((cause.phase, cause.kind) not in kinds for cause in found):
        return None
    tidy(pair.folder, [])
    _used(run, verdict)
    return SeedResult([], [], curves, [])


def _rest(run: Run) -> list[str]:
    """Have both programs run what comes after their training; what they raise there is a note."""
    run.say("running what comes after the training")
    steps = run.options.steps
    said = run.both(lambda: run.reference.ask("rest", steps=steps), lambda: run.candidate.ask("rest", steps=steps))
    return [f"After the training, {name}: {text}" for name, text in zip((REFERENCE, CANDIDATE), said, strict=True)]
