"""The three fixtures, each in a process of its own under Keras 2, as their users ran such code.

This file is also the program that those processes run: `python test_fixtures.py FUNCTION ARGUMENTS` prints what the
function returns as JSON. Only there is TensorFlow imported, and only there is the network shut.
"""

import contextlib
import functools
import hashlib
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
NAMES = ("encoder_decoder", "resnet", "attention")


def in_keras_2(function: str, *arguments: str, cwd: Path | None = None) -> Any:
    """What `function` of this file returns in a fresh process under Keras 2."""
    path = os.pathsep.join([str(FIXTURES), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": path}
    command = [sys.executable, str(Path(__file__).resolve()), function, *arguments]
    process = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-4000:]
    return json.loads(process.stdout.splitlines()[-1])


# What the processes run.


def first_batches(data: dict[str, Any], count: int) -> list[Any]:
    """The first `count` batches (x, y) of load_data's arguments, in the order in which they stand, as nested lists."""
    import numpy as np

    x, size = data["x"], data.get("batch_size", 0)
    if isinstance(x, list):
        slices = [slice(i * size, (i + 1) * size) for i in range(count)]
        return [([part[s] for part in x], data["y"][s]) for s in slices]
    if hasattr(x, "take"):
        return [[np.asarray(part) for part in batch] for batch in x.take(count)]
    return [x[i] for i in range(count)]


def shape(value: Any) -> Any:
    """Shape and dtype of an array, or of each array of a list."""
    if isinstance(value, (list, tuple)):
        return [shape(part) for part in value]
    return [list(value.shape), str(value.dtype)]


def digest(value: Any) -> str:
    """A hash of the bytes of all arrays in nested lists."""
    import numpy as np

    if isinstance(value, (list, tuple)):
        return hashlib.sha256("".join(map(digest, value)).encode()).hexdigest()
    return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()


def chance(fixture: str, data: dict[str, Any]) -> float:
    """The validation accuracy of the best guess that doesn't look at the input: one answer per position."""
    import numpy as np

    validation = data["validation_data"]
    y = validation[1] if isinstance(validation, tuple) else np.concatenate([np.asarray(y) for _, y in validation])
    if fixture == "encoder_decoder":
        counts = np.stack([np.bincount(column, minlength=y.max() + 1)[1:] for column in y.T])
        return float(counts.max(axis=1).sum() / counts.sum())
    counts = y.reshape(-1, y.shape[-1]).sum(axis=0)
    return float(counts.max() / counts.sum())


def describe() -> dict[str, Any]:
    """Of each fixture: shapes and hash of two batches, that of a second load, number of weights, masks, Keras."""
    answer = {}
    for name in NAMES:
        fixture = importlib.import_module(name)
        data = fixture.load_data()
        batches = first_batches(data, 2)
        model = fixture.build_model()
        answer[name] = {
            "x": shape(batches[0][0]),
            "y": shape(batches[0][1]),
            "digest": digest(batches),
            "again": digest(first_batches(fixture.load_data(), 2)),
            "repeats": digest(batches[0]) == digest(batches[1]),
            "weights": int(model.count_params()),
            "masked": getattr(model.output, "_keras_mask", None) is not None,
            "keras": type(model).__module__.split(".")[0],
            "validation": "validation_data" in data,
        }
    return answer


def sixty_steps(name: str) -> dict[str, Any]:
    """The mean losses of each twenty steps, of sixty and of twenty from the same seed, and the hash of two batches."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    fixture = importlib.import_module(name)
    curves = []
    for epochs in (3, 1):
        tf.keras.utils.set_random_seed(1)
        data = {key: value for key, value in fixture.load_data().items() if key != "validation_data"}
        history = fixture.build_model().fit(epochs=epochs, steps_per_epoch=20, verbose=0, **data)
        curves.append([float(loss) for loss in history.history["loss"]])
    return {"losses": curves, "digest": digest(first_batches(fixture.load_data(), 2))}


def script(name: str) -> dict[str, Any]:
    """Runs the fixture as a script: its validation accuracy after 500 steps, chance, and the file that it saved."""
    module = runpy.run_path(str(FIXTURES / f"{name}.py"), run_name="__main__")
    data, model = module["load_data"](), module["model"]
    validation = data["validation_data"]
    batches = {"x": validation[0], "y": validation[1]} if isinstance(validation, tuple) else {"x": validation}
    return {
        "steps": int(model.optimizer.iterations.numpy()),
        "accuracy": model.evaluate(**batches, verbose=0, return_dict=True)["accuracy"],
        "chance": chance(name, data),
        "saved": sorted(path.name for path in Path().iterdir()),
    }


# The tests.

SHAPES = {
    "encoder_decoder": ([[[64, 40], "int32"], [[64, 11], "int32"]], [[64, 11], "int32"]),
    "resnet": ([[64, 8, 8, 1], "float32"], [[64, 10], "float32"]),
    "attention": ([[32, 64], "int32"], [[32, 64, 58], "float32"]),
}
REACHED = {"encoder_decoder": 0.85, "resnet": 0.92, "attention": 0.45}
"""Well below what the fixtures' README measured, and far above chance."""


@functools.cache
def described() -> dict[str, Any]:
    return in_keras_2("describe")


def test_every_fixture_gives_real_batches_without_the_network_and_the_same_ones_every_time():
    for name in NAMES:
        told = described()[name]
        assert (told["x"], told["y"]) == SHAPES[name], name
        assert told["digest"] == told["again"], f"{name}: a second load_data() gives other batches"
        assert not told["repeats"], f"{name}: its first two batches are the same"
        assert told["validation"], name
        assert told["masked"] == (name == "encoder_decoder"), f"{name}: a mask that reaches the loss: {told['masked']}"
        assert told["keras"] == "tf_keras", f"{name} ran on {told['keras']}"
        assert 10_000 < told["weights"] < 300_000, f"{name} has {told['weights']} weights"


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_learns_within_sixty_steps_and_just_so_again(name: str):
    told = in_keras_2("sixty_steps", name)
    first, second = told["losses"]
    assert told["digest"] == described()[name]["digest"], f"{name}: another process gets other batches"
    assert second == first[:1]
    assert first[2] < 0.9 * first[0], f"{name}: mean loss of each twenty steps: {first}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_run_as_a_script_learns_in_500_steps_and_saves_its_model(name: str, tmp_path: Path):
    told = in_keras_2("script", name, cwd=tmp_path)
    assert told["steps"] == 500
    assert told["saved"] == [f"{name}.h5"]
    assert told["accuracy"] > REACHED[name] > told["chance"] + 0.25, told


if __name__ == "__main__":

    def refuse(*_: Any) -> None:
        raise OSError("a fixture reached for the network")

    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]
    with contextlib.redirect_stdout(sys.stderr):
        result = globals()[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(result))
