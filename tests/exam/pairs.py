"""Pairs of programs that are equal but look different: what Keras 2 runs, and what Keras 3 runs instead.

Of every pair compare must name no cause. Data only; read by test_equal. A program is a head, the data, and the code of
one side; Keras 3 gets its own as `kparity migrate` would leave it.
"""

from dataclasses import dataclass

from zoo import ZOOS

HEAD = '''"""One side of a pair."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras
from tensorflow.keras import layers

DIGITS = load_digits()
X, Y = (DIGITS.images[:640] / 16.0).astype("float32"), DIGITS.target[:640]


def finish(inputs, outputs, optimizer=None, loss="sparse_categorical_crossentropy", metrics=("accuracy",), **more):
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=optimizer or keras.optimizers.Adam(0.01), loss=loss, metrics=list(metrics), **more)
    return model


'''


def fed(*lines: str) -> str:
    """A load_data() of these lines, the last of which is what it returns."""
    *before, last = lines
    return "\n    ".join(["def load_data():", *before, f"return {last}"]) + "\n\n\n"


PIXELS = fed('{"x": X.reshape(-1, 64), "y": Y, "batch_size": 32}')
ROWS = fed('{"x": X, "y": Y, "batch_size": 32}')
IMAGES = fed('{"x": X[..., None], "y": Y, "batch_size": 32}')
STEPS = """def build_model():
    inner = keras.Sequential([layers.Conv1D(4, 3, activation="relu"), layers.SpatialDropout1D(0.2), layers.Flatten()])
    inputs = keras.Input((8, 8))
    x = layers.Reshape((4, 8, 2), name="pieces")(inputs)
    x = layers.TimeDistributed(inner, name="each")(x)
    x = layers.TimeDistributed(layers.Dropout(0.3), name="dropped")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.GRU(6, name="gru")(x))
    return finish(inputs, outputs)
"""
TOKENS = """def load_data():
    random = np.random.RandomState(7)
    x = random.randint(1, 20, size=(640, 12))
    y = np.diff(x, axis=1, prepend=0) > 0
    for row, length in zip(x, random.randint(3, 13, size=640)):
        row[length:] = 0
    return {"x": x, "y": y.astype("int32"), "batch_size": 32}


"""


@dataclass(frozen=True)
class Pair:
    """`left` and `right`: the code of each side, after HEAD and `data`; together they define build_model() and
    load_data(). `right_data`: where the other side makes the same batches otherwise. `words`: verdicts that are true,
    of which one must be said. `fresh`: it wants processes that have not begun to work."""

    name: str
    left: str
    right: str
    data: str = PIXELS
    right_data: str | None = None
    steps: int = 12
    words: tuple[str, ...] = ("equivalent",)
    fresh: bool = False

    def texts(self) -> tuple[str, str]:
        """The two programs, both in Keras 2."""
        return HEAD + self.data + self.left, HEAD + (self.right_data or self.data) + self.right


def swapped(name: str, code: str, *swaps: tuple[str, str], **more: object) -> Pair:
    """A pair whose right side is the left one with pieces replaced, each of which stands in it exactly once.

    Raises ValueError for a piece that doesn't.
    """
    other = code
    for old, new in swaps:
        if other.count(old) != 1:
            raise ValueError(f"{name}: {old!r} stands {other.count(old)} times in it")
        other = other.replace(old, new)
    return Pair(name, code, other, **more)  # type: ignore[arg-type]


DENSE = """def build_model():
    inputs = keras.Input((64,))
    x = layers.Dense(32, activation="relu", name="wide")(inputs)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(16, activation="tanh", name="narrow")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
"""

CONV = """def build_model():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization(fused=False, momentum=0.9, name="bn")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs, keras.optimizers.SGD(0.05, momentum=0.9))
"""

BRANCHES = """def build_model():
    inputs = keras.Input((64,))
    first = layers.Dense(16, activation="relu")(inputs)
    second = layers.Dense(16, activation="tanh")(inputs)
    x = layers.Concatenate()([first, second])
    outputs = layers.Dense(10, activation="softmax")(x)
    return finish(inputs, outputs)
"""

LSTM = """def build_model():
    inputs = keras.Input((12,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True, name="embedding")(inputs)
    x = layers.LSTM(12, return_sequences=True, name="lstm")(x)
    outputs = layers.Dense(2, activation="softmax", name="larger")(x)
    return finish(inputs, outputs, keras.optimizers.SGD(0.5))
"""

ATTENTION = """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Dense(12, name="in")(inputs)
    y = layers.MultiHeadAttention(
        2, 6, dropout=0.1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.3), name="attention"
    )(x, x, use_causal_mask=True)
    x = layers.LayerNormalization(name="norm")(layers.Add(name="add")([x, y]))
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten(name="flat")(x))
    return finish(inputs, outputs)
"""

RUNNING = [
    swapped(
        "other seeds of layers and initializers",
        DENSE,
        ("Dropout(0.2,", "Dropout(0.2, seed=5,"),
        (
            'Dense(32, activation="relu"',
            'Dense(32, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(seed=11)',
        ),
    ),
    swapped(
        "another seed of the program",
        DENSE,
        ("def build_model():", "def build_model():\n    tf.random.set_seed(99)"),
        data=PIXELS.replace('"batch_size"', '"shuffle": False, "batch_size"'),  # seeded shuffles really differ
    ),
    Pair(
        "one thread and three",
        "tf.config.threading.set_intra_op_parallelism_threads(1)\n\n\n" + DENSE,
        "tf.config.threading.set_intra_op_parallelism_threads(3)\n"
        "tf.config.threading.set_inter_op_parallelism_threads(3)\n\n\n" + DENSE,
        fresh=True,
    ),
    swapped("XLA on the Keras 3 side", CONV, ("momentum=0.9))", "momentum=0.9), jit_compile=True)"), data=IMAGES),
    Pair(
        "XLA on the Keras 2 side",
        CONV.replace("momentum=0.9))", "momentum=0.9), jit_compile=True)"),
        CONV.replace("momentum=0.9))", "momentum=0.9), jit_compile=False)"),
        data=IMAGES,
    ),
    Pair(
        "XLA on both sides",
        *[DENSE.replace("finish(inputs, outputs)", "finish(inputs, outputs, jit_compile=True)")] * 2,
    ),
    swapped(
        "eager on one side",
        DENSE,
        ("finish(inputs, outputs)", "finish(inputs, outputs, run_eagerly=True)"),
    ),
    swapped(
        "weights one unit in the last place apart",
        DENSE,
        (
            "    return finish(inputs, outputs)",
            "    model = finish(inputs, outputs)\n"
            "    model.set_weights([np.nextafter(w, np.float32(9), dtype=w.dtype) for w in model.get_weights()])\n"
            "    return model",
        ),
    ),
    Pair(
        "float32 chaos over 500 steps",
        *[
            """def build_model():
    x = inputs = keras.Input((8, 8))
    for depth in range(3):
        x = layers.SimpleRNN(16, return_sequences=True, activation="tanh", name=f"rnn{depth}")(x)
        x = layers.LayerNormalization(name=f"norm{depth}")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten(name="flat")(x))
    return finish(inputs, outputs, keras.optimizers.Adam(0.1))
"""
        ]
        * 2,
        data=ROWS,
        steps=500,
        words=("equivalent", "inconclusive"),
    ),
]
"""How it is run differs."""

WRITTEN = [
    swapped(
        "renamed layers",
        DENSE,
        ('"wide"', '"first"'),
        ('"narrow"', '"second"'),
        ('"digit"', '"out"'),
        ('"dropout"', '"d"'),
    ),
    swapped(
        "layers made in another order",
        BRANCHES,
        (
            '    first = layers.Dense(16, activation="relu")(inputs)\n'
            '    second = layers.Dense(16, activation="tanh")(inputs)\n',
            '    second = layers.Dense(16, activation="tanh")(inputs)\n'
            '    first = layers.Dense(16, activation="relu")(inputs)\n',
        ),
    ),
    Pair(
        "functional and Sequential",
        DENSE,
        """def build_model():
    model = keras.Sequential([
        layers.Dense(32, activation="relu", input_shape=(64,)),
        layers.Dropout(0.2),
        layers.Dense(16, activation="tanh"),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.optimizer.learning_rate = 0.01
    return model
""",
    ),
    Pair(
        "functional and subclassed",
        DENSE,
        """class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.digit = layers.Dense(10, activation="softmax")
        self.narrow = layers.Dense(16, activation="tanh")
        self.wide = layers.Dense(32, activation="relu")
        self.dropout = layers.Dropout(0.2)

    def call(self, x, training=False):
        x = self.dropout(self.wide(x), training=training)
        return self.digit(self.narrow(x))


def build_model():
    model = Net()
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    return model
""",
    ),
    Pair(
        "flat and nested models",
        DENSE,
        """def build_model():
    inputs = keras.Input((64,))
    x = layers.Dense(32, activation="relu", name="wide")(inputs)
    x = layers.Dropout(0.2, name="dropout")(x)
    body = keras.Model(inputs, x, name="body")
    head = keras.Sequential(
        [layers.Dense(16, activation="tanh", name="narrow"), layers.Dense(10, activation="softmax", name="digit")],
        name="head",
    )
    outer = keras.Input((64,))
    return finish(outer, head(body(outer)))
""",
    ),
    swapped(
        "an activation as argument and as layer",
        DENSE,
        (
            'x = layers.Dense(32, activation="relu", name="wide")(inputs)',
            'x = layers.ReLU()(layers.Dense(32, name="wide")(inputs))',
        ),
        (
            'x = layers.Dense(16, activation="tanh", name="narrow")(x)',
            'x = layers.Activation("tanh")(layers.Dense(16, name="narrow")(x))',
        ),
    ),
    swapped(
        "an activation by name and as a function",
        DENSE,
        ('activation="relu"', "activation=tf.nn.relu"),
        ('activation="tanh"', "activation=lambda x: tf.math.tanh(x)"),
    ),
    swapped(
        "softmax as argument and as layer",
        DENSE,
        (
            'layers.Dense(10, activation="softmax", name="digit")(x)',
            'layers.Softmax(name="softmax")(layers.Dense(10, name="digit")(x))',
        ),
    ),
    swapped(
        "softmax before the loss and in it",
        DENSE,
        ('layers.Dense(10, activation="softmax"', "layers.Dense(10"),
        (
            "finish(inputs, outputs)",
            "finish(inputs, outputs, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))",
        ),
    ),
    Pair(
        "sigmoid before the loss and in it",
        """def build_model():
    inputs = keras.Input((64,))
    outputs = layers.Dense(1, activation="sigmoid", name="odd")(inputs)
    return finish(inputs, outputs, loss=keras.losses.BinaryCrossentropy(), metrics=[])
""",
        """def build_model():
    inputs = keras.Input((64,))
    outputs = layers.Dense(1, name="odd")(inputs)
    return finish(inputs, outputs, loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=[])
""",
        data=fed('{"x": X.reshape(-1, 64), "y": (Y % 2)[:, None].astype("float32")}'),
    ),
    swapped(
        "a bias in the layer and a layer of its own",
        DENSE,
        (
            'layers.Dense(16, activation="tanh", name="narrow")(x)',
            'layers.Activation("tanh")(Bias(name="bias")(layers.Dense(16, use_bias=False, name="narrow")(x)))',
        ),
        (
            "def build_model():",
            "class Bias(layers.Layer):\n"
            "    def build(self, shape):\n"
            '        self.b = self.add_weight(name="bias", shape=(shape[-1],), initializer="zeros")\n\n'
            "    def call(self, x):\n"
            "        return x + self.b\n\n\n"
            "def build_model():",
        ),
    ),
    swapped(
        "Flatten and Reshape",
        CONV,
        ('layers.Flatten(name="flat")', 'layers.Reshape((-1,), name="flat")'),
        data=IMAGES,
    ),
    Pair(
        "batch normalization not fused and written by hand",
        CONV,
        CONV.replace(
            '    x = layers.BatchNormalization(fused=False, momentum=0.9, name="bn")(x)',
            '    x = Normalize(name="bn")(x)',
        ).replace(
            "def build_model():",
            """class Normalize(layers.Layer):
    def build(self, shape):
        size = (shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=size, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=size, initializer="zeros")
        self.mean = self.add_weight(name="moving_mean", shape=size, initializer="zeros", trainable=False)
        self.variance = self.add_weight(name="moving_variance", shape=size, initializer="ones", trainable=False)

    def call(self, x, training=False):
        if training:
            mean, variance = tf.nn.moments(x, [0, 1, 2])
            self.mean.assign(0.9 * self.mean + 0.1 * mean)
            self.variance.assign(0.9 * self.variance + 0.1 * variance)
        else:
            mean, variance = self.mean, self.variance
        return (x - mean) / tf.sqrt(variance + 1e-3) * self.gamma + self.beta


def build_model():""",
        ),
        data=IMAGES,
    ),
    Pair(
        "Permute and transpose",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Permute((2, 1), name="turned")(inputs)
    x = layers.Conv1D(8, 3, activation="relu", name="conv")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.GlobalAveragePooling1D(name="mean")(x))
    return finish(inputs, outputs)
""",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Lambda(lambda x: tf.transpose(x, [0, 2, 1]), name="across")(inputs)
    x = layers.Conv1D(8, 3, activation="relu", name="conv")(x)
    x = layers.Lambda(lambda x: tf.reduce_mean(x, axis=1), output_shape=(8,), name="middle")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
""",
        data=ROWS,
    ),
    Pair(
        "Add and +",
        """def build_model():
    inputs = keras.Input((64,))
    x = layers.Dense(16, activation="relu", name="a")(inputs)
    x = layers.Add(name="sum")([x, layers.Dense(16, name="b")(x)])
    x = layers.Multiply(name="gate")([x, layers.Dense(16, activation="sigmoid", name="c")(x)])
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
""",
        """def build_model():
    inputs = keras.Input((64,))
    x = layers.Dense(16, activation="relu", name="a")(inputs)
    x = x + layers.Dense(16, name="b")(x)
    x = x * layers.Dense(16, activation="sigmoid", name="c")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
""",
    ),
    Pair(
        "Bidirectional and two layers",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Bidirectional(layers.GRU(6, name="gru"), name="both")(inputs)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
""",
        """def build_model():
    inputs = keras.Input((8, 8))
    back = layers.GRU(6, go_backwards=True)(inputs)
    outputs = layers.Concatenate()([layers.GRU(6)(inputs), back])
    outputs = layers.Dense(10, activation="softmax", name="digit")(outputs)
    return finish(inputs, outputs)
""",
        data=ROWS,
    ),
    Pair(
        "dropout at each time step, in a layer and in a model",
        STEPS,
        STEPS.replace('name="each"', 'name="step"'),
        data=ROWS,
    ),
    Pair(
        "a layer and a Lambda that does the same",
        CONV.replace('layers.ReLU(name="relu")(x)', 'layers.LeakyReLU(0.1, name="relu")(x)'),
        CONV.replace(
            'layers.ReLU(name="relu")(x)', 'layers.Lambda(lambda x: tf.maximum(0.1 * x, x), name="leaking")(x)'
        ),
        data=IMAGES,
    ),
    Pair(
        "dense layers as they are and TimeDistributed",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Dense(16, activation="relu", name="a")(inputs)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten()(x))
    return finish(inputs, outputs)
""",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.TimeDistributed(layers.Dense(16, activation="relu", name="a"), name="each")(inputs)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten()(x))
    return finish(inputs, outputs)
""",
        data=ROWS,
    ),
    Pair(
        "a dense layer and a convolution of width one",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Conv1D(16, 1, activation="relu", name="a")(inputs)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten()(x))
    return finish(inputs, outputs)
""",
        """class Pointwise(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(1, shape[-1], 16), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(16,), initializer="zeros")

    def call(self, x):
        return tf.nn.relu(tf.einsum("btc,cd->btd", x, self.kernel[0]) + self.bias)


def build_model():
    inputs = keras.Input((8, 8))
    x = Pointwise(name="a")(inputs)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten()(x))
    return finish(inputs, outputs)
""",
        data=ROWS,
    ),
    Pair(
        "a recurrent layer and its cell in RNN",
        LSTM,
        LSTM.replace("layers.LSTM(12, return_sequences=True", "layers.RNN(layers.LSTMCell(12), return_sequences=True"),
        data=TOKENS,
    ),
    Pair(
        "a mask from the embedding and from Masking",
        LSTM,
        """def build_model():
    inputs = keras.Input((12,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True, name="embedding")(inputs)
    x = layers.LSTM(12, return_sequences=True, unroll=True, name="lstm")(x)
    outputs = layers.Dense(2, activation="softmax", name="larger")(x)
    return finish(inputs, outputs, keras.optimizers.SGD(0.5))
""",
        data=TOKENS,
    ),
    swapped(
        "loss, metric and optimizer by name, class and function",
        DENSE.replace(
            "finish(inputs, outputs)",
            'finish(inputs, outputs, "adam", "sparse_categorical_crossentropy", '
            '["accuracy", "sparse_top_k_categorical_accuracy"])',
        ),
        (
            '"adam", "sparse_categorical_crossentropy", ["accuracy", "sparse_top_k_categorical_accuracy"]',
            "keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(), "
            '[keras.metrics.SparseCategoricalAccuracy(name="accuracy"), keras.metrics.SparseTopKCategoricalAccuracy()]',
        ),
    ),
    swapped(
        "a loss by class and as a function",
        DENSE.replace(
            "finish(inputs, outputs)",
            "finish(inputs, outputs, loss=keras.losses.SparseCategoricalCrossentropy(), metrics=[])",
        ),
        (
            "loss=keras.losses.SparseCategoricalCrossentropy()",
            "loss=lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p)",
        ),
    ),
    Pair(
        "weights saved and loaded",
        DENSE,
        DENSE.replace(
            "    return finish(inputs, outputs)",
            "    import tempfile\n\n"
            "    model = finish(inputs, outputs)\n"
            "    with tempfile.TemporaryDirectory() as folder:\n"
            '        model.save_weights(folder + "/it.weights.h5")\n'
            '        model.load_weights(folder + "/it.weights.h5")\n'
            "    return model",
        ),
    ),
    Pair(
        "a constant learning rate and a schedule that stands still",
        DENSE.replace("finish(inputs, outputs)", "finish(inputs, outputs, keras.optimizers.Adam(0.01))"),
        DENSE.replace(
            "finish(inputs, outputs)",
            "finish(inputs, outputs, keras.optimizers.Adam("
            "keras.optimizers.schedules.PiecewiseConstantDecay([1000], [0.01, 0.001])))",
        ),
    ),
    Pair(
        "data as arrays and as a dataset",
        DENSE,
        DENSE,
        data=fed('{"x": X.reshape(-1, 64), "y": Y, "batch_size": 32, "shuffle": False}'),
        right_data=fed("tf.data.Dataset.from_tensor_slices((X.reshape(-1, 64), Y)).batch(32)"),
    ),
    swapped(
        "a causal mask by a flag and as a matrix",
        ATTENTION,
        ("use_causal_mask=True", "attention_mask=np.tril(np.ones((1, 8, 8), bool))"),
        data=ROWS,
    ),
    swapped(
        "a mask that travels along and one that is handed over",
        LSTM,
        (
            'x = layers.Embedding(20, 8, mask_zero=True, name="embedding")(inputs)\n',
            'words = layers.Embedding(20, 8, mask_zero=True, name="embedding")\n'
            "    x = words(inputs)\n"
            "    there = words.compute_mask(inputs)\n",
        ),
        ('name="lstm")(x)', 'name="lstm")(x, mask=there)'),
        data=TOKENS,
    ),
    swapped(
        "a sequence read backwards and one turned round",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Dense(6, activation="tanh", name="in")(inputs)
    x = layers.GRU(6, return_sequences=True, go_backwards=True, name="gru")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(layers.Flatten(name="flat")(x))
    return finish(inputs, outputs)
""",
        (
            'x = layers.GRU(6, return_sequences=True, go_backwards=True, name="gru")(x)',
            'x = layers.GRU(6, return_sequences=True, name="gru")(layers.Lambda(lambda x: tf.reverse(x, [1]))(x))',
        ),
        data=ROWS,
    ),
    swapped(
        "the mean over time by a layer and by a sum",
        """def build_model():
    inputs = keras.Input((8, 8))
    x = layers.Conv1D(12, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    x = layers.RepeatVector(3, name="again")(x)
    x = layers.Flatten(name="flat")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
""",
        (
            'layers.GlobalAveragePooling1D(name="mean")(x)',
            'layers.Lambda(lambda x: tf.reduce_sum(x, 1) / 8.0, output_shape=(12,), name="mean")(x)',
        ),
        (
            'layers.RepeatVector(3, name="again")(x)',
            'layers.Lambda(lambda x: tf.tile(x[:, None], [1, 3, 1]), output_shape=(3, 12), name="again")(x)',
        ),
        data=ROWS,
    ),
]
"""How it is written differs."""

DEAD = """def build_model():
    inputs = keras.Input((64,))
    x = layers.Dense(32, activation="relu", bias_initializer=keras.initializers.Constant(BIAS), name="dying")(inputs)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
"""

TIES = """def build_model():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", kernel_initializer="ones", activation="relu", name="conv")(inputs)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.GlobalMaxPooling2D(name="top")(x)
    outputs = layers.Dense(10, kernel_initializer="zeros", activation="softmax", name="digit")(x)
    return finish(inputs, outputs, metrics=["accuracy", "sparse_top_k_categorical_accuracy"])
"""

NUMBERS = [
    Pair("near-dead ReLUs", *[DEAD.replace("BIAS", "-2.0")] * 2),
    Pair("dead ReLUs", *[DEAD.replace("BIAS", "-50.0")] * 2),
    Pair(
        "activations at zero but for round-off",
        *[
            """class Gap(layers.Layer):
    def call(self, x):
        left = tf.reduce_sum(x, axis=-1, keepdims=True)
        right = tf.reduce_sum(tf.reverse(x, [-1]), axis=-1, keepdims=True)
        return tf.nn.relu(left - right) * 1e6 + x


def build_model():
    inputs = keras.Input((64,))
    x = layers.Dense(32, activation="tanh", name="wide")(inputs)
    x = Gap(name="gap")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
"""
        ]
        * 2,
    ),
    Pair(
        "saturated activations",
        *[
            """def build_model():
    inputs = keras.Input((64,))
    wide = keras.initializers.RandomNormal(stddev=30.0)
    x = layers.Dense(32, activation="sigmoid", kernel_initializer=wide, name="wide")(inputs)
    x = layers.Dense(32, activation="tanh", kernel_initializer=wide, name="narrow")(x)
    outputs = layers.Dense(10, activation="softmax", kernel_initializer=wide, name="digit")(x)
    return finish(inputs, outputs)
"""
        ]
        * 2,
    ),
    Pair(
        "ties in maxima",
        TIES,
        TIES,
        data=fed('{"x": np.ones((320, 8, 8, 1), "float32"), "y": Y[:320]}'),
    ),
    Pair(
        "tiny gradients",
        *[
            """def build_model():
    inputs = keras.Input((64,))
    x = layers.Dense(32, activation="relu", name="wide")(inputs)
    x = layers.Lambda(lambda x: x * 1e-12, name="small")(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return finish(inputs, outputs)
"""
        ]
        * 2,
    ),
    Pair(
        "large magnitudes",
        *[
            """def build_model():
    inputs = keras.Input((64,))
    x = layers.Lambda(lambda x: x * 1e6, name="large")(inputs)
    x = layers.Dense(32, activation="relu", name="wide")(x)
    outputs = layers.Dense(1, name="sum")(x)
    return finish(inputs, outputs, keras.optimizers.SGD(1e-20), loss="mse", metrics=["mae"])
"""
        ]
        * 2,
    ),
    Pair(
        "half precision",
        *[
            'keras.mixed_precision.set_global_policy("mixed_float16")\n\n\n'
            + DENSE.replace('activation="softmax"', 'activation="softmax", dtype="float32"')
        ]
        * 2,
    ),
    Pair(
        "bfloat16",
        *[
            'keras.mixed_precision.set_global_policy("mixed_bfloat16")\n\n\n'
            + DENSE.replace('activation="softmax"', 'activation="softmax", dtype="float32"')
        ]
        * 2,
    ),
    Pair(
        "sequences that are masked as a whole",
        LSTM,
        LSTM,
        data=TOKENS.replace("    return {", "    x[::3] = 0\n    return {"),
    ),
    Pair(
        "batches of zeros",
        DENSE,
        DENSE,
        data=fed('{"x": np.zeros((320, 64), "float32"), "y": Y[:320]}'),
    ),
    Pair(
        "constant data",
        CONV,
        CONV,
        data=fed('{"x": np.full((320, 8, 8, 1), 0.3, "float32"), "y": Y[:320] * 0}'),
    ),
    Pair(
        "NaN on both sides alike",
        DENSE,
        DENSE,
        data=fed(
            "x = X.reshape(-1, 64).copy()", "x[200:] = np.nan", '{"x": x, "y": Y, "batch_size": 32, "shuffle": False}'
        ),
    ),
    Pair("batches of one sample", CONV, CONV, data=IMAGES.replace('"batch_size": 32', '"batch_size": 1')),
    Pair(
        "batches that don't divide the data",
        DENSE,
        DENSE,
        data=fed('{"x": X[:101].reshape(-1, 64), "y": Y[:101], "batch_size": 33}'),
    ),
    Pair(
        "few of one class, with weights of classes",
        DENSE,
        DENSE,
        data=fed(
            "y = (Y == 3) & (np.arange(640) % 7 == 0)",
            '{"x": X.reshape(-1, 64), "y": y.astype(int), "class_weight": {0: 0.5, 1: 40.0}}',
        ),
    ),
    Pair(
        "long sequences",
        *[
            """def build_model():
    inputs = keras.Input((300, 4))
    x = layers.GRU(8, return_sequences=True, name="gru")(inputs)
    outputs = layers.Dense(1, name="next")(x)
    return finish(inputs, outputs, loss="mse", metrics=["mae"])
"""
        ]
        * 2,
        data=fed(
            'x = np.cumsum(np.random.RandomState(1).normal(size=(128, 300, 4)), axis=1).astype("float32")',
            '{"x": x, "y": x[:, :, :1], "batch_size": 8}',
        ),
    ),
]
"""The numbers are at their limits."""

AUGMENT = (
    'augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)])',
    "augment.add(layers.RandomTranslation(0.1, 0.1))",
    'rows = tf.data.Dataset.from_tensor_slices((X[..., None], Y.astype("int32"))).shuffle(640)',
)
MADE = [
    Pair(
        "images changed one by one by layers in a dataset's map",
        CONV,
        CONV,
        data=fed(
            *AUGMENT,
            "rows = rows.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)",
            "rows.batch(32).prefetch(2)",
        ),
    ),
    Pair(
        "batches changed by layers in a dataset's map",
        CONV,
        CONV,
        data=fed(*AUGMENT, "rows.batch(32).map(lambda x, y: (augment(x, training=True), y))"),
    ),
    Pair(
        "rows standardized by a layer in a dataset's map, in more than two epochs",
        DENSE,
        DENSE,
        steps=24,
        data=fed(
            "x, y = X.reshape(-1, 64)[:320], Y[:320]",
            "norm = layers.Normalization()",
            "norm.adapt(x)",
            "rows = tf.data.Dataset.from_tensor_slices((x, y)).batch(32).map(lambda x, y: (norm(x), y))",
            '{"x": rows, "validation_data": rows}',
        ),
    ),
    Pair(
        "rows with noise of a layer that a Sequence calls",
        DENSE,
        DENSE,
        data=fed(
            "noise = layers.GaussianNoise(0.1)",
            "class Rows(keras.utils.Sequence):",
            "    def __len__(self):",
            "        return 20",
            "    def __getitem__(self, index):",
            "        part = slice(32 * index, 32 * index + 32)",
            "        return noise(X.reshape(-1, 64)[part], training=True).numpy(), Y[part]",
            "Rows()",
        ),
    ),
    Pair(
        "a model built for several devices",
        DENSE,
        "strategy = tf.distribute.MirroredStrategy()\n\n\n"
        + DENSE.replace("def build_model():\n", "def made():\n")
        + "\n\ndef build_model():\n    with strategy.scope():\n        return made()\n",
    ),
]
"""Layers make the data, or a strategy is asked for."""

MANY = [Pair(name, code, code, data=data) for name, (code, data) in ZOOS.items()]
KINDS = {
    "run differently": RUNNING,
    "written differently": WRITTEN,
    "numbers at their limits": NUMBERS,
    "data made by layers": MADE,
    "many layers": MANY,
}
PAIRS = [pair for pairs in KINDS.values() for pair in pairs]
