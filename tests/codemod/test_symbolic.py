# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""Functions of TensorFlow between layers: which are put into a Lambda, and which stay as they are."""

import pytest

from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome

START = "import tensorflow as tf\nimport keras\n\ni = keras.Input((4, 4, 8))\nn = 2\n"
WRAPPED = {
    "an input": (
        "y = tf.nn.depth_to_space(i, 2)",
        "y = keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, 2), autocast=False)(i)",
    ),
    "what a layer made of it": (
        "x = keras.layers.ReLU()(i)\ny = tf.nn.depth_to_space(x, block_size=n)",
        "x = keras.layers.ReLU()(i)\ny = keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, block_size=n), autocast=False)(x)",
    ),
    "a model's own output": (
        "m = keras.applications.VGG16()\ny = tf.nn.depth_to_space(m.output, n)",
        "m = keras.applications.VGG16()\ny = keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, n), autocast=False)(m.output)",
    ),
    "what every call hands over": (
        "def f(x, factor):\n    return tf.nn.depth_to_space(x, factor)\n\n\ny = f(i, 2)",
        "def f(x, factor):\n    return keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, factor), autocast=False)(x)\n\n\ny = f(i, 2)",
    ),
    "a function that makes its layers": (
        "def f(x):\n    x = keras.layers.Dense(4)(x)\n    return tf.nn.depth_to_space(x, n)",
        "def f(x):\n    x = keras.layers.Dense(4)(x)\n    return keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, n), autocast=False)(x)",
    ),
    "a method that builds a model": (
        "class Gan:\n    def build(self):\n        i = keras.Input((4, 4, 8))\n        return tf.nn.depth_to_space(i, 2)",
        "class Gan:\n    def build(self):\n        i = keras.Input((4, 4, 8))\n        return keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, 2), autocast=False)(i)",
    ),
    "two of them": (
        "x = keras.layers.ReLU()(i)\ny = tf.math.xdivy(i, x)",
        "x = keras.layers.ReLU()(i)\ny = keras.layers.Lambda(lambda t: tf.math.xdivy(t[0], t[1]), autocast=False)([i, x])",
    ),
    "another function around it": (
        "y = tf.nn.space_to_depth(tf.nn.depth_to_space(i, 2), 2)",
        "y = keras.layers.Lambda(lambda t: tf.nn.space_to_depth(tf.nn.depth_to_space(t, 2), 2), autocast=False)(i)",
    ),
    "where `t` is taken": (
        "t = 2\ny = tf.nn.depth_to_space(i, t)",
        "t = 2\ny = keras.layers.Lambda(lambda tensor: tf.nn.depth_to_space(tensor, t), autocast=False)(i)",
    ),
}
COUNTERPARTS = {
    "another template": ("y = tf.nn.softmax(i, axis=1)", "y = keras.ops.softmax(i, axis=1)"),
    "another name": ("y = tf.nn.relu(i)", "y = keras.ops.relu(i)"),
    "of what a layer made": ("y = tf.tanh(keras.layers.ReLU()(i))", "y = keras.ops.tanh(keras.layers.ReLU()(i))"),
}
LEFT = {
    "numbers": "y = tf.nn.depth_to_space(tf.zeros((1, 4, 4, 8)), 2)",
    "what a layer made of numbers": "layer = keras.layers.ReLU()\n\n\ndef f(data):\n    return tf.nn.depth_to_space(layer(data), 2)",
    "in a layer": "class A(keras.layers.Layer):\n    def call(self, x):\n        return tf.nn.depth_to_space(keras.layers.ReLU()(x), 2)",
    "in a Lambda": "y = keras.layers.Lambda(lambda x: tf.nn.depth_to_space(x, 2))(i)",
    "a function that isn't always given one": "def f(x):\n    return tf.nn.depth_to_space(x, 2)\n\n\ny = f(i)\nz = f(2)",
}
TOLD = {
    "a value that changes": "for k in range(2):\n    y = tf.nn.depth_to_space(i, k)",
    "a value that is worked out": "y = tf.nn.depth_to_space(i, f())",
    "a function of one's own inside": "y = tf.map_fn(lambda e: e + 1, i)",
    "arguments that come by star": "y = tf.nn.depth_to_space(i, *a)",
}


@pytest.mark.parametrize("case", WRAPPED)
def test_a_function_of_tensorflow_between_layers_becomes_a_layer(case):
    before, after = WRAPPED[case]
    done = migrate_source(START + before + "\n", "a.py")
    assert done.text == START + after + "\n"


@pytest.mark.parametrize("case", COUNTERPARTS)
def test_what_keras_3_has_itself_needs_no_layer(case):
    before, after = COUNTERPARTS[case]
    assert migrate_source(START + before + "\n", "a.py").text.endswith(after + "\n")


@pytest.mark.parametrize("case", LEFT)
def test_where_tensors_have_values_it_stays(case):
    done = migrate_source(START + LEFT[case] + "\n", "a.py")
    assert done.text == START + LEFT[case] + "\n"
    assert "KP6432" not in {f.rule for f in done.findings}


@pytest.mark.parametrize("case", TOLD)
def test_what_would_be_another_value_later_is_told(case):
    done = migrate_source(START + TOLD[case] + "\n", "a.py")
    assert done.text == START + TOLD[case] + "\n"
    assert {f.outcome for f in done.findings if f.rule == "KP6432"} == {Outcome.MANUAL}
