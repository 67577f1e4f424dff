"""Trains a model as its author would, with draws of its side's own, and evaluates it: nothing is aligned or recorded.

In: the user's model and data, a seed, a number of steps. Out: the metrics at the end. Called by the capture process for
`kparity compare --natural`.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture import subject
from kparity.capture.callbacks import INERT, evaluate, telling
from kparity.capture.sides import Side

ROWS, BATCHES = 10_000, 200
"""How much of the training data is evaluated where there are no validation data."""


class Seeds:
    """Seeds that the program sets itself become others with every seed of the comparison.

    Those of NumPy stay: programs make and split their data with them, which are to be the same on both sides. So a
    `default_rng()` without one gets one.
    """

    def __init__(self, side: Side) -> None:
        self.seed = 0
        for owner, name in ((tf.random, "set_seed"), (random, "seed"), (side.keras.utils, "set_random_seed")):
            setattr(owner, name, self._mixed(getattr(owner, name)))
        self.set_all = side.keras.utils.set_random_seed
        self.made = itertools.count()
        default_rng = np.random.default_rng

        def seeded_rng(seed: Any = None) -> np.random.Generator:
            return default_rng((self.seed, next(self.made)) if seed is None else seed)

        np.random.default_rng = seeded_rng

    def _mixed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def seeded(given: Any = None, *args: Any, **kwargs: Any) -> Any:
            given = kwargs.pop("seed", given)
            if isinstance(given, int):
                given = (given * 1_000_003 + self.seed * 7_919) % (1 << 31)
            return original(given, *args, **kwargs)

        return seeded

    def restart(self, seed: int) -> None:
        """Begin with `seed`, and mix it into the program's own from now on."""
        self.seed, self.made = seed, itertools.count()
        self.set_all(0)
        np.random.seed(seed)


def run(
    side: Side, user: Any, seeds: Seeds, seed: int, steps: int, size: int | None, say: Callable[[int], None]
) -> Any:
    """One training of `steps` steps and its evaluation. `user`: the subject; `size`: rows in a batch, if told.

    Raises SubjectError for a model that isn't compiled.
    """
    side.clear()
    seeds.restart(seed)
    arguments = subject.fit_arguments(user.data(steps), size)
    if not user.ready:
        seeds.restart(seed)  # what makes the data may have set seeds, the same every time
    model = user.model()
    if not side.is_model(model) or getattr(model, "optimizer", None) is None:
        raise subject.SubjectError(f"{user.name} must return a compiled {side.name} model")
    x = arguments.x
    arrays = subject.is_arrays(x) and not isinstance(x, tf.data.Dataset)
    given: dict[str, Any] = {"x": x, "class_weight": arguments.class_weight, "shuffle": arguments.shuffle}
    if arrays:
        given |= {name: getattr(arguments, name) for name in ("y", "sample_weight", "batch_size")}
    elif not isinstance(x, tf.data.Dataset) and not (hasattr(x, "__getitem__") and hasattr(x, "__len__")):
        given = {"x": _endless(arguments, seed, side)}
    stop = _stop(side, steps, say)
    acting = [one for one in tf.nest.flatten(arguments.callbacks or []) if type(one).__name__ not in INERT]
    model.fit(**given, epochs=steps, verbose=0, callbacks=[*acting, stop])
    if arguments.validation_data is not None:
        named = evaluate(model, arguments, telling(side, lambda: say(steps)))
    elif arrays:
        some = tf.nest.map_structure(lambda one: None if one is None else one[:ROWS], (x, arguments.y))
        named = model.evaluate(*some, batch_size=arguments.batch_size, **_QUIET)
    elif isinstance(x, tf.data.Dataset):
        named = model.evaluate(x.take(BATCHES), **_QUIET)
    elif "shuffle" in given:
        named = model.evaluate(x, steps=min(len(x), BATCHES), **_QUIET)
    else:
        named = model.evaluate(_endless(arguments, seed, side), steps=min(steps, BATCHES), **_QUIET)
    return model, {name: float(value) for name, value in named.items()}


_QUIET: dict[str, Any] = {"verbose": 0, "return_dict": True}


def _endless(arguments: subject.FitArguments, seed: int, side: Side) -> Iterator[Any]:
    for batch in subject.batches(arguments, seed, side):
        yield tuple(itertools.takewhile(lambda part: part is not None, batch))


def _stop(side: Side, steps: int, say: Callable[[int], None]) -> Any:
    class Stop(side.keras.callbacks.Callback):  # type: ignore[name-defined]
        """Ends the training after so many steps, in the midst of an epoch."""

        done = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.done += 1
            if self.done % 10 == 0 or self.done == steps:
                say(self.done)
            if self.done >= steps:
                self.model.stop_training = True

    return Stop()
