"""A finished comparison on disk: verdict.json, written so that it is whole or not there, and read with clear errors.

In and out: the dict that README calls verdict.json, and the folder it lies in (reports/NAME). `compare` writes it;
`gate` and `report` read it. Standard library only.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = 1
"""The only schema number that this version writes and reads."""

NAME = "verdict.json"

_NEEDED: dict[str, tuple[type, ...]] = {
    "verdict": (str,),
    "subject": (str,),
    "steps": (int,),
    "sides": (dict,),
    "causes": (list,),
    "accuracy": (dict, type(None)),
    "curves": (dict, type(None)),
    "error": (dict, type(None)),
    "notes": (list,),
    "migration": (list,),
    "cost": (dict,),
}


class Unreadable(Exception):
    """The verdict cannot be read; the message says why and what to do, for people."""


def write(verdict: Mapping[str, Any], folder: Path) -> Path:
    """Writes `verdict` to verdict.json in `folder` (made if missing) and returns the file's path.

    NaN and the infinities become null, NumPy numbers and arrays plain ones: the file is strict JSON. It is written
    under another name first and then renamed, so that a reader never meets half of it.

    Raises TypeError for a value that JSON has no form for, and OSError.
    """
    text = json.dumps(plain(verdict), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    save(folder / NAME, text)
    return folder / NAME


def save(file: Path, text: str) -> None:
    """Writes `text` to `file` as UTF-8, in a folder made if missing: whole, or not at all. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """The verdict in `path`: a folder that holds verdict.json, or the file itself.

    Raises Unreadable, in words for people, when it is not there, not JSON, or not a verdict of this schema.
    """
    file = path / NAME if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Unreadable(_missing(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{file} cannot be read: {error}") from None
    try:
        verdict = json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{file} is not JSON (line {error.lineno}: {error.msg}). Run the comparison again.") from None
    if not isinstance(verdict, dict) or "schema" not in verdict:
        raise Unreadable(f"{file} is not a verdict of kparity: it has no schema number.")
    if verdict["schema"] != SCHEMA:
        raise Unreadable(
            f"{file} has schema {verdict['schema']!r}; this kparity reads schema {SCHEMA}. "
            "Read it with the version that wrote it, or run the comparison again."
        )
    wrong = [key for key, types in _NEEDED.items() if not isinstance(verdict.get(key, ...), types)]
    if wrong:
        raise Unreadable(f"{file} is damaged: {', '.join(wrong)} missing or of the wrong type.")
    return verdict


def _missing(path: Path) -> str:
    if path.is_dir():
        return f"{path} has no {NAME}: no comparison was finished there."
    beside = sorted(one.parent.name for one in path.parent.glob(f"*/{NAME}")) if path.parent.is_dir() else []
    known = f" In {path.parent} there are: {', '.join(beside[:8])}{' ...' if beside[8:] else ''}." if beside else ""
    return f"{path} doesn't exist.{known or ' `kparity compare` writes reports.'}"


def plain(value: Any) -> Any:
    """`value` as plain JSON data, with null for every float that JSON has no form for."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays, without importing NumPy
        return plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in {NAME}: {value!r}")
