"""The user's model file: imported, asked for its model and its data, and cut into the batches of a training.

In: a path, the names of its two functions. Out: a compiled model; batches (x, y, sample weights) as NumPy arrays in
the order that `fit` would train on them, with one difference: shuffles come from a generator that both sides share.
Called by the capture process.
"""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import inspect
import itertools
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture.loop_source import exported, instrument
from kparity.capture.sides import Side


class SubjectError(Exception):
    """Something about the user's file that the user can mend. The message says what and how."""


@dataclass(frozen=True)
class Subject:
    """The user's module and its two functions. See `capture.program` for the other kind, which answers alike."""

    module: ModuleType
    build_model: Callable[[], Any]
    load_data: Callable[[], Any]
    ready = False
    """Whether asking for the data has made a model, too."""
    predicted = False
    """Whether a model was asked for predictions before, which then may be part of the data."""
    raised = None
    """What ended it between two batches; only a program gives batches one by one."""

    def data(self, steps: int) -> Any:
        """What the data function returns."""
        return self.load_data()

    def model(self) -> Any:
        """A new model."""
        return self.build_model()

    def notes(self) -> list[str]:
        """What a reader of the verdict should know of how the file was run."""
        return []

    @property
    def name(self) -> str:
        """What makes the model, in words."""
        return f"{self.build_model.__name__}()"


@dataclass(frozen=True)
class FitArguments:
    """What `fit` would be given: the fields are its arguments of the same names."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    batch_size: int | None = None
    validation_data: Any = None
    class_weight: dict[int, float] | None = None
    shuffle: bool = True
    callbacks: Any = None
    steps_per_epoch: int | None = None


class Kept:
    """What can be gone through only once, kept as it comes: the second time through gives the same again."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.source = source
        self.batches: list[Any] = []
        self.rounds = 0

    def __iter__(self) -> Iterator[Any]:
        self.rounds += 1
        yield from self.batches
        for batch in self.source:
            batch = tf.nest.map_structure(lambda value: None if value is None else np.array(value), batch)
            self.batches.append(batch)
            yield batch


IGNORED = {
    *("epochs", "verbose", "initial_epoch", "validation_steps", "validation_batch_size", "validation_freq"),
    *("max_queue_size", "workers", "use_multiprocessing"),
}
"""Arguments of `fit` that change nothing of what is compared."""


def load(path: Path, origin: Path, model: str, data: str, arguments: tuple[str, ...] = ()) -> Subject:
    """Import the file at `path` as if it stood at `origin`, whose folder is importable as for a script."""
    sys.path.insert(0, str(origin.parent))
    sys.argv = [str(origin), *arguments]
    spec = importlib.util.spec_from_file_location(origin.stem, path)
    if spec is None or spec.loader is None:
        raise SubjectError(f"{origin} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(origin)
    sys.modules[origin.stem] = module
    spec.loader.exec_module(module)
    functions = {}
    for purpose, name in (("--model", model), ("--data", data)):
        function = getattr(module, name, None)
        if not callable(function):
            raise SubjectError(f"{origin} has no function {name}(): name another with {purpose}")
        functions[purpose] = function
    return Subject(module, functions["--model"], functions["--data"])


def replace_code(files: dict[str, str], own: Collection[str] = ()) -> frozenset[str]:
    """Wherever one of these files is imported, the code of the other is run, with all else as it was.

    `own`: files of the program whose training loops are made watchable. Returns the names of their functions that
    update weights.
    """
    others = frozenset(name for file in own for name in exported(Path(files.get(file, file)).read_bytes()))
    loader = importlib.machinery.SourceFileLoader
    original = loader.get_code

    def get_code(self: Any, name: str) -> Any:
        file = str(Path(self.get_filename(name)).resolve())
        if file in own:
            return watchable(Path(files.get(file, file)), others)
        other = files.get(file)
        return original(self, name) if other is None else compile(Path(other).read_bytes(), other, "exec")

    if files or own:
        loader.get_code = get_code  # type: ignore[method-assign, assignment]
    return others


def watchable(file: Path, others: Collection[str] = ()) -> CodeType:
    """A file's code, its training loops made watchable. `others`: see `loop_source.instrument`."""
    text = file.read_bytes()
    with contextlib.suppress(SyntaxError):  # of the rewritten tree; one of the file itself is raised below
        tree = instrument(text, others)
        if tree is not None:
            return compile(tree, str(file), "exec", dont_inherit=True)
    return compile(text, str(file), "exec", dont_inherit=True)


def imported() -> list[str]:
    """Files of the user's own that were imported: not those of Python, installed packages, or kparity."""
    paths = sysconfig.get_paths()
    installed = tuple(f"{Path(paths[name]).resolve()}/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    own = str(Path(__file__).resolve().parents[1])
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    found = {str(Path(file).resolve()) for file in files if file and file.endswith(".py")}
    return sorted(one for one in found if not one.startswith((*installed, own)) and "/site-packages/" not in one)


def fit_arguments(value: Any, batch_size: int | None) -> FitArguments:
    """What the data function returned, as arguments of `fit`: a dict of them, (x, y), or a dataset alone."""
    if value is None:
        raise SubjectError("the data function returned nothing: it must return what `fit` takes")
    if isinstance(value, dict):
        known = set(inspect.signature(FitArguments).parameters)
        unknown = set(value) - known - IGNORED - {"validation_split"}
        if unknown or "x" not in value:
            raise SubjectError(
                "the data function returned a dict, so its keys must be arguments of fit with x among them; "
                f"got {sorted(value)}"
            )
        value = dict(value)
        if (split := value.get("validation_split")) and value.get("validation_data") is None:
            parts = tuple(value.get(key) for key in ("x", "y", "sample_weight"))
            if not all(hasattr(leaf, "shape") for leaf in tf.nest.flatten(parts) if leaf is not None):
                raise SubjectError("`validation_split` is for arrays: give `validation_data` beside any other data")
            (value["x"], value["y"], value["sample_weight"]), value["validation_data"] = split_off(parts, split)
        arguments = FitArguments(**{key: item for key, item in value.items() if key in known})
    elif isinstance(value, FitArguments):
        arguments = value
    elif isinstance(value, tuple) and 2 <= len(value) <= 3:
        arguments = FitArguments(*value)
    else:
        arguments = FitArguments(value)
    named = ("x", "y", "sample_weight", "validation_data")
    data = {name: sparse_as_tensors(getattr(arguments, name)) for name in named}
    return replace(arguments, **data, batch_size=batch_size or arguments.batch_size)


def sparse_as_tensors(value: Any) -> Any:
    """SciPy's sparse matrices in a nest as TensorFlow's, which both Kerases make of them."""

    def as_tensor(leaf: Any) -> Any:
        if not _of_scipy(leaf):
            return leaf
        entries = leaf.tocoo()
        numbers = entries.data
        if np.issubdtype(numbers.dtype, np.floating):
            numbers = numbers.astype(tf.keras.backend.floatx())
        places = np.stack([entries.row, entries.col], 1).astype(np.int64)
        return tf.sparse.reorder(tf.SparseTensor(places, numbers, entries.shape))

    return tf.nest.map_structure(as_tensor, value) if any(map(_of_scipy, tf.nest.flatten(value))) else value


def _of_scipy(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse")


def split_off(parts: tuple[Any, ...], split: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(x, y, sample weights) of arrays without their last rows, and these rows, less what is None, as `fit` would."""
    rows = len(next(leaf for leaf in tf.nest.flatten(parts) if leaf is not None))
    at = int(rows * (1.0 - split))
    kept = tf.nest.map_structure(lambda v: None if v is None else v[:at], parts)
    return kept, tuple(tf.nest.map_structure(lambda v: v[at:], one) for one in parts if one is not None)


def batches(arguments: FitArguments, seed: int, side: Side) -> Iterator[Any]:
    """Training batches without end, epoch after epoch: (x, y, sample weights), missing parts None.

    Raises SubjectError for data that can't be iterated again or is empty, and what the side's Keras raises of its class
    weights.
    """
    x = arguments.x
    if any(isinstance(leaf, COMPOSITE) for leaf in tf.nest.flatten(x)):
        given = tuple(part for part in (x, arguments.y, arguments.sample_weight) if part is not None)
        x = tf.data.Dataset.from_tensor_slices(given).batch(arguments.batch_size or 32)
    source = x() if inspect.isgeneratorfunction(x) else x.source if isinstance(x, Kept) else x
    epoch = 0
    while True:
        count = 0
        for batch in _epoch(arguments, x, np.random.Generator(np.random.Philox(key=[seed, epoch]))):
            count += 1
            yield weighted(side, _standard(batch), arguments.class_weight, source)
        if count == 0:
            again = "is exhausted: make the data function return an array, a tf.data.Dataset or a Sequence"
            raise SubjectError(f"the training data {again}" if epoch else "the training data is empty")
        epoch += 1


def _epoch(arguments: FitArguments, x: Any, order: np.random.Generator) -> Iterator[Any]:
    if isinstance(x, tf.data.Dataset):
        for element in x:
            yield tf.nest.map_structure(_as_array, element)
    elif hasattr(x, "__getitem__") and hasattr(x, "__len__") and not is_arrays(x):
        indices = order.permutation(len(x)) if arguments.shuffle else np.arange(len(x))
        for index in indices:
            yield x[int(index)]
        if hasattr(x, "on_epoch_end"):
            x.on_epoch_end()
    elif is_arrays(x):
        whole = tf.nest.map_structure(_as_array, (x, arguments.y, arguments.sample_weight))
        lengths = {len(array) for array in tf.nest.flatten(whole) if array is not None}
        if len(lengths) > 1:
            raise SubjectError(f"the training arrays have different lengths: {sorted(lengths)}")
        rows = lengths.pop()
        indices = order.permutation(rows) if arguments.shuffle else np.arange(rows)
        size = arguments.batch_size or 32
        for start in range(0, rows, size):
            chosen = indices[start : start + size]
            yield tf.nest.map_structure(lambda array: None if array is None else array[chosen], whole)  # noqa: B023
    elif callable(x):
        yield from x()
    else:
        yield from x


def is_arrays(value: Any) -> bool:
    """Whether `value` is an array, or a nest of arrays, that has rows."""
    return all(hasattr(leaf, "shape") and len(leaf.shape) > 0 for leaf in tf.nest.flatten(value))


COMPOSITE = (tf.RaggedTensor, tf.SparseTensor)


def _as_array(value: Any) -> Any:
    return value if value is None or isinstance(value, COMPOSITE) else np.asarray(value)


def parts(batch: Any) -> list[np.ndarray]:
    """The arrays of a batch, those of ragged and sparse tensors one by one; text as bytes."""
    flat = [np.asarray(part) for part in tf.nest.flatten(batch, expand_composites=True) if part is not None]
    return [trace.as_bytes(part) if part.dtype.kind in "OU" else part for part in flat]


def composite(batch: Any) -> bool:
    """Whether a batch has ragged or sparse tensors."""
    return any(isinstance(leaf, COMPOSITE) for leaf in tf.nest.flatten(batch))


def rebuilt(structure: Any, arrays: list[np.ndarray]) -> Any:
    """A batch from its `parts`, in the structure of another batch."""
    waiting = iter(arrays)

    def one(like: Any) -> Any:
        if not isinstance(like, COMPOSITE):
            return None if like is None else next(waiting)
        own = [tf.constant(next(waiting)) for _ in tf.nest.flatten(like, expand_composites=True)]
        return tf.nest.pack_sequence_as(like, own, expand_composites=True)

    return tf.nest.map_structure(one, structure)


def _standard(batch: Any) -> tuple[Any, Any, Any]:
    parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
    x, y, weights = (*parts, None, None)[:3] if len(parts) <= 3 else (parts, None, None)
    return tf.nest.map_structure(as_float, (x, y, weights))


def form(batch: tuple[Any, Any, Any]) -> list[Any]:
    """(x, y, sample weights) with numbers, from 0 on, for its arrays in the order of `tf.nest.flatten`: plain data."""
    numbers = itertools.count()
    counted = tf.nest.map_structure(lambda value: None if value is None else next(numbers), batch)

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(one) for key, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value

    return [plain(part) for part in counted]


def filled(structure: tuple[Any, Any, Any], reference: list[Any], arrays: list[Any]) -> tuple[Any, ...]:
    """Arrays in a side's own structure of (x, y, sample weights), which is False for None.

    `reference`: the `form` that the arrays came in. A part that only one of the two has is as in the reference: a batch
    that lost its sample weights is trained on with them.
    """
    parts = []
    for own, theirs in zip(structure, reference, strict=True):
        places = [place for place in tf.nest.flatten(theirs) if place is not None]
        flat = [present for present in tf.nest.flatten(own) if present]
        if own is False or len(flat) != len(places):
            parts.append(tf.nest.map_structure(lambda place: None if place is None else arrays[place], theirs))
        else:
            rest = iter(places)
            parts.append(tf.nest.map_structure(lambda present: arrays[next(rest)] if present else None, own))  # noqa: B023
    return tuple(parts)


def as_float(value: Any) -> Any:
    """Arrays as both Kerases take them from NumPy: float64 becomes the default float type."""
    if value is None or isinstance(value, COMPOSITE):
        return value
    array = np.asarray(value)
    return array.astype(tf.keras.backend.floatx()) if array.dtype == np.float64 else array


def digest(part: Any) -> str:
    """A hash of inputs, targets or sample weights; empty for None."""
    found = hashlib.blake2b(digest_size=12)
    arrays = parts(part)
    for array in arrays:
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest() if arrays else ""


def sketch(arrays: list[np.ndarray]) -> list[Any]:
    """A batch in a few numbers that round-off hardly changes; see `analysis.locate.alike`."""
    exact = hashlib.blake2b(digest_size=12)
    sizes = []
    for array in arrays:
        exact.update(f"{array.dtype}{array.shape}".encode())
        if not np.issubdtype(array.dtype, np.floating):
            exact.update(np.ascontiguousarray(array).tobytes())
            continue
        flat = array.astype(np.float64).ravel()
        direction = np.random.Generator(np.random.Philox(key=7)).standard_normal(flat.size)
        sizes.append((float(np.linalg.norm(flat)), float(flat @ direction)))
    return [exact.hexdigest(), *sizes]


def weighted(side: Side, batch: tuple[Any, Any, Any], class_weight: dict[int, float] | None, given: Any) -> Any:
    """A batch with the weights of its classes, if there are any, as the side's Keras makes sample weights of them.

    `given`: what `fit` is given as x; the batch itself, of a `train_on_batch`. Whole numbers become floats, as both
    Kerases' losses make them.
    """
    if not class_weight:
        return batch
    x, y, weights = side.weighted(batch, class_weight, given)
    return x, y, None if weights is None else np.asarray(weights).astype(tf.keras.backend.floatx())
