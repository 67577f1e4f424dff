"""The table of changed arguments and members: what no rule of its own speaks about is edited or told all the same."""

import pytest

from kparity.codemod import changed
from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome

HEAD = "import keras\nimport tensorflow as tf\n"
EDITED = {
    "a position that moved gets its name": (
        "keras.layers.Conv3DTranspose(1, 2, 3, 'same', None)",
        "keras.layers.Conv3DTranspose(1, 2, 3, 'same', output_padding=None)",
    ),
    "what came in by ** can't be what stands in a position": (
        "keras.layers.RandomContrast(0.1, 2, **more)",
        "keras.layers.RandomContrast(0.1, seed=2, **more)",
    ),
    "the default of an argument that went is left out": (
        "keras.layers.Dense(2, dynamic=False)",
        "keras.layers.Dense(2)",
    ),
    "a new name": ("keras.utils.to_categorical(y=[1])", "keras.utils.to_categorical(x=[1])"),
    "a position of a call of a layer": (
        "keras.layers.MultiHeadAttention(2, 2)(q, v, k, m)",
        "keras.layers.MultiHeadAttention(2, 2)(q, v, k, attention_mask=m)",
    ),
    "the input by its name": (
        "gru = keras.layers.GRU(2)\ngru(inputs=x)",
        "gru = keras.layers.GRU(2)\ngru(sequences=x)",
    ),
    "a constructor that is called through super": (
        "class M(keras.metrics.Metric):\n    def __init__(self, name):\n        super().__init__(name)",
        "class M(keras.metrics.Metric):\n    def __init__(self, name):\n        super().__init__(name=name)",
    ),
}
UNTOUCHED = {
    "positions that are what they were": "keras.layers.Conv3DTranspose(1, 2, 3, 'same')",
    "whatever a star holds": "keras.layers.Conv3DTranspose(*a)",
    "a class of one's own with that argument": (
        "class A(keras.layers.Layer):\n    def __init__(self, weights):\n        pass\n\n\na = A(weights=1)"
    ),
    "a method of one's own with the name of one that went": (
        "class A(keras.layers.Layer):\n    get_weight_paths = 1\n\n\nm = keras.Model(a, b)\nm.get_weight_paths()"
    ),
    "a loss that is called with weights": "loss = keras.losses.Hinge()\nloss(a, b, c)\nloss(a, b, sample_weight=c)",
    "a recurrent layer that is called with its mask": "keras.layers.LSTM(2)(x, mask=m, training=True)",
    "another library's argument": "other.layers.Dense(2, dynamic=True)",
    "a mixin in front may take it": (
        "class A(Mixin, keras.layers.Layer):\n    def __init__(self):\n        super().__init__(batch_size=True)"
    ),
}
TOLD = {
    "an argument that went": ("keras.layers.GRU(2, time_major=True)", "KP961", "swapaxes"),
    "one by position": ("keras.layers.Softmax(-1, robust)", "KP961", "robust_masking"),
    "one of a method": ("keras.Model(a, b).predict(x, 1, 0, 1, None, n)", "KP961", "max_queue_size"),
    "one through super": (
        "class A(keras.layers.Layer):\n    def __init__(self, **kw):\n        super().__init__(batch_size=3, **kw)",
        "KP961",
        "batch_size",
    ),
    "a member that went": ("keras.layers.GRU(2).return_runtime", "KP965", "return_runtime"),
    "a member that went from this class only": ("keras.layers.LeakyReLU(0.1).alpha", "KP965", "alpha"),
    "what can't be left out any more": ("keras.optimizers.Optimizer(name='a')", "KP966", "learning_rate"),
    "a star between what moved": ("keras.layers.RandomContrast(0.1, 2, *more)", "KP960", "more"),
}


@pytest.mark.parametrize("name", EDITED)
def test_an_argument_is_edited(name):
    before, after = EDITED[name]
    done = migrate_source(f"{HEAD}\n{before}\ntf.print()\n", "x.py")
    assert done.text == f"{HEAD}\n{after}\ntf.print()\n"
    again = migrate_source(done.text, "x.py")
    assert (again.text, again.findings) == (done.text, [])


@pytest.mark.parametrize("name", UNTOUCHED)
def test_nothing_is_said(name):
    done = migrate_source(f"{HEAD}\n{UNTOUCHED[name]}\ntf.print()\n", "x.py")
    assert (done.text, done.findings) == (f"{HEAD}\n{UNTOUCHED[name]}\ntf.print()\n", [])


@pytest.mark.parametrize("name", TOLD)
def test_an_argument_is_told_and_left(name):
    code, rule, said = TOLD[name]
    done = migrate_source(f"{HEAD}\n{code}\ntf.print()\n", "x.py")
    assert code in done.text
    told = [f for f in done.findings if f.outcome is Outcome.MANUAL]
    assert [(f.rule, said in f.fix) for f in told] == [(rule, True)], told


def test_what_a_function_takes_no_more_is_told_where_it_moves_to_another_module():
    code = "keras.preprocessing.image_dataset_from_directory(d, smart_resize=a)"
    done = migrate_source(f"{HEAD}\n{code}\ntf.print()\n", "x.py")
    assert "keras.utils.image_dataset_from_directory(d, smart_resize=a)" in done.text
    assert [(f.rule, f.outcome) for f in done.findings] == [("KP803", Outcome.FIXED), ("KP961", Outcome.MANUAL)]


def test_code_of_keras_3_keeps_its_positions():
    code = (
        "from keras import ops\nimport keras\n\nkeras.Input((3,), 2, 'float32')\nloss = keras.losses.Loss('a', 'sum')\n"
    )
    assert migrate_source(code, "x.py").text.count("losses.Loss('a', 'sum')") == 1


def test_the_table_is_small_and_says_nothing_of_most_calls():
    table = changed.table()
    assert changed.change_of("keras.layers.Dropout") is not None
    assert changed.change_of("keras.layers.Flatten2") is None
    assert len(str(table)) < 90_000
