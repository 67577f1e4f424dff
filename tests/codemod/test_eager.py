# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""What a layer makes in `build` and keeps: made outside of graphs, as it was in Keras 2; and all else stays."""

import pytest

from kparity.codemod.migrate import migrate_source

HEAD = "import numpy as np\nimport tensorflow as tf\n\n\nclass A(tf.keras.layers.Layer):\n"
BUILD = "    def build(self, input_shape):\n        {}\n\n    def call(self, x):\n        return x + self.v\n"
KEPT = {
    "a tensor": BUILD.format("self.v = tf.range(3.0)"),
    "a tensor that is worked out first": BUILD.format("v = tf.constant([1.0])\n        self.v = v"),
    "what is worked out of a tensor": BUILD.format("self.v = 2.0 * tf.range(3.0)"),
    "a variable of a tensor": BUILD.format("self.v = tf.Variable(tf.range(3.0), trainable=False)"),
    "a variable in a list": BUILD.format("self.v = tf.Variable([1.0], trainable=False)\n        self.w = [self.v]"),
    "by a doc string": BUILD.format('"""Makes v."""\n        self.v = tf.ones((3,))'),
}
OTHERS = {
    "a weight": BUILD.format("self.v = self.add_weight(name='v', shape=(3,))"),
    "a variable that becomes a weight": BUILD.format(
        "self.v = tf.Variable(tf.zeros_initializer()((3,)), trainable=False)"
    ),
    "a variable that is trained": BUILD.format("self.v = tf.Variable(tf.range(3.0))"),
    "an array": BUILD.format("self.v = np.arange(3.0)"),
    "a layer": BUILD.format("self.v = tf.keras.layers.Dense(3)"),
    "an initializer": BUILD.format("self.v = tf.constant_initializer(1.0)"),
    "a shape": BUILD.format("self.v = tf.TensorShape([1])"),
    "a tensor that isn't kept": BUILD.format("v = tf.range(3.0)\n        self.v = None"),
    "a tensor made in __init__": "    def __init__(self):\n        super().__init__()\n        self.v = tf.range(3.0)\n",
    "a tensor of call": "    def call(self, x):\n        self.v = tf.range(3.0)\n        return x\n",
    "build that is outside already": "    @tf.init_scope()\n" + BUILD.format("self.v = tf.range(3.0)"),
}


@pytest.mark.parametrize("case", KEPT)
def test_build_runs_outside_of_graphs_where_it_keeps_a_tensor(case):
    done = migrate_source(HEAD + KEPT[case], "a.py")
    assert "    @tf.init_scope()\n    def build(" in done.text
    assert migrate_source(done.text, "a.py").text == done.text


@pytest.mark.parametrize("case", OTHERS)
def test_build_stays_where_it_keeps_none(case):
    assert migrate_source(HEAD + OTHERS[case], "a.py").text.count("init_scope") == OTHERS[case].count("init_scope")


def test_a_class_that_is_no_layer_is_left_alone():
    text = "import keras\nimport tensorflow as tf\n\n\nclass A:\n" + KEPT["a tensor"]
    assert migrate_source(text, "a.py").text == text


def test_build_that_is_decorated_is_told():
    text = HEAD + KEPT["a tensor"].replace("    def build", "    @checked\n    def build")
    done = migrate_source(text, "a.py")
    assert "init_scope" not in done.text
    assert "KP3992" in {f.rule for f in done.findings}
