"""Cases of activations, initializers, regularizers, constraints, learning rate schedules, and a few utilities.

In: nothing. Out: `cases()`, for tables.py. Initializers are compared as distributions (their streams differ).
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.side import NotHere
from kparity.capture.silent.tools import Tools, array, weigh

ACTIVATIONS = [
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "linear",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]
VARIANCES = ["GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"]
SHAPES = ((300, 400), (3, 3, 60, 70), (100000,), (3, 200, 100), (40, 8, 16), (8, 16, 40), (2, 3, 4, 30, 40))


def cases() -> list[Case]:
    return [
        *_activations(),
        *_initializers(),
        *_regularizers(),
        *_constraints(),
        *_schedules(),
        *_utilities(),
        *_aliases(),
    ]


def _need(tools: Tools, family: str, name: str) -> Any:
    made = tools.find(family, name)
    if made is None:
        raise NotHere(f"no {family}.{name}")
    return made


def _activations() -> list[Case]:
    found = []
    options: dict[str, list[dict[str, Any]]] = {
        "elu": [{"alpha": 0.3}],
        "gelu": [{"approximate": True}],
        "relu": [
            {"alpha": 0.1},
            {"max_value": 2.0},
            {"threshold": 1.0},
            {"alpha": 0.2, "max_value": 3.0, "threshold": 0.5},
        ],
        "softmax": [{"axis": 0}],
    }
    for name in ACTIVATIONS:
        for extra in ({}, *options.get(name, [])):
            for style in ("normal", "edges", "tiny", "large", "zeros"):

                def run(tools: Tools, name: str = name, extra: dict[str, Any] = extra, style: str = style) -> Arrays:
                    x = tf.convert_to_tensor(tools.x(7, 5, style=style))
                    given = dict(extra)
                    if name == "relu" and tools.side.name == "keras3" and "alpha" in given:
                        given["negative_slope"] = given.pop("alpha")
                    with tf.GradientTape() as tape:
                        tape.watch(x)
                        out = _need(tools, "activations", name)(x, **given)
                        total = weigh(out)
                    return {"output": array(out), "gradient": array(tape.gradient(total, x))}

                found.append(Case("activation", name, "; ".join(p for p in (said(extra), style) if p), run))
    return found


def _initializers() -> list[Case]:
    found = []

    def add(name: str, shape: tuple[int, ...], **extra: Any) -> None:
        def run(tools: Tools) -> Arrays:
            tools.keras.utils.set_random_seed(7)
            made = array(_need(tools, "initializers", name)(**extra)(shape)).astype(np.float64)
            exact = name in ("Zeros", "Ones", "Constant", "Identity")
            if name == "Orthogonal":
                flat = made.reshape(-1, made.shape[-1])
                gram = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
                return {"gram": np.round(gram, 4), "sample|values": made.ravel()[:2000]}
            return {"values": made} if exact else {"sample|values": made.ravel()[:40000]}

        text = "; ".join(part for part in (said(extra), "x".join(map(str, shape))) if part)
        found.append(Case("initializer", name, text, run, doubles=False))

    for name in VARIANCES:
        for shape in SHAPES:
            add(name, shape)
    for shape in SHAPES:
        for mode in ("fan_in", "fan_out", "fan_avg"):
            for distribution in ("truncated_normal", "untruncated_normal", "uniform"):
                add("VarianceScaling", shape, scale=2.0, mode=mode, distribution=distribution)
    for shape in SHAPES[:2]:
        add("RandomNormal", shape)
        add("RandomNormal", shape, mean=1.0, stddev=0.3)
        add("RandomUniform", shape)
        add("RandomUniform", shape, minval=-1.0, maxval=3.0)
        add("TruncatedNormal", shape)
        add("TruncatedNormal", shape, mean=1.0, stddev=0.3)
        for name in ("Zeros", "Ones"):
            add(name, shape)
        add("Constant", shape, value=0.7)
    add("Constant", (3, 4))
    for shape in ((60, 40), (40, 60), (3, 3, 10, 12)):
        add("Orthogonal", shape)
        add("Orthogonal", shape, gain=2.0)
    add("Identity", (5, 5))
    add("Identity", (5, 7), gain=2.0)
    return [*found, *_defaults(), *_seeds()]


def _seeds() -> list[Case]:
    """One initializer of a seed, called twice: does it repeat itself?"""
    found = []
    for name in ("RandomNormal", "GlorotUniform", "Orthogonal", "TruncatedNormal", "RandomUniform"):
        for extra in ({}, {"seed": 3}):

            def run(tools: Tools, name: str = name, extra: dict[str, Any] = extra) -> Arrays:
                made = _need(tools, "initializers", name)(**extra)
                return {"text|second call repeats": str(bool(np.array_equal(array(made((4, 4))), array(made((4, 4))))))}

            found.append(Case("initializer", name, f"called twice; {said(extra)}", run, doubles=False))
    return found


def _defaults() -> list[Case]:
    """What layers start from when nothing is said."""
    found = []
    table: tuple[tuple[str, dict[str, Any], tuple[int, ...]], ...] = (
        ("Dense", {"units": 60}, (2, 50)),
        ("Conv1D", {"filters": 40, "kernel_size": 3}, (2, 9, 30)),
        ("Conv2D", {"filters": 40, "kernel_size": 3}, (2, 9, 9, 30)),
        ("Conv3D", {"filters": 20, "kernel_size": 2}, (2, 5, 5, 5, 20)),
        ("Conv2D", {"filters": 40, "kernel_size": 3, "groups": 2}, (2, 9, 9, 30)),
        ("Conv2DTranspose", {"filters": 40, "kernel_size": 3}, (2, 9, 9, 30)),
        ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 8}, (2, 9, 9, 100)),
        ("SeparableConv2D", {"filters": 90, "kernel_size": 3, "depth_multiplier": 4}, (2, 9, 9, 90)),
        ("Embedding", {"input_dim": 200, "output_dim": 30}, (2, 5)),
        ("LSTM", {"units": 40}, (2, 5, 30)),
        ("GRU", {"units": 40}, (2, 5, 30)),
        ("SimpleRNN", {"units": 60}, (2, 5, 50)),
        ("ConvLSTM2D", {"filters": 20, "kernel_size": 3}, (2, 3, 5, 5, 10)),
        ("BatchNormalization", {}, (2, 30)),
        ("LayerNormalization", {}, (2, 30)),
        ("PReLU", {}, (2, 30)),
        ("EinsumDense", {"equation": "ab,bcd->acd", "output_shape": (8, 16), "bias_axes": "cd"}, (2, 50)),
        ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 60}, (2, 50)),
        ("AdditiveAttention", {}, (2, 5, 60)),
        ("MultiHeadAttention", {"num_heads": 4, "key_dim": 16}, (2, 5, 64)),
    )
    for name, extra, shape in table:

        def run(
            tools: Tools, name: str = name, extra: dict[str, Any] = extra, shape: tuple[int, ...] = shape
        ) -> Arrays:
            layer = _need(tools, "layers", name)(**extra)
            x = tf.zeros(shape, tf.int32 if name == "Embedding" else tf.float32)
            _ = layer(x, x) if name == "MultiHeadAttention" else layer([x, x]) if "Attention" in name else layer(x)
            found: Arrays = {}
            for label, weight in zip(tools.names(layer.weights), layer.weights, strict=True):
                values = array(weight).astype(np.float64)
                constant = values.size and np.all(values == values.ravel()[0])
                found[f"{label}" if constant else f"sample|{label}"] = values if constant else values.ravel()
            return found

        found.append(Case("initial-weights", name, said(extra) or "defaults", run, doubles=False))
    return found


def _called(kind: str, family: str, name: str, style: str, shape: tuple[int, ...], **extra: Any) -> Case:
    def run(tools: Tools) -> Arrays:
        x = tf.convert_to_tensor(tools.x(*shape, style=style))
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = _need(tools, family, name)(**extra)(x)
            total = weigh(out)
        gradient = tape.gradient(total, x)
        return {"value": array(out), "gradient": array(gradient if gradient is not None else 0.0)}

    return Case(kind, name, "; ".join(p for p in (said(extra), style, "x".join(map(str, shape))) if p), run)


def _regularizers() -> list[Case]:
    found = []
    for name, options in (
        ("L1", ({}, {"l1": 0.1})),
        ("L2", ({}, {"l2": 0.1})),
        ("L1L2", ({}, {"l1": 0.1}, {"l2": 0.1}, {"l1": 0.1, "l2": 0.2})),
        ("l1_l2", ({}, {"l1": 0.1}, {"l2": 0.1}, {"l1": 0.1, "l2": 0.2})),
        ("OrthogonalRegularizer", ({}, {"factor": 0.1, "mode": "columns"})),
    ):
        for extra in options:
            for style in ("normal", "zeros", "tiny", "large"):
                found.append(_called("regularizer", "regularizers", name, style, (6, 5), **extra))
    strings = ("l1", "l2", "l1_l2", "L1L2", "orthogonal_regularizer")

    def run(tools: Tools, name: str) -> Arrays:
        return {"value": array(tools.keras.regularizers.get(name)(tf.convert_to_tensor(tools.x(6, 5))))}

    return [*found, *(Case("regularizer", name, "by its name", lambda t, n=name: run(t, n)) for name in strings)]


def _constraints() -> list[Case]:
    found = []
    for name, options in (
        ("MaxNorm", ({}, {"max_value": 0.5, "axis": 1})),
        ("MinMaxNorm", ({}, {"min_value": 0.5, "max_value": 0.7, "rate": 0.5})),
        ("UnitNorm", ({}, {"axis": [0, 1]})),
        ("NonNeg", ({},)),
        ("RadialConstraint", ({},)),
    ):
        for extra in options:
            for style in ("normal", "zeros", "tiny", "large", "negative"):
                shape = (3, 3, 4, 5) if name == "RadialConstraint" else (6, 5)
                found.append(_called("constraint", "constraints", name, style, shape, **extra))
    return found


def _schedules() -> list[Case]:
    found = []
    table: tuple[tuple[str, dict[str, Any]], ...] = (
        ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
        ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
        ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
        ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
        ("PiecewiseConstantDecay", {"boundaries": [3, 8], "values": [1.0, 0.5, 0.1]}),
        ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7}),
        ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "power": 2.0, "cycle": True}),
        ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 7}),
        (
            "CosineDecay",
            {"initial_learning_rate": 0.0, "decay_steps": 7, "warmup_target": 0.2, "warmup_steps": 4, "alpha": 0.1},
        ),
        ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5}),
        (
            "CosineDecayRestarts",
            {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 1.5, "m_mul": 0.7, "alpha": 0.1},
        ),
    )
    for name, extra in table:

        def run(tools: Tools, name: str = name, extra: dict[str, Any] = extra) -> Arrays:
            made = _need(tools, "optimizers", f"schedules.{name}")(**extra)
            return {f"step {n}": array(made(n)) for n in (0, 1, 3, 4, 5, 7, 8, 20)}

        found.append(Case("schedule", name, said(extra), run))
    return found


def _utilities() -> list[Case]:
    """Functions that make data, and so change numbers."""
    ragged = [[1], [2, 3, 4], [], [5, 6]]
    table: tuple[tuple[str, str, Any], ...] = (
        ("normalize", "axis=-1", lambda k, t: k.utils.normalize(t.x(4, 5))),
        (
            "normalize",
            "order=1, axis=0; zeros",
            lambda k, t: k.utils.normalize(t.x(4, 5, style="zeros"), axis=0, order=1),
        ),
        ("to_categorical", "default", lambda k, t: k.utils.to_categorical([0, 2, 1])),
        ("to_categorical", "column", lambda k, t: k.utils.to_categorical(np.array([[0], [2]]), 4)),
        ("pad_sequences", "default", lambda k, t: k.utils.pad_sequences(ragged)),
        (
            "pad_sequences",
            "post",
            lambda k, t: k.utils.pad_sequences(ragged, 2, padding="post", truncating="post", value=9),
        ),
        ("to_ordinal", "default", lambda k, t: k.utils.to_ordinal([0, 2, 1])),
        (
            "timeseries_dataset_from_array",
            "stride",
            lambda k, t: _first(k.utils.timeseries_dataset_from_array(np.arange(20.0), None, 4, 2, 2)),
        ),
        (
            "image.smart_resize",
            "",
            lambda k, t: k.preprocessing.image.smart_resize(t.x(5, 8, 3, style="pixels"), (4, 4)),
        ),
        ("img_to_array", "", lambda k, t: k.utils.img_to_array(np.arange(48).reshape(4, 4, 3))),
    )

    def bound(make: Any) -> Any:
        return lambda tools: {
            "value": array(make(tools.keras, tools)),
            "text|dtype": str(array(make(tools.keras, tools)).dtype),
        }

    return [Case("utility", name, label or "default", bound(make)) for name, label, make in table]


def _first(data: Any) -> Any:
    return next(iter(data))


ALIASES = {
    "layers": (
        "AvgPool1D=AveragePooling1D AvgPool2D=AveragePooling2D AvgPool3D=AveragePooling3D "
        "MaxPool1D=MaxPooling1D MaxPool2D=MaxPooling2D MaxPool3D=MaxPooling3D "
        "GlobalAvgPool1D=GlobalAveragePooling1D GlobalAvgPool2D=GlobalAveragePooling2D "
        "GlobalAvgPool3D=GlobalAveragePooling3D GlobalMaxPool1D=GlobalMaxPooling1D "
        "GlobalMaxPool2D=GlobalMaxPooling2D GlobalMaxPool3D=GlobalMaxPooling3D Convolution1D=Conv1D "
        "Convolution2D=Conv2D Convolution3D=Conv3D Convolution1DTranspose=Conv1DTranspose "
        "Convolution2DTranspose=Conv2DTranspose Convolution3DTranspose=Conv3DTranspose "
        "SeparableConvolution1D=SeparableConv1D SeparableConvolution2D=SeparableConv2D"
    ),
    "initializers": (
        "constant=Constant glorot_normal=GlorotNormal glorot_uniform=GlorotUniform he_normal=HeNormal "
        "he_uniform=HeUniform identity=Identity lecun_normal=LecunNormal lecun_uniform=LecunUniform ones=Ones "
        "orthogonal=Orthogonal random_normal=RandomNormal random_uniform=RandomUniform "
        "truncated_normal=TruncatedNormal variance_scaling=VarianceScaling zeros=Zeros"
    ),
    "regularizers": ("l1=L1 l2=L2 orthogonal_regularizer=OrthogonalRegularizer"),
    "constraints": (
        "max_norm=MaxNorm min_max_norm=MinMaxNorm non_neg=NonNeg radial_constraint=RadialConstraint unit_norm=UnitNorm"
    ),
}


def _aliases() -> list[Case]:
    """Other names of the same class: that they are it, on both sides."""
    found = []
    for family, pairs in ALIASES.items():
        for pair in pairs.split():
            name, _, real = pair.partition("=")

            def run(tools: Tools, family: str = family, name: str = name, real: str = real) -> Arrays:
                return {"text|is": str(_need(tools, family, name) is _need(tools, family, real))}

            found.append(Case(family.removesuffix("s"), name, f"another name of {real}", run, doubles=False))
    for name in ("add", "average", "maximum", "minimum", "multiply", "subtract", "concatenate", "dot"):

        def combine(tools: Tools, name: str = name) -> Arrays:
            extra = {"axes": 1} if name == "dot" else {}
            pair = [tf.convert_to_tensor(tools.x(4, 6, key=key)) for key in "ab"]
            return {"value": array(_need(tools, "layers", name)(pair, **extra))}

        found.append(Case("layer", name, "as a function", combine))
    return found
