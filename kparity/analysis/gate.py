"""The gate: one finished comparison and a limit in, pass, drift or inconclusive out, in words for the log of a CI run.

`kparity gate` calls judge() with what kparity.report.files read. Standard library only.

The drop of accuracy is known up to the measured noise. So the limit is held against the whole interval drop ± noise:
a pass when all of it keeps the limit, a drift when all of it breaks it, inconclusive when it straddles the limit. One
exception: a verdict `equivalent` is stronger evidence than an accuracy (every layer and step agreed on its own), so
there a measured drop within the limit passes however noisy the accuracy is.
"""

import math
from dataclasses import dataclass
from typing import Any

from kparity.analysis.metrics import higher_is_better
from kparity.findings import Exit
from kparity.report.words import accuracy_line, count, error_line, fixed, one_line, place

ROUND_OFF = 1e-9
"""0.61 - 0.60 is 0.010000000000000009 to a computer, and no drop of more than 0.01."""


@dataclass(frozen=True)
class Judgement:
    """What the gate says: its exit code, and one line each of result, numbers and what to do."""

    code: int
    result: str
    numbers: str
    advice: str

    def __str__(self) -> str:
        return "\n".join((self.result, self.numbers, self.advice))


def judge(verdict: dict[str, Any], max_accuracy_drop: float) -> Judgement:
    """Whether the comparison passes a gate that lets the accuracy of Keras 3 be `max_accuracy_drop` lower.

    `max_accuracy_drop` is absolute, in the unit of the accuracy: 0.01 is one percentage point. Raises ValueError
    outside 0 <= max_accuracy_drop < 1, a limit that no accuracy could break.
    """
    if not 0 <= max_accuracy_drop < 1:
        raise ValueError(
            f"--max-accuracy-drop is {max_accuracy_drop:g}; it must be at least 0 and less than 1: "
            "0.01 lets Keras 3 be one percentage point worse"
        )
    outcome, accuracy, name = verdict["verdict"], verdict["accuracy"], verdict["subject"]
    numbers = f"Numbers: {accuracy_line(accuracy)}; limit: a drop of {fixed(max_accuracy_drop)}."
    if outcome == "error":
        error = verdict["error"] or {}
        return Judgement(
            Exit.ERROR,
            f"ERROR: the comparison of {name} ended in an error, so there is nothing to judge.",
            one_line(f"Error: {error_line(error)} {error.get('message') or ''}"),
            "To do: remove the error, run `kparity compare` again, then the gate.",
        )
    cannot = _why_not(verdict)
    if cannot:
        reason, advice = cannot
        return Judgement(Exit.INCONCLUSIVE, f"INCONCLUSIVE: {reason}", numbers, f"To do: {advice}")

    drop, noise = -float(accuracy["difference"]), accuracy.get("noise")
    noise = math.inf if noise is None else abs(float(noise))
    limit = max_accuracy_drop + ROUND_OFF
    moved = f"{accuracy['metric']} {_moved(drop)} from Keras 2 to Keras 3"
    if drop <= limit and (outcome == "equivalent" or drop + noise <= limit):
        if outcome == "equivalent":
            return Judgement(Exit.OK, f"PASS: {name} is equivalent; {moved}.", numbers, "To do: nothing.")
        return Judgement(
            Exit.OK,
            f"PASS on accuracy: {moved}, within the limit. But the comparison is DIFFERENT: "
            f"{count(len(verdict['causes']), 'cause')} found.",
            numbers,
            _first_cause(verdict) or "To do: look at the report; the sides differ by more than their noise.",
        )
    if drop - noise > limit:
        advice = _first_cause(verdict) or (
            "To do: no cause was found in the steps that were compared; compare more steps, and more seeds."
        )
        return Judgement(Exit.DIFFERENT, f"DRIFT: {moved}, more than the limit allows.", numbers, advice)
    why = f", which cannot be told from the limit: it is known only to ±{fixed(noise)}."
    if math.isinf(noise):
        why = ", but its noise was not measured."
    advice = _first_cause(verdict) or "To do: compare more steps or more seeds, so that the noise shrinks."
    return Judgement(Exit.INCONCLUSIVE, f"INCONCLUSIVE: {moved}{why}", numbers, advice)


def _why_not(verdict: dict[str, Any]) -> tuple[str, str] | None:
    """Reason and advice when the comparison has no accuracy to judge, or doesn't trust itself."""
    accuracy = verdict["accuracy"] or {}
    metric = accuracy.get("metric")
    if verdict["verdict"] == "inconclusive":
        return (
            f"the comparison of {verdict['subject']} could not tell the sides apart or alike.",
            "compare more steps or more seeds"
            + (f"; the first note is: {one_line(verdict['notes'][0])}" if verdict["notes"] else "."),
        )
    if not metric:
        return (
            f"no accuracy was measured for {verdict['subject']}; a loss alone has no common unit to limit.",
            'add a metric, such as model.compile(..., metrics=["accuracy"]), and compare again.',
        )
    if higher_is_better(metric) is False:
        return (
            f"{metric} is lower when it is better, and has no common unit; the gate judges accuracies only.",
            'add a metric where higher is better, such as metrics=["accuracy"], and compare again.',
        )
    if accuracy.get("difference") is None or not math.isfinite(accuracy["difference"]):
        return f"{metric} is not a number on at least one side.", "look in the report at which step it became NaN."
    return None


def _moved(drop: float) -> str:
    if abs(drop) < 5e-7:
        return "did not change"
    return f"dropped by {fixed(drop)}" if drop > 0 else f"rose by {fixed(-drop)}"


def _first_cause(verdict: dict[str, Any]) -> str:
    if not verdict["causes"]:
        return ""
    cause = verdict["causes"][0]
    rule = f" ({cause['rule']})" if cause.get("rule") else ""
    fix = cause.get("fix") or "see report.html beside the verdict"
    return one_line(f"First cause: {place(cause)}: {cause['message'].rstrip('.')}. To do: {fix.rstrip('.')}{rule}.")
