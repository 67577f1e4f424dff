"""The fixtures run under Keras 3 as `migrate` leaves them, with no hand edit, and mean the same there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kparity.config import shipped

FIXTURES = sorted(p for p in shipped("fixtures").glob("*.py") if not p.name.startswith("_"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: p.stem)
def test_a_migrated_fixture_trains_saves_and_loads_and_has_the_loss_of_keras_2(path):
    results = {}
    for side, legacy in (("legacy", "1"), ("keras3", "0")):
        env = {**os.environ, "TF_USE_LEGACY_KERAS": legacy, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("fixture_side.py")), str(path), side],
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        results[side] = json.loads(done.stdout.splitlines()[-1])
    old, new = results["legacy"], results["keras3"]
    assert new["same"], new
    # from the same weights the same loss; after three steps only dropout's draws differ
    assert new["before"] == pytest.approx(old["before"], rel=1e-4), results
    assert new["after"] != new["before"]
    assert new["after"] == pytest.approx(old["after"], rel=0.2), results
