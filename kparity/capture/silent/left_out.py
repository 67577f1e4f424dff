"""Public names of the measured families that no case is about, each with the reason. Read by the tests: a name of
Keras 2 that is neither in the tables nor here fails the suite."""

FAMILIES = ["layers", "losses", "metrics", "activations", "optimizers", "initializers", "regularizers", "constraints"]
"""Families whose every public name is measured or listed below."""
_TALK = "turns a name or configuration into an object, or back: no numbers"
_BASE = "an abstract base class"
_GONE = "Keras 3 doesn't have it: told loudly, so nothing is silent"

LEFT_OUT = {
    **{f"{family}.{name}": _TALK for family in FAMILIES for name in ("get", "serialize", "deserialize")},
    "optimizers.schedules.serialize": _TALK,
    "optimizers.schedules.deserialize": _TALK,
    "layers.Layer": _BASE,
    "layers.Wrapper": _BASE,
    "layers.AbstractRNNCell": _BASE,
    "losses.Loss": _BASE,
    "metrics.Metric": _BASE,
    "optimizers.Optimizer": _BASE,
    "optimizers.experimental.Optimizer": _BASE,
    "optimizers.legacy.Optimizer": _BASE,
    "optimizers.schedules.LearningRateSchedule": _BASE,
    "initializers.Initializer": _BASE,
    "regularizers.Regularizer": _BASE,
    "constraints.Constraint": _BASE,
    "losses.Reduction": "names of reductions; the reductions themselves are measured with every loss",
    "layers.Input": "a symbolic input: every training case starts with one",
    "layers.InputLayer": "a symbolic input: every training case starts with one",
    "layers.InputSpec": "describes shapes: no numbers",
    "layers.DenseFeatures": _GONE,
    "layers.LocallyConnected1D": _GONE,
    "layers.LocallyConnected2D": _GONE,
    "layers.experimental.DynamicEmbedding": _GONE,
    "layers.experimental.DynamicLookup": _GONE,
    "layers.experimental.RandomFourierFeatures": _GONE,
    "layers.experimental.SyncBatchNormalization": "BatchNormalization(synchronized=True), which is measured",
    "layers.experimental.EinsumDense": "another name of EinsumDense",
    "layers.experimental.preprocessing.PreprocessingLayer": _BASE,
    "metrics.experimental.PyMetric": _BASE,
    "metrics.MeanRelativeError": _GONE,
    "metrics.MeanTensor": _GONE,
}


def reason(name: str) -> str:
    """Why `layers.Input` or the like isn't measured; "" where it has to be."""
    if name.startswith("layers.experimental.preprocessing."):
        return "another name of a layer without `experimental.preprocessing`, which is measured"
    return LEFT_OUT.get(name, "")
