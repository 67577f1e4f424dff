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
CASES = {
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
