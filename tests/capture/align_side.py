"""Draws of one real TensorFlow process, for test_align: prints as JSON what each check found.

Called as `python align_side.py`. Only here is TensorFlow imported.
"""

import contextlib
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture import align

plain_generator = tf.random.Generator.from_seed(1)
draws = align.Draws()
draws.stand_at(1)
draws.stand_at(0)
align.install(draws)


def key(low: int = 12345, high: int = 67890, step: int = 3) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    low, high, step = (tf.constant(value, tf.uint32) for value in (low, high, step))
    return low, high, step


def bits(value: Any) -> str:
    return np.asarray(value).tobytes().hex()


def ways() -> dict[str, str]:
    """The same draw eagerly, in a graph, under XLA, and with a shape known only when it runs."""
    shape = [37, 11]

    def draw(shape: Any) -> tf.Tensor:
        return align.hashed_uniform(shape, *key())

    return {
        "eager": bits(draw(shape)),
        "graph": bits(tf.function(lambda: draw(shape))()),
        "xla": bits(tf.function(lambda: draw(shape), jit_compile=True)()),
        "dynamic": bits(tf.function(draw)(tf.constant(shape))),
    }


def functions() -> dict[str, list[str]]:
    """Every public random function, eagerly, in a graph and under XLA: three times the same bits."""
    made = {
        "uniform": lambda: tf.random.uniform([64], -2.0, 3.0),
        "integers": lambda: tf.random.uniform([64], 0, 7, tf.int32),
        "normal": lambda: tf.random.normal([64], 1.0, 2.0),
        "truncated_normal": lambda: tf.random.truncated_normal([64], 0.0, 2.0),
        "stateless": lambda: tf.random.stateless_uniform([64], seed=[1, 2]),
        "dropout": lambda: tf.nn.dropout(tf.ones([64]), 0.3),
        "generator": lambda: plain_generator.normal([64]),
        "float64": lambda: tf.random.normal([64], dtype=tf.float64),
    }

    def run(way: Any) -> str:
        draws.restart(7)
        draws.step.assign(5)
        with draws.owner("layer"), draws.training_step():
            return bits(way())

    found = {}
    for name, make in made.items():
        compiled = run(tf.function(make)), run(tf.function(make, jit_compile=True))
        found[name] = [run(make), *compiled]
    return found


def steady() -> dict[str, list[bool]]:
    """Of draws by their seeds: whether the compiled second step draws what the first did, and the eager ones the same.

    As in a comparison, a step is traced and looked back at, traced anew if that told something, and then run eagerly.
    """
    kept, still, number = tf.Variable([1, 2]), tf.Variable([5, 6]), tf.constant(3)

    def stateless(seed: Any) -> tf.Tensor:
        return tf.random.stateless_normal([8], seed, 1.0, 2.0)

    def loop() -> tf.Tensor:
        return tf.while_loop(lambda i, _: i < 2, lambda i, _: (i + 1, stateless([4, number])), (0, tf.zeros([8])))[1]

    def moving() -> tf.Tensor:
        drawn = stateless(tf.cast(kept, tf.int64) + 1)
        kept.assign_add([1, 0])
        return drawn

    made = {
        "number": lambda: stateless([4, 0]),
        "made of a number": lambda: stateless(tf.math.floormod(tf.stack([number, 7]), 5)),
        "in a loop": loop,
        "a variable": moving,
        "a variable that nothing changes": lambda: stateless(tf.cast(still, tf.int64) + 1),
        "another draw": lambda: stateless(tf.random.uniform([2], 0, 99, tf.int32)),
        "of a state": lambda: tf.random.normal([8], seed=4),
    }

    def traced(make: Any) -> tf.Tensor:
        drawn = make()
        draws.look_back()
        return drawn

    def run(way: Any, step: int) -> str:
        draws.step.assign(step)
        with draws.owner("layer"), draws.training_step():
            return bits(way())

    found = {}
    for name, make in made.items():
        draws.restart(7)
        draws.unmoved.clear()
        compiled = [run(tf.function(partial(traced, make)), step) for step in (1, 2)]
        found[name] = [compiled[0] == compiled[1], compiled == [run(make, 1), run(make, 2)]]
    return found


def images() -> dict[str, Any]:
    """What an image function draws, inside a layer and outside, with two seeds; and which way its coin falls."""
    pictures = tf.reshape(tf.range(64 * 2, dtype=tf.float32), [64, 1, 2, 1])

    def flipped(seed: int) -> np.ndarray:
        out = tf.image.stateless_random_flip_left_right(pictures, seed=[seed, 0])
        return (out.numpy() != pictures.numpy()).any((1, 2, 3))

    draws.restart(7)
    with draws.owner("layer"), draws.training_step():
        inside = flipped(1)
    with draws.owner("layer"), draws.training_step():
        again = flipped(2)
    with draws.owner("layer"), draws.training_step():
        coin = tf.random.uniform([64]).numpy() < 0.5
    return {
        "inside": [inside.tolist(), again.tolist(), coin.tolist()],
        "outside": [flipped(1).tolist(), flipped(2).tolist()],
    }


def parts() -> dict[str, Any]:
    """A draw for six rows, and the same in two parts of three rows; what the census says of either; and twelve rows in
    two parts of two parts each."""

    def draw(count: int) -> np.ndarray:
        return tf.random.uniform([count, 2]).numpy()

    @contextlib.contextmanager
    def begun() -> Iterator[None]:
        draws.restart(7)
        with draws.owner("layer"), draws.training_step():
            yield

    with begun():
        whole = [draw(6), draw(6)]
        single = draws.census[:]
    halves: list[list[np.ndarray]] = []
    with begun():
        for number in range(2):
            with draws.part(number, 2):
                halves.append([draw(3), draw(3)])
    together = [np.stack(pair, 1).reshape(6, 2) for pair in zip(*halves, strict=True)]
    census = single == draws.census
    with begun():
        quarters = []
        for outer in range(2):
            with draws.part(outer, 2):
                for inner in range(2):
                    with draws.part(inner, 2):
                        quarters.append(draw(3))
    with begun():
        twelve = draw(12)
    return {
        "same": [bits(a) == bits(b) for a, b in zip(whole, together, strict=True)],
        "census": census,
        "nested": bits(np.stack(quarters, 1).reshape(12, 2)) == bits(twelve),
    }


def moments() -> dict[str, list[float]]:
    """Of 200000 numbers a way: mean, standard deviation, smallest, largest, and how even 64 cells of them are."""
    unit = align.hashed_uniform([200_000], *key()).numpy()
    counts = np.bincount((unit * 64).astype(int), minlength=64)
    low_bits = np.bincount((unit.astype(np.float64) * 2**23).astype(int) & 63, minlength=64)
    normal = tf.random.normal([200_000]).numpy()
    cut = tf.random.truncated_normal([200_000]).numpy()
    return {
        "uniform": [float(unit.mean()), float(unit.std()), float(unit.min()), float(unit.max())],
        "cells": [float(chi_square(counts)), float(chi_square(low_bits))],
        "normal": [float(normal.mean()), float(normal.std()), float(normal.min()), float(normal.max())],
        "truncated": [float(cut.mean()), float(cut.std()), float(cut.min()), float(cut.max())],
        "finite": [float(np.isfinite(normal).all()), float(np.isfinite(cut).all())],
    }


def chi_square(counts: np.ndarray) -> float:
    """Distance of counts from equal ones, in standard deviations of what chance gives."""
    expected = counts.sum() / len(counts)
    degrees = len(counts) - 1
    return float((((counts - expected) ** 2 / expected).sum() - degrees) / np.sqrt(2 * degrees))


def extremes() -> list[float]:
    """The smallest and the largest of 2**26 uniform numbers, four times as many as there are different ones."""
    parts = [align.hashed_uniform([2**24], *key(step=step)).numpy() for step in range(4)]
    return [float(min(part.min() for part in parts)), float(max(part.max() for part in parts))]


def correlations() -> dict[str, float]:
    """Of draws that must be independent: their correlation, times the root of their count (chance: about 1)."""
    count = 100_000

    def draw(**other: int) -> np.ndarray:
        return align.hashed_uniform([count], *key(**other)).numpy()

    base = draw()
    pairs = {
        "next step": (base, draw(step=4)),
        "next low word": (base, draw(low=12346)),
        "next high word": (base, draw(high=67891)),
        "one bit of the step": (base, draw(step=3 ^ (1 << 20))),
        "neighbours": (base[:-1], base[1:]),
        "256 apart": (base[:-256], base[256:]),
    }
    return {name: float(np.corrcoef(a, b)[0, 1] * np.sqrt(count)) for name, (a, b) in pairs.items()}


def streams() -> dict[str, str]:
    """Draws by what they are keyed by: seed, owner, occurrence, step."""

    def draw(seed: int = 0, owner: str = "a", step: int = 1, skip: int = 0, names: dict[str, str] | None = None) -> str:
        draws.restart(seed)
        draws.names = names or {}
        draws.step.assign(step)
        with draws.owner(owner), draws.training_step():
            for _ in range(skip):
                tf.random.normal([3])
            return bits(tf.random.uniform([8]))

    found = {
        "base": draw(),
        "again": draw(),
        "seed": draw(seed=1),
        "owner": draw(owner="b"),
        "step": draw(step=2),
        "occurrence": draw(skip=1),
        "renamed": draw(owner="b", names={"b": "a"}),
    }
    draws.names = {}
    return found


def census() -> list[dict[str, Any]]:
    """What a layer's initial weights leave in the census."""
    draws.restart(0)
    with draws.owner("dense:kernel#1"):
        tf.random.uniform([4, 2], -0.5, 0.5)
    tf.random.normal([3])
    return list(draws.census)


def rates() -> dict[str, float]:
    """The share of ones that dropout keeps, and what it makes of them."""
    kept = tf.nn.dropout(tf.ones([100_000]), 0.3).numpy()
    same = tf.nn.dropout(tf.ones([1000, 50]), 0.5, noise_shape=[1000, 1]).numpy()
    return {
        "kept": float((kept > 0).mean()),
        "scale": float(kept.max()),
        "rows": float(np.mean(same.min(axis=1) == same.max(axis=1))),
        "none": float(tf.nn.dropout(tf.ones([10]), 0.0).numpy().min()),
    }


if __name__ == "__main__":
    checks = (ways, functions, steady, images, parts, moments, extremes, correlations, streams, census, rates)
    print(json.dumps({check.__name__: check() for check in checks}))
