"""Whether the two `fit`s hand the same data to a training step.

In: what each side's `fit` handed over, epoch by epoch (`capture/fed.py`). Out: Causes. Called by compare. Both sides
are trained on the same batches, whatever their Keras makes of the arguments of `fit`: only this tells.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kparity.analysis.locate import Cause

Epoch = Mapping[str, Any]

SHUFFLED = 8
"""Batches from which on it is no chance that two epochs come in the same order: one in 40,000."""


def fed(ours: Sequence[Epoch], theirs: Sequence[Epoch], by_keras: bool, exact: bool) -> list[Cause]:
    """A cause where an epoch of the candidate has other batches, other rows, or comes in another order, than one of the
    reference, of which only that counts that its own two epochs have in common.

    It is proven by the training, which goes on with the reference's batches. `by_keras`: whether any shuffling is
    Keras's, as of arrays. `exact`: whether the data are the same bit for bit; else, as where layers made them, only
    sizes are judged.
    """
    if len(ours) < 2 or not theirs:
        return []
    first, second, other = ours[0], ours[1], theirs[0]
    told: dict[str, Any] = {}
    rows = {name for name, hashed in first["rows"].items() if second["rows"][name] == hashed}
    if first["sizes"] != second["sizes"]:
        return []
    if first["sizes"] != other["sizes"]:
        told = {"what": "sizes", "sizes": (first["sizes"], other["sizes"])}
    elif not exact:
        return []
    elif parts := sorted(name for name in rows if other["rows"][name] != first["rows"][name]):
        told = {"what": "rows", "parts": parts}
    elif by_keras and len(rows) == len(first["rows"]) and len(first["sizes"]) >= SHUFFLED and len(theirs) > 1:
        shuffled = [one[0]["order"] != one[1]["order"] for one in (ours, theirs)]
        if shuffled[0] != shuffled[1] or (not shuffled[0] and first["order"] != other["order"]):
            told = {"what": "order", "shuffled": shuffled}
            if shuffled == [True, False]:
                told |= {"with": ["one order"], "epoch": len(first["sizes"])}
    return [Cause("data", None, None, 1, "fed", evidence=told, proven=True)] if told else []
