"""Files that say which packages a program needs: pins that keep Keras 2 are told, and edited on request.

In: the name and text of a requirements file, a project's configuration, an environment or a Dockerfile. Out: findings,
and the text with only the pins changed. Called by files, and by notebooks for their `!pip install` lines.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..findings import Finding, Outcome, Place
from ..rulebook import find
from .module import LINE_END, Splice, apply
from .outcomes import IGNORE, Migrated

TENSORFLOW = frozenset(
    {"tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tf-nightly-gpu", "tensorflow-macos"}
    | {"tensorflow-gpu-base", "tensorflow-base", "intel-tensorflow"}
)
GONE = {
    "tf-keras": "it is Keras 2 itself",
    "tf-keras-nightly": "it is Keras 2 itself",
    "tensorflow-addons": "it is no longer developed and knows Keras 2 only; `kparity explain tensorflow-addons`",
    "keras-contrib": "it is no longer developed and knows Keras 2 only",
    "keras-applications": "its models are in keras.applications",
    "keras-preprocessing": "what is left of it is in keras.preprocessing and keras.utils",
    "keras-rl": "it is no longer developed and knows Keras 2 only",
    "keras-rl2": "it is no longer developed and knows Keras 2 only",
    "keras-mxnet": "Keras 3 has no MXNet backend",
    "keras-nlp": "its name is keras-hub now, and that is for Keras 3",
    "tensorflow-model-optimization": "it works on models of Keras 2 only",
}
NAME = r"[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]"
PIP = re.compile(
    rf"(?P<name>{NAME})(?P<extras>[ \t]*\[[^\]]*\])?"
    r"(?P<spec>[ \t]*\(?(?:(?:===|==|~=|!=|<=|>=|<|>)[ \t]*[\w.*+!-]+[ \t]*,?[ \t]*)+\)?)?"
)
CONDA = re.compile(
    rf"(?:[\w.-]+::)?(?P<name>{NAME})"
    r"(?P<spec>[ \t]*(?:(?:===?|~=|!=|<=|>=|=|<|>)[ \t]*[\w.*+!,<>=|-]+)|[ \t]+\d[\w.*]*)?"
)
CLAUSE = re.compile(r"(===|==|~=|!=|<=|>=|=|<|>|\^|~)?[ \t]*(\d+(?:\.(?:\d+|\*))*)")
INSTALL = re.compile(r"\b(?:pip[\d.]*|conda|mamba|uv|poetry)\b[^|;&#]*?\b(?:install|add)\b(?P<what>[^|;&#]*)")
LEGACY = re.compile(r"""\bTF_USE_LEGACY_KERAS\b['"]?(?:[ \t]*=[ \t]*|[ \t]+)['"]?(?:1|true|True)\b""")
LISTS = frozenset({"install_requires", "setup_requires", "tests_require", "extras_require", "requires"})


class Requirement(NamedTuple):
    """One requirement, as it stands in a text."""

    name: str
    spec: str
    start: int
    """Offset of its name."""
    span: tuple[int, int]
    """What is replaced to edit it: the whole of it, or the version alone where that stands apart."""
    style: str = "pip"
    """pip, conda, or version: only the version is in `span`."""
    editable: bool = True


def finding(rule: str, place: Place, what: str, outcome: Outcome = Outcome.MANUAL, fix: str = "") -> Finding:
    """What such a rule says of a place."""
    found = find(rule)
    assert found is not None
    text = " ".join((fix or found.why).split()) if outcome is not Outcome.FIXED else ""
    return Finding(rule, place, found.phase, outcome, f"{found.title}: `{what}`", text)


def migrate_requirements(text: str, path: str, *, edit: bool) -> Migrated:
    """The file with its pins moved to Keras 3 if `edit`, and what there is to say of them."""
    starts = [0, *(m.end() for m in LINE_END.finditer(text))]
    found: list[Finding] = []
    splices: list[Splice] = []

    def place(offset: int) -> tuple[Place, bool]:
        line = next(i for i in range(len(starts), 0, -1) if starts[i - 1] <= offset)
        words = text[starts[line - 1] : starts[line] if line < len(starts) else len(text)]
        comment = IGNORE.search(words)
        kept = comment is not None and (not comment[1] or "KP15" in comment[1])
        return Place(path, line, offset - starts[line - 1] + 1), kept

    for one in _requirements(text, path):
        judged = judge(one.name, one.spec)
        if judged is None:
            continue
        rule, why, new = judged
        where, kept = place(one.start)
        outcome = Outcome.SUPPRESSED if kept else Outcome.MANUAL
        if new and one.editable and outcome is Outcome.MANUAL:
            why += f" `--requirements` makes it `{new}`."
            if edit:
                outcome = Outcome.FIXED
                splices.append(Splice(*one.span, _written(one, new, text)))
        found.append(finding(rule, where, (one.name + one.spec).strip(), outcome, why))
    for match in LEGACY.finditer(text) if not path.endswith(".py") else ():
        where, kept = place(match.start())
        found.append(finding("KP157", where, match[0], Outcome.SUPPRESSED if kept else Outcome.MANUAL))
    left = tuple(f for f in found if f.outcome is not Outcome.FIXED)
    return Migrated(apply(text, splices), sorted(found, key=lambda f: f.place), mentions=True, again=left)


def judge(name: str, spec: str) -> tuple[str, str, str] | None:
    """The rule that a requirement falls under, why, and the pin that serves Keras 3; None where all is well."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain == "keras" and not allows(spec, (3,)):
        return "KP154", "Migrated code needs Keras 3.", "keras>=3"
    if plain in TENSORFLOW:
        plainer = "tensorflow-cpu" if plain == "tensorflow-cpu" else "tensorflow"
        if plain == "tensorflow-gpu":
            return "KP154", "The package `tensorflow-gpu` ended with TensorFlow 2.12.", "tensorflow>=2.16"
        if not allows(spec, (2, 16)):
            return "KP154", "TensorFlow has Keras 3 in it from 2.16 on.", f"{plainer}>=2.16"
    if plain in GONE:
        return "KP155", f"`{plain}`: {GONE[plain]}.", ""
    if plain == "python" and spec and not allows(spec, (3, 9)):
        return "KP156", "", ""
    return None


def allows(spec: str, least: tuple[int, ...]) -> bool:
    """May a version from `least` on be installed under this specification? A guess is a yes: nothing is told."""
    if "|" in spec:
        return any(allows(one, least) for one in spec.split("|"))
    for operator, words in CLAUSE.findall(spec):
        star = words.endswith(".*")
        version = tuple(int(one) for one in words.removesuffix(".*").split(".") if one != "*")
        upper = version[: len(least)] + (0,) * (len(least) - len(version))
        match operator:
            case ">=" | ">" | "!=":
                continue
            case "<":
                if _padded(version) <= _padded(least):
                    return False
            case "<=":
                if upper < least:
                    return False
            case "^":
                # up to the next change of the first number that isn't zero
                if version[0] < least[0]:
                    return False
            case "~=" | "~":
                held = version[:-1] if operator == "~=" else version[:2]
                if held < least[: len(held)]:
                    return False
            case _:
                short = star or operator == "="  # conda: =2 is any 2.x
                if (version if short else upper)[: len(least)] < least[: len(version) if short else len(least)]:
                    return False
    return True


def _padded(version: tuple[int, ...]) -> tuple[int, ...]:
    return (*version, 0, 0, 0, 0)[:4]


def in_shell(line: str) -> Iterator[tuple[str, int, str, str]]:
    """(rule, column, words, what to know) of what a shell line installs or sets that keeps Keras 2."""
    for command in INSTALL.finditer(line):
        for word in re.finditer(r"[^\s'\"]+", command["what"]):
            one = (CONDA if "conda" in command[0] or "mamba" in command[0] else PIP).fullmatch(word[0])
            if one is None or word[0].startswith("-"):
                continue
            judged = judge(one["name"], one["spec"] or "")
            if judged is not None:
                more = f" Make it `{judged[2]}`." if judged[2] else ""
                yield judged[0], command.start("what") + word.start() + 1, word[0], judged[1] + more
    if re.match(r"\s*%tensorflow_version\s+1", line):
        yield "KP154", 1, line.strip(), "Keras 3 needs TensorFlow 2.16 or later; Colab no longer has this magic."
    legacy = LEGACY.search(line)
    if legacy is not None:
        yield "KP157", legacy.start() + 1, line.strip(), ""


def _written(one: Requirement, new: str, text: str) -> str:
    name, version = new.split(">=")
    if one.style == "version":
        return f">={version}"
    if name != one.name.lower().replace("_", "-"):
        return new
    extras = re.search(r"\[[^\]]*\]", text[one.span[0] : one.span[1]])
    return one.name + (extras[0] if extras else "") + f">={version}"


# -- where requirements stand -----------------------------------------------------------------------------------------


def _requirements(text: str, path: str) -> Iterator[Requirement]:
    name = path.replace("\\", "/").rsplit("/", 1)[-1].lower()
    if name.endswith(".py"):
        yield from _in_python(text)
    elif name in ("pyproject.toml", "pipfile"):
        yield from _in_toml(text, name == "pipfile")
    elif name == "setup.cfg":
        yield from _in_cfg(text)
    elif name.endswith((".yml", ".yaml")):
        yield from _in_environment(text)
    elif name.endswith("dockerfile"):
        for start, line in _lines(text):
            for command in INSTALL.finditer(line):
                for word in re.finditer(r"[^\s'\"]+", command["what"]):
                    at = start + command.start("what") + word.start()
                    # `>` means something else to a shell, and how to quote depends on what is around
                    yield from _one(PIP.fullmatch(word[0]), at, editable=False)
    else:
        for start, line in _lines(text):
            yield from _in_line(line, start)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for match in LINE_END.finditer(text):
        yield at, text[at : match.start()]
        at = match.end()
    yield at, text[at:]


def _one(match: re.Match[str] | None, offset: int, style: str = "pip", editable: bool = True) -> Iterator[Requirement]:
    if match is None:
        return
    spec = match["spec"] or ""
    end = match.end("spec") if spec else match.end()
    kept = len(spec) - len(spec.rstrip())
    span = (offset + match.start("name"), offset + end - kept)
    yield Requirement(match["name"], spec.rstrip(), offset + match.start("name"), span, style, editable)


def _in_line(line: str, start: int) -> Iterator[Requirement]:
    """A line as pip reads it: options and comments are none, an address is one by the name in it."""
    body = re.split(r"(?:^|\s)#", line)[0]
    plain = body.strip()
    if not plain or plain.startswith(("-r", "-c", "-f", "-i", "--")):
        return
    address = re.search(r"(?:://|^-e\s).*?\b(keras[-_]contrib|keras[-_]rl2?|addons)\b", plain)
    if address is not None:
        named = {"addons": "tensorflow-addons"}.get(address[1], address[1])
        yield Requirement(named, "", start, (start, start), editable=False)
        return
    indent = len(body) - len(body.lstrip())
    match = PIP.match(body, indent)
    if match is not None and (match.end() == len(body) or body[match.end() :].lstrip()[:1] in ("", ";", "\\")):
        hashed = body.rstrip().endswith("\\")
        yield from _one(match, start, editable=not hashed)


def _in_environment(text: str) -> Iterator[Requirement]:
    for start, line in _lines(text):
        item = re.match(r"""[ \t]*-[ \t]+(['"]?)([^'"#]+?)\1[ \t]*(?:#.*)?$""", line)
        if item is None:
            continue
        words = item[2]
        pip = "==" in words and not re.search(r"==?[\w.*]+=\w", words)
        match = (PIP if pip else CONDA).fullmatch(words)
        yield from _one(match, start + item.start(2), "pip" if pip else "conda")


def _in_cfg(text: str) -> Iterator[Requirement]:
    section = key = ""
    for start, line in _lines(text):
        head = re.match(r"\[([^\]]+)\]", line)
        option = re.match(r"([\w.-]+)[ \t]*[=:][ \t]*", line)
        if head is not None:
            section, key = head[1].strip(), ""
            continue
        skip = 0
        if option is not None:
            key, skip = option[1].replace("-", "_"), option.end()
        listed = (section == "options" and key in LISTS) or section == "options.extras_require"
        if listed and (skip or line[:1] in " \t"):
            yield from _in_line(line[skip:], start + skip)


def _in_toml(text: str, pipfile: bool) -> Iterator[Requirement]:
    section = ""
    in_list = False
    for start, line in _lines(text):
        head = re.match(r"[ \t]*\[+[ \t]*([^\]]+?)[ \t]*\]+[ \t]*(?:#.*)?$", line)
        if head is not None and not in_list:
            section = head[1].replace('"', "").replace("'", "")
            continue
        if pipfile or re.match(r"tool\.poetry\.(?:.*\.)?(?:dev-)?dependencies$", section):
            if not pipfile or section in ("packages", "dev-packages"):
                yield from _in_table(line, start)
            continue
        wanted = section in ("project.optional-dependencies", "dependency-groups")
        key = re.match(r"""[ \t]*["']?([\w.-]+)["']?[ \t]*=[ \t]*\[""", line)
        if key is not None and not in_list:
            in_list = wanted or (section, key[1]) in (("project", "dependencies"), ("build-system", "requires"))
        if in_list:
            for string in re.finditer(r"""(['"])(.*?)\1""", line):
                match = PIP.match(string[2])
                if match is not None and string[2][match.end() :].strip()[:1] in ("", ";"):
                    yield from _one(match, start + string.start(2))
            outside = re.sub(r"""(['"]).*?\1|#.*""", "", line)
            in_list = outside.count("]") < outside.count("[") + (0 if key is not None else 1)


def _in_table(line: str, start: int) -> Iterator[Requirement]:
    """`keras = "^2.3"` and `tensorflow = {version = "2.4", ...}` of Poetry and Pipenv."""
    entry = re.match(
        rf"""[ \t]*["']?(?P<name>{NAME})["']?[ \t]*=[ \t]*(?:\{{.*?\bversion[ \t]*=[ \t]*)?(["'])(?P<spec>[^"']*)\2""",
        line,
    )
    if entry is None:
        return
    spec = entry["spec"] if not re.match(r"\d", entry["spec"]) else f"=={entry['spec']}"
    gpu = entry["name"].lower() == "tensorflow-gpu"
    span = (start + entry.start("spec"), start + entry.end("spec"))
    yield Requirement(entry["name"], spec, start + entry.start("name"), span, "version", not gpu)


def _in_python(text: str) -> Iterator[Requirement]:
    """The strings of `install_requires=` and its kin in a setup.py, or in a list whose name says as much."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    lines = list(_lines(text))
    homes: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in LISTS:
            homes.append(node.value)
        elif isinstance(node, ast.Assign):
            names = [target.id.lower() for target in node.targets if isinstance(target, ast.Name)]
            if any("requir" in name or "dependenc" in name for name in names):
                homes.append(node.value)
    seen: set[int] = set()
    for home in homes:
        for node in ast.walk(home):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in seen:
                continue
            seen.add(id(node))
            match = PIP.match(node.value)
            if match is None or node.value[match.end() :].strip()[:1] not in ("", ";"):
                continue
            start, line = lines[node.lineno - 1]
            column = len(line.encode()[: node.col_offset].decode(errors="replace"))
            whole = line[column : column + len(node.value) + 2]
            simple = whole[1:-1] == node.value and whole[:1] in "'\""
            yield from _one(match, start + column + 1, editable=simple)
