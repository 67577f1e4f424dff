"""Modes of TensorFlow that a program asks for and a comparison can not grant: many devices, graphs alone.

Installed by the capture process before the user's code is imported. A step is run alone and from a given state, outside
of the scopes that a strategy's variables and optimizers insist on, and the machine that compares rarely has the devices
of the one that trains: any distribution strategy is TensorFlow's default one, which a note tells.
"""

from pathlib import Path
from typing import Any, NoReturn

import tensorflow as tf

from kparity.capture.program import caller_frame
from kparity.capture.subject import SubjectError


class Replicas:
    """Knows of the strategies that the program has asked for, once made."""

    def __init__(self) -> None:
        self.asked: dict[str, None] = {}
        base = tf.distribute.Strategy
        for owner in (tf.distribute.experimental, tf.distribute):
            for name, one in vars(owner).items():
                if isinstance(one, type) and issubclass(one, base) and one is not base:
                    one.__new__ = self._default(name)  # type: ignore[method-assign]

    def _default(self, name: str) -> Any:
        def make(*_: Any, **__: Any) -> tf.distribute.Strategy:
            self.asked[name] = None
            return tf.distribute.get_strategy()

        return make

    def notes(self) -> list[str]:
        """What a reader of the verdict should know of it."""
        return [f"The program trains by {name}; compared was one replica, on one device." for name in self.asked]


def refuse_graph_mode() -> None:
    """Whoever turns eager execution off hears that Keras 3 can't run so."""
    for name in ("disable_eager_execution", "disable_v2_behavior"):
        setattr(tf.compat.v1, name, _refusing(name))


def _refusing(name: str) -> Any:
    def refuse() -> NoReturn:
        file, line = caller_frame()
        raise SubjectError(
            f"{Path(file).name}:{line} calls {name}(), and Keras 3 has no such mode. Take the call out and see that "
            "Keras 2 trains as before; then compare"
        )

    return refuse
