"""What git knows of files: which belong to a folder, and which have changes that nobody committed.

In: folders and files. Out: lists of paths, or a reason not to write. Asks the program `git` where there is a
repository, and nobody where there is none. Called by sources and files.
"""

import functools
import os
from pathlib import Path


def repository(folder: Path) -> Path | None:
    """The working tree that a folder is in."""
    for at in (folder, *folder.parents):
        if (at / ".git").exists():
            return at
    return None


def _ask(folder: Path, *words: str) -> list[str] | None:
    """What git answers, split at null bytes; None where it can't."""
    import subprocess

    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, env=environment, check=False)
    except OSError:
        return None
    return os.fsdecode(done.stdout).split("\0")[:-1] if done.returncode == 0 else None


def listed(folder: Path) -> list[tuple[str, bool]] | None:
    """(name inside the folder, is it tracked) of every file that git doesn't ignore; a name of a folder is a repository
    of its own. None where git can't say: no repository, no git, or a folder that is itself ignored."""
    if repository(Path(os.path.abspath(folder))) is None:  # noqa: PTH100
        return None
    found = _ask(folder, "ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    if found is None:
        found = _ask(folder, "ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard")
    if found is None or (not found and _ask(folder, "check-ignore", "-q", ".") is not None):
        return None
    names = {line[2:]: not line.startswith("?") for line in found}
    return sorted(names.items(), key=lambda pair: pair[0].split("/"))


def why_not(path: Path) -> str:
    """Why this file may not be written over: it isn't in git as it stands. Empty where it is, or where no git is."""
    root = repository(path.parent)
    if root is None:
        return ""
    clean, changed = _state(root)
    if clean is None:
        return "git can't tell whether it has uncommitted changes; --allow-dirty writes all the same"
    name = path.relative_to(root).as_posix()
    if name in changed:
        return "has uncommitted changes: commit or stash them, or say --allow-dirty"
    if name not in clean:
        return "isn't in git, so nothing could bring it back: add it, or say --allow-dirty"
    return ""


@functools.cache
def _state(root: Path) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Tracked files of a repository, and those of them that differ from the last commit. Asked once a process, because
    what this run writes itself must not count."""
    tracked = _ask(root, "ls-files", "-z")
    status = _ask(root, "status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules")
    if tracked is None or status is None:
        return None, frozenset()
    return frozenset(tracked), frozenset(line[3:] for line in status)
