"""Whether a further seed parts as the first did."""

from dataclasses import replace

import numpy as np
import pytest

from kparity.analysis.further import Parting, otherwise

KEYS = ["out|dense|0", "grad|dense:kernel|0", "total|loss|0"]


def parting(first: float = 1e-7, later: float = 1e-6, jump: int | None = None, seed: int = 0) -> Parting:
    """Twenty steps of three tensors: how far apart the first step is and all others, and a step that parts suddenly."""
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((20, 3, 33)).astype(np.float32)
    left[:, :, 0] = 1.0
    sizes = np.full((20, 1, 1), later)
    sizes[0] = first
    if jump is not None:
        sizes[jump - 1 :] = 0.3
    right = left + (sizes * rng.choice([-1.0, 1.0], left.shape)).astype(np.float32)
    return Parting((left, right), (KEYS, KEYS), (None, None))


@pytest.mark.parametrize(
    ("first", "this", "why"),
    [
        (parting(), parting(seed=1), None),
        (parting(), parting(first=3e-6, seed=1), None),
        (parting(), parting(first=1e-3, seed=1), "first step"),
        (parting(first=1e-3), parting(first=3e-3, seed=1), None),
        (parting(first=1e-3), parting(first=0.2, seed=1), "first step"),
        (parting(), parting(jump=12, seed=1), "suddenly at step 12"),
        (parting(jump=12), parting(jump=12, seed=1), None),
        (parting(jump=12), parting(jump=6, seed=1), None),
        (parting(later=1e-4), parting(later=1e-4, jump=6, seed=1), "suddenly at step 6"),
        (parting(), replace(parting(seed=1), nonfinite=(None, 7)), "finite"),
        (replace(parting(), nonfinite=(None, 9)), replace(parting(seed=1), nonfinite=(None, 7)), None),
    ],
)
def test_a_further_seed_is_looked_into_only_where_it_parts_otherwise(
    first: Parting, this: Parting, why: str | None
) -> None:
    said = otherwise(first, this)
    assert said is None if why is None else why in (said or "")
