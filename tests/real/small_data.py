"""What stands between a script and the world while it is run: made-up data of the same shapes, and short training.

Used by script_side, once a process, before any script. Everything is patched on both Kerases alike: `keras.datasets`,
`get_file`, `tfds.load`, `pandas.read_csv`, pretrained weights (random instead), `fit` and its kin (two steps), plots
(nothing is drawn). A download that isn't known here raises: such a script isn't counted.
"""

import contextlib
import functools
import importlib
import importlib.abc
import importlib.machinery
import inspect
import pkgutil
import sys
import types
import urllib.request
from unittest.mock import MagicMock

import make_files

STEPS = 2
ROWS = 128
"""How many rows `predict` really looks at; the rest of its answer repeats them."""
STUBS = ("matplotlib", "seaborn", "imageio", "pydot", "cv2", "plotly", "pylab", "mpl_toolkits", "tensorflow_docs")


class Stub(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Plotting packages that swallow everything."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in (*STUBS, "IPython", "google") and not name.startswith("google.protobuf"):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = Anything(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        return None


class Anything(types.ModuleType):
    """A module whose every attribute takes every call."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "subplots":
            return subplots
        if name == "get_cmap":
            return lambda *a, **k: lambda values: __import__("numpy").zeros((*__import__("numpy").shape(values), 4))
        return MagicMock(name=f"{self.__name__}.{name}")


def subplots(nrows=1, ncols=1, *args, **kwargs):
    import numpy as np

    axes = np.empty((nrows, ncols), object)
    for index in np.ndindex(axes.shape):
        axes[index] = MagicMock()
    return MagicMock(), axes[0, 0] if nrows == ncols == 1 else axes.reshape(-1) if 1 in (nrows, ncols) else axes


class Shim:
    """Everything that is patched, and the losses that training gave."""

    def __init__(self, side):
        self.losses = []
        sys.meta_path.append(Stub())
        if side == "legacy":
            self.keras = legacy()
        else:
            import tensorflow  # noqa: F401

            self.keras = importlib.import_module("keras")
        import tensorflow as tf

        self.tf = tf
        import numpy as np

        for name, kind in {"float": float, "int": int, "bool": bool, "object": object}.items():
            if name not in vars(np):  # NumPy's doing, not Keras's: they were removed in 1.24
                setattr(np, name, kind)
        _ = tf.keras.layers.Dense, tf.keras.applications, tf.keras.datasets.mnist, tf.keras.utils.get_file
        self.data()
        if side == "legacy":
            self.addons()
        self.downloads()
        self.weights()
        self.training()

    def everywhere(self, old, new):
        """Every module of Keras that holds this object holds the new one."""
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in ("keras", "tf_keras", "tensorflow") and isinstance(module, types.ModuleType):
                for key, value in list(vars(module).items()):
                    if value is old:
                        setattr(module, key, new)

    def data(self):
        for name, maker in make_files.DATASETS.items():
            module = getattr(self.keras.datasets, name, None)
            if module is None:
                continue
            self.everywhere(module.load_data, maker)
            if hasattr(module, "get_word_index"):
                self.everywhere(module.get_word_index, make_files.word_index)
        tfds = types.ModuleType("tensorflow_datasets")
        tfds.load = make_files.tfds_load
        tfds.disable_progress_bar = lambda: None
        tfds.as_numpy = lambda dataset: dataset.as_numpy_iterator()
        tfds.__spec__ = importlib.machinery.ModuleSpec("tensorflow_datasets", None)
        sys.modules["tensorflow_datasets"] = tfds

    def addons(self):
        """The one class of TensorFlow Addons that many scripts use; the package doesn't go with this TensorFlow."""
        addons = types.ModuleType("tensorflow_addons")
        addons.optimizers = types.ModuleType("tensorflow_addons.optimizers")
        addons.optimizers.AdamW = self.keras.optimizers.AdamW
        for module in (addons, addons.optimizers):
            module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
            sys.modules[module.__name__] = module

    def downloads(self):
        self.everywhere(self.keras.utils.get_file, make_files.get_file)

        def retrieve(url, filename=None, *args, **kwargs):
            return make_files.get_file(filename or url.rsplit("/", 1)[-1], url), None

        urllib.request.urlretrieve = retrieve
        try:
            import pandas as pd
        except ImportError:
            return
        read = pd.read_csv

        @functools.wraps(read)
        def read_csv(source, *args, **kwargs):
            if isinstance(source, str) and "://" in source:
                source = make_files.get_file(source.split("?")[0].rsplit("/", 1)[-1], source)
            return read(source, *args, **kwargs)

        pd.read_csv = read_csv

    def weights(self):
        package = self.keras.src.applications if hasattr(self.keras, "src") else self.keras.applications
        for info in pkgutil.iter_modules(package.__path__):
            if info.name.endswith("_test"):
                continue
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            for name, value in list(vars(module).items()):
                if inspect.isfunction(value) and "weights" in inspect.signature(value).parameters and name[0].isupper():
                    self.everywhere(value, without_weights(value))

    def training(self):
        for name in ("fit", "fit_generator", "evaluate", "evaluate_generator", "predict", "predict_generator"):
            old = getattr(self.keras.Model, name, None)
            if old is not None:
                setattr(self.keras.Model, name, self.short(name, old))
        for name in ("train_on_batch", "test_on_batch"):
            setattr(self.keras.Model, name, self.noted(getattr(self.keras.Model, name)))

    def noted(self, method):
        @functools.wraps(method)
        def wrapper(model, *args, **kwargs):
            result = method(model, *args, **kwargs)
            self.note(result)
            return result

        return wrapper

    def note(self, result):
        import numpy as np

        with contextlib.suppress(TypeError, ValueError, IndexError, StopIteration):
            self.losses.append(float(np.ravel(next(iter(result.values())) if isinstance(result, dict) else result)[0]))

    def short(self, name, method):
        signature = inspect.signature(method)

        @functools.wraps(method)
        def wrapper(model, *args, **kwargs):
            try:
                given = signature.bind(model, *args, **kwargs).arguments
            except TypeError:  # the call is wrong on this Keras: let it say so itself
                return method(model, *args, **kwargs)
            if getattr(model, "_kparity_short", False):
                return method(model, *args, **kwargs)
            given = {**{k: v for k, v in given.items() if k not in ("self", "kwargs")}, **given.get("kwargs", {})}
            model.__dict__["_kparity_short"] = True
            try:
                return self.call(name, method, model, given)
            finally:
                model.__dict__.pop("_kparity_short", None)

        return wrapper

    def call(self, name, method, model, given):
        tf = self.tf
        if name.startswith("fit"):
            first = given.get("initial_epoch", 0) or 0
            given["epochs"] = min(given.get("epochs", 1), first + 1)
        source = "generator" if name.endswith("_generator") else "x"
        x = given.get(source)
        batch = given.get("batch_size") or 32
        arrays = is_arrays(x, tf)
        rows = None
        if arrays:
            fraction = given.get("validation_split") or 0.0
            rows = ROWS if name == "predict" else int(STEPS * batch / (1 - fraction) + 0.5)
            if name == "predict":
                rows = max(batch, rows // batch * batch)
            total = length(x, tf)
            for key in ("x", "y", "sample_weight"):
                if given.get(key) is not None and is_arrays(given[key], tf):
                    given[key] = cut(given[key], rows, tf)
        elif isinstance(x, tf.data.Dataset):
            given["x"] = x.take(STEPS if name != "predict" or endless(x) else 8)
        for key in ("steps_per_epoch", "steps"):
            if given.get(key) is not None:
                given[key] = min(int(given[key]), STEPS)
                if name == "fit" and arrays:
                    del given[key]
        if not arrays and not isinstance(x, tf.data.Dataset) and name != "predict_generator" and x is not None:
            key = "steps_per_epoch" if name.startswith("fit") else "steps"
            if name != "predict":
                given.setdefault(key, STEPS)
        checks = given.get("validation_data")
        if checks is not None:
            if isinstance(checks, (tuple, list)):
                given["validation_data"] = tuple(cut(c, STEPS * batch, tf) if is_arrays(c, tf) else c for c in checks)
            elif isinstance(checks, tf.data.Dataset):
                given["validation_data"] = checks.take(STEPS)
            else:
                given["validation_steps"] = STEPS
        if given.get("validation_steps"):
            given["validation_steps"] = min(given["validation_steps"], STEPS)
        result = method(model, **given)
        if name.startswith("fit"):
            history = getattr(result, "history", {})
            self.note(history.get("loss", []))
        if name == "predict" and arrays and total > rows:
            return tf.nest.map_structure(lambda part: repeat(part, rows, total), result)
        return result


def without_weights(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        given = inspect.signature(function).bind(*args, **kwargs).arguments
        if given.get("weights", "imagenet") == "imagenet":
            given["weights"] = None
        extra = given.pop("kwargs", {})
        return function(**given, **extra)

    return wrapper


def is_arrays(value, tf):
    """Arrays with rows, alone or in lists and dicts."""
    parts = tf.nest.flatten(value)
    return bool(parts) and all(hasattr(p, "shape") and hasattr(p, "dtype") and len(p.shape) for p in parts)


def length(value, tf):
    return int(tf.nest.flatten(value)[0].shape[0])


def cut(value, rows, tf):
    return tf.nest.map_structure(lambda part: part[:rows], value)


def endless(dataset):
    return int(dataset.cardinality()) == -1


def repeat(part, rows, total):
    import numpy as np

    if not len(part) or len(part) % rows:  # an answer that isn't one row a row
        return part
    times = -(-total // rows)
    return np.concatenate([part] * times)[: total * (len(part) // rows)]


OLD_LAYERS = {
    "advanced_activations", "convolutional", "convolutional_recurrent", "core", "embeddings", "local", "merge", "noise",
    "normalization", "pooling", "recurrent", "wrappers",
}  # fmt: skip


class KerasIsTfKeras(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import keras` gives tf_keras, as on compare's legacy side; old module paths, too, where tf_keras has them."""

    def find_spec(self, name, path=None, target=None):
        if name == "keras" or name.startswith("keras."):
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        try:
            return importlib.import_module("tf_" + spec.name)
        except ModuleNotFoundError:  # modules that Keras 2 had for long, private or merged in its last version
            if spec.name.rsplit(".", 1)[-1] in OLD_LAYERS and spec.name.startswith("keras.layers."):
                return importlib.import_module("tf_keras.layers")
            return importlib.import_module("tf_keras.src" + spec.name[len("keras") :])

    def exec_module(self, module):
        return None


def legacy():
    sys.meta_path.insert(0, KerasIsTfKeras())
    import tensorflow  # noqa: F401

    return importlib.import_module("tf_keras")
