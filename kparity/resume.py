"""What a comparison notes as it goes, so that one that was cut short goes on from its last whole run.

In: every request of a side with its answer, and the result of every seed. Out: under `--resume`, the same answers and
results again, as long as options, compared files, frameworks and data are what they were and the files that a request
left in the trace are whole. One JSON line a thing, in FOLDER/notes.jsonl; a line that was cut short is no line. Called
by compare, which goes through all its requests again: those that are noted cost nothing.

Loading the user's file, building the model and aligning it are asked every time, because they live in the process. So
every other request may depend on nothing but the model, its own arguments, and files of the trace.
"""

import contextlib
import hashlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kparity import __version__
from kparity.analysis.verdict import SeedResult
from kparity.options import Options
from kparity.runtime.side import SideProcess

NAME = "notes.jsonl"
ALWAYS = ("load", "build", "watch", "align", "usage")
"""Requests that are asked again whatever is noted."""

UNLIKE = ("folder", "timeout", "seeds", "resume")
"""Options that may change: another seed is another run, and the others change no number."""

_FLAGS = {"twin": "--self", "module": "-m", "also": "--with", "subject": "the file", "arguments": "its arguments"} | {
    name: f"--{name.replace('_', '-')}" for name in ("steps", "model", "data", "batch_size", "migrate", "against")
}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Changed(Exception):
    """What is noted is of another comparison; the message says what changed."""


class Notes:
    """The notes of one comparison. Threads of both sides write at once."""

    def __init__(self, options: Options, files: Iterable[Path]) -> None:
        """Read what the run before noted, or begin anew. `files`: those that the sides run.

        Raises OSError where the folder can't be written.
        """
        self.folder = options.folder
        self.lock = threading.Lock()
        self.seed = -1
        self.reused: list[str] = []
        self.anew: str | None = None
        """Why nothing of the run before counts, although it was asked for."""
        self.options = _plain(options)
        self.files = {str(path): _digest(path) for path in files}
        self.lines: list[dict[str, Any]] = []
        if options.resume:
            try:
                self.lines = self._read()
            except Changed as why:
                self.anew = str(why)
        self.resumed = bool(self.lines)
        """Whether there is an earlier run to go on from; within one run the same may be asked twice, too."""
        if not self.lines:
            self._begin()
        elif not any(result.causes for result in self.results()):
            shutil.rmtree(self.folder / "repro", ignore_errors=True)  # of a seed that was cut short

    def _read(self) -> list[dict[str, Any]]:
        try:
            text = (self.folder / NAME).read_text(encoding="utf-8")
        except OSError:
            raise Changed(f"{self.folder} has no notes of an earlier run") from None
        lines = []
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(line))
        head = lines[0] if lines and isinstance(lines[0], dict) else {}
        if head.get("kparity") != __version__:
            raise Changed("the earlier run was made by another kparity")
        then = head.get("options", {})
        if other := [_FLAGS.get(name, name) for name, value in self.options.items() if value != then.get(name)]:
            raise Changed(f"options are not those of the earlier run: {', '.join(other)}")
        known: dict[str, str | None] = {}
        for line in lines:
            known |= line.get("files", {})
        for path, digest in (known | self.files).items():
            if known.get(path) != digest or _digest(Path(path)) != digest:
                raise Changed(f"{path} has changed since the earlier run")
        return lines

    def _begin(self) -> None:
        """Forget the run before, with all that it left."""
        for name in ("trace", "repro"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "map.parquet").unlink(missing_ok=True)
        self.lines, self.reused = [], []
        (self.folder / NAME).write_text("", encoding="utf-8")
        self._note({"kparity": __version__, "options": self.options, "files": self.files})

    def _note(self, line: dict[str, Any]) -> None:
        with self.lock, (self.folder / NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=float) + "\n")
            self.lines.append(line)

    def find(self, **keys: Any) -> dict[str, Any] | None:
        """The last line that has all these keys with these values."""
        with self.lock:
            found = [line for line in self.lines if all(line.get(key, ...) == value for key, value in keys.items())]
        return found[-1] if found else None

    def frameworks(self, sides: dict[str, dict[str, Any]]) -> None:
        """Hold what the sides loaded against what they loaded before; another version makes all of it start anew."""
        versions = {side: [told.get(key) for key in ("keras", "tensorflow", "numpy")] for side, told in sides.items()}
        before = self.find(about="frameworks")
        if before is not None and before["versions"] != versions:
            self.anew = "other versions of Keras, TensorFlow or NumPy are installed"
            self._begin()
        if before is None or self.anew:
            self._note({"about": "frameworks", "versions": versions})
        self.loaded = versions

    def seeds(
        self, seeds: Sequence[int], verdict: dict[str, Any], run: Callable[[int], SeedResult]
    ) -> list[SeedResult]:
        """The result of each seed, noted or run. What `run` tells of sides and cost in `verdict` is noted with it."""
        try:
            return [self._one(seed, verdict, run) for seed in seeds]
        except Changed as why:
            self.anew = str(why)
            self._begin()
            self._note({"about": "frameworks", "versions": self.loaded})
            return [self._one(seed, verdict, run) for seed in seeds]

    def told(self) -> list[str]:
        """What a reader of the verdict should know of an earlier run, or of how to go on."""
        if self.anew:
            return [f"--resume found nothing to go on from, and began anew: {self.anew}."]
        if self.reused and self.resumed:
            return [f"Resumed: taken from the earlier run were {', '.join(self.reused)}."]
        return []

    def _one(self, seed: int, verdict: dict[str, Any], run: Callable[[int], SeedResult]) -> SeedResult:
        self.seed = seed
        found = self.find(seed=seed, about="result")
        if found is not None:
            self.reused.append(f"seed {seed}")
            verdict["sides"], verdict["cost"] = found["sides"], verdict["cost"] | found["cost"]
            return SeedResult(**found["result"])
        result = run(seed)
        told = {"sides": verdict["sides"], "cost": verdict["cost"]}
        self._note({"seed": seed, "about": "result", "result": asdict(result), **told})
        return result

    def results(self) -> list[SeedResult]:
        """Those of the seeds that are whole, in order of their seeds."""
        found = {line["seed"]: line["result"] for line in self.lines if line.get("about") == "result"}
        return [SeedResult(**found[seed]) for seed in sorted(found)]

    def trained(self) -> dict[str, dict[str, Any]]:
        """What whole trainings of the seed at hand answered, by the name of the training."""
        lines = [line for line in self.lines if line.get("seed") == self.seed and line.get("do") == "train"]
        return {line["name"]: line["answer"] for line in lines}

    def wrap(self, side: SideProcess) -> "Noted":
        """The same side, whose answers are noted."""
        return Noted(side, self)

    def answer(self, side: SideProcess, do: str, arguments: dict[str, Any]) -> Any:
        """The answer to a request: the noted one if its files are whole, else the side's own, which is noted."""
        asked = {"seed": self.seed, "side": side.name, "do": do}
        key = _hash({"do": do, **arguments})
        if do in ALWAYS:
            answer = side.ask(do, **arguments)
            if do == "build":
                self._built(asked, answer)
            return answer
        found = self.find(**asked, key=key)
        if found is not None and all(self._state(path) == state for path, state in found["left"].items()):
            self.reused.append(f"{do} of {side.name}, seed {self.seed}")
            return found["answer"]
        answer = side.ask(do, **arguments)
        left = {path: self._state(path) for path in side.wrote}
        sources = answer.get("sources", []) if isinstance(answer, dict) else []
        files = {path: _digest(Path(path)) for path in sources}
        line = {**asked, "key": key, "name": arguments.get("name"), "answer": answer, "left": left, "files": files}
        self._note(line)
        return answer

    def _built(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Note the files that the program was made of, and what came of them; raise Changed if it is another now."""
        digest = _hash({key: value for key, value in answer.items() if key != "sources"})
        before = self.find(**asked)
        if before is not None and before["answer"] != digest:
            raise Changed(f"seed {self.seed} builds another model, or other batches, than in the earlier run")
        files = {path: _digest(Path(path)) for path in answer["sources"]}
        if before is None:
            self._note({**asked, "answer": digest, "files": files})

    def _state(self, path: str) -> list[int] | None:
        try:
            found = Path(path).stat()
        except OSError:
            return None
        return [found.st_size, found.st_mtime_ns]


class Noted:
    """A side as compare asks it; see `Notes.answer`."""

    def __init__(self, side: SideProcess, notes: Notes) -> None:
        self.side, self.notes = side, notes

    def ask(self, do: str, **arguments: Any) -> Any:
        """As `SideProcess.ask`."""
        return self.notes.answer(self.side, do, arguments)

    def check(self, identity: dict[str, Any]) -> None:
        """As `SideProcess.check`."""
        self.side.check(identity)


def _plain(options: Options) -> dict[str, Any]:
    """Options by which numbers may change, as JSON gives them back."""
    kept = {name: value for name, value in asdict(options).items() if name not in UNLIKE}
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return plain


def _hash(value: Any) -> str:
    text = _ADDRESS.sub("", json.dumps(value, sort_keys=True, default=str))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _digest(path: Path) -> str | None:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest()
    except OSError:
        return None
