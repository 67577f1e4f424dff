# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""Edits that one example a rule can't show: formatting, comments, nesting, files' names, values that aren't certain."""

import pytest

from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome

CASES = {
    "a method that hands its arguments on": (
        "import keras\n\n\nclass M(keras.Model):\n    def fit(self, *args, **kwargs):\n        return super().fit(*args, **kwargs)\n\n\nm = M()\nm.fit(3, workers=3)\n",
        "import keras\n\n\nclass M(keras.Model):\n    def fit(self, *args, **kwargs):\n        return super().fit(*args, **kwargs)\n\n\nm = M()\nm.fit(3)\n",
    ),
    "another model's method of that name": (
        "import keras\n\n\nclass M(keras.Model):\n    def fit(self, data, workers=3):\n        return super().fit(data, workers=workers)\n\n\nm = keras.Sequential()\nm.fit(3, workers=3)\n",
        "import keras\n\n\nclass M(keras.Model):\n    def fit(self, data, workers=3):\n        return super().fit(data)\n\n\nm = keras.Sequential()\nm.fit(3)\n",
    ),
    "one class by two imports": (
        "import tensorflow as tf\n\ntry:\n    from tensorflow.python.keras.layers import Dense\nexcept ImportError:\n    Dense = tf.keras.layers.Dense\nd = Dense(1)\n",
        "import keras\n\ntry:\n    from keras.layers import Dense\nexcept ImportError:\n    Dense = keras.layers.Dense\nd = Dense(1)\n",
    ),
    "what is called a shape": (
        "import keras\n\n\ndef f(input_shape, it):\n    return input_shape[0].as_list(), it.shape.as_list(), it.as_list()\n",
        "import keras\n\n\ndef f(input_shape, it):\n    return list(input_shape[0]), list(it.shape), it.as_list()\n",
    ),
    "a weight over lines": (
        "import keras\nimport tensorflow as tf\n\n\nclass A(keras.layers.Layer):\n    def build(self, s):\n        self.w = tf.Variable(\n            tf.zeros_initializer()(shape=s),\n            dtype=tf.float32,\n            trainable=False,\n        )\n        self.v = tf.Variable(tf.zeros(s))\n",
        "import keras\nimport tensorflow as tf\n\n\nclass A(keras.layers.Layer):\n    def build(self, s):\n        self.w = self.add_weight(\n            shape=s,\n            dtype=tf.float32,\n            initializer=tf.zeros_initializer(),\n            trainable=False,\n        )\n        self.v = tf.Variable(keras.ops.zeros(s))\n",
    ),
    "the reductions of a private module": (
        "from tensorflow.python.keras.utils import losses_utils\n\nr = losses_utils.ReductionV2.NONE, losses_utils.ReductionV2.AUTO\n",
        'r = "none", "sum_over_batch_size"\n',
    ),
    "a rate that is a number each time": (
        "import tensorflow_addons as tfa\n\nRATE = 1e-3 * 2\nrate = 0.1\n\n\ndef f(decay, rate):\n    return tfa.optimizers.AdamW(decay, rate)\n\n\no = [f(0.1, RATE), f(decay=0.2, rate=rate)]\nrate = 0.2\n",
        "import keras\n\nRATE = 1e-3 * 2\nrate = 0.1\n\n\ndef f(decay, rate):\n    return keras.optimizers.AdamW(learning_rate=rate, weight_decay=decay / rate)\n\n\no = [f(0.1, RATE), f(decay=0.2, rate=rate)]\nrate = 0.2\n",
    ),
    "a mask behind keywords, types and a docstring": (
        'from keras import layers\n\n\nclass A(layers.Layer):\n    def call(self, q, k=None, *, mask: bool = None, **more):\n        """Of q."""\n        return q if mask is None else mask\n',
        'from keras import layers\n\n\nclass A(layers.Layer):\n    def call(self, q, k=None, *, mask: bool = None, q_mask: bool = None, **more):\n        """Of q."""\n        mask = q_mask if mask is None else mask\n        return q if mask is None else mask\n',
    ),
    "comments of other arguments stay": (
        "from keras.layers import Embedding\n\ne = Embedding(\n    4,  # words\n    2,\n    input_length=3,\n    name='e',  # name\n)\n",
        "from keras.layers import Embedding\n\ne = Embedding(\n    4,  # words\n    2,\n    name='e',  # name\n)\n",
    ),
    "the last of several lines": (
        "from keras.layers import Embedding\n\ne = Embedding(4,\n              2,\n              input_length=3)\n",
        "from keras.layers import Embedding\n\ne = Embedding(4,\n              2)\n",
    ),
    "an argument added over lines": (
        "from tensorflow.keras.regularizers import l1_l2\n\nr = l1_l2(\n    l1=0.1,\n)\n",
        "from keras.regularizers import l1_l2\n\nr = l1_l2(\n    l1=0.1,\n    l2=0.01,\n)\n",
    ),
    "spaces around the equal sign stay": (
        "from keras.layers import LeakyReLU\n\nx = LeakyReLU( alpha = 0.1 )\n",
        "from keras.layers import LeakyReLU\n\nx = LeakyReLU( negative_slope = 0.1 )\n",
    ),
    "nested": (
        "from tensorflow.keras import backend as K\n\ny = K.concatenate([K.expand_dims(K.argmax(x)) for x in z])\n",
        "import keras\n\ny = keras.ops.concatenate([keras.ops.expand_dims(keras.ops.argmax(x, axis=-1), axis=-1) for x in z], axis=-1)\n",
    ),
    "a function handed on": (
        "from tensorflow.keras import backend as K\n\ny = list(map(K.square, [1, 2]))\n",
        "import keras\n\ny = list(map(keras.ops.square, [1, 2]))\n",
    ),
    "the model of self": (
        "import keras\n\n\nclass T:\n    def __init__(self):\n        self.model = keras.Sequential()\n\n    def go(self):\n        self.model.save_weights('w.h5')\n",
        "import keras\n\n\nclass T:\n    def __init__(self):\n        self.model = keras.Sequential()\n\n    def go(self):\n        self.model.save_weights('w.weights.h5')\n",
    ),
    "the model of a function": (
        "import keras\n\n\ndef build():\n    m = keras.Sequential()\n    return m\n\n\nbuild().save_weights('w.h5')\n",
        "import keras\n\n\ndef build():\n    m = keras.Sequential()\n    return m\n\n\nbuild().save_weights('w.weights.h5')\n",
    ),
    "a file's name in an f-string": (
        "import keras\n\nmodel = keras.Sequential()\nmodel.save_weights(f'{model.name}-w.h5')\n",
        "import keras\n\nmodel = keras.Sequential()\nmodel.save_weights(f'{model.name}-w.weights.h5')\n",
    ),
    "a file's name that is joined": (
        "import os\nimport keras\n\nmodel = keras.Sequential()\nmodel.save_weights(os.path.join('a', 'w.h5'))\n",
        "import os\nimport keras\n\nmodel = keras.Sequential()\nmodel.save_weights(os.path.join('a', 'w.weights.h5'))\n",
    ),
    "a file's name in a constant": (
        "import keras\n\nPATH = 'w.h5'\nmodel = keras.Sequential()\nmodel.save_weights(PATH)\nmodel.load_weights(PATH)\n",
        "import keras\n\nPATH = 'w.weights.h5'\nmodel = keras.Sequential()\nmodel.save_weights(PATH)\nmodel.load_weights(PATH)\n",
    ),
    "a file that is only read keeps its name": (
        "import keras\n\nmodel = keras.models.load_model('old.h5')\nmodel.load_weights('w.h5')\n",
        "import keras\n\nmodel = keras.models.load_model('old.h5')\nmodel.load_weights('w.h5')\n",
    ),
    "decay that is zero": (
        "from tensorflow.keras.optimizers import SGD\n\no = SGD(lr=0.1, decay=0.0)\n",
        "from keras.optimizers import SGD\n\no = SGD(learning_rate=0.1)\n",
    ),
    "decay without a rate": (
        "import keras\n\no = keras.optimizers.SGD(decay=1e-3)\n",
        "import keras\n\no = keras.optimizers.SGD(learning_rate=keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=1e-3))\n",
    ),
    "decay with a positional rate": (
        "import keras\n\no = keras.optimizers.Adam(0.1, decay=d)\n",
        "import keras\n\no = keras.optimizers.Adam(keras.optimizers.schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=d))\n",
    ),
    "tf ops in a layer's call": (
        "import tensorflow as tf\n\n\nclass A(tf.keras.layers.Layer):\n    def call(self, x):\n        y = tf.matmul(x, x)\n        return tf.concat([y, x], axis=-1) + tf.random.normal((1,))\n",
        "import keras\nimport tensorflow as tf\n\n\nclass A(keras.layers.Layer):\n    def call(self, x):\n        y = keras.ops.matmul(x, x)\n        return keras.ops.concatenate([y, x], axis=-1) + tf.random.normal((1,))\n",
    ),
    "tf ops in a Lambda": (
        "import tensorflow as tf\n\nl = tf.keras.layers.Lambda(lambda x: tf.reduce_sum(x, axis=1))\n",
        "import keras\n\nl = keras.layers.Lambda(lambda x: keras.ops.sum(x, axis=1))\n",
    ),
    "a block of a functional model": (
        "import tensorflow as tf\n\n\ndef block(x, n):\n    y = tf.keras.layers.Dense(n)(x)\n    return tf.nn.relu(y + x)\n",
        "import keras\n\n\ndef block(x, n):\n    y = keras.layers.Dense(n)(x)\n    return keras.ops.relu(y + x)\n",
    ),
    "a tensor that goes by one name all the way": (
        "import tensorflow as tf\n\nx = tf.keras.Input((3,))\nx = tf.keras.layers.Dense(3)(x)\nx = tf.nn.relu(x) + 1\nx = tf.concat([x, x], -1)\n",
        "import keras\n\nx = keras.Input((3,))\nx = keras.layers.Dense(3)(x)\nx = keras.ops.relu(x) + 1\nx = keras.ops.concatenate([x, x], -1)\n",
    ),
    "a layer's own class by its base": (
        "from keras.layers import Layer\n\n\nclass A(Layer):\n    pass\n\n\nclass B(A):\n    def build(self, s):\n        self.w = self.add_weight('w', s)\n",
        "from keras.layers import Layer\n\n\nclass A(Layer):\n    pass\n\n\nclass B(A):\n    def build(self, s):\n        self.w = self.add_weight(name='w', shape=s)\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_edit(name):
    before, after = CASES[name]
    done = migrate_source(before, "a.py")
    assert done.text == after
    assert not done.error
    assert migrate_source(after, "a.py").text == after


TOLD = {
    "a rate by **": ("import keras\n\no = keras.optimizers.SGD(decay=1, **settings)\n", "KP302", Outcome.MANUAL),
    "a weight by *": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def build(self, s):\n        self.add_weight('w', *s)\n",
        "KP201",
        Outcome.MANUAL,
    ),
    "an unknown model's fit_generator": (
        "import keras\n\n\ndef f(m):\n    m.fit_generator(1)\n",
        "KP501",
        Outcome.UNSAFE,
    ),
    "a file's name from elsewhere": (
        "import keras\n\n\ndef f(path):\n    keras.Sequential().save_weights(path)\n",
        "KP401",
        Outcome.MANUAL,
    ),
    "a file's name that is filled in": (
        "import keras\n\n\ndef f(path):\n    keras.Sequential().save_weights('out/{}'.format(path))\n",
        "KP401",
        Outcome.MANUAL,
    ),
    "a file's name that something else uses": (
        "import keras\n\nupload('w.h5')\nkeras.Sequential().save_weights('w.h5')\n",
        "KP401",
        Outcome.UNSAFE,
    ),
    "a comment in the argument that goes": (
        "import keras\n\ne = keras.layers.Embedding(\n    1,\n    2,\n    # three words\n    input_length=3,\n)\n",
        "KP204",
        Outcome.MANUAL,
    ),
    "a tf function between layers": (
        "import keras\nimport tensorflow as tf\n\ny = tf.map_fn(lambda image: image + 1, keras.Input((4, 4, 3)))\n",
        "KP6432",
        Outcome.MANUAL,
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_not_certain_is_told_and_left(name):
    text, rule, outcome = TOLD[name]
    done = migrate_source(text, "a.py")
    assert done.text == text
    assert [(f.rule, f.outcome) for f in done.findings] == [(rule, outcome)]
    assert done.findings[0].fix


def test_an_unsafe_edit_is_made_when_asked_for():
    text = "import keras\n\n\ndef f(m):\n    m.fit_generator(g, 3, epochs=2)\n"
    assert "m.fit(g, steps_per_epoch=3, epochs=2)" in migrate_source(text, "a.py", unsafe=True).text


@pytest.mark.parametrize("calls", ["f(0.1)\nmap(f, rates)", "f(rate)\nf(0.1)", "g = f", "f(*given)"])
def test_a_rate_that_may_be_a_schedule_gets_an_adam_with_a_decay_of_its_own(calls):
    code = (
        f"import tensorflow_addons as tfa\n\n\ndef f(rate):\n    return tfa.optimizers.AdamW(0.1, rate)\n\n\n{calls}\n"
    )
    text = migrate_source(code, "a.py").text
    assert text.startswith("import keras\n\n\nclass DecoupledAdam(keras.optimizers.Adam):\n")
    assert text.endswith(f"\n\n\ndef f(rate):\n    return DecoupledAdam(0.1, rate)\n\n\n{calls}\n")


NESTED = "from tensorflow.keras import backend as K\n\nx = K.set_value(v,\n    K.concatenate([K.argmax(y)])\n)\n"


def test_what_is_edited_inside_of_another_edit_has_its_own_place():
    done = migrate_source(NESTED, "a.py")
    assert done.text.endswith("x = v.assign(keras.ops.concatenate([keras.ops.argmax(y, axis=-1)], axis=-1))\n")
    places = {(f.rule, f.place.line, f.place.column) for f in done.findings if f.outcome is Outcome.FIXED}
    assert places == {("KP101", 1, 1), ("KP626", 3, 5), ("KP605", 4, 5), ("KP604", 4, 20)}
