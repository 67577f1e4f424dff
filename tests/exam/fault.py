"""What a fault of the exam is: what is done to a subject's Keras 3 side, and what a comparison must say of it.

The faults themselves are data, in the folder faults/; `examine.py` plants them.
"""

from dataclasses import dataclass

Swap = tuple[str, str]


@dataclass(frozen=True)
class Says:
    """What one cause must say. None for a layer means that it must name none; for a variable or kind, whatever it is.

    `step`: the first at which it can show; None: 0 for what shows before training, else 1.
    """

    phase: str
    layer: str | None = None
    variable: str | None = None
    kind: str | None = None
    step: int | None = None

    def __post_init__(self) -> None:
        if self.step is None:
            before = self.phase in {"config", "init"} or self.kind == "initial-slot"
            object.__setattr__(self, "step", 0 if before else 1)


@dataclass(frozen=True)
class Fault:
    """One fault of one subject, or several at once.

    `family`: the kind of fault, as the table sorts them. `swaps`: (old, new) pieces of the subject's text, each old
    piece exactly once in it. `code`: added at the end, where `@built` runs a function on the model that build_model
    made, and `@patched(owner, name)` puts a function in the place of a method. `expected`: the causes, in causal order;
    none for what changes no number.
    """

    name: str
    subject: str
    family: str
    expected: tuple[Says, ...] = ()
    swaps: tuple[Swap, ...] = ()
    code: str = ""
    steps: int = 20


def fault(
    name: str,
    subject: str,
    family: str,
    *says: Says,
    swap: tuple[str, str] | None = None,
    swaps: tuple[Swap, ...] = (),
    code: str = "",
    steps: int = 20,
) -> Fault:
    """A Fault, written short."""
    return Fault(name, subject, family, says, (*((swap,) if swap else ()), *swaps), code, steps)


def scaled(layer: str, factor: float = 1.001) -> str:
    """Code that multiplies what a layer gives by a factor."""
    return f"""
@built
def scale(model):
    layer = model.get_layer({layer!r})
    call = layer.call

    @functools.wraps(call)
    def scaled(*args, **kwargs):
        return tf.nest.map_structure(lambda value: value * {factor}, call(*args, **kwargs))

    layer.call = scaled
"""
