"""Small programs for Keras 2, drawn by hypothesis: import styles, scopes, call shapes, comments; each can be run.

A program fills a list `out`; what stands in it must be the same before and after migrate, on the two Kerases.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

STYLES = {
    # import lines, and how something of Keras is said after them
    "tf": ("import tensorflow as tf", "tf.keras.{}"),
    "tf with a comment": ("import tensorflow as tf  # the library", "tf.keras.{}"),
    "from tensorflow": ("import tensorflow as tf\nfrom tensorflow import keras", "keras.{}"),
    "as": ("import tensorflow as tf\nimport tensorflow.keras as tk", "tk.{}"),
    "dotted": ("import tensorflow as tf\nimport tensorflow.keras", "tensorflow.keras.{}"),
    "try": (
        "import tensorflow as tf\ntry:\n    from tensorflow import keras as k2\nexcept ImportError:\n    k2 = None",
        "k2.{}",
    ),
    "alias": ("import tensorflow as tf\nkk = tf.keras", "kk.{}"),
    "parts": (
        "import tensorflow as tf\n"
        "from tensorflow.keras import (  # parts\n    layers,\n    backend as K,  # maths\n    optimizers, losses,\n"
        "    metrics, regularizers, utils, models,\n    initializers,\n)",
        "{}",
    ),
    "getattr": ("import tensorflow as tf\nfrom tensorflow import keras", "getattr(keras.{0}, '{1}')"),
}
NAMES = {"backend": "K"}

CALLS = [
    # what is called; its arguments; what is done with it, `@` standing for the call
    ("layers.LeakyReLU", ["alpha=0.3"], "@(x)"),
    ("layers.LeakyReLU", ["name='leaky'", "alpha=0.25"], "@(x)"),
    ("layers.ThresholdedReLU", ["theta=0.5"], "@(x)"),
    ("layers.Embedding", ["4", "2", "embeddings_initializer='ones'", "input_length=3"], "@(ids)"),
    ("layers.Embedding", ["input_dim=4", "output_dim=2", "weights=[table]"], "@(ids)"),
    ("layers.Dense", ["2", "kernel_initializer='ones'", "kernel_constraint='maxnorm'"], "@(x)"),
    ("layers.Dense", ["units=2", "dynamic=False", "kernel_initializer='ones'"], "@(x)"),
    ("layers.BatchNormalization", ["fused=False"], "@(x)"),
    ("layers.LSTM", ["2", "kernel_initializer='ones'", "recurrent_initializer='ones'", "time_major=False"], "@(steps)"),
    ("layers.experimental.preprocessing.Rescaling", ["0.5"], "@(x)"),
    ("backend.sum", ["x", "axis=1"], "@"),
    ("backend.mean", ["x"], "@"),
    ("backend.concatenate", ["[x, x]"], "@"),
    ("backend.concatenate", ["[x, x]", "axis=0"], "@"),
    ("backend.expand_dims", ["x"], "@"),
    ("backend.argmax", ["x"], "@"),
    ("backend.clip", ["x", "-0.5", "0.5"], "@"),
    ("backend.int_shape", ["x"], "list(@)"),
    ("backend.ndim", ["x"], "@"),
    ("backend.permute_dimensions", ["x", "(1, 0)"], "@"),
    ("backend.dot", ["x", "tf.transpose(x)"], "@"),
    ("backend.pow", ["x", "2.0"], "@"),
    ("backend.l2_normalize", ["x", "axis=-1"], "@"),
    ("backend.softmax", ["x"], "@"),
    ("backend.cast_to_floatx", ["x"], "@"),
    ("backend.one_hot", ["ids", "4"], "@"),
    ("backend.gather", ["x", "[1, 0]"], "@"),
    ("backend.cumsum", ["x"], "@"),
    ("backend.floatx", [], "len(@)"),
    ("losses.mse", ["x", "x + 1.0"], "@"),
    ("losses.MeanSquaredError", ["reduction='auto'"], "@(x, x + 1.0)"),
    ("losses.kullback_leibler_divergence", ["abs(x)", "abs(x) + 0.5"], "@"),
    ("regularizers.l2", ["l=0.5"], "@(x)"),
    ("regularizers.l1_l2", ["l1=0.5"], "@(x)"),
    ("optimizers.legacy.SGD", ["learning_rate=0.5", "decay=0.25"], "walk(@)"),
    ("optimizers.legacy.SGD", ["lr=0.5", "momentum=0.9"], "walk(@)"),
    ("optimizers.legacy.Adam", ["lr=0.5", "decay=0.1"], "walk(@)"),
    ("optimizers.Adam", ["0.25", "jit_compile=False"], "walk(@)"),
    ("utils.to_categorical", ["[0, 2]", "3", "dtype='float32'"], "@"),
    ("initializers.Constant", ["2.0"], "@((2, 2))"),
]
STATEMENTS = [
    # whole statements; `{x.y}` is something of Keras; they end by filling out
    (
        "model = {models.Sequential}([{layers.Dense}(1, kernel_initializer='ones', input_shape=(3,))])\n"
        "model.compile('sgd', 'mse', ['mae'])\n"
        "out.append(model.evaluate(x, np.ones((2, 1)), verbose=0))"
    ),
    (
        "class Scale({layers.Layer}):\n"
        "    def build(self, shape):\n"
        "        self.w = self.add_weight('w', (shape[-1],), initializer='ones')  # one a column\n\n"
        "    def call(self, inputs):\n"
        "        return tf.reduce_sum(inputs * self.w, axis=-1)\n\n\n"
        "out.append(Scale()(x))"
    ),
    (
        "class Count({metrics.Metric}):\n"
        "    def __init__(self):\n"
        "        super().__init__(name='count')\n"
        "        self.n = self.add_weight('n', initializer='zeros')\n\n"
        "    def update_state(self, y_true, y_pred, sample_weight=None):\n"
        "        self.n.assign_add(1.0)\n\n"
        "    def result(self):\n"
        "        return self.n + 0.0\n\n"
        "    def reset_states(self):\n"
        "        self.n.assign(5.0)\n\n\n"
        "count = Count()\ncount.update_state(x, x)\ncount.reset_state()\nout.append(count.result())"
    ),
    (
        "i = {layers.Input}(shape=(3))\n"
        "h = tf.concat([tf.nn.relu(i), tf.exp(i)], axis=-1)  # both\n"
        "out.append({models.Model}(i, tf.reduce_mean(h, axis=-1))(x))"
    ),
    (
        "opt = {optimizers.SGD}(0.5)\n"
        "{backend.set_value}(opt.lr, 0.125)\n"
        "out.append(float({backend.get_value}(opt.lr)))\n"
        "out.append(f'{{float(opt.lr):.3f}}')"
    ),
    (
        "m = {models.Sequential}()\n"
        "m.add({layers.Dense}(2, kernel_initializer='ones', batch_input_shape=(2, 3)))\n"
        "m.save_weights('w.h5')\nm.load_weights('w.h5')\nout.append(m.predict(x, verbose=0))"
    ),
    ("import functools\nleaky = functools.partial({layers.LeakyReLU}, alpha=0.5)\nout.append(leaky()(x))"),
]
SETUP = """
import numpy as np
import tensorflow as _tf

x = _tf.constant([[1.0, -2.0, 0.25], [0.5, 3.0, -1.0]])
ids = np.array([[0, 3, 1]])
table = np.arange(8.0).reshape(4, 2)
steps = _tf.reshape(_tf.range(12.0), (2, 2, 3)) / 12.0
out = []


def walk(optimizer):
    w = _tf.Variable([1.0, 2.0])
    for n in range(4):
        optimizer.apply_gradients([(_tf.constant([0.5, -0.25 * n]), w)])
    return np.array(w)

"""
OTHER = [
    "v{0}  =  [ 1,2 ]\t# x  ",
    "v{0} = 'ä' ;w = \"keras\"",
    "if {0} :  pass",
    "# tf.keras.layers.LeakyReLU(alpha={0})",
    "v{0} = (1,\n  2 )",
    "v{0} = 0X1F",
    "def v{0}( a,b = 1 ) : return a",
    'v{0} = """\ntf.keras.layers\n"""',
]
SCOPES = [
    "{0}",
    "def f():\n    return {1}\n\n\nout.append(f())",
    "def f(keras_=None):\n    def g():\n        return {1}\n\n    return g()\n\n\nout.append(f())",
    "out.append((lambda: {1})())",
    "out.extend([{1} for _ in range(1)])",
    "class A:\n    def __init__(self):\n        self.made = {1}\n\n\nout.append(A().made)",
    "class A:\n    made = {1}\n\n\nout.append(A.made)",
    "if True:\n    {0}\nelse:\n    out = None",
    "def shadow(tf, keras, K):\n    return tf.layers + keras.backend + K.sum\n\n\n{0}",
    "for _ in range(1):\n\tout.append(\n\t\t{1}\n\t)",
    "out.append(f'{{np.round(np.sum(np.array({1}), dtype=\"float64\"), 4)}}')",
    "y = {1}; out.append(y)",
]
SHAPES = [
    "{name}({all})",
    "{name}( {all} )",
    "{name}({all},)",
    "{name}(\n    {lines},\n)",
    "{name}(\n    {commented}\n)",
    "({name}\n({all}))",
]


@dataclass(frozen=True)
class Program:
    """Code that can be run after `SETUP`, and lines in it that are about other things."""

    text: str
    kept: tuple[str, ...]


@st.composite
def runnable(draw):
    """A program of a few calls and statements in one import style."""
    lines, said = STYLES[draw(st.sampled_from(sorted(STYLES)))]
    parts, kept = [lines], []
    for number in range(draw(st.integers(1, 3))):
        other = draw(st.sampled_from(OTHER)).format(number)
        parts.append(other)
        kept.append(other)
        if draw(st.integers(0, 3)):
            parts.append(_call(draw, said))
        else:
            parts.append(_statement(draw, said))
    end = draw(st.sampled_from(["\n", "\n\n", "\n# end\n"]))
    return Program(end.join(parts) + end, tuple(kept))


def say(said, part):
    home, _, last = part.rpartition(".")
    if said == "{}":
        first, _, rest = part.partition(".")
        return f"{NAMES.get(first, first)}.{rest}"
    return said.format(home, last) if "{1}" in said else said.format(part)


def _call(draw, said):
    part, given, use = draw(st.sampled_from(CALLS))
    keywords = [a for a in given if _is_keyword(a)]
    given = [a for a in given if not _is_keyword(a)] + draw(st.permutations(keywords))
    shape = draw(st.sampled_from(SHAPES if given else SHAPES[:1]))
    scope = draw(st.sampled_from(SCOPES))
    if "{{np" in scope and shape not in SHAPES[:2]:
        scope = SCOPES[0]
    call = shape.format(
        name=say(said, part),
        all=", ".join(given),
        lines=",\n    ".join(given),
        commented="\n    ".join(f"{a},  # {n}" for n, a in enumerate(given)),
    )
    expression = use.replace("@", call)
    if "{{np" in scope and "'" in expression:
        expression = expression.replace("'", '"')
    return (
        scope.replace("{0}", f"out.append({expression})")
        .replace("{1}", expression)
        .replace("{{", "{")
        .replace("}}", "}")
    )


def _is_keyword(argument):
    return argument.partition("=")[0].isidentifier() and "=" in argument


def _statement(draw, said):
    text = draw(st.sampled_from(STATEMENTS)).replace("{{", "\0").replace("}}", "\1")
    for group in ("models", "layers", "metrics", "optimizers", "backend"):
        while f"{{{group}." in text:
            first = text.index(f"{{{group}.")
            last = text.index("}", first)
            text = text[:first] + say(said, text[first + 1 : last]) + text[last + 1 :]
    return text.replace("\0", "{").replace("\1", "}")
