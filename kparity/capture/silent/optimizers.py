"""Cases of optimizers: ten steps on two variables, with decay, clipping, averages, schedules, sparse gradients.

In: nothing. Out: `cases()`, for tables.py. `legacy.X` and `experimental.X` of Keras 2 are held against `X` of Keras 3.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.layers import made_here, value
from kparity.capture.silent.side import NotHere
from kparity.capture.silent.tools import Tools, array

NEW = ["Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD"]
OLD = ["Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "RMSprop", "SGD"]
STEPS = 10


def steps(
    name: str,
    gradients: str = "normal",
    compiled: bool = False,
    label: str = "",
    **arguments: Any,
) -> Case:
    """Ten steps. Gradients: normal, tiny, large, zeros, sparse (each row once), repeated (rows twice), none (a variable
    without one)."""

    def run(tools: Tools) -> Arrays:
        made = tools.find("optimizers", name)
        if made is None:
            raise NotHere(f"no optimizers.{name}")
        optimizer = made(**made_here(tools, arguments))
        first = tf.Variable(tools.x(4, 3, key="w"))
        second = tf.Variable(tools.x(5, key="b"))

        def step(one: Any, other: Any) -> None:
            optimizer.apply_gradients([(one, first), (other, second)])

        run_step = tf.function(step) if compiled else step
        found: Arrays = {}
        for n in range(STEPS):
            one, other = (_gradient(tools, gradients, shape, n) for shape in ((4, 3), (5,)))
            if gradients == "none":
                optimizer.apply_gradients([(one, first), (None, second)])
            else:
                run_step(one, other)
            if n in (0, STEPS - 1):
                found[f"w after {n + 1}"], found[f"b after {n + 1}"] = array(first), array(second)
        if arguments.get("use_ema"):
            optimizer.finalize_variable_values([first, second])
            found["w of the average"], found["b of the average"] = array(first), array(second)
        return found

    parts = (said(arguments), gradients + " gradients" if gradients != "normal" else "", "compiled" * compiled, label)
    return Case("optimizer", name, "; ".join(part for part in parts if part) or "defaults", run)


def _gradient(tools: Tools, kind: str, shape: tuple[int, ...], n: int) -> Any:
    if kind in ("sparse", "repeated") and len(shape) == 2:
        rows = [1, 3] if kind == "sparse" else [1, 3, 1]
        return tf.IndexedSlices(
            tf.constant(tools.x(len(rows), shape[1], key=f"g{n}")), tf.constant(rows), tf.constant(shape)
        )
    style = kind if kind in ("tiny", "small", "large", "zeros") else "normal"
    return tf.constant(tools.x(*shape, style=style, key=f"g{n}"))


def cases() -> list[Case]:
    found: list[Case] = []
    for name in NEW:
        found += [steps(name), steps(name, compiled=True)]
        for kind in ("tiny", "small", "large", "zeros", "sparse", "repeated", "none"):
            found += [steps(name, kind, learning_rate=0.1)]
        for option in (
            {"weight_decay": 0.01},
            {"clipnorm": 0.5},
            {"clipvalue": 0.1},
            {"global_clipnorm": 0.5},
            {"use_ema": True, "ema_momentum": 0.9},
            {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
            {"weight_decay": 0.01, "clipnorm": 0.5},
        ):
            found += [steps(name, learning_rate=0.1, **option)]
        found += [steps(name, "sparse", learning_rate=0.1, weight_decay=0.01), steps(name, learning_rate=_schedule())]
        found += [_excluded(name), steps(name, "sparse", learning_rate=0.1, clipnorm=0.5)]
    for name, options in {
        "SGD": ({"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "clipnorm": 0.3}),
        "Adam": (
            {"amsgrad": True},
            {"epsilon": 0.1},
            {"beta_1": 0.5, "beta_2": 0.9},
            {"amsgrad": True, "epsilon": 1e-3},
        ),
        "AdamW": ({"amsgrad": True}, {"epsilon": 0.1}, {"weight_decay": 0.1}),
        "RMSprop": (
            {"momentum": 0.9},
            {"centered": True},
            {"centered": True, "momentum": 0.5, "epsilon": 1e-3},
            {"rho": 0.5},
        ),
        "Adagrad": ({"initial_accumulator_value": 0.0}, {"epsilon": 0.1}),
        "Adadelta": ({"rho": 0.5, "epsilon": 1e-3},),
        "Adamax": ({"epsilon": 0.1},),
        "Nadam": ({"epsilon": 0.1}, {"beta_1": 0.5}),
        "Ftrl": (
            {"l1_regularization_strength": 0.01},
            {"l2_regularization_strength": 0.01},
            {"l2_shrinkage_regularization_strength": 0.01, "beta": 0.1},
            {"learning_rate_power": -0.3, "initial_accumulator_value": 0.5},
        ),
        "Lion": ({"beta_1": 0.5}, {"learning_rate": 0.01, "beta_2": 0.5}),
        "Adafactor": ({"relative_step": False}, {"beta_2_decay": -0.5}, {"clip_threshold": 0.5}, {"epsilon_1": 1e-3}),
    }.items():
        for option in options:
            rate = {} if "learning_rate" in option else {"learning_rate": 0.1}
            found += [steps(name, **rate, **option)]
            found += [steps(f"legacy.{name}", **rate, **option)] if name in OLD else []
    for name in OLD:
        for kind in ("normal", "tiny", "small", "large", "sparse", "repeated"):
            found += [steps(f"legacy.{name}", kind, learning_rate=0.1)]
        found += [steps(f"legacy.{name}"), steps(f"legacy.{name}", compiled=True)]
        found += [
            steps(f"legacy.{name}", learning_rate=0.1, **{key: 0.5})
            for key in ("clipnorm", "clipvalue", "global_clipnorm")
        ]
        found += [steps(f"legacy.{name}", learning_rate=_schedule())]
    found += [steps(f"experimental.{name}") for name in NEW if name != "Lion"]
    return found


def _schedule() -> Any:
    return value("PolynomialDecay", lambda t: t.keras.optimizers.schedules.PolynomialDecay(0.1, 7, 0.01, power=2.0))


def _excluded(name: str) -> Case:
    """Weight decay that leaves one variable out."""

    def run(tools: Tools) -> Arrays:
        optimizer = tools.find("optimizers", name)(learning_rate=0.1, weight_decay=0.1)
        first, second = tf.Variable(tools.x(4, 3, key="w"), name="w"), tf.Variable(tools.x(5, key="b"), name="bias")
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        for n in range(3):
            optimizer.apply_gradients(
                [(tf.constant(tools.x(4, 3, key=f"g{n}")), first), (tf.constant(tools.x(5, key=f"h{n}")), second)]
            )
        return {"w": array(first), "b": array(second), "iterations": np.asarray(int(optimizer.iterations))}

    return Case("optimizer", name, "weight_decay=0.1, bias left out", run)
