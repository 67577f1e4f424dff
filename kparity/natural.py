"""Natural mode: each side trains with draws of its own over several seeds, and only what comes out is compared.

In: both sides and the seeds. Out: the verdict's `natural`: the results seed by seed, and whether they are equivalent,
different, or can't be told apart or alike. No cause is looked for. Called by compare.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from kparity.analysis.equivalence import judge
from kparity.analysis.metrics import MONITORED, higher_is_better
from kparity.options import Options
from kparity.resume import Noted, Notes

MARGINS = {True: 0.01, False: 0.05}
"""How far apart results may be where nobody said: a point of an accuracy, as for the gate; a twentieth of a loss."""

Both = Callable[[Callable[[], Any], Callable[[], Any]], tuple[Any, Any]]


def run(
    both: Both,
    say: Callable[[str], None],
    sides: tuple[Noted, Noted],
    options: Options,
    notes: Notes,
    verdict: dict[str, Any],
) -> None:
    """Train seed after seed; `verdict` says after each what is known by then."""
    results: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for number, seed in enumerate(options.seeds, 1):
        notes.seed = seed
        say(f"training with draws of its own, seed {seed} ({number} of {len(options.seeds)})")
        request = {"seed": seed, "steps": options.steps, "batch_size": options.batch_size}
        ours, theirs = both(
            lambda request=request: sides[0].ask("natural", **request),  # type: ignore[misc]
            lambda request=request: sides[1].ask("natural", **request),  # type: ignore[misc]
        )
        results.append((ours, theirs))
        conclude(verdict, list(options.seeds[:number]), results, options.margin)


def conclude(
    verdict: dict[str, Any],
    seeds: list[int],
    results: list[tuple[dict[str, Any], dict[str, Any]]],
    margin: float | None,
) -> None:
    """Put what the seeds so far say into the verdict."""
    for place, side in enumerate(("legacy", "keras3")):
        verdict["sides"][side] |= {key: results[0][place][key] for key in ("module", "jit_compile", "parameters")}
    verdict["cost"]["peak_mb"] = {"legacy": results[-1][0]["peak_mb"], "keras3": results[-1][1]["peak_mb"]}
    metric = _metric([name for name in results[0][0]["metrics"] if name in results[0][1]["metrics"]])
    left, right = (np.array([pair[place]["metrics"].get(metric, np.nan) for pair in results]) for place in (0, 1))
    better = bool(higher_is_better(metric))
    allowed = (MARGINS[better] if margin is None else margin) * (1.0 if better else float(np.nanmean(np.abs(left))))
    answer = judge(left, right, allowed)
    verdict["natural"] = {
        "metric": metric,
        "results": [
            {"seed": seed, "legacy": a, "keras3": b}
            for seed, a, b in zip(seeds, left.tolist(), right.tolist(), strict=True)
        ],
        "margin": allowed,
        "mean_difference": answer.mean,
        "interval_90": [answer.low, answer.high],
        "p_equivalent": answer.p_equivalent,
        "p_no_difference": answer.p_zero,
        "effect_size": answer.effect,
    }
    known = np.isfinite(left) & np.isfinite(right)
    verdict["accuracy"] = {
        "metric": metric,
        "legacy": float(left[known].mean()) if known.any() else None,
        "keras3": float(right[known].mean()) if known.any() else None,
        "difference": answer.mean,
        "noise": (answer.high - answer.low) / 2,
    }
    verdict["verdict"], doubts = _doubted(answer.answer, results, metric)
    verdict["notes"] = [*dict.fromkeys(note for ours, _ in results for note in ours["notes"]), *doubts]


def _metric(names: list[str]) -> str:
    """The metric to judge by: of the validation data rather than not, an accuracy rather than a loss."""

    def rank(name: str) -> tuple[bool, int]:
        places = [place for place, part in enumerate(MONITORED) if part in name.lower() and higher_is_better(name)]
        return not name.startswith("val_"), min(places, default=len(MONITORED) + (not name.endswith("loss")))

    return min(names, key=rank)


def _doubted(answer: str, results: list[tuple[dict[str, Any], dict[str, Any]]], metric: str) -> tuple[str, list[str]]:
    """The answer after what speaks against trusting it, and that in words."""
    notes = []
    for place, side in enumerate(("Keras 2", "Keras 3")):
        ends = [pair[place]["metrics"] for pair in results]
        if len(ends) > 1 and all(end == ends[0] for end in ends):
            answer = "inconclusive"
            notes.append(f"All seeds end alike under {side}, to the last digit: the program leaves nothing to chance.")
    lost = [sum(not np.isfinite(pair[place]["metrics"].get(metric, np.nan)) for pair in results) for place in (0, 1)]
    if any(lost):
        notes.append(f"Not finite, and left out: {lost[0]} of Keras 2's results and {lost[1]} of Keras 3's.")
        answer = "inconclusive" if answer == "equivalent" and lost[0] != lost[1] else answer
    if not metric.startswith("val_"):
        notes.append("There are no validation data: the model was evaluated on its training data.")
    return answer, notes
