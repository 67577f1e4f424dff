"""Silent changes are told where they are, and nowhere else: each line is a program and the rule it draws."""

import pytest

from kparity.codemod.migrate import migrate_source

HEAD = "from tensorflow import keras\nfrom tensorflow.keras import layers\n\n"
FUNCTIONAL = "x = keras.Input((3,))\n"
MASKED = "ids = keras.Input((5,))\nx = layers.Embedding(9, 3, mask_zero=True)(ids)\n"
CRITIC = "m = keras.Sequential([])\nm.compile('sgd', 'mse')\n"
OURS = {f"KP{family}7{n}" for family in (2, 3, 5, 6, 8) for n in range(10)}

TABLE = [
    ("fixed in a model", FUNCTIONAL + "y = layers.BatchNormalization()(x, training=False)", "KP270"),
    ("dropped for ever", FUNCTIONAL + "y = layers.Dropout(0.5)(x, training=True)", "KP270"),
    ("a model inside", FUNCTIONAL + "base = keras.applications.ResNet50()\ny = base(x, training=False)", "KP270"),
    ("nothing said", FUNCTIONAL + "y = layers.BatchNormalization()(x)", ""),
    ("None said", FUNCTIONAL + "y = layers.BatchNormalization()(x, training=None)", ""),
    ("numbers, not a model", "import numpy\nm = keras.Sequential([])\ny = m(numpy.ones((2, 3)), training=False)", ""),
    (
        "obeyed inside call",
        "class L(layers.Layer):\n    def __init__(self):\n        self.n = layers.BatchNormalization()\n\n"
        "    def call(self, x):\n        return self.n(x, training=False)",
        "",
    ),
    (
        "a train_step",
        "class M(keras.Model):\n    def train_step(self, data):\n        x, y = data\n"
        "        p = self(x, training=True)\n"
        "        return p",
        "",
    ),
    (
        "a method that call uses",
        "class M(keras.Model):\n    def __init__(self):\n        self.n = layers.Dense(1)\n\n"
        "    def head(self, images):\n        x = self.n(images)\n        return self.n(x, training=False)",
        "",
    ),
    (
        "a model that builds itself",
        "class M(keras.Model):\n    def __init__(self):\n        x = keras.Input((3,))\n"
        "        y = layers.BatchNormalization()(x, training=False)\n        super().__init__(x, y)",
        "KP270",
    ),
    ("passed on", FUNCTIONAL + "def block(training):\n    return layers.Dropout(0.5)(x, training=training)", ""),
    (
        "states beside a mask, inside call",
        "class L(layers.Layer):\n    def __init__(self):\n        self.e = layers.Embedding(9, 3, mask_zero=True)\n"
        "        self.g = layers.GRU(3)\n\n    def call(self, ids, s):\n"
        "        return self.g(self.e(ids), initial_state=s)",
        "KP271",
    ),
    ("states beside a mask", MASKED + "s = keras.Input((4,))\ny = layers.LSTM(4)(x, initial_state=[s, s])", "KP271"),
    (
        "the mask handed over",
        MASKED + "s = keras.Input((4,))\ny = layers.GRU(4)(x, initial_state=s, mask=ids != 0)",
        "",
    ),
    ("states, and no mask anywhere", FUNCTIONAL + "s = keras.Input((4,))\ny = layers.GRU(4)(x, initial_state=s)", ""),
    ("attention under a mask", MASKED + "y = layers.MultiHeadAttention(2, 2)(x, x)", "KP272"),
    ("attention without", FUNCTIONAL + "y = layers.MultiHeadAttention(2, 2)(x, x)", ""),
    ("norm of each step", "y = layers.TimeDistributed(layers.BatchNormalization(momentum=0.9))", "KP273"),
    ("norm of each step, by keyword", "y = layers.TimeDistributed(layer=keras.layers.BatchNormalization())", "KP273"),
    ("dense of each step", "y = layers.TimeDistributed(layers.Dense(3))", ""),
    ("a penalty lost", "y = layers.SimpleRNN(3, activity_regularizer='l2')", "KP275"),
    ("a penalty kept", "y = layers.LSTM(3, activity_regularizer='l2')", ""),
    ("dropout of inputs", "y = layers.LSTM(3, dropout=0.2)", "KP276"),
    ("dropout of both", "y = layers.LSTM(3, dropout=0.2, recurrent_dropout=0.2)", ""),
    ("no dropout", "y = layers.GRU(3, dropout=0.0)", ""),
    ("flipped both ways", "y = layers.RandomFlip('horizontal_and_vertical')", "KP277"),
    ("flipped by default", "y = layers.RandomFlip()", "KP277"),
    ("flipped one way", "y = layers.RandomFlip('horizontal'), layers.RandomFlip(mode=\"vertical\")", ""),
    ("cropped", "y = layers.RandomCrop(3, 3)", "KP278"),
    ("averaged", "y = keras.optimizers.SGD(0.1, use_ema=True)", "KP370"),
    ("not averaged", "y = keras.optimizers.SGD(0.1, use_ema=False)", ""),
    ("a class ignored", "y = keras.metrics.SparseCategoricalCrossentropy(ignore_class=0)", "KP371"),
    ("the loss ignores rightly", "y = keras.losses.SparseCategoricalCrossentropy(ignore_class=0)", ""),
    ("accuracy by hand", "y = keras.metrics.binary_accuracy([1.0], [0.3])", "KP374"),
    ("accuracy handed over", "m = keras.Sequential([])\nm.compile('sgd', metrics=[keras.metrics.binary_accuracy])", ""),
    ("a critic frozen after compile", CRITIC + "m.trainable = False", "KP570"),
    ("a critic compiled again", CRITIC + "m.trainable = False\nm.compile('sgd', 'mse')", ""),
    ("frozen before compile", "m = keras.Sequential([])\nm.trainable = False\nm.compile('sgd', 'mse')", ""),
    ("another model frozen", CRITIC + "b = keras.Sequential([])\nb.trainable = False", ""),
    ("steps of arrays", CRITIC + "m.fit(a, b, steps_per_epoch=3)", "KP571"),
    ("steps of a generator", CRITIC + "m.fit(g, steps_per_epoch=3)", ""),
    ("arrays", CRITIC + "m.fit(a, b, epochs=3)", ""),
    (
        "metrics of both kinds",
        "m = keras.Sequential([])\nm.compile('sgd', metrics=['mae'], weighted_metrics=['mse'])",
        "KP572",
    ),
    ("one kind of metrics", "m = keras.Sequential([])\nm.compile('sgd', weighted_metrics=['mse'])", ""),
    ("torn apart", CRITIC + "m.fit(a, b, shuffle='batch')", "KP573"),
    ("shuffled", CRITIC + "m.fit(a, b, shuffle=True)", ""),
    ("a class by name", "m = keras.Sequential([])\nm.compile('sgd', metrics=['AUC'])", "KP575"),
    ("a function by name", "m = keras.Sequential([])\nm.compile('sgd', metrics=['mae'])", ""),
]


@pytest.mark.parametrize(("label", "code", "wanted"), TABLE, ids=[line[0] for line in TABLE])
def test_a_silent_change_is_told_where_it_is_and_only_there(label, code, wanted):
    found = {f.rule for f in migrate_source(HEAD + code + "\n", "program.py").findings} & OURS
    assert found == ({wanted} if wanted else set())
