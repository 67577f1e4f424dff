"""What became of the parameters and members of Keras 2, from two snapshots: the table that migrate looks calls up in.

In: the snapshots of Keras 2 and 3 and rules/api/curated.toml (which parameters mean the same under another name, what
to do about those that are gone). Out: rules/api/changed.json, made by `python -m kparity.capture.snapshot`, read by
codemod/changed.py. Only what differs is in it, so that a call that means the same costs one look-up.
"""

import json
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .snapshots import Parameter, Snapshot

KINDS = {
    "model": ("keras.Model", "keras.Model"),
    "layer": ("keras.layers.Layer", "keras.Layer"),
    "optimizer": ("keras.optimizers.Optimizer", "keras.Optimizer"),
    "metric": ("keras.metrics.Metric", "keras.Metric"),
    "loss": ("keras.losses.Loss", "keras.Loss"),
    "callback": ("keras.callbacks.Callback", "keras.callbacks.Callback"),
    "sequence": ("keras.utils.Sequence", "keras.utils.PyDataset"),
}
"""Kind of value: its class in Keras 2 and in Keras 3."""


def curated(folder: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads((folder / "curated.toml").read_text("utf-8"))


def table(old: Snapshot, new: Snapshot, known: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What differs.

    {"calls": {name: change, or the name of one with the same change}, "methods": {method: {kind: change}}, "members":
    {member: {kind: advice}}, "classes": {name: {"methods": {method: change}, "gone": members}, or the name of a like
    one}, "advice": {parameter: what to do without it}}; `_change` says what a change is. What is known of a class is
    more exact than what is known of its kind; its method `()` is a call of an instance.
    """
    calls: dict[str, Any] = {}
    same: dict[str, str] = {}
    for name in sorted(old.public(), key=lambda n: (n.count("."), n)):
        if name not in new or old.kind(name) not in ("class", "function") or new.fact(name, "raises"):
            continue
        change = _change(old, name, new, name, known)
        if change:
            calls[name] = same.setdefault(json.dumps(change, sort_keys=True), name)
            if calls[name] == name:
                calls[name] = change
    methods: dict[str, dict[str, Any]] = {}
    members: dict[str, dict[str, str]] = {}
    for kind, (before, after) in KINDS.items():
        heirs = classes(new, after)
        everyone = [name for name in classes(old, before) if name in new or name == before]
        kept = {member for name in heirs for member in new.members(name)} | set(known["kept"].get(kind, "").split())
        for name in everyone:
            for member in old.members(name):
                if member not in kept:
                    advice = known["members"].get(f"{kind}.{member}", known["members"].get(member, ""))
                    members.setdefault(member, {})[kind] = advice
        for member in sorted({m for name in everyone for m in old.members(name)} & kept - {"__call__"}):
            change = _method(old, new, everyone, heirs, member, known)
            if change:
                methods.setdefault(member, {})[kind] = change
    own = _classes(old, new, known, members)
    named = {p for change in calls.values() if not isinstance(change, str) for p in change.get("gone", ())}
    named |= {p for kinds in methods.values() for change in kinds.values() for p in change.get("gone", ())}
    named |= {
        p for c in own.values() if not isinstance(c, str) for m in c["methods"].values() for p in m.get("gone", ())
    }
    advice = {p: text for p, text in known["advice"].items() if p in named or p.partition(":")[2] in named}
    return {"calls": calls, "methods": methods, "members": members, "classes": own, "advice": advice}


def _classes(
    old: Snapshot, new: Snapshot, known: dict[str, dict[str, Any]], members: dict[str, dict[str, str]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    like: dict[str, str] = {}
    kinds = {name: kind for kind, (before, _) in KINDS.items() for name in classes(old, before)}
    for name in sorted(old.public(), key=lambda n: (n.count("."), n)):
        if old.kind(name) != "class" or name not in new or new.fact(name, "raises"):
            continue
        there = new.members(name)
        methods: dict[str, Any] = {}
        gone = []
        for member, home in sorted(old.members(name).items()):
            if member not in there and kinds.get(old.home(name), "") not in members.get(member, {}):
                gone.append(member)
            is_method = "method" in old.facts[f"{home}.{member}"]
            if member in there and is_method and member != "__call__":
                change = _change(old, f"{name}.{member}", new, f"{name}.{member}", known)
                if change:
                    methods[member] = change
        if "call" in there and "call" in old.members(name):
            named = any(p.kind == "positional" for p in old.parameters(f"{name}.__call__"))
            before = f"{name}.__call__" if named else f"{name}.call"
            after = f"{name}.__call__"
            if not any(p.kind == "positional" for p in new.parameters(after)):
                after = f"{name}.call"
            change = _change(old, before, new, after, known)
            given = {p: v for p, v in change.get("gone", {}).items() if p not in ("training", "mask")}
            change = {k: v for k, v in change.items() if k != "gone"} | ({"gone": given} if given else {})
            if set(change) - {"order"}:
                methods["()"] = change
        if methods or gone:
            entry = {"methods": methods, "gone": gone}
            found[name] = like.setdefault(json.dumps(entry, sort_keys=True), name)
            if found[name] == name:
                found[name] = entry
    return found


def classes(snapshot: Snapshot, base: str) -> list[str]:
    """A class and every public class that inherits from it, the class itself first.

    No Model and no Metric counts as a Layer, and the legacy optimizers as none.
    """
    found = [base]
    for name in sorted(snapshot.facts):
        bases = snapshot.bases(name) if "class" in snapshot.facts[name] else []
        nearer = {"keras.Model", "keras.metrics.Metric"} - {base} if base.endswith(".Layer") else set()
        if base in bases and not nearer & {name, *bases} and ".legacy." not in name and base != "keras.utils.Sequence":
            found.append(name)
    return found


def _method(
    old: Snapshot, new: Snapshot, everyone: list[str], heirs: list[str], member: str, known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """What is true of a method whatever class of the kind it is called on."""
    changes = []
    for name in everyone:
        home = old.members(name).get(member)
        if home is None or not old.facts[f"{home}.{member}"].get("method"):
            continue
        own = new.home(name) if name in new else heirs[0]
        if member not in new.members(own) and name in new:
            return {}
        if member in new.members(own):
            changes.append(_change(old, f"{name}.{member}", new, f"{own}.{member}", known))
    if not changes or not all(changes):
        return {}
    first = changes[0]
    gone = {p: v for p, v in first.get("gone", {}).items() if all(p in c.get("gone", {}) for c in changes)}
    result = {}
    if gone:
        result["gone"] = gone
    if any(c.get("order") != first.get("order") or c.get("same") != first.get("same") for c in changes):
        return result
    return {k: v for k, v in first.items() if k != "gone"} | result


def _change(old: Snapshot, before: str, new: Snapshot, after: str, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How calls of one thing differ; empty if they don't.

    `order` are the positional parameters of Keras 2, of which the first `same` still are what they were; `gone` are the
    parameters that Keras 3 refuses, each with its old default; `renamed` are those with a new name; `dropped` are those
    that said nothing about numbers; `needs` are those that Keras 3 can't do without, `then` its positional ones.
    """
    takes = new.takes(after)
    parameters = old.parameters(before)
    first = [p.name for p in parameters if p.kind == "positional"]
    then = new.parameters(after)
    second = [p.name for p in then if p.kind == "positional"]
    any_position = any(p.kind == "args" for p in then)
    if any_position and not takes:
        return {}
    renamed = renames(old, before, new, after, known)
    gone: dict[str, str] = {}
    dropped = []
    defaults = {p.name: p.default or "" for p in parameters}
    for name in sorted(old.takes(before) - takes - set(renamed) - {"*"}):
        if "*" in takes or name in known["taken"].get(after, "").split():
            continue
        if any(fnmatch(before, pattern) for pattern in known["dropped"].get(name, "").split()):
            dropped.append(name)
        else:
            gone[name] = defaults.get(name, known["defaults"].get(name, "None"))
    same = 0
    for one, other in zip(first, second, strict=False):
        if renamed.get(one, one) != other:
            break
        same += 1
    change: dict[str, Any] = {}
    if same < len(first) and not any_position:
        change["same"] = same
        change["order"] = " ".join(first)
    if gone:
        change["gone"] = gone
    if dropped:
        change["dropped"] = dropped
    must = {p.name for p in parameters if p.default is None}
    needs = [name for name in _required(then) if name not in must | set(renamed.values())]
    if needs:
        change["needs"] = " ".join(needs)
        change["then"] = " ".join(second)
    if any(name not in takes for name in renamed):
        change["renamed"] = {name: other for name, other in renamed.items() if name not in takes}
    return change


def renames(old: Snapshot, before: str, new: Snapshot, after: str, known: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Old and new name of the parameters that mean the same; what comes first in a method does under any name."""
    member = before.rpartition(".")[2]
    found: dict[str, str] = known["renamed"].get(before) or known["renamed"].get("." + member, {})
    first = [p.name for p in old.parameters(before) if p.kind == "positional"]
    second = [p.name for p in new.parameters(after) if p.kind == "positional"]
    is_method = old.kind(before.rpartition(".")[0]) == "class"
    if is_method and first and second and first[0] not in new.takes(after) and second[0] not in old.takes(before):
        return {first[0]: second[0], **found}
    return found


def _required(parameters: list[Parameter]) -> list[str]:
    return [p.name for p in parameters if p.default is None and p.kind in ("positional", "keyword")]


def dumps(changed: dict[str, dict[str, Any]]) -> str:
    """The table as JSON, one line a name, so that two versions are compared by diff."""
    parts = []
    for part, entries in changed.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(entries[name], sort_keys=True)}" for name in sorted(entries)]
        parts.append(f'"{part}": {{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
