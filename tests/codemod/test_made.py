# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""By which class something is certainly made: an LSTM cell's states, and layers of a written list that have no weights."""

import pytest

from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome

HEAD = "import tensorflow as tf\nimport keras\n\n"
KEPT = "class Net(keras.Model):\n    def __init__(self, cell):\n        super(Net, self).__init__()\n        self.cell = cell\n\n    def call(self, x):\n        return self.cell.get_initial_state(batch_size=2, dtype=tf.float32)\n\n\n"
STATES = {
    "a cell": "cell = keras.layers.LSTMCell(2)\ncell.get_initial_state(batch_size=2, dtype=tf.float32)\n",
    "a cell that a class is given": KEPT + "Net(keras.layers.LSTMCell(2))\n",
    "a cell that a class is given by keyword": KEPT + "c = keras.layers.LSTMCell(2)\nNet(cell=c)\n",
    "a cell that a function makes": "def make():\n    return keras.layers.LSTMCell(2)\n\n\nmake().get_initial_state(batch_size=2, dtype=tf.float32)\n",
}
OTHER_STATES = {
    "a batch that gives its size": "cell = keras.layers.LSTMCell(2)\ncell.get_initial_state(x, dtype=tf.float32)\n",
    "a GRU cell, whose state is a list now": "cell = keras.layers.GRUCell(2)\ncell.get_initial_state(batch_size=2, dtype=tf.float32)\n",
    "one or the other": "cell = keras.layers.LSTMCell(2)\nif x:\n    cell = keras.layers.GRUCell(2)\ncell.get_initial_state(batch_size=2, dtype=tf.float32)\n",
    "a class that is given one or the other": KEPT + "Net(keras.layers.LSTMCell(2))\nNet(keras.layers.GRUCell(2))\n",
    "a class that is handed on": KEPT + "Net(keras.layers.LSTMCell(2))\nmake(Net)\n",
    "a class that is inherited from": KEPT + "class More(Net):\n    pass\n\n\nNet(keras.layers.LSTMCell(2))\n",
    "a class that nobody makes": KEPT,
    "another dtype": "cell = keras.layers.LSTMCell(2)\ncell.get_initial_state(batch_size=2, dtype=tf.float16)\n",
}
NET = "import tensorflow as tf\nimport keras\n\nnet = keras.Sequential([{}])\nmaker = keras.Sequential([keras.layers.Dense(4)])\n"
MARKED = "for layer in net.layers:\n    layer.built = True\n\n\n"
SET = "def run(x):\n    net.layers[{}].{} = maker(x)\n"
DENSE = "keras.layers.Dense(2), keras.layers.Dense(1)"
WEIGHTLESS = {
    "the first layer": NET.format(DENSE) + MARKED + SET.format(0, "kernel"),
    "the last layer": NET.format(DENSE) + MARKED + SET.format(1, "kernel"),
    "an embedding": NET.format("keras.layers.Embedding(3, 2)") + MARKED + SET.format(0, "embeddings"),
    "a convolution": NET.format("keras.layers.ReLU(), keras.layers.Conv2D(2, 3)") + MARKED + SET.format(1, "kernel"),
}
WITH_WEIGHTS = {
    "layers that nobody marked": NET.format(DENSE) + SET.format(0, "kernel"),
    "layers that are marked as not built": NET.format(DENSE)
    + MARKED.replace("True", "False")
    + SET.format(0, "kernel"),
    "layers of another model": NET.format(DENSE) + MARKED.replace("net", "maker") + SET.format(0, "kernel"),
    "a model that was built before": NET.format(DENSE) + "net.build((None, 2))\n" + MARKED + SET.format(0, "kernel"),
    "a model with an Input": NET.format("keras.Input((3,)), " + DENSE) + MARKED + SET.format(0, "kernel"),
    "a model that knows its input": NET.format("keras.layers.Dense(2, input_shape=(3,))")
    + MARKED
    + SET.format(0, "kernel"),
    "a layer that Keras 3 asks for a bias": NET.format("keras.layers.Dense(2, use_bias=False)")
    + MARKED
    + SET.format(0, "kernel"),
    "a layer that isn't in the list": NET.format(DENSE) + MARKED + SET.format(2, "kernel"),
    "a list that grows": NET.format(DENSE) + "net.add(keras.layers.Dense(3))\n" + MARKED + SET.format(0, "kernel"),
    "a variable, which would be a weight": NET.format(DENSE) + MARKED + "net.layers[0].kernel = tf.Variable(1.0)\n",
    "any layer": NET.format(DENSE) + MARKED + SET.format("x", "kernel"),
}


@pytest.mark.parametrize("case", STATES)
def test_an_lstm_cells_state_has_the_cells_own_dtype(case):
    text = migrate_source(HEAD + STATES[case], "a.py").text
    assert text.replace("import tensorflow as tf\n", "") == (HEAD + STATES[case]).replace(
        ", dtype=tf.float32", ""
    ).replace("import tensorflow as tf\n", "")


@pytest.mark.parametrize("case", OTHER_STATES)
def test_a_state_of_what_may_be_another_cell_is_told(case):
    done = migrate_source(HEAD + OTHER_STATES[case], "a.py")
    assert done.text == HEAD + OTHER_STATES[case]
    assert {f.rule for f in done.findings if f.outcome is Outcome.MANUAL} >= {"KP2915"}


@pytest.mark.parametrize("case", WEIGHTLESS)
def test_a_tensor_becomes_the_kernel_of_a_layer_that_was_marked_as_built(case):
    text = WEIGHTLESS[case]
    wanted = text.replace("].kernel", "]._kernel").replace("].embeddings", "]._embeddings")
    assert migrate_source(text, "a.py").text == wanted


@pytest.mark.parametrize("case", WITH_WEIGHTS)
def test_the_kernel_of_a_layer_that_may_have_weights_is_told(case):
    done = migrate_source(WITH_WEIGHTS[case], "a.py")
    assert "]._kernel" not in done.text
    assert {f.rule for f in done.findings if f.outcome is Outcome.MANUAL} & {"KP2903", "KP2913"}
