"""What a reproduction of one cause needs: both sides' objects, and the reference's arrays that went into them.

In: a cause, what each side says of the object behind it (`capture.exhibit`), the arrays of its step. Out: plain data
and named arrays, which compare leaves in the folder `repro` and `kparity repro` makes a script of. Called by compare.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kparity.analysis.locate import Cause
from kparity.trace import BY_LOGITS, Key, parse

MOST = 5
"""Causes of one comparison that are kept for a reproduction."""
VARIABLES = 3
"""Variables with which an optimizer is shown."""

Arrays = Mapping[str, np.ndarray]
Exhibit = Mapping[str, Any]


def node(cause: Cause) -> str:
    """The layer or loss call that showed a cause, "" where none did."""
    array = cause.evidence.get("array", "")
    key = parse(array) if array.count("|") == 2 else Key("", "")
    if key.kind in {"in", "out", "dx", "dy", "outmask"}:
        return key.owner
    return "loss" if cause.phase == "metric" else cause.layer or ""


def keep(
    folder: Path, number: int, told: Mapping[str, Any], exhibits: tuple[Exhibit, Exhibit], arrays: dict[str, np.ndarray]
) -> None:
    """Leave `cause-NUMBER.json` and `.npz` in `folder`; `told` is the cause as verdict.json has it."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        "cause": {key: told[key] for key in ("phase", "layer", "variable", "step", "kind", "message", "rule")},
        "legacy": dict(exhibits[0]),
        "keras3": dict(exhibits[1]),
        "arrays": sorted(arrays),
    }
    (folder / f"cause-{number}.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")
    np.savez_compressed(folder / f"cause-{number}.npz", allow_pickle=False, **arrays)


def arrays_of(cause: Cause, exhibit: Exhibit, replay: Arrays, state: Arrays) -> dict[str, np.ndarray]:
    """The arrays that went into the object behind a cause, by the names that its script gives them.

    `replay`, `state`: of the reference, in the cause's step and before it.
    """
    where = node(cause)
    if cause.phase == "optimizer":
        return _of_optimizer(cause, exhibit, replay, state)
    if not where:
        return {}
    found = {}
    for text in replay:
        key = parse(text)
        if key.owner != where:
            continue
        index, by_logits = key.index.removesuffix(BY_LOGITS), key.index.endswith(BY_LOGITS)
        if key.kind in _WORDS and "." not in index:  # of the first pass
            found[f"{_WORDS[key.kind]}_{'logits_' * by_logits}{index}"] = replay[text]
        if key.kind == "logits" and index.startswith("in"):
            found[f"logits_{index.removeprefix('in')}"] = replay[text]
    if cause.phase == "init":
        return {name: value for name, value in found.items() if name.startswith("input_")}
    for name in exhibit.get("weights") or []:
        if name and f"var|{name}|0" in state:
            found[f"weight_{name}"] = state[f"var|{name}|0"]
    return found


_WORDS = {"in": "input", "inmask": "mask", "dy": "upstream"}


def _of_optimizer(cause: Cause, exhibit: Exhibit, replay: Arrays, state: Arrays) -> dict[str, np.ndarray]:
    every = [parse(text).owner for text in replay if text.startswith("grad|")]
    concerned = [name for name in cause.evidence.get("variables", []) if name in every] or every
    found: dict[str, np.ndarray] = {}
    for index, name in enumerate(sorted(concerned, key=lambda name: replay[f"grad|{name}|0"].size)[:VARIABLES]):
        found[f"gradient_{index}"] = replay[f"grad|{name}|0"]
        found[f"weight_{index}"] = state[f"var|{name}|0"]
        rows = exhibit.get("rows", {}).get(name)
        if rows is not None and f"rows|{name}|0" in replay:
            found[f"rows_{index}"] = replay[f"rows|{name}|0"]
            found[f"indices_{index}"] = np.array(rows)
        for text in state:
            key = parse(text)
            if key.kind == "slot" and key.owner == name:
                found[f"slot_{key.index}_{index}"] = state[text]
    for text in state:
        if text.startswith("slot||"):
            found[f"count_{parse(text).index}"] = state[text]
    return found
