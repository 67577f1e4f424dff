"""Every fault of the exam, by subject, so that each subject's reference is trained once for all of its faults."""

from fault import Fault

from faults import basic, evaluated, fed, further, layers, losses, optimizers

FAULTS: list[Fault] = sorted(
    [
        *basic.TEN,
        *basic.FIXTURES,
        *basic.FURTHER,
        *optimizers.OPTIMIZERS,
        *losses.LOSSES,
        *losses.METRICS,
        *losses.DATA,
        *layers.LAYERS,
        *layers.MASKS,
        *layers.STATES,
        *layers.INITIALIZERS,
        *layers.GRADIENTS,
        *layers.STRUCTURE,
        *layers.PAIRS,
        *further.FURTHER,
        *evaluated.EVALUATED,
        *fed.FED,
    ],
    key=lambda one: (one.subject, one.steps),
)
