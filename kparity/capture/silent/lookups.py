"""Cases of layers that learn a vocabulary or statistics: StringLookup, IntegerLookup, TextVectorization, and adapt().

In: nothing. Out: `cases()`, for tables.py.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.layers import build
from kparity.capture.silent.tools import Tools, array

WORDS = np.array(["b", "a", "b", "c", "a", "b", "d", "e", "e", "zz"])
NUMBERS = np.array([3, 1, 3, 7, 1, 3, 9, 0, 0, 42])
TEXTS = np.array(["The cat, sat; on the MAT!", "a cat", "", "dogs & cats  and\tthe rest"])


def looked_up(name: str, data: np.ndarray, asked: np.ndarray, adapt: bool, **arguments: Any) -> Case:
    """Adapted to `data` (or given a vocabulary), asked for `asked`: the answer, its type, and the vocabulary."""

    def run(tools: Tools) -> Arrays:
        made = build(tools, name, arguments)
        if adapt:
            made.adapt(data)
        out = array(made(tf.convert_to_tensor(asked)))
        kind = "text|" if out.dtype.kind in "OS" else ""
        found: Arrays = {f"{kind}output": str(out.tolist()) if kind else out, "text|dtype": str(out.dtype)}
        if hasattr(made, "get_vocabulary"):
            found["text|vocabulary"] = " ".join(str(word) for word in made.get_vocabulary())
        return found

    text = "; ".join(part for part in (said(arguments), "adapted" * adapt, "x".join(map(str, asked.shape))) if part)
    return Case("layer", name, text, run, doubles=False)


def cases() -> list[Case]:
    found: list[Case] = []
    for name, data in (("StringLookup", WORDS), ("IntegerLookup", NUMBERS)):
        asked = np.append(data[:5], data.dtype.type("new" if name == "StringLookup" else 5))
        found += [looked_up(name, data, asked, True), looked_up(name, data, asked, True, max_tokens=4)]
        found += [looked_up(name, data, asked, True, num_oov_indices=n) for n in (0, 3)]
        found += [looked_up(name, data, asked, True, output_mode=mode) for mode in ("one_hot", "multi_hot", "count")]
        found += [
            looked_up(name, data, asked[:, None], True, output_mode="multi_hot", pad_to_max_tokens=True, max_tokens=9)
        ]
        found += [looked_up(name, data, asked, True, output_mode="tf_idf")]
        vocabulary = ["a", "b", "c"] if name == "StringLookup" else [1, 3, 7]
        token = "" if name == "StringLookup" else 0
        found += [looked_up(name, data, asked, False, vocabulary=vocabulary)]
        found += [looked_up(name, data, asked, False, vocabulary=vocabulary, mask_token=token)]
        found += [looked_up(name, data, np.array([0, 1, 2, 3]), False, vocabulary=vocabulary, invert=True)]
    for arguments in (
        {},
        {"max_tokens": 5},
        {"output_sequence_length": 4},
        {"standardize": None},
        {"standardize": "lower"},
        {"standardize": "strip_punctuation"},
        {"split": "character"},
        {"ngrams": 2},
        {"output_mode": "multi_hot"},
        {"output_mode": "count"},
        {"output_mode": "tf_idf"},
        {"output_mode": "tf_idf", "ngrams": 2, "max_tokens": 6},
    ):
        found.append(looked_up("TextVectorization", TEXTS, TEXTS[:2], True, **arguments))
    numbers = np.array([[1.0, 5.0, -2.0], [2.0, 5.0, 7.0], [4.0, 5.0, 0.5]], np.float32)
    found += [
        looked_up("Normalization", numbers, numbers, True, **extra) for extra in ({}, {"axis": None}, {"invert": True})
    ]
    found += [looked_up("Discretization", numbers, numbers, True, num_bins=n) for n in (2, 4)]
    return found
