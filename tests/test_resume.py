"""What a comparison notes, and when it is taken again: sides that only count how often they are asked."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from kparity.analysis.verdict import SeedResult
from kparity.options import Options
from kparity.resume import NAME, Notes


@dataclass
class Side:
    """Answers every request, leaves a file for each training, and remembers what it was asked."""

    folder: Path
    batches: str = "batches"
    name: str = "legacy"
    asked: list[str] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)

    def ask(self, do: str, **arguments: Any) -> Any:
        self.asked.append(do)
        self.wrote = []
        if do == "train":
            file = self.folder / "trace" / f"{arguments['name']}.safetensors"
            file.parent.mkdir(exist_ok=True)
            file.write_text("weights")
            self.wrote = [str(file)]
        sources = [str(self.folder / "helper.py")]
        return (
            {"sources": sources, "hashes": self.batches, "at": f"<f at 0x{id(self):x}>"} if do == "build" else {"x": 1}
        )


@dataclass
class World:
    """A folder with a file to compare, and how to run a comparison of two seeds in it."""

    options: Options

    def run(self, cut_at: str = "", batches: str = "batches", keras: str = "3.15.1", **changed: Any) -> tuple[Any, Any]:
        """The requests that were really asked, and the notes. `cut_at`: the training before which it is cut short."""
        side = Side(self.options.folder, batches)
        options = replace(self.options, **changed)
        notes = Notes(options, {options.subject})
        notes.frameworks({"keras3": {"keras": keras}})
        noted = notes.wrap(side)  # type: ignore[arg-type]

        def one(seed: int) -> SeedResult:
            noted.ask("build", seed=seed)
            for name in ("first", "second"):
                if cut_at == f"{name} {seed}":
                    raise KeyboardInterrupt
                noted.ask("train", name=name, steps=options.steps)
            return SeedResult([{"step": seed}], [], {"loss": [0.5, float("nan")]}, [])

        verdict: dict[str, Any] = {"sides": {"legacy": {"module": "m"}}, "cost": {}}
        try:
            self.results = notes.seeds(options.seeds, verdict, one)
        except KeyboardInterrupt:
            self.results = notes.results()
        return side.asked, notes


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "model.py").write_text("model")
    (tmp_path / "helper.py").write_text("helper")
    return World(Options(tmp_path / "model.py", tmp_path, seeds=(0, 1)))


WHOLE = ["build", "train", "train"] * 2


def test_only_what_was_not_whole_is_asked_again(world: World) -> None:
    assert world.run(cut_at="second 1")[0] == [*WHOLE[:3], "build", "train"]
    asked, notes = world.run(resume=True)
    assert asked == ["build", "train"], "the model is built again; seed 0 and the first training are noted"
    assert [result.causes for result in world.results] == [[{"step": 0}], [{"step": 1}]]
    assert notes.anew is None
    assert "seed 0, train of legacy, seed 1" in notes.told()[0]


def test_without_resume_nothing_is_taken(world: World) -> None:
    world.run(cut_at="second 1")
    assert world.run()[0] == WHOLE


def test_a_line_cut_short_in_the_notes_is_asked_again(world: World) -> None:
    world.run(cut_at="second 1")
    notes = world.options.folder / NAME
    notes.write_text(notes.read_text()[:-9])
    assert world.run(resume=True)[0] == ["build", "train", "train"]


def test_a_training_whose_files_are_gone_is_asked_again(world: World) -> None:
    world.run(cut_at="second 0")
    (world.options.folder / "trace" / "first.safetensors").write_text("weigh")
    assert world.run(resume=True)[0] == WHOLE


def test_more_seeds_go_on_from_those_that_are_there(world: World) -> None:
    world.run()
    asked, notes = world.run(resume=True, seeds=(0, 1, 2), timeout=5.0)
    assert asked == ["build", "train", "train"]
    assert notes.anew is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": 7}, "options are not those of the earlier run: --steps"),
        ({"batch_size": 7}, "--batch-size"),
        ({"keras": "3.16.0"}, "other versions"),
        ({"batches": "others"}, "seed 1 builds another model, or other batches"),
        ({"file": "model.py"}, "model.py has changed"),
        ({"file": "helper.py"}, "helper.py has changed"),
    ],
    ids=lambda value: str(value),
)
def test_whatever_changes_the_numbers_makes_it_begin_anew_and_is_said(
    changes: dict[str, Any], says: str, world: World
) -> None:
    world.run(cut_at="second 1")
    if "file" in changes:
        (world.options.folder / changes.pop("file")).write_text("other")
    asked, notes = world.run(resume=True, **changes)
    assert asked[-6:] == WHOLE
    assert says in notes.told()[0]


def test_a_first_run_with_resume_says_that_there_was_nothing(world: World) -> None:
    asked, notes = world.run(resume=True)
    assert asked == WHOLE
    assert "no notes" in notes.told()[0]
