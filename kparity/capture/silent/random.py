"""Cases of layers that draw random numbers: compared as distributions, and exactly where their range is one point.

In: nothing. Out: `cases()`, for tables.py.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.layers import build, layer, of
from kparity.capture.silent.recurrent import sampled
from kparity.capture.silent.tools import Tools, array

MANY = 4000
IMAGE = (6, 6, 3)
FILLS = ("reflect", "wrap", "constant", "nearest")


def cases() -> list[Case]:
    return [*_noise(), *_structure(), *_images(), *_fixed()]


def _noise() -> list[Case]:
    found = []
    for name, options in (
        (
            "Dropout",
            ({"rate": 0.5}, {"rate": 0.1}, {"rate": 0.999}, {"rate": 0.5, "noise_shape": (None, 1, 4)}, {"rate": 0}),
        ),
        ("GaussianNoise", ({"stddev": 0.5}, {"stddev": 0.0})),
        ("GaussianDropout", ({"rate": 0.5}, {"rate": 0.1}, {"rate": 0.0})),
        ("AlphaDropout", ({"rate": 0.5}, {"rate": 0.1}, {"rate": 0.5, "noise_shape": (MANY, 1, 4)}, {"rate": 0.0})),
    ):
        for option in options:
            found += [sampled(name, (MANY, 3, 4), dict(option), style=style) for style in ("ones", "normal")]
        found += [sampled(name, (MANY, 3, 4), {**options[0], "dtype": "mixed_float16"}, style="ones")]
    for rank, shape in ((1, (5, 3)), (2, (4, 5, 3)), (3, (3, 4, 5, 2))):
        found += [
            sampled(f"SpatialDropout{rank}D", (MANY, *shape), {"rate": rate}, style="ones") for rate in (0.5, 0.1)
        ]
    return found


def _structure() -> list[Case]:
    """Along which axes one draw is shared, and what a seed repeats."""

    def run(tools: Tools, name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> Arrays:
        made = build(tools, name, arguments)
        out = array(tools.call(made, tf.ones(shape), training=True))
        alike = [bool(np.all(out == np.take(out, [0], axis=axis))) for axis in range(out.ndim)]
        again = array(tools.call(made, tf.ones(shape), training=True))
        twin = array(tools.call(build(tools, name, arguments), tf.ones(shape), training=True))
        return {
            "text|alike along axes": str(alike),
            "text|second call repeats": str(bool(np.array_equal(out, again))),
            "text|twin of the same seed repeats": str(bool(np.array_equal(out, twin))),
        }

    table = (
        ("Dropout", {"rate": 0.5, "seed": 3}, (6, 7, 8)),
        ("Dropout", {"rate": 0.5, "seed": 3, "noise_shape": (None, 1, None)}, (6, 7, 8)),
        ("AlphaDropout", {"rate": 0.5, "seed": 3, "noise_shape": (6, 1, 8)}, (6, 7, 8)),
        ("GaussianNoise", {"stddev": 0.5, "seed": 3}, (6, 7, 8)),
        ("GaussianDropout", {"rate": 0.5, "seed": 3}, (6, 7, 8)),
        ("TimeDistributed", {"layer": of("Dropout", rate=0.5)}, (6, 7, 8)),
        ("TimeDistributed", {"layer": of("SpatialDropout1D", rate=0.5)}, (6, 4, 7, 8)),
        ("SpatialDropout1D", {"rate": 0.5}, (6, 7, 8)),
        ("SpatialDropout2D", {"rate": 0.5}, (6, 7, 5, 8)),
        ("SpatialDropout3D", {"rate": 0.5}, (6, 7, 3, 5, 8)),
    )
    return [
        Case("layer", name, f"structure: {said(arguments)}", _bound(run, name, arguments, shape), doubles=False)
        for name, arguments, shape in table
    ]


def _bound(run: Any, *arguments: Any) -> Any:
    return lambda tools: run(tools, *arguments)


def _images() -> list[Case]:
    found = []
    for name, options in (
        ("RandomFlip", ({}, {"mode": "horizontal"}, {"mode": "vertical"})),
        ("RandomRotation", ({"factor": 0.2}, {"factor": (-0.1, 0.3)})),
        ("RandomZoom", ({"height_factor": 0.3}, {"height_factor": (-0.3, 0.1), "width_factor": (-0.2, 0.2)})),
        ("RandomTranslation", ({"height_factor": 0.3, "width_factor": 0.2},)),
        ("RandomContrast", ({"factor": 0.3}, {"factor": (0.1, 0.6)})),
        ("RandomBrightness", ({"factor": 0.3}, {"factor": (-0.1, 0.5)}, {"factor": 0.3, "value_range": (0.0, 1.0)})),
        ("RandomCrop", ({"height": 3, "width": 4},)),
        ("RandomHeight", ({"factor": 0.3},)),
        ("RandomWidth", ({"factor": 0.3},)),
    ):
        for option in options:
            style = "unit" if "value_range" in option else "pixels"
            if name in ("RandomHeight", "RandomWidth"):
                found.append(layer(name, (2, *IMAGE), style=style, trains=False, **option))
                continue
            found.append(sampled(name, (MANY, *IMAGE), dict(option), style=style))
            found.append(layer(name, (2, *IMAGE), style=style, trains=False, label="inference", **option))
        if not name.startswith(("RandomHeight", "RandomWidth")):
            found.append(layer(name, (2, *IMAGE), whole=True, trains=False, label="inference", **options[0]))
    found.append(layer("RandomCrop", (2, *IMAGE), style="pixels", trains=False, label="inference", height=9, width=4))
    return found


def _fixed() -> list[Case]:
    """Random layers whose range is one point: every formula and border shows exactly."""
    found = []
    for fill in FILLS:
        for interpolation in ("bilinear", "nearest"):
            how = {"fill_mode": fill, "interpolation": interpolation, "fill_value": 7.0}
            for name, point in (
                ("RandomRotation", {"factor": (0.1, 0.1)}),
                ("RandomZoom", {"height_factor": (0.3, 0.3)}),
                ("RandomZoom", {"height_factor": (-0.3, -0.3), "width_factor": (0.2, 0.2)}),
                ("RandomTranslation", {"height_factor": (0.3, 0.3), "width_factor": (-0.2, -0.2)}),
            ):
                found.append(layer(name, (2, *IMAGE), style="pixels", label="one point", **point, **how))
    found.append(layer("RandomBrightness", (2, *IMAGE), style="pixels", label="one point", factor=(0.2, 0.2)))
    found.append(
        layer("RandomBrightness", (2, *IMAGE), style="unit", label="one point", factor=(0.2, 0.2), value_range=(0, 1))
    )
    return found
