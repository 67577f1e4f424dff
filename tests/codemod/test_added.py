"""Losses and metrics that are added to a model from outside become a layer only where nothing can go wrong by it."""

import pytest

from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome

MODEL = """import keras

inputs = keras.Input((3,))
hidden = keras.layers.Dense(4)(inputs)
outputs = keras.layers.Dense(2)(hidden)
model = keras.Model(inputs, outputs)
"""
LOSS = "model.add_loss(keras.ops.mean(hidden))\n"


@pytest.mark.parametrize(
    "code",
    [
        MODEL + LOSS + "model.compile('sgd', 'mse')\n",
        MODEL + "model.summary()\n" + LOSS,
        MODEL + "if True:\n    " + LOSS,
        MODEL + "far = keras.ops.mean(hidden) * 0.5\nmodel.add_loss(far)\n",
        "import keras\n\nmodel = 1\n" + MODEL + LOSS,
        MODEL + LOSS + "model = keras.Model(inputs, hidden)\nmodel.compile('sgd', {'out': 'mse'})\n",
    ],
)
def test_a_loss_is_added_behind_a_model_that_was_just_made(code):
    done = migrate_source(code, "a.py")
    assert "AddLoss()(model.output, " in done.text
    assert done.text.count("class AddLoss") == 1
    compile(done.text, "a.py", "exec")
    assert migrate_source(done.text, "a.py").text == done.text


@pytest.mark.parametrize(
    "code",
    [
        MODEL + "model.compile('sgd')\n" + LOSS,
        MODEL + "both = [model, model]\n" + LOSS,
        MODEL + "for _ in range(2):\n    " + LOSS,
        MODEL + LOSS + "model.compile('sgd', loss={'out': 'mse'})\n",
        MODEL.replace("(inputs, outputs)", "(inputs, [outputs, hidden])") + LOSS,
        MODEL.replace("keras.layers.Dense(2)(hidden)", "[keras.layers.Dense(2)(hidden), hidden]") + LOSS,
        MODEL + "model.add_loss(lambda: keras.ops.mean(model.layers[1].kernel))\n",
        MODEL + "def later():\n    " + LOSS,
        MODEL + "if hidden is None:\n    model = keras.Sequential()\n" + LOSS,
        MODEL + "class AddLoss:\n    pass\n\n\n" + LOSS,
    ],
)
def test_where_the_model_may_be_known_already_or_goes_by_names_a_loss_is_told(code):
    done = migrate_source(code, "a.py")
    assert done.text == code
    assert "KP241" in {f.rule for f in done.findings if f.outcome is Outcome.MANUAL}


def test_a_loss_that_may_be_more_than_one_number_waits_to_be_asked():
    code = MODEL + "model.add_loss(keras.ops.mean(hidden, axis=-1))\n"
    assert {f.rule: f.outcome for f in migrate_source(code, "a.py").findings}["KP241"] is Outcome.UNSAFE


@pytest.mark.parametrize(
    "line",
    [
        "self.add_metric(x, name=self.label)",
        "self.add_metric(x, name='a', aggregation='sum')",
        "y = self.add_metric(x, name='a')",
    ],
)
def test_a_metric_with_no_plain_name_or_another_aggregation_is_told(line):
    code = f"import keras\n\n\nclass A(keras.layers.Layer):\n    def call(self, x):\n        {line}\n        return x\n"
    done = migrate_source(code, "a.py")
    assert done.text == code
    assert "KP240" in {f.rule for f in done.findings if f.outcome is Outcome.MANUAL}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("self, x, training", "self, x, training=None"),
        ("self, x, *, training", "self, x, *, training=None"),
        ("self, x, training: bool", "self, x, training: bool = None"),
        ("self, x, training, y", "self, x, training, y"),
        ("self, x, training=True", "self, x, training=True"),
        ("self, training", "self, training"),
    ],
)
def test_training_gets_a_default_where_nothing_has_to_follow_it(arguments, wanted):
    code = "import keras\n\n\nclass A(keras.layers.Layer):\n    def call({}):\n        return 1\n"
    assert migrate_source(code.format(arguments), "a.py").text == code.format(wanted)


@pytest.mark.parametrize("line", ["self.model, self.b = m, 1", "self.model = self.kept = m"])
def test_a_callback_that_sets_its_model_in_another_way_is_told(line):
    code = f"import keras\n\n\nclass A(keras.callbacks.Callback):\n    def __init__(self, m):\n        {line}\n"
    done = migrate_source(code, "a.py")
    assert done.text == code
    assert [f.rule for f in done.findings] == ["KP5900"]


@pytest.mark.parametrize("name", ["model_{epoch}", "ckpt-loss={loss:.2f}", "out/{epoch:02d}-{val_loss:.2f}"])
def test_a_checkpoint_named_by_what_is_logged_gets_its_ending(name):
    code = 'import keras\n\nsaver = keras.callbacks.ModelCheckpoint("{}")\n'
    assert migrate_source(code.replace("{}", name), "a.py").text == code.replace("{}", f"{name}.keras")
