"""What one real Keras 2 process holds while it runs single steps, for test_held: prints as JSON bytes by request.

Called as `python held_side.py FOLDER`. Only here is TensorFlow imported. NumPy tells tracemalloc of its arrays.
"""

import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kparity import trace
from kparity.capture.__main__ import Process

SUBJECT = """
import numpy as np
from tensorflow import keras


def load_data():
    x = np.random.RandomState(0).normal(size=(16, 1024)).astype("float32")
    return {"x": x, "y": x[:, :1], "batch_size": 8}


def build_model():
    model = keras.Sequential([keras.layers.Dense(1024, "relu", name=f"dense{i}") for i in range(10)])
    model.add(keras.layers.Dense(1, name="last"))
    model.build((None, 1024))
    model.compile("sgd", "mse")
    return model
"""
WEIGHTS = 4 * (10 * (1024 * 1024 + 1024) + 257)
"""Bytes of the model's weights."""


def peak(work: Callable[[], Any]) -> int:
    """The most bytes that are held at once beyond those from before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    folder = Path(sys.argv[1])
    (folder / "subject.py").write_text(SUBJECT, encoding="utf-8")
    process = Process("legacy", os.open(os.devnull, os.O_WRONLY))
    subject = str(folder / "subject.py")
    process.load(subject, subject, "build_model", "load_data")
    process.build(0, 2, None, str(folder / "trace"), "legacy", True)
    initial = "tensors/legacy-state-000000.safetensors"
    told = {
        "train": peak(lambda: process.train(2, [1, 2], [1, 2], initial, 0, "legacy")),
        "replay": peak(lambda: process.replay([2], "legacy-state", None, 0, "legacy-replay")),
    }
    forced = {"states": "legacy-state", "forced": "legacy-replay", "doubt": 20.0}
    told["forced"] = peak(lambda: process.replay([2], nudge=0, name="forced", **forced))
    told["moved"] = peak(lambda: process.replay([2], nudge=11, name="moved", **forced))
    told["freed"] = peak(lambda: process.replay([2], nudge=0, name="freed", free=("dense3",), **forced))
    mend = [key for key in trace.Reader(trace.step_file(folder / "trace", "legacy-replay", 2)) if "dense3" in key]
    run = {"name": "mended", "mend": mend, "own": [], "nudge": 21}
    told["counterfactual"] = peak(lambda: process.counterfactual(2, "legacy-state", "legacy-replay", [run]))
    part = {key: array for key, array in trace.read_arrays(folder / "trace" / initial).items() if "last" not in key}
    trace.write_arrays(folder / "trace" / "part", part)
    reported = process.train(2, [], [], "part", 0, "legacy")["curves"]
    inert = process.inert("part", {name: values[0] for name, values in reported.items()})
    written = {name: trace.Reader(trace.step_file(folder / "trace", name, 2)) for name in ("legacy-replay", "mended")}
    sizes = {name: sum(reader[key].nbytes for key in reader) for name, reader in written.items()}
    print(json.dumps({"weights": WEIGHTS, "held": told, "written": sizes, "inert": inert}))


if __name__ == "__main__":
    main()
