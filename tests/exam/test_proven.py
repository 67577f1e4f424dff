"""A cause that is wrong is never proven, whatever it says: the prover is handed wrong causes of a real fault."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from examine import file_of, plant
from faults.basic import TEN

import kparity.compare
import kparity.judgement
from kparity.analysis.locate import Cause
from kparity.counterfactual import prove


def layer(phase: str, name: str, variable: str | None = None) -> Cause:
    evidence: dict[str, Any] = {"array": f"out|{name}|0", "kinds": ["out"], "variables": [variable] if variable else []}
    return Cause(phase, name, variable, 1, "numbers", evidence=evidence)


WRONG = {
    "the layer behind": layer("forward", "norm"),
    "another layer": layer("forward", "digit"),
    "its gradient, of another layer": layer("gradient", "norm", "norm:gamma"),
    "its initial values": layer("init", "wide", "wide:kernel"),
    "a configured variable": Cause("config", "norm", "norm:beta", 0, "missing-variable"),
    "a mask": Cause("forward", "dropout", None, 1, "mask"),
    "the loss": Cause("loss", None, None, 1, "numbers", evidence={"array": "out|loss|0", "kinds": ["out"]}),
    "the learning rate": Cause("optimizer", None, "learning_rate", 1, "numbers"),
    "the update": Cause("optimizer", None, None, 1, "numbers", evidence={"quantity": "update", "variables": []}),
    "a slot": Cause(
        "optimizer", None, None, 1, "numbers", evidence={"quantity": "velocities", "variables": ["wide:bias"]}
    ),
    "a slot of all": Cause("optimizer", None, None, 1, "numbers", evidence={"quantity": "velocities", "variables": []}),
    "the data": Cause("data", None, None, 1, "numbers"),
    "a metric": Cause("metric", None, "accuracy", 1, "numbers"),
}


def test_a_wrong_cause_is_refused_alone_and_beside_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = next(fault for fault in TEN if fault.name == "a layer scaled by 1.001")
    alone: dict[str, bool] = {}
    beside: dict[str, list[bool]] = {}

    def prove_wrong_ones(both: Any, sides: Any, folder: Path, causes: Sequence[Cause], *rest: Any) -> list[Cause]:
        for name, wrong in WRONG.items():
            alone[name] = prove(both, sides, folder, [wrong], *rest)[0].proven
            beside[name] = [cause.proven for cause in prove(both, sides, folder, [*causes, wrong], *rest)]
        return prove(both, sides, folder, causes, *rest)

    monkeypatch.setattr(kparity.judgement, "prove", prove_wrong_ones)
    options = kparity.compare.Options(file_of(fault.subject), tmp_path, steps=10, against=plant(fault, tmp_path))
    verdict = kparity.compare.compare(options, lambda *_: None)
    assert [(cause["layer"], cause["proven"]) for cause in verdict["causes"]] == [("wide", True)]
    assert alone == dict.fromkeys(WRONG, False)
    assert beside == {name: [True, False] for name in WRONG}
