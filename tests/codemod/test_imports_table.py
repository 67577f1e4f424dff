# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""Import statements and the names they bring: every flavour, one table."""

import pytest

from kparity.codemod.migrate import migrate_source

CASES = {
    "plain": ("import tensorflow.keras as K\nK.Model()\n", "import keras as K\nK.Model()\n"),
    "from tensorflow": ("from tensorflow import keras\nkeras.Model()\n", "import keras\nkeras.Model()\n"),
    "with an alias": ("from tensorflow import keras as tfk\ntfk.Model()\n", "import keras as tfk\ntfk.Model()\n"),
    "several from one module": (
        "from tensorflow.keras.layers import Dense, LSTM as L\nDense(L)\n",
        "from keras.layers import Dense, LSTM as L\nDense(L)\n",
    ),
    "in parentheses with comments": (
        "from tensorflow.keras.layers import (  # layers\n    Dense,  # one\n    LSTM,\n)\n",
        "from keras.layers import (  # layers\n    Dense,  # one\n    LSTM,\n)\n",
    ),
    "keras among others": (
        "from tensorflow import keras, nn\nnn.relu(keras)\n",
        "import keras\nfrom tensorflow import nn\nnn.relu(keras)\n",
    ),
    "a star": (
        "from tensorflow.keras.layers import *\nx = LeakyReLU(alpha=1)\n",
        "from keras.layers import *\nx = LeakyReLU(negative_slope=1)\n",
    ),
    "tf stays where it is used": (
        "import tensorflow as tf\n\nx = tf.keras.layers.Dense(1)(tf.zeros((1, 2)))\n",
        "import keras\nimport tensorflow as tf\n\nx = keras.layers.Dense(1)(tf.zeros((1, 2)))\n",
    ),
    "tf goes where nothing uses it any more": (
        "import os\nimport tensorflow as tf\n\nx = tf.keras.layers.Dense(1)\n",
        "import os\nimport keras\n\nx = keras.layers.Dense(1)\n",
    ),
    "a name that nothing uses any more, with a comment behind it": (
        "import tensorflow.keras.backend as K  # ours\ny = K.sum(x)\n",
        "import keras\nimport keras.backend as K  # ours\ny = keras.ops.sum(x)\n",
    ),
    "tf that nothing used before stays": (
        "import tensorflow as tf\nfrom tensorflow import keras\n\nx = keras.Model()\n",
        "import tensorflow as tf\nimport keras\n\nx = keras.Model()\n",
    ),
    "tf in __all__ stays": (
        '__all__ = ["tf"]\nimport tensorflow as tf\n\nx = tf.keras.Model()\n',
        '__all__ = ["tf"]\nimport keras\nimport tensorflow as tf\n\nx = keras.Model()\n',
    ),
    "tf in a string annotation stays": (
        'import tensorflow as tf\n\nx: "tf.Tensor" = tf.keras.Model()\n',
        'import keras\nimport tensorflow as tf\n\nx: "tf.Tensor" = keras.Model()\n',
    ),
    "a lazy import stays lazy": (
        "def f():\n    import tensorflow as tf\n\n    return tf.keras.Model(), tf.zeros(1)\n",
        "def f():\n    import keras\n    import tensorflow as tf\n\n    return keras.Model(), tf.zeros(1)\n",
    ),
    "an import inside try": (
        "try:\n    import tensorflow as tf\nexcept ImportError:\n    tf = None\n\n\ndef f():\n    return tf.keras.Model(), tf\n",
        "try:\n    import keras\n    import tensorflow as tf\nexcept ImportError:\n    tf = None\n\n\ndef f():\n    return keras.Model(), tf\n",
    ),
    "semicolons": (
        "import os; import tensorflow as tf\nx = tf.keras.Model(), tf\n",
        "import os; import keras; import tensorflow as tf\nx = keras.Model(), tf\n",
    ),
    "an alias by assignment": (
        "import tensorflow as tf\n\nkeras = tf.keras\nlayers = tf.keras.layers\nx = layers.LeakyReLU(alpha=1), keras.Model, tf\n",
        "import tensorflow as tf\n\nimport keras\nlayers = keras.layers\nx = layers.LeakyReLU(negative_slope=1), keras.Model, tf\n",
    ),
    "import tensorflow.keras alone": (
        "import tensorflow.keras\n\nx = tensorflow.keras.Model()\n",
        "import keras\n\nx = keras.Model()\n",
    ),
    "a future import stays first": (
        '"""Doc."""\nfrom __future__ import annotations\n\nimport tensorflow as tf\n\nx = tf.keras.Model(), tf\n',
        '"""Doc."""\nfrom __future__ import annotations\n\nimport keras\nimport tensorflow as tf\n\nx = keras.Model(), tf\n',
    ),
    "backend stays for what only tf.keras has": (
        "from tensorflow.keras import backend as K\n\ny = K.sum(1), K.ctc_label_dense_to_sparse(1, 2)\n",
        "import keras\nfrom tensorflow.keras import backend as K\n\ny = keras.ops.sum(1), K.ctc_label_dense_to_sparse(1, 2)\n",
    ),
    "ops that is there already is used": (
        "from keras import ops\nfrom tensorflow.keras import backend as K\n\ny = K.sum(1), ops.sum(2)\n",
        "from keras import ops\n\ny = ops.sum(1), ops.sum(2)\n",
    ),
    "the last import of a block": (
        "def f(x):\n    from tensorflow.keras import backend as K\n    return K.sum(x)\n",
        "def f(x):\n    import keras\n    return keras.ops.sum(x)\n",
    ),
    "private paths": (
        "from tensorflow.python.keras.layers.recurrent import LSTM\nfrom keras.engine.topology import Layer\n",
        "from keras.layers import LSTM\nfrom keras import Layer\n",
    ),
    "tabs": (
        "if 1:\n\timport tensorflow as tf\n\tx = tf.keras.Model(), tf\n",
        "if 1:\n\timport keras\n\timport tensorflow as tf\n\tx = keras.Model(), tf\n",
    ),
    "a backslash": (
        "from tensorflow.keras.layers import Dense, \\\n    LSTM\n",
        "from keras.layers import Dense, \\\n    LSTM\n",
    ),
    "a chain over lines": (
        "import tensorflow as tf\n\nx = (tf\n     .keras\n     .layers.Dense(1)), tf\n",
        "import keras\nimport tensorflow as tf\n\nx = (keras\n     .layers.Dense(1)), tf\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_imports(name):
    before, after = CASES[name]
    done = migrate_source(before, "a.py")
    assert done.text == after
    assert not done.error
    assert migrate_source(done.text, "a.py").text == after


def test_a_package_keeps_the_names_that_others_may_import_from_it():
    text = "from tensorflow.keras import backend as K\n\ny = K.sum(1)\n"
    assert "import backend as K" in migrate_source(text, "pkg/__init__.py").text
    assert "import backend as K" not in migrate_source(text, "pkg/other.py").text


def test_where_keras_is_another_thing_a_person_is_told():
    text = "from tensorflow.keras import backend as K\n\n\ndef f(keras):\n    return K.sum(keras)\n"
    done = migrate_source(text, "a.py")
    assert done.text == text
    assert [(f.rule, str(f.outcome)) for f in done.findings if "another thing" in f.fix] == [("KP602", "manual")]


def test_code_inside_an_f_string_is_edited_where_the_string_can_hold_it_and_told_where_not():
    text = "import tensorflow as tf\n\nprint(f'{tf.keras.__version__}', f\"{tf.keras.losses.Reduction.NONE}\")\n"
    done = migrate_source(text, "a.py")
    assert "f'{keras.__version__}', f\"{tf.keras.losses.Reduction.NONE}\"" in done.text
    assert [(f.rule, str(f.outcome)) for f in done.findings] == [("KP101", "fixed"), ("KP311", "manual")]


def test_findings_point_into_the_text_as_it_was():
    text = (
        "import tensorflow as tf\nfrom tensorflow.keras import backend as K\n\n\nx = 'ä', K.sum(K.exp(1))\n"
        "opt = tf.keras.optimizers.legacy.SGD(lr=0.1, decay=1e-4)\n"
    )
    places = {(f.rule, f.place.line, f.place.column) for f in migrate_source(text, "a.py").findings}
    assert {("KP602", 5, 10), ("KP601", 5, 16), ("KP301", 6, 7), ("KP302", 6, 7), ("KP303", 6, 7)} <= places
