"""Files to migrate: find, read, write.

In: paths from the command line. Out: `Source`s with their text, and files replaced in one step. Nothing here knows
Keras. Called by files.
"""

import io
import os
import shutil
import stat
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..config import Settings, matches
from . import git

NEVER = frozenset({"__pycache__", "node_modules", "site-packages"})
SKIPPED = NEVER | {"venv", "virtualenv"}
"""Folders of other people's code, by name. What git tracks is the user's own, whatever its folder is called."""
MADE = frozenset({"build", "dist"})
"""Folders that tools make, unless they are packages."""
ENDINGS = (".py", ".pyw", ".ipynb")


class SourceError(Exception):
    """A file that can't be read or written, with the reason."""


class Source(NamedTuple):
    """A file's text as it stands on disk: every line end and a byte order mark included."""

    path: Path
    text: str
    encoding: str


def find(paths: Iterable[Path], settings: Settings | None = None) -> list[Path]:
    """The files under these paths, each once, in order: Python, notebooks, and what lists requirements.

    A path that is named is taken; in folders, what git ignores, hidden folders, caches, environments and what the
    settings exclude are left out. A link to a file that is found anyway is left out, too.

    Raises:
        SourceError: a path that isn't there.
    """
    wanted = settings or Settings()
    found: dict[Path, None] = {}
    links: list[Path] = []
    for path in paths:
        if path.is_dir():
            for file in _files(path, wanted):
                if file.is_symlink():
                    links.append(file)
                found[file] = None
        elif path.exists():
            found[path] = None
        else:
            why = "a link to nothing, or in a circle" if path.is_symlink() else "no such file or folder"
            raise SourceError(f"{path}: {why}")
    if links:
        real = {os.path.realpath(file) for file in found if not file.is_symlink()}
        for link in links:
            target = os.path.realpath(link)
            if target in real or not Path(target).is_file():
                del found[link]
            real.add(target)
    return list(found)


def _files(folder: Path, settings: Settings) -> Iterator[Path]:
    listed = git.listed(folder)
    found = _walk(folder) if listed is None else _tracked(folder, listed, settings)
    for file in found:
        if not file.name.endswith(ENDINGS) and file.is_dir():
            yield file
            continue
        name = settings.relative(file) if settings.include or settings.exclude else ""
        if settings.include:
            if not matches(name, settings.include):
                continue
        elif not file.name.endswith(ENDINGS) and not lists_requirements(file):
            continue
        if not (settings.exclude and matches(name, settings.exclude)):
            yield file


def lists_requirements(path: Path) -> bool:
    """Is this a file that says which packages a program needs, by its name?"""
    name = path.name.lower()
    if name in ("pyproject.toml", "setup.cfg", "pipfile", "dockerfile") or name.endswith(".dockerfile"):
        return True
    if name.endswith((".yml", ".yaml")):
        return name.startswith(("environment", "conda", "env.", "meta."))
    if name.endswith((".txt", ".in", ".pip")):
        return "require" in name or "constraint" in name or path.parent.name.lower() == "requirements"
    return False


def _tracked(folder: Path, listed: list[tuple[str, bool]], settings: Settings) -> Iterator[Path]:
    for name, tracked in listed:
        *folders, last = name.rstrip("/").split("/")
        path = folder / name
        if any(_is_left_out(one) or (not tracked and one in SKIPPED | MADE) for one in folders):
            continue
        certain = tracked and "." in last and not settings.include
        if certain and not last.endswith(ENDINGS) and not lists_requirements(path):
            continue  # not worth asking the disk
        if not path.is_dir():
            if path.exists():
                yield path
        elif not path.is_symlink() and not _is_left_out(last) and last not in SKIPPED:
            yield from _files(path, settings)


def _is_left_out(folder: str) -> bool:
    return folder.startswith(".") or folder in NEVER


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder that git doesn't know, without what its .gitignore files say."""
    ignored = _Ignored()
    closed: list[Path] = []
    for root, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        ignored.enter(root, ".gitignore" in files)
        folders[:] = sorted(one for one in folders if _is_own(root, one) and not ignored(f"{root}/{one}/"))
        yield from (Path(root, name) for name in sorted(files) if not ignored(f"{root}/{name}"))
    # a folder that can't be read stands for its files, and is told as one that can't
    yield from closed


def _is_own(root: str, name: str) -> bool:
    if name.startswith(".") or name in SKIPPED:
        return False
    if name in MADE:
        return Path(root, name, "__init__.py").exists()
    marks = ("pyvenv.cfg", "conda-meta", "bin/activate", "Scripts/activate.bat")
    return not any(os.path.exists(f"{root}/{name}/{mark}") for mark in marks)  # noqa: PTH110


class _Ignored:
    """The .gitignore files on the way down, the deepest one that has an opinion decides."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}

    def enter(self, root: str, has_own: bool) -> None:
        if has_own:
            from pathspec import GitIgnoreSpec

            try:
                lines = Path(root, ".gitignore").read_text("utf-8", errors="surrogateescape").splitlines()
                self._specs[root] = GitIgnoreSpec.from_lines(lines)
            except (OSError, ValueError):
                return

    def __call__(self, path: str) -> bool:
        if not self._specs:
            return False
        at = path.rstrip("/")
        while (parent := os.path.dirname(at)) != at:  # noqa: PTH120
            spec = self._specs.get(parent)
            if spec is not None:
                said = spec.check_file(path[len(parent) + 1 :]).include
                if said is not None:
                    return bool(said)
            at = parent
        return False


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
    """Replace the file by new text, at once or not at all; encoding, mode, owner and links stay.

    A link is followed: what it points to is written. A file with several names, or of another owner, is written in
    place, after a copy of it was made beside it; should that fail, the copy brings it back.

    Raises:
        SourceError: the file or its folder can't be written, or the text doesn't fit the encoding.
    """
    try:
        write_bytes(source.path, text.encode(source.encoding))
    except UnicodeEncodeError as error:
        raise SourceError(f"{source.path}: can't be written: {error}") from error


def write_bytes(named: Path, data: bytes) -> None:
    """The same, of bytes."""
    import tempfile

    try:
        path = named.resolve(strict=True)
        state = path.stat()
        if not state.st_mode & 0o222 or not os.access(path, os.W_OK):
            raise SourceError(f"{named}: is read-only")
        in_place = state.st_nlink > 1
        handle, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(path.read_bytes() if in_place else data)
                file.flush()
                os.fsync(file.fileno())
            if not in_place:
                in_place = not _look_alike(path, state, beside)
                if in_place:
                    shutil.copyfile(path, beside)
            if in_place:
                _overwrite(path, data, beside)
                Path(beside).unlink()
            else:
                os.replace(beside, path)  # noqa: PTH105
        except _Kept:
            raise
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except _Kept as error:
        raise SourceError(f"{named}: can't be written: {error}") from error
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{named}: can't be written: {error}") from error


class _Kept(Exception):
    """Writing in place failed, and so did bringing the old text back: the copy stays."""


def _look_alike(path: Path, state: os.stat_result, beside: str) -> bool:
    """Give the new file the owner, mode and attributes of the old one; False where that isn't allowed."""
    made = os.stat(beside)  # noqa: PTH116
    if (made.st_uid, made.st_gid) != (state.st_uid, state.st_gid):
        try:
            os.chown(beside, state.st_uid, state.st_gid)
        except OSError:
            return False
    shutil.copystat(path, beside)
    os.chmod(beside, stat.S_IMODE(state.st_mode))  # noqa: PTH101
    os.utime(beside)
    return True


def _overwrite(path: Path, data: bytes, copy: str) -> None:
    try:
        _put(path, data)
    except BaseException as error:
        try:
            _put(path, Path(copy).read_bytes())
        except OSError as second:
            raise _Kept(f"{error}; its old text is in {copy} ({second})") from error
        raise


def _put(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
