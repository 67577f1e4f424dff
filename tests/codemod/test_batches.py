"""Several inputs in a list, models built by their class, lengths of a first Embedding: what Keras 3 wants otherwise."""

import pytest

from kparity.codemod.migrate import migrate_source

START = "import keras\n\nm = keras.Model(i, o)\n\n\n"
CLASS = "class Net(keras.Model):\n    def call(self, x, training=False):\n        return x\n\n\nn = Net()\n"
EDITED = {
    "a generator": (
        "def g():\n    yield [a, b], y\n\n\nm.fit(g())\n",
        "def g():\n    yield (a, b), y\n\n\nm.fit(g())\n",
    ),
    "one that has a name": (
        "def g():\n    yield [a, b], [c, d]\n\n\nz = g()\nm.fit(z, validation_data=z)\n",
        "def g():\n    yield (a, b), (c, d)\n\n\nz = g()\nm.fit(z, validation_data=z)\n",
    ),
    "a list that has a name": (
        "def g():\n    x = [a, b]\n    yield x, y, w\n\n\nm.fit(g())\n",
        "def g():\n    x = [a, b]\n    yield tuple(x), y, w\n\n\nm.fit(g())\n",
    ),
    "a list of one": ("def g():\n    yield [a], y\n\n\nm.fit(g())\n", "def g():\n    yield (a,), y\n\n\nm.fit(g())\n"),
    "a sequence": (
        "class S(keras.utils.PyDataset):\n    def __getitem__(self, i):\n        return [a, b], y\n",
        "class S(keras.utils.PyDataset):\n    def __getitem__(self, i):\n        return (a, b), y\n",
    ),
    "a model of one's own": (
        CLASS + "n.build((None, 3))\n",
        CLASS + "n(keras.Input(batch_shape=(None, 3)))\n",
    ),
    "a shape that has a name": (
        CLASS + "s = (None,) + t\nn.build(input_shape=s)\n",
        CLASS + "s = (None,) + t\nn(keras.Input(batch_shape=s))\n",
    ),
    "a first Embedding in a list": (
        "s = keras.Sequential([keras.layers.Embedding(4, 2, input_length=n), keras.layers.Flatten()])\n",
        "s = keras.Sequential([keras.Input(shape=(n,)), keras.layers.Embedding(4, 2), keras.layers.Flatten()])\n",
    ),
    "a first Embedding that is added": (
        "s = keras.Sequential()\ns.add(keras.layers.Embedding(4, 2, input_length=n))\n",
        "s = keras.Sequential()\ns.add(keras.Input(shape=(n,)))\ns.add(keras.layers.Embedding(4, 2))\n",
    ),
    "another Embedding": (
        "s = keras.Sequential()\ns.add(keras.Input((3,)))\ns.add(keras.layers.Embedding(4, 2, input_length=n))\n",
        "s = keras.Sequential()\ns.add(keras.Input((3,)))\ns.add(keras.layers.Embedding(4, 2))\n",
    ),
}
LEFT = {
    "a generator that nobody trains with": "def g():\n    yield [a, b], y\n\n\nplot(g())\n",
    "a generator of arrays": "def g():\n    yield a, y\n\n\nm.fit(g())\n",
    "a list of numbers": "def g():\n    yield [1, 2], y\n\n\nm.fit(g())\n",
    "a generator inside": "def g():\n    def h():\n        yield [a, b], y\n\n    yield from h()\n\n\nm.fit(g())\n",
    "a list that grows": "def g():\n    x = []\n    yield x, y\n\n\nm.fit(g())\n",
    "a class that builds itself": CLASS.replace("    def call", "    def build(self, s):\n        pass\n\n    def call")
    + "n.build((None, 3))\n",
    "a class of several inputs": CLASS.replace("x, training", "x, z, training") + "n.build((None, 3))\n",
    "shapes of several inputs": CLASS + "n.build([(None, 3), (None, 4)])\n",
    "a Sequential": "s = keras.Sequential()\ns.build((None, 3))\n",
}


@pytest.mark.parametrize("case", EDITED)
def test_it_is_said_as_keras_3_wants_it(case):
    before, after = EDITED[case]
    assert migrate_source(START + before, "a.py").text == START + after


@pytest.mark.parametrize("case", LEFT)
def test_where_it_may_mean_another_thing_it_stays(case):
    assert migrate_source(START + LEFT[case], "a.py").text == START + LEFT[case]
