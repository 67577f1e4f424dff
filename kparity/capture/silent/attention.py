"""Cases of attention layers: masks given and carried, causal, scores, and half precision.

In: nothing. Out: `cases()`, for tables.py.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.layers import STYLES, build, hide, layer, made_here, shapes, value
from kparity.capture.silent.tools import Tools, array, flat, weigh


def cases() -> list[Case]:
    found = []
    query, other = (3, 5, 4), (3, 7, 4)
    for name, options in (
        ("Attention", ({}, {"use_scale": True}, {"score_mode": "concat"}, {"dtype": "mixed_float16"})),
        ("AdditiveAttention", ({}, {"use_scale": False}, {"dtype": "mixed_float16"})),
    ):
        for option in options:
            doubles = "dtype" not in option
            found += [
                layer(name, query, other, doubles=doubles, **option),
                layer(name, query, other, masked=True, doubles=doubles, **option),
            ]
            found += [layer(name, query, other, other, call={"use_causal_mask": True}, doubles=doubles, **option)]
        found += [layer(name, query, other, style=s) for s in STYLES]
        blank = value("all false", lambda t: [None, tf.zeros((3, 7), tf.bool)])
        found += [layer(name, query, other, call={"mask": blank})]
    for arguments in (
        {"num_heads": 2, "key_dim": 3},
        {"num_heads": 2, "key_dim": 3, "value_dim": 5, "use_bias": False},
        {"num_heads": 2, "key_dim": 3, "output_shape": 6},
        {"num_heads": 2, "key_dim": 3, "attention_axes": 1},
        {"num_heads": 2, "key_dim": 3, "dtype": "mixed_float16"},
    ):
        found.append(attend(arguments, {}))
    found += [attend({"num_heads": 2, "key_dim": 3}, {"use_causal_mask": True})]
    found += [attend({"num_heads": 2, "key_dim": 3}, {}, masked=True)]
    found += [attend({"num_heads": 2, "key_dim": 3}, {"return_attention_scores": True})]
    hole = value("mask", lambda t: tf.constant(np.arange(105).reshape(3, 5, 7) % 3 > 0))
    blank = value("all-false mask", lambda t: tf.zeros((3, 5, 7), tf.bool))
    found += [attend({"num_heads": 2, "key_dim": 3}, {"attention_mask": m}) for m in (hole, blank)]
    found += [attend({"num_heads": 2, "key_dim": 3}, {}, style=s) for s in STYLES]
    return [*found, Case("layer", "MultiHeadAttention", "mask of the input afterwards", _afterwards, doubles=False)]


def _afterwards(tools: Tools) -> Arrays:
    """Does the input still have its mask, and what follows it?"""
    x = hide(tools, tf.convert_to_tensor(tools.x(3, 5, 4)))
    seen = tools.keras.layers.MultiHeadAttention(2, 3)(x, x)
    added = tools.keras.layers.Add()([x, seen])
    return {
        f"text|{name} masked": str(getattr(t, "_keras_mask", None) is not None)
        for name, t in (("x", x), ("added", added))
    }


def attend(arguments: dict[str, Any], call: dict[str, Any], masked: bool = False, style: str = "normal") -> Case:
    """MultiHeadAttention, whose inputs are arguments."""

    def run(tools: Tools) -> Arrays:
        inner = build(tools, "MultiHeadAttention", arguments)
        query, other = (tf.convert_to_tensor(tools.x(3, n, 4, style=style, key=f"x{n}")) for n in (5, 7))
        if masked:
            query, other = hide(tools, query), hide(tools, other)
        extra = made_here(tools, call)
        inner(query, other, **extra)
        tools.fill(inner)
        if masked:  # again: the Keras 3 layer takes the masks off its inputs
            query, other = hide(tools, tf.identity(query)), hide(tools, tf.identity(other))
        with tf.GradientTape() as tape:
            tape.watch([query, other])
            out = inner(query, other, training=False, **extra)
            total = weigh(out)
        weights = inner.trainable_weights
        found: Arrays = {f"output {n}": array(one) for n, one in enumerate(flat(out))}
        found["text|weights"] = "\n".join(shapes(tools, inner))
        masks = [getattr(one, "_keras_mask", None) for one in flat(out)]
        found |= {f"mask {n}": array(mask) for n, mask in enumerate(masks) if mask is not None}
        gradients = tape.gradient(total, [query, other, *(tools.inner(w) for w in weights)])
        for label, gradient in zip(["query", "value", *tools.names(weights)], gradients, strict=True):
            found[f"gradient of {label}"] = array(gradient)
        return found

    text = "; ".join(
        part for part in (said(arguments), said(call), style * (style != "normal"), "masked" * masked) if part
    )
    return Case("layer", "MultiHeadAttention", text, run, doubles="dtype" not in arguments)
