"""What a file's neighbours hand on: in `from .backend import keras`, keras is what backend.py calls so.

In: the path of a file on disk. Out: `Neighbours`, which says what a name stands for that is imported from another file
of the same project, and which names other files import from this one. Called by names and migrate; made by files. Only
files that are asked for are read, once, and parsed only where they may hand on something of Keras.
"""

import ast
import functools
import os
import re
import threading
import tokenize
import warnings
from collections.abc import Iterable
from pathlib import Path

from .module import known_names
from .names import Names, normal, under
from .nearby import Made, handed
from .sources import SKIPPED
from .values import Values

PLAUSIBLE = re.compile(
    rb"^[ \t]*from[ \t]+[\w.]+[ \t]+import\b[^#\n]*\b(K|KB|backend|layers|models|optimizers|initializers|regularizers"
    rb"|constraints|activations|losses|metrics|callbacks|engine|utils|preprocessing|np_utils)\b"
    rb"|^from[ \t]+\.[\w.]*[ \t]+import[ \t]+\*",
    re.MULTILINE,
)
"""A file that doesn't mention Keras gets it only by such an import from a neighbour."""
IMPORTS = re.compile(rb"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^)]*\)|[^#\n]*)", re.MULTILINE)
MAY_HAND_ON = re.compile(rb"keras|tensorflow|^[ \t]*from[ \t]+\.", re.MULTILINE)
MOST_FILES = 5000
"""A project with more is not searched for who imports what: then nothing is dropped."""


class Neighbours:
    """The files around one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def brought(self, module: str, name: str) -> str | None:
        """What `from MODULE import NAME` brings, if that module is a file of the project and NAME is Keras's there."""
        file = _file(module, str(self.path.parent))
        return handed_on(file, name) if file is not None and file != self.path else None

    def made(self, module: str, name: str) -> Made | None:
        """What calling NAME of MODULE gives, if that module is a file of the project."""
        file = _file(module, str(self.path.parent))
        return _made(file, name) if file is not None and file != self.path else None

    def meanings(self, module: str, name: str) -> frozenset[str]:
        """Every dotted name that NAME may stand for in MODULE, if that module is a file of the project."""
        file = _file(module, str(self.path.parent))
        if file is None or file == self.path or (file, f"{name}?") in _busy.asked:
            return frozenset()
        _busy.asked.add((file, f"{name}?"))
        try:
            stat = file.stat()
            names = _names(file, stat.st_mtime_ns, stat.st_size)
            return names.meanings(name, names.root) if names is not None else frozenset()
        except OSError:
            return frozenset()
        finally:
            _busy.asked.discard((file, f"{name}?"))

    def patched(self, module: str) -> frozenset[str]:
        """Names of Keras that MODULE, a file of the project, has given other meanings."""
        file = _file(module, str(self.path.parent))
        if file is None or file == self.path or (file, "") in _busy.asked:
            return frozenset()
        _busy.asked.add((file, ""))
        try:
            stat = file.stat()
            names = _names(file, stat.st_mtime_ns, stat.st_size)
            return names.patched if names is not None else frozenset()
        except OSError:
            return frozenset()
        finally:
            _busy.asked.discard((file, ""))

    def has(self, package: str) -> bool:
        """Is this top-level package or module one of the project?"""
        return _around(package, str(self.path.parent)) is not None

    def wanted(self) -> frozenset[str] | None:
        """The names that other files import from this one; None: they may take any."""
        stem = self.path.parent.name if self.path.stem == "__init__" else self.path.stem
        names = _imported_from(_root(self.path)).get(stem, frozenset())
        return None if "*" in names or names is _ANY else names


_ANY = frozenset({"*"})


def handed_on(file: Path, name: str) -> str | None:
    """The canonical dotted name of Keras or TensorFlow that the module-level `name` of a file stands for."""
    if (file, name) in _busy.asked:
        return None
    _busy.asked.add((file, name))
    try:
        stat = file.stat()
        names = _names(file, stat.st_mtime_ns, stat.st_size)
        dotted = names.name(name, names.root) if names is not None else None
    except OSError:
        return None
    finally:
        _busy.asked.discard((file, name))
    plain = normal(dotted) if dotted is not None else ""
    return plain if under(plain, "keras") or under(plain, "tensorflow") else None


class _Busy(threading.local):
    """The questions that this thread is working on: files that ask one another in a circle get no answer."""

    def __init__(self) -> None:
        self.asked: set[tuple[Path, str]] = set()


_busy = _Busy()


def _made(file: Path, name: str) -> Made | None:
    key = (file, f"{name}()")
    if key in _busy.asked:
        return None
    _busy.asked.add(key)
    try:
        stat = file.stat()
        with _one_at_a_time:
            values = _values(file, stat.st_mtime_ns, stat.st_size)
            return handed(values, name) if values is not None else None
    except OSError:
        return None
    finally:
        _busy.asked.discard(key)


_one_at_a_time = threading.RLock()
"""Held while a file's `Values` work something out: they can't be asked by two threads."""


@functools.lru_cache(maxsize=4096)
def _names(file: Path, stamp: int, size: int) -> Names | None:
    data = file.read_bytes()
    if not MAY_HAND_ON.search(data):
        return None
    try:
        with tokenize.open(file) as opened:
            text = opened.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError):
        return None
    return Names(tree, known_names(), "global" in text or "nonlocal" in text, Neighbours(file))


@functools.lru_cache(maxsize=4096)
def _values(file: Path, stamp: int, size: int) -> Values | None:
    names = _names(file, stamp, size)
    return Values(names) if names is not None else None


@functools.lru_cache(maxsize=65536)
def _file(module: str, folder: str) -> Path | None:
    """The file that an import in `folder` of `module` (`..compat`, `package.compat`) means, if it is near."""
    bare = module.lstrip(".")
    parts = bare.split(".") if bare else []
    dots = len(module) - len(bare)
    if dots:
        home: Path | None = Path(folder, *[".."] * (dots - 1)).resolve()
    else:
        home = _around(parts[0], folder)
    if home is None:
        return None
    found = home.joinpath(*parts)
    for file in (found.with_suffix(".py") if parts else found, found / "__init__.py"):
        if file.is_file():
            return file
    return None


@functools.lru_cache(maxsize=65536)
def _around(package: str, folder: str) -> Path | None:
    """The nearest folder above that has this package or module in it."""
    for home in [Path(folder), *list(Path(folder).parents)[:6]]:
        if (home / f"{package}.py").is_file() or (home / package / "__init__.py").is_file():
            return home
    return None


def _root(path: Path) -> Path:
    home = path.parent
    while (home / "__init__.py").is_file() and home.parent != home:
        home = home.parent
    return home


@functools.lru_cache(maxsize=64)
def _imported_from(root: Path) -> dict[str, frozenset[str]]:
    """Last part of a module's name -> the names that files under `root` import from a module of that name."""
    found: dict[str, set[str]] = {}
    for count, file in enumerate(_python_files(root)):
        if count > MOST_FILES:
            return _Anything()
        try:
            data = file.read_bytes()
        except OSError:
            continue
        for module, names in IMPORTS.findall(data):
            last = module.decode().rpartition(".")[2]
            text = re.sub(rb"#[^\n]*|[()\\]", b" ", names).decode(errors="replace")
            found.setdefault(last, set()).update(word.split()[0] for word in text.split(",") if word.strip())
    return {last: frozenset(names) for last, names in found.items()}


class _Anything(dict[str, frozenset[str]]):
    def get(self, key: str, default: object = None) -> frozenset[str]:
        return _ANY


def _python_files(root: Path) -> Iterable[Path]:
    for home, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED and not f.startswith(".")]
        yield from (file for name in files if name.endswith(".py") and (file := Path(home, name)).is_file())
