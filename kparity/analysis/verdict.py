"""From causes, curves and notes to the verdict that verdict.json holds.

In: what locate and explain found, what the sides answered, a side's failure. Out: plain data. Called by compare, which
runs the sides; nothing here does. The fields are documented in the README and in report/verdict.schema.json.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.analysis.curves import accuracy
from kparity.analysis.locate import Cause
from kparity.analysis.match import Pairing
from kparity.analysis.merging import rank
from kparity.analysis.observe import CERTAIN, DOUBT, Seen, phase_of
from kparity.analysis.onset import apart, lasting
from kparity.findings import PHASES
from kparity.options import Options
from kparity.runtime.failed import CUT, SideFailed
from kparity.trace import COMPILED, COMPILED_LOSS


def empty(options: Options) -> dict[str, Any]:
    """A verdict before anything is known: an error until concluded."""
    return {
        "schema": 1,
        "verdict": "error",
        "subject": f"-m {options.module}" if options.module else str(options.subject),
        "steps": options.steps,
        "seeds": list(options.seeds),
        "sides": {},
        "causes": [],
        "accuracy": None,
        "curves": None,
        "error": None,
        "notes": [],
        "migration": [],
        "cost": {},
    }


def unfinished(options: Options) -> dict[str, Any]:
    """The verdict that stands until there is another: of a comparison that is still running, or was killed."""
    verdict = empty(options)
    why = "It has not finished: either it is still running, or it was killed before it could report"
    fail(verdict, SideFailed("kparity", "interrupted", why), "keras3", "")
    return verdict


@dataclass(frozen=True)
class SeedResult:
    """What one seed gave. `doubts` speak against `equivalent` where there are no causes."""

    causes: list[dict[str, Any]]
    notes: list[str]
    curves: dict[str, Any]
    doubts: list[str]


def at_rates(found: list[Cause], ours: dict[str, Any], theirs: dict[str, Any]) -> list[Cause]:
    """Date a learning-rate cause by the curves, which hold the rate of every step."""
    left, right = ours.get("learning_rate", []), theirs.get("learning_rate", [])
    apart = [step for step, (a, b) in enumerate(zip(left, right, strict=False), 1) if abs(a - b) > 1e-5 * abs(a)]
    if not apart:
        return found
    step = apart[0]
    evidence = {"rates": (left[step - 1], right[step - 1])}
    error = abs(right[step - 1] / left[step - 1] - 1) if left[step - 1] else float("inf")
    rest = [cause for cause in found if cause.variable != "learning_rate"]
    floor = float(np.finfo(np.float32).eps) / 2
    rate = Cause("optimizer", None, "learning_rate", step, "numbers", error, floor, error / floor, -1, (), evidence)
    at = next((i for i, cause in enumerate(rest) if rank(cause) >= rank(rate)), len(rest))
    return [*rest[:at], rate, *rest[at:]]


def at_callbacks(found: list[Cause], judged: Sequence[Mapping[str, Any]] | None) -> list[Cause]:
    """Add a cause where the two sides' callbacks do not do the same when they are told the same numbers, the
    reference's: they end the training after other steps, or leave other weights. Proven by that: nothing else was
    different. `judged`: each side's `callbacks.Judged`."""
    if judged is None:
        return found
    ends = [one["end"] for one in judged]
    if ends[0] != ends[1]:
        step = min(end for end in ends if end is not None)
        return [Cause("config", None, None, step, "stopped", evidence={"ends": ends}, proven=True), *found]
    ours, theirs = ({int(step): marks for step, marks in one["left"].items()} for one in judged)
    for step in sorted({*ours, *theirs}):
        marks = left, right = ours.get(step), theirs.get(step)
        if left is None or right is None or not np.allclose(left, right, rtol=1e-4):
            return [Cause("config", None, None, step, "weights", evidence={"marks": marks}, proven=True), *found]
    return found


def at_metrics(found: list[Cause], ours: dict[str, Any], theirs: dict[str, Any]) -> list[Cause]:
    """Date causes of reported numbers by the curves, where these agree at the replayed step.

    A metric's own state is not brought back for a replay: one that isn't reset has seen the whole training by then.
    """
    told = []
    for cause in found:
        left, right = ours.get(cause.variable or "", []), theirs.get(cause.variable or "", [])
        least = max(1e-5, 0.01 * min(cause.local_error or 0.0, 1.0))
        apart = [step for step, (a, b) in enumerate(zip(left, right, strict=False), 1) if abs(a - b) > least * abs(a)]
        later = [step for step in apart if step > (cause.step or 0)]
        if cause.phase == "metric" and cause.step not in apart and later:
            cause = replace(cause, step=later[0])
        told.append(cause)
    return told


def unshared(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Reported numbers that only one side has a name for."""
    sides = (("Keras 2", ours, theirs), ("Keras 3", theirs, ours))
    lone = {side: [name for name in own if name not in other] for side, own, other in sides}
    return [f"{side} alone reports `{'`, `'.join(names)}`." for side, names in lone.items() if names]


def not_finite(found: list[Cause], ours: int | None, theirs: int | None, notes: list[str]) -> list[Cause]:
    if ours is not None and ours == theirs:
        notes.append(f"The loss stops being finite at step {ours} on both sides: compared up to there.")
    elif ours != theirs and not found:
        step = min(step for step in (ours, theirs) if step is not None)
        return [Cause("loss", None, None, step, "nan", evidence={"kinds": []})]
    return found


def stopped(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What callbacks did otherwise in two trainings that drift apart by round-off: no cause by itself."""
    notes = []
    lengths = [len(next(iter(side["curves"].values()), [])) for side in (ours, theirs)]
    if lengths[0] != lengths[1]:
        notes.append(
            f"The trainings ended after step {lengths[0]} in Keras 2 and {lengths[1]} in Keras 3; compared up to the "
            "first."
        )
    rates, judged = theirs["curves"].get("learning_rate", []), theirs.get("rates") or []
    apart = [step for step, (own, a) in enumerate(zip(rates, judged, strict=False), 1) if abs(own - a) > 1e-5 * abs(a)]
    if apart:
        notes.append(
            f"From step {apart[0]} on a callback set another learning rate in the two trainings because the values "
            "that it reads had drifted apart; on the same values it sets the rates that the steps were judged with."
        )
    return notes


def written(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What a program that was run, several times, has left in the user's folder."""
    files = sorted({*ours["wrote"], *theirs["wrote"]})
    if not files:
        return []
    more = f" and {len(files) - 5} more" if len(files) > 5 else ""
    return [f"Running the program wrote {', '.join(files[:5])}{more}, as it does by itself, once for every run of it."]


def not_proven(found: list[Cause]) -> list[str]:
    """Why counterfactuals did not prove what they did not prove."""
    return [
        f"Not proven: {cause.phase} `{cause.variable or cause.layer or 'of the model'}`. {cause.unproven}"
        for cause in found
        if cause.unproven
    ]


def unread(idle: list[Seen]) -> list[str]:
    told: dict[str, float] = {}
    for seen in idle:
        told[seen.key.owner] = max(told.get(seen.key.owner, 0.0), seen.gap.error)
    return [
        f"`{owner}` differs ({error:.1%}) only where training never looks, such as behind a mask; it matters only to "
        "code that reads those outputs."
        for owner, error in told.items()
    ]


def eager_only(compiled: Mapping[str, Mapping[str, float]], noise: Mapping[str, float]) -> list[str]:
    """`compiled`: by step, what the reference's compiled and eager step differ in. `noise`: of its compiled first step
    and that from weights one ulp away."""
    sizes = [_above(errors, noise) for errors in compiled.values()]
    error, key = max(sizes, default=(0.0, ""))
    if not key:
        return []
    return [f"Keras 2 itself computes another `{key}` compiled than eagerly ({error:.1%}); replays are eager."]


def other_tensorflows(sides: dict[str, Any]) -> list[str]:
    """That the sides run on different TensorFlows, which a difference may come from as well."""
    theirs = [side["tensorflow"] for side in sides.values()]
    if len(set(theirs)) == 1:
        return []
    return [
        f"The sides run on different TensorFlows, {theirs[0]} and {theirs[1]}: what its kernels compute otherwise "
        "counts as a difference of Keras here."
    ]


def cancelled(vanished: list[Seen]) -> list[str]:
    """A note on differences far above the noise that are none in float64: digits lost where a sum cancels."""
    lost = [one for one in vanished if one.gap.ratio >= CERTAIN]
    if not lost:
        return []
    worst = max(lost, key=lambda one: one.gap.error)
    return [
        f"The gradient of `{worst.key.owner}` differs by {worst.gap.error:.1%} in float32 and not in float64: the same "
        "formula, but its sums cancel, and the order of operations decides how many digits are left. No cause."
    ]


def touched(inert: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where the record is not inert: what the first step reports with it and without."""
    notes = []
    for side, told in inert.items():
        pairs = [
            f"{name} {with_it!r} with it, {without!r} without"
            for name, (with_it, without) in told.get("differ", {}).items()
        ]
        if pairs:
            notes.append(f"Recording changes what the first step of {side} reports: {'; '.join(pairs)}.")
        elif told["equal"] is None:
            notes.append(f"Whether recording changes the training of {side} is not known: {told['why']}.")
    return notes


def unmatched(pairing: Pairing, left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    with_weights = {variable["layer"] for side in (left, right) for variable in side["variables"]}
    lone = [layer["path"] for layer in right["layers"] if layer["path"] not in pairing.layers]
    lone = [path for path in lone if path in with_weights]
    return [f"Layer `{path}` of the Keras 3 side has no partner." for path in lone]


def _above(errors: Mapping[str, float], noise: Mapping[str, float], of_losses: float = COMPILED) -> tuple[float, str]:
    """The largest difference of compiled steps that says something, and its key. `of_losses`: from where a loss does.

    A bias in front of a batch normalization has no gradient but round-off, so all of it is after a step from zero.
    """
    least = {key: of_losses if trace.parse(key).kind == "total" else COMPILED for key in errors}
    told = {key: error for key, error in errors.items() if error > max(least[key], DOUBT * noise.get(key, 0.0))}
    return max(((error, key) for key, error in told.items()), default=(0.0, ""))


def curves_of(ours: dict[str, Any], theirs: dict[str, Any], rerun: dict[str, Any]) -> dict[str, Any]:
    sides = {"legacy": ours, "keras3": theirs, "noise": rerun}
    steps = max((len(values) for side in sides.values() for values in side["curves"].values()), default=0)

    def padded(values: list[float]) -> list[float | None]:
        return [*values, *[None] * (steps - len(values))]

    names = [name for name in ours["curves"] if name in theirs["curves"]]
    metrics = {name: {key: padded(side["curves"].get(name, [])) for key, side in sides.items()} for name in names}
    for name in ours["validation"]:
        if name in theirs["validation"]:
            metrics[name] = {key: [*[None] * (steps - 1), side["validation"].get(name)] for key, side in sides.items()}
    return {"steps": list(range(1, steps + 1)), "metrics": metrics}


def repeated_in_part(rerun: Mapping[str, Any], steps: int, end: Mapping[str, Any] | None) -> list[str]:
    """A note on a training one ulp away that is not whole because no more of it was needed. `end`: the accuracies."""
    if rerun["evaluated"]:
        return []
    done = max(map(len, rerun["curves"].values()), default=0)
    why = "no accuracy is reported that is held against its end"
    if end is not None:
        why = "round-off had taken it further by then than the final accuracies are apart"
    return [f"Keras 2 was trained again, one ulp away, for {done} of {steps} steps: {why}."]


def moved_as(curve: Sequence[float | None], first: Mapping[str, Sequence[float | None]]) -> list[float | None]:
    """A curve as a rerun one ulp away would have left it, were it moved as the first seed's was."""
    moves = zip(curve, first["legacy"], first["noise"], strict=False)
    return [None if None in (here, own, other) else here + other - own for here, own, other in moves]  # type: ignore[operator]


def ends_apart(curves: dict[str, Any]) -> list[str]:
    """What speaks against `equivalent` in the final accuracies although no replayed step showed a cause."""
    end = accuracy(curves["metrics"])
    if end is None or abs(float(end["difference"])) <= max(0.05, 5 * float(end["noise"])):
        return []
    return [
        "Every replayed step is equal, yet the final accuracies are further apart than the measured noise: train "
        "longer, or with more seeds."
    ]


def compiled_apart(
    compiled: Mapping[str, float], noise: Mapping[str, float], exact: bool, parted: Mapping[str, float]
) -> list[str]:
    """The same of the compiled first steps, which begin from the same weights.

    `compiled`: what they differ in; `noise`: that of the reference and the reference from weights one ulp away;
    `exact`: whether nothing is computed in half precision; `parted`: what of the compiled first step is further apart
    than noise, by how much, in the order of recording.
    """
    error, key = _above(compiled, noise, COMPILED_LOSS if exact else COMPILED)
    if not key:
        return []
    return [
        f"Step 1 is equal when run eagerly, yet the compiled steps differ by {error:.2%} in {key}: something depends "
        f"on compilation (XLA, graph mode).{_begins(parted, error / 10)}"
    ]


def _begins(parted: Mapping[str, float], least: float) -> str:
    """Where a step begins to be apart by `least`: outputs and the loss in the order in which they are computed, then
    gradients, which go the other way, then weights."""
    large = {key: error for key, error in parted.items() if error > least}
    for kinds, what in (({"out", "total"}, "what comes out of"), ({"grad"}, "the gradient of"), ({"var"}, "the new")):
        found = [key for key in large if trace.parse(key).kind in kinds]
        if found:
            first = found[-1 if "grad" in kinds else 0]
            return f" It begins with {what} `{trace.parse(first).owner}` ({large[first]:.2%})."
    return ""


def write_map(
    file: Path, stats: list[np.ndarray], keys: list[list[str]], trainable: set[str], owners: Mapping[str, str]
) -> None:
    """Write map.parquet: one row a step and recorded array, its difference and its noise floor.

    `stats`, `keys`: of the reference, the candidate and the reference's rerun, as `capture.train` leaves them.
    """
    import pandas as pd

    left, right, noise = (side.astype(np.float64) for side in stats)
    ours, theirs, rerun = keys
    steps = min(len(left), len(right))
    measured = min(len(noise), steps)
    where = {key: index for index, key in enumerate(theirs)}
    shared = [(index, key) for index, key in enumerate(ours) if key in where]
    columns = [index for index, _ in shared]
    difference = apart(left[:steps, columns], right[:steps, [where[key] for _, key in shared]])
    repeated = noise[:measured, [rerun.index(key) for _, key in shared]]
    floor = lasting(apart(left[:measured, columns], repeated), steps)
    frames = []
    for column, (order, text) in enumerate(shared):
        key = trace.parse(text)
        frames.append(
            pd.DataFrame(
                {
                    "step": np.arange(1, steps + 1, dtype=np.int32),
                    "phase": phase_of(key, trainable),
                    "layer": owners.get(key.owner, key.owner),
                    "tensor": key.owner.split(":")[-1] if ":" in key.owner else key.kind,
                    "difference": difference[:, column],
                    "noise_floor": np.maximum(floor[:, column], np.finfo(np.float32).eps / 2),
                    "order": np.int32(order),
                }
            )
        )
    if frames:
        pd.concat(frames).to_parquet(file, index=False)


def conclude(verdict: dict[str, Any], results: list[SeedResult]) -> None:
    """Several seeds make one verdict: causes united, curves of the first seed, accuracies averaged."""
    united: dict[Any, dict[str, Any]] = {}
    for result in results:
        met: Counter[Any] = Counter()  # of one seed no cause is another, such as two slots of all variables
        for cause in result.causes:
            key = (cause["phase"], cause["layer"], cause["variable"], cause["kind"])
            met[key] += 1
            united.setdefault((*key, met[key]), cause)
    verdict["causes"] = sorted(united.values(), key=lambda cause: PHASES.index(cause["phase"]))
    verdict["notes"] = list(dict.fromkeys(note for result in results for note in result.notes))
    verdict["curves"] = results[0].curves
    ends = [end for result in results if (end := accuracy(result.curves["metrics"])) is not None]
    if ends:
        means = {key: float(np.mean([end[key] for end in ends])) for key in ("legacy", "keras3", "difference", "noise")}
        verdict["accuracy"] = {"metric": ends[0]["metric"], **means}
    if verdict["causes"]:
        verdict["verdict"] = "different"
    elif doubts := [doubt for result in results for doubt in result.doubts]:
        verdict["verdict"] = "inconclusive"
        verdict["notes"] += dict.fromkeys(doubts)
    else:
        verdict["verdict"] = "equivalent"


def partial(verdict: dict[str, Any], results: list[SeedResult], trained: Mapping[str, dict[str, Any]]) -> None:
    """What is known of a comparison that was cut short: its whole seeds, or else the trainings that both sides ended.

    `trained`: name of a training -> what it answered, of the seed at which the comparison was.
    """
    if results:
        conclude(verdict, results)
        verdict["notes"].append(f"Known are {len(results)} of {len(verdict['seeds'])} seeds; the others are missing.")
    elif {"legacy", "keras3"} <= set(trained):
        nothing: dict[str, Any] = {"curves": {}, "validation": {}}
        verdict["curves"] = curves_of(trained["legacy"], trained["keras3"], trained.get("noise", nothing))
        verdict["accuracy"] = accuracy(verdict["curves"]["metrics"])
        verdict["notes"].append("Both trainings are whole, but no step was judged: causes are not known.")


def fail(verdict: dict[str, Any], failed: SideFailed, candidate: str, stage: str) -> None:
    """Turn a failure into the verdict; an exception of the program on the candidate alone is a cause of phase `api`.

    `stage`: what was being done, and how far.
    """
    verdict["verdict"] = "error"
    cut = failed.kind in CUT
    verdict["error"] = {
        "side": failed.side,
        "kind": failed.kind,
        "message": f"{failed.message}. This happened while {stage}." if cut and stage else failed.message,
        "where": failed.where,
        "stage": stage or None,
        "output": list(failed.output),
    }
    if cut:
        verdict["notes"].append("The same command with --resume goes on from the last whole run.")
    if failed.side == candidate and failed.kind == "raised":
        verdict["causes"] = [
            {
                "phase": "api",
                "layer": None,
                "variable": None,
                "step": None,
                "kind": "raised",
                "local_error": None,
                "noise_floor": None,
                "rule": None,
                "proven": False,
                "message": f"The Keras 3 side raises where Keras 2 runs: {failed.message}",
                "fix": "Run `kparity migrate --diff` on the file, and mend the line that is named.",
                "also": [],
                "sources": None,
                "share": None,
            }
        ]
