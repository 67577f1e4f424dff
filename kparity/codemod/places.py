"""Where Keras 3 has what Keras 2 had elsewhere: renamed modules, classes imported from the file they stood in.

In: a canonical dotted name. Out: its public place in Keras 3, by the rules that rename. Called by names (what a name
means, whatever it is called), edits and match.
"""

import functools

from ..rulebook import Rule, api, rules


def renamed(rule: Rule, dotted: str) -> str | None:
    """What a rename or public rule makes of a canonical name; None if it says nothing."""
    if rule.edit["kind"] == "public":
        return public_place(dotted)
    to: str = rule.edit["to"]
    if not to.endswith(".*"):
        return to
    return to[:-2] if dotted in rule.applies and f"{dotted}.*" in rule.applies else to[:-1] + dotted.rsplit(".", 1)[-1]


def is_private_path(dotted: str) -> bool:
    """Is this a class or function that was imported from the file it stood in, and has one public place?

    Old families of classes that go by the names of new ones, and the backend with its own meanings, are left out.
    """
    parts = dotted.split(".")
    if len(parts) < 4 or parts[0] != "keras" or parts[1] in ("backend", "src", "preprocessing") or dotted in api(3):
        return False
    if ".".join(parts[:-1]) in api(3) or any("legacy" in p or "experimental" in p or "v1" in p for p in parts):
        return False
    return public_place(dotted) is not None


def public_place(dotted: str) -> str | None:
    """The public home of a class or function that was imported from inside Keras, if there is exactly one."""
    parts = dotted.split(".")
    if len(parts) < 3:
        return None
    near = f"keras.{parts[1]}.{parts[-1]}"
    if near in api(3):
        return near
    places = _places().get(parts[-1])
    if not places:
        return None
    fewest = min(n.count(".") for n in places)
    best = [n for n in places if n.count(".") == fewest and not n.startswith("keras.ops.")] or places
    return best[0] if len(best) == 1 or fewest == 1 else None


@functools.cache
def _places() -> dict[str, list[str]]:
    """Every public class and function of Keras 3 by its own name."""
    found: dict[str, list[str]] = {}
    for dotted, kind in api(3).items():
        if kind in ("class", "function"):
            found.setdefault(dotted.rsplit(".", 1)[-1], []).append(dotted)
    return found


@functools.lru_cache(maxsize=65536)
def place(dotted: str) -> str:
    """The name that Keras 3 has for the same thing; the name itself where there is none."""
    if not dotted.startswith("keras.") or dotted in api(3):
        return dotted
    exact, starred = _renames()
    home, _, last = dotted.rpartition(".")
    for rule in (*exact.get(dotted, ()), *starred.get(home, ())):
        target = renamed(rule, dotted)
        if target in api(3):
            return target
    if is_private_path(dotted):
        return public_place(dotted) or dotted
    moved = place(home)
    return f"{moved}.{last}" if moved != home and f"{moved}.{last}" in api(3) else dotted


@functools.cache
def _renames() -> tuple[dict[str, list[Rule]], dict[str, list[Rule]]]:
    exact: dict[str, list[Rule]] = {}
    starred: dict[str, list[Rule]] = {}
    for rule in rules():
        if rule.edit["kind"] in ("rename", "public"):
            for pattern in rule.applies:
                if pattern.endswith(".*"):
                    starred.setdefault(pattern[:-2], []).append(rule)
                else:
                    exact.setdefault(pattern, []).append(rule)
    return exact, starred
