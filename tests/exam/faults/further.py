"""More faults, invented once the others were named: widths, strides, masks, late and tiny ones, two at a time."""

from fault import Says, fault, scaled

from faults.layers import around, bent

SAID = Says("loss")

FASTER = """
@patched(keras.optimizers.SGD, "update_step")
def faster(original, self, gradient, variable, rate):
    late = tf.cast(tf.convert_to_tensor(self.iterations) >= 13, tf.float32)
    original(self, gradient, variable, rate * (1.0 + late * (variable.shape == (8, 12))))
"""

FADED = """
@built
def fade(model):
    layer = model.get_layer("sample")
    call = layer.call

    def faded(inputs):
        mean, spread = inputs
        late = tf.cast(tf.convert_to_tensor(model.optimizer.iterations) >= 7, tf.float32)
        return mean + (call(inputs) - mean) * (1.0 - 0.5 * late)

    layer.call = faded
"""

FIRST_TOO = """
@patched(keras.layers.Masking, "compute_mask")
def first_too(original, self, inputs, mask=None):
    return keras.ops.logical_and(original(self, inputs, mask), tf.range(8) > 0)


@patched(keras.layers.Masking, "call")
def call(original, self, inputs):
    outputs = original(self, inputs)
    keras.src.backend.set_keras_mask(outputs, self.compute_mask(inputs))
    return outputs
"""

NO_MASK = """
keras.layers.Dropout.compute_mask = lambda self, inputs, previous_mask: None
"""

FURTHER = [
    fault(
        "two filters more",
        "pictures",
        "structure",
        Says("config", "dilated", "dilated:kernel", "other-shape"),
        swap=("Conv2D(8, 3, dilation_rate=2", "Conv2D(10, 3, dilation_rate=2"),
    ),
    fault(
        "a filter more in front of a normalization",
        "rows",
        "structure",
        Says("config", "conv", "conv:kernel", "other-shape"),
        swap=("Conv1D(16,", "Conv1D(17,"),
    ),
    fault(
        "a wider memory",
        "events",
        "structure",
        Says("config", "both_ways/forward_lstm/lstm_cell", "both_ways/forward_lstm/lstm_cell:kernel", "other-shape"),
        swap=("LSTM(8,", "LSTM(9,"),
    ),
    fault(
        "two layers in another order",
        "rows",
        "wiring",
        Says("forward", "bn"),
        swap=(
            '    x = layers.BatchNormalization(name="bn")(x)\n    x = layers.Activation("relu", name="relu")(x)\n',
            '    x = layers.Activation("relu", name="relu")(x)\n    x = layers.BatchNormalization(name="bn")(x)\n',
        ),
    ),
    fault(
        "dropout in front of a layer, not behind it",
        "phrases",
        "wiring",
        Says("forward", "narrow"),
        swap=(
            '    y = layers.Dense(DEPTH, name="narrow")(y)\n    y = layers.Dropout(0.1, name="dropout")(y)\n',
            '    y = layers.Dropout(0.1, name="dropout")(y)\n    y = layers.Dense(DEPTH, name="narrow")(y)\n',
        ),
    ),
    fault(
        "a residual left out",
        "phrases",
        "structure",
        Says("forward", "attention_add", kind="missing-layer"),
        swap=('layers.Add(name="attention_add")([x, y])', "y"),
    ),
    fault("strides left out", "parts", "layer", Says("forward", "strided", kind="shape"), swap=("strides=2, ", "")),
    fault(
        "one layer twice as fast from step 14 on",
        "parts",
        "late",
        Says("optimizer", "dense", "dense:kernel", step=14),
        code=FASTER,
    ),
    fault("half the noise from step 8 on", "sketches", "late", Says("forward", "sample", step=8), code=FADED),
    fault(
        "a wave's piece x1.001",
        "waves",
        "data",
        Says("data", step=9),
        swap=("    return {", "    y[64] *= 1.001\n    return {"),
    ),
    fault(
        "a dropout rate x1.001 in a discriminator",
        "gan",
        "dropout",
        Says("forward", "discriminator/seen_dropout"),
        swap=("Dropout(0.1,", "Dropout(0.1001,"),
    ),
    fault(
        "the divergence the other way round",
        "taught",
        "loss",
        SAID,
        swap=("(soft, tf.nn.softmax(logits / 2.0))", "(tf.nn.softmax(logits / 2.0), soft)"),
    ),
    fault("logarithm of a hyperbolic cosine for one output", "orders", "loss", SAID, swap=('"mse"', '"log_cosh"')),
    fault(
        "what goes back into an embedding x1.001",
        "tokens",
        "gradient",
        Says("gradient", "embedding"),
        code=bent("embedding", "upstream * 1.001"),
    ),
    fault(
        "the layer inside of TimeDistributed x1.001",
        "waves",
        "layer",
        Says("forward", "values"),  # which Keras 3 maps over time at once: nothing inside of it is seen
        code="""
@built
def scale(model):
    layer = model.get_layer("values").layer
    call = layer.call
    layer.call = lambda *args, **kwargs: call(*args, **kwargs) * 1.001
""",
    ),
    fault(
        "an orthogonal gain x1.001",
        "waves",
        "initializer",
        Says("init", "memory/gru_cell", "memory/gru_cell:recurrent_kernel"),
        swap=(
            'stateful=True, name="memory"',
            'stateful=True, recurrent_initializer=keras.initializers.Orthogonal(1.001), name="memory"',
        ),
    ),
    fault(
        "a momentum of 0.9001",
        "pictures",
        "state",
        Says("state", "deep_norm"),
        swap=("BatchNormalization(momentum=0.9,", "BatchNormalization(momentum=0.9001,"),
    ),
    fault("clipped at 0.1001", "phrases", "clipping", Says("optimizer"), swap=("clipnorm=0.1)", "clipnorm=0.1001)")),
    fault("the first event masked, too", "events", "mask", Says("forward", "mask", kind="mask"), code=FIRST_TOO),
    fault(
        "a normalization of what is 1.0005 times larger",
        "events",
        "layer",
        Says("forward", "norm"),
        code=around("norm", "call(inputs * 1.0005, *args, **kwargs)"),
    ),
    fault(
        "a width and a rate",
        "rows",
        "two at a time",
        Says("config", "conv", "conv:kernel", "other-shape"),
        Says("optimizer", variable="learning_rate"),
        swaps=(("Conv1D(16,", "Conv1D(17,"), ("learning_rate=0.05", "learning_rate=0.0505")),
    ),
    fault(
        "a lost mask and a scale",
        "tokens",
        "two at a time",
        Says("forward", "dropout", kind="mask"),
        Says("forward", "larger"),
        code=NO_MASK + scaled("larger"),
    ),
    fault(
        "a late average and a late drift",
        "events",
        "two at a time",
        Says("optimizer", step=12),
        Says("state", "norm", step=1),
        swaps=(
            ("ema_momentum=0.9)", "ema_momentum=0.9, ema_overwrite_frequency=12)"),
            ("momentum=0.95,", "momentum=0.951,"),
        ),
    ),
]
