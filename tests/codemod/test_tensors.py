# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""What is known to be a tensor, and what isn't: `tf.square(x)` becomes `keras.ops.square(x)` where it is certain."""

import pytest

from kparity.codemod.migrate import migrate_source

HEAD = "import tensorflow as tf\nfrom tensorflow.keras import Input, Model, layers\nimport unseen\n\n\n"
LAYER = "class Rows(layers.Layer):\n    def __init__(self, given):\n        self.given = given\n\n"

TENSORS = {
    "a method that call gives its input": LAYER
    + "    def call(self, x):\n        return self.half(x)\n\n    def half(self, y):\n        return tf.square(y)\n",
    "a further parameter of call": LAYER + "    def call(self, x, other=None):\n        return tf.square(other)\n",
    "what a layer gets from call by keyword": LAYER
    + "    def call(self, x):\n        return self.half(y=x)\n\n    def half(self, y):\n        return tf.square(y)\n",
    "what the layer's own part makes of a tensor": LAYER
    + "    def call(self, x):\n        return tf.square(self.given(x))\n",
    "what comes out of a list of own parts": LAYER
    + "    def call(self, x):\n        for part in self.given:\n            x = part(x)\n        return tf.square(x)\n",
    "elements of a tensor": LAYER + "    def call(self, x):\n        return [tf.square(each) for each in x]\n",
    "a list that only tensors are put into": "i = Input((3,))\nall = []\nall.append(layers.Dense(2)(i))\ntf.square(all)\n",
    "a dict that only tensors are put into": "all = {}\nfor n in 'ab':\n    all[n] = Input((3,))\ntf.square(all['a'])\n",
    "a function that is only given tensors": "def half(x):\n    return tf.square(x)\n\n\nhalf(half(Input((3,))))\n",
    "targets and predictions": "def loss(y_true, y_pred):\n    return tf.square(y_true - y_pred)\n",
    "the data of a train step": "class M(Model):\n    def train_step(self, data):\n        x, y = data\n"
    "        return tf.square(x)\n",
    "a layer by its methods": "class Rows(unseen.Base):\n    def build(self, input_shape):\n        pass\n\n"
    "    def call(self, x):\n        return tf.square(x)\n",
    "whatever a layer computes with": LAYER + "    def half(self, y, n):\n        return tf.square(n)\n",
    "a function that only layers call": LAYER
    + "    def call(self, x):\n        return half(unseen.x)\n\n\ndef half(y):\n    return tf.square(y)\n",
    "a metric's update": "class M(tf.keras.metrics.Metric):\n    def update_state(self, y_true, y_pred):\n"
    "        tf.square(y_pred)\n",
}
OTHERS = {
    "a function that is given something else, too": "def half(x):\n    return tf.square(x)\n\n\nhalf(Input((3,)))\nhalf(unseen.x)\n",
    "a function that is handed on": "def half(x):\n    return tf.square(x)\n\n\nhalf(Input((3,)))\ndata.map(half)\n",
    "a function that nobody calls": "def half(x):\n    return tf.square(x)\n",
    "a method of another class": "class Rows:\n    def call(self, x):\n        return tf.square(x)\n",
    "a function inside a method": LAYER + "    def data(self, d):\n        return d.map(lambda y: tf.square(y))\n",
    "a method that is handed on": LAYER
    + "    def one(self, y):\n        return tf.square(y)\n\n    def data(self, d):\n        return d.map(self.one)\n",
    "a list that other things are put into": "all = []\nall.append(Input((3,)))\nall.append(unseen.x)\ntf.square(all)\n",
    "a list that is extended": "all = []\nall.append(Input((3,)))\nall.extend(unseen.x)\ntf.square(all)\n",
    "a layer of ragged tensors": LAYER
    + "    def call(self, x):\n        if isinstance(x, tf.RaggedTensor):\n            return tf.square(x)\n",
}


@pytest.mark.parametrize("case", TENSORS)
def test_a_function_of_a_tensor_becomes_that_of_keras(case: str) -> None:
    assert "keras.ops.square(" in migrate_source(HEAD + TENSORS[case], "a.py").text


@pytest.mark.parametrize("case", OTHERS)
def test_a_function_of_what_may_be_something_else_stays(case: str) -> None:
    assert "tf.square(" in migrate_source(HEAD + OTHERS[case], "a.py").text


def test_a_long_chain_of_values_takes_no_long_time() -> None:
    lines = ["x0 = Input((3,))", *(f"x{n} = x{n - 1} + x{n - 1}" for n in range(1, 40)), "tf.square(x39)"]
    assert "keras.ops.square(" in migrate_source(HEAD + "\n".join(lines) + "\n", "a.py").text


def test_what_is_made_outside_of_a_layer_stays_tensorflows() -> None:
    code = HEAD + "def records(n):\n    return tf.zeros((n, 3)), tf.range(n), tf.constant(1), tf.random.normal((n,))\n"
    assert code.partition("def")[2] in migrate_source(code, "a.py", unsafe=True).text
    inside = LAYER + "    def call(self, x):\n        return x + tf.zeros((1, 3))\n"
    assert "keras.ops.zeros((1, 3))" in migrate_source(HEAD + inside, "a.py").text


def test_a_shape_that_is_only_taken_apart_is_keras() -> None:
    apart = LAYER + "    def call(self, x):\n        s = tf.shape(x)\n        return s[0] * s[1]\n"
    whole = LAYER + "    def call(self, x):\n        s = tf.shape(x)\n        return s[0] * s[1:]\n"
    assert "keras.ops.shape(x)" in migrate_source(HEAD + apart, "a.py").text
    assert "tf.shape(x)" in migrate_source(HEAD + whole, "a.py").text


def test_what_is_asked_for_a_list_of_its_sizes_is_a_tensor() -> None:
    code = HEAD + "def f(x):\n    return x.get_shape().as_list(), x.get_shape()\n"
    assert "return list(x.shape), x.get_shape()" in migrate_source(code, "a.py").text
