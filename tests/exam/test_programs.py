"""Programs run as they are, most with a loop of their own: equal ones have no cause, a planted fault is named.

Real comparisons of real processes, with sides that are ready. The programs stand in `programs/`; their first argument
is a fault that Keras 3 alone has.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from examine import quickly

PROGRAMS = Path(__file__).resolve().parent / "programs"


@dataclass(frozen=True)
class Case:
    """A program, its argument, and the (phase, layer, variable) of the only cause; None where it is equal."""

    program: str
    argument: str = ""
    cause: tuple[str, str | None, str | None] | None = None
    quick: bool = False
    steps: int = 10


CASES = [
    Case("loop"),
    Case("loop", "slope", ("forward", "maker/leaky_re_lu", None)),
    Case("loop", "momentum", ("state", "maker/batch_normalization", "maker/batch_normalization:moving_mean")),
    Case("loop", "epsilon", ("optimizer", None, None)),
    Case("loop", "beta", ("optimizer", None, None)),
    Case("loop", "rate", ("optimizer", None, "learning_rate")),
    Case("loop", "data", ("forward", "critic", None)),
    Case("loop", "scale", ("loss", None, None)),
    Case("loop", "pull", ("gradient", "critic", None), quick=True),
    Case("loop", "calm", ("forward", "critic/drop", None), quick=True),
    Case("loop", "weights", ("state", "critic/dense", "critic/dense:kernel")),
    Case("penalty"),
    Case("penalty", "stopped", ("gradient", "critic/dense", "critic/dense:kernel"), quick=True),
    Case("bare", quick=True),
    Case("bare", "nesterov", ("optimizer", None, None), quick=True),
    Case("bare", "penalty", ("loss", "program", "program:weights.in")),
    Case("plateau", quick=True, steps=20),
    Case("plateau", "later", ("optimizer", None, "learning_rate"), steps=20),
    Case("text", quick=True, steps=20),
    Case("text", "shifted", ("init", "scaled", "scaled:mean"), steps=20),
    Case("stateful", steps=12),
    Case("recurrent", cause=("forward", "memory", None)),
    Case("outputs"),
    Case("two_models"),
    Case("two_models", "frozen", ("config", "judge/dense", "judge/dense:kernel")),
]


def verdict_of(case: Case, folder: Path) -> dict[str, Any]:
    """What compare says of a program, without its traces."""
    arguments = (case.argument,) if case.argument else ()
    return quickly(PROGRAMS / f"{case.program}.py", folder, case.steps, remember=False, arguments=arguments)


@pytest.mark.parametrize(
    "case",
    [pytest.param(one, marks=() if one.quick else pytest.mark.slow) for one in CASES],
    ids=lambda one: f"{one.program} {one.argument}".strip(),
)
def test_a_program_as_it_is(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    verdict = verdict_of(case, tmp_path / "it")
    causes = [(cause["phase"], cause["layer"], cause["variable"]) for cause in verdict["causes"]]
    assert causes == ([case.cause] if case.cause else []), verdict["notes"]
    assert verdict["verdict"] == ("different" if case.cause else "equivalent"), verdict["notes"]
    assert all(cause["proven"] for cause in verdict["causes"]), verdict["notes"]
    assert not (tmp_path / "after").exists(), "what comes after the training is not run"
    losses = verdict["curves"]["metrics"]
    assert any(len(set(curve["legacy"])) > 5 for curve in losses.values()), "a loss is reported, and it is trained"


@pytest.mark.slow
def test_a_loop_that_raises_under_keras_3_alone_is_no_matter_of_the_data(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="AttributeError: no states"):
        verdict_of(Case("stateful", "raises", steps=12), tmp_path / "it")
