"""What a case needs on its side: Keras, inputs, weights and gradients that are the same numbers on both sides.

In: the side's adapter and the pass (float32, float32 moved by one unit in the last place, or float64). Out: arrays.
Used by every case of the tables.
"""

import inspect
import zlib
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.judge import EPS

SCALES = {"normal": 1.0, "tiny": 1e-8, "small": 1e-4, "large": 1e4}


class Tools:
    """One side, one pass."""

    def __init__(self, side: Any, dtype: str = "float32", moved: bool = False, precision: str = "float32") -> None:
        self.side, self.dtype, self.moved, self.precision = side, dtype, moved, precision
        self.keras = side.keras

    def find(self, family: str, name: str) -> Any:
        """The public class or function `family.name`, or None where this Keras has none. `legacy.X` and
        `experimental.X` of the optimizers are what migrate makes of them: X."""
        at = getattr(self.keras, family, None)
        if self.side.name != "legacy":
            name = name.removeprefix("legacy.").removeprefix("experimental.")
        for part in name.split("."):
            at = getattr(at, part, None)
        return at

    def move(self, array: Any, key: str = "") -> np.ndarray:
        """The array in this pass's precision; in the moved pass each number one unit in the last place away."""
        array = np.asarray(array)
        if array.dtype.kind != "f":
            return array
        single = array.astype(np.float32)
        if self.moved:
            signs = _rng("moved", key, array.shape).choice([-1.0, 1.0], size=array.shape)
            single = (single * (1.0 + signs * EPS[self.precision])).astype(np.float32)
            single = np.where(np.abs(array) < 1e-30, array, single).astype(np.float32)
            single = np.where(np.isin(array, (0.0, 1.0, -1.0)), array, single).astype(np.float32)
        return single.astype(self.dtype)

    def x(self, *shape: int, style: str = "normal", key: str = "x") -> np.ndarray:
        """Inputs of this shape: normal, tiny (1e-8), small, large (1e4), negative, positive, zeros, ones, unit (0..1),
        pixels (0..255), integers (0..9), offset (100 + normal), edges (a grid with 0, 1, -1, 0.5)."""
        rng = _rng(key, style, shape)
        normal = rng.standard_normal(shape)
        match style:
            case "negative":
                made = -np.abs(normal)
            case "positive":
                made = np.abs(normal) + 0.1
            case "zeros":
                made = np.zeros(shape)
            case "ones":
                made = np.ones(shape)
            case "unit":
                made = rng.random(shape)
            case "pixels":
                made = rng.random(shape) * 255
            case "offset":
                made = normal + 100.0
            case "integers":
                return rng.integers(0, 10, shape)
            case "edges":
                grid = np.array([0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 3.0, -3.0, 1e-7, -1e-7, 6.0, 30.0, -30.0])
                made = np.resize(grid, shape)
            case _:
                made = normal * SCALES[style]
        return self.move(made.astype(np.float32), key + style)

    def own_name(self, variable: Any) -> str:
        # Keras 3 calls the kernel of a depthwise convolution a kernel
        return str(self.side.variable_name(variable)).replace("depthwise_kernel", "kernel")

    def names(self, variables: Any) -> list[str]:
        """Own names, numbered where they repeat."""
        seen: dict[str, int] = {}
        found = []
        for variable in variables:
            name = self.own_name(variable)
            seen[name] = seen.get(name, 0) + 1
            found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
        return found

    def fill(self, layer: Any, scale: float = 0.5) -> None:
        """Give every weight numbers that follow from its name and shape; whole-number weights stay."""
        for name, weight in zip(self.names(layer.weights), layer.weights, strict=True):
            value = np.asarray(weight)
            if value.dtype.kind != "f":
                continue
            made = (_rng("weight", name, value.shape).standard_normal(value.shape) * scale).astype(np.float32)
            if "variance" in name:
                made = np.abs(made) + np.float32(0.5)
            weight.assign(self.move(made, name).astype(value.dtype))

    def inner(self, variable: Any) -> Any:
        """The TensorFlow variable inside."""
        return getattr(variable, "_value", variable)

    def call(self, layer: Any, *inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Call with `training` where the layer's own call takes it."""
        if training is not None and "training" in inspect.signature(layer.call).parameters:
            kwargs["training"] = training
        return layer(*inputs, **kwargs)


def flat(value: Any) -> list[Any]:
    """Tensors in a nest, in order."""
    return [one for one in tf.nest.flatten(value, expand_composites=True) if one is not None]


def array(value: Any) -> np.ndarray:
    """A tensor as numbers; bfloat16 and half stay what they are in size."""
    if isinstance(value, tf.IndexedSlices | tf.RaggedTensor | tf.SparseTensor):
        value = tf.convert_to_tensor(value) if isinstance(value, tf.IndexedSlices) else value
        value = tf.sparse.to_dense(value) if isinstance(value, tf.SparseTensor) else value
        value = value.to_tensor() if isinstance(value, tf.RaggedTensor) else value
    found = np.asarray(value)
    return found


def weigh(out: Any) -> Any:
    """A number that every element of every output pulls on by a weight of its own: what gradients are taken of."""
    total = tf.constant(0.0, tf.float64)
    for position, one in enumerate(flat(out)):
        one = tf.convert_to_tensor(one)
        if not one.dtype.is_floating:
            continue
        pull = _rng("pull", str(position), tuple(one.shape)).standard_normal(tuple(one.shape))
        total += tf.reduce_sum(tf.cast(one * tf.cast(pull, one.dtype), tf.float64))
    return total


def _rng(*key: Any) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(key).encode()))
