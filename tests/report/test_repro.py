"""`kparity repro`: a script that shows one cause, with no kparity in it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import verdict

from kparity.report.files import write
from kparity.report.repro import NoReproduction, kept, script

NORM = {"epsilon": 1e-3, "axis": -1, "name": "norm", "dtype": "float32"}


def side(family: str, kind: str, config: dict[str, Any], call: Any = None, **more: Any) -> dict[str, Any]:
    plain = {"public": True, "weights": [], "draws": False, "source": f"package/{kind.lower()}.py:10-20", "shapes": []}
    return {"family": family, "class": kind, "config": config, "call": call, **plain, **more}


def leave(folder: Path, number: int, phase: str, two: Any, three: Any, arrays: dict[str, np.ndarray]) -> None:
    """A cause as compare leaves it."""
    cause = {"phase": phase, "layer": "norm", "variable": None, "step": 1, "kind": "numbers", "rule": None}
    plain = {
        "cause": {**cause, "message": "It gives another output. More words."},
        "legacy": two,
        "keras3": three,
        "arrays": sorted(arrays),
    }
    (folder / "repro").mkdir(exist_ok=True, parents=True)
    (folder / "repro" / f"cause-{number}.json").write_text(json.dumps(plain), encoding="utf-8")
    np.savez(folder / "repro" / f"cause-{number}.npz", allow_pickle=False, **arrays)


def three_causes(folder: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6)).astype("float32")
    weights = {"weight_norm:gamma": np.full(6, 2.0, "float32"), "weight_norm:beta": np.zeros(6, "float32")}
    names = {"weights": ["norm:gamma", "norm:beta"], "call": [["@0"], {}]}
    norm = side("layers", "LayerNormalization", NORM, **names)
    other = side("layers", "LayerNormalization", {**NORM, "epsilon": 1e-1}, **names)
    leave(folder, 1, "forward", norm, other, {"input_0": x, "upstream_0": np.ones_like(x), **weights})
    call = [["@0", "@1"], {"sample_weight": None}]
    loss = side("losses", "MeanSquaredError", {"name": "loss"}, call)
    leave(folder, 2, "loss", loss, {**loss, "class": "MeanAbsoluteError"}, {"input_0": x, "input_1": x[::-1].copy()})
    rates = [side("optimizers", "Adam", {"learning_rate": 0.1, "epsilon": epsilon}) for epsilon in (1e-7, 1e-1)]
    arrays = {"gradient_0": x, "weight_0": np.zeros_like(x), "slot_momentums_0": x, "count_iterations": np.array(3)}
    leave(folder, 3, "optimizer", *rates, arrays)


def test_each_script_is_short_shows_the_difference_and_imports_no_kparity(tmp_path: Path) -> None:
    three_causes(tmp_path)
    for one in kept(tmp_path):
        text = script(one, verdict())
        assert len(text.splitlines()) < 40
        assert "kparity" not in text.replace("Written by kparity", "")
        one.file.with_suffix(".py").write_text(text, encoding="utf-8")
    run = "import runpy\nfor i in (1, 2, 3): print('#', i); runpy.run_path(f'repro/cause-{i}.py')"
    ended = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = ended.stdout.split("#")[1:]
    assert "norm:gamma" in told[0]
    assert "gradient of input 0" in told[0]
    sizes = [float(part.split("of its size: ")[0].split()[-1]) for part in told]
    assert all(size > 1e-3 for size in sizes), ended.stdout
    assert "0.0e+00 of its size: norm:gamma" in told[0]


def test_a_class_of_the_users_own_is_said_to_be_one(tmp_path: Path) -> None:
    own = side("layers", "Mine", {}, public=False)
    leave(tmp_path, 1, "forward", own, own, {})
    with pytest.raises(NoReproduction, match=r"`Mine` is a class of your own.*package/mine.py:10-20"):
        script(kept(tmp_path)[0], verdict())


def test_the_command_says_which_causes_there_are(tmp_path: Path) -> None:
    write(verdict(), tmp_path)
    command = [sys.executable, "-m", "kparity.cli", "repro", str(tmp_path), "--cause", "4"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "keeps nothing of cause 4; there is none" in ended.stderr


@pytest.mark.slow
def test_the_script_of_a_real_comparison_shows_the_difference(tmp_path: Path) -> None:
    old = """
import numpy as np
from tensorflow import keras
def build_model():
    model = keras.Sequential([keras.layers.LayerNormalization(epsilon=1e-3, name="norm"), keras.layers.Dense(1)])
    model.build((None, 4))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model
def load_data():
    return np.random.default_rng(0).normal(size=(32, 4)).astype("float32"), np.ones((32, 1), "float32")
"""
    (tmp_path / "old.py").write_text(old, encoding="utf-8")
    (tmp_path / "new.py").write_text(old.replace("1e-3", "1e-1"), encoding="utf-8")
    words = ["compare", "old.py", "--against", "new.py", "--steps", "2", "--batch-size", "8", "--out", "out"]
    ended = subprocess.run([sys.executable, "-m", "kparity.cli", *words], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stdout
    told = json.loads((tmp_path / "out" / "old" / "verdict.json").read_text(encoding="utf-8"))["causes"][0]
    assert told["sources"]["keras3"].startswith("keras/src/layers/normalization/layer_normalization.py:")
    command = [sys.executable, "-m", "kparity.cli", "repro", "out/old"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "of its size: output 0" in ended.stdout
