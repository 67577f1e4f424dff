"""A case: one thing to compute on both Kerases, and the arrays it leaves.

In: the tables of this folder build `Case`s. Out: `Case.run(tools)` gives named arrays; side.py calls it. A name that
begins with `sample|` is a random sample (compared by distribution), one with `text|` is compared as it stands, all
others are numbers compared with measured round-off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`kind` and `name` say what is measured (layer Dense), `case` how (units=3, tiny inputs)."""

    kind: str
    name: str
    case: str
    run: Callable[[Any], Arrays]
    doubles: bool = True
    """Can it run in float64 as well? Then that decides what is round-off."""

    @property
    def precision(self) -> str:
        """The coarsest precision that the case computes in, as its label says."""
        return next((name for name in ("bfloat16", "float16") if name in self.case), "float32")

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}: {self.case}"


def said(arguments: dict[str, Any]) -> str:
    """Arguments as a short line: `units=3, activation='relu'`."""
    return ", ".join(f"{name}={_short(value)}" for name, value in arguments.items())


def _short(value: Any) -> str:
    if callable(value):
        return getattr(value, "__doc__", None) or "..."
    if isinstance(value, np.ndarray):
        return f"array{value.shape}"
    return repr(value)


def there(label: str, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An argument that needs Keras: made on each side by `make(tools)`; `label` is what the case is called by."""
    make.__doc__ = label
    return make
