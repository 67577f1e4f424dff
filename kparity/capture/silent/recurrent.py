"""Cases of recurrent layers, cells and Bidirectional: states, masks, directions, and dropout as a distribution.

In: nothing. Out: `cases()`, for tables.py.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.layers import build, hide, layer, of, styled, value
from kparity.capture.silent.tools import Tools, array, flat

STEPS = (4, 6, 3)
PLAIN = ("SimpleRNN", "GRU", "LSTM")


def cases() -> list[Case]:
    found: list[Case] = []
    for name in PLAIN:
        found += _plain(name)
    found += [layer("GRU", STEPS, units=3, reset_after=False, masked=m) for m in (False, True)]
    found += [layer("LSTM", STEPS, units=3, recurrent_activation="hard_sigmoid")]
    found += [layer("GRU", STEPS, units=3, recurrent_activation="hard_sigmoid")]
    found += _cells() + _both_ways() + _convolved() + _dropped()
    found += [_stateful(name) for name in PLAIN] + [_initial(name, n) for name, n in zip(PLAIN, (1, 1, 2), strict=True)]
    return found


def _plain(name: str) -> list[Case]:
    options: list[dict[str, Any]] = [
        {"return_sequences": True},
        {"return_sequences": True, "return_state": True},
        {"go_backwards": True, "return_sequences": True},
        {"unroll": True},
        {"use_bias": False},
        {"activation": "relu"},
        {
            "kernel_regularizer": "l2",
            "recurrent_regularizer": "l1",
            "bias_regularizer": "l2",
            "activity_regularizer": "l2",
        },
    ]
    if name != "SimpleRNN":
        options += [{"implementation": n} for n in (1, 2)] + [{"recurrent_activation": "tanh"}]
    found = styled(name, STEPS, units=3)
    for option in options:
        found += [layer(name, STEPS, units=3, masked=masked, **option) for masked in (False, True)]
    return found


def _cells() -> list[Case]:
    found = []
    for name in ("SimpleRNNCell", "GRUCell", "LSTMCell"):
        cell = of(name, units=3)
        found += [layer("RNN", STEPS, cell=cell, masked=m) for m in (False, True)]
        found += [layer("RNN", STEPS, cell=cell, return_sequences=True, return_state=True, masked=True)]
        found += [_cell(name, {"units": 3}), _cell(name, {"units": 3, "use_bias": False, "activation": "relu"})]
        if name == "GRUCell":
            found += [_cell(name, {"units": 3, "reset_after": False})]
    found += [
        layer("RNN", STEPS, cell=of("LSTMCell", units=3), zero_output_for_mask=True, return_sequences=True, masked=True)
    ]
    inner = value("[GRUCell, LSTMCell]", lambda t: [t.keras.layers.GRUCell(3), t.keras.layers.LSTMCell(2)])
    stacked = value(
        "StackedRNNCells", lambda t: t.keras.layers.StackedRNNCells([t.keras.layers.LSTMCell(n) for n in (3, 2)])
    )
    found += [
        layer("RNN", STEPS, cell=inner),
        layer("RNN", STEPS, cell=stacked),
        layer("RNN", STEPS, cell=stacked, masked=True),
    ]
    pair = value("[LSTMCell(3), LSTMCell(3)]", lambda t: [t.keras.layers.LSTMCell(3) for _ in range(2)])
    return [*found, _cell("StackedRNNCells", {"cells": pair})]


def _cell(name: str, arguments: dict[str, Any]) -> Case:
    def run(tools: Tools) -> Arrays:
        cell = build(tools, name, arguments)
        x = tf.convert_to_tensor(tools.x(4, 5))
        sizes = list(tf.nest.flatten(cell.state_size))
        states = tf.nest.pack_sequence_as(
            cell.state_size, [tf.convert_to_tensor(tools.x(4, int(n), key=f"s{i}")) for i, n in enumerate(sizes)]
        )
        states = states if isinstance(states, list | tuple) else [states]
        cell(x, states)
        tools.fill(cell)
        out, after = cell(x, states)
        found: Arrays = {"output": array(out)}
        return found | {f"state {n}": array(one) for n, one in enumerate(flat(after))}

    return Case("layer", name, said(arguments), run)


def _both_ways() -> list[Case]:
    found = []
    for mode in ("concat", "sum", "mul", "ave", None):
        for masked in (False, True):
            inner = of("LSTM", units=3, return_sequences=True)
            found.append(layer("Bidirectional", STEPS, layer=inner, merge_mode=mode, masked=masked))
    for inner in (of("GRU", units=3), of("LSTM", units=3, return_state=True), of("SimpleRNN", units=3)):
        found.append(layer("Bidirectional", STEPS, layer=inner))
    back = of("GRU", units=2, go_backwards=True)
    found.append(layer("Bidirectional", STEPS, layer=of("LSTM", units=3), backward_layer=back))
    regular = of("LSTM", units=3, kernel_regularizer="l2", activity_regularizer="l2")
    return [*found, layer("Bidirectional", STEPS, layer=regular)]


def _convolved() -> list[Case]:
    found = []
    for n, shape in ((1, (2, 3, 6, 2)), (2, (2, 3, 5, 6, 2)), (3, (1, 3, 4, 4, 5, 2))):
        common = {"filters": 2, "kernel_size": 2}
        for option in (
            {},
            {"recurrent_activation": "sigmoid"},
            {"recurrent_activation": "sigmoid", "return_sequences": True, "padding": "same"},
            {"recurrent_activation": "sigmoid", "strides": 2, "return_state": True},
            {"recurrent_activation": "hard_sigmoid"},
            {"recurrent_activation": "sigmoid", "go_backwards": True, "use_bias": False},
        ):
            found.append(layer(f"ConvLSTM{n}D", shape, **common, **option))
    return found


def _stateful(name: str) -> Case:
    def run(tools: Tools) -> Arrays:
        made = build(tools, name, {"units": 3, "stateful": True, "return_sequences": True})
        x = tf.convert_to_tensor(tools.x(*STEPS))
        made(x)
        tools.fill(made)
        made.reset_states()
        found: Arrays = {f"call {n}": array(made(x)) for n in range(3)}
        made.reset_states()
        return {**found, "after reset": array(made(x))}

    return Case("layer", name, "stateful, three calls, reset", run)


def _initial(name: str, count: int) -> Case:
    def run(tools: Tools) -> Arrays:
        made = build(tools, name, {"units": 3, "return_sequences": True, "return_state": True})
        x = hide(tools, tf.convert_to_tensor(tools.x(*STEPS)))
        states = [tf.convert_to_tensor(tools.x(4, 3, key=f"s{n}")) for n in range(count)]
        made(x, initial_state=states)
        tools.fill(made)
        return {f"output {n}": array(one) for n, one in enumerate(flat(made(x, initial_state=states)))}

    return Case("layer", name, "initial_state, masked", run)


def _dropped() -> list[Case]:
    """Dropout inside recurrent layers: the distribution of one output element over many sequences."""
    found = []
    for name in PLAIN:
        for option in (
            {"dropout": 0.5},
            {"recurrent_dropout": 0.5},
            *(
                [{"dropout": 0.5, "implementation": 1}, {"recurrent_dropout": 0.5, "implementation": 1}]
                if name != "SimpleRNN"
                else []
            ),
            *([{"dropout": 0.5, "recurrent_dropout": 0.5, "reset_after": False}] if name == "GRU" else []),
        ):
            found.append(sampled(name, (4000, 3, 4), {"units": 2, **option}, style="ones"))
    convolved = {"filters": 2, "kernel_size": 2, "recurrent_activation": "sigmoid"}
    for option in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}):
        found.append(sampled("ConvLSTM2D", (3000, 3, 3, 3, 2), {**convolved, **option}, style="ones"))
    return found


def sampled(
    name: str, shape: tuple[int, ...], arguments: dict[str, Any], style: str = "normal", label: str = ""
) -> Case:
    """A layer's random output in training: the samples are the elements of the batch, of which all inputs are alike."""

    def run(tools: Tools) -> Arrays:
        made = build(tools, name, arguments)
        x = np.broadcast_to(tools.x(*shape[1:], style=style), shape).copy()
        tools.call(made, tf.convert_to_tensor(x[:2]), training=False)
        tools.fill(made)
        out = array(flat(tools.call(made, tf.convert_to_tensor(x), training=True))[0])
        rest = array(flat(tools.call(made, tf.convert_to_tensor(x[:2]), training=False))[0])
        flattened = out.reshape(out.shape[0], -1).astype(np.float64)
        found: Arrays = {"inference": rest, "text|dtype": str(out.dtype)}
        for position in sorted({0, flattened.shape[1] // 2, flattened.shape[1] - 1}):
            found[f"sample|element {position}"] = flattened[:, position]
        found["sample|mean of each"] = flattened.mean(1)
        return found

    text = "; ".join(part for part in (said(arguments), style * (style != "normal"), label) if part)
    return Case("layer", name, f"random: {text}", run, doubles=False)
