"""The independent look at migrated code: what it must see, and what it must not."""

import pytest
from leftovers import Program
from measure import _mapped, _outside

from kparity.findings import Finding, Outcome, Place

NEW = {
    "names": {
        "keras": "module",
        "keras.layers": "module",
        "keras.backend": "module",
        "keras.layers.Dense": "class",
        "keras.backend.epsilon": "function",
    },
    "signatures": {"keras.layers.Dense": {"names": ["units", "activation"], "positional": 2, "any": False}},
}
OLD = {
    "names": {**NEW["names"], "keras.backend.sum": "function", "keras.layers.Merge": "class"},
    "signatures": {"keras.layers.Dense": {"names": ["units", "activation"], "positional": 2, "any": False}},
}
SURFACE = {"keras": NEW, "tf_keras": OLD, "tf.keras": NEW}

SEEN = {
    "a name by an alias": ("import keras\nK = keras.backend\ny = K.sum(1)\n", ["keras.backend.sum"]),
    "a name that is imported": ("from keras.layers import Merge\n", ["keras.layers.Merge"]),
    "a name by a star": ("from keras.layers import *\nx = Merge()\n", ["keras.layers.Merge"]),
    "a name by importlib": (
        "import importlib\nl = importlib.import_module('keras.layers')\nl.Merge()\n",
        ["keras.layers.Merge"],
    ),
    "a name by getattr": ("import keras\nx = getattr(keras.layers, 'Merge').a\n", ["keras.layers.Merge.a"]),
    "inside TensorFlow": ("from tensorflow.python.keras import backend\n", ["tensorflow.python.keras.backend"]),
    "an argument": ("from keras.layers import Dense\nDense(1, init='ones')\n", ["keras.layers.Dense.init"]),
    "a method": ("import keras\nmodel.fit_generator(1)\n", ["fit_generator"]),
    "an argument of a method": ("import keras\nmodel.fit(1, nb_epoch=2)\n", ["fit.nb_epoch"]),
}
FINE = {
    "what Keras 3 has": "import keras\nkeras.layers.Dense(1, activation=None)\nkeras.backend.epsilon()\n",
    "a method of one's own": "import keras\n\n\ndef fit_generator():\n    pass\n\n\nx.fit_generator()\n",
    "a name that the program replaces": "from keras import backend as K\nK.sum = f\nK.sum(1)\n",
    "another library": "import numpy\nnumpy.sum(1, keepdims=2)\n",
}


@pytest.mark.parametrize("name", SEEN)
def test_what_is_of_keras_2_is_seen(name):
    text, expected = SEEN[name]
    assert [one.name for one in Program({"a.py": text}, SURFACE).left()] == expected


@pytest.mark.parametrize("name", FINE)
def test_what_is_fine_is_not(name):
    assert Program({"a.py": FINE[name]}, SURFACE).left() == []


def test_names_are_followed_from_file_to_file():
    files = {
        "p/__init__.py": "",
        "p/one.py": "from keras import backend as K\n",
        "p/two.py": "from .one import K\nK.sum(1)\n",
    }
    assert [(one.path, one.name) for one in Program(files, SURFACE).left()] == [("p/two.py", "keras.backend.sum")]


def test_a_changed_line_that_no_finding_speaks_of_is_outside():
    before, after = "import keras\nx = f(1)\ny = g(\n    2\n)\n", "import keras\nx = f(3)\ny = g(\n    4\n)\n"
    finding = Finding("KP999", Place("a.py", 3), "api", Outcome.FIXED, "")
    assert _outside(before, after, [finding]) == ["2: x = f(1)"]


def test_lines_are_followed_through_what_was_inserted():
    assert _mapped("a\nb\nc\n", "a\nx\nb\nC\n")[2] == range(3, 4)
