"""Faults of layers: their formulas, wiring, masks, noise, precision, state, initial values and gradients."""

from fault import Fault, Says, fault, scaled


def forward(name: str, subject: str, family: str, layer: str, old: str = "", new: str = "", code: str = "") -> Fault:
    """A fault that shows in what a layer gives."""
    return fault(name, subject, family, Says("forward", layer), swap=(old, new) if old else None, code=code)


def around(layer: str, body: str) -> str:
    """Code that computes what a layer gives otherwise: `inputs`, `kwargs`, and `call`, which does it as before."""
    return f"""
@built
def change(model):
    layer = model.get_layer({layer!r})
    call = layer.call

    @functools.wraps(call)
    def changed(inputs, *args, **kwargs):
        return {body}

    layer.call = changed
"""


BACKWARD = """
@tf.custom_gradient
def bent(value):
    return tf.identity(value), lambda upstream: {}

"""


def bent(layer: str, upstream: str) -> str:
    """Code that changes what goes back through a layer's output, and nothing of what goes forward."""
    return BACKWARD.format(upstream) + around(layer, "bent(call(inputs, *args, **kwargs))")


STUCK = """
from keras.src.random.seed_generator import SeedGenerator

SeedGenerator.next = lambda self, ordered=True: self.state.value
"""

SEED = """
@built
def numbered(model):
    model.get_layer("dropout").seed_generator = 7
"""

LAYERS = [
    forward("negative slope x1.001", "pictures", "activation", "leaky", "LeakyReLU(0.1,", "LeakyReLU(0.1001,"),
    forward("dilation left out", "pictures", "layer", "dilated", "dilation_rate=2", "dilation_rate=1"),
    forward(
        "nearest for bilinear", "pictures", "layer", "upsample", 'interpolation="bilinear"', 'interpolation="nearest"'
    ),
    forward(
        "corners aligned",
        "pictures",
        "layer",
        "upsample",
        code=around("upsample", "tf.compat.v1.image.resize_bilinear(inputs, (12, 12), align_corners=True)"),
    ),
    forward(
        "strides that begin elsewhere",
        "pictures",
        "layer",
        "depthwise",
        code=around("depthwise", "call(tf.roll(inputs, 1, 1))"),
    ),
    forward(
        "a transposed convolution shifted",
        "pictures",
        "layer",
        "grow",
        code=around("grow", "tf.roll(call(inputs), 1, 1)"),
    ),
    forward("average for maximum", "pictures", "layer", "shrink", "MaxPooling2D", "AveragePooling2D"),
    forward("joined in another order", "pictures", "wiring", "join", "([x, skip])", "([skip, x])"),
    forward(
        "alpha of ELU",
        "pictures",
        "activation",
        "dilated",
        'activation="elu"',
        "activation=lambda x: keras.activations.elu(x, alpha=0.99)",
    ),
    forward(
        "padding counted in the average",
        "parts",
        "layer",
        "average",
        code=around("average", "tf.nn.depthwise_conv2d(inputs, tf.fill((3, 3, 8, 1), 1 / 9), (1, 1, 1, 1), 'SAME')"),
    ),
    forward(
        "padded on the other side",
        "parts",
        "layer",
        "pad",
        '((1, 0), (0, 1)), name="pad"',
        '((0, 1), (0, 1)), name="pad"',
    ),
    forward(
        "cropped on the other side",
        "parts",
        "layer",
        "crop",
        '((1, 0), (0, 1)), name="crop"',
        '((0, 1), (0, 1)), name="crop"',
    ),
    forward("groups of two", "parts", "layer", "groups", "GroupNormalization(4", "GroupNormalization(2"),
    forward(
        "epsilon of group normalization",
        "parts",
        "layer",
        "groups",
        "GroupNormalization(4",
        "GroupNormalization(4, epsilon=1e-4",
    ),
    forward("softmax along the batch", "parts", "layer", "kind", "Softmax(name", "Softmax(axis=0, name"),
    forward("a mean for a maximum", "parts", "layer", "peak", "GlobalMaxPooling2D", "GlobalAveragePooling2D"),
    forward(
        "subtracted, not added",
        "phrases",
        "wiring",
        "wide_add",
        'layers.Add(name="wide_add")',
        'layers.Subtract(name="wide_add")',
    ),
    forward(
        "gelu approximated in a transformer",
        "phrases",
        "activation",
        "wide",
        'activation="gelu"',
        "activation=lambda x: keras.activations.gelu(x, approximate=True)",
    ),
    forward(
        "epsilon 1e-5 of layer normalization",
        "phrases",
        "layer",
        "wide_norm",
        'epsilon=1e-6, name="wide_norm"',
        'epsilon=1e-5, name="wide_norm"',
    ),
    forward(
        "a mean over time taken off first",
        "phrases",
        "layer",
        "attention_norm",
        code=around("attention_norm", "call(inputs - tf.reduce_mean(inputs, 1, keepdims=True))"),
    ),
    forward("embedding times the root of its depth", "phrases", "layer", "embedding", code=scaled("embedding", 4.0)),
    forward(
        "positions begin at one",
        "phrases",
        "layer",
        "positions",
        "inputs + self.table",
        "inputs + tf.roll(self.table, 1, 0)",
    ),
    forward("no causal mask", "phrases", "mask", "attention", ", use_causal_mask=True", ""),
    forward(
        "attention scaled by the depth, not its root",
        "phrases",
        "layer",
        "attention",
        code="""
@built
def scale(model):
    model.get_layer("attention")._inverse_sqrt_key_dim = 1.0 / 8
""",
    ),
    forward(
        "recurrent activation",
        "tokens",
        "activation",
        "first",
        'return_state=True, name="first"',
        'return_state=True, recurrent_activation="hard_sigmoid", name="first"',
    ),
    forward(
        "relu for tanh",
        "waves",
        "activation",
        "short",
        'stateful=True, name="short"',
        'stateful=True, activation="relu", name="short"',
    ),
    forward("another causal padding", "waves", "layer", "window", 'padding="causal"', 'padding="same"'),
    forward("averaged, not summed, both ways", "events", "recurrent", "summed", 'merge_mode="sum"', 'merge_mode="ave"'),
    forward(
        "the way back not turned round",
        "events",
        "recurrent",
        "both_ways/backward_lstm",
        code="""
@built
def forth(model):
    model.get_layer("both_ways").backward_layer.go_backwards = False
""",
    ),
    forward(
        "a constant of selu rounded",
        "orders",
        "activation",
        "mixed",
        'activation="selu"',
        "activation=lambda x: 1.05 * keras.activations.selu(x) / 1.0507009873554805",
    ),
    forward(
        "a layer of a generator x1.001",
        "gan",
        "layer",
        "generator/point",
        code="""
@built
def scale(model):
    layer = model.generator.get_layer("point")
    call = layer.call
    layer.call = lambda *args, **kwargs: call(*args, **kwargs) * 1.001
""",
    ),
    forward(
        "a gate of a block x1.001",
        "taught",
        "layer",
        "second/gate",
        code="""
@built
def scale(model):
    layer = model.second.gate
    call = layer.call
    layer.call = lambda *args, **kwargs: call(*args, **kwargs) * 1.001
""",
    ),
    forward(
        "a block that forgets its scale",
        "taught",
        "layer",
        "second",
        code="""
@built
def forget(model):
    block = model.second
    block.call = lambda inputs: block.norm(block.dense(inputs)) * block.gate(inputs) + 0.0 * block.scale
""",
    ),
    forward("the spread squared", "sketches", "layer", "sample", "tf.exp(0.5 * spread)", "tf.exp(spread)"),
    forward("a bit more noise", "sketches", "dropout", "noise", "GaussianNoise(0.05", "GaussianNoise(0.05005"),
    forward("another rate of alpha dropout", "orders", "dropout", "alpha", "AlphaDropout(0.05", "AlphaDropout(0.06"),
    fault("seeds stand still", "parts", "dropout", Says("forward", "dropout", step=2), code=STUCK),
    fault("a number as the seed of dropout", "parts", "dropout", Says("forward", "dropout", step=2), code=SEED),
    forward("dropout by element, not by channel", "pictures", "dropout", "dropout", "SpatialDropout2D", "Dropout"),
    forward(
        "dropout not scaled", "parts", "dropout", "dropout", code=around("dropout", "call(inputs, **kwargs) * 0.75")
    ),
    forward("dropout of a transformer left out", "phrases", "dropout", "dropout", code=around("dropout", "inputs")),
    forward(
        "one layer in bfloat16",
        "parts",
        "precision",
        "dense",
        'bias_initializer="zeros"',
        'bias_initializer="zeros", dtype="mixed_bfloat16"',
    ),
    forward(
        "a convolution in half precision",
        "rows",
        "precision",
        "conv",
        'padding="same"',
        'padding="same", dtype="mixed_float16"',
    ),
    forward(
        "rounded to thousandths",
        "orders",
        "layer",
        "spent",
        code=around("spent", "(lambda y: y + tf.stop_gradient(tf.round(y * 1000) / 1000 - y))(call(inputs))"),
    ),
]

MASKS = [
    fault("another value is masked", "events", "mask", Says("forward", "mask"), swap=("Masking(-1.0", "Masking(0.0")),
    fault(
        "the mask the other way round",
        "events",
        "mask",
        Says("forward", "mask", kind="mask"),
        code="""
@patched(keras.layers.Masking, "compute_mask")
def turned(original, self, inputs, mask=None):
    return keras.ops.logical_not(original(self, inputs, mask))


@patched(keras.layers.Masking, "call")
def call(original, self, inputs):
    outputs = original(self, inputs)
    keras.src.backend.set_keras_mask(outputs, self.compute_mask(inputs))
    return outputs
""",
    ),
    fault(
        "the mask ignored by one layer",
        "events",
        "mask",
        Says("forward", "summed"),
        code=around("summed", "call(tf.identity(inputs), **{**kwargs, 'mask': None})"),
    ),
    # Keras 3 wires a mask into the graph as the layers are called, so what is lost in a model that stands is read by
    # nobody: measured, every layer behind gets its mask, and the two trainings are the same. No cause is right.
    fault(
        "the mask lost on the way",
        "tokens",
        "mask",
        code="""
@built
def lose(model):
    model.get_layer("dropout").compute_mask = lambda inputs, previous_mask: None
""",
    ),
    fault(
        "the mask lost as the model is wired",
        "tokens",
        "mask",
        Says("forward", "dropout", kind="mask"),
        code="""
keras.layers.Dropout.compute_mask = lambda self, inputs, previous_mask: None
""",
    ),
]

STATES = [
    fault(
        "moving statistics that don't move",
        "rows",
        "state",
        Says("state", "bn"),
        code="""
@patched(keras.layers.BatchNormalization, "call")
def call(original, self, inputs, training=None, mask=None):
    before = tf.identity(self.moving_mean), tf.identity(self.moving_variance)
    outputs = original(self, inputs, training=training, mask=mask)
    self.moving_mean.assign(before[0])
    self.moving_variance.assign(before[1])
    return outputs
""",
    ),
    fault(
        "a moving variance with Bessel's correction",
        "rows",
        "state",
        Says("state", "bn", "bn:moving_variance"),
        code="""
@patched(keras.layers.BatchNormalization, "call")
def corrected(original, self, inputs, training=None, mask=None):
    outputs = original(self, inputs, training=training, mask=mask)
    if training:
        _, variance = self._moments(inputs, mask)
        self.moving_variance.assign_add((1 - self.momentum) * variance / 255)
    return outputs
""",
    ),
    fault(
        "a moving mean that drifts from step 15 on",
        "events",
        "late",
        Says("state", "norm", "norm:moving_mean", step=15),
        code="""
@built
def drift(model):
    layer = model.get_layer("norm")
    call = layer.call

    @functools.wraps(call)
    def drifting(inputs, training=None, mask=None):
        outputs = call(inputs, training=training, mask=mask)
        late = tf.cast(tf.convert_to_tensor(model.optimizer.iterations) >= 14, tf.float32)
        if training:
            layer.moving_mean.assign_add(late * 0.001 * tf.ones(6))
        return outputs

    layer.call = drifting
""",
    ),
    fault(
        "a state that is begun anew",
        "waves",
        "state",
        Says("forward", "memory", step=2),
        code="""
@built
def anew(model):
    layer = model.get_layer("memory")
    call = layer.call

    def begun(inputs, **kwargs):
        layer.reset_state()
        return call(inputs, **kwargs)

    layer.call = begun
""",
    ),
    fault(
        "a state that is not kept",
        "waves",
        "state",
        Says("config", "memory", "memory:state", "missing-variable"),
        swap=('stateful=True, name="memory"', 'name="memory"'),
    ),
]

INITIALIZERS = [
    fault(
        "fan out for fan in",
        "parts",
        "initializer",
        Says("init", "strided", "strided:kernel"),
        swap=('"he_uniform"', 'keras.initializers.VarianceScaling(2.0, "fan_out", "uniform")'),
    ),
    fault(
        "gain x1.001",
        "parts",
        "initializer",
        Says("init", "strided", "strided:kernel"),
        swap=('"he_uniform"', 'keras.initializers.VarianceScaling(2.002001, "fan_in", "uniform")'),
    ),
    fault(
        "normal, not truncated",
        "orders",
        "initializer",
        Says("init", "mixed", "mixed:kernel"),
        swap=('"lecun_normal"', 'keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal")'),
    ),
    fault(
        "an embedding's range",
        "phrases",
        "initializer",
        Says("init", "embedding", "embedding:embeddings"),
        swap=(
            "Embedding(WORDS, DEPTH,",
            "Embedding(WORDS, DEPTH, embeddings_initializer=keras.initializers.RandomUniform(-0.06, 0.06),",
        ),
    ),
    fault(
        "a weight of a custom layer",
        "phrases",
        "initializer",
        Says("init", "positions", "positions:table"),
        swap=('"random_normal"', '"truncated_normal"'),
    ),
    fault(
        "recurrent weights not orthogonal",
        "waves",
        "initializer",
        Says("init", "memory/gru_cell", "memory/gru_cell:recurrent_kernel"),
        swap=('stateful=True, name="memory"', 'stateful=True, recurrent_initializer="glorot_uniform", name="memory"'),
    ),
    fault(
        "slopes that don't begin at zero",
        "orders",
        "initializer",
        Says("init", "bend", "bend:alpha"),
        swap=("PReLU(name", "PReLU(alpha_initializer=keras.initializers.Constant(0.01), name"),
    ),
    fault(
        "depthwise weights",
        "pictures",
        "initializer",
        Says("init", "separable", "separable:depthwise_kernel"),
        swap=(
            'activation="relu", name="separable"',
            'activation="relu", depthwise_initializer="he_normal", name="separable"',
        ),
    ),
    fault(
        "a bias of ones",
        "taught",
        "initializer",
        Says("init", "second/gate", "second/gate:bias"),
        code="""
@built
def ones(model):
    model.second.gate.bias_initializer = keras.initializers.Ones()
""",
    ),
]

GRADIENTS = [
    fault("what goes back x1.001", "parts", "gradient", Says("gradient", "elu"), code=bent("elu", "upstream * 1.001")),
    fault(
        "what goes back is clipped",
        "orders",
        "gradient",
        Says("gradient", "spent"),
        code=bent("spent", "tf.clip_by_value(upstream, -1e-3, 1e-3)"),
    ),
    fault(
        "what goes back is turned round",
        "gan",
        "gradient",
        Says("gradient", "generator/made"),
        code="""
@tf.custom_gradient
def bent(value):
    return tf.identity(value), lambda upstream: -upstream


@built
def turn(model):
    layer = model.generator.get_layer("made")
    call = layer.call
    layer.call = lambda *args, **kwargs: bent(call(*args, **kwargs))
""",
    ),
    fault(
        "a kernel that gets no gradient",
        "pixels",
        "gradient",
        Says("gradient", "wide", "wide:kernel", "no-gradient"),
        code=around(
            "wide",
            "layer.activation(tf.matmul(inputs, tf.stop_gradient(tf.convert_to_tensor(layer.kernel))) + layer.bias)",
        ),
    ),
    fault(
        "slopes that don't learn",
        "orders",
        "gradient",
        Says("gradient", "bend", "bend:alpha", "no-gradient"),
        code=around("bend", "tf.nn.relu(inputs) + 0.01 * tf.nn.relu(-inputs)"),
    ),
    fault(
        "a skip that passes nothing back",
        "pictures",
        "gradient",
        Says("gradient", "join"),
        code=around("join", "call([inputs[0], tf.stop_gradient(inputs[1])])"),
    ),
    fault(
        "the gradient of a rounded value",
        "sketches",
        "gradient",
        Says("gradient", "unfold"),
        code=bent("unfold", "upstream * tf.cast(tf.abs(value) < 0.1, tf.float32)"),
    ),
]

STRUCTURE = [
    fault(
        "weights no longer shared",
        "parts",
        "structure",
        Says("config", "other", kind="extra-variable"),
        swap=("shared(shared(x))", 'layers.Conv2D(8, 3, padding="same", activation="relu", name="other")(shared(x))'),
    ),
    fault(
        "a GRU of the other kind",
        "waves",
        "structure",
        Says("config", "memory/gru_cell", "memory/gru_cell:bias"),
        swap=('stateful=True, name="memory"', 'stateful=True, reset_after=False, name="memory"'),
    ),
    fault(
        "one more unit", "phrases", "structure", Says("config", "wide", "wide:kernel"), swap=("Dense(32,", "Dense(33,")
    ),
    fault(
        "a frozen normalization",
        "events",
        "config",
        Says("config", "norm", kind="frozen"),
        swap=("momentum=0.95,", "momentum=0.95, trainable=False,"),
    ),
    fault(
        "a frozen bias",
        "phrases",
        "config",
        Says("config", "next", "next:bias", "frozen"),
        code="""
@built
def freeze(model):
    model.get_layer("next").bias.trainable = False
""",
    ),
    fault(
        "a layer left out of a generator",
        "gan",
        "structure",
        Says("forward", "generator/made_leaky", kind="missing-layer"),
        swap=('                layers.LeakyReLU(0.2, name="made_leaky"),\n', ""),
    ),
    fault(
        "one activation more",
        "sketches",
        "structure",
        Says("forward", "more", kind="extra-layer"),
        swap=("    x = Sample", '    mean = layers.Activation("tanh", name="more")(mean)\n    x = Sample'),
    ),
]

PAIRS = [
    fault(
        "a rate and an epsilon",
        "pixels",
        "two at a time",
        Says("forward", "norm"),
        Says("optimizer", variable="learning_rate"),
        swaps=(("Normalization(", "Normalization(epsilon=1e-4, "), ("learning_rate=0.01", "learning_rate=0.0101")),
    ),
    fault(
        "initial values and momentum",
        "rows",
        "two at a time",
        Says("init", "digit", "digit:kernel"),
        Says("state", "bn"),
        swaps=(
            ('"digit"', '"digit", kernel_initializer="he_normal"'),
            ("BatchNormalization(", "BatchNormalization(momentum=0.98, "),
        ),
    ),
    fault(
        "dropout and smoothing",
        "pixels",
        "two at a time",
        Says("forward", "dropout"),
        Says("loss"),
        swaps=(("Dropout(0.2", "Dropout(0.21"), ("label_smoothing=0.1", "label_smoothing=0.11")),
    ),
    fault(
        "a mask and a rate",
        "tokens",
        "two at a time",
        Says("forward", "embedding", kind="mask"),
        Says("optimizer", variable="learning_rate"),
        swaps=((", mask_zero=True", ""), ("learning_rate=0.5", "learning_rate=0.505")),
    ),
    fault(
        "epsilon and momentum of one layer",
        "rows",
        "two at a time",
        Says("forward", "bn"),
        Says("state", "bn"),
        swap=("BatchNormalization(", "BatchNormalization(epsilon=1e-4, momentum=0.98, "),
    ),
    fault(
        "padding and a regularizer",
        "rows",
        "two at a time",
        Says("forward", "conv"),
        Says("loss", "digit", "digit:kernel"),
        swaps=(('padding="same"', 'padding="causal"'), ("l2(1e-3)", "l2(1.01e-3)")),
    ),
    fault(
        "a gradient and a metric",
        "pictures",
        "two at a time",
        Says("gradient", "join"),
        Says("metric", variable="hit"),
        swap=('name="hit"', 'name="hit", threshold=0.51'),
        code=around("join", "call([inputs[0], tf.stop_gradient(inputs[1])])"),
    ),
    fault(
        "two layers",
        "parts",
        "two at a time",
        Says("forward", "groups"),
        Says("forward", "average"),
        swap=("GroupNormalization(4", "GroupNormalization(2"),
        code=scaled("average"),
    ),
    fault(
        "data and epsilon",
        "pictures",
        "two at a time",
        Says("data"),
        Says("forward", "leaky"),
        swaps=(
            ('return {"x": x.astype("float32")', 'return {"x": x[..., ::-1].astype("float32")'),
            ("LeakyReLU(0.1,", "LeakyReLU(0.1001,"),
        ),
    ),
    fault(
        "a gate and weight decay",
        "taught",
        "two at a time",
        Says("forward", "second/gate"),
        Says("optimizer"),
        swap=("weight_decay=0.01", "weight_decay=0.01001"),
        code="""
@built
def scale(model):
    layer = model.second.gate
    call = layer.call
    layer.call = lambda *args, **kwargs: call(*args, **kwargs) * 1.001
""",
    ),
]
