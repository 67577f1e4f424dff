"""Environments of other Kerases: made once with uv from a version number, kept in the user's cache, found again.

In: "keras" or "tf-keras", its version, and what else is to be installed. Out: how to start a side's process in it. uv's
resolver picks the TensorFlow: the newest one that says it works with that Keras, as of its own requirements. Called by
compare.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import site
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import kparity
from kparity.config import cache_home
from kparity.runtime.failed import TAIL, SideFailed

PYTHONS = ("3.12", "3.11", "3.10")
"""Tried after the Python that is running: older TensorFlows have no wheels for newer ones."""

NEEDED = ("numpy>=1.26", "setuptools<81")
"""What `kparity.capture` imports beside the frameworks; and pkg_resources, which older TensorBoards import."""

MARK = "kparity.json"
"""Written last: an environment without it is not whole."""

OPTIONS = {"keras": "--keras3", "tf-keras": "--keras2"}

LAUNCH = """\
import json, runpy, site, sys
for folder in json.loads(sys.argv.pop(1)):
    site.addsitedir(folder)
runpy.run_module("kparity.capture", run_name="__main__", alter_sys=True)
"""
"""Starts a side in another environment: what that has not installed is looked for in the environment of now, so that
the user's other packages are found. Its own packages, the frameworks first of all, go before."""

Told = Callable[[str], None]
"""Told what is being done, in words."""


@dataclass(frozen=True)
class Environment:
    """A Python with one Keras. `packages`: name -> version of everything that uv installed."""

    folder: Path
    packages: dict[str, str]

    @property
    def command(self) -> list[str]:
        """What starts `kparity.capture` in it; that module's own arguments follow."""
        return [str(self.folder / "bin" / "python"), "-c", LAUNCH, json.dumps(_fallbacks())]


def environment(package: str, version: str, also: tuple[str, ...], told: Told) -> Environment:
    """The environment of this Keras ("keras" or "tf-keras"), made if it isn't there. `also`: more requirements.

    Raises SideFailed where the version is none, uv is missing, or uv can't make it.
    """
    major = {"keras": "3", "tf-keras": "2"}[package]
    if not re.fullmatch(rf"{major}(\.\d+)+[a-z0-9.]*", version):
        raise _failed(f"{OPTIONS[package]} takes a version of {package} such as {major}.4.1, not {version!r}")
    requirements = (f"{package}=={version}", "tensorflow>=2.15", *NEEDED, *also)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.blake2b(repr((requirements, here)).encode(), digest_size=4).hexdigest()
    folder = cache_home() / "environments" / f"{package}-{version}-{digest}"
    if (found := _known(folder)) is not None:
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(f"{folder.suffix}.lock"), lambda: told(f"waiting for {folder.name}, being made")):
        if (found := _known(folder)) is not None:  # made while this one waited
            return found
        told(f"making an environment of {package} {version}, once, in {folder}")
        _make(folder, package, version, requirements, here, told)
    made = _known(folder)
    assert made is not None
    return made


def _known(folder: Path) -> Environment | None:
    try:
        packages = json.loads((folder / MARK).read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return None
    return Environment(folder, packages) if (folder / "bin" / "python").exists() else None


@contextlib.contextmanager
def _alone(file: Path, waits: Callable[[], None]) -> Iterator[None]:
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path, package: str, version: str, requirements: tuple[str, ...], here: str, told: Told) -> None:
    uv = _uv(f"{OPTIONS[package]} {version}")
    python = _python(uv, requirements, here, f"{package} {version}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        asked = sys.executable if python == here else python
        _run([uv, "venv", "--quiet", "--no-project", "--python", asked, str(folder)], told)
        inside = str(folder / "bin" / "python")
        _run([uv, "pip", "install", "--python", inside, *requirements], told)
        listed = _run([uv, "pip", "list", "--quiet", "--format", "json", "--python", inside], told)
        packages = {one["name"]: one["version"] for one in json.loads(listed)}
        mark = {"requirements": requirements, "python": python, "packages": packages}
        (folder / MARK).write_text(json.dumps(mark, indent=1), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _uv(why: str) -> str:
    try:
        import uv
    except ImportError:
        found = shutil.which("uv")
    else:
        found = uv.find_uv_bin()
    if found is None:
        raise _failed(f'{why} needs uv, which makes its environment: pip install "kparity[environments]"')
    return found


def _python(uv: str, requirements: tuple[str, ...], here: str, what: str) -> str:
    """The first Python for which everything required can be had together."""
    said: list[str] = []
    for python in dict.fromkeys((here, *PYTHONS)):
        command = [uv, "pip", "compile", "--quiet", "--no-header", "--python-version", python, "-"]
        ended = subprocess.run(command, input="\n".join(requirements), capture_output=True, text=True)
        if ended.returncode == 0:
            return python
        said = said or ended.stderr.strip().splitlines()
    raise _failed(f"uv finds no way to install {what}: its own words are below", tuple(said[-TAIL:]))


def _run(command: list[str], told: Told) -> str:
    """Run uv, telling its steps; its standard output. An interrupted kparity ends it, too."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said: list[str] = []
    try:
        for line in process.stderr:
            said.append(line.rstrip())
            if "Downloading" in line or line.startswith("Installed"):
                told(line.strip()[0].lower() + line.strip()[1:])
        output = process.stdout.read()
        process.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise _failed(f"uv could not make the environment in {command[-1]}", tuple(said[-TAIL:]))
    return output


def _fallbacks() -> list[str]:
    """Folders in which this Python finds installed packages, and kparity itself."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [*site.getsitepackages(), *user, str(Path(kparity.__file__).resolve().parents[1])]


def _failed(message: str, output: tuple[str, ...] = ()) -> SideFailed:
    return SideFailed("kparity", "usage", message, None, output)
