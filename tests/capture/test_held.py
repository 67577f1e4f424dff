"""A single step is run without its arrays being kept: they take several times what training does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What held_side.py found."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "TF_USE_LEGACY_KERAS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("held_side.py")), str(tmp_path_factory.mktemp("held"))]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-4000:]
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_what_a_step_notes_is_written_and_not_held(told: dict[str, Any]) -> None:
    weights = told["weights"]
    assert all(size > 5.9 * weights for size in told["written"].values()), told
    # the weights themselves, which a state has given, the gradients, and what TensorFlow gives back a little later
    assert all(size < 4.6 * weights for size in told["held"].values()), told


def test_a_weight_that_the_reference_lacks_begins_every_training_where_it_began_the_first(told: dict[str, Any]) -> None:
    assert told["inert"] == {"equal": True, "differ": {}}
