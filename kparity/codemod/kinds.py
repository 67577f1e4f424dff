"""What kind of value the classes and functions of Keras and TensorFlow give, by name.

In: a canonical dotted name. Out: one of `values.KINDS`, or None; and is a function's value a tensor of the model where
one of its arguments is? Called by values, and by recast about code that templates write.
"""

import functools

from .names import under

BASES = {
    "keras.Layer": "layer",
    "keras.Loss": "loss",
    "keras.Metric": "metric",
    "keras.Optimizer": "optimizer",
    "keras.Model": "model",
    "keras.models.Model": "model",
    "keras.Sequential": "model",
    "keras.models.Sequential": "model",
    "keras.engine.training.Model": "model",
    "keras.experimental.LinearModel": "model",
    "keras.experimental.WideDeepModel": "model",
    "keras.utils.Sequence": "sequence",
    "keras.utils.PyDataset": "sequence",
}
MODEL_MAKERS = frozenset(
    f"keras.{name}"
    for name in (
        "models.load_model",
        "saving.load_model",
        "models.clone_model",
        "models.model_from_json",
        "models.model_from_config",
        "models.model_from_yaml",
    )
)
FAMILIES = {
    "keras.layers": "layer",
    "keras.optimizers": "optimizer",
    "keras.metrics": "metric",
    "keras.losses": "loss",
    "keras.callbacks": "callback",
    "keras.mixed_precision.LossScaleOptimizer": "optimizer",
}
NOT_LAYERS = frozenset({"keras.layers.serialize", "keras.layers.deserialize"})
SETTINGS = frozenset({"epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx", "set_image_data_format"})
"""Functions of the backend that say or change what is set."""


@functools.lru_cache(maxsize=65536)
def made_by(dotted: str) -> str | None:
    """The kind of what calling the class or function of this canonical name gives."""
    if dotted in BASES:
        return BASES[dotted]
    if dotted in MODEL_MAKERS:
        return "model"
    if dotted in ("keras.Input", "keras.layers.Input"):
        return "tensor"
    last = dotted.rsplit(".", 1)[-1]
    if under(dotted, "keras.applications") and last[:1].isupper():
        return "model"
    for family, kind in FAMILIES.items():
        if under(dotted, family) and dotted not in NOT_LAYERS:
            if under(dotted, "keras.optimizers.schedules"):
                return None
            if last[:1].isupper():
                return kind
            if family == "keras.layers":
                return "tensor"
            return kind if last == "get" else None
    return None


@functools.lru_cache(maxsize=65536)
def passes_on(dotted: str) -> bool:
    """Is this a function whose value is a tensor of the model if one of its arguments is?"""
    if under(dotted, "keras.backend") or under(dotted, "keras.ops") or under(dotted, "keras.activations"):
        return dotted.rsplit(".", 1)[-1] not in SETTINGS
    if under(dotted, "tensorflow") and not dotted.startswith("tensorflow.compat"):
        last = dotted.rsplit(".", 1)[-1]
        return not (last[:1].isupper() or last in ("function", "shape", "rank", "size"))
    return False
