"""A side that has loaded its Keras and wrapped all that is watched, in a real process of its own."""

import os
import subprocess
import sys
from pathlib import Path

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
"""


@pytest.mark.parametrize(("side", "legacy"), [("legacy", "1"), ("keras3", "0")])
def test_a_program_may_still_set_threads_and_devices(side: str, legacy: str, tmp_path: Path) -> None:
    subject = tmp_path / "subject.py"
    subject.write_text(SUBJECT, encoding="utf-8")
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": legacy, "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", LOAD, side, str(subject)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
