"""The first faults: ten on small subjects, the ten on the fixtures, and what else a migration gets wrong."""

from fault import Says, fault, scaled

TEN = [
    fault(
        "learning rate x1.01",
        "pixels",
        "learning rate",
        Says("optimizer", variable="learning_rate"),
        swap=("learning_rate=0.01", "learning_rate=0.0101"),
    ),
    fault(
        "epsilon",
        "pixels",
        "optimizer",
        Says("optimizer"),
        swap=("learning_rate=0.01", "learning_rate=0.01, epsilon=1e-6"),
    ),
    fault(
        "dropped mask", "tokens", "mask", Says("forward", layer="embedding", kind="mask"), swap=(", mask_zero=True", "")
    ),
    fault(
        "batch-norm momentum",
        "rows",
        "state",
        Says("state", layer="bn"),
        swap=("BatchNormalization(", "BatchNormalization(momentum=0.98, "),
    ),
    fault(
        "swapped initializer",
        "pixels",
        "initializer",
        Says("init", layer="wide", variable="wide:kernel"),
        swap=('activation="gelu"', 'activation="gelu", kernel_initializer="he_normal"'),
    ),
    fault(
        "missing bias",
        "rows",
        "structure",
        Says("config", layer="conv", variable="conv:bias", kind="missing-variable"),
        swap=('padding="same"', 'padding="same", use_bias=False'),
    ),
    fault(
        "loss reduction",
        "pixels",
        "loss",
        Says("loss"),
        swap=("label_smoothing=0.1", 'label_smoothing=0.1, reduction="sum"'),
    ),
    fault("label smoothing", "pixels", "loss", Says("loss"), swap=("label_smoothing=0.1", "label_smoothing=0.11")),
    fault("dropout rate", "tokens", "dropout", Says("forward", layer="dropout"), swap=("Dropout(0.1", "Dropout(0.11")),
    fault("a layer scaled by 1.001", "pixels", "layer", Says("forward", layer="wide"), code=scaled("wide")),
]
"""The ten faults, one each, on the small subjects, which are equivalent without them."""

FIXTURES = [
    fault(
        "learning rate x1.01",
        "encoder_decoder",
        "learning rate",
        Says("optimizer", variable="learning_rate"),
        swap=("learning_rate=0.004", "learning_rate=0.00404"),
    ),
    fault(
        "learning rate x1.01",
        "resnet",
        "learning rate",
        Says("optimizer", variable="learning_rate"),
        swap=("lr=0.05", "lr=0.0505"),
    ),
    fault("epsilon", "attention", "optimizer", Says("optimizer"), swap=("beta_2=0.98", "beta_2=0.98, epsilon=1e-6")),
    fault(
        "epsilon of a layer",
        "attention",
        "layer",
        Says("forward", layer="by_hand_wide_norm"),
        swap=(
            'LayerNormalization(epsilon=1e-6, name=name + "_wide_norm")',
            "LayerNormalization(epsilon=1e-5 if name == 'by_hand' else 1e-6, name=name + \"_wide_norm\")",
        ),
    ),
    fault(
        "dropped mask",
        "encoder_decoder",
        "mask",
        Says("forward", layer="iso_embedding", kind="mask"),
        swap=('mask_zero=True, name="iso_embedding"', 'name="iso_embedding"'),
    ),
    fault(
        "dropped mask in a custom layer",
        "encoder_decoder",
        "mask",
        Says("forward", layer="written_positions", kind="mask"),
        swap=("self.supports_masking = True", 'self.supports_masking = self.name != "written_positions"'),
    ),
    fault(
        "batch-norm momentum",
        "resnet",
        "state",
        Says("state", layer="block2_bn1"),
        swap=(
            'BatchNormalization(momentum=0.9, name=name + "_bn1")',
            'BatchNormalization(momentum=0.99 if name == "block2" else 0.9, name=name + "_bn1")',
        ),
    ),
    fault(
        "swapped initializer",
        "resnet",
        "initializer",
        Says("init", layer="block3_conv2", variable="block3_conv2:kernel"),
        swap=(
            'kernel_initializer="he_normal"',
            'kernel_initializer="he_uniform" if name == "block3_conv2" else "he_normal"',
        ),
    ),
    fault(
        "missing bias",
        "encoder_decoder",
        "structure",
        Says("config", layer="next_character", variable="next_character:bias", kind="missing-variable"),
        swap=(
            'activation="softmax", name="next_character"',
            'activation="softmax", use_bias=False, name="next_character"',
        ),
    ),
    fault(
        "loss reduction",
        "attention",
        "loss",
        Says("loss"),
        swap=("label_smoothing=0.1", 'label_smoothing=0.1, reduction="sum"'),
    ),
    fault("label smoothing", "attention", "loss", Says("loss"), swap=("label_smoothing=0.1", "label_smoothing=0.11")),
    fault(
        "dropout rate",
        "encoder_decoder",
        "dropout",
        Says("forward", layer="written_dropout"),
        swap=("Dropout(0.1", "Dropout(0.11"),
    ),
    fault(
        "dropout rate in a custom layer",
        "attention",
        "dropout",
        Says("forward", layer="by_hand_attention/dropout"),
        swap=("CausalSelfAttention(heads, dropout=0.1", "CausalSelfAttention(heads, dropout=0.11"),
    ),
    fault(
        "a layer scaled by 1.001", "resnet", "layer", Says("forward", layer="block2_conv2"), code=scaled("block2_conv2")
    ),
    fault(
        "a layer scaled by 1.001", "encoder_decoder", "layer", Says("forward", layer="decoder"), code=scaled("decoder")
    ),
    fault(
        "a layer scaled by 1.001",
        "attention",
        "layer",
        Says("forward", layer="built_in_attention"),
        code=scaled("built_in_attention"),
    ),
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
"""A layer that gives another output from a step on."""

FURTHER = [
    fault(
        "a layer scaled from step 300 on",
        "pixels",
        "late",
        Says("forward", layer="wide", step=300),
        code=LATE.format(step=300),
        steps=400,
    ),
    fault(
        "gelu approximated",
        "pixels",
        "activation",
        Says("forward", layer="wide"),
        swap=('activation="gelu"', "activation=lambda x: tf.nn.gelu(x, approximate=True)"),
        code="import tensorflow as tf",
    ),
    fault(
        "epsilon of layer normalization",
        "pixels",
        "layer",
        Says("forward", layer="norm"),
        swap=("Normalization(", "Normalization(epsilon=1e-4, "),
    ),
    fault(
        "weight decay",
        "pixels",
        "optimizer",
        Says("optimizer"),
        swap=("learning_rate=0.01", "learning_rate=0.01, weight_decay=1e-4"),
    ),
    fault(
        "gradient clipping",
        "pixels",
        "optimizer",
        Says("optimizer"),
        swap=("learning_rate=0.01", "learning_rate=0.01, clipnorm=0.1"),
    ),
    fault(
        "beta_2",
        "pixels",
        "optimizer",
        Says("optimizer"),
        swap=("learning_rate=0.01", "learning_rate=0.01, beta_2=0.998"),
    ),
    fault(
        "amsgrad",
        "pixels",
        "optimizer",
        Says("optimizer"),
        swap=("learning_rate=0.01", "learning_rate=0.01, amsgrad=True"),
    ),
    fault(
        "another optimizer", "pixels", "optimizer", Says("optimizer"), swap=("optimizers.Adam(", "optimizers.Nadam(")
    ),
    fault("momentum", "rows", "optimizer", Says("optimizer", step=2), swap=("momentum=0.9)", "momentum=0.91)")),
    fault("nesterov", "rows", "optimizer", Says("optimizer"), swap=("momentum=0.9)", "momentum=0.9, nesterov=True)")),
    fault(
        "a schedule with another rate of decay",
        "rows",
        "learning rate",
        Says("optimizer", variable="learning_rate", step=2),
        swap=("learning_rate=0.05", "learning_rate=keras.optimizers.schedules.ExponentialDecay(0.05, 1000, 0.9)"),
    ),
    fault(
        "a metric that ignores the mask",
        "tokens",
        "metric",
        Says("metric", variable="accuracy"),
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
    fault(
        "regularizer x1.01",
        "rows",
        "regularizer",
        Says("loss", layer="digit", variable="digit:kernel"),
        swap=("l2(1e-3)", "l2(1.01e-3)"),
    ),
    fault(
        "regularizer left out",
        "rows",
        "regularizer",
        Says("loss", layer="digit", variable="digit:kernel"),
        swap=("kernel_regularizer=keras.regularizers.l2(1e-3), ", ""),
    ),
    fault("from_logits", "rows", "loss", Says("loss"), swap=("from_logits=True", "from_logits=False")),
    fault(
        "frozen layer",
        "pixels",
        "config",
        Says("config", layer="wide"),
        swap=('activation="gelu"', 'activation="gelu", trainable=False'),
    ),
    fault(
        "gamma's initial value",
        "rows",
        "initializer",
        Says("init", layer="bn", variable="bn:gamma"),
        swap=("BatchNormalization(", 'BatchNormalization(gamma_initializer="zeros", '),
    ),
    fault(
        "epsilon of batch normalization",
        "rows",
        "layer",
        Says("forward", layer="bn"),
        swap=("BatchNormalization(", "BatchNormalization(epsilon=1e-5, "),
    ),
    fault(
        "batch normalization without scale",
        "rows",
        "structure",
        Says("config", layer="bn", variable="bn:gamma", kind="missing-variable"),
        swap=("BatchNormalization(", "BatchNormalization(scale=False, "),
    ),
    fault(
        "batch normalization that doesn't train",
        "rows",
        "layer",
        Says("forward", layer="bn"),
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
    fault(
        "hard sigmoid",
        "tokens",
        "activation",
        Says("forward", layer="second"),
        swap=('True, name="second"', 'True, recurrent_activation="hard_sigmoid", name="second"'),
    ),
    fault(
        "initial states swapped",
        "tokens",
        "wiring",
        Says("forward", layer="second"),
        swap=("initial_state=[h, c]", "initial_state=[c, h]"),
    ),
    fault(
        "initial state left out",
        "tokens",
        "wiring",
        Says("forward", layer="second"),
        swap=(", initial_state=[h, c]", ""),
    ),
    fault(
        "no forget bias",
        "tokens",
        "initializer",
        Says("init", layer="first/lstm_cell", variable="first/lstm_cell:bias"),
        swap=("return_state=True", "return_state=True, unit_forget_bias=False"),
    ),
    fault(
        "backwards",
        "tokens",
        "recurrent",
        Says("forward", layer="first"),
        swap=("return_state=True", "return_state=True, go_backwards=True"),
    ),
    fault(
        "missing activation",
        "rows",
        "structure",
        Says("forward", layer="relu", kind="missing-layer"),
        swap=('    x = layers.Activation("relu", name="relu")(x)\n', ""),
    ),
    fault(
        "missing dropout",
        "pixels",
        "structure",
        Says("forward", layer="dropout", kind="missing-layer"),
        swap=('    x = layers.Dropout(0.2, name="dropout")(x)\n', ""),
    ),
    fault(
        "missing normalization",
        "pixels",
        "structure",
        Says("config", layer="norm", kind="missing-variable"),
        swap=('    x = layers.LayerNormalization(name="norm")(x)\n', ""),
    ),
    fault(
        "an added layer",
        "pixels",
        "structure",
        Says("forward", layer="added", kind="extra-layer"),
        swap=("    outputs = ", '    x = layers.Lambda(lambda x: x * 1.01, name="added")(x)\n    outputs = '),
    ),
    fault("padding", "rows", "layer", Says("forward", layer="conv"), swap=('padding="same"', 'padding="causal"')),
    fault(
        "another layout",
        "rows",
        "wiring",
        Says("forward", layer="turned", kind="extra-layer"),
        swap=("    x = layers.Flatten", '    x = layers.Permute((2, 1), name="turned")(x)\n    x = layers.Flatten'),
    ),
    fault(
        "stopped gradient",
        "pixels",
        "gradient",
        Says("gradient", layer="norm"),
        code="""
@built
def stop(model):
    layer = model.get_layer("norm")
    call = layer.call
    layer.call = lambda inputs: call(inputs) * 0.5 + 0.5 * tf.stop_gradient(call(inputs))
""",
    ),
    fault(
        "a layer in half precision",
        "pixels",
        "precision",
        Says("forward", layer="wide"),
        swap=('activation="gelu"', 'activation="gelu", dtype="mixed_float16"'),
    ),
    fault("data scaled by 15", "rows", "data", Says("data"), swap=("digits.images / 16.0", "digits.images / 15.0")),
    fault("fewer rows", "rows", "data", Says("data"), swap=("TRAIN = 1280", "TRAIN = 1279")),
    fault(
        "data not shuffled",
        "rows",
        "data",
        Says("data"),
        swap=('"batch_size": 32', '"batch_size": 32, "shuffle": False'),
    ),
    fault(
        "a renamed layer, scaled",
        "pixels",
        "layer",
        Says("forward", layer="wide"),
        swap=('name="wide"', 'name="broad"'),
        code=scaled("broad"),
    ),
    fault(
        "NaN at one step",
        "pixels",
        "late",
        Says("forward", layer="wide", kind="nan", step=7),
        code=LATE.format(step=7).replace("(1.0 + 0.001 * late)", "tf.where(late > 0, float('nan'), 1.0)"),
    ),
    fault(
        "a slip at steps 101 to 120 only",
        "pixels",
        "late",
        Says("forward", layer="wide", step=101),
        code=LATE.format(step=101).replace(
            "0.001 * late", "0.5 * late * tf.cast(tf.convert_to_tensor(model.optimizer.iterations) < 120, tf.float32)"
        ),
        steps=200,
    ),
]
"""Faults beyond the ten, found by asking what else a migration gets wrong."""
