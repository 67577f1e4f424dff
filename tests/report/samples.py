"""Realistic verdicts and maps for the tests of the report: an Encoder-Decoder that drifted, and what else can happen.

Everything comes from a seeded generator, so that a failing test fails again.
"""

from typing import Any

import numpy as np
import pandas as pd

SIDES = {
    "legacy": {
        "keras": "2.21.0",
        "module": "tf_keras.src.engine.functional",
        "tensorflow": "2.21.0",
        "python": "3.11.7",
        "jit_compile": False,
        "source": "fixtures/encoder_decoder.py",
    },
    "keras3": {
        "keras": "3.15.1",
        "module": "keras.src.models.functional",
        "tensorflow": "2.21.0",
        "python": "3.11.7",
        "jit_compile": False,
        "source": "reports/encoder_decoder/migrated/encoder_decoder.py",
    },
}

CAUSES: list[dict[str, Any]] = [
    {
        "phase": "optimizer",
        "layer": "encoder_lstm",
        "variable": "recurrent_kernel",
        "step": 1,
        "kind": "numbers",
        "local_error": 3.18e-3,
        "noise_floor": 1.1e-7,
        "rule": "KP302",
        "proven": True,
        "message": "Keras 2's Adam divides the learning rate by 1 + decay * step; Keras 3 dropped `decay`, so its "
        "learning rate stays at 0.01. The two updates part from the second step on.",
        "fix": "learning_rate=keras.optimizers.schedules.InverseTimeDecay(0.01, 1, 0.001)",
        "also": ["encoder_lstm/kernel", "encoder_lstm/bias", "decoder_lstm/kernel", "decoder_lstm/bias", "head/kernel"],
    },
    {
        "phase": "forward",
        "layer": "decoder_attention",
        "variable": None,
        "step": 1,
        "kind": "mask",
        "local_error": 0.0412,
        "noise_floor": 2.3e-7,
        "rule": "KP214",
        "proven": True,
        "message": "The mask of `embedding` reaches this layer under Keras 2 and is lost under Keras 3 at the Lambda "
        "layer `shift`, so padding takes part in the attention.",
        "fix": "Give `shift` a compute_mask, or pass mask= to decoder_attention.",
        "also": ["head"],
    },
    {
        "phase": "state",
        "layer": "bn_2",
        "variable": "moving_variance",
        "step": 40,
        "kind": "numbers",
        "local_error": 6.1e-6,
        "noise_floor": 9.8e-7,
        "rule": None,
        "proven": False,
        "message": "The moving variance takes Bessel's correction under Keras 2 alone (fused kernel).",
        "fix": "",
        "also": [],
    },
]

FINDING = {
    "rule": "KP302",
    "place": {"path": "fixtures/encoder_decoder.py", "line": 88, "column": 11},
    "phase": "optimizer",
    "outcome": "manual",
    "message": "`decay=` left the optimizers",
    "fix": "Use InverseTimeDecay.",
}


def curves(steps: int = 500, seed: int = 0, drift: float = 0.0) -> dict[str, Any]:
    """`curves` of a verdict with loss, accuracy and both validation metrics (every 50 steps).

    Chaos grows from one ulp to a plateau over the first tenth of the steps; `drift` is how much accuracy Keras 3
    loses in the end.
    """
    rng = np.random.default_rng(seed)
    step = np.arange(1, steps + 1)
    course = 1 - np.exp(-step / (0.22 * steps))
    batch = rng.normal(0, 0.022, steps)
    apart = np.minimum(0.012, 1e-7 * np.exp(step / (0.0075 * steps)))

    def side(lost: float) -> dict[str, np.ndarray]:
        own = rng.normal(0, 1, steps) * apart
        worse = lost * np.clip((step - 0.08 * steps) / (0.7 * steps), 0, 1)
        accuracy = np.clip(0.09 + 0.74 * course + batch + own - worse, 0, 1)
        loss = 2.6 * (1 - course) + 0.55 - 3.2 * batch - 2.5 * own + 2.4 * worse
        return {"loss": loss, "accuracy": accuracy}

    sides = {"legacy": side(0.0), "keras3": side(drift), "noise": side(0.0)}
    metrics: dict[str, dict[str, list[float | None]]] = {
        name: {key: [float(value) for value in sides[key][name]] for key in sides} for name in ("loss", "accuracy")
    }
    for name, offset in (("val_loss", 0.09), ("val_accuracy", -0.03)):
        metrics[name] = {}
        for key in sides:
            base = np.convolve(np.pad(sides[key][name[4:]], (24, 25), mode="edge"), np.full(50, 0.02), mode="valid")
            metrics[name][key] = [float(v + offset) if s % 50 == 0 else None for s, v in zip(step, base, strict=True)]
    return {"steps": step.tolist(), "metrics": metrics}


def verdict(kind: str = "different", steps: int = 500, seed: int = 0, causes: int = 3) -> dict[str, Any]:
    """A verdict of `kind` as `compare` writes it, with `causes` causes where that kind has any."""
    found = [dict(CAUSES[number % 3]) for number in range(causes)] if kind in ("different", "inconclusive") else []
    drift = 0.06 if kind == "different" else 0.0
    shown = None if kind == "error" else curves(steps, seed, drift)
    accuracy = {"metric": "val_accuracy", "legacy": 0.7712, "keras3": 0.7129, "difference": -0.0583, "noise": 0.0061}
    if kind != "different":
        accuracy |= {"keras3": 0.7703, "difference": -0.0009}
    error = {
        "side": "keras3",
        "kind": "raised",
        "message": "ValueError: A KerasTensor cannot be used as input to a TensorFlow function.",
        "where": "fixtures/encoder_decoder.py:61",
        "output": [
            "Epoch 1/3",
            '  File "fixtures/encoder_decoder.py", line 61, in build',
            "    padding = tf.cast(tf.not_equal(tokens, 0), tf.float32)",
            "ValueError: A KerasTensor cannot be used as input to a TensorFlow function.",
        ],
    }
    return {
        "schema": 1,
        "verdict": kind,
        "subject": "fixtures/encoder_decoder.py",
        "steps": 0 if kind == "error" else steps,
        "seeds": [seed],
        "sides": {side: dict(said) for side, said in SIDES.items()},
        "causes": found,
        "accuracy": None if kind == "error" else accuracy,
        "curves": shown,
        "error": error if kind == "error" else None,
        "notes": ["Dropout masks, shuffles and initial weights were drawn once and given to both sides."],
        "migration": [dict(FINDING)],
        "cost": {"seconds": 148.2, "trace_bytes": 93_412_345},
    }


def map_rows(layers: int = 14, steps: int = 500, seed: int = 0) -> pd.DataFrame:
    """The map of a run that drifts from `decoder_attention` and the optimizer on: the columns of map.parquet."""
    rng = np.random.default_rng(seed)
    known = [
        "embedding",
        "encoder_lstm",
        "bn_1",
        "dropout",
        "shift",
        "decoder_lstm",
        "decoder_attention",
        "bn_2",
        "head",
    ]
    names = [known[i] if i < len(known) else f"block_{i // 4}/dense_{i}" for i in range(layers)]
    step = np.arange(1, steps + 1, dtype=np.int32)
    chaos = np.minimum(3e-3, 1e-7 * np.exp(step / (0.02 * steps)))
    tables = []
    for place, phase in enumerate(("forward", "gradient", "optimizer", "state")):
        for row, name in enumerate(names):
            if phase == "state" and not name.startswith("bn"):
                continue
            floor = chaos * rng.uniform(0.6, 1.6) * np.exp(rng.normal(0, 0.25, steps))
            grown = 1.0
            if phase == "optimizer":
                grown = 1 + 3e4 * np.exp(-step / (0.02 * steps)) + 4
            elif (phase == "forward" and row >= 6) or phase == "state":
                grown = 1 + 900 * np.exp(-step / (0.06 * steps))
            elif phase == "gradient":
                grown = 1 + 40 * np.exp(-step / (0.1 * steps))
            tensor = {"forward": "output", "gradient": "kernel", "optimizer": "kernel", "state": "moving_variance"}
            tables.append(
                pd.DataFrame(
                    {
                        "step": step,
                        "phase": phase,
                        "layer": name,
                        "tensor": tensor[phase],
                        "difference": floor * grown * np.exp(rng.normal(0, 0.3, steps)),
                        "noise_floor": floor,
                        "order": np.int32(place * layers + row),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)
