"""Cases of layers with weights or without, but without random numbers (random.py), recurrence
(recurrent.py) and attention (attention.py).

In: nothing. Out: `cases()`, for tables.py. Each case builds the layer, gives it weights, calls it for inference and for
training, and takes gradients of inputs and weights, outputs, masks, added losses, and the weights afterwards.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said, there
from kparity.capture.silent.side import NotHere
from kparity.capture.silent.tools import Tools, array, flat, weigh

STYLES = ("zeros", "tiny", "large", "negative", "edges")
SHAPE_2D, SHAPE_3D, SHAPE_4D, SHAPE_5D = (4, 6), (3, 7, 4), (3, 7, 6, 4), (2, 5, 4, 5, 3)


def layer(
    name: str,
    *shapes: tuple[int, ...],
    style: str = "normal",
    call: dict[str, Any] | None = None,
    label: str = "",
    whole: bool = False,
    trains: bool = True,
    masked: bool = False,
    doubles: bool = True,
    **arguments: Any,
) -> Case:
    """One case of a layer. `whole`: inputs are whole numbers; `masked`: they come out of a Masking layer."""
    text = [said(arguments), style if style != "normal" else "", said(call or {}), label, "masked" * masked]
    text.append("x".join(str(n) for n in shapes[0]) if shapes else "")

    def run(tools: Tools) -> Arrays:
        inputs = [tools.x(*shape, style="integers" if whole else style, key=f"x{n}") for n, shape in enumerate(shapes)]
        return run_layer(tools, name, inputs, arguments, call or {}, trains, masked)

    return Case("layer", name, "; ".join(part for part in text if part), run, doubles)


def run_layer(
    tools: Tools,
    name: str,
    inputs: list[Any],
    arguments: dict[str, Any],
    call: dict[str, Any],
    trains: bool = True,
    masked: bool = False,
) -> Arrays:
    """Build, fill, call twice (inference, training), and record."""
    made = build(tools, name, arguments)
    extra = made_here(tools, call)
    given: list[Any] = [tf.convert_to_tensor(x) for x in inputs]
    if masked:
        given = [hide(tools, x) for x in given]
    watched = list(given)
    whole = given[0] if len(given) == 1 else given
    tools.call(made, whole, **extra)
    tools.fill(made)
    found: Arrays = {"text|weights": "\n".join(shapes(tools, made))}
    for mode in ("inference", "training") if trains else ("inference",):
        with tf.GradientTape() as tape:
            for one in watched:
                tape.watch(one)
            if masked:
                whole = given[0] if len(given) == 1 else given
            out = tools.call(made, whole, training=mode == "training", **extra)
            losses = list(made.losses)
            total = weigh(out) + sum(
                (tf.cast(tf.reduce_sum(one), tf.float64) for one in losses), tf.constant(0.0, tf.float64)
            )
        for position, one in enumerate(flat(out)):
            found[f"{mode} output {position}"] = array(one)
            found[f"text|{mode} output {position} dtype"] = str(tf.convert_to_tensor(one).dtype.name)
        masks = [getattr(one, "_keras_mask", None) for one in flat(out)]
        for position, mask in enumerate(masks):
            if mask is not None:
                found[f"{mode} mask {position}"] = array(mask)
        if losses:
            found[f"{mode} added loss"] = np.asarray(sum(float(tf.reduce_sum(one)) for one in losses))
        weights = list(made.trainable_weights)
        sources = [one for one in watched if one.dtype.is_floating] + [tools.inner(w) for w in weights]
        labels = [f"input {n}" for n, one in enumerate(watched) if one.dtype.is_floating] + tools.names(weights)
        for label, gradient in zip(labels, tape.gradient(total, sources), strict=True):
            found[f"{mode} gradient of {label}"] = array(gradient if gradient is not None else np.float32(0.0))
    frozen = [w for w in made.weights if not any(w is one for one in made.trainable_weights)]
    for label, weight in zip(tools.names(frozen), frozen, strict=True):
        found[f"state {label}"] = array(weight)
    return found


def build(tools: Tools, name: str, arguments: dict[str, Any]) -> Any:
    """The layer, or NotHere."""
    made = tools.find("layers", name)
    if made is None:
        raise NotHere(f"no layers.{name}")
    return made(**made_here(tools, arguments))


def made_here(tools: Tools, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments in which everything that needs Keras is made by this side's."""
    return {name: value(tools) if callable(value) else value for name, value in arguments.items()}


def hide(tools: Tools, x: Any) -> Any:
    """The input with its last time steps (of the first half of the batch) masked, as a Masking layer leaves it."""
    kept = np.ones((*x.shape[:2], *([1] * (len(x.shape) - 2))), dtype=tools.dtype)
    kept[: len(kept) // 2 + 1, -2:] = 0.0
    return tools.keras.layers.Masking()(x * kept)


def shapes(tools: Tools, made: Any) -> list[str]:
    return [f"{name} {tuple(w.shape)}" for name, w in zip(tools.names(made.weights), made.weights, strict=True)]


def of(name: str, **arguments: Any) -> Any:
    """An inner layer, for wrappers."""
    return there(f"{name}({said(arguments)})", lambda t: getattr(t.keras.layers, name)(**made_here(t, arguments)))


def part(family: str, name: str, **arguments: Any) -> Any:
    """A regularizer, constraint or initializer."""
    return there(f"{name}({said(arguments)})", lambda t: t.find(family, name)(**arguments))


def value(label: str, make: Any) -> Any:
    return there(label, make)


def styled(name: str, *shapes: tuple[int, ...], **arguments: Any) -> list[Case]:
    """The case with ordinary inputs, with edge values, and in half precision."""
    return [
        layer(name, *shapes, **arguments),
        *(layer(name, *shapes, style=style, **arguments) for style in STYLES),
        layer(name, *shapes, dtype="float16", doubles=False, **arguments),
        layer(name, *shapes, dtype="mixed_float16", doubles=False, **arguments),
        layer(name, *shapes, dtype="mixed_bfloat16", doubles=False, **arguments),
    ]


ACTIVATIONS = ("elu", "exponential", "gelu", "hard_sigmoid", "linear", "mish", "relu", "selu", "sigmoid", "softmax")
ACTIVATIONS += ("softplus", "softsign", "swish", "tanh")


def cases() -> list[Case]:
    return [*_core(), *_convolutions(), *_shaping(), *_norms(), *_data()]


def _core() -> list[Case]:
    found = [*styled("Dense", SHAPE_2D, units=3), layer("Dense", SHAPE_3D, units=3, use_bias=False)]
    found += [layer("Dense", SHAPE_2D, units=3, activation=name) for name in ACTIVATIONS]
    regular = {"kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": "l2"}
    found += [layer("Dense", SHAPE_2D, units=3, **regular), layer("Dense", SHAPE_3D, units=3, **regular)]
    found += [layer("Dense", SHAPE_2D, units=3, activity_regularizer=part("regularizers", "L1L2", l1=0.1, l2=0.2))]
    found += [layer("ActivityRegularization", shape, l1=0.1, l2=0.2) for shape in (SHAPE_2D, SHAPE_3D, (1, 6))]
    found += [layer("ActivityRegularization", SHAPE_3D, l1=0.1, masked=True)]
    for name in ACTIVATIONS:
        found += [layer("Activation", SHAPE_3D, activation=name, style=style) for style in ("normal", "edges", "large")]
    found += [layer("Activation", SHAPE_3D, activation="relu", masked=True)]
    for name, arguments in (
        ("ELU", {}),
        ("ELU", {"alpha": 0.3}),
        ("LeakyReLU", {}),
        ("LeakyReLU", {"alpha": 0.1}),
        ("PReLU", {}),
        ("PReLU", {"shared_axes": [1]}),
        ("ReLU", {}),
        ("ReLU", {"max_value": 2.0, "negative_slope": 0.1, "threshold": 0.5}),
        ("ReLU", {"threshold": 1.0}),
        ("Softmax", {}),
        ("Softmax", {"axis": 1}),
        ("Softmax", {"axis": (1, 2)}),
        ("ThresholdedReLU", {}),
    ):
        found += [layer(name, SHAPE_3D, style=style, **arguments) for style in ("normal", "edges", "large", "tiny")]
    hole = value("mask", lambda t: tf.constant(np.arange(84).reshape(SHAPE_3D) % 3 > 0))
    none = value("all-false mask", lambda t: tf.zeros(SHAPE_3D, tf.bool))
    found += [layer("Softmax", SHAPE_3D, call={"mask": m}) for m in (hole, none)]
    found += [layer("Softmax", SHAPE_3D, style="large", call={"mask": hole})]
    found += [layer("Softmax", SHAPE_3D, axis=(1, 2), call={"mask": hole})]
    found += [layer("Lambda", SHAPE_3D, function=value("2 x", lambda t: lambda x: 2.0 * x), masked=m) for m in (0, 1)]
    found += [*styled("Identity", SHAPE_2D), layer("Identity", SHAPE_3D, masked=True)]
    found += [layer("Masking", SHAPE_3D, style=s) for s in ("normal", "zeros")]
    found += [layer("Masking", SHAPE_3D, style="ones", mask_value=1.0), layer("Masking", SHAPE_3D, masked=True)]
    for name in ("Add", "Average", "Maximum", "Minimum", "Multiply"):
        found += [
            layer(name, SHAPE_3D, SHAPE_3D, SHAPE_3D),
            layer(name, (3, 7, 4), (3, 1, 4)),
            layer(name, (3, 7, 4), (3, 4)),
        ]
        found += [layer(name, SHAPE_3D, SHAPE_3D, masked=True), layer(name, SHAPE_3D, SHAPE_3D, style="ones")]
        found += [layer(name, SHAPE_3D, SHAPE_3D, whole=True)]
    found += [layer("Subtract", SHAPE_3D, SHAPE_3D), layer("Subtract", SHAPE_3D, (3, 1, 4))]
    found += [layer("Subtract", SHAPE_3D, SHAPE_3D, masked=True), layer("Subtract", SHAPE_3D, SHAPE_3D, whole=True)]
    found += [layer("Concatenate", SHAPE_3D, SHAPE_3D, axis=axis, masked=m) for axis in (-1, 1) for m in (0, 1)]
    for arguments in ({"axes": -1}, {"axes": (2, 1)}, {"axes": 2, "normalize": True}):
        found.append(layer("Dot", (3, 4, 4), (3, 4, 4), **arguments))
    found += [layer("Dot", SHAPE_2D, SHAPE_2D, axes=1), layer("Dot", SHAPE_2D, SHAPE_2D, axes=1, normalize=True)]
    found += [layer("Dot", SHAPE_2D, SHAPE_2D, axes=1, normalize=True, style=s) for s in ("zeros", "tiny")]
    found += [layer("Dot", SHAPE_3D, SHAPE_3D, axes=2, masked=True)]
    for arguments in (
        {"input_dim": 10, "output_dim": 4},
        {"input_dim": 10, "output_dim": 4, "mask_zero": True},
        {"input_dim": 10, "output_dim": 4, "embeddings_regularizer": "l2"},
        {"input_dim": 10, "output_dim": 4, "activity_regularizer": "l2"},
        {"input_dim": 10, "output_dim": 4, "dtype": "mixed_float16"},
    ):
        found += [layer("Embedding", (3, 7), whole=True, doubles="dtype" not in arguments, **arguments)]
    found += [layer("Embedding", (3, 7), style="ones", input_dim=10, output_dim=4, label="float indices")]
    equations = (("ab,bc->ac", SHAPE_2D, 5), ("abc,cd->abd", SHAPE_3D, (7, 5)), ("abc,cde->abde", SHAPE_3D, (7, 2, 3)))
    for equation, shape, output in equations:
        bias = equation[-1]
        found.append(layer("EinsumDense", shape, equation=equation, output_shape=output, bias_axes=bias))
    found += [layer("EinsumDense", SHAPE_2D, equation="ab,bc->ac", output_shape=5, activity_regularizer="l2")]
    found += [layer("EinsumDense", (3, 7, 4), equation="...x,xy->...y", output_shape=5, bias_axes="y")]
    found += styled("EinsumDense", SHAPE_2D, equation="ab,bc->ac", output_shape=5, bias_axes="c")
    for inner in (of("Dense", units=3), of("BatchNormalization"), of("Conv1D", filters=2, kernel_size=2)):
        shape = (3, 5, 7, 4)
        found.append(layer("TimeDistributed", shape, layer=inner))
    found += [layer("TimeDistributed", SHAPE_3D, layer=of("Dense", units=3), masked=True)]
    found += [layer("TimeDistributed", SHAPE_3D, layer=of("BatchNormalization"), masked=True)]
    found += [layer("TimeDistributed", (3, 5, 7, 4), layer=of("LSTM", units=2))]
    found += [layer("SpectralNormalization", SHAPE_2D, layer=of("Dense", units=3), power_iterations=n) for n in (1, 3)]
    found += [layer("SpectralNormalization", SHAPE_4D, layer=of("Conv2D", filters=2, kernel_size=3))]
    return found


def _convolutions() -> list[Case]:
    found = []
    rank = {1: (3, 9, 4), 2: (2, 9, 8, 4), 3: (2, 6, 5, 6, 3)}
    for n, shape in rank.items():
        options: list[dict[str, Any]] = [
            {},
            {"padding": "same"},
            {"strides": 2, "padding": "same"},
            {"strides": 2, "padding": "valid"},
            {"dilation_rate": 2, "padding": "same"},
            {"use_bias": False, "activation": "relu"},
            {"kernel_regularizer": "l2", "activity_regularizer": "l2"},
        ]
        for option in options:
            found.append(layer(f"Conv{n}D", shape, filters=4, kernel_size=3, **option))
            if "dilation_rate" not in option or n < 3:
                found.append(layer(f"Conv{n}DTranspose", shape, filters=4, kernel_size=3, **option))
        if n == 1:
            found += [
                layer("Conv1D", shape, filters=4, kernel_size=3, padding="causal", dilation_rate=d) for d in (1, 2)
            ]
            found += [layer("Conv1D", shape, filters=4, kernel_size=3, masked=True, padding="same")]
        found.append(layer(f"Conv{n}DTranspose", shape, filters=4, kernel_size=3, strides=2, output_padding=1))
        found.append(layer(f"Conv{n}DTranspose", shape, filters=2, kernel_size=2, strides=3, padding="same"))
        found.append(layer(f"Conv{n}DTranspose", shape, filters=2, kernel_size=2, strides=3, padding="valid"))
        if n < 3:
            found.append(layer(f"Conv{n}D", shape, filters=4, kernel_size=2, groups=2))
        found += styled(f"Conv{n}D", shape, filters=2, kernel_size=2)[1:]
    for name in ("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"):
        shape = rank[int(name[-2])]
        first = {"filters": 5} if name.startswith("Sep") else {}
        for option in (
            {},
            {"padding": "same", "strides": 2},
            {"depth_multiplier": 2, "activation": "relu"},
            {"dilation_rate": 2, "padding": "same"},
            {"use_bias": False},
            {"depthwise_regularizer": "l2", "activity_regularizer": "l2"},
        ):
            found.append(layer(name, shape, kernel_size=3, **first, **option))
        found += styled(name, shape, kernel_size=2, **first)[1:]
    return found


def _shaping() -> list[Case]:
    found = []
    rank = {1: (3, 9, 4), 2: (2, 9, 8, 4), 3: (2, 6, 5, 6, 3)}
    for n, shape in rank.items():
        for name in ("AveragePooling", "MaxPooling"):
            for option in ({}, {"pool_size": 3, "strides": 2, "padding": "same"}, {"pool_size": 3, "strides": 1}):
                found.append(layer(f"{name}{n}D", shape, **option))
            found += [layer(f"{name}{n}D", shape, style=s, padding="same") for s in ("large", "negative", "zeros")]
            found += [layer(f"{name}{n}D", shape, dtype="float16", doubles=False)]
        for name in ("GlobalAveragePooling", "GlobalMaxPooling"):
            found += [layer(f"{name}{n}D", shape), layer(f"{name}{n}D", shape, keepdims=True)]
            found += [layer(f"{name}{n}D", shape, style=s) for s in ("large", "negative", "zeros")]
            found += [layer(f"{name}{n}D", shape, dtype="float16", doubles=False)]
            if n < 3:
                found.append(layer(f"{name}{n}D", shape, data_format="channels_first"))
        found += [layer(f"UpSampling{n}D", shape, size=s) for s in (2, 3)]
        found += [layer(f"ZeroPadding{n}D", shape, padding=2), layer(f"Cropping{n}D", shape, cropping=1)]
    found += [
        layer("GlobalAveragePooling1D", SHAPE_3D, masked=True),
        layer("GlobalMaxPooling1D", SHAPE_3D, masked=True),
    ]
    found += [
        layer(
            "GlobalAveragePooling1D", SHAPE_3D, call={"mask": value("all false", lambda t: tf.zeros((3, 7), tf.bool))}
        )
    ]
    for interpolation in (
        "nearest",
        "bilinear",
        "bicubic",
        "area",
        "lanczos3",
        "lanczos5",
        "gaussian",
        "mitchellcubic",
    ):
        found.append(layer("UpSampling2D", (2, 5, 6, 3), size=2, interpolation=interpolation))
        for height, width in ((4, 9), (13, 5)):
            arguments = {"height": height, "width": width, "interpolation": interpolation}
            found.append(layer("Resizing", (2, 7, 6, 3), style="pixels", **arguments))
    crop = {"height": 4, "width": 9}
    found += [layer("Resizing", (2, 7, 6, 3), style="pixels", crop_to_aspect_ratio=True, **crop)]
    found += [layer("Resizing", (2, 7, 6, 3), whole=True, **crop), layer("Resizing", (7, 6, 3), style="pixels", **crop)]
    found += [
        layer("ZeroPadding1D", SHAPE_3D, padding=(1, 2)),
        layer("ZeroPadding2D", SHAPE_4D, padding=((1, 0), (2, 3))),
    ]
    found += [
        layer("Cropping2D", SHAPE_4D, cropping=((1, 0), (2, 1))),
        layer("Flatten", SHAPE_4D),
        layer("Flatten", (3,)),
    ]
    found += [layer("Flatten", SHAPE_3D, masked=True), layer("Flatten", SHAPE_4D, data_format="channels_first")]
    found += [layer("Reshape", SHAPE_3D, target_shape=(4, 7)), layer("Reshape", SHAPE_3D, target_shape=(-1, 2))]
    found += [layer("Reshape", SHAPE_3D, target_shape=(28,), masked=True), layer("Permute", SHAPE_3D, dims=(2, 1))]
    found += [layer("Permute", SHAPE_3D, dims=(2, 1), masked=True), layer("RepeatVector", SHAPE_2D, n=3)]
    found += [
        layer(name, SHAPE_3D, masked=True) for name in ("ZeroPadding1D", "Cropping1D", "UpSampling1D", "MaxPooling1D")
    ]
    return found


def _norms() -> list[Case]:
    found = []
    for shape in (SHAPE_2D, SHAPE_3D, SHAPE_4D, SHAPE_5D):
        for arguments in ({}, {"momentum": 0.5, "epsilon": 1e-5}, {"center": False, "scale": False}):
            found.append(layer("BatchNormalization", shape, **arguments))
        found.append(layer("BatchNormalization", shape, style="offset"))
        found.append(layer("LayerNormalization", shape, style="offset"))
    found += styled("BatchNormalization", SHAPE_2D) + styled("BatchNormalization", SHAPE_4D)
    found += [layer("BatchNormalization", (1, 4)), layer("BatchNormalization", (1, 1, 1, 4))]
    found += [layer("BatchNormalization", SHAPE_4D, axis=1), layer("BatchNormalization", SHAPE_3D, axis=1)]
    found += [layer("BatchNormalization", SHAPE_3D, axis=[1, 2]), layer("BatchNormalization", SHAPE_3D, masked=True)]
    found += [
        layer("BatchNormalization", SHAPE_2D, trainable=False),
        layer("BatchNormalization", SHAPE_4D, trainable=False),
    ]
    found += [layer("BatchNormalization", SHAPE_2D, synchronized=True)]
    found += [layer("BatchNormalization", SHAPE_2D, gamma_regularizer="l2", beta_constraint="non_neg")]
    found += styled("LayerNormalization", SHAPE_3D)
    for arguments in ({"axis": 1}, {"axis": [1, 2]}, {"epsilon": 1e-5}, {"center": False}, {"scale": False}):
        found.append(layer("LayerNormalization", SHAPE_3D, **arguments))
    found += [layer("LayerNormalization", SHAPE_3D, masked=True), layer("LayerNormalization", SHAPE_4D, axis=[1, 2, 3])]
    found += styled("GroupNormalization", SHAPE_4D, groups=2)
    found += [layer("GroupNormalization", SHAPE_4D, groups=g) for g in (1, 4, -1)]
    found += [
        layer("GroupNormalization", SHAPE_3D, groups=2, axis=1 + 1),
        layer("GroupNormalization", SHAPE_2D, groups=3),
    ]
    found += [layer("GroupNormalization", SHAPE_4D, groups=2, style="offset", epsilon=1e-5)]
    found += styled("UnitNormalization", SHAPE_3D)
    found += [layer("UnitNormalization", SHAPE_3D, axis=axis) for axis in (1, (1, 2))]
    return found


def _data() -> list[Case]:
    found = [layer("Rescaling", SHAPE_4D, style="pixels", scale=1 / 255.0, offset=-1.0)]
    found += [layer("Rescaling", SHAPE_4D, whole=True, scale=0.1), layer("Rescaling", SHAPE_3D, scale=2.0, masked=True)]
    found += [
        layer("CenterCrop", (2, 7, 6, 3), style="pixels", height=h, width=w)
        for h, w in ((4, 3), (3, 4), (9, 9), (4, 9))
    ]
    found += [layer("Normalization", SHAPE_2D, mean=2.0, variance=3.0, invert=i) for i in (False, True)]
    found += [layer("Normalization", SHAPE_2D, mean=2.0, variance=0.0)]
    for mode in ("multi_hot", "one_hot", "count"):
        shapes = ((3, 4), (3,), (3, 1)) if mode != "one_hot" else ((3,), (3, 1))
        found += [
            layer("CategoryEncoding", s, whole=True, num_tokens=10, output_mode=mode, trains=False) for s in shapes
        ]
    for mode in ("int", "one_hot", "multi_hot", "count"):
        shape = (6, 1)
        bounds = [-1.0, 0.0, 0.5]
        found += [layer("Discretization", shape, bin_boundaries=bounds, output_mode=mode, trains=False)]
        found += [layer("Discretization", shape, style="edges", bin_boundaries=bounds, output_mode=mode, trains=False)]
    for mode in ("int", "one_hot"):
        found += [layer("HashedCrossing", (6,), (6,), whole=True, num_bins=5, output_mode=mode, trains=False)]
    for arguments in (
        {},
        {"salt": 133},
        {"salt": [3, 4]},
        {"mask_value": 3},
        {"output_mode": "multi_hot"},
        {"output_mode": "count"},
    ):
        found += [layer("Hashing", (5, 3), whole=True, num_bins=7, trains=False, **arguments)]
    return found
