# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""Every kind of code that has to come out right, in several spellings: edited, told, or rightly left as it is.

`EDITED` holds code before and after; `TOLD` code that stays, and the rules that speak about it; `KEPT` code that nothing
is said about. What is edited may be told about as well: `AND_TOLD`.
"""

import ast
import builtins

import pytest

from kparity.codemod.migrate import migrate_source
from kparity.codemod.project import Neighbours
from kparity.findings import Outcome

EDITED = {
    # -- imports of every style -------------------------------------------------------------------------------------
    "import: keras.layers.core and its like": (
        "from keras.layers.core import Dense, Activation\nfrom keras.layers.convolutional import Conv2D\nfrom keras.layers.recurrent import LSTM\nfrom keras.layers.normalization import BatchNormalization\nfrom keras.layers.advanced_activations import PReLU\nfrom keras.layers.merge import concatenate, add\nfrom keras.layers.wrappers import TimeDistributed\n",
        "from keras.layers import Dense, Activation\nfrom keras.layers import Conv2D\nfrom keras.layers import LSTM\nfrom keras.layers import BatchNormalization\nfrom keras.layers import PReLU\nfrom keras.layers import concatenate, add\nfrom keras.layers import TimeDistributed\n",
    ),
    "import: a path that is not in any list": (
        "from keras.layers.normalization.batch_normalization import BatchNormalization\nfrom tensorflow.python.keras.engine.functional import Functional\nfrom keras.engine.data_adapter import unpack_x_y_sample_weight\n",
        "from keras.layers import BatchNormalization\nfrom tensorflow.python.keras.engine.functional import Functional\nfrom keras.utils import unpack_x_y_sample_weight\n",
    ),
    "import: keras.engine": (
        "from keras.engine import Layer, InputSpec\nfrom keras.engine.topology import Layer as L\n",
        "from keras import Layer, InputSpec\nfrom keras import Layer as L\n",
    ),
    "import: a private module, reached by its path": (
        "import keras.layers.core\nimport keras.engine.topology\n\nx = keras.layers.core.Dense(1)\ny = keras.engine.topology.Layer\n",
        "import keras.layers\nimport keras\n\nx = keras.layers.Dense(1)\ny = keras.Layer\n",
    ),
    "import: np_utils": (
        "from keras.utils import np_utils\nfrom keras.utils.np_utils import to_categorical\n\ny = np_utils.to_categorical(1, 2), to_categorical(1, 2)\n",
        "import keras\nfrom keras.utils import to_categorical\n\ny = keras.utils.to_categorical(1, 2), to_categorical(1, 2)\n",
    ),
    "import: tensorflow.python.keras": (
        "from tensorflow.python.keras import layers\nfrom tensorflow.python.keras.utils.generic_utils import get_custom_objects\n\nx = layers.LeakyReLU(alpha=1)\n",
        "from keras import layers\nfrom keras.saving import get_custom_objects\n\nx = layers.LeakyReLU(negative_slope=1)\n",
    ),
    "import: tensorflow_core and the v2 api": (
        "from tensorflow_core.python.keras.layers import Dense\nimport tensorflow.compat.v2 as tf\n\nx = tf.keras.layers.Dense(1)\n",
        "from keras.layers import Dense\nimport keras\n\nx = keras.layers.Dense(1)\n",
    ),
    "import: tf_keras": (
        "import tf_keras as keras\nfrom tf_keras import layers\n\nx = keras.layers.LeakyReLU(alpha=1), layers.LeakyReLU(alpha=2)\n",
        "import keras\nfrom keras import layers\n\nx = keras.layers.LeakyReLU(negative_slope=1), layers.LeakyReLU(negative_slope=2)\n",
    ),
    "import: the backend's backend": (
        "import keras.backend.tensorflow_backend as KTF\n\nx = KTF.sum(y)\n",
        "import keras\n\nx = keras.ops.sum(y)\n",
    ),
    "import: a pair of tries, both old": (
        "try:\n    from keras.engine.topology import Layer\nexcept ImportError:\n    from keras.engine.base_layer import Layer\n\n\nclass A(Layer):\n    def build(self, s):\n        self.add_weight('w', s)\n",
        "try:\n    from keras import Layer\nexcept ImportError:\n    from keras import Layer\n\n\nclass A(Layer):\n    def build(self, s):\n        self.add_weight(name='w', shape=s)\n",
    ),
    "import: a pair of tries with backend": (
        "try:\n    import tensorflow.keras as keras\n    from tensorflow.keras import backend as K\nexcept ImportError:\n    import keras\n    from keras import backend as K\nx = K.sum(1), keras.layers.LeakyReLU(alpha=0.2)\n",
        "try:\n    import keras\nexcept ImportError:\n    import keras\nx = keras.ops.sum(1), keras.layers.LeakyReLU(negative_slope=0.2)\n",
    ),
    "import: a branch on the version": (
        "import tensorflow as tf\n\nif tf.__version__ >= '2':\n    from tensorflow.keras.layers import LeakyReLU\nelse:\n    from keras.layers import LeakyReLU\nx = LeakyReLU(alpha=0.2)\n",
        "import tensorflow as tf\n\nif tf.__version__ >= '2':\n    from keras.layers import LeakyReLU\nelse:\n    from keras.layers import LeakyReLU\nx = LeakyReLU(negative_slope=0.2)\n",
    ),
    "import: importlib": (
        "import importlib\n\nk = importlib.import_module('tensorflow.keras')\nl = importlib.import_module('keras.layers.core')\nm = __import__('tensorflow.keras', fromlist=['layers'])\n",
        "import importlib\n\nk = importlib.import_module('keras')\nl = importlib.import_module('keras.layers')\nm = __import__('keras', fromlist=['layers'])\n",
    ),
    "import: stars": (
        "from tensorflow.keras.layers import *\nfrom keras.layers.core import *\nfrom keras.backend import *\n\nx = LeakyReLU(alpha=1), Dense(2), concatenate([1, 2])\n",
        "import keras\nfrom keras.layers import *\nfrom keras.layers import *\nfrom keras.backend import *\n\nx = LeakyReLU(negative_slope=1), Dense(2), keras.ops.concatenate([1, 2], axis=-1)\n",
    ),
    "import: TYPE_CHECKING": (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from tensorflow.keras import Model\n    from keras.engine.training import Model as M\n\n\ndef f(m: 'Model', n: 'M'):\n    return m\n",
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from keras import Model\n    from keras import Model as M\n\n\ndef f(m: 'Model', n: 'M'):\n    return m\n",
    ),
    "import: tf's own names of Keras": (
        "import tensorflow as tf\n\nx = tf.optimizers.Adam(lr=0.1), tf.losses.Reduction.NONE, tf.zeros(1)\n",
        "import keras\nimport tensorflow as tf\n\nx = keras.optimizers.Adam(learning_rate=0.1), 'none', tf.zeros(1)\n".replace(
            "'", '"'
        ),
    ),
    "import: an alias made below": (
        "import tensorflow as tf\n\nL = tf.keras.layers\nkeras = tf.keras\nx = L.LeakyReLU(alpha=1), keras.Model\n",
        "import keras\n\nL = keras.layers\nimport keras\nx = L.LeakyReLU(negative_slope=1), keras.Model\n",
    ),
    "import: a class by assignment": (
        "import tensorflow as tf\n\nLeaky = tf.keras.layers.LeakyReLU\nLayer = tf.keras.layers.Layer\n\n\nclass A(Layer):\n    def build(self, s):\n        self.act = Leaky(alpha=1)\n        self.add_weight('w', s)\n",
        "import keras\n\nLeaky = keras.layers.LeakyReLU\nLayer = keras.layers.Layer\n\n\nclass A(Layer):\n    def build(self, s):\n        self.act = Leaky(negative_slope=1)\n        self.add_weight(name='w', shape=s)\n",
    ),
    "import: comments in parentheses": (
        "from keras.utils import (\n    # one\n    to_categorical,  # cat\n    get_custom_objects,  # objs\n)\n\nx = to_categorical, get_custom_objects()\n",
        "# objs\nfrom keras.saving import get_custom_objects\nfrom keras.utils import (\n    # one\n    to_categorical,  # cat\n)\n\nx = to_categorical, get_custom_objects()\n",
    ),
    "import: inside a function": (
        "def f():\n    from keras.layers.merge import concatenate  # late\n    from tensorflow.keras import backend as K\n\n    return concatenate([K.zeros_like(1)])\n",
        "def f():\n    from keras.layers import concatenate  # late\n    import keras\n\n    return concatenate([keras.ops.zeros_like(1)])\n",
    ),
    # -- roundabout ways --------------------------------------------------------------------------------------------
    "getattr": (
        "import keras\n\nx = getattr(keras.layers, 'LeakyReLU')(alpha=0.3)\ny = getattr(keras.optimizers, 'Adam')(lr=0.1)\n",
        "import keras\n\nx = getattr(keras.layers, 'LeakyReLU')(negative_slope=0.3)\ny = getattr(keras.optimizers, 'Adam')(learning_rate=0.1)\n",
    ),
    "getattr of an attribute": (
        "import keras\n\nopt = keras.optimizers.Adam()\nsetattr(opt, 'lr', 0.1)\nprint(getattr(opt, \"lr\"), hasattr(opt, 'lr'))\n",
        "import keras\n\nopt = keras.optimizers.Adam()\nsetattr(opt, 'learning_rate', 0.1)\nprint(getattr(opt, \"learning_rate\"), hasattr(opt, 'learning_rate'))\n",
    ),
    "functools.partial": (
        "import functools\nfrom functools import partial\nfrom tensorflow.keras.optimizers import Adam\nfrom tensorflow.keras.layers import LeakyReLU, Embedding\n\na = functools.partial(Adam, lr=0.1)\nb = partial(LeakyReLU, alpha=0.1)\nc = partial(Embedding, 3, 4, input_length=5)\nd = partial(\n    Embedding,\n    input_dim=3,  # words\n    input_length=5,\n)\n",
        "import functools\nfrom functools import partial\nfrom keras.optimizers import Adam\nfrom keras.layers import LeakyReLU, Embedding\n\na = functools.partial(Adam, learning_rate=0.1)\nb = partial(LeakyReLU, negative_slope=0.1)\nc = partial(Embedding, 3, 4)\nd = partial(\n    Embedding,\n    input_dim=3,  # words\n)\n",
    ),
    "f-strings": (
        "from tensorflow import keras\nfrom tensorflow.keras import backend as K\n\nopt = keras.optimizers.SGD()\nprint(f'ä {opt.lr:.3f} {{x}} {K.int_shape(y)!r:>{w}}', f'{opt.lr}' f\"{K.sum(x)}\", f'''{\n    K.mean(x)\n}''')\n",
        "import keras\n\nopt = keras.optimizers.SGD()\nprint(f'ä {opt.learning_rate:.3f} {{x}} {tuple(y.shape)!r:>{w}}', f'{opt.learning_rate}' f\"{keras.ops.sum(x)}\", f'''{\n    keras.ops.mean(x)\n}''')\n",
    ),
    "decorators": (
        "import tensorflow as tf\n\n\n@tf.keras.utils.register_keras_serializable(package='a')  # ours\nclass A(tf.keras.layers.Layer):\n    @tf.keras.utils.custom_object_scope({})\n    def f(self):\n        pass\n",
        "import keras\n\n\n@keras.saving.register_keras_serializable(package='a')  # ours\nclass A(keras.layers.Layer):\n    @keras.saving.custom_object_scope({})\n    def f(self):\n        pass\n",
    ),
    "nested functions and class attributes": (
        "from tensorflow import keras\nfrom tensorflow.keras import backend as K\n\n\nclass T:\n    model = keras.Sequential()\n\n    def go(self):\n        def inner(x):\n            return lambda: K.sum(x)\n\n        self.net = keras.Sequential()\n        self.net.save_weights('w.h5')\n        return inner\n",
        "import keras\n\n\nclass T:\n    model = keras.Sequential()\n\n    def go(self):\n        def inner(x):\n            return lambda: keras.ops.sum(x)\n\n        self.net = keras.Sequential()\n        self.net.save_weights('w.weights.h5')\n        return inner\n",
    ),
    "a scale of the loss by position, behind `dynamic`": (
        "import keras\n\no = keras.mixed_precision.LossScaleOptimizer(\n    keras.optimizers.SGD(),  # inside\n    True,\n    128.0,\n)\n",
        "import keras\n\no = keras.mixed_precision.LossScaleOptimizer(\n    keras.optimizers.SGD(),  # inside\n    initial_scale=128.0,\n)\n",
    ),
    # -- layers -----------------------------------------------------------------------------------------------------
    "add_weight by position, over lines": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def build(self, s):\n        self.w = self.add_weight(\n            'w',  # its name\n            (s[-1], 1),\n            initializer='zeros',\n        )\n",
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def build(self, s):\n        self.w = self.add_weight(\n            name='w',  # its name\n            shape=(s[-1], 1),\n            initializer='zeros',\n        )\n",
    ),
    "dynamic=False": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def __init__(self, **kw):\n        super(A, self).__init__(dynamic=False, **kw)\n",
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def __init__(self, **kw):\n        super(A, self).__init__(**kw)\n",
    ),
    "Embedding(weights=)": (
        "from keras.layers import Embedding\n\ne = Embedding(3, 4,\n              weights=[table],  # learned\n              trainable=False)\n",
        "import keras\nfrom keras.layers import Embedding\n\ne = Embedding(3, 4,\n              embeddings_initializer=keras.initializers.Constant(table),  # learned\n              trainable=False)\n",
    ),
    "batch_input_shape of a stateful LSTM": (
        "from keras.models import Sequential\nfrom keras.layers import LSTM\n\nm = Sequential()\nm.add(LSTM(2, batch_input_shape=(1, 3, 4), stateful=True))\nm.reset_states()\n",
        'import keras\nfrom keras.models import Sequential\nfrom keras.layers import LSTM\n\nm = Sequential()\nm.add(keras.Input(batch_shape=(1, 3, 4)))\nm.add(LSTM(2, stateful=True))\n[layer.reset_states() for layer in m.layers if getattr(layer, "stateful", False)]\n',
    ),
    "get_output_shape_for": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def get_output_shape_for(self, s):\n        return s\n",
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def compute_output_shape(self, s):\n        return s\n",
    ),
    "metrics and layers in loops": (
        "import keras\n\nm = keras.Sequential()\nfor metric in m.metrics:\n    metric.reset_states()\nshapes = [l.output_shape for l in m.layers]\n",
        "import keras\n\nm = keras.Sequential()\nfor metric in m.metrics:\n    metric.reset_state()\nshapes = [l.output.shape for l in m.layers]\n",
    ),
    # -- tf ops -----------------------------------------------------------------------------------------------------
    "tf ops in a functional model": (
        "import tensorflow as tf\nfrom tensorflow.keras import Input, Model\n\ni = Input((3,))\nm = Model(i, tf.reduce_sum(tf.nn.relu(i), axis=1))\n",
        "import keras\nfrom keras import Input, Model\n\ni = Input((3,))\nm = Model(i, keras.ops.sum(keras.ops.relu(i), axis=1))\n",
    ),
    "tf ops in call()": (
        "import tensorflow as tf\n\n\nclass A(tf.keras.layers.Layer):\n    def call(self, x, training=None):\n        return tf.concat([x, tf.exp(x)], -1)\n",
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def call(self, x, training=None):\n        return keras.ops.concatenate([x, keras.ops.exp(x)], -1)\n",
    ),
    "a Lambda": (
        "import tensorflow as tf\n\nl = tf.keras.layers.Lambda(lambda t: tf.reduce_max(t, axis=1))\n",
        "import keras\n\nl = keras.layers.Lambda(lambda t: keras.ops.max(t, axis=1))\n",
    ),
    # -- optimizers -------------------------------------------------------------------------------------------------
    "the old default listing": (
        "from keras.optimizers import Adam\n\no = Adam(lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0, amsgrad=False)\n",
        "from keras.optimizers import Adam\n\no = Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, amsgrad=False)\n",
    ),
    "optimizer.lr in all its uses": (
        "from tensorflow import keras\nfrom tensorflow.keras import backend as K\n\nm = keras.Sequential()\nK.set_value(m.optimizer.lr, K.get_value(m.optimizer.lr) * 0.5)\nm.optimizer.lr = 0.1\nm.optimizer.lr.assign(0.2)\n",
        "import keras\n\nm = keras.Sequential()\nm.optimizer.learning_rate.assign(keras.ops.convert_to_numpy(m.optimizer.learning_rate) * 0.5)\nm.optimizer.learning_rate = 0.1\nm.optimizer.learning_rate.assign(0.2)\n",
    ),
    "legacy and experimental": (
        "from tensorflow import keras\n\na = keras.optimizers.legacy.SGD(lr=1, nesterov=True)\nb = keras.optimizers.experimental.AdamW(1)\n",
        "import keras\n\na = keras.optimizers.SGD(learning_rate=1, nesterov=True)\nb = keras.optimizers.AdamW(1)\n",
    ),
    "optimizer.variables()": (
        "import keras\n\no = keras.optimizers.SGD()\nprint(len(o.variables()))\n",
        "import keras\n\no = keras.optimizers.SGD()\nprint(len(o.variables))\n",
    ),
    "optimizers of tensorflow_addons": (
        "import tensorflow_addons as tfa\n\no = tfa.optimizers.AdamW(1e-4, 1e-3)\n",
        "import keras\n\no = keras.optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-4 / 1e-3)\n",
    ),
    # -- saving -----------------------------------------------------------------------------------------------------
    "HDF5 by its format": (
        "import keras\n\nm = keras.Sequential()\nm.save('a.h5', save_format='h5')\nm.save_weights('w', save_format='tf')\nkeras.models.save_model(m, 'b.h5')\n",
        "import keras\n\nm = keras.Sequential()\nm.save('a.keras')\nm.save_weights('w.weights.h5')\nkeras.models.save_model(m, 'b.keras')\n",
    ),
    "ModelCheckpoint by position": (
        "from keras.callbacks import ModelCheckpoint\n\na = ModelCheckpoint('w.{epoch:02d}.h5', 'val_loss', 1, True, True)\nb = ModelCheckpoint(f'{d}/w-{{epoch}}.hdf5', save_weights_only=True)\nc = ModelCheckpoint('m.h5', period=1)\n",
        "from keras.callbacks import ModelCheckpoint\n\na = ModelCheckpoint('w.{epoch:02d}.weights.h5', 'val_loss', 1, True, True)\nb = ModelCheckpoint(f'{d}/w-{{epoch}}.weights.h5', save_weights_only=True)\nc = ModelCheckpoint('m.keras')\n",
    ),
    # -- data and training ------------------------------------------------------------------------------------------
    "fit_generator over lines": (
        "import keras\n\nm = keras.Sequential()\nm.fit_generator(\n    generator=g,\n    steps_per_epoch=3,  # batches\n    epochs=2,\n    workers=4,\n)\nm.predict_generator(g, 3)\n",
        "import keras\n\nm = keras.Sequential()\nm.fit(\n    x=g,\n    steps_per_epoch=3,  # batches\n    epochs=2,\n)\nm.predict(g, steps=3)\n",
    ),
    "the old Sequence": (
        "from tensorflow import keras\n\n\nclass S(keras.utils.Sequence):\n    pass\n",
        "import keras\n\n\nclass S(keras.utils.PyDataset):\n    pass\n",
    ),
    "keras.preprocessing": (
        "from keras.preprocessing.sequence import pad_sequences\nfrom keras.preprocessing import image\n\nx = pad_sequences([[1]]), image.load_img('a.png')\n",
        "from keras.utils import pad_sequences\nimport keras\n\nx = pad_sequences([[1]]), keras.utils.load_img('a.png')\n",
    ),
    "the learning rate in logs": (
        "import keras\n\nm = keras.Sequential()\nh = m.fit(1, 2, callbacks=[keras.callbacks.ReduceLROnPlateau()])\nprint(h.history['lr'], m.fit(1, 2).history[\"lr\"])\n\n\nclass C(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n        print(logs.get('lr'), logs['lr'])\n",
        "import keras\n\nm = keras.Sequential()\nh = m.fit(1, 2, callbacks=[keras.callbacks.ReduceLROnPlateau()])\nprint(h.history['learning_rate'], m.fit(1, 2).history[\"learning_rate\"])\n\n\nclass C(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n        print(logs.get('learning_rate'), logs['learning_rate'])\n",
    ),
    # -- dtype ------------------------------------------------------------------------------------------------------
    "mixed precision": (
        "from tensorflow.keras.mixed_precision import experimental as mp\n\np = mp.Policy('mixed_float16', loss_scale='dynamic')\nmp.set_policy(p)\n",
        "import keras\n\np = keras.mixed_precision.Policy('mixed_float16')\nkeras.mixed_precision.set_global_policy(p)\n",
    ),
}


@pytest.mark.parametrize("name", EDITED)
def test_comes_out_right(name):
    before, after = EDITED[name]
    done = migrate_source(before, "a.py")
    assert done.text == after
    assert not done.error
    ast.parse(done.text)
    assert migrate_source(done.text, "a.py").text == after


K = "from tensorflow.keras import backend as K\n\n"
TOLD = {
    "import: classes that went with their modules": (
        "from keras.layers.local import LocallyConnected1D\nfrom keras.utils.training_utils import multi_gpu_model\nfrom keras.engine.topology import Container\nfrom keras.objectives import mse\nfrom keras.legacy import interfaces\nfrom keras.utils import tf_utils\n",
        ["KP900", "KP900", "KP903", "KP900", "KP900", "KP900"],
    ),
    "import: companion packages": ("import keras_contrib\nfrom keras_applications import resnet\n", ["KP182", "KP182"]),
    "import: inside tf_keras": ("from tf_keras.src.engine import base_layer\n", ["KP903"]),
    "import: importlib of what is gone": (
        "import importlib\n\nm = importlib.import_module('keras.engine')\n",
        ["KP900"],
    ),
    "import: the backend of TensorFlow 1": ("import tensorflow.compat.v1.keras.backend as K\n", ["KP150"]),
    "import: a name of two things": (
        "import tensorflow as tf\n\nif tf.__version__ < '2':\n    import tensorflow.compat.v1.keras.backend as K\nelse:\n    import tensorflow.keras.backend as K\nx = K.sum(1)\n",
        ["KP150", "KP121"],
    ),
    "import: a name that is given another value": (
        "import keras\nimport other\n\nif other.old:\n    keras = other\nkeras.layers.LeakyReLU(alpha=0.1)\n",
        ["KP121"],
    ),
    "kwargs: merged and updated": (
        "import keras\n\na = {**base, 'lr': 0.1}\nb = dict(base)\nb.update(lr=0.1)\nb.setdefault('lr', 1)\no = keras.optimizers.Adam(**a), keras.optimizers.Adam(**b), keras.optimizers.Adam(**{**base, **dict(lr=1)})\n",
        ["KP321", "KP321", "KP321", "KP321"],
    ),
    "kwargs: handed on by a subclass": (
        "import keras\n\n\nclass A(keras.layers.Dense):\n    def __init__(self, units, **kwargs):\n        super().__init__(units, **kwargs)\n\n\na = A(3, weights=w)\n",
        ["KP242"],
    ),
    "backend: no equal": (
        K + "a = K.learning_phase(), K.gradients(l, v), K.get_session()\n",
        ["KP690", "KP691", "KP691"],
    ),
    "getattr: gone": ("import keras\n\nx = getattr(keras.layers, 'CuDNNLSTM')(3)\n", ["KP243"]),
    "getattr: worked out": ("import keras\n\nx = getattr(keras.layers, name)(3)\n", ["KP120"]),
    "partial: more may come": (
        "import functools\nimport keras\n\na = functools.partial(keras.layers.ConvLSTM2D, 2)\n",
        ["KP317"],
    ),
    "kwargs: a dict by name": (
        "import keras\n\ncfg = dict(lr=0.1)\no = keras.optimizers.Adam(**cfg)\n",
        ["KP321"],
    ),
    "kwargs: a literal": ("import keras\n\nl = keras.layers.LeakyReLU(**{'alpha': 0.1})\n", ["KP203"]),
    "kwargs: filled later": (
        "import keras\n\ncfg = {}\ncfg['input_length'] = 3\ne = keras.layers.Embedding(1, 2, **cfg)\n",
        ["KP204"],
    ),
    "kwargs: handed on by a function": (
        "import keras\n\n\ndef make(**kwargs):\n    return keras.optimizers.Adam(**kwargs)\n\n\nmake(lr=0.1)\n",
        ["KP321"],
    ),
    "classes: one of several": (
        "import keras\n\na = (keras.layers.LeakyReLU if x else keras.layers.ELU)(alpha=1)\nb = (opt or keras.optimizers.SGD)(lr=0.1)\nfor c in (keras.layers.LeakyReLU, keras.layers.ReLU):\n    c(alpha=1)\n",
        ["KP203", "KP321", "KP203"],
    ),
    "classes: in a dict": (
        "import keras\n\nD = {'a': keras.optimizers.Adam, 'b': keras.optimizers.SGD}\no = D[name](lr=0.1)\n",
        ["KP321"],
    ),
    "classes: attributes and defaults": (
        "import keras\n\n\nclass A:\n    act = keras.layers.LeakyReLU\n\n    def __init__(self, made=keras.layers.LeakyReLU):\n        self.made = made\n\n    def f(self):\n        return self.act(alpha=1), self.made(alpha=2)\n",
        ["KP203", "KP203"],
    ),
    "layers: dynamic": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def __init__(self):\n        super().__init__(dynamic=True)\n",
        ["KP2200"],
    ),
    "layers: weights": ("import keras\n\nd = keras.layers.GRU(1, weights=w)\n", ["KP242"]),
    "layers: add_loss of a function": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def call(self, x):\n        self.add_loss(lambda: 1.0)\n        return x\n",
        ["KP226"],
    ),
    "layers: add_metric and add_update": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def call(self, x):\n        self.add_metric(x, name=n)\n        self.add_update(x)\n        return x\n",
        ["KP240", "KP2900"],
    ),
    "layers: weights set by hand": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def build(self, s):\n        self.trainable_weights = [s]\n",
        ["KP228"],
    ),
    "layers: add_weight in the order of Keras 1": (
        "import keras\n\n\nclass A(keras.layers.Layer):\n    def build(self, s):\n        self.add_weight((1,), 'zeros', name='e')\n",
        ["KP201"],
    ),
    "layers: CuDNN and local ones": (
        "from keras import layers\n\na = layers.Bidirectional(layers.CuDNNGRU(3)), layers.LocallyConnected2D(1, 2)\n",
        ["KP243", "KP243"],
    ),
    "train_step": (
        "import keras\n\n\nclass M(keras.Model):\n    def train_step(self, data):\n        loss = self.compiled_loss(1, 2)\n        self.compiled_metrics.update_state(1, 2)\n        return loss\n",
        ["KP520", "KP520"],
    ),
    "loops: scaled losses": (
        "import keras\n\no = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD())\nl = o.get_scaled_loss(1.0)\ng = o.get_unscaled_gradients([l])\n",
        ["KP709", "KP710"],
    ),
    "optimizers: one's own": (
        "import keras\n\n\nclass O(keras.optimizers.Optimizer):\n    def get_updates(self, loss, params):\n        return []\n\n    def _resource_apply_dense(self, grad, var):\n        return var\n",
        ["KP907", "KP907"],
    ),
    "optimizers: of tensorflow_addons": (
        "import tensorflow_addons as tfa\nimport keras\n\no = tfa.optimizers.NovoGrad()\n",
        ["KP152"],
    ),
    "optimizers: Nadam's schedule": ("import keras\n\no = keras.optimizers.Nadam(schedule_decay=0.004)\n", ["KP325"]),
    "saving: folders": (
        "import keras\n\nm = keras.Sequential()\nm.save('out/')\nkeras.models.save_model(m, 'b', save_format='tf')\nn = keras.models.load_model('other/')\n",
        ["KP403", "KP412", "KP410"],
    ),
    "saving: the same name for two things": (
        "import keras\n\nm = keras.Sequential()\nm.save('a.h5')\nm.save_weights('a.h5')\n",
        ["KP402", "KP401"],
    ),
    "saving: one name for two kinds of checkpoints": (
        "import keras\n\nP = 'w.{epoch}.hdf5'\na = keras.callbacks.ModelCheckpoint(P, save_weights_only=True)\nb = keras.callbacks.ModelCheckpoint(P)\n",
        ["KP404", "KP405"],
    ),
    "saving: read by name": (
        "import keras\n\nm = keras.Sequential()\nm.save_weights('a.h5')\nm.load_weights('a.h5', by_name=True)\n",
        ["KP401", "KP413"],
    ),
    "saving: checkpoints of TensorFlow": (
        "import keras\n\nm = keras.Sequential()\nm.load_weights('out/cp.ckpt')\n",
        ["KP415"],
    ),
    "saving: a flag that is worked out": (
        "import keras\n\nc = keras.callbacks.ModelCheckpoint('a.h5', save_weights_only=flag)\n",
        ["KP411"],
    ),
    "saving: period": (
        "import keras\n\nc = keras.callbacks.ModelCheckpoint('a.keras', period=5)\nd = keras.callbacks.ModelCheckpoint('a.keras', 'loss', 0, True, False, 'auto', 1)\n",
        ["KP407", "KP414"],
    ),
    "data: scikit-learn wrappers": ("from keras.wrappers.scikit_learn import KerasClassifier\n", ["KP153"]),
    "distribution: multi_gpu_model": ("from keras.utils import multi_gpu_model\n", ["KP812"]),
    "distribution: strategies": (
        "import tensorflow as tf\nimport keras\n\ns = tf.distribute.experimental.CentralStorageStrategy()\n",
        ["KP815"],
    ),
    "dtype: fixed loss scale": (
        "from keras import mixed_precision\n\np = mixed_precision.Policy('mixed_float16', loss_scale=128)\n",
        ["KP712"],
    ),
    "dtype: graph rewrite": (
        "import tensorflow as tf\nimport keras\n\no = tf.train.experimental.enable_mixed_precision_graph_rewrite(keras.optimizers.SGD())\n",
        ["KP713"],
    ),
    "a fixed scale of the loss": (
        "import keras\n\no = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(), dynamic=False, initial_scale=8.0)\np = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=8.0)\n",
        ["KP715"],
    ),
    "stateless_call": (
        "import keras\n\nm = keras.Sequential()\ny = m.stateless_call(a, b, x, training=True)\nprint(y)\n",
        ["KP524"],
    ),
    "strings: val_acc": (
        "import keras\n\nm = keras.Sequential()\nm.compile('sgd', 'mse', metrics=seen)\ne = keras.callbacks.EarlyStopping(monitor='val_acc'), keras.callbacks.ModelCheckpoint('a.keras', 'val_acc')\nprint(m.fit(1, 2).history['acc'])\n",
        ["KP527", "KP527", "KP526"],
    ),
    "strings: a file named by val_acc": (
        "import keras\n\nc = keras.callbacks.ModelCheckpoint('w-{val_acc:.2f}.keras')\n",
        ["KP528"],
    ),
    "strings: nobody seems to log lr": (
        "import keras\n\nm = keras.Sequential()\nprint(m.fit(1, 2, callbacks=ours).history['lr'])\n",
        ["KP525"],
    ),
    "strings: a history from elsewhere": (
        "import keras\n\nprint(history.history['lr'])\n",
        ["KP525"],
    ),
    "tf ops without an equal": (
        "import tensorflow as tf\nimport keras\n\nlayer = keras.layers.ReLU()\n\n\ndef f(x):\n    return tf.nn.depth_to_space(layer(x), 2)\n",
        ["KP681"],
    ),
    "Input of a type": (
        "import tensorflow as tf\nimport keras\n\ni = keras.Input(type_spec=tf.TensorSpec((None, 2)))\n",
        ["KP961"],
    ),
    "strings: metrics_names": ("import keras\n\nm = keras.Sequential()\nprint(m.metrics_names)\n", ["KP521"]),
    "never existed": (
        "import keras\nimport keras_hdf5\nfrom keras.src import backend\n\nm = keras.Sequential()\nm.save('a.keras', shard_size=1)\nkeras.models.save_model(m, 'a.keras', shard_size=1)\nm.save('a.keras', max_shard_size=1)\nkeras.config.set_legacy_mode(True)\n",
        ["KP902", "KP903", "KP901", "KP901", "KP906", "KP900"],
    ),
    "f-string that can't hold it": (
        'import keras\n\nprint(f"{keras.losses.Reduction.NONE}")\n',
        ["KP311"],
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_is_told_and_left(name):
    text, wanted = TOLD[name]
    done = migrate_source(text, "a.py")
    rest = [f for f in done.findings if f.outcome is not Outcome.FIXED]
    assert [f.rule for f in rest] == wanted, [f"{f.rule} {f.message}" for f in rest]
    assert all(f.fix for f in rest)
    assert not done.error
    pressed = migrate_source(text, "a.py", unsafe=True)
    assert not pressed.error
    assert migrate_source(pressed.text, "a.py", unsafe=True).text == pressed.text


KEPT = {
    "a pair that serves both": "try:\n    from keras.layers import LSTM\nexcept ImportError:\n    from tensorflow.keras.layers import LSTM\n",
    "importlib of what is there": "import importlib\n\nm = importlib.import_module('keras.layers')\n",
    "getattr of another thing": "import keras\n\nx = getattr(shop, 'lr'), getattr(keras.layers, 'Dense')(3), hasattr(keras.layers, 'CuDNNGRU')\n",
    "a getattr of one's own": "import keras\n\n\ndef getattr(a, b):\n    return a\n\n\nx = getattr(keras.layers, 'CuDNNGRU')\n",
    "partial of another thing": "import functools\nimport keras\n\nx = functools.partial(print, lr=0.1)\n",
    "another thing of several": "import keras\n\nD = {'a': print, 'b': keras.layers.Dense}\nD[name](lr=0.1)\nD[name](alpha=1)\n(a or b)(lr=1)\n",
    "kwargs that go elsewhere": "import keras\n\ncfg = dict(lr=0.1)\nprint(**cfg)\nd = keras.layers.Dense(3, **{'name': 'a'})\n",
    "sharded weights": "import keras\n\nm = keras.Sequential()\nm.save_weights('m.weights.json', max_shard_size=1)\n",
    "stateless_call taken apart": "import keras\n\nm = keras.Sequential()\ny, state = m.stateless_call(a, b, x)\nz = m.stateless_call(a, b, x)[0]\nboth = m.stateless_call(a, b, x)\ny, state = both\n",
    "acc that the model is compiled with": "import keras\n\nm = keras.Sequential()\nm.compile('sgd', 'mse', metrics=['acc'])\nprint(m.fit(1, 2).history['val_acc'])\n",
    "lr that the callback logs itself": "import keras\n\n\nclass C(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n        logs['lr'] = 1\n        print(logs['lr'])\n",
    "lr that a callback here logs": "import keras\n\n\nclass C(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n        logs['lr'] = 1\n\n\nm = keras.Sequential()\nprint(m.fit(1, 2, callbacks=[C()]).history['lr'])\n",
    "methods of both names": "import keras\n\n\nclass M(keras.metrics.Metric):\n    def reset_state(self):\n        pass\n\n    def reset_states(self):\n        return self.reset_state()\n",
    "lr in another object's history": "import keras\n\nclr = CyclicLR()\nprint(clr.history['lr'], clr.history['acc'])\n",
    "lr in another dict": "import keras\n\nsettings = read()\nprint(settings['lr'], settings.get('acc'))\n",
    "a strategy that works": "import tensorflow as tf\nimport keras\n\nwith tf.distribute.MirroredStrategy().scope():\n    m = keras.Sequential()\n",
    "a parameter named model": "import keras\n\n\ndef f(model, optimizer):\n    model.save('a.h5')\n    print(optimizer)\n",
    "TF 1's losses": "import tensorflow as tf\nimport keras\n\nl = tf.losses.softmax_cross_entropy(1, 2), tf.metrics.accuracy(1, 2)\n",
    "a layer's own methods": "import keras\n\n\nclass A(keras.layers.Layer):\n    def compute_mask(self, x, mask=None):\n        return mask\n\n    def compute_output_shape(self, s):\n        return s[:-1] + (3,)\n\n    def get_config(self):\n        return dict(list(super().get_config().items()) + [('a', 1)])\n",
    "TimeDistributed and input_shape": "import keras\n\nm = keras.Sequential([keras.layers.TimeDistributed(keras.layers.Dense(2), input_shape=(3, 2))])\n",
    "dunder names": "import keras\n\nprint(keras.__version__, keras.layers.__name__, keras.layers.__dict__)\n",
}


@pytest.mark.parametrize("name", KEPT)
def test_is_kept_without_a_word(name):
    text = KEPT[name]
    done = migrate_source(text, "a.py", unsafe=True)
    assert done.text == text
    assert [f"{f.rule} {f.message}" for f in done.findings] == []
    assert not done.error


REEXPORTS = {
    "compat.py": "try:\n    from tensorflow import keras\n    from tensorflow.keras import backend as K\nexcept ImportError:\n    import keras\n    from keras import backend as K\n",
    "layers.py": "from .compat import keras\n\n\nclass Base(keras.layers.Layer):\n    pass\n",
}


def test_what_a_neighbouring_file_hands_on_is_followed(tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name, text in REEXPORTS.items():
        (package / name).write_text(text)
    text = "from .compat import K, keras\n\nx = K.sum(1), keras.layers.LeakyReLU(alpha=0.1)\n"
    here = package / "a.py"
    here.write_text(text)
    done = migrate_source(text, str(here), neighbours=Neighbours(here))
    assert done.text.endswith("x = keras.ops.sum(1), keras.layers.LeakyReLU(negative_slope=0.1)\n")
    assert "import" in done.text


def test_a_file_that_is_not_understood_is_never_called_fine():
    for text in ("import keras\nprint 'Python 2'\n", "import keras\nx = (\n", "from keras import *\n\tx = 1\n"):
        done = migrate_source(text, "a.py", unsafe=True)
        assert done.text == text
        assert done.error
        assert [f.outcome for f in done.findings] == [Outcome.FAILED]


@pytest.mark.parametrize("name", EDITED)
def test_no_import_is_lost_or_left_over(name):
    """Every name that is read is bound, as it was; every import of Keras that was used, is."""
    before, after = (_names(text) for text in EDITED[name])
    assert after["read"] - after["bound"] <= before["read"] - before["bound"] | set(dir(builtins))
    left = {n for n in after["imported"] - after["read"] - after["said"] if n in before["read"]}
    assert not left, f"imported and used by nothing: {left}"


def _names(text):
    found = {"read": set(), "said": set(), "bound": set(), "imported": set()}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            found["read" if isinstance(node.ctx, ast.Load) else "bound"].add(node.id)
        elif isinstance(node, ast.alias) and node.name != "*":
            found["imported"].add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found["bound"].add(node.name)
        elif isinstance(node, ast.arg):
            found["bound"].add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found["said"].add(node.value)
    found["bound"] |= found["imported"]
    return found
