# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""What is imported from other files of the project: known where it is Keras there, kept where others import it."""

import pytest

from kparity.codemod.files import Options, migrate_files

BACKEND = """import os

if os.environ.get("TF_KERAS"):
    from tensorflow.python import keras
else:
    import keras

layers = keras.layers
"""
MADE = """from tensorflow import keras


def make_model(width):
    model = keras.Sequential([keras.layers.Dense(width)])
    return model


class Base(keras.layers.Layer):
    pass


class Wrapper(keras.Model):
    def fit(self, data, workers=1):
        return super().fit(data)
"""
CASES = {
    "a model that a neighbour's function makes": (
        {
            "pkg/__init__.py": "from .nets import make_model\n",
            "pkg/nets.py": MADE,
            "pkg/a.py": "import keras\nimport pkg\nfrom . import nets\n\npkg.make_model(1).evaluate(1, workers=2)\nmodel = nets.make_model(3)\nmodel.predict(1, workers=2)\nprint(keras)\n",
        },
        {
            "pkg/nets.py": MADE.replace("from tensorflow import keras", "import keras"),
            "pkg/a.py": "import keras\nimport pkg\nfrom . import nets\n\npkg.make_model(1).evaluate(1)\nmodel = nets.make_model(3)\nmodel.predict(1)\nprint(keras)\n",
        },
    ),
    "a class that inherits from a neighbour's layer": (
        {
            "nets.py": MADE,
            "a.py": "import tensorflow as tf\nfrom nets import *\n\n\nclass Sum(Base):\n    def call(self, x):\n        return tf.reduce_sum(x)\n",
        },
        {
            "nets.py": MADE.replace("from tensorflow import keras", "import keras"),
            "a.py": "import keras\nfrom nets import *\n\n\nclass Sum(Base):\n    def call(self, x):\n        return keras.ops.sum(x)\n",
        },
    ),
    "a model whose own method it is": (
        {"nets.py": MADE, "a.py": "from nets import Wrapper\n\nmodel = Wrapper()\nmodel.fit(1, workers=2)\n"},
        {"nets.py": MADE.replace("from tensorflow import keras", "import keras")},
    ),
    "a module of Keras that a neighbour imports": (
        {
            "pkg/__init__.py": "",
            "pkg/backend.py": BACKEND,
            "pkg/a.py": "from .backend import keras\n\nlayer = keras.layers.LeakyReLU(alpha=0.1)\n",
        },
        {"pkg/a.py": "from .backend import keras\n\nlayer = keras.layers.LeakyReLU(negative_slope=0.1)\n"},
    ),
    "by its absolute name, from a folder below": (
        {
            "pkg/__init__.py": "",
            "pkg/backend.py": BACKEND,
            "pkg/sub/__init__.py": "",
            "pkg/sub/a.py": "from pkg.backend import layers\n\nlayer = layers.LeakyReLU(alpha=0.1)\n",
        },
        {"pkg/sub/a.py": "from pkg.backend import layers\n\nlayer = layers.LeakyReLU(negative_slope=0.1)\n"},
    ),
    "handed on by two files, and by a star": (
        {
            "pkg/__init__.py": "from .one import K\n",
            "pkg/one.py": "from tensorflow.keras import backend as K\n",
            "pkg/two.py": "from .one import *\n",
            "pkg/a.py": "from . import K\n\n\ndef f(x):\n    return K.exp(x)\n",
            "pkg/b.py": "from .two import *\n\n\ndef f(x):\n    return K.exp(x)\n",
        },
        {
            "pkg/__init__.py": "from .one import K\n",
            "pkg/one.py": "from keras import backend as K\n",
            "pkg/a.py": "import keras\n\n\ndef f(x):\n    return keras.ops.exp(x)\n",
            "pkg/b.py": "import keras\nfrom .two import *\n\n\ndef f(x):\n    return keras.ops.exp(x)\n",
        },
    ),
    "an import that a neighbour needs stays": (
        {
            "losses.py": "from keras import backend as K\n\n\ndef f(x):\n    return K.exp(x)\n",
            "train.py": "from losses import (f,  # ours\n    K)\n\nprint(K.epsilon(), f)\n",
        },
        {"losses.py": "import keras\nfrom keras import backend as K\n\n\ndef f(x):\n    return keras.ops.exp(x)\n"},
    ),
    "an import that no neighbour needs goes": (
        {
            "losses.py": "from keras import backend as K\n\n\ndef f(x):\n    return K.exp(x)\n",
            "train.py": "from losses import f\n\nprint(f)\n",
        },
        {"losses.py": "import keras\n\n\ndef f(x):\n    return keras.ops.exp(x)\n"},
    ),
    "a name that a neighbour may mean otherwise": (
        {
            "pkg/__init__.py": "",
            "pkg/backend.py": "try:\n    from mine import keras\nexcept ImportError:\n    import keras\n",
            "pkg/a.py": "from .backend import keras\n\nlayer = keras.layers.LeakyReLU(alpha=0.1)\n",
        },
        {"pkg/a.py": "from .backend import keras\n\nlayer = keras.layers.LeakyReLU(alpha=0.1)\n"},
    ),
    "a function of Keras that a neighbour replaces": (
        {
            "pkg/__init__.py": "",
            "pkg/backend.py": "from tensorflow.keras import backend as K\n\nK.reshape = lambda x, *shape: x\n",
            "pkg/a.py": "from .backend import K\n\n\ndef f(x):\n    return K.reshape(K.exp(x), 1, 2, 3)\n",
        },
        {
            "pkg/backend.py": "from keras import backend as K\n\nK.reshape = lambda x, *shape: x\n",
            "pkg/a.py": "import keras\nfrom .backend import K\n\n\ndef f(x):\n"
            "    return K.reshape(keras.ops.exp(x), 1, 2, 3)\n",
        },
    ),
    "a circle of imports": (
        {
            "pkg/__init__.py": "",
            "pkg/a.py": "from .b import K\n\nx = K.exp(1.0)\n",
            "pkg/b.py": "from .a import K\n\nx = K.exp(1.0)\n",
        },
        {"pkg/a.py": "from .b import K\n\nx = K.exp(1.0)\n", "pkg/b.py": "from .a import K\n\nx = K.exp(1.0)\n"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_neighbours(tmp_path, name):
    files, expected = CASES[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    assert not any(r.error for r in migrate_files([tmp_path], Options(), jobs=1))
    assert {path: (tmp_path / path).read_text("utf-8") for path in expected} == expected
    assert not any(r.changed for r in migrate_files([tmp_path], Options(), jobs=1))


TWOFOLD = {
    "tf.py": "import tensorflow as tf\n\nif old:\n    tf = tf.compat.v1\nK = tf.keras.backend\n",
    "a.py": "from tf import tf\n\ny = tf.keras.backend.sum(1)\n",
    "b.py": "from tf import *\n\ny = K.sum(1)\n",
    "c.py": "from tf import tf\n\ny = tf.constant(1)\n",
}


def test_a_name_that_is_two_things_in_another_file_is_told(tmp_path):
    for path, text in TWOFOLD.items():
        (tmp_path / path).write_text(text)
    results = {r.path.rpartition("/")[2]: r for r in migrate_files([tmp_path], Options(), jobs=1)}
    told = {name: [(f.rule, f.place.line) for f in result.findings] for name, result in results.items()}
    assert told["a.py"] == [("KP121", 1)]
    assert told["b.py"] == [("KP121", 1)]
    assert told["c.py"] == []
