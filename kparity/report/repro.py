"""A script that shows one cause with no kparity in it: what a maintainer wants in a bug report.

In: the folder of a finished comparison, with what `analysis.material` left there. Out: a Python file beside its inputs.
Called by the command `repro`. Needs jinja2 alone; the script needs both Kerases.
"""

import json
import textwrap
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

SIDES = {"legacy": "Keras 2", "keras3": "Keras 3"}


class NoReproduction(Exception):
    """Why there is no script for a cause, in a sentence that says what to do instead."""


@dataclass(frozen=True)
class Kept:
    """One cause as a comparison left it: its file, its words, both sides' objects."""

    file: Path
    plain: dict[str, Any]

    @property
    def number(self) -> int:
        return int(self.file.stem.split("-")[1])


def kept(folder: Path) -> list[Kept]:
    """The causes in `folder` (a report's) that a reproduction can be made of, in causal order."""
    files = sorted((folder / "repro").glob("cause-*.json"), key=lambda file: int(file.stem.split("-")[1]))
    return [Kept(file, json.loads(file.read_text(encoding="utf-8"))) for file in files]


def script(one: Kept, verdict: dict[str, Any]) -> str:
    """The text of the script of one cause. Raises NoReproduction."""
    cause, legacy, keras3 = one.plain["cause"], one.plain["legacy"], one.plain["keras3"]
    sources = [(SIDES[side], one.plain[side]["source"]) for side in SIDES if one.plain[side].get("source")]
    lines = "; ".join(f"{side} at {where}" for side, where in sources)
    if legacy and legacy["family"] == "fit":
        return _of_fit(one, legacy, verdict)
    if not legacy or not keras3:
        raise NoReproduction(f"a cause of phase `{cause['phase']}` has no object that could be shown alone")
    for side in (legacy, keras3):
        if not side["public"]:
            raise NoReproduction(f"`{side['class']}` is a class of your own: compare its code ({lines})")
        if side["config"] is None:
            raise NoReproduction(
                f"`{side['class']}` has no get_config() that JSON can hold: compare its code ({lines})"
            )
    arrays = set(one.plain["arrays"])
    family = legacy["family"]
    call = _call(legacy["call"])
    if family in {"layers", "losses"} and call is None:
        raise NoReproduction(f"`{legacy['class']}` was called with what a script can't say again ({lines})")
    return _rendered(
        "repro.py.j2",
        one,
        verdict,
        title=f"{legacy['class']} of Keras 2 and of Keras 3, on the same numbers.",
        sources=sources,
        family=family,
        masks=_numbers("mask_", arrays),
        logits=_numbers("logits_", arrays),
        upstream=_numbers("upstream_logits_", arrays),
        weights=all(f"weight_{name}" in arrays for side in (legacy, keras3) for name in side["weights"]),
        variables=sum(name.startswith("weight_") for name in arrays),
        call=call,
        initial=_place(cause, legacy, keras3),
        legacy=_side(legacy, arrays),
        keras3=_side(keras3, arrays),
    )


def _of_fit(one: Kept, given: dict[str, Any], verdict: dict[str, Any]) -> str:
    title = "What `fit` of Keras 2 and of Keras 3 hands to a training step, given the same."
    return _rendered("repro_fit.py.j2", one, verdict, title=title, call=given["call"], seeded=given["seeded"])


def _rendered(template: str, one: Kept, verdict: dict[str, Any], **words: Any) -> str:
    text = resources.files("kparity.report").joinpath(template).read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sides = verdict["sides"]
    versions = {
        "tensorflow": (sides.get("keras3") or {}).get("tensorflow", ""),
        "keras": (sides.get("keras3") or {}).get("keras", ""),
        "tf_keras": (sides.get("legacy") or {}).get("keras", ""),
    }
    rendered = environment.from_string(text).render(
        message=textwrap.fill(_first(one.plain["cause"]["message"]), 110),
        versions=versions,
        data=one.file.with_suffix(".npz").name,
        inputs=sum(name.startswith("input_") for name in one.plain["arrays"]),
        **words,
    )
    return rendered + "\n"


def _numbers(begin: str, arrays: set[str]) -> list[str]:
    """What follows `begin` in the names of the arrays that begin so."""
    return sorted(name.removeprefix(begin) for name in arrays if name.startswith(begin))


def _place(cause: dict[str, Any], legacy: dict[str, Any], keras3: dict[str, Any]) -> int | None:
    """Of a cause in initial values: which of its layer's weights it is."""
    if cause["phase"] != "init":
        return None
    if legacy["weights"] != keras3["weights"] or cause["variable"] not in legacy["weights"]:
        raise NoReproduction("the two layers hold their weights in another order")
    return legacy["weights"].index(cause["variable"])


def _first(message: str) -> str:
    """The first sentence, which says what was measured, as a docstring can hold it."""
    sentence = message.split(". ")[0].rstrip(".") + "."
    return sentence.replace("\\", "/").replace('"""', "'''")


def _side(side: dict[str, Any], arrays: set[str]) -> dict[str, Any]:
    given = bool(side["weights"]) and all(f"weight_{name}" in arrays for name in side["weights"])
    config = {
        key: _plain(value)
        for key, value in side["config"].items()
        if not (given and key.endswith("_initializer"))
        and not (value is None and key.endswith(("_regularizer", "_constraint")))
    }
    return {"class": side["class"], "config": repr(config), "names": repr(side["weights"] if given else [])}


def _plain(value: Any) -> Any:
    """A dtype policy by its name: what both Kerases also take."""
    if isinstance(value, dict) and value.get("class_name") in {"DTypePolicy", "Policy"}:
        return value["config"]["name"]
    return value


def _call(call: Any) -> str | None:
    """The arguments of the recorded call as Python, with `inputs[0]` for "@0"."""
    if call is None:
        return None
    args, kwargs = call
    said = [_said(value) for value in args] + [f"{key}={_said(value)}" for key, value in kwargs.items()]
    return ", ".join(said)


def _said(value: Any) -> str:
    if isinstance(value, str) and value.startswith("@"):
        return f"inputs[{value[1:]}]"
    if isinstance(value, list):
        return "[" + ", ".join(map(_said, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_said(inner)}" for key, inner in value.items()) + "}"
    return repr(value)
