"""Python files: find, read, write.

In: paths from the command line. Out: `Source`s with their text, and files replaced in one step. Nothing here knows
Keras. Called by files.
"""

import io
import os
import tempfile
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SKIPPED = frozenset(
    {"__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env", ".venv", ".git", ".tox", ".eggs"}
)


class SourceError(Exception):
    """A file that can't be read or written, with the reason."""


@dataclass(frozen=True)
class Source:
    """A file's text as it stands on disk: every line end and a byte order mark included."""

    path: Path
    text: str
    encoding: str


def find(paths: Iterable[Path]) -> list[Path]:
    """The Python files under these paths, each once, in order. Hidden folders, caches and environments are left out.

    Raises:
        SourceError: a path that isn't there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_file():
            found[path] = None
        elif path.is_dir():
            found.update(dict.fromkeys(_walk(path)))
        else:
            raise SourceError(f"{path}: no such file or folder")
    return list(found)


def _walk(folder: Path) -> Iterable[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            f
            for f in folders
            if f not in SKIPPED and not f.startswith(".") and not Path(root, f, "pyvenv.cfg").exists()
        )
        yield from (Path(root, name) for name in sorted(files) if name.endswith((".py", ".pyw")))


def decode(path: Path, data: bytes) -> Source:
    """The bytes of a file as text, by its byte order mark or coding line.

    Raises:
        SourceError: an unknown encoding, or bytes that aren't in it.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        # utf-8-sig would drop the mark, and write it back even where there was none
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        return Source(path, data.decode(encoding), encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"{path}: can't be decoded: {error}") from error


def write(source: Source, text: str) -> None:
    """Replace the file by new text, at once or not at all; mode and encoding stay.

    Raises:
        SourceError: the file or its folder can't be written, or the text doesn't fit the encoding.
    """
    path = source.path.resolve()
    try:
        data = text.encode(source.encoding)
        mode = path.stat().st_mode
        if not mode & 0o222:
            raise SourceError(f"{source.path}: is read-only")
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode & 0o7777)  # noqa: PTH101
            os.replace(name, path)  # noqa: PTH105
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except (OSError, UnicodeEncodeError) as error:
        raise SourceError(f"{source.path}: can't be written: {error}") from error
