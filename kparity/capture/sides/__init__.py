"""One adapter a side: everything in which Keras 2 and Keras 3 must be asked differently stands in these modules."""

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

Namer = Callable[[Any], str | None]
"""The name of a model variable, or None where the object isn't one."""


WHOLE = {"float32", "float64"}
"""Precision policies that are the default where nobody asked for another."""

Creation = Callable[[Any, str, Callable[[], Any]], Any]
Resumption = Callable[[Any, Callable[[], None]], None]
Updating = Callable[[Any, list[Any], list[Any], Callable[[list[Any]], Any]], Any]
Spreading = Callable[[int, int, Callable[[], Any]], Any]


class Side(Protocol):
    """What a capture process asks of its Keras. `legacy` and `keras3` are its two implementations."""

    name: str
    keras: Any
    """The package itself."""
    layer_class: type
    loss_class: type

    def identity(self) -> dict[str, Any]:
        """Which Keras this process really loaded: versions and the file of its package."""

    def is_model(self, value: Any) -> bool:
        """Whether `value` is a model of this side's Keras."""

    def clear(self) -> None:
        """Forget earlier models and their automatic names."""

    def jit_compile(self, model: Any) -> bool:
        """Whether the model's training step is compiled with XLA."""

    def prepare(self, model: Any, batch: Any) -> None:
        """Build what is built on first use: weights, loss, metrics and optimizer slots. `batch` is (x, y, weights)."""

    def make_metrics(self, model: Any, y: Any) -> None:
        """Make the variables that a model of Keras's own training step makes while its first step is traced, if that
        takes no call of the model: a function that makes variables is traced twice. `y`: targets of a batch."""

    def weighted(self, batch: Any, class_weight: dict[int, float], given: Any) -> Any:
        """A batch (x, y, sample weights) with its classes' weights as `fit` gives them: float or whole numbers.

        `given`: what `fit` is given as x. Raises what `fit` would.
        """

    def own_variables(self, layer: Any) -> Iterator[Any]:
        """Weights that belong to the layer itself, not to a layer inside it."""

    def penalties(self, layer: Any) -> Iterator[tuple[Any, Callable[[], Any]]]:
        """The layer's own regularized variables, each with what computes its part of the loss."""

    def carried(self, layer: Any) -> Iterator[Any]:
        """What a stateful recurrent layer carries from batch to batch, which no Keras counts among its weights."""

    def variable_name(self, variable: Any) -> str:
        """A variable's own name, without those of the layers around it."""

    def identities(self, variable: Any) -> tuple[Any, ...]:
        """The objects as which the variable may appear in a gradient request."""

    def assign(self, variable: Any, value: Any) -> None:
        """Set a variable, dtype kept."""

    def slots(self, model: Any, namer: Namer) -> dict[tuple[str, str], Any]:
        """Optimizer state: (slot, variable name) -> variable; the variable name is "" for scalars."""

    def learning_rate(self, model: Any) -> Any:
        """The learning rate that the next update uses, as a scalar tensor; None without an optimizer."""

    def at_rate(self, model: Any, rate: Any) -> contextlib.AbstractContextManager[None]:
        """The optimizer uses `rate` (float32 scalar) inside, whatever its own schedule says."""

    def rate_variable(self, optimizer: Any) -> Any:
        """The variable that holds the learning rate; None where a schedule computes it."""

    def apply(self, optimizer: Any, pairs: list[tuple[Any, Any]]) -> None:
        """Apply (gradient, variable) pairs, the gradients as a tape gives them: of a loss that may have been scaled."""

    def creating(self, wrap: Creation, resume: Resumption) -> None:
        """Pass every creation of a layer's weight through `wrap(layer, weight name, create)`, and what gives a weight
        its value only later through `resume(weight, initialize)`."""

    def updating(self, wrap: Updating) -> None:
        """Pass every update of variables through `wrap(optimizer, gradients, variables, apply)`, also one that a model
        makes within its training step; `apply(gradients)` makes it."""

    def spreading(self, wrap: Spreading) -> None:
        """Pass what TimeDistributed does at each of its time steps through `wrap(step, steps, call)`, where it calls
        its layer time step by time step, and not once for all."""

    def build_optimizer(self, optimizer: Any, variables: list[Any]) -> None:
        """Make the optimizer's slots for these variables, where it hasn't any."""

    def configuration(self, model: Any) -> dict[str, Any]:
        """Configurations of layers, optimizer and loss as Keras reports them, as plain data."""


def load(name: str) -> Side:
    """The adapter of the side `name`. Importing it imports its Keras, so one process loads one side only."""
    return importlib.import_module(f"kparity.capture.sides.{name}").Adapter()
