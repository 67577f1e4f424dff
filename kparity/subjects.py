"""What each side runs: which file or module, in which version, and whether it is a pair of functions or a program.

In: the options of `compare`. Out: a `Code` a side, with migrated copies and the files of a git revision laid down in
the report's folder; findings and notes for the verdict. Reads source text only, imports nothing of the user's. Called
by compare.
"""

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kparity.runtime.failed import SideFailed

TRAINS = {"fit", "train_on_batch", "fit_generator"}


@dataclass(frozen=True)
class Code:
    """One side's code, as the request `load` takes it. `origin`: where the file would stand for a plain Python."""

    path: Path
    origin: Path
    root: Path
    module: str | None = None
    replaced: dict[str, str] = field(default_factory=dict)
    """Files -> the files whose code is run instead."""

    @property
    def files(self) -> set[Path]:
        """Those that are known before it runs."""
        return {self.path, *map(Path, self.replaced), *map(Path, self.replaced.values())}

    def request(self, model: str, data: str, arguments: tuple[str, ...]) -> dict[str, Any]:
        """The arguments of `load`."""
        functions = self.module is None and has_functions(self.path, model, data)
        return {
            "path": str(self.path.resolve()),
            "origin": str(self.origin.resolve()),
            "root": str(self.root.resolve()),
            "module": self.module,
            "kind": "functions" if functions else "program",
            "replaced": self.replaced,
            "own": [] if functions else [str(file) for file in _own_files(replace(self, path=self.origin))],
            "arguments": list(arguments),
            "model": model,
            "data": data,
        }


def has_functions(path: Path, model: str, data: str) -> bool:
    """Whether a file is to be asked for its model and data, rather than run: it has both functions, or has one of them
    and trains nothing, so that the other was forgotten."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True  # importing it says what is wrong
    bound: dict[str, ast.stmt] = {}
    for node in tree.body:
        for name in _bound(node):
            bound[name] = node
    needy = any(_needs_arguments(bound[name]) for name in (model, data) if name in bound)
    trains = any(isinstance(n, ast.Attribute) and n.attr in TRAINS for n in ast.walk(tree))
    if model in bound and data in bound:
        return not (needy and trains)
    if (model, data) != ("build_model", "load_data") or model in bound:
        return not trains
    return data in bound and not trains and "model" not in bound


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                yield from _bound(child)
    else:
        yield from (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def _needs_arguments(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef):
        return False
    plain = [*node.args.posonlyargs, *node.args.args]
    return len(plain) > len(node.args.defaults) or None in node.args.kw_defaults


def module_file(name: str, root: Path) -> Path | None:
    """The file that `python -m NAME` would run, looked for under `root`."""
    found = root.joinpath(*name.split("."))
    for file in (found.with_suffix(".py"), found / "__main__.py"):
        if file.is_file():
            return file
    return None


def reference(
    subject: Path, module: str | None, revision: str | None, folder: Path, notes: list[str]
) -> tuple[Code, Code]:
    """What the legacy side runs, and the same code in the working tree, which is the other one only with `revision`."""
    here = Code(subject, subject, Path.cwd() if module else subject.absolute().parent, module)
    if revision is None:
        return here, here
    top = Path(_git(here.root, "rev-parse", "--show-toplevel").strip())
    commit = _git(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise SideFailed("kparity", "usage", f"--legacy-rev: {top} has no revision {revision}")
    then = folder / "legacy_rev"
    shutil.rmtree(then, ignore_errors=True)
    then.mkdir(parents=True)
    index = {"GIT_INDEX_FILE": str((folder / "legacy_rev.index").resolve())}
    _git(top, "read-tree", commit, **index)
    _git(top, "checkout-index", "--all", "--force", f"--prefix={then.resolve()}/", **index)
    (folder / "legacy_rev.index").unlink(missing_ok=True)

    def moved(path: Path) -> Path:
        return then / path.resolve().relative_to(top.resolve())

    if not moved(subject).is_file():
        raise SideFailed("kparity", "usage", f"--legacy-rev: revision {revision} has no {subject}")
    notes.append(f"Keras 2 ran revision {revision} ({commit[:10]}), Keras 3 the files as they are now.")
    return Code(moved(subject), moved(subject), moved(here.root), module), here


def _git(folder: Path, *words: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, env={**clean, **environment}, check=False
        )
    except OSError as error:
        raise SideFailed("kparity", "usage", f"--legacy-rev needs git: {error}") from None
    if done.returncode and "--quiet" not in words:
        raise SideFailed("kparity", "usage", f"--legacy-rev: {done.stderr.strip()}")
    return done.stdout


def migrated(code: Code, folder: Path, findings: list[dict[str, Any]]) -> Code:
    """The code as `migrate` would leave it: the file, and all of its own that it imports, in copies."""
    from kparity.codemod.migrate import migrate_source
    from kparity.codemod.project import Neighbours

    first = code.path.resolve()
    replaced = {}
    for file in _own_files(code):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if file == first:
                raise SideFailed("kparity", "usage", f"{code.path} can't be read: {error}") from None
            continue
        name = str(code.path) if file == first else os.path.relpath(file)
        done = migrate_source(text, name, neighbours=Neighbours(file))
        findings += [finding.to_json() for finding in done.findings]
        if done.error and file == first:
            raise SideFailed("kparity", "usage", f"{code.path} can't be migrated: {done.error}")
        if done.error or (done.text == text and file != first):
            continue
        if file == first:
            copy = folder / f"{code.path.stem}_keras3.py"
        else:
            copy = folder / "keras3" / file.relative_to(code.root.resolve())
            copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(done.text, encoding="utf-8")
        replaced[str(file)] = str(copy.resolve())
    return replace(code, path=folder / f"{code.path.stem}_keras3.py", replaced=replaced)


def _own_files(code: Code) -> list[Path]:
    """The file, and the files under the root that it imports, and those that they import; of a module of a package,
    the whole package."""
    root = code.root.resolve()
    first = code.path.resolve()
    waiting = [first]
    if code.module is not None:
        package = root / code.module.partition(".")[0]
        waiting += sorted(file.resolve() for file in package.rglob("*.py"))
    found: dict[Path, None] = {}
    while waiting:
        file = waiting.pop(0)
        if file in found or not file.is_relative_to(root):
            continue
        found[file] = None
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                waiting += [one for alias in node.names for one in _files_of(alias.name.split("."), root)]
            elif isinstance(node, ast.ImportFrom):
                home = file.parents[node.level - 1] if node.level else root
                parts = node.module.split(".") if node.module else []
                for names in (parts, *([*parts, alias.name] for alias in node.names)):
                    waiting += _files_of(names, home)
    return list(found)


def _files_of(parts: list[str], home: Path) -> Iterator[Path]:
    """The files that importing a dotted name runs, those of the packages around it included."""
    for end in range(1, len(parts) + 1):
        at = home.joinpath(*parts[:end])
        for file in (at.with_suffix(".py"), at / "__init__.py"):
            if file.is_file():
                yield file.resolve()
