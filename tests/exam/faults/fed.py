"""Faults that no step shows: in what `fit` hands to it, and in what `predict` makes of a model's outputs."""

from fault import Says, fault

ARRAYS = """
from keras.src.trainers.data_adapters import array_data_adapter


@patched(array_data_adapter.ArrayDataAdapter, "__init__")
def changed(original, self, x, y=None, sample_weight=None, batch_size=None, **kwargs):
    {}
    original(self, x, y, sample_weight, batch_size, **kwargs)
"""

PREDICTED = """
@patched(keras.Model, "predict_step")
def more(original, self, data):
    return tf.nest.map_structure(lambda value: value * 1.001, original(self, data))
"""

FED = [
    fault(
        "fit leaves the last rows out",
        "rows",
        "data",
        Says("data", kind="fed"),
        code=ARRAYS.format("x, y = x[:-9], y[:-9]"),
    ),
    fault(
        "fit does not shuffle",
        "rows",
        "data",
        Says("data", kind="fed"),
        code=ARRAYS.format("kwargs['shuffle'] = False"),
    ),
    fault(
        "fit hands over other sample weights",
        "orders",
        "data",
        Says("data", kind="fed"),
        code=ARRAYS.format("sample_weight = tf.nest.map_structure(lambda weights: weights * 1.001, sample_weight)"),
    ),
    fault(
        "fit rounds its inputs",
        "waves",
        "data",
        Says("data", kind="fed"),
        code=ARRAYS.format("x = x.astype('float16').astype('float32')"),
    ),
    fault("predictions x1.001", "pixels", "metric", Says("metric", variable="predict", step=20), code=PREDICTED),
]
