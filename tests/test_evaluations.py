"""What only an evaluation runs into: real comparisons of models that train alike."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kparity import trace
from kparity.analysis.locate import Cause
from kparity.compare import Options, compare
from kparity.evaluations import predicted, validated, validation_of
from kparity.report.repro import kept, script
from kparity.report.words import headline
from kparity.runtime.failed import SideFailed

MODEL = """
import numpy as np
from tensorflow import keras


class Mine(keras.Model):
    def test_step(self, data):
        TEST


def build_model():
    x = keras.Input((8,))
    h = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(16, activation="tanh", name="wide")(x))
    h = keras.layers.Dropout(0.3, name="drop")(h)
    model = Mine(x, keras.layers.Dense(4, activation="softmax", name="top")(h))
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load_data():
    x = np.random.default_rng(0).standard_normal((160, 8)).astype("float32")
    y = np.argmax(x[:, :4], 1)
    return {"x": x, "y": y, "batch_size": 16, "validation_data": (x[:100], y[:100])}
"""
AS_IT_IS = "return super().test_step(data)"
OTHERWISE = """

plain = keras.layers.Dropout.call


def call(self, inputs, training=False):
    return plain(self, inputs, training=training) if training else 0.5 * inputs + 0.1


keras.layers.Dropout.call = call
"""


def compared(folder: Path, old: str, new: str) -> dict[str, Any]:
    (folder / "old.py").write_text(old, encoding="utf-8")
    (folder / "new.py").write_text(new, encoding="utf-8")
    return compare(Options(folder / "old.py", folder / "out", 10, against=folder / "new.py"), lambda *_: None)


def test_a_layer_that_only_an_evaluation_runs_otherwise_is_named_proven_and_has_its_share(tmp_path: Path) -> None:
    old = MODEL.replace("TEST", AS_IT_IS)
    verdict = compared(tmp_path, old, old + OTHERWISE)
    (cause,) = verdict["causes"]
    assert (cause["phase"], cause["layer"], cause["step"]) == ("forward", "drop", 1)
    assert (cause["evaluated"], cause["proven"]) == (True, True)
    assert cause["message"].startswith("Where the model is evaluated or predicts, and not in training")
    assert "trains this model as Keras 2 does, and evaluates it otherwise" in headline(verdict)
    losses = verdict["curves"]["metrics"]["loss"]
    assert losses["legacy"] == pytest.approx(losses["keras3"], rel=1e-5), "they train alike"


@pytest.mark.parametrize("noted", [False, True], ids=["neither Keras", "Keras 3 alone"])
def test_a_model_that_cannot_be_evaluated_is_judged_by_its_training(noted: bool, tmp_path: Path) -> None:
    text = MODEL.replace(', "validation_data": (x[:100], y[:100])', "")
    new = text.replace("TEST", "raise ValueError('no')")
    verdict = compared(tmp_path, text.replace("TEST", AS_IT_IS) if noted else new, new)
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", []), verdict["error"]
    assert any("Keras 3 raises: ValueError: no" in note for note in verdict["notes"]) is noted


NOISE = """

class Noise(keras.layers.Layer):
    def call(self, inputs):
        return inputs + tf.random.{}


keras.layers.Dropout = lambda rate, name: Noise(name=name)
"""


@pytest.mark.parametrize(
    "drawn",
    [
        "normal(tf.shape(inputs))",
        pytest.param("gamma(tf.shape(inputs), 2.0)", marks=pytest.mark.slow),
        pytest.param("stateless_normal(tf.shape(inputs), [1, 2])", marks=pytest.mark.slow),
    ],
    ids=["aligned", "by TensorFlow's own seeds", "the same at every step"],
)
def test_a_model_that_draws_while_it_is_evaluated_validates_alike(drawn: str, tmp_path: Path) -> None:
    text = MODEL.replace("TEST", AS_IT_IS).replace("import numpy", "import tensorflow as tf\nimport numpy")
    text += NOISE.format(drawn)
    verdict = compared(tmp_path, text, text)
    assert (verdict["verdict"], verdict["causes"]) == ("equivalent", []), verdict["error"]
    if "gamma" not in drawn:
        losses = verdict["curves"]["metrics"]["val_loss"]
        assert losses["legacy"][-1] == pytest.approx(losses["keras3"][-1], rel=1e-5)


FORGETFUL = """

plain = keras.metrics.Mean.update_state


def forgetful(self, values, sample_weight=None):
    if {}:
        self.reset_state()
    return plain(self, values, sample_weight)


keras.metrics.Mean.update_state = forgetful
"""


@pytest.mark.parametrize("forgets", [False, True])
def test_a_metric_that_forgets_earlier_batches_is_seen_without_validation_data(forgets: bool, tmp_path: Path) -> None:
    old = MODEL.replace("TEST", AS_IT_IS).replace(', "validation_data": (x[:100], y[:100])', "")
    verdict = compared(tmp_path, old, old + FORGETFUL.format(forgets))
    told = [(cause["phase"], cause["variable"], cause["kind"], cause["proven"]) for cause in verdict["causes"]]
    assert [one[0] for one in told] == ["metric"] * forgets, verdict["error"]
    assert not forgets or told[0][2:] == ("validated", True)


def test_numbers_that_validation_alone_reports_otherwise_are_a_cause(tmp_path: Path) -> None:
    old = MODEL.replace("TEST", AS_IT_IS)
    scaled = "    def evaluate(self, *args, **kwargs):\n        logs = super().evaluate(*args, **kwargs)\n"
    scaled += "        return {name: value * (1.001 if name == 'loss' else 1.0) for name, value in logs.items()}\n\n"
    verdict = compared(tmp_path, old, old.replace("    def test_step", scaled + "    def test_step"))
    (cause,) = verdict["causes"]
    assert (cause["phase"], cause["variable"], cause["step"]) == ("metric", "val_loss", 10)
    assert (cause["evaluated"], cause["proven"]) == (True, True)
    assert "of the same weights" in cause["message"]
    assert cause["local_error"] == pytest.approx(1e-3, rel=1e-2)


OWN = """    def predict_step(self, data):
        return super().predict_step(data) * {}

"""


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_a_predict_step_that_makes_something_else_of_the_same_outputs_is_a_cause(factor: float, tmp_path: Path) -> None:
    old, new = (
        MODEL.replace("TEST", AS_IT_IS).replace("    def test_step", OWN.format(one) + "    def test_step")
        for one in (1.0, factor)
    )
    verdict = compared(tmp_path, old, new)
    told = [(cause["phase"], cause["variable"], cause["kind"], cause["proven"]) for cause in verdict["causes"]]
    assert told == [("metric", "predict", "predicted", True)] * (factor != 1.0), verdict["error"]
    assert factor == 1.0 or verdict["causes"][0]["local_error"] == pytest.approx(1e-3, rel=1e-2)


LEFT = {"predict_step|model|0": np.array([1, 2, 3]), "call|model|0": np.float32([[0.5, 0.5]])}


@pytest.mark.parametrize(
    ("right", "again", "said"),
    [
        (LEFT, LEFT, None),
        (LEFT | {"predict_step|model|0": np.array([1, 2, 2])}, LEFT, 1 / 3),
        (
            LEFT | {"predict_step|model|0": np.array([1, 2, 2])},
            LEFT | {"predict_step|model|0": np.array([2, 2, 3])},
            None,
        ),
        (LEFT | {"predict_step|model|0": np.array([[1], [2], [3]])}, LEFT, float("inf")),
        ({name: array * 2 for name, array in LEFT.items()}, LEFT, None),
    ],
    ids=["the same", "other classes", "drawn", "another shape", "the model, too"],
)
def test_predictions_are_judged_by_the_models_own_and_by_those_of_a_second_time(
    right: dict[str, np.ndarray], again: dict[str, np.ndarray], said: float | None, tmp_path: Path
) -> None:
    given = {"legacy-predicted": LEFT, "keras3-predicted": right, "noise-predicted": again}
    trace.write_arrays(trace.step_file(tmp_path, "legacy-graph", 5), {})

    def ask(do: str, weights: str, step: int, name: str) -> None:
        trace.write_arrays(trace.step_file(tmp_path, name, step), given[name])

    notes: list[str] = []
    found = predicted(lambda left, right: (left(), right()), (ask, ask), tmp_path, 5, True, [], notes)
    assert [cause.local_error for cause in found] == ([] if said is None else [pytest.approx(said)])
    known = Cause("forward", "a", None, 1, "numbers")
    assert not predicted(lambda left, right: (left(), right()), (ask, ask), tmp_path, 5, True, [known], notes)


@pytest.mark.parametrize(("fails", "notes"), [("legacy", 0), ("keras3", 1)])
def test_a_model_that_one_side_cannot_predict_with_is_no_cause(fails: str, notes: int, tmp_path: Path) -> None:
    trace.write_arrays(trace.step_file(tmp_path, "legacy-graph", 5), {})

    def ask(do: str, weights: str, step: int, name: str) -> None:
        if name.startswith(fails):
            raise SideFailed(fails, "raised", "no predictions today")
        trace.write_arrays(trace.step_file(tmp_path, name, step), LEFT)

    said: list[str] = []
    assert predicted(lambda left, right: (left(), right()), (ask, ask), tmp_path, 5, True, [], said) == []
    assert len(said) == notes


OURS = {"val_loss": 0.5, "val_accuracy": 0.8}


@pytest.mark.parametrize(
    ("theirs", "again", "exact", "named"),
    [
        ({"val_loss": 0.50004, "val_accuracy": 0.8}, {}, True, None),
        ({"val_loss": 0.5001, "val_accuracy": 0.8}, {"val_loss": 0.5}, True, "val_loss"),
        ({"val_loss": 0.5001, "val_accuracy": 0.8}, {"val_loss": 0.5}, False, None),
        ({"val_loss": 0.55, "val_accuracy": 0.8}, {"val_loss": 0.55}, True, None),
        ({"val_loss": 0.5, "val_accuracy": 0.805}, {}, True, None),
        ({"val_loss": 0.5, "val_accuracy": 0.82}, {"val_accuracy": 0.8}, True, "val_accuracy"),
        ({}, {}, True, None),
    ],
)
def test_validation_of_the_same_weights_may_differ_by_round_off_and_by_draws(
    theirs: dict[str, float], again: dict[str, float], exact: bool, named: str | None
) -> None:
    found = validated(OURS, theirs, lambda: again, exact, 10, [])
    assert [cause.variable for cause in found] == ([named] if named else [])
    known = Cause("forward", "a", None, 1, "numbers")
    assert not validated(OURS, theirs, lambda: again, exact, 10, [known]), "it explains them"


OUTPUTS = """
import numpy as np
from tensorflow import keras


def build_model():
    x = keras.Input((8,))
    outputs = {"a": keras.layers.Dense(1, name="a")(x), "b": keras.layers.Dense(1, name="b")(x)}
    model = keras.Model(x, outputs)
    model.compile(keras.optimizers.SGD(0.01), {"a": "mse", "b": "mse"})
    return model


def load_data():
    x = np.random.default_rng(0).standard_normal((ROWS, 8)).astype("float32")
    return {"x": x, "y": {"a": x[:, :1], "b": 2 * x[:, 1:2]}, "batch_size": 16}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "kind"), [(40, "validated"), (48, None)])
def test_losses_of_several_outputs_are_means_over_batches_where_these_are_uneven(
    rows: int, kind: str | None, tmp_path: Path
) -> None:
    """Keras 3.15 weighs an output's loss by the static size of the batch, which has none where batches are uneven."""
    text = OUTPUTS.replace("ROWS", str(rows))
    verdict = compared(tmp_path, text, text)
    assert [(cause["phase"], cause["kind"]) for cause in verdict["causes"]] == ([("metric", kind)] if kind else [])
    if kind:
        assert {verdict["causes"][0]["variable"], *verdict["causes"][0]["also"]} <= {"a_loss", "b_loss"}
        assert verdict["causes"][0]["rule"] == "KP584"


@pytest.mark.parametrize("kind", ["raised", "memory"])
def test_a_model_that_cannot_be_evaluated_is_none_that_ran_out_of_memory(kind: str, tmp_path: Path) -> None:
    weights = trace.step_file(tmp_path, "legacy-graph", 5)
    assert validation_of(lambda do, **asked: {"loss": 1.0}, tmp_path, 5, None) == {}, "no weights were kept"
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.touch()

    def fails(do: str, **asked: Any) -> Any:
        assert asked["batches"] == [1, 2, 4]
        raise SideFailed("keras3", kind, "no")

    with contextlib.nullcontext() if kind == "raised" else pytest.raises(SideFailed):
        assert validation_of(fails, tmp_path, 5, 4) == {}


SEEDED = """
import numpy as np
from tensorflow import keras

keras.utils.set_random_seed(3)
x = np.random.default_rng(0).standard_normal((160, 8)).astype("float32")
y = np.argmax(x[:, :4], 1)
model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(4, activation="softmax", name="top")])
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=16, epochs=5, validation_data=(x[:100], y[:100]))
"""


@pytest.mark.parametrize("seeded", [True, False])
def test_once_a_program_seeds_keras_3_shuffles_alike_in_every_epoch_and_that_is_told(
    seeded: bool, tmp_path: Path
) -> None:
    """Measured with Keras 3.15: a seed makes `fit` hand over the same batches again and again."""
    file = tmp_path / "train.py"
    file.write_text(SEEDED if seeded else SEEDED.replace("keras.utils.set_random_seed(3)\n", ""), encoding="utf-8")
    verdict = compare(Options(file, tmp_path / "out", 25), lambda *_: None)
    told = [(cause["phase"], cause["kind"], cause["rule"], cause["proven"]) for cause in verdict["causes"]]
    assert told == [("data", "fed", "KP875", True)] * seeded, verdict["error"]
    if seeded:
        assert isinstance(verdict["causes"][0]["share"], float)
        assert any("batches of the first epoch" in note for note in verdict["notes"])
        (one,) = kept(tmp_path / "out")
        text = script(one, verdict)
        assert "kparity" not in text
        assert len(text.splitlines()) < 40
        one.file.with_suffix(".py").write_text(text, encoding="utf-8")
        ended = subprocess.run([sys.executable, one.file.with_suffix(".py")], capture_output=True, text=True)
        first = [line for line in ended.stdout.splitlines() if "first rows" in line]
        assert [len(first), first[0] == first[1], first[2] == first[3]] == [4, False, True], ended.stdout + ended.stderr
