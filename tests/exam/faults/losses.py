"""Faults of losses, regularizers, constraints, metrics and of the data that they are fed."""

from fault import Says, fault

SAID = Says("loss")

UNWEIGHTED = """
from keras.src.trainers.compile_utils import CompileLoss


@patched(CompileLoss, "call")
def unweighted(original, self, y_true, y_pred, sample_weight=None):
    return original(self, y_true, y_pred, None)
"""

CLASSES = """
from keras.src.trainers.data_adapters import data_adapter_utils


@patched(data_adapter_utils, "class_weight_to_sample_weights")
def scaled(original, y, class_weight):
    return original(y, class_weight) * np.float32(1.001)
"""

UNMASKED = """
from keras.src.losses import loss as losses


@patched(losses, "reduce_weighted_values")
def unmasked(original, values, sample_weight=None, mask=None, **kwargs):
    return original(values, sample_weight=sample_weight, mask={}, **kwargs)
"""

OVER_MASK = """
from keras.src.losses import loss as losses


@patched(losses, "reduce_weighted_values")
def over_mask(original, values, sample_weight=None, mask=None, **kwargs):
    loss = original(values, sample_weight=sample_weight, mask=mask, **kwargs)
    return loss if mask is None else loss * tf.reduce_mean(tf.cast(mask, tf.float32))
"""

LATE_LOSS = """
@built
def late(model):
    loss = model.loss
    call = loss.call

    def slipping(y_true, y_pred):
        late = tf.cast(tf.convert_to_tensor(model.optimizer.iterations) >= {step} - 1, tf.float32)
        return call(y_true, y_pred) * (1.0 + 0.001 * late)

    loss.call = slipping
"""

STICKY = """
keras.metrics.Precision.reset_state = lambda self: None
"""

TWICE = """
@built
def twice(model):
    layer = model.get_layer("digit")
    penalty = layer.kernel.regularizer
    layer.kernel.regularizer = lambda value: 2.0 * penalty(value)
"""

OFF = """
@patched(keras.metrics.MeanAbsoluteError, "update_state")
def off(original, self, y_true, y_pred, sample_weight=None):
    return original(self, y_true, y_pred * 1.001, sample_weight)
"""

ROOT_OF_NOTHING = """
@patched(keras.metrics.RootMeanSquaredError, "result")
def squared(original, self):
    return original(self) ** 2
"""

OF_LOGITS = """
@patched(tf.nn, "{}_cross_entropy_with_logits")
def more(original, **kwargs):
    return original(**kwargs) * 1.001
"""

BACK_OF_LOGITS = """
@patched(tf.nn, "sparse_softmax_cross_entropy_with_logits")
def back(original, labels, logits):
    loss = original(labels=labels, logits=logits)
    return loss + 0.001 * (loss - tf.stop_gradient(loss))
"""

PRICE = '"sample_weight": {"price": 1.0 / (1.0 + shop[:, 0]).astype("float32"), "returned": np.ones(ROWS, "float32")},'

LOSSES = [
    fault(
        "probabilities clipped at 0.05",
        "pixels",
        "loss",
        SAID,
        code="""
@patched(keras.losses.CategoricalCrossentropy, "call")
def clipped(original, self, y_true, y_pred):
    return original(self, y_true, tf.clip_by_value(y_pred, 0.05, 1.0))
""",
    ),
    fault("delta of Huber", "waves", "loss", SAID, swap=("delta=0.5", "delta=0.505")),
    fault("the weight of one of two losses x1.001", "orders", "loss", SAID, swap=('"price": 0.1', '"price": 0.1001')),
    fault("sample weights ignored", "events", "loss", SAID, code=UNWEIGHTED),
    fault("the mask ignored by the loss", "tokens", "loss", SAID, code=UNMASKED.format(None)),
    fault(
        "the mask on the loss is the other way round",
        "tokens",
        "loss",
        SAID,
        code=UNMASKED.format("None if mask is None else tf.logical_not(tf.cast(mask, bool))"),
    ),
    fault("the mean is over what is masked, too", "tokens", "loss", SAID, code=OVER_MASK),
    fault(
        "the loss of a train_step weighted x1.001", "taught", "loss", SAID, swap=("0.5 * distance", "0.5005 * distance")
    ),
    fault("the temperature of a train_step x1.001", "taught", "loss", SAID, swap=("logits / 2.0", "logits / 2.002")),
    # a loss reads what its softmax was made of, whatever `from_logits` says: Keras warns, and trains the same
    fault(
        "softmax of a softmax", "pixels", "loss", swap=("label_smoothing=0.1", "from_logits=True, label_smoothing=0.1")
    ),
    fault("cross-entropy of logits x1.001", "pixels", "loss", SAID, code=OF_LOGITS.format("softmax")),
    fault("binary cross-entropy of logits x1.001", "orders", "loss", SAID, code=OF_LOGITS.format("sigmoid")),
    fault("what comes back of the logits x1.001", "events", "loss", SAID, code=BACK_OF_LOGITS),
    fault(
        "logarithm of a hyperbolic cosine",
        "pictures",
        "loss",
        SAID,
        swap=("losses.MeanSquaredError()", "losses.LogCosh()"),
    ),
    fault(
        "label smoothing of 1e-3",
        "orders",
        "loss",
        SAID,
        swap=('"binary_crossentropy"', "keras.losses.BinaryCrossentropy(label_smoothing=1e-3)"),
    ),
    fault(
        "the loss x1.001 from step 40 on",
        "rows",
        "late",
        Says("loss", step=40),
        code=LATE_LOSS.format(step=40),
        steps=60,
    ),
    fault("mean absolute for mean squared", "sketches", "loss", SAID, swap=('loss="mse"', 'loss="mae"')),
    fault("logarithm of the loss", "sketches", "loss", SAID, swap=('loss="mse"', 'loss="msle"')),
    fault(
        "an added loss x1.001", "sketches", "regularizer", Says("loss", "sample"), swap=("rate=0.02", "rate=0.02002")
    ),
    fault(
        "activity regularizer x1.01",
        "sketches",
        "regularizer",
        Says("loss", "squeeze"),
        swap=("l2(1e-4)", "l2(1.01e-4)"),
    ),
    fault("L2 for L1", "orders", "regularizer", Says("loss", "mixed", "mixed:kernel"), swap=("l1(1e-4)", "l2(1e-4)")),
    fault(
        "a bias's regularizer x1.01",
        "orders",
        "regularizer",
        Says("loss", "mixed", "mixed:bias", step=2),
        swap=("l2(1e-3)", "l2(1.01e-3)"),
    ),
    fault(
        "regularizer x1.001 in a subclassed model",
        "taught",
        "regularizer",
        Says("loss", "logits", "logits:kernel"),
        swap=("l2(1e-4)", "l2(1.001e-4)"),
    ),
    fault(
        "a regularizer too many",
        "rows",
        "regularizer",
        Says("loss", "conv", "conv:kernel"),
        swap=('padding="same"', 'padding="same", kernel_regularizer="l2"'),
    ),
    fault("the penalty counted twice", "rows", "regularizer", Says("loss", "digit", "digit:kernel"), code=TWICE),
    fault(
        "constraint at 0.81",
        "orders",
        "constraint",
        Says("optimizer", "spent", "spent:kernel"),
        swap=("MaxNorm(0.8)", "MaxNorm(0.81)"),
    ),
    fault(
        "constraint left out",
        "orders",
        "constraint",
        Says("optimizer", "spent", "spent:kernel"),
        swap=(" kernel_constraint=keras.constraints.MaxNorm(0.8),", ""),
    ),
    fault(
        "constraint along the other axis",
        "orders",
        "constraint",
        Says("optimizer", "spent", "spent:kernel"),
        swap=("MaxNorm(0.8)", "MaxNorm(0.8, axis=1)"),
    ),
    fault(
        "weights not negative",
        "taught",
        "constraint",
        Says("optimizer", "logits", "logits:kernel"),
        swap=("regularizers.l2(1e-4)", "regularizers.l2(1e-4), kernel_constraint=keras.constraints.NonNeg()"),
    ),
]

METRICS = [
    fault(
        "another threshold",
        "pictures",
        "metric",
        Says("metric", variable="hit"),
        swap=('name="hit"', 'name="hit", threshold=0.51'),
    ),
    fault(
        "top four, not three",
        "phrases",
        "metric",
        Says("metric", variable="among_three"),
        swap=("Accuracy(3,", "Accuracy(4,"),
    ),
    fault(
        "other thresholds of the area under a curve",
        "parts",
        "metric",
        Says("metric", variable="auc"),
        swap=("num_thresholds=20", "num_thresholds=21"),
    ),
    fault(
        "a metric without the sample weights",
        "events",
        "metric",
        Says("metric", variable="accuracy"),
        swap=("weighted_metrics", "metrics"),
    ),
    fault("a metric that isn't reset", "pictures", "metric", Says("metric", variable="precision", step=2), code=STICKY),
    fault("no root of the mean square", "waves", "metric", Says("metric", variable="rmse"), code=ROOT_OF_NOTHING),
    fault(
        "a metric x1.001",
        "gan",
        "metric",
        Says("metric", variable="g_loss"),
        swap=("self.g_metric.update_state(g_loss)", "self.g_metric.update_state(g_loss * 1.001)"),
    ),
    fault(
        "a metric of one output x1.001",
        "orders",
        "metric",
        Says("metric", variable="price_mae"),
        code=OFF,
    ),
]

DATA = [
    fault(
        "rounded to half precision",
        "pictures",
        "data",
        Says("data"),
        swap=('return {"x": x.astype("float32")', 'return {"x": x.astype("float16").astype("float32")'),
    ),
    fault(
        "channels the other way round",
        "pictures",
        "data",
        Says("data"),
        swap=('return {"x": x.astype("float32")', 'return {"x": x[..., ::-1].astype("float32")'),
    ),
    fault("sample weights lost", "orders", "data", Says("data"), swap=(PRICE, "")),
    fault("class weights lost", "parts", "data", Says("data"), swap=(', "class_weight": {0: 1.0, 1: 0.7, 2: 1.6}', "")),
    fault("class weights x1.001", "parts", "data", Says("data"), code=CLASSES),
    fault(
        "one row x1.001",
        "taught",
        "data",
        Says("data", step=5),
        swap=("    y = np.argmax", "    x[13] *= 1.001\n    y = np.argmax"),
    ),
    fault(
        "labels of the next row",
        "events",
        "data",
        Says("data"),
        swap=('{"x": x, "y": y,', '{"x": x, "y": np.roll(y, 1),'),
    ),
    fault("another seed", "gan", "data", Says("data"), swap=("RandomState(5)", "RandomState(6)")),
    fault("another size of batch", "gan", "data", Says("data"), swap=('"batch_size": 32', '"batch_size": 16')),
    fault(
        "two inputs swapped",
        "orders",
        "data",
        Says("data"),
        swap=(
            '"x": {"shop": shop.astype("int32"), "amount": amount}',
            '"x": {"shop": shop.astype("int32"), "amount": amount[:, ::-1]}',
        ),
    ),
]
