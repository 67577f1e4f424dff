"""A side that has loaded its Keras and wrapped all that is watched, in a real process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SUBJECT = """
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(3)
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def build_model():
    raise NotImplementedError


load_data = build_model
"""
LOAD = """
import os, sys
from kparity.capture.__main__ import Process

Process(sys.argv[1], os.open(os.devnull, os.O_WRONLY)).load(sys.argv[2], sys.argv[2], "build_model", "load_data")
print('"loaded"')
"""


@pytest.mark.parametrize(("side", "legacy"), [("legacy", "1"), ("keras3", "0")])
def test_a_program_may_still_set_threads_and_devices(side: str, legacy: str, tmp_path: Path) -> None:
    subject = tmp_path / "subject.py"
    subject.write_text(SUBJECT, encoding="utf-8")
    assert asked(LOAD, side, str(subject), legacy=legacy) == "loaded"


TRAINED = """
import numpy as np
import tensorflow as tf


def load_data():
    x = np.random.RandomState(0).normal(size=(8, 4)).astype("float32")
    return {"x": x, "y": {"near": x[:, :1] > 0, "far": x[:, :3]}, "batch_size": 4}


def build_model():
    inputs = tf.keras.Input((4,))
    x = tf.keras.layers.Dropout(0.5)(inputs)
    near, far = (tf.keras.layers.Dense(size, name=name)(x) for size, name in ((1, "near"), (3, "far")))
    model = tf.keras.Model(inputs, {"near": near, "far": far})
    model.compile("adam", "mse", metrics={"near": "accuracy", "far": ["mae"]})
    return model
"""
TRACES = """
import json, os, sys
from pathlib import Path
from kparity.capture import train
from kparity.capture.__main__ import Process

side, subject, folder = sys.argv[1:]
process = Process(side, os.open(os.devnull, os.O_WRONLY))
process.load(subject, subject, "build_model", "load_data")
process.build(0, 2, None, folder, side, True)
process.maps, process.fresh = ({}, {}, {}), None
traced, statistics = [], train.statistics
train.statistics = lambda values: traced.append(len(values)) or statistics(values)
told = process.train(2, [], [], f"tensors/{side}-state-000000.safetensors", 0, side)
print(json.dumps({"traced": len(traced), "reported": sorted(told["curves"])}))
"""
STATISTICS = """
import json
import numpy as np
import tensorflow as tf
from kparity import trace
from kparity.capture.train import LOOKED_AT, statistics

random = np.random.RandomState(0)
arrays = [random.normal(size=size) for size in ((3, 4), (1,), (40, 40), (64,), (12,), (70, 50), (2, 600))]
kinds = ["float32", "float32", "float64", "float16", "float32", "float32", "float32"]
arrays = [array.astype(kind) for array, kind in zip(arrays, kinds)]
told = tf.function(lambda *values: statistics(list(values)))(*map(tf.constant, arrays)).numpy()
unknown = [tf.TensorSpec([None] * array.ndim, array.dtype) for array in arrays]
other = tf.function(lambda *values: statistics(list(values)), input_signature=unknown)(*arrays).numpy()
right = []
for array in arrays:
    flat = array.reshape(-1).astype("float32")
    kept = min(flat.size, LOOKED_AT)
    some = flat[:: flat.size // kept][:kept]
    few = np.minimum(np.arange(trace.SAMPLES) * max(kept // trace.SAMPLES, 1), kept - 1)
    right.append([np.sqrt(np.mean(some * some)), *some[few]])
print(json.dumps([float(np.abs(told - right).max()), float(np.abs(other[:, 1:] - told[:, 1:])[[0, 1, 3, 4]].max())]))
"""


@pytest.mark.parametrize(("side", "legacy"), [("legacy", "1"), ("keras3", "0")])
def test_a_step_is_traced_once_and_reports_what_it_would(side: str, legacy: str, tmp_path: Path) -> None:
    subject = tmp_path / "subject.py"
    subject.write_text(TRAINED, encoding="utf-8")
    told = asked(TRACES, side, str(subject), str(tmp_path / "trace"), legacy=legacy)
    assert told["traced"] == 1
    assert {"loss", "near_loss", "far_loss", "near_accuracy", "far_mae"} <= {*told["reported"]}, told


def test_statistics_are_those_of_every_tensor_in_its_place() -> None:
    assert max(asked(STATISTICS, legacy="0")) < 1e-6


def asked(script: str, *arguments: str, legacy: str) -> Any:
    """The last line that a script prints in a process of its own."""
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": legacy, "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", script, *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


MOVED = """
import json
from kparity.capture import sides

sides.load("legacy")
from keras.engine.base_layer import Layer
from keras.layers.convolutional import Conv3D
from keras.layers.core import Dense
from keras.utils.np_utils import to_categorical

try:
    import keras.layers.nowhere
except ModuleNotFoundError as error:
    missing = str(error)
print(json.dumps([Layer.__module__, Conv3D.__name__, Dense.__name__, to_categorical.__name__, missing]))
"""


def test_modules_that_earlier_versions_had_are_found_where_keras_2_has_their_contents() -> None:
    *found, missing = asked(MOVED, legacy="1")
    assert found == ["tf_keras.src.engine.base_layer", "Conv3D", "Dense", "to_categorical"]
    assert missing == "No module named 'tf_keras.layers.nowhere'"


DATASETS = """
import json, sys
import tensorflow as tf
from kparity.capture import align

draws = align.Draws()
align.install(draws)
draws.restart(0)
rows = tf.data.Dataset.range(200)
drawn = rows.map(lambda row: (tf.random.gamma([], 0.5), tf.random.uniform([]), row), num_parallel_calls=4)
plain = rows.map(lambda row: row + 1, num_parallel_calls=2)
told = [(float(one), float(other)) for one, other, _ in drawn]
print(json.dumps([told, type(plain).__name__]))
"""


def test_what_a_dataset_draws_for_each_element_is_the_same_in_every_run() -> None:
    first, second = (asked(DATASETS, legacy="0") for _ in range(2))
    assert first == second
    assert len({uniform for _, uniform in first[0]}) > 150, "each element draws its own"
    assert "Parallel" in first[1]
