# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""What migrate must not touch: names that only look like Keras, values nobody knows, text that isn't code."""

import pytest

from kparity.codemod.migrate import migrate_source

UNTOUCHED = {
    "a model's own fit": "import keras\n\n\nclass M(keras.Model):\n    def fit(self, data, workers=3):\n        return super().fit(data)\n\n\nclass N(M):\n    def go(self):\n        self.fit(1, workers=2)\n\n\nm = N()\nm.fit(3, workers=3)\n",
    "an optimizer's own lr": "import keras\n\n\nclass O(keras.optimizers.Optimizer):\n    def __init__(self):\n        self.lr = 1\n\n\no = O()\nprint(o.lr)\n",
    "functions of TensorFlow that are handed on": "import tensorflow as tf\n\nmatmul = tf.linalg.matmul\ny = matmul(1, 2, transpose_b=True)\nz = tf.data.Dataset.range(3).map(tf.sqrt)\n",
    "a function that a layer calls otherwise": "import keras\nimport tensorflow as tf\n\n\nclass L(keras.layers.Layer):\n    def __init__(self):\n        super().__init__()\n        self.mm = tf.matmul\n\n    def call(self, x):\n        return self.mm(x, x, transpose_b=True)\n",
    "losses of TensorFlow 1": "import tensorflow as tf\n\nx = tf.placeholder(tf.float32)\nloss = tf.losses.mean_squared_error(labels=x, predictions=x)\nr = tf.losses.Reduction.SUM\nt = tf.train.AdamOptimizer().minimize(loss)\n",
    "no keras at all": "import numpy as np\nprint(np.zeros(3))\n",
    "keras in a comment": "# import tensorflow.keras as keras\nx = 1\n",
    "keras in a string": 'x = "from tensorflow.keras.layers import Dense"\n',
    "keras in a docstring": '"""tf.keras.layers.Dense(lr=1)"""\n',
    "a local module called keras": "from . import keras\nkeras.layers.LeakyReLU(alpha=0.1)\n",
    "a relative import": "from .keras.layers import LeakyReLU\nLeakyReLU(alpha=0.1)\n",
    "another library's tf": "import transforms as tf\ntf.keras.layers.Dense(1)\n",
    "a parameter called tf": "def f(tf):\n    return tf.keras.layers.Dense(1)\n",
    "a parameter called keras": "def f(keras):\n    return keras.layers.LeakyReLU(alpha=0.1)\n",
    "a parameter called K": "def f(K, x):\n    return K.sum(x)  # tensorflow\n",
    "a loop variable": "import tensorflow\nfor K in range(3):\n    K.sum(1)\n",
    "a comprehension variable": "import tensorflow\ny = [K.sum(1) for K in range(3)]\n",
    "an except name": "import tensorflow\ntry:\n    pass\nexcept E as K:\n    K.sum(1)\n",
    "a with name": "import tensorflow\nwith f() as K:\n    K.sum(1)\n",
    "a class attribute isn't seen from a method": (
        "class A:\n    from tensorflow_like import K\n\n    def f(self):\n        return K.sum(1)\n"
    ),
    "a parameter called model": "import keras\n\n\ndef f(model):\n    model.save('x.h5')\n    model.fit(1, 2, epochs=3)\n",
    "an unknown object's save": "import keras\nfrom shop import basket\n\nbasket.save('x.h5')\nbasket.compile(1, 2, 3)\n",
    "an unknown object's lr": "import keras\n\n\ndef f(settings):\n    return settings.lr\n",
    "another library's optimizer": (
        "import keras\nfrom torch.optim import Adam\n\noptimizer = Adam()\nprint(optimizer.lr)\noptimizer.minimize(1)\n"
    ),
    "another library's model": "import keras\nimport joblib\n\nmodel = joblib.load('x')\nmodel.predict_proba(1)\n",
    "an agent's own reset_states": "import keras\n\n\ndef f(agent):\n    agent.reset_states()\n",
    "an unknown class's add_weight": (
        "import keras\n\n\nclass Cart:\n    def f(self):\n        self.add_weight('w', (1,))\n        self.reset_states()\n"
    ),
    "another library's Adam": "import keras\nfrom torch.optim import Adam\n\nAdam(lr=0.1)\n",
    "numpy's functions": "import keras\nimport numpy as np\n\nnp.sum(1)\nnp.exp(2)\n",
    "tf functions on what isn't a Keras tensor": (
        "import tensorflow as tf\nimport keras\n\nx = tf.constant([1.0])\ny = tf.reduce_sum(x)\nz = tf.cast(x, tf.int32)\n"
    ),
    "tf functions in a data pipeline": (
        "import tensorflow as tf\nimport keras\n\n\ndef parse(record):\n    return tf.cast(tf.reshape(record, (3,)), tf.float32)\n"
    ),
    "a tensor of how often to repeat": (
        "import keras\nimport tensorflow as tf\n\n\nclass A(keras.layers.Layer):\n    def call(self, x):\n        often = keras.ops.shape(x)\n        return tf.tile(x, often)\n"
    ),
    "ones and zeros of what may be a tensor": (
        "import tensorflow as tf\nimport keras\n\nd = tf.data.Dataset.from_tensor_slices([1])\nfor x in d:\n    y = keras.utils.to_categorical(x, 3)\n\n\n"
        "def f(z):\n    return keras.utils.to_categorical(z)\n\n\nw = keras.utils.to_categorical(tf.constant([1]))\n"
    ),
    "ones and zeros that have their type": (
        "import tensorflow as tf\nimport keras\n\nd = tf.data.Dataset.from_tensor_slices(keras.utils.to_categorical([1]).astype('int8'))\n"
    ),
    "a mask that Keras 3 hands over as it is": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def call(self, x, training=None, mask=None):\n        return x if mask is None else mask\n\n"
        "    def join(self, x, y, mask=None):\n        return mask\n\n\nclass B(keras.layers.Layer):\n"
        "    def call(self, x, y, mask=None, x_mask=None):\n        return x_mask if mask is None else mask\n"
    ),
    "a base's own __init__ by its name": (
        "import keras\n\n\nclass A(keras.Model):\n    pass\n\n\nclass B(A):\n    def __init__(self):\n        A.__init__(self)\n"
    ),
    "keras 3 already": (
        "import keras\nfrom keras import ops\n\nx = ops.sum(keras.Input((3,)))\nl = keras.layers.ConvLSTM2D(1, 2)\n"
        "o = keras.optimizers.Lion()\nr = keras.regularizers.l1_l2(l1=0.1)\n"
    ),
    "a pair that serves both": (
        "try:\n    from keras.layers import Dense\nexcept ImportError:\n    from tensorflow.keras.layers import Dense\n"
    ),
    "a pair in another order of exceptions": (
        "try:\n    import keras\nexcept (ImportError, ModuleNotFoundError):\n    from tensorflow import keras\n"
    ),
    "epochs": "import keras\n\nmodel = keras.Sequential()\nmodel.fit(1, 2, epochs=3)\n",
    "a layer's own output_shape": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def __init__(self):\n        self.output_shape = 3\n\n"
        "    def call(self, x):\n        return x * self.output_shape\n"
    ),
    "call of a function called call": "import keras\nimport tensorflow as tf\n\n\ndef call(self, x):\n    return tf.exp(x)\n",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_is_left_alone(name):
    text = UNTOUCHED[name]
    done = migrate_source(text, "a.py", unsafe=True)
    assert done.text == text
    assert not done.error
    assert done.findings == []


PERHAPS = {
    "a parameter called model": (
        "import keras\n\n\ndef f(model):\n    model.save_weights('x.h5')\n    model.predict_classes(1)\n",
        ["KP401", "KP509"],
    ),
    "a parameter called optimizer": ("import keras\n\n\ndef f(optimizer):\n    return optimizer.lr\n", ["KP309"]),
    "an attribute that somebody else sets": (
        "import keras\n\n\nclass Agent:\n    def f(self):\n        self.target_model.reset_states()\n",
        ["KP507"],
    ),
    "a class whose base only says so": (
        "import keras\nfrom .base import BaseOptimizer\n\n\nclass A(BaseOptimizer):\n    def f(self, v):\n"
        "        return self.get_slot(v, 'm')\n",
        ["KP904"],
    ),
    "one of many metrics": (
        "import keras\n\n\ndef f(metrics):\n    metrics[0].reset_states()\n    for metric in metrics:\n"
        "        metric.reset_states()\n",
        ["KP315", "KP315"],
    ),
}


@pytest.mark.parametrize("name", PERHAPS)
def test_what_a_name_only_suggests_is_told_and_left_alone(name):
    text, rules = PERHAPS[name]
    done = migrate_source(text, "a.py", unsafe=True)
    assert done.text == text
    assert [(f.rule, str(f.outcome)) for f in done.findings] == [(rule, "manual") for rule in rules]
    assert all(f.fix.startswith("if this is a Keras ") for f in done.findings)


SHADOWED = """import tensorflow as tf
from tensorflow.keras import backend as K


def outer(x):
    def inner(K):
        return K.sum(x)

    return inner, K.sum(x), [K.sum(x) for x in x], lambda K: K.sum(x)


class Box:
    K = 1

    def f(self, x):
        return K.sum(x)
"""


def test_a_shadowed_name_is_left_alone_where_it_is_shadowed_and_nowhere_else():
    done = migrate_source(SHADOWED, "a.py")
    assert done.text.count("K.sum(x)") == 2
    assert done.text.count("keras.ops.sum(x)") == 3
    assert "        return K.sum(x)\n\n    return inner" in done.text


def test_global_and_nonlocal_are_followed():
    text = "import tensorflow.keras as keras\n\n\ndef f():\n    global keras\n    keras = None\n\n\nkeras.layers.LeakyReLU(alpha=1)\n"
    assert "alpha=1" in migrate_source(text, "a.py").text


def test_an_ignore_comment_keeps_a_line_and_is_counted():
    text = "from tensorflow.keras.layers import LeakyReLU\n\na = LeakyReLU(alpha=1)  # kparity: ignore[KP203]\nb = LeakyReLU(alpha=1)\n"
    done = migrate_source(text, "a.py")
    assert "a = LeakyReLU(alpha=1)  #" in done.text
    assert "b = LeakyReLU(negative_slope=1)" in done.text
    assert [str(f.outcome) for f in done.findings if f.rule == "KP203"] == ["suppressed", "fixed"]


def test_an_ignore_comment_without_rules_keeps_everything_on_its_line():
    text = "import tensorflow as tf\n\na = tf.keras.layers.LeakyReLU(alpha=1)  # kparity: ignore\n"
    assert migrate_source(text, "a.py").text == text


def test_an_ignore_comment_for_another_rule_keeps_nothing():
    text = "from keras.layers import LeakyReLU\n\na = LeakyReLU(alpha=1)  # kparity: ignore[KP302]\n"
    assert "negative_slope" in migrate_source(text, "a.py").text


@pytest.mark.parametrize(
    ("options", "changed", "kept"),
    [
        ({"select": ["KP203"]}, "negative_slope=1", "tf.keras"),
        ({"select": ["KP1"]}, "= keras.layers", "alpha=1"),
        ({"ignore": ["KP2"]}, "= keras.layers", "alpha=1"),
        ({"ignore": ["leaky-relu-alpha"]}, "= keras.layers", "alpha=1"),
        ({"select": ["KP1", "KP2"], "ignore": ["KP1"]}, "negative_slope=1", "tf.keras"),
    ],
)
def test_rules_are_selected_and_ignored_by_id_family_and_name(options, changed, kept):
    done = migrate_source("import tensorflow as tf\n\na = tf.keras.layers.LeakyReLU(alpha=1)\n", "a.py", **options)
    assert changed in done.text
    assert kept in done.text


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="KP999"):
        migrate_source("import keras\n", "a.py", select=["KP999"])
