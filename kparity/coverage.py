"""What the rule book covers of everything that differs between Keras 2 and 3: measured by migrating one use of each.

In: two snapshots (kparity/snapshots.py), the rule book through migrate itself, rules/api/nothing.toml (what needs no
edit, each with the reason) and rules/api/silent.json (numbers measured on both Kerases). Out: `Row`s, one for each
symbol, parameter, member, default, string and silent change. No claim is taken from a rule: a use is written, migrated,
and read again with the eyes of Keras 3. Called by `kparity rules --coverage` and by the tests; no framework.
"""

import ast
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .changes import KINDS, curated, renames
from .codemod.migrate import migrate_source
from .config import shipped
from .findings import Outcome
from .rulebook import rules, shim_names
from .snapshots import Parameter, Snapshot

PARTS = ("symbols", "parameters", "members", "defaults", "strings", "silent changes")
HOW = ("safe", "care", "told", "nothing", "uncovered")
"""Edited safely, edited with care (--unsafe-fixes), told, needs nothing, or none of these."""
MADE = {
    "model": "keras.Model(v, v)", "layer": "keras.layers.Dense(v)", "optimizer": "keras.optimizers.SGD()",
    "metric": "keras.metrics.Mean()", "loss": "keras.losses.MeanSquaredError()",
    "callback": "keras.callbacks.Callback()",
}  # fmt: skip
"""A value of each kind, whose methods are called."""
STRING_USES = {
    "activations": "keras.layers.Dense(2, activation={})",
    "constraints": "keras.layers.Dense(2, kernel_constraint={})",
    "initializers": "keras.layers.Dense(2, kernel_initializer={})",
    "losses": "keras.Model(v, v).compile(loss={})",
    "metrics": "keras.Model(v, v).compile(metrics=[{}])",
    "optimizers": "keras.Model(v, v).compile(optimizer={})",
    "regularizers": "keras.layers.Dense(2, kernel_regularizer={})",
}
CHUNK = 250
"""Uses a module: findings are told apart by their line."""


@dataclass(frozen=True)
class Row:
    """One thing that Keras 2 had, and what becomes of it."""

    part: str
    name: str
    how: str
    why: str = ""
    """The rules that speak of it, or why it needs nothing."""


@dataclass(frozen=True)
class Use:
    """One line of Keras 2 code about one thing."""

    part: str
    name: str
    code: str
    default: str = ""
    """Why it needs nothing if migrate says nothing and Keras 3 takes it as it is."""
    same: bool = False
    """Does Keras 3 take it in another sense, so that it has to be edited or told?"""
    aside: str = ""
    """Of an import: the arguments that what was imported is then called with."""


def measure(old: Snapshot, new: Snapshot, folder: Path | None = None) -> list[Row]:
    """Every row, in the order of `PARTS`."""
    folder = folder or shipped("rules") / "api"
    nothing = tomllib.loads((folder / "nothing.toml").read_text("utf-8"))
    rows = [*_kept(old, new), *_judged([*_uses(old, new)], new, nothing)]
    rows += _silent(folder / "silent.json", nothing)
    merged: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row.part, row.name)
        merged[key] = _worse(merged.get(key, row), row)
    return sorted(merged.values(), key=lambda row: (PARTS.index(row.part), row.name))


def _worse(one: Row, other: Row) -> Row:
    """Of two uses of one thing: uncovered if one is; else what is said of the one that needs most."""
    rank = {"nothing": 0, "safe": 1, "care": 2, "told": 3, "uncovered": 4}
    return max(one, other, key=lambda row: (rank[row.how], row.why != "the same name kept"))


# -- uses ------------------------------------------------------------------------------------------------------------


def _kept(old: Snapshot, new: Snapshot) -> Iterator[Row]:
    """What is the same by name and place; nothing has to be migrated to see that."""
    for name in old.public():
        if name not in new or old.kind(name) not in ("class", "function") or new.fact(name, "raises"):
            continue
        if old.home(name) == name:
            yield from _kept_parameters(old, name, new, name)
            for member, home in old.members(name).items() if old.kind(name) == "class" else ():
                if member in new.members(name) and home == name:
                    yield Row("members", f"{name}.{member}", "nothing", "the same name kept")
                    if old.facts[f"{home}.{member}"].get("method"):
                        yield from _kept_parameters(old, f"{name}.{member}", new, f"{name}.{member}")
    for group, texts in old.strings.items():
        for text, meaning in texts.items():
            there = new.strings.get(group, {}).get(text)
            if there is not None and _plain(there) == _plain(meaning):
                why = "the same meaning" if there == meaning else "the same, as an object of the class"
                yield Row("strings", f'{group} "{text}"', "nothing", why)


def _kept_parameters(old: Snapshot, before: str, new: Snapshot, after: str) -> Iterator[Row]:
    first, second = old.parameters(before), new.parameters(after)
    known = {p.name: p for p in second}
    for p in first:
        twin = known.get(p.name)
        if twin is None or p.kind in ("args", "kwargs"):
            continue
        if p.kind != "positional" or _place(first, p.name) == _place(second, p.name):
            yield Row("parameters", f"{before}:{p.name}", "nothing", "the same name and place")
        if p.default is not None and p.default == twin.default:
            yield Row("defaults", f"{before}:{p.name}", "nothing", "the same value")
    for p in second:
        if p.name not in old.takes(before) and p.kind in ("positional", "keyword") and p.default is not None:
            yield Row("parameters", f"{before}:{p.name} (new)", "nothing", "only added, and optional")
    old_config, new_config = old.config(before) or {}, new.config(after) or {}
    for key in sorted({*old_config, *new_config}) if old_config and new_config else ():
        if key in old_config and key in new_config and old_config[key] == new_config[key]:
            yield Row("defaults", f"{before}{{{key}}}", "nothing", "the same value")
        elif key not in old_config:
            yield Row("defaults", f"{before}{{{key}}}", "nothing", "only added to get_config()")


def _place(parameters: list[Parameter], name: str) -> int | None:
    names = [p.name for p in parameters if p.kind == "positional"]
    return names.index(name) if name in names else None


def _uses(old: Snapshot, new: Snapshot) -> Iterator[Use]:
    for name in old.public():
        yield from _symbol_uses(old, new, name)
        if old.home(name) != name or old.kind(name) not in ("class", "function") or new.fact(name, "raises"):
            continue
        yield from _parameter_uses(old, name, new, name, name)
        if name not in new or old.kind(name) != "class":
            continue
        made = _made(old, name)
        for member, home in old.members(name).items():
            own = f"{name}.{member}"
            if home != name:
                continue  # its base's, and counted there
            if member not in new.members(name):
                yield Use("members", own, f"{made}.{member}")
                if old.facts[f"{home}.{member}"].get("method"):
                    yield Use("members", own, f"{made}.{member}({_arguments(old.parameters(own))})")
            elif old.facts[f"{home}.{member}"].get("method") and member != "__call__":
                yield from _parameter_uses(old, own, new, own, f"{made}.{member}")
        yield from _config_uses(old, new, name)
    for group, texts in old.strings.items():
        for text, meaning in texts.items():
            there = new.strings.get(group, {}).get(text)
            if there is None or _plain(there) != _plain(meaning):
                use = STRING_USES[group].format(f'"{text}"')
                yield Use("strings", f'{group} "{text}"', use, same=True)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _symbol_uses(old: Snapshot, new: Snapshot, name: str) -> Iterator[Use]:
    why = "the same name kept"
    stub = bool(new.fact(name, "raises"))
    home, _, last = name.rpartition(".")
    if name != "keras.__version__":
        yield Use("symbols", name, f"from {home} import {last} as ", why, aside=_arguments(old.parameters(name)) or "-")
    if old.kind(name) == "value":
        yield Use("symbols", name, name, why)
        return
    yield Use("symbols", name, f"{name}({_arguments(old.parameters(name))})", why, same=stub)
    if not stub:
        yield Use("symbols", name, name, why)


def _parameter_uses(old: Snapshot, before: str, new: Snapshot, after: str, callee: str) -> Iterator[Use]:
    """A use of each parameter by keyword and by position that isn't the same in Keras 3."""
    first = old.parameters(before)
    second = new.parameters(after) if after in new or "." in callee else []
    there = after in new or "(" in callee
    takes = new.takes(after) if there else set()
    renamed = renames(old, before, new, after, curated(shipped("rules") / "api")) if there else {}
    required = [p for p in first if p.default is None and p.kind in ("positional", "keyword")]
    positional = [p.name for p in first if p.kind == "positional"]
    known = {p.name: p for p in second}
    for name in sorted(old.takes(before) - {"*"}):
        key = f"{before}:{name}"
        if not there or (name not in takes and "*" not in takes):
            others = ", ".join(f"{p.name}=v" for p in required if p.name != name)
            yield Use(
                "parameters", key, f"{callee}({', '.join(x for x in (others, f'{name}=v') if x)})", "kept by name"
            )
        elif name not in positional:
            yield Use(
                "parameters",
                key,
                f"{callee}({', '.join(f'{n}=v' for n in _needed(required, name))})",
                "taken by **kwargs",
            )
        if name in positional:
            at = positional.index(name)
            new_name = renamed.get(name, name)
            if not there or _place(second, new_name) != at or new_name != name:
                needed = "".join(f", {p.name}=v" for p in required if p.name not in positional[: at + 1])
                code = f"{callee}({', '.join(['v'] * (at + 1))}{needed})"
                yield Use(
                    "parameters", key, code, "in place, under a new name", same=there and _place(second, new_name) != at
                )
        twin = known.get(name)
        value = next((p.default for p in first if p.name == name), None)
        if twin is not None and value != twin.default:
            others = ", ".join(f"{p.name}=v" for p in required)
            if value is None:
                yield Use("defaults", key, f"{callee}({others})", "had to be given, and is taken")
            else:
                yield Use("defaults", key, f"{callee}({others})", same=True)


def _needed(required: list[Parameter], name: str) -> list[str]:
    return [*(p.name for p in required if p.name != name), name]


def _config_uses(old: Snapshot, new: Snapshot, name: str) -> Iterator[Use]:
    before, after = old.config(name), new.config(name)
    if not before or not after:
        return
    for key, value in before.items():
        if key not in after:
            if key in new.takes(name) or key not in old.takes(name):
                yield Use("defaults", f"{name}{{{key}}}", _made(old, name), same=True)
            else:
                yield Use("defaults", f"{name}{{{key}}}", f"{name}({_arguments(old.parameters(name), key)})", same=True)
        elif after[key] != value:
            yield Use("defaults", f"{name}{{{key}}}", _made(old, name), same=True)


def _arguments(parameters: list[Parameter], also: str = "") -> str:
    needed = [p for p in parameters if p.default is None and p.kind in ("positional", "keyword")]
    parts = [p.name + "=v" if p.kind == "keyword" else "v" for p in needed if p.name != also]
    return ", ".join([*parts, *([f"{also}=v"] if also else [])])


def _made(old: Snapshot, name: str) -> str:
    for kind, (before, _) in KINDS.items():
        if name == before and kind in MADE:
            return MADE[kind]
    return f"{name}({_arguments(old.parameters(name))})"


# -- what migrate makes of them --------------------------------------------------------------------------------------


def _judged(uses: list[Use], new: Snapshot, nothing: dict[str, Any]) -> Iterator[Row]:
    unique = list(dict.fromkeys(uses))
    for start in range(0, len(unique), CHUNK):
        chunk = unique[start : start + CHUNK]
        head = "from tensorflow import keras\n\n"
        lines = [
            f"{u.code}i{i}; u{i} = i{i}({u.aside.strip('-')})" if u.aside else f"u{i} = {u.code}"
            for i, u in enumerate(chunk)
        ]
        text = head + "\n".join(lines) + "\n"
        done = migrate_source(text, "uses.py")
        result = ast.parse(done.text)
        after = {
            node.targets[0].id: node.value
            for node in result.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        imported = {
            a.asname or a.name: f"{n.module}.{a.name}"
            for n in result.body
            if isinstance(n, ast.ImportFrom)
            for a in n.names
        }
        said: dict[int, list[tuple[str, str]]] = {}
        for finding in done.findings:
            said.setdefault(finding.place.line - 3, []).append((str(finding.outcome), finding.rule))
        for index, use in enumerate(chunk):
            spoken = said.get(index, [])
            target = imported.get(f"i{index}", "")
            left = f"{target} is gone" if target.startswith("keras.") and target not in new else ""
            if not use.aside:
                left = next(_refused(after[f"u{index}"], new), "")
            there = left.removesuffix(" is gone") in shim_names() and not use.aside
            if there and imported.get("keras") == "tensorflow.keras":
                use, left = replace(use, default="said as tf.keras, which has it, with TensorFlow behind it"), ""
            yield _row(use, spoken, left, nothing)


def _row(use: Use, spoken: list[tuple[str, str]], left: str, nothing: dict[str, Any]) -> Row:
    by = {how: sorted({rule for outcome, rule in spoken if outcome == how}) for how, _ in spoken}
    if Outcome.MANUAL in by:
        return Row(use.part, use.name, "told", ", ".join(by[Outcome.MANUAL]))
    if Outcome.UNSAFE in by:
        return Row(use.part, use.name, "care", ", ".join(by[Outcome.UNSAFE]))
    fixed = [rule for rule in by.get(Outcome.FIXED, ()) if rule != "KP101"]
    if fixed and not left:
        return Row(use.part, use.name, "safe", ", ".join(fixed))
    why = reason(nothing, use.part, use.name)
    if why:
        return Row(use.part, use.name, "nothing", why)
    if left or use.same or not use.default:
        return Row(use.part, use.name, "uncovered", left or f"means something else: {use.code}")
    return Row(use.part, use.name, "nothing", use.default)


def reason(nothing: dict[str, Any], part: str, name: str) -> str:
    """Why a thing needs nothing, as rules/api/nothing.toml says."""
    for entry in nothing.get(part, ()):
        if any(fnmatchcase(name, pattern) for pattern in entry["names"]):
            return entry["why"]
    return ""


def _refused(node: ast.expr, new: Snapshot) -> Iterator[str]:
    """What Keras 3 would refuse in an expression."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute | ast.Name):
            dotted = _dotted(inner)
            if dotted is None or dotted.partition(".")[0] != "keras" or dotted in new:
                continue
            if new.kind(dotted.rpartition(".")[0]) in ("module", ""):
                yield f"{dotted} is gone"
        elif isinstance(inner, ast.Call):
            dotted = _dotted(inner.func)
            if dotted is None and isinstance(inner.func, ast.Attribute) and isinstance(inner.func.value, ast.Call):
                made = _dotted(inner.func.value.func)
                dotted = f"{made}.{inner.func.attr}" if made else None
                if made is not None and new.kind(made) == "class" and inner.func.attr not in new.members(made):
                    yield f"{made} has no {inner.func.attr}"
                    continue
            if dotted is not None:
                yield from _refused_call(inner, dotted, new)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
        made = _dotted(node.value.func)
        if made is not None and new.kind(made) == "class" and node.attr not in new.members(made):
            yield f"{made} has no {node.attr}"


def _refused_call(call: ast.Call, dotted: str, new: Snapshot) -> Iterator[str]:
    parameters = new.parameters(dotted)
    if not parameters and new.kind(dotted) not in ("class", "function"):
        return
    takes = new.takes(dotted)
    star = any(p.kind == "kwargs" for p in parameters) and new.kind(dotted) == "function"
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in takes and not takes & {"*"} and not star:
            yield f"{dotted} takes no {keyword.arg}"
    positional = [p for p in parameters if p.kind == "positional"]
    if len(call.args) > len(positional) and not any(p.kind == "args" for p in parameters):
        yield f"{dotted} takes {len(positional)} positional arguments"
    given = {p.name for p in positional[: len(call.args)]} | {k.arg for k in call.keywords}
    for p in parameters:
        if p.default is None and p.kind in ("positional", "keyword") and p.name not in given:
            yield f"{dotted} needs {p.name}"


def _dotted(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return None if base is None else f"{base}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


# -- numbers ---------------------------------------------------------------------------------------------------------


def _silent(path: Path, nothing: dict[str, Any]) -> list[Row]:
    """What was measured on both Kerases: a row for each difference, and one for each name without any."""
    if not path.is_file():
        return []
    book = {rule.id: rule for rule in rules() if rule.effect in ("numbers", "raises")}
    measured = json.loads(path.read_text("utf-8"))
    rows = []
    for entry in measured["rows"]:
        name = f"{entry['kind']} {entry['name']} ({entry['case']})"
        named = book.get(entry["rule"])
        why = reason(nothing, "silent changes", name)
        if named is not None:
            how = {"safe": "safe", "unsafe": "care", "manual": "told"}[named.safety]
            rows.append(Row("silent changes", name, how, named.id))
        elif why:
            rows.append(Row("silent changes", name, "nothing", why))
        else:
            rows.append(Row("silent changes", name, "uncovered", entry["difference"]))
    header = measured["header"]
    differing = {f"{entry['kind']} {entry['name']}" for entry in measured["rows"]}
    loud = [*header["refused_by_keras_3"], *header["refused_by_keras_2"], *header["refused_by_both"]]
    refused = Counter(key.partition(": ")[0] for key in loud)
    for kind, names in header["names"].items():
        for name, cases in names.items():
            same = cases - refused[f"{kind} {name}"]
            if same and f"{kind} {name}" not in differing:
                rows.append(Row("silent changes", f"{kind} {name}", "nothing", f"the same numbers in {same} cases"))
    return rows


# -- shown -----------------------------------------------------------------------------------------------------------


def counts(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """{part: {how: rows}}, every part and how, in order."""
    found = {part: dict.fromkeys(HOW, 0) for part in PARTS}
    for row in rows:
        found[row.part][row.how] += 1
    return found


def as_text(rows: list[Row], details: bool = False) -> str:
    """The table, why what needs nothing needs nothing, and whatever is uncovered."""
    heads = {
        "safe": "edited safely",
        "care": "with care",
        "told": "told",
        "nothing": "nothing",
        "uncovered": "uncovered",
    }
    lines = [" " * 16 + "".join(f"{text:>15}" for text in heads.values()) + f"{'all':>8}{'covered':>10}"]
    for part, found in counts(rows).items():
        every = sum(found.values())
        share = f"{100 * (every - found['uncovered']) / every:.1f}%" if every else "-"
        lines.append(f"{part:<16}" + "".join(f"{found[how]:>15}" for how in heads) + f"{every:>8}{share:>10}")
    lines += ["", "What needs nothing, and why:"]
    for part in PARTS:
        whys: dict[str, int] = {}
        for row in rows:
            if row.part == part and row.how == "nothing":
                why = re.sub(r"in \d+ cases", "in every case", row.why)
                whys[why] = whys.get(why, 0) + 1
        lines += [f"  {part:<16}{number:>6}  {why}" for why, number in sorted(whys.items(), key=lambda p: -p[1])]
    left = [row for row in rows if row.how == "uncovered"]
    lines += ["", "Uncovered:" if left else "Nothing is uncovered.", *(f"  {r.part}: {r.name}: {r.why}" for r in left)]
    if details:
        lines += ["", *(f"{row.part}\t{row.name}\t{row.how}\t{row.why}" for row in rows)]
    return "\n".join(lines)
