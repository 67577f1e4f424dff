"""Starts the two sides of a comparison, each in the environment that it is to run in.

In: the options. Out: their processes. Called by compare.
"""

from collections.abc import Callable, Iterator
from typing import Any

from kparity.options import Options
from kparity.runtime.environments import environment
from kparity.runtime.side import SideProcess

Told = Callable[[str, str, int], None]
"""Told (side, what it does now, step) as the comparison goes on."""


def started(options: Options, names: tuple[str, str], told: Told) -> Iterator[SideProcess]:
    """The processes of the reference and of the candidate, `names`, each started when it is asked for.

    Environments come first, because making one may take minutes. Raises SideFailed where one can't be made.
    """
    adapters = ("legacy", "legacy" if options.twin else "keras3")
    named = {"legacy": ("tf-keras", options.keras2), "keras3": ("keras", options.keras3)}
    homes = {
        adapter: environment(package, version, options.also, lambda stage: told("", stage, 0))
        for adapter, (package, version) in named.items()
        if version is not None
    }
    for name, adapter in zip(names, adapters, strict=True):
        log = options.folder / f"{name}.log"
        yield SideProcess(name, adapter, log, options.timeout, _progress(told, name), homes.get(adapter))


def _progress(told: Told, name: str) -> Callable[[str, Any], None]:
    return lambda side, value: told(name, "", value) if isinstance(value, int) else None
