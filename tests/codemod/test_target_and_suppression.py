"""`target = "tf.keras"` keeps the flavour of a file, and comments keep rules off a line or a file."""

import pytest

from kparity.codemod.migrate import migrate_source

TF = "import tensorflow as tf\n"
TARGET = {
    "imports keep their flavour": (
        TF + "from tensorflow.keras import layers\nx = tf.keras.layers.LeakyReLU(alpha=1)\n",
        TF + "from tensorflow.keras import layers\nx = tf.keras.layers.LeakyReLU(negative_slope=1)\n",
    ),
    "new names are said through TensorFlow where it is at hand": (
        TF + "from tensorflow.keras import backend as K\nx = K.sum(tf.zeros(2))\n",
        TF + "x = tf.keras.ops.sum(tf.zeros(2))\n",
    ),
    "and through keras where it isn't": (
        "from tensorflow.keras import backend as K\nx = K.sum(1)\n",
        "import keras\nx = keras.ops.sum(1)\n",
    ),
    "private paths become public ones of the same flavour": (
        "from tensorflow.python.keras.layers.merge import add\nx = add\n",
        "from tensorflow.keras.layers import add\nx = add\n",
    ),
    "what only keras has is imported from keras": (
        "from tensorflow.keras.losses import mean_squared_error\nx = mean_squared_error\n",
        "from keras.losses import mean_squared_error\nx = mean_squared_error\n",
    ),
    "and is said through keras": (
        TF + "x = tf.keras.losses.mean_squared_error(1, 2)\ny = tf.zeros(2)\n",
        "import keras\n" + TF + "x = keras.losses.mean_squared_error(1, 2)\ny = tf.zeros(2)\n",
    ),
}


@pytest.mark.parametrize("name", TARGET)
def test_with_the_target_tf_keras(name):
    old, new = TARGET[name]
    done = migrate_source(old, "a.py", target="tf.keras")
    assert done.text == new, done.error
    assert migrate_source(new, "a.py", target="tf.keras").text == new


def test_a_name_that_only_keras_has_is_told_where_its_module_came_from_tensorflow():
    text = "from tensorflow.keras import losses\nx = losses.mean_squared_error(1, 2)\n"
    done = migrate_source(text, "a.py", target="tf.keras")
    assert done.text == text
    assert [(str(f.outcome), f.place.line) for f in done.findings] == [("manual", 2)]
    assert "not as tf.keras" in done.findings[0].fix


LEAKY = "from keras.layers import LeakyReLU\nx = LeakyReLU(alpha=1)\n"
KEPT = {
    "a comment for the file": ("# kparity: ignore-file\n", True),
    "a comment for the file, of this rule": ("# kparity: ignore-file[KP302, KP203]\n", True),
    "a comment for the file, of another rule": ("# kparity: ignore-file[KP302]\n", False),
    "the comment in a string": ('"""\n# kparity: ignore-file\n"""\n', False),
    "the comment behind code": ("y = 1  # kparity: ignore-file\n", False),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_comment_keeps_rules_off_a_whole_file(name):
    comment, kept = KEPT[name]
    done = migrate_source(comment + LEAKY, "a.py")
    assert ("alpha=1" in done.text) == kept
    assert ("suppressed" in [str(f.outcome) for f in done.findings]) == kept


AGAIN = [
    LEAKY,
    "from tensorflow.keras.layers import LeakyReLU\nx = LeakyReLU(alpha=1)  # kparity: ignore\n",
    TF + "from tensorflow.keras import backend as K\nK.set_learning_phase(1)\nx = tf.keras.layers.LeakyReLU(alpha=1)\n",
    "from tensorflow.keras.optimizers import Adam\n\n\ndef f(m):\n    return Adam(lr=0.1, decay=1e-3), m.lr\n",
    # a rule about old code speaks about an argument that Keras 3 refuses, whatever the code is
    "import tensorflow as tf\n\ne = tf.keras.backend.epsilon()\n"
    "x = tf.keras.utils.deserialize_keras_object(c, module_objects=m, printable_module_name='x')\n",
    # the pair is one that serves both once its first half is edited
    "try:\n    from tensorflow.keras.utils import array_to_img\nexcept ImportError:\n"
    "    from tensorflow.keras.preprocessing.image import array_to_img\nx = array_to_img(y)\n",
    # an argument that gets its name leaves the place of one that Keras 3 needs
    "from tensorflow.keras import optimizers\n\n\nclass O(optimizers.Optimizer):\n"
    "    def __init__(self, name):\n        super().__init__(name)\n",
    # what is settled without a second look: a name renamed twice, arguments that only get their names
    "from tensorflow.keras.utils import data_utils\n\n\nclass S(data_utils.Sequence):\n    pass\n",
    "from tensorflow.keras import layers\n\n\nclass L(layers.Layer):\n    def build(self, shape):\n"
    "        self.a = self.add_weight('a', shape)\n        self.b = self.add_weight('b', shape, collections=[])\n",
    "from tensorflow.keras.utils.data_utils import Sequence\n\n\nclass S(Sequence):\n    pass\n",
    "from tensorflow.keras.utils.data_utils import Sequence, get_file\n\n\nclass S(Sequence):\n    f = get_file(1)\n",
    "from tensorflow.keras.utils import data_utils\n\nx = data_utils.OrderedEnqueuer(y), data_utils.get_file(z)\n",
    "from tensorflow.keras import backend as K\n\nx = K.relu(y, alpha=0.1), K.variable(0, 'int64')\n",
    "from tensorflow.keras import backend as K, models\n\nm = models.Model(a, b)\n"
    "K.set_value(m.optimizer.lr, K.get_value(m.optimizer.lr) / 2)\n",
    # an argument that one rule drops for good is no more for another one to speak about
    "from tensorflow.keras.layers import BatchNormalization\n\nb = BatchNormalization(momentum=0.5, fused=False)\n"
    "c = BatchNormalization(fused=True, virtual_batch_size=None)\nd = BatchNormalization(renorm=False, fused=True)\n",
    # an import that another one takes the place of, in a function
    "def f(x):\n    from tensorflow.keras.saving import object_registration\n\n"
    "    return object_registration.get_registered_name(x)\n",
]


@pytest.mark.parametrize("text", AGAIN)
def test_what_the_next_run_finds_is_known_after_the_first(text):
    done = migrate_source(text, "a.py")
    again = migrate_source(done.text, "a.py")
    assert again.text == done.text
    assert again.findings == list(done.again)
