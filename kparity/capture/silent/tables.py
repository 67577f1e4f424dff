"""All cases, in order. Called by side.py in a side's process and by the tests that check the tables for gaps."""

from kparity.capture.silent import (
    attention,
    feeding,
    layers,
    lookups,
    losses,
    metrics,
    optimizers,
    random,
    recurrent,
    small,
    training,
    watching,
)
from kparity.capture.silent.case import Case

TABLES = (
    layers,
    attention,
    recurrent,
    random,
    lookups,
    losses,
    metrics,
    optimizers,
    small,
    training,
    feeding,
    watching,
)


def cases() -> list[Case]:
    """Every case once; two of the same key are a mistake in the tables, of which only the first counts."""
    found: dict[str, Case] = {}
    for module in TABLES:
        for case in module.cases():
            found.setdefault(case.key, case)
    return list(found.values())
