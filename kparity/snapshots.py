"""The fact files of rules/api (`tf_keras-2.21.txt`, ...): what every public name of a Keras takes, has and gives.

In: lines `NAME KIND VALUE` as kparity.capture.snapshot writes them. Out: `Snapshot`, which answers by canonical name.
Called by the coverage report and by the table of changed calls; migrate never reads these files. No framework.
"""

import ast
import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import shipped

PACKAGES = {2: "tf_keras", 3: "keras"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a signature."""

    name: str
    kind: str
    """positional, keyword, args or kwargs."""
    default: str | None = None
    """Its default as source, None if it has to be given."""


class Snapshot:
    """What one version of Keras offers."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.facts: dict[str, dict[str, str]] = {}
        self.strings: dict[str, dict[str, str]] = {}
        self.own: dict[str, dict[str, str]] = {}
        for line in lines:
            name, kind, *value = line.rstrip("\n").split(" ", 2)
            text = value[0] if value else ""
            if kind == "string":
                key, _, meaning = text.partition(" ")
                self.strings.setdefault(name, {})[key] = meaning
                continue
            self.facts.setdefault(name, {})[kind] = text
            if kind in ("method", "property", "attribute"):
                owner, _, member = name.rpartition(".")
                self.own.setdefault(owner, {})[member] = kind

    def home(self, name: str) -> str:
        """The name under which the facts about this object stand."""
        return self.facts.get(name, {}).get("alias", name)

    def __contains__(self, name: str) -> bool:
        return bool({"module", "class", "function", "value", "alias"} & set(self.facts.get(name, ())))

    def kind(self, name: str) -> str:
        """module, class, function or value."""
        facts = self.facts.get(self.home(name), {})
        return next((k for k in ("module", "class", "function", "value") if k in facts), "")

    def fact(self, name: str, kind: str) -> str | None:
        return self.facts.get(self.home(name), {}).get(kind)

    def public(self) -> list[str]:
        """Every public name that isn't a module."""
        return [n for n in self.facts if n in self and self.kind(n) != "module"]

    def bases(self, name: str) -> list[str]:
        return (self.fact(name, "bases") or "").split()

    def members(self, name: str) -> dict[str, str]:
        """Member -> the class (by its own name) whose facts say what it is: its own, or its nearest public base."""
        found: dict[str, str] = {}
        for owner in [self.home(name), *self.bases(name)]:
            for member in self.own.get(owner, ()):
                found.setdefault(member, owner)
        return found

    def parameters(self, name: str) -> list[Parameter]:
        """The signature of a class, function or method (`keras.Model.fit`); empty for anything else."""
        facts = self.facts.get(self.home(name), {})
        text = facts.get("class") or facts.get("function")
        if text is None and not facts.get("method"):
            owner, _, member = name.rpartition(".")
            home = self.members(owner).get(member)
            text = self.facts[f"{home}.{member}"].get("method") if home else None
        elif text is None:
            text = facts["method"]
        return list(_signature(text)) if text else []

    def takes(self, name: str) -> set[str]:
        """Every name that can be given by keyword, those that `**kwargs` takes included."""
        named = {p.name for p in self.parameters(name) if p.kind in ("positional", "keyword")}
        hidden = self.fact(name, "hidden")
        if hidden is None:
            owner, _, member = name.rpartition(".")
            hidden = self.facts.get(f"{self.members(owner).get(member)}.{member}", {}).get("hidden")
        return named | set((hidden or "").split())

    def config(self, name: str) -> dict[str, Any] | None:
        """get_config() of an instance made with as few arguments as it takes."""
        text = self.fact(name, "config")
        return json.loads(text) if text else None


@functools.cache
def _signature(text: str) -> tuple[Parameter, ...]:
    args = ast.parse(f"def f{text}: pass").body[0].args  # type: ignore[attr-defined]
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + [ast.unparse(d) for d in args.defaults]
    found = [Parameter(a.arg, "positional", d) for a, d in zip(positional, defaults, strict=True)]
    if args.vararg:
        found.append(Parameter(args.vararg.arg, "args", ""))
    for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        found.append(Parameter(a.arg, "keyword", ast.unparse(d) if d else None))
    if args.kwarg:
        found.append(Parameter(args.kwarg.arg, "kwargs", ""))
    return tuple(found)


def versions(keras: int, folder: Path | None = None) -> list[Path]:
    """The fact files of Keras 2 or 3, the newest last."""
    folder = folder or shipped("rules") / "api"
    return sorted(
        folder.glob(f"{PACKAGES[keras]}-*.txt"), key=lambda p: [int(n) for n in p.stem.rpartition("-")[2].split(".")]
    )


@functools.cache
def snapshot(keras: int, folder: Path | None = None) -> Snapshot:
    """The newest version of Keras 2 or 3 that is known."""
    return Snapshot(versions(keras, folder)[-1].read_text("utf-8").splitlines())
