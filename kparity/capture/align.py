"""Common random numbers: every random draw of a subject comes from one counter-based generator.

Both Kerases, and user code, draw through a handful of public TensorFlow functions. `install` replaces them with ones
that keep the caller's own formula (limits, mean, rate, scale) and take only the underlying uniform numbers from here,
keyed by (seed, owner, kind, occurrence, step): owner is the variable being created or the layer being called. Called
by a side's process after its Keras is imported and before the user's code is.

TensorFlow's own stateless generators don't serve: their XLA kernels give other bits than their eager ones.
"""

import contextlib
import functools
import hashlib
import random
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from kparity import trace
from kparity.capture.datasets import in_a_dataset, in_turn

SET_SEED = tf.random.set_seed
SEEDS_OF_KERAS = ("tf_keras.src.backend", "keras.src.random.seed_generator")
"""Modules that take the seeds of layers from Python's generator, each Keras another number of them."""


NUMBERS = (np.ndarray, tf.Tensor, tf.Variable, tf.RaggedTensor, tf.SparseTensor)
OUTSIDE, TRACED = " outside of steps", ", traced"
"""End the name of who draws: a layer that is called outside of training steps; by code that is traced."""


@dataclass
class Draws:
    """The generator's state: which seed, who draws now, how often it has drawn, and at which training step."""

    seed: int = 0
    owners: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    census: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """This side's owner -> the reference's name for it."""
    step: tf.Variable | None = None
    salt: tf.Variable | None = None
    """What the seed adds to the draws of compiled steps, which are kept from one seed to the next."""
    turns: dict[str, tf.Variable] = field(default_factory=dict)
    """Who draws in a loop of a compiled step -> how often it has in this step: each turn draws its own numbers."""
    drew: dict[str, bool] = field(default_factory=dict)
    """Who drew in a compiled step -> whether in a loop."""
    steady: dict[tuple[str, int], bool] = field(default_factory=dict)
    """(who, which of its draws) in a compiled step -> whether its seed is a constant: each step draws the same."""
    read: dict[tuple[str, int], tuple[Any, list[Any]]] = field(default_factory=dict)
    """The same -> the graph that is traced, and the handles of the variables that its seed is made of."""
    unmoved: set[tuple[str, int]] = field(default_factory=set)
    """Those draws whose seed is a variable that no compiled step changes: known once a step was traced."""
    within: bool = False
    """Whether a training step is run or traced."""
    seeded: bool = False
    """Whether the program has ever set TensorFlow's seed itself."""
    outside: dict[int, tuple[str, Callable[[], Any]]] = field(default_factory=dict)
    """Of layers that are called outside of a training step, as a dataset's function does, the id -> owner of its draws,
    and a reference to the layer."""
    kinds_outside: Counter[str] = field(default_factory=Counter)
    """How many such layers there were of a class."""
    making: set[str] = field(default_factory=set)
    """Classes of those that were ever given numbers, not placeholders: data may be made of what they give."""
    without_data: bool = False
    """Whether a program is run for its model alone: another's data are at hand."""
    traced_in: dict[str, Any] = field(default_factory=dict)
    """Such an owner -> the graph in which it has last drawn."""
    taken: tuple[tuple[int, int], ...] = ()
    """Of every so many rows of a draw, the one that is taken, from the outermost `part` to the innermost."""
    before_parts: dict[int, Counter[str]] = field(default_factory=dict)
    """How often each owner had drawn before the first part, by how many parts are around it."""
    seeds_of_keras: random.Random = field(default_factory=random.Random)
    """Stands for Python's generator inside Keras, so that a program's own draws don't depend on Keras's."""

    def restart(self, seed: int) -> None:
        """Begin anew: the same program then draws the same numbers."""
        self.seed = seed
        if self.salt is not None:
            self.salt.assign(salt_of(seed))
        self.owners.clear()
        self.outside.clear()
        self.kinds_outside.clear()
        self.counts.clear()
        self.census.clear()
        random.seed(seed)
        self.seeds_of_keras.seed(seed)
        np.random.seed(seed)
        SET_SEED(seed)

    @contextlib.contextmanager
    def as_seeded(self) -> Iterator[None]:
        """Inside, TensorFlow has a seed only if the program has set one."""
        SET_SEED(self.seed if self.seeded else None)
        try:
            yield
        finally:
            SET_SEED(self.seed)

    def stand_at(self, number: int) -> None:
        """Draws of layers belong to this training step (1-based; 0 before training) from now on.

        The variables that say so are made at the first step: making one starts TensorFlow, and a program may yet want
        to say with how many threads or on which devices that shall be.
        """
        if self.step is not None:
            self.step.assign(number)
        elif number:
            self._make_variables(number)
        for turn in self.turns.values():
            turn.assign(0)

    def _make_variables(self, number: int) -> None:
        """Before a step is traced: a function that makes variables is traced twice."""
        self.step = tf.Variable(number, dtype=tf.int64, trainable=False)
        self.salt = tf.Variable(salt_of(self.seed), dtype=tf.int64, trainable=False)

    @contextlib.contextmanager
    def owner(self, name: str) -> Iterator[None]:
        """Draws inside belong to `name`."""
        self.owners.append(name)
        try:
            yield
        finally:
            self.owners.pop()

    @contextlib.contextmanager
    def outside_of_steps(self, layer: Any, given: Any) -> Iterator[None]:
        """Draws inside belong to a layer that may be in no model: the first, second, ... of its class that is called.

        What is traced draws the same whenever that is, and whatever else was traced to find out shapes.
        """
        kind = type(layer).__name__
        owner, known = self.outside.get(id(layer), ("", None))
        if known is None or known() is not layer:
            self.kinds_outside[kind] += 1
            owner = f"{kind}#{self.kinds_outside[kind]}{OUTSIDE}"
            self.outside[id(layer)] = owner, weakref.ref(layer)
        if in_a_dataset() or (
            tf.executing_eagerly() and any(isinstance(one, NUMBERS) for one in tf.nest.flatten(given))
        ):
            self.making.add(kind)
        if not tf.executing_eagerly():
            owner, graph = owner + TRACED, tf.compat.v1.get_default_graph()
            if self.traced_in.get(owner) is not graph:
                self.traced_in[owner] = graph
                self.counts[owner] = 0
        with self.owner(owner):
            yield

    @contextlib.contextmanager
    def training_step(self) -> Iterator[None]:
        """Occurrences are counted afresh inside: a step's first draw of a layer is its first at every step."""
        before, self.counts = (self.counts, self.within), Counter()
        self.within = True
        try:
            # what the program itself draws within a step differs from step to step, too
            with contextlib.nullcontext() if self.owners else self.owner("program"):
                yield
        finally:
            self.counts, self.within = before

    def look_back(self) -> None:
        """At the end of a trace: find the draws whose seed is a variable that the step leaves as it is."""
        own = [one.handle for one in (self.step, self.salt, *self.turns.values()) if one is not None]
        for key, (graph, handles) in self.read.items():
            if not any(moved(graph, handle, own) for handle in handles):
                self.unmoved.add(key)
        self.read.clear()

    def _turn(self, owner: str) -> tf.Tensor:
        """Counts on in a loop."""
        if owner not in self.turns:
            with tf.init_scope():
                self.turns[owner] = tf.Variable(0, dtype=tf.int64, trainable=False)
        return self.turns[owner].assign_add(1, read_value=True)

    @contextlib.contextmanager
    def part(self, number: int, parts: int) -> Iterator[None]:
        """Inside is the `number`-th of several calls that stand for a single one with `parts` times the rows.

        What each row draws is then the same: its call takes every `parts`-th row of what the single one draws.
        """
        around = self.taken
        if number == 0:
            self.before_parts[len(around)] = Counter(self.counts)
        self.counts = Counter(self.before_parts[len(around)])
        self.taken = (*around, (number, parts))
        try:
            yield
        finally:
            self.taken = around

    def new_seed(self, kind: str) -> int:
        """The seed for a generator that the program makes without one: its first, second, ... of this kind."""
        self.counts[kind] += 1
        digest = hashlib.blake2b(f"{self.seed}|{kind}|{self.counts[kind]}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "little") >> 1

    def uniform(self, shape: Any, kind: str, parameters: tuple[Any, ...], seed: Any = None) -> tf.Tensor:
        """float32 uniform numbers strictly inside (0, 1), 2**23 evenly spaced ones, for the next draw of the owner.

        `seed`: of a draw that hangs on nothing else. What is drawn doesn't, but for this: if it is a constant of the
        compiled step, every step draws the numbers of the first.
        """
        owner = self.owners[-1] if self.owners else "program"
        owner = self.names.get(owner, owner)
        occurrence = self.counts[owner]
        self.counts[owner] += 1
        if self.taken and (rows := _rows(shape)):
            number, parts = functools.reduce(lambda a, b: (a[0] * b[1] + b[0], a[1] * b[1]), self.taken)
            self.counts[owner], around, noted = occurrence, self.taken, len(self.census)
            self.taken = ()
            drawn = self.uniform(tf.concat([[rows * parts], shape[1:]], 0), kind, parameters, seed)
            self.taken = around
            del self.census[noted + (number == 0) :]  # one draw, in the census too
            return tf.reshape(drawn, tf.concat([[rows, parts], tf.shape(drawn)[1:]], 0))[:, number]
        if self.within and not tf.executing_eagerly():
            handles = None if seed is None else origins(seed)
            self.steady[owner, occurrence] = handles == [] or (owner, occurrence) in self.unmoved
            if handles:
                self.read[owner, occurrence] = tf.compat.v1.get_default_graph(), handles
        steady = self.within and self.steady.get((owner, occurrence), False)
        with contextlib.suppress(TypeError, ValueError):
            plain = tf.get_static_value(shape) if tf.is_tensor(shape) else shape
            known = [] if plain is None else [int(size) for size in tf.TensorShape(plain)]
            kind += trace.STEADY * steady
            self.census.append(
                {"owner": owner, "kind": kind, "occurrence": occurrence, "shape": known, "parameters": list(parameters)}
            )
        digest = hashlib.blake2b(f"{owner}|{occurrence}".encode(), digest_size=8).digest()
        low, high = np.frombuffer(digest, dtype=np.uint32)
        if self.step is None and self.owners and not tf.executing_eagerly() and not in_a_dataset():
            with tf.init_scope():  # a function that is traced before the first step is called at later ones, too
                self._make_variables(0)
        salt = tf.constant(salt_of(self.seed), tf.uint32)
        if owner.endswith(TRACED) and in_a_dataset():
            salt += tf.cast(_next_of(salt_of(self.seed) >> 1, int(low) >> 1), tf.uint32)
        elif self.step is not None and self.owners and not owner.endswith(OUTSIDE):
            salt = (_u32(1) if steady else tf.cast(self.step, tf.uint32)) + tf.cast(self.salt, tf.uint32)
            if not tf.executing_eagerly() and not steady:
                looped = _in_a_loop()
                self.drew[owner] = looped or self.drew.get(owner, False)
                if looped:
                    salt += _u32(0xC2B2AE35) * tf.cast(self._turn(owner), tf.uint32)
        return hashed_uniform(shape, tf.constant(low), tf.constant(high), salt)


def origins(seed: Any) -> list[Any] | None:
    """The handles of the variables that a seed is made of; none of a constant, and None where it is made of anything
    else, as of another draw. Of tensors, those that are being traced."""
    waiting, seen, handles = [*tf.nest.flatten(seed)], set(), []
    while waiting:
        one = waiting.pop()
        if hasattr(one, "handle"):
            handles.append(one.handle)
        elif getattr(one, "dtype", None) == tf.resource:
            handles.append(one)
        elif tf.is_tensor(one) and hasattr(one, "graph") and id(one) not in seen:
            seen.add(id(one))
            if one.op.type == "Placeholder":
                outer = [own for own, inner in getattr(one.graph, "captures", ()) if inner is one]
                if not outer:
                    return None
                waiting += outer
            elif one.op.op_def.is_stateful and one.op.type != "ReadVariableOp":
                return None
            else:
                waiting += one.op.inputs
    return handles


def moved(graph: Any, handle: Any, known: list[Any]) -> bool:
    """Whether anything in a graph that is traced, or in those around it, may change the variable of a handle, or it is
    one of those `known` to change from step to step."""
    while isinstance(graph, tf.__internal__.FuncGraph):
        names = [handle, *(inner for own, inner in graph.captures if own is handle)]
        users = (op for op in graph.get_operations() if op.type != "ReadVariableOp")
        if any(one is name for op in users for one in op.inputs for name in names):
            return True
        handle = next((own for own, inner in graph.captures if inner is handle), handle)
        graph = graph.outer_graph
    return any(handle is one for one in known)


def _in_a_loop() -> bool:
    """Whether what is traced now is run again and again within a step."""
    graph = tf.compat.v1.get_default_graph()
    while isinstance(graph, tf.__internal__.FuncGraph):
        if type(graph).__name__ == "WhileBodyFuncGraph":
            return True
        graph = graph.outer_graph
    return False


def _rows(shape: Any) -> int:
    """The first size of a shape, if it has one that is known; else 0."""
    plain = tf.get_static_value(shape) if tf.is_tensor(shape) else shape
    with contextlib.suppress(TypeError, ValueError, IndexError):
        return int(tf.TensorShape(plain)[0] or 0)
    return 0


def _next_of(*seeds: int) -> tf.Tensor:
    """The next number of TensorFlow's own sequence of these seeds (int32), one for each element of a dataset: it begins
    anew with every pass."""
    first, second = seeds
    return tf.raw_ops.RandomUniformInt(
        shape=tf.zeros(0, tf.int32), minval=0, maxval=tf.int32.max, seed=first, seed2=second
    )


def salt_of(seed: int) -> int:
    """Where the steps of a seed begin to be counted from, among 2**32: far from those of any other seed."""
    return int.from_bytes(hashlib.blake2b(str(seed).encode(), digest_size=4).digest(), "little")


def hashed_uniform(shape: Any, low: tf.Tensor, high: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Uniform float32 numbers of `shape`, a pure function of position, key (two uint32) and step.

    Two rounds of the 32-bit finalizer of MurmurHash3 (Appleby, public domain) over position and key: integer
    operations only, so the bits are the same eagerly, in a graph and under XLA. 23 bits, so that half a step more is
    still exact in float32 and neither 0 nor 1 comes out.
    """
    shape = tf.cast(tf.convert_to_tensor(shape, dtype=None if tf.is_tensor(shape) else tf.int32), tf.int32)
    count = tf.reduce_prod(shape)
    mixed = _finalize(tf.cast(tf.range(count), tf.uint32) * tf.constant(0x9E3779B9, tf.uint32) + low)
    mixed = _finalize(tf.bitwise.bitwise_xor(mixed, high + step * tf.constant(0x85EBCA6B, tf.uint32)))
    high_bits = tf.cast(tf.cast(tf.bitwise.right_shift(mixed, _u32(9)), tf.int32), tf.float32)
    return tf.reshape((high_bits + 0.5) * np.float32(2.0**-23), shape)


def _u32(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint32)


def hashed(number: tf.Tensor, key: int) -> tf.Tensor:
    """A uint32 scalar that hangs on every bit of `number` (uint32 scalar) and `key`."""
    return _finalize(number * _u32(0x9E3779B9) + _u32(key))


def _finalize(bits: tf.Tensor) -> tf.Tensor:
    bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _u32(16))) * _u32(0x85EBCA6B)
    bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _u32(13))) * _u32(0xC2B2AE35)
    return tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _u32(16)))


def install(draws: Draws) -> None:
    """Send every public random function of TensorFlow through `draws`."""

    def plain(value: Any) -> Any:
        value = tf.get_static_value(value) if tf.is_tensor(value) else value
        return np.asarray(value).tolist() if value is not None else None

    def stateless_uniform(
        shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = tf.float32, *_: Any, **__: Any
    ) -> tf.Tensor:
        dtype = tf.as_dtype(dtype)
        if maxval is None:
            maxval = 1
        unit = draws.uniform(shape, "uniform", (plain(minval), plain(maxval)), seed)
        if dtype.is_integer:
            span = tf.cast(maxval, tf.float64) - tf.cast(minval, tf.float64)
            return tf.cast(tf.floor(tf.cast(unit, tf.float64) * span), dtype) + tf.cast(minval, dtype)
        low = tf.cast(minval, dtype)
        return tf.cast(unit, dtype) * (tf.cast(maxval, dtype) - low) + low

    def stateless_normal(
        shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = tf.float32, *_: Any, **__: Any
    ) -> tf.Tensor:
        unit = draws.uniform(shape, "normal", (plain(mean), plain(stddev)), seed)
        return tf.cast(tf.math.ndtri(unit), dtype) * tf.cast(stddev, dtype) + tf.cast(mean, dtype)

    def stateless_truncated_normal(
        shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = tf.float32, *_: Any, **__: Any
    ) -> tf.Tensor:
        unit = draws.uniform(shape, "truncated_normal", (plain(mean), plain(stddev)), seed)
        tail = 0.022750131948179195  # Phi(-2): TensorFlow cuts at two standard deviations
        cut = tf.math.ndtri(tail + unit * (1.0 - 2.0 * tail))
        return tf.cast(cut, dtype) * tf.cast(stddev, dtype) + tf.cast(mean, dtype)

    general_dropout = tf.nn.experimental.general_dropout

    def stateless_dropout(
        x: Any, rate: Any, seed: Any, rng_alg: Any = None, noise_shape: Any = None, name: Any = None
    ) -> tf.Tensor:
        def sampler(shape: Any, dtype: Any = tf.float32, **_: Any) -> tf.Tensor:
            return tf.cast(draws.uniform(shape, "dropout", (plain(rate),), seed), dtype)

        return general_dropout(x, rate=rate, uniform_sampler=sampler, noise_shape=noise_shape)

    def dropout(x: Any, rate: Any, noise_shape: Any = None, *_: Any, **__: Any) -> tf.Tensor:
        return stateless_dropout(x, rate, None, noise_shape=noise_shape)

    def dropout_with_sampler(
        x: Any, rate: Any, uniform_sampler: Any = None, noise_shape: Any = None, name: Any = None
    ) -> tf.Tensor:
        return dropout(x, rate, noise_shape)

    generator = tf.random.Generator
    for stateless in (stateless_uniform, stateless_normal, stateless_truncated_normal):
        name = stateless.__name__.removeprefix("stateless_")
        for module in (tf.random, tf.compat.v1.random, tf.compat.v2.random):
            setattr(module, stateless.__name__, stateless)
            original = getattr(module, name)
            setattr(module, name, _each_element_its_own(draws, _unseeded(stateless), original))
        setattr(generator, name, _method(_unseeded(stateless)))
    _inside_of_layers(draws, stateless_uniform)
    _at_places(_unseeded(stateless_uniform))
    for module in (tf.nn, tf.compat.v2.nn):
        module.dropout = dropout
        module.experimental.stateless_dropout = stateless_dropout
        module.experimental.general_dropout = dropout_with_sampler

    def set_seed(seed: Any) -> None:
        draws.seeded = True
        SET_SEED(seed)

    for module in (tf.random, tf.compat.v2.random):
        module.set_seed = set_seed
    tf.compat.v1.random.set_random_seed = tf.compat.v1.set_random_seed = set_seed
    _seed_the_unseeded(draws)


def _unseeded(stateless: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """The function of the same name that keeps a state, whatever seed that began with."""

    def draw(shape: Any, *args: Any, seed: Any = None, **kwargs: Any) -> tf.Tensor:
        return stateless(shape, None, *args, **kwargs)

    return draw


def _each_element_its_own(
    draws: Draws, aligned: Callable[..., tf.Tensor], original: Callable[..., tf.Tensor]
) -> Callable[..., tf.Tensor]:
    """A random function that is TensorFlow's own where a dataset's function is traced: that is run for one element
    after the other, with no step to tell their draws apart, and both sides trace it alike."""

    @functools.wraps(original)
    def draw(*args: Any, **kwargs: Any) -> tf.Tensor:
        return (original if not draws.owners and in_a_dataset() else aligned)(*args, **kwargs)

    return draw


def _inside_of_layers(draws: Draws, uniform: Callable[..., tf.Tensor]) -> None:
    """What TensorFlow's image functions draw themselves, for a layer that calls them: Keras 2 flips images so.

    Outside of layers, as in a dataset's `map`, their own seeds make the two sides alike.
    """
    from tensorflow.python.ops import image_ops_impl, random_ops, stateless_random_ops

    flip = image_ops_impl._random_flip
    plain, stateless = random_ops.random_uniform, stateless_random_ops.stateless_random_uniform

    @functools.wraps(plain)
    def draw(shape: Any, *args: Any, **kwargs: Any) -> tf.Tensor:
        return _unseeded(uniform)(shape, *args, **kwargs) if draws.owners else plain(shape, *args, **kwargs)

    @functools.wraps(stateless)
    def draw_stateless(shape: Any, seed: Any, *args: Any, **kwargs: Any) -> tf.Tensor:
        return (uniform if draws.owners else stateless)(shape, seed, *args, **kwargs)

    @functools.wraps(flip)
    def flip_below(image: Any, flip_index: int, random_func: Any, scope_name: str) -> tf.Tensor:
        def coin(shape: Any, **kwargs: Any) -> tf.Tensor:
            # TensorFlow flips those of a batch above a half, and Keras 3 below, as TensorFlow a single image: which
            # side of a coin it is, is no difference
            drawn = random_func(shape=shape, **kwargs)
            return 1.0 - drawn if draws.owners and len(shape) else drawn

        return flip(image, flip_index, coin, scope_name)

    image_ops_impl._random_flip = flip_below
    random_ops.random_uniform = draw
    stateless_random_ops.stateless_random_uniform = draw_stateless


CROPPING = "tf_keras.src.layers.preprocessing.image_preprocessing"
"""The module of Keras 2 that draws where to crop."""


@dataclass(frozen=True)
class Anywhere:
    """Stands for any whole numbers of which only the remainders are looked at: these are drawn here, one by one."""

    uniform: Callable[..., tf.Tensor]

    def __getitem__(self, place: int) -> "Anywhere":
        return self

    def __mod__(self, count: Any) -> tf.Tensor:
        return tf.cast(self.uniform((), 0, tf.cast(count, tf.float32)), tf.int32)


def _at_places(uniform: Callable[..., tf.Tensor]) -> None:
    """Keras 2 crops at the remainders of two large numbers, drawn together, Keras 3 at two numbers drawn within limits:
    every place has the same odds in both, and it is no difference how it is picked."""
    module = sys.modules.get(CROPPING)
    if module is None:
        return
    call = module.RandomCrop.call

    @functools.wraps(call)
    def picked(self: Any, inputs: Any, training: Any = True) -> Any:  # Keras looks at the default
        generator = self._random_generator
        generator.random_uniform = lambda *_, **__: Anywhere(uniform)
        try:
            return call(self, inputs, training)
        finally:
            del generator.random_uniform

    module.RandomCrop.call = picked


def _seed_the_unseeded(draws: Draws) -> None:
    """Generators and shuffles without a seed would differ from run to run; they get one, the same on both sides."""
    default_rng, shuffle = np.random.default_rng, tf.data.Dataset.shuffle

    @functools.wraps(default_rng)
    def seeded_rng(seed: Any = None) -> np.random.Generator:
        return default_rng(draws.new_seed("numpy") if seed is None else seed)

    @functools.wraps(shuffle)
    def seeded_shuffle(data: Any, buffer_size: Any, seed: Any = None, *args: Any, **kwargs: Any) -> Any:
        return shuffle(data, buffer_size, draws.new_seed("shuffle") if seed is None else seed, *args, **kwargs)

    np.random.default_rng = seeded_rng
    tf.data.Dataset.shuffle = seeded_shuffle
    tf.data.Dataset.map = in_turn(tf.data.Dataset.map, lambda: draws.without_data)
    for name in SEEDS_OF_KERAS:
        module = sys.modules.get(name)
        held = [key for key, value in vars(module).items() if value is random] if module is not None else []
        for key in held:
            setattr(module, key, draws.seeds_of_keras)


def _method(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> tf.Tensor:
        return function(*args, **kwargs)

    return method
