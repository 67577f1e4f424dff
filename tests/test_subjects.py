"""Subjects as their authors left them: scripts, packages, revisions. Real processes, a few steps each.

Every program here trains the same on both Kerases, so that `equivalent` means: both sides were given the same model,
batches and draws.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kparity.subjects import has_functions, module_file

SCRIPT = """\
import argparse
import numpy as np
from keras.callbacks import ReduceLROnPlateau
from keras.layers import Dense
from keras.models import Sequential

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int)
    parser.add_argument("table")
    given = parser.parse_args()
    table = np.loadtxt(given.table) + 0.01 * np.random.rand(1)
    model = Sequential([Dense(given.units, activation="tanh", input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    try:
        model.fit(table[:, :3], table[:, 3:], 8, epochs=2, validation_split=0.25, callbacks=[ReduceLROnPlateau()])
    except Exception:
        print("caught")
    open("after", "w").close()
"""

BATCHES = """\
import numpy as np
import tensorflow as tf
from tensorflow import keras

model = keras.Sequential([keras.layers.Dense(2, input_shape=(3,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse")
for step in range(20):
    x = np.random.rand(8, 3).astype("float32")
    print("loss", float(model.train_on_batch(x, x[:, :1])))
"""

PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/net.py": """\
import keras.backend as K
from keras.layers import Dense, Lambda
from keras.models import Sequential


def network():
    return Sequential([Dense(4, activation="tanh", input_dim=3), Lambda(lambda t: K.square(t)), Dense(1)])
""",
    "pkg/train.py": """\
import sys
from keras.optimizers import SGD
from .net import network
from . import data


def run():
    model = network()
    model.compile(SGD(0.1), "mse")
    model.fit(data.batches(int(sys.argv[1])), steps_per_epoch=3, epochs=2)


if __name__ == "__main__":
    run()
""",
    "pkg/data.py": """\
import random
import numpy as np


def batches(size):
    for _ in range(3):
        x = np.random.rand(size, 3)
        yield x, x[:, :1] * random.random()
""",
}

LEFT = """\
import random
import numpy as np
import tensorflow as tf

first = tf.keras.Sequential([tf.keras.layers.Dropout(0.5), tf.keras.layers.Dense(2)])
first(np.ones((1, 2)))
x = random.random() * np.random.default_rng().random((32, 3)).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).shuffle(32).batch(8)
model = tf.keras.Sequential([tf.keras.layers.Dense(2), tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
"""


GAN = """\
import numpy as np
from keras.layers import Dense
from keras.models import Sequential

maker = Sequential([Dense(32, activation="tanh", input_shape=(8,))])
judge = Sequential([Dense(16, activation="relu", input_shape=(32,)), Dense(1, activation="sigmoid")])
judge.compile("sgd", "binary_crossentropy")
judge.trainable = False
both = Sequential([maker, judge])
both.compile("sgd", "binary_crossentropy")
for step in range(20):
    noise = np.random.normal(0, 1, (16, 8))
    made = maker.predict(noise, verbose=0)
    judge.train_on_batch(np.concatenate([np.random.rand(16, 32), made]), np.repeat([1.0, 0.0], 16))
    both.train_on_batch(noise, np.ones(16))
"""

FROZEN = """\
import numpy as np
from keras.layers import BatchNormalization, Dense
from keras.models import Sequential

base = Sequential([Dense(8, activation="tanh", input_shape=(3,)), BatchNormalization()])
base.trainable = False
model = Sequential([base, Dense(1)])
model.compile("sgd", "mse")
x = np.random.rand(64, 3)
model.fit(x, x[:, :1], batch_size=8)
"""

NO_LOOP = """\
import tensorflow as tf
model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
optimizer = tf.keras.optimizers.SGD()
@tf.function
def train(count):
    for _ in tf.range(count):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(tf.ones((2, 3))) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
train(5)
"""


def compared(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    """The verdict of `kparity compare WORDS`, run in `folder`."""
    command = [sys.executable, "-m", "kparity.cli", "compare", "--steps", "5", "--name", "it", *words]
    environment = {**os.environ, "COLUMNS": "100", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == code, ended.stdout + ended.stderr
    verdict: dict[str, Any] = json.loads((folder / "reports/it/verdict.json").read_text(encoding="utf-8"))
    return verdict


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def test_a_script_is_run_with_its_arguments_up_to_its_fit_and_no_further(tmp_path: Path) -> None:
    rows = "\n".join(f"{i % 5} {i % 3} {i % 7} {i % 2}" for i in range(40))
    put(tmp_path, {"train.py": SCRIPT, "data/table.txt": rows})
    verdict = compared(tmp_path, "train.py", "--", "--units", "6", "data/table.txt")
    assert verdict["verdict"] == "equivalent", verdict["causes"]
    assert verdict["sides"]["legacy"]["parameters"] == 3 * 6 + 6 + 6 + 1
    assert len(verdict["curves"]["metrics"]["loss"]["legacy"]) == 5
    assert "val_loss" in verdict["curves"]["metrics"]
    assert any("train.py:16" in note for note in verdict["notes"]), verdict["notes"]
    assert any("ReduceLROnPlateau" in note for note in verdict["notes"])
    assert not (tmp_path / "after").exists()
    assert "caught" not in (tmp_path / "reports/it/legacy.log").read_text()


@pytest.mark.slow
def test_what_comes_after_the_training_is_run_if_asked(tmp_path: Path) -> None:
    rows = "\n".join(f"{i % 5} {i % 3} {i % 7} {i % 2}" for i in range(40))
    text = SCRIPT.replace('open("after", "w")', 'open(f"after{len(model.history.history)}", "w")')
    put(tmp_path, {"train.py": text, "data/table.txt": rows})
    verdict = compared(tmp_path, "train.py", "--continue", "--", "--units", "6", "data/table.txt")
    assert verdict["verdict"] == "equivalent", verdict["causes"]
    assert (tmp_path / "after3").exists(), "loss, mae and the learning rate"
    assert sum("it ran to its end" in note for note in verdict["notes"]) == 2, verdict["notes"]


CLASS = """\
import numpy as np
import keras


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(1)
        self.compile("sgd", "mse")

    def call(self, x):
        return self.out(x)


def batches():
    x = np.random.rand(32, 3)
    return x, x[:, :1]
"""


@pytest.mark.slow
def test_a_class_that_compiles_itself_is_a_model(tmp_path: Path) -> None:
    put(tmp_path, {"net.py": CLASS})
    verdict = compared(tmp_path, "net.py", "--model", "Net", "--data", "batches")
    assert verdict["verdict"] == "equivalent", verdict["causes"]


def test_a_package_is_run_as_python_m_does_and_migrated_as_a_whole(tmp_path: Path) -> None:
    put(tmp_path, PACKAGE)
    verdict = compared(tmp_path, "-m", "pkg.train", "--", "8")
    assert verdict["verdict"] == "equivalent", verdict
    assert verdict["subject"] == "-m pkg.train"
    assert "ops.square" in (tmp_path / "reports/it/keras3/pkg/net.py").read_text()
    assert (tmp_path / "pkg/net.py").read_text() == PACKAGE["pkg/net.py"]
    assert any("3 batches" in note for note in verdict["notes"]), "the generator ends after three"


def test_a_loop_over_train_on_batch_is_followed_batch_by_batch(tmp_path: Path) -> None:
    put(tmp_path, {"loop.py": BATCHES})
    verdict = compared(tmp_path, "loop.py")
    assert verdict["verdict"] == "equivalent", verdict
    assert any("train_on_batch` at loop.py:9" in note for note in verdict["notes"])


STRATEGY = """\
import numpy as np
import tensorflow as tf
from tensorflow import keras

strategy = tf.distribute.MirroredStrategy()
x = np.random.rand(64, 3).astype("float32")
rows = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(8 * strategy.num_replicas_in_sync)
with strategy.scope():
    model = keras.Sequential([keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), "mse", metrics=["mae"])
model.fit(rows, epochs=3)
"""


def test_a_program_that_trains_on_many_devices_is_compared_on_one(tmp_path: Path) -> None:
    put(tmp_path, {"many.py": STRATEGY})
    verdict = compared(tmp_path, "many.py")
    assert verdict["verdict"] == "equivalent", verdict
    assert [note for note in verdict["notes"] if "MirroredStrategy; compared was one replica" in note]


MAPPED = """\
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)])
images = np.random.rand(64, 12, 12, 3).astype("float32")
images = layers.Rescaling(1 / 3)(images).numpy()
rows = tf.data.Dataset.from_tensor_slices((images, np.arange(64) % 3)).shuffle(64).batch(8)
rows = rows.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
model = keras.Sequential([layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(rows, epochs=3)
"""


SPARSE = """\
import numpy as np
import scipy.sparse
from tensorflow import keras

x = scipy.sparse.random(96, 30, density=0.2, format="csr", random_state=0)
y = np.asarray(x.sum(1) > 3).astype("float32")
model = keras.Sequential([keras.Input((30,), sparse=True), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
model.fit(x, y, batch_size=16, epochs=3, validation_data=(x[:32], y[:32]))
"""


def test_scipys_sparse_matrices_are_data(tmp_path: Path) -> None:
    put(tmp_path, {"sparse.py": SPARSE})
    verdict = compared(tmp_path, "sparse.py")
    assert verdict["verdict"] == "equivalent", verdict
    assert verdict["curves"]["metrics"]["val_mae"]["keras3"][-1] is not None


def test_a_program_that_turns_eager_execution_off_is_told_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, {"old.py": "import tensorflow as tf\n\ntf.compat.v1.disable_eager_execution()\nmodel = None\n"})
    verdict = compared(tmp_path, "old.py", code=2)
    assert "old.py:3 calls disable_eager_execution()" in verdict["error"]["message"]


@pytest.mark.parametrize("contrast", [False, True])
def test_layers_in_a_datasets_function_draw_the_same_for_each_element(contrast: bool, tmp_path: Path) -> None:
    """RandomContrast draws one factor a batch in Keras 2 and one an image in Keras 3: the images are others."""
    put(tmp_path, {"mapped.py": MAPPED.replace("RandomZoom", "RandomContrast") if contrast else MAPPED})
    verdict = compared(tmp_path, "mapped.py", code=int(contrast))
    assert [cause["phase"] for cause in verdict["causes"]] == ["data"] * contrast, verdict
    assert not contrast or "RandomContrast" in verdict["causes"][0]["message"]


def test_the_legacy_side_runs_a_git_revision(tmp_path: Path) -> None:
    old = PACKAGE["pkg/train.py"]
    put(tmp_path, {"net.py": PACKAGE["pkg/net.py"], "data.py": PACKAGE["pkg/data.py"]})
    put(tmp_path, {"train.py": old.replace("from .net", "from net").replace("from . import", "import")})

    def git(*words: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "Keras 2")
    new = PACKAGE["pkg/net.py"].replace("import keras.backend as K", "from keras import ops as K")
    put(tmp_path, {"net.py": new.replace("Dense(1)", "Dense(1, use_bias=False)")})
    verdict = compared(tmp_path, "train.py", "--legacy-rev", "HEAD", "--", "8", code=1)
    parameters = [verdict["sides"][side]["parameters"] for side in ("legacy", "keras3")]
    assert parameters == [21, 20], "each side has the files of its own version, imported ones too"
    assert any("revision HEAD" in note for note in verdict["notes"]), verdict["notes"]


WEIGHED = """\
import numpy as np
from tensorflow import keras

x = np.random.RandomState(0).rand(64, 3)
y = (x[:, :1] > 0.7).astype({kind!r})


def batches():
    while True:
        yield x[:16], y[:16]


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy")
model.fit({data}, class_weight={{0: {zero}, 1: 9}})
"""


@pytest.mark.parametrize(
    ("data", "kind", "zero"),
    [
        ("x, y", "float32", 1),
        ("tf.data.Dataset.from_tensor_slices((x, y)).batch(16)", "int32", 0.5),
        pytest.param("x, keras.utils.to_categorical(y)[:, 1]", "int64", 1.0, marks=pytest.mark.slow),
    ],
    ids=["whole weights of arrays", "a dataset", "targets without a second axis"],
)
def test_class_weights_are_those_of_each_keras(data: str, kind: str, zero: float, tmp_path: Path) -> None:
    text = WEIGHED.format(data=data, kind=kind, zero=zero)
    put(tmp_path, {"weighed.py": "import tensorflow as tf\n" + text})
    verdict = compared(tmp_path, "weighed.py")
    assert verdict["verdict"] == "equivalent", verdict["causes"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("batches(), steps_per_epoch=4", "not supported for Python generator"),
        pytest.param("x, y, sample_weight=np.ones(64)", "at the same time", marks=pytest.mark.slow),
    ],
    ids=["a generator", "sample weights besides"],
)
def test_class_weights_that_keras_3_refuses_are_told(data: str, says: str, tmp_path: Path) -> None:
    put(tmp_path, {"weighed.py": WEIGHED.format(data=data, kind="float32", zero=1)})
    verdict = compared(tmp_path, "weighed.py", code=2)
    assert [cause["phase"] for cause in verdict["causes"]] == ["api"], verdict
    assert says in verdict["causes"][0]["message"], verdict


@pytest.mark.slow
def test_a_model_and_data_at_module_level_are_enough(tmp_path: Path) -> None:
    put(tmp_path, {"left.py": LEFT})
    assert compared(tmp_path, "left.py")["verdict"] == "equivalent"


@pytest.mark.slow
def test_what_is_frozen_after_compile_is_trained_by_keras_2_alone(tmp_path: Path) -> None:
    put(tmp_path, {"gan.py": GAN})
    verdict = compared(tmp_path, "gan.py", code=1)
    causes = [(cause["phase"], cause["layer"]) for cause in verdict["causes"]]
    assert causes[0] == ("config", "judge/dense_1"), causes
    assert verdict["causes"][0]["rule"] == "KP570"
    assert not any(phase == "data" for phase, _ in causes), "predictions differ by round-off only"
    loss = verdict["curves"]["metrics"]["loss"]
    assert loss["legacy"][0] > loss["legacy"][-1]
    assert loss["keras3"][0] == loss["keras3"][-1], "one batch, again and again, and nothing is trained"


@pytest.mark.slow
def test_what_is_frozen_before_compile_is_frozen_on_both_sides(tmp_path: Path) -> None:
    put(tmp_path, {"frozen.py": FROZEN})
    assert compared(tmp_path, "frozen.py")["verdict"] == "equivalent"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import keras\nprint('hello')\n", "nothing was trained"),
        pytest.param(
            LEFT.replace("model.compile", "model.fit(dataset)\nmodel.compile"), "left.py:10", marks=pytest.mark.slow
        ),
        pytest.param(SCRIPT, "exit code 2", marks=pytest.mark.slow),
        pytest.param(NO_LOOP, "left.py:10 updates weights outside of any Python loop", marks=pytest.mark.slow),
    ],
    ids=[
        "a script that never trains",
        "a model that isn't compiled",
        "a script that wants arguments",
        "a loop within a compiled function",
    ],
)
def test_a_script_that_trains_nothing_is_told_so(text: str, says: str, tmp_path: Path) -> None:
    put(tmp_path, {"left.py": text})
    error = compared(tmp_path, "left.py", code=2)["error"]
    assert error["kind"] == "usage"
    assert says in error["message"], error


BOTH = "def build_model(): ...\ndef load_data(): ...\n"


@pytest.mark.parametrize(
    ("text", "names", "functions"),
    [
        (BOTH, ("build_model", "load_data"), True),
        (BOTH + "build_model().fit(load_data())", ("build_model", "load_data"), True),
        ("from net import build_model, load_data\n", ("build_model", "load_data"), True),
        (BOTH.replace("model()", "model(n)") + "m.fit()", ("build_model", "load_data"), False),
        ("def build_model(): ...\n", ("build_model", "load_data"), True),
        ("def load_data(): ...\n", ("build_model", "load_data"), True),
        ("def load_data(): ...\nmodel = 1\n", ("build_model", "load_data"), False),
        ("def load_data(): ...\nm.fit(load_data())\n", ("build_model", "load_data"), False),
        ("m.fit(x)\n", ("build_model", "load_data"), False),
        ("print()\n", ("build_model", "load_data"), False),
        ("def net(): ...\ndef data(): ...\n", ("net", "data"), True),
        ("def build_model(:\n", ("build_model", "load_data"), True),
    ],
)
def test_what_is_asked_for_functions_and_what_is_run(
    text: str, names: tuple[str, str], functions: bool, tmp_path: Path
) -> None:
    (tmp_path / "it.py").write_text(text)
    assert has_functions(tmp_path / "it.py", *names) is functions


def test_a_module_is_found_where_python_m_finds_it(tmp_path: Path) -> None:
    put(tmp_path, {"a/b.py": "", "a/__main__.py": ""})
    assert module_file("a.b", tmp_path) == tmp_path / "a/b.py"
    assert module_file("a", tmp_path) == tmp_path / "a/__main__.py"
    assert module_file("a.c", tmp_path) is None
