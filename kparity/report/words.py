"""What a verdict says in plain words: headline, place of a cause, numbers. Terminal, HTML and gate all speak so.

In: (parts of) the dict of verdict.json. Out: str. Standard library only, and no mark-up: each view escapes for itself.
"""

import math
import re
from typing import Any

SIDES = {"legacy": "Keras 2", "keras3": "Keras 3", "kparity": "kparity"}
"""How a side of the comparison is called in front of people."""

_ENDED = {
    "raised": "raised an exception",
    "nan": "ended in NaN",
    "died": "died",
    "hung": "gave no sign of life any more and was ended",
    "usage": "could not be started as asked",
    "memory": "ran out of memory",
    "disk": "found no room to write",
    "interrupted": "was interrupted",
}
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: object) -> str:
    """`text` without terminal escape sequences and control characters; line ends and tabs stay."""
    return _UNPRINTABLE.sub("", str(text).replace("\r\n", "\n"))


def one_line(text: object) -> str:
    """`text` cleaned, with every run of white space a single blank."""
    return " ".join(clean(text).split())


def count(number: int, noun: str) -> str:
    """ "1 cause", "2 causes", "12,000 steps"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def headline(verdict: dict[str, Any]) -> str:
    """The verdict as one or two sentences."""
    causes, steps = verdict["causes"], count(verdict["steps"], "step")
    proven = sum(cause["proven"] for cause in causes)
    found = f"{count(len(causes), 'cause')} found" + (f", {proven} of them proven" if proven else "")
    twin = verdict["sides"].get("keras3", {}).get("package") == "tf_keras"
    new = "Keras 2, run a second time," if twin else "Keras 3"
    if verdict.get("natural") and not verdict["error"]:
        return natural_line(verdict, new)
    match verdict["verdict"]:
        case "equivalent":
            return f"{new} trains this model as Keras 2 does: in {steps}, no difference above the measured noise."
        case "different" if all(cause.get("evaluated") for cause in causes):
            return (
                f"{new} trains this model as Keras 2 does, and evaluates it otherwise. {found[0].upper() + found[1:]}."
            )
        case "different":
            return f"{new} does not train this model as Keras 2 does. {found[0].upper() + found[1:]}."
        case "inconclusive":
            return f"The measurement cannot tell whether {new} trains this model as Keras 2 does: {found}."
    return f"The comparison did not finish. {error_line(verdict['error'] or {})}"


_NATURAL = {
    "equivalent": "{new} ends as well as Keras 2",
    "different": "{new} ends otherwise than Keras 2",
    "inconclusive": "The measurement cannot tell whether {new} ends as well as Keras 2",
}


def natural_line(verdict: dict[str, Any], new: str) -> str:
    """What `--natural` found: the answer, and the mean difference against the margin."""
    found = verdict["natural"]
    answer = _NATURAL[verdict["verdict"]].format(new=new)
    apart, over = signed(found["mean_difference"]), count(len(found["results"]), "seed")
    return f"{answer}: {found['metric']} differs by {apart} over {over}; margin ±{fixed(found['margin'])}."


def error_line(error: dict[str, Any]) -> str:
    """Which side ended how, and where: "Keras 3 raised an exception at model.py:12." """
    side = SIDES.get(error.get("side") or "kparity", "kparity")
    kind = error.get("kind") or ""
    ended = _ENDED.get(kind, "ended in an error")
    if side == "kparity":
        ended = {"usage": "was used in a way it doesn't understand", "fault": "itself failed"}.get(kind, ended)
    return f"{side} {ended}" + (f" at {error['where']}." if error.get("where") else ".")


def place(cause: dict[str, Any]) -> str:
    """Where a cause sits: "optimizer · encoder/dense / kernel · step 1"."""
    owner = " / ".join(cause[key] for key in ("layer", "variable") if cause.get(key))
    step = f"step {cause['step']}" if cause.get("step") is not None else ""
    return " · ".join(part for part in (cause["phase"], owner, step) if part)


def number(value: float | None, digits: int = 4) -> str:
    """A measured number to `digits` significant digits; "not measured" for None and NaN."""
    if value is None or math.isnan(value):
        return "not measured"
    return f"{value:.{digits}g}"


def fixed(value: float | None) -> str:
    """A number of an accuracy's size: four decimals, and more only where those would show less than two digits."""
    if value is None or math.isnan(value):
        return "not measured"
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.4f}"
    return f"{value:.5f}" if abs(value) >= 0.0001 else f"{value:.1e}"


def signed(value: float | None) -> str:
    """`fixed` with its sign always shown."""
    text = fixed(value)
    return f"+{text}" if value is not None and value > 0 else text


def ratio(cause: dict[str, Any]) -> str:
    """The local error against its noise: "3.2e-03, 29,000 times the noise floor (1.1e-07)"; "" if not measured."""
    error, floor = cause.get("local_error"), cause.get("noise_floor")
    if error is None:
        return ""
    if floor is None:
        return f"{error:.1e}, noise floor not measured"
    if floor == 0:
        return f"{error:.1e}, where the noise floor is zero"
    return f"{error:.1e}, {times(error / floor)} the noise floor ({floor:.1e})"


def times(factor: float) -> str:
    """ "0.4 times", "17 times", "29,000 times", "3e+09 times": two significant digits, in the shortest form."""
    if factor >= 1e7:
        return f"{factor:.0e} times"
    if factor < 10:
        return f"{factor:.2g} times"
    rounded = round(factor, 1 - math.floor(math.log10(factor)))
    return f"{rounded:,.0f} times"


def effect_line(natural: dict[str, Any]) -> str:
    """The tests behind the answer of `--natural`."""
    low, high = natural["interval_90"]
    p_equivalent, p_zero = (number(natural[key], 2) for key in ("p_equivalent", "p_no_difference"))
    return (
        f"90 % interval of the difference {signed(low)} to {signed(high)}; effect size "
        f"{number(natural['effect_size'], 2)} (Hedges' g); equivalence p = {p_equivalent}, no difference p = {p_zero}"
    )


def accuracy_line(accuracy: dict[str, Any] | None) -> str:
    """The accuracies of both sides, their difference and the noise, in one line."""
    if not accuracy or not accuracy.get("metric"):
        return "No accuracy was measured: the model has no such metric."
    noise = accuracy.get("noise")
    against = f"noise ±{fixed(noise)}" if noise is not None else "noise not measured"
    return (
        f"{accuracy['metric']}: Keras 2 {fixed(accuracy['legacy'])}, Keras 3 {fixed(accuracy['keras3'])}, "
        f"difference {signed(accuracy['difference'])} ({against})"
    )


def bytes_(size: float) -> str:
    """ "12 MB": decimal units, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def seconds(span: float) -> str:
    """ "8.3 s", "4 min 10 s", "2 h 5 min"."""
    if span < 60:
        return f"{span:.1f} s"
    minutes, rest = divmod(round(span), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def cost_line(cost: dict[str, Any]) -> str:
    """What the comparison cost as a whole; keys that kparity doesn't know by name are shown as they are."""
    said = []
    for key, value in cost.items():
        if key == "peak_mb" and isinstance(value, dict):
            said.append(f"peak memory {' and '.join(bytes_(1e6 * size) for size in value.values())}")
        if isinstance(value, dict):
            continue
        if isinstance(value, int | float) and key.endswith("bytes"):
            said.append(f"{bytes_(value)} of {key.removesuffix('bytes').strip('_').replace('_', ' ') or 'data'}")
        elif isinstance(value, int | float) and key.endswith("seconds"):
            name = key.removesuffix("seconds").strip("_").replace("_", " ")
            said.append(f"{name} {seconds(value)}".strip())
        elif value is not None:
            said.append(f"{key.replace('_', ' ')} {value}")
    return ", ".join(said)


def source_lines(cause: dict[str, Any]) -> list[str]:
    """Where each side computes what differs: "Keras 2 package/module.py:12-40"; none where nobody knows."""
    sources = cause.get("sources") or {}
    return [f"{SIDES[side]} {sources[side]}" for side in SIDES if sources.get(side)]
