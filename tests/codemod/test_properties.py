# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""What holds for every module: it still parses, a second run changes nothing, and no other byte moves."""

import ast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kparity.codemod.migrate import migrate_source

IMPORTS = [
    "import tensorflow as tf",
    "from tensorflow import keras",
    "from tensorflow.keras import layers as L, backend as K",
    "import tensorflow.keras.backend as K",
    "from keras.optimizers import SGD",
    "from tensorflow.keras.layers import *",
    "try:\n    import tensorflow as tf\nexcept ImportError:\n    tf = None",
    "import numpy as np  # numbers",
]
STATEMENTS = [
    "x = tf.keras.layers.LeakyReLU(alpha=0.1)",
    "y = K.sum(K.exp(x), axis=-1) + K.concatenate([x, x])",
    "opt = tf.keras.optimizers.legacy.SGD(\n    lr=0.1,  # fast\n    decay=1e-4,\n)",
    "model = keras.Sequential([L.LSTM(2, batch_input_shape=(1, 2, 3))])",
    "model.compile('sgd', 'mse', ['mae'])",
    "model.save('weights.h5'); model.save_weights('w.h5')",
    "e = L.Embedding(3, 4, input_length=5)",
    "i = keras.Input(shape=(4)); z = tf.reduce_sum(i, 1)",
    "s = 'tf.keras.layers'; t = f'{K.sum(1)} {tf.keras}'",
    "def f(K, tf):\n    return K.sum(tf.keras)",
    "class A(L.Layer):\n\tdef build(self, s):\n\t\tself.w = self.add_weight('w', s)\n\n\tdef call(self, x):\n\t\treturn tf.matmul(x, self.w)",
    "g = lambda K: K.sum(1)",
    "ä = 'ö'; q = K.mean('ü', 1)",
    "\x0c",
    "print(tf, K, keras)",
    "loss = keras.losses.mse(1, 2), keras.losses.Reduction.NONE",
    "for K in []:\n    pass",
]
OTHER = [
    "v{0}  =  [ 1,2 ]\t# x  ",
    "v{0} = 'ä' ;w = \"keras\"",
    "if v{0} :  pass",
    "# tf.keras {0}",
    "v{0} = (1,\n  2 )",
    "v{0} = 0X1F",
    "def v{0}( a,b = 1 ) : return a",
]
ENDS = ["\n", "\r\n", "\n\n", "  # comment\n"]


@st.composite
def modules(draw):
    """A module of imports and statements, in some line ends, perhaps with a byte order mark."""
    parts = draw(st.lists(st.sampled_from(IMPORTS), min_size=1, max_size=4, unique=True))
    parts += draw(st.lists(st.sampled_from(STATEMENTS), max_size=7))
    text = "".join(part + draw(st.sampled_from(ENDS[:1] if "\n" in part or ";" in part else ENDS)) for part in parts)
    if draw(st.booleans()):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return ("\ufeff" if draw(st.booleans()) else "") + text


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(modules(), st.booleans())
def test_migrated_code_parses_and_a_second_run_changes_nothing(text, unsafe):
    ast.parse(text.lstrip("\ufeff"))
    done = migrate_source(text, "a.py", unsafe=unsafe)
    assert not done.error
    ast.parse(done.text.lstrip("\ufeff"))
    again = migrate_source(done.text, "a.py", unsafe=unsafe)
    assert again.text == done.text
    assert done.text.startswith("\ufeff") == text.startswith("\ufeff")


@st.composite
def mixed(draw):
    """A module with lines of another kind between those that change, and these lines."""
    parts = draw(st.lists(st.sampled_from(IMPORTS), min_size=1, max_size=3, unique=True))
    parts += draw(st.lists(st.sampled_from(STATEMENTS), max_size=5))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text, kept = "", []
    for number, part in enumerate(parts):
        line = draw(st.sampled_from(OTHER)).format(number) + end
        kept.append(line)
        text += line + part.replace("\n", end) + end
    return text, kept


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mixed(), st.booleans())
def test_lines_about_other_things_are_kept_byte_for_byte_and_in_order(module, unsafe):
    text, kept = module
    new = migrate_source(text, "a.py", unsafe=unsafe).text
    at = 0
    for line in kept:
        at = new.find(line, at)
        assert at >= 0, line
        at += len(line)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_taken_without_an_exception(text):
    done = migrate_source("import tensorflow.keras\n" + text, "a.py")
    assert done.error or done.text
