"""`layer(x, training)` gets names where the parameters are known; what may be a tensor stays as it is."""

import pytest

from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome

HEAD = """from keras import Sequential, layers


class Net(layers.Layer):
    def __init__(self, other):
        super().__init__()
        self.drop = layers.Dropout(0.5)
        self.stack = Sequential([layers.Dense(2)])
        self.other = other
        self.inner = Inner()

    def call(self, x, training, mask):
        {}


class Inner(layers.Layer):
    def call(self, x, mask, is_training):
        return x
"""


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("self.drop(x, training)", "self.drop(x, training=training)"),
        ("self.drop(x, training=training)", "self.drop(x, training=training)"),
        ("self.stack(x, False)", "self.stack(x, training=False)"),
        ("self.inner(x, mask, training)", "self.inner(x, mask, is_training=training)"),
        ("self.inner(x, None, True)", "self.inner(x, None, is_training=True)"),
        ("self.inner(x, mask)", "self.inner(x, mask)"),
        ("self.other(x, training)", "self.other(x, training)"),
        ("self.drop(*x, training)", "self.drop(*x, training)"),
        ("layers.Dropout(0.1)(x, True)", "layers.Dropout(0.1)(x, training=True)"),
    ],
)
def test_a_flag_by_position_gets_the_name_that_call_gives_it(written, wanted):
    assert migrate_source(HEAD.format(written), "a.py").text == HEAD.format(wanted)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Dense(np.max(y) + 1)", "Dense(int(np.max(y) + 1))"),
        ("Dense(units=np.prod(shape))", "Dense(units=int(np.prod(shape)))"),
        ("Dense(count)", "Dense(int(count))"),
        ("Dense(int(np.max(y)))", "Dense(int(np.max(y)))"),
        ("Dense(np.max(y, axis=0))", "Dense(np.max(y, axis=0))"),
        ("Dense(max(y))", "Dense(max(y))"),
        ("Dense(plain)", "Dense(plain)"),
    ],
)
def test_a_count_that_numpy_made_becomes_an_int(written, wanted):
    head = "import numpy as np\nfrom keras.layers import Dense\n\ncount = y.max() + 1\nplain = len(y)\n"
    assert migrate_source(f"{head}{written}\n", "a.py").text == f"{head}{wanted}\n"


def test_a_count_that_numpy_made_is_followed_into_a_function():
    code = """import numpy as np
from keras.layers import Dense

def build(width, classes=1):
    return Dense(width)(Dense({})(1))

build(2, classes=np.max([1]) + 1)
"""
    assert migrate_source(code.format("classes"), "a.py").text == code.format("int(classes)")


def test_a_name_that_is_given_two_kinds_of_values_is_told_as_the_last_one_above():
    code = """import keras

thing = keras.layers.Dense(2)
start = keras.Input((2,))
thing = keras.Model(start, thing(start))
thing.add_loss(1.0)
"""
    found = migrate_source(code, "a.py").findings
    assert [(f.rule, f.place.line) for f in found] == [("KP241", 6)]


def test_a_second_tensor_given_to_a_functional_model_was_its_training_and_is_said_to_be():
    code = """import keras

i = keras.Input((2,))
m = keras.Model(i, i)
y = [m(x, z), m([x, z]), m(x, None), m(x, *z)]
"""
    done = migrate_source(code, "a.py")
    assert done.text == code.replace("m(x, z)", "m(x, training=z)")
    assert [(f.rule, f.place.line) for f in done.findings] == [("KP295", 5)]


def test_weights_given_to_a_layer_of_ones_own_are_told():
    code = """import keras


class A(keras.layers.Layer):
    pass


class B(keras.layers.Layer):
    def __init__(self, weights):
        super().__init__()


a = A(weights=[1])
b = B(weights=[1])
"""
    assert [(f.rule, f.place.line) for f in migrate_source(code, "a.py").findings] == [("KP242", 13)]


FORWARD = {
    "into a layer": ("def __call__(self, x):\n        return self.out(x)", Outcome.FIXED),
    "into a layer under another name": (
        "def __call__(self, x):\n        y = self.out(x)\n        return y + 1",
        Outcome.FIXED,
    ),
    "shaped first": (
        "def __call__(self, x):\n        x = tf.reshape(x, [2])\n        x = self.out(x)\n        return x * 2",
        Outcome.FIXED,
    ),
    "computed with": ("def __call__(self, x):\n        return self.out(x * 2)", Outcome.UNSAFE),
    "computed with after a layer": (
        "def __call__(self, x):\n        y = self.out(x)\n        return x + y",
        Outcome.UNSAFE,
    ),
    "with a flag that Keras hands on": (
        "def __call__(self, x, training=None):\n        return self.out(x)",
        Outcome.UNSAFE,
    ),
    "with more arguments": ("def __call__(self, x, **more):\n        return self.out(x)", Outcome.UNSAFE),
    "compiled": ("@tf.function\n    def __call__(self, x):\n        return self.out(x)", Outcome.UNSAFE),
}


@pytest.mark.parametrize("case", FORWARD)
def test_a_models_own_call_is_renamed_where_keras_can_change_nothing(case):
    method, outcome = FORWARD[case]
    code = f"import tensorflow as tf\nimport keras\n\n\nclass A(keras.Model):\n    {method}\n"
    found = {f.rule: f.outcome for f in migrate_source(code, "a.py").findings}
    assert [found[rule] for rule in ("KP292", "KP2914") if rule in found] == [outcome]
