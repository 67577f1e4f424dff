"""The faults of the exam: what is done to a subject's Keras 3 side, and what a comparison must say of it.

A fault is an edit of the subject's own text, before it is migrated, or code that is added after it. Data only; read by
`examine.py`, which plants them, and by the tests.
"""

from dataclasses import dataclass

Swap = tuple[str, str]


@dataclass(frozen=True)
class Fault:
    """One fault of one subject.

    `swaps`: (old, new) pieces of the subject's text, each old piece exactly once in it. `code`: added at the end, where
    `@built` runs a function on the model that build_model made. `phase`, `layer`, `variable`: what the cause must say;
    None for a layer or a variable means that the cause must name none. `at`: the earliest step at which it can show.
    """

    name: str
    subject: str
    phase: str
    layer: str | None = None
    variable: str | None = None
    swaps: tuple[Swap, ...] = ()
    code: str = ""
    steps: int = 20
    at: int = 0
    kind: str | None = None

    @property
    def expected(self) -> str:
        """What the cause must say, in a line."""
        return " ".join(filter(None, (self.phase, self.layer, self.variable, self.kind)))


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


TEN = [
    Fault(
        "learning rate x1.01",
        "pixels",
        "optimizer",
        variable="learning_rate",
        swaps=(("learning_rate=0.01", "learning_rate=0.0101"),),
    ),
    Fault("epsilon", "pixels", "optimizer", swaps=(("learning_rate=0.01", "learning_rate=0.01, epsilon=1e-6"),)),
    Fault("dropped mask", "tokens", "forward", "embedding", swaps=((", mask_zero=True", ""),), kind="mask"),
    Fault(
        "batch-norm momentum",
        "rows",
        "state",
        "bn",
        swaps=(("BatchNormalization(", "BatchNormalization(momentum=0.98, "),),
    ),
    Fault(
        "swapped initializer",
        "pixels",
        "init",
        "wide",
        "wide:kernel",
        swaps=(('activation="gelu"', 'activation="gelu", kernel_initializer="he_normal"'),),
    ),
    Fault(
        "missing bias",
        "rows",
        "config",
        "conv",
        "conv:bias",
        swaps=(('padding="same"', 'padding="same", use_bias=False'),),
        kind="missing-variable",
    ),
    Fault("loss reduction", "pixels", "loss", swaps=(("label_smoothing=0.1", 'label_smoothing=0.1, reduction="sum"'),)),
    Fault("label smoothing", "pixels", "loss", swaps=(("label_smoothing=0.1", "label_smoothing=0.11"),)),
    Fault("dropout rate", "tokens", "forward", "dropout", swaps=(("Dropout(0.1", "Dropout(0.11"),)),
    Fault("a layer scaled by 1.001", "pixels", "forward", "wide", code=scaled("wide")),
]
"""The ten faults, one each, on the small subjects, which are equivalent without them."""

FIXTURES = [
    Fault(
        "learning rate x1.01",
        "encoder_decoder",
        "optimizer",
        variable="learning_rate",
        swaps=(("learning_rate=0.004", "learning_rate=0.00404"),),
    ),
    Fault("learning rate x1.01", "resnet", "optimizer", variable="learning_rate", swaps=(("lr=0.05", "lr=0.0505"),)),
    Fault(
        "epsilon",
        "attention",
        "optimizer",
        swaps=(("beta_2=0.98", "beta_2=0.98, epsilon=1e-6"),),
    ),
    Fault(
        "epsilon of a layer",
        "attention",
        "forward",
        "by_hand_wide_norm",
        swaps=(
            (
                'LayerNormalization(epsilon=1e-6, name=name + "_wide_norm")',
                "LayerNormalization(epsilon=1e-5 if name == 'by_hand' else 1e-6, name=name + \"_wide_norm\")",
            ),
        ),
    ),
    Fault(
        "dropped mask",
        "encoder_decoder",
        "forward",
        "iso_embedding",
        swaps=(('mask_zero=True, name="iso_embedding"', 'name="iso_embedding"'),),
        kind="mask",
    ),
    Fault(
        "dropped mask in a custom layer",
        "encoder_decoder",
        "forward",
        "written_positions",
        swaps=(("self.supports_masking = True", 'self.supports_masking = self.name != "written_positions"'),),
        kind="mask",
    ),
    Fault(
        "batch-norm momentum",
        "resnet",
        "state",
        "block2_bn1",
        swaps=(
            (
                'BatchNormalization(momentum=0.9, name=name + "_bn1")',
                'BatchNormalization(momentum=0.99 if name == "block2" else 0.9, name=name + "_bn1")',
            ),
        ),
    ),
    Fault(
        "swapped initializer",
        "resnet",
        "init",
        "block3_conv2",
        "block3_conv2:kernel",
        swaps=(
            (
                'kernel_initializer="he_normal"',
                'kernel_initializer="he_uniform" if name == "block3_conv2" else "he_normal"',
            ),
        ),
    ),
    Fault(
        "missing bias",
        "encoder_decoder",
        "config",
        "next_character",
        "next_character:bias",
        swaps=(
            (
                'activation="softmax", name="next_character"',
                'activation="softmax", use_bias=False, name="next_character"',
            ),
        ),
        kind="missing-variable",
    ),
    Fault(
        "loss reduction", "attention", "loss", swaps=(("label_smoothing=0.1", 'label_smoothing=0.1, reduction="sum"'),)
    ),
    Fault("label smoothing", "attention", "loss", swaps=(("label_smoothing=0.1", "label_smoothing=0.11"),)),
    Fault(
        "dropout rate",
        "encoder_decoder",
        "forward",
        "written_dropout",
        swaps=(("Dropout(0.1", "Dropout(0.11"),),
    ),
    Fault(
        "dropout rate in a custom layer",
        "attention",
        "forward",
        "by_hand_attention/dropout",
        swaps=(("CausalSelfAttention(heads, dropout=0.1", "CausalSelfAttention(heads, dropout=0.11"),),
    ),
    Fault("a layer scaled by 1.001", "resnet", "forward", "block2_conv2", code=scaled("block2_conv2")),
    Fault("a layer scaled by 1.001", "encoder_decoder", "forward", "decoder", code=scaled("decoder")),
    Fault("a layer scaled by 1.001", "attention", "forward", "built_in_attention", code=scaled("built_in_attention")),
]
"""The ten again, on the fixtures, whose genuine differences must not hide them."""

LATE = """
@built
def late(model):
    layer = model.get_layer("wide")
    call = layer.call

    @functools.wraps(call)
    def slipping(inputs, **kwargs):
        late = tf.cast(tf.convert_to_tensor(model.optimizer.iterations) >= {step} - 1, tf.float32)
        return call(inputs, **kwargs) * (1.0 + 0.001 * late)

    layer.call = slipping
"""

FURTHER = [
    Fault(
        "a layer scaled from step 300 on", "pixels", "forward", "wide", code=LATE.format(step=300), steps=400, at=300
    ),
    Fault(
        "gelu approximated",
        "pixels",
        "forward",
        "wide",
        swaps=(('activation="gelu"', "activation=lambda x: tf.nn.gelu(x, approximate=True)"),),
        code="import tensorflow as tf",
    ),
    Fault(
        "epsilon of layer normalization",
        "pixels",
        "forward",
        "norm",
        swaps=(("Normalization(", "Normalization(epsilon=1e-4, "),),
    ),
    Fault(
        "weight decay", "pixels", "optimizer", swaps=(("learning_rate=0.01", "learning_rate=0.01, weight_decay=1e-4"),)
    ),
    Fault(
        "gradient clipping", "pixels", "optimizer", swaps=(("learning_rate=0.01", "learning_rate=0.01, clipnorm=0.1"),)
    ),
    Fault("beta_2", "pixels", "optimizer", swaps=(("learning_rate=0.01", "learning_rate=0.01, beta_2=0.998"),)),
    Fault("amsgrad", "pixels", "optimizer", swaps=(("learning_rate=0.01", "learning_rate=0.01, amsgrad=True"),)),
    Fault("another optimizer", "pixels", "optimizer", swaps=(("optimizers.Adam(", "optimizers.Nadam("),)),
    Fault("momentum", "rows", "optimizer", swaps=(("momentum=0.9)", "momentum=0.91)"),)),
    Fault("nesterov", "rows", "optimizer", swaps=(("momentum=0.9)", "momentum=0.9, nesterov=True)"),)),
    Fault(
        "a schedule with another rate of decay",
        "rows",
        "optimizer",
        variable="learning_rate",
        swaps=(("learning_rate=0.05", "learning_rate=keras.optimizers.schedules.ExponentialDecay(0.05, 1000, 0.9)"),),
        at=2,
    ),
    Fault(
        "a metric that ignores the mask",
        "tokens",
        "metric",
        variable="accuracy",
        code="""
@built
def unmasked(model):
    class Unmasked(keras.metrics.SparseCategoricalAccuracy):
        def update_state(self, y_true, y_pred, sample_weight=None):
            keras.src.backend.set_keras_mask(y_pred, None)
            super().update_state(y_true, y_pred)

    model.compile(optimizer=model.optimizer, loss=model.loss, metrics=[Unmasked(name="accuracy")])
""",
    ),
    Fault("regularizer x1.01", "rows", "loss", "digit", "digit:kernel", swaps=(("l2(1e-3)", "l2(1.01e-3)"),)),
    Fault(
        "regularizer left out",
        "rows",
        "loss",
        "digit",
        "digit:kernel",
        swaps=(("kernel_regularizer=keras.regularizers.l2(1e-3), ", ""),),
    ),
    Fault("from_logits", "rows", "loss", swaps=(("from_logits=True", "from_logits=False"),)),
    Fault(
        "frozen layer", "pixels", "config", "wide", swaps=(('activation="gelu"', 'activation="gelu", trainable=False'),)
    ),
    Fault(
        "gamma's initial value",
        "rows",
        "init",
        "bn",
        "bn:gamma",
        swaps=(("BatchNormalization(", 'BatchNormalization(gamma_initializer="zeros", '),),
    ),
    Fault(
        "epsilon of batch normalization",
        "rows",
        "forward",
        "bn",
        swaps=(("BatchNormalization(", "BatchNormalization(epsilon=1e-5, "),),
    ),
    Fault(
        "batch normalization without scale",
        "rows",
        "config",
        "bn",
        "bn:gamma",
        swaps=(("BatchNormalization(", "BatchNormalization(scale=False, "),),
        kind="missing-variable",
    ),
    Fault(
        "batch normalization that doesn't train",
        "rows",
        "forward",
        "bn",
        code="""
@built
def stay(model):
    layer = model.get_layer("bn")
    call = layer.call

    @functools.wraps(call)
    def untrained(inputs, training=None, mask=None):
        return call(inputs, training=False, mask=mask)

    layer.call = untrained
""",
    ),
    Fault(
        "hard sigmoid",
        "tokens",
        "forward",
        "second",
        swaps=(('True, name="second"', 'True, recurrent_activation="hard_sigmoid", name="second"'),),
    ),
    Fault(
        "initial states swapped",
        "tokens",
        "forward",
        "second",
        swaps=(("initial_state=[h, c]", "initial_state=[c, h]"),),
    ),
    Fault("initial state left out", "tokens", "forward", "second", swaps=((", initial_state=[h, c]", ""),)),
    Fault(
        "no forget bias",
        "tokens",
        "init",
        "first/lstm_cell",
        "first/lstm_cell:bias",
        swaps=(("return_state=True", "return_state=True, unit_forget_bias=False"),),
    ),
    Fault(
        "backwards",
        "tokens",
        "forward",
        "first",
        swaps=(("return_state=True", "return_state=True, go_backwards=True"),),
    ),
    Fault(
        "missing activation",
        "rows",
        "forward",
        "relu",
        swaps=(('    x = layers.Activation("relu", name="relu")(x)\n', ""),),
        kind="missing-layer",
    ),
    Fault(
        "missing dropout",
        "pixels",
        "forward",
        "dropout",
        swaps=(('    x = layers.Dropout(0.2, name="dropout")(x)\n', ""),),
        kind="missing-layer",
    ),
    Fault(
        "missing normalization",
        "pixels",
        "config",
        "norm",
        swaps=(('    x = layers.LayerNormalization(name="norm")(x)\n', ""),),
        kind="missing-variable",
    ),
    Fault(
        "an added layer",
        "pixels",
        "forward",
        "added",
        swaps=(("    outputs = ", '    x = layers.Lambda(lambda x: x * 1.01, name="added")(x)\n    outputs = '),),
        kind="extra-layer",
    ),
    Fault("padding", "rows", "forward", "conv", swaps=(('padding="same"', 'padding="causal"'),)),
    Fault(
        "another layout",
        "rows",
        "forward",
        "turned",
        swaps=(("    x = layers.Flatten", '    x = layers.Permute((2, 1), name="turned")(x)\n    x = layers.Flatten'),),
        kind="extra-layer",
    ),
    Fault(
        "stopped gradient",
        "pixels",
        "gradient",
        "norm",
        code="""
@built
def stop(model):
    layer = model.get_layer("norm")
    call = layer.call
    layer.call = lambda inputs: call(inputs) * 0.5 + 0.5 * tf.stop_gradient(call(inputs))
""",
    ),
    Fault(
        "a layer in half precision",
        "pixels",
        "forward",
        "wide",
        swaps=(('activation="gelu"', 'activation="gelu", dtype="mixed_float16"'),),
    ),
    Fault(
        "data scaled by 15",
        "rows",
        "data",
        swaps=(("digits.images / 16.0", "digits.images / 15.0"),),
    ),
    Fault("fewer rows", "rows", "data", swaps=(("TRAIN = 1280", "TRAIN = 1279"),)),
    Fault("data not shuffled", "rows", "data", swaps=(('"batch_size": 32', '"batch_size": 32, "shuffle": False'),)),
    Fault(
        "a renamed layer, scaled",
        "pixels",
        "forward",
        "wide",
        swaps=(('name="wide"', 'name="broad"'),),
        code=scaled("broad"),
    ),
    Fault(
        "NaN at one step",
        "pixels",
        "forward",
        "wide",
        code=LATE.format(step=7).replace("(1.0 + 0.001 * late)", "tf.where(late > 0, float('nan'), 1.0)"),
        at=7,
        kind="nan",
    ),
    Fault(
        "a slip at steps 101 to 120 only",
        "pixels",
        "forward",
        "wide",
        code=LATE.format(step=101).replace(
            "0.001 * late", "0.5 * late * tf.cast(tf.convert_to_tensor(model.optimizer.iterations) < 120, tf.float32)"
        ),
        steps=200,
        at=101,
    ),
]
"""Faults beyond the ten, found by asking what else a migration gets wrong."""
