"""Where things are and what the user wants: shipped data, cache folders, and [tool.kparity] of a pyproject.toml.

In: paths from the command line. Out: `Settings`. Called by the command `migrate`, before any file is looked at.
"""

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

TARGETS = ("keras", "tf.keras")
KEYS = ("include", "exclude", "select", "extend-select", "ignore", "per-file-ignores", "target", "rules")


class ConfigError(ValueError):
    """A setting that can't be used; the message names the file and the key."""


class Settings(NamedTuple):
    """[tool.kparity] of the nearest pyproject.toml that has it. Patterns and rule files are relative to its folder."""

    root: Path | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    target: str = "keras"
    rules: tuple[Path, ...] = ()

    def relative(self, path: Path) -> str:
        """The path as patterns see it: from the folder of the pyproject.toml, or from here, with forward slashes."""
        root = self.root or Path.cwd()
        whole = Path(os.path.abspath(path))  # noqa: PTH100 (links stay as they are named)
        return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else whole.as_posix()

    def ignored_for(self, path: Path) -> tuple[str, ...]:
        """The rules that `per-file-ignores` keeps off this file."""
        if not self.per_file_ignores:
            return ()
        name = self.relative(path)
        return tuple(rule for pattern, rules in self.per_file_ignores if matches(name, (pattern,)) for rule in rules)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Does a pattern say this file, or a folder that it is in? One without a slash is about names at any depth."""
    parts = name.split("/")
    for pattern in patterns:
        plain = pattern.strip("/").removeprefix("./")
        if "/" not in plain:
            if any(fnmatchcase(part, plain) for part in parts):
                return True
            continue
        wanted = [plain, plain.replace("**/", "")] if "**/" in plain else [plain]
        if any(fnmatchcase("/".join(parts[:end]), one) for end in range(1, len(parts) + 1) for one in wanted):
            return True
    return False


def settings(paths: Iterable[Path]) -> Settings:
    """The settings for these paths: of the nearest pyproject.toml with [tool.kparity], upwards of what they share.

    Raises:
        ConfigError: a file that isn't TOML, an unknown key, or a value of the wrong kind.
    """
    whole = [os.path.abspath(path) for path in paths]  # noqa: PTH100
    common = Path(os.path.commonpath(whole)) if whole else Path.cwd()
    for folder in (common, *common.parents):
        file = folder / "pyproject.toml"
        try:
            data = file.read_bytes()
        except OSError:
            continue
        if b"kparity" in data:
            found = _parse(file, data)
            if found is not None:
                return found
    return Settings()


def _parse(file: Path, data: bytes) -> Settings | None:
    import tomllib

    try:
        section = tomllib.loads(data.decode("utf-8")).get("tool", {}).get("kparity")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    if section is None:
        return None
    where = f"{file}: [tool.kparity]"
    if not isinstance(section, dict):
        raise ConfigError(f"{where} is no table")
    for key in section:
        if key not in KEYS:
            raise ConfigError(f"{where} has no key {key!r}; known are {', '.join(KEYS)}")
    target = section.get("target", "keras")
    if target not in TARGETS:
        raise ConfigError(f"{where}: target = {target!r} is none of {', '.join(TARGETS)}")
    per_file = section.get("per-file-ignores", {})
    if not isinstance(per_file, dict):
        raise ConfigError(f'{where}: per-file-ignores is a table, like {{ "tests/*" = ["KP4"] }}')
    own = tuple(file.parent / one for one in _texts(section, "rules", where))
    for one in own:
        if not one.is_file():
            raise ConfigError(f"{where}: rules: there is no {one}")
    return Settings(
        root=file.parent,
        include=_texts(section, "include", where),
        exclude=_texts(section, "exclude", where),
        select=_texts(section, "select", where) if "select" in section else None,
        extend_select=_texts(section, "extend-select", where),
        ignore=_texts(section, "ignore", where),
        per_file_ignores=tuple((pattern, _texts(per_file, pattern, where)) for pattern in per_file),
        target=target,
        rules=own,
    )


def _texts(section: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = section.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(f'{where}: {key} is a list of strings, like ["KP302"]')
    return tuple(value)


def shipped(name: str) -> Path:
    """The folder `name` ("rules" or "fixtures") that came with this installation.

    A wheel carries it inside the package; an editable install reads the checkout's own.
    """
    package = Path(__file__).resolve().parent
    inside = package / "_data" / name
    return inside if inside.is_dir() else package.parent / name


def cache_home() -> Path:
    """The user's folder for what kparity can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "kparity"


def project(paths: Iterable[Path]) -> Path:
    """The folder that a cache for these paths belongs into: of the nearest pyproject.toml or .git upwards, or here."""
    whole = [os.path.abspath(path) for path in paths]  # noqa: PTH100
    common = Path(os.path.commonpath(whole)) if whole else Path.cwd()
    for folder in (common, *common.parents):
        if (folder / "pyproject.toml").is_file() or (folder / ".git").exists():
            return folder
    return Path.cwd()
