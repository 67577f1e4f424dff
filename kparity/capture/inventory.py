"""Names for everything that a model is made of, the same way on both sides: layers, variables, optimizer slots.

A layer's path is the names of the layers around it and its own, joined by "/": `decoder/attention/query`. A variable's
name is its layer's path, ":" and its own name: `decoder/dense:kernel`. Called by the capture process after the model
is built; what only one side has is still named, and the analysis pairs the names of the two sides.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kparity.capture.sides import Side

ROOT = "model"
"""The path of the outermost model itself."""


@dataclass
class Inventory:
    """The named parts of one built model. `alias` maps this side's names to the reference's."""

    layers: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Variable name -> path of the layer that owns it."""
    _paths: dict[int, str] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _strays: Counter[str] = field(default_factory=Counter)

    def path(self, layer: Any) -> str:
        """The path of a layer; one that the model doesn't hold is named by its class."""
        known = self._paths.get(id(layer))
        return known if known is not None else f"?{type(layer).__name__}"

    def variable(self, variable: Any) -> str | None:
        """The name of a model variable, or None for any other tensor."""
        return self._names.get(id(variable))

    def rename(self, layers: dict[str, str], variables: dict[str, str]) -> None:
        """Use the reference's names from now on: keys of the maps are this side's names."""
        self._paths = {key: layers.get(path, f"!{path}") for key, path in self._paths.items()}
        self._names = {key: variables.get(name, f"!{name}") for key, name in self._names.items()}
        self.owners = {variables.get(v, f"!{v}"): layers.get(o, f"!{o}") for v, o in self.owners.items()}
        self.layers = {layers.get(path, f"!{path}"): layer for path, layer in self.layers.items()}
        self.variables = {variables.get(name, f"!{name}"): value for name, value in self.variables.items()}


def take(model: Any, side: Side) -> Inventory:
    """Name the layers and variables of a built model."""
    found = Inventory()
    for path, layer in _walk(model, ROOT):
        if id(layer) in found._paths:
            continue
        found._paths[id(layer)] = path
        found.layers[path] = layer
        taken: Counter[str] = Counter()
        named = [(side.variable_name(variable), variable) for variable in side.own_variables(layer)]
        for name, variable in [*named, *(("state", variable) for variable in side.carried(layer))]:
            if id(variable) in found._names:
                continue
            taken[name] += 1
            full = f"{path}:{name}" + (f"#{taken[name]}" if taken[name] > 1 else "")
            found.variables[full] = variable
            found.owners[full] = path
            for alias in side.identities(variable):
                found._names[id(alias)] = full
    return found


def _walk(layer: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, layer
    taken: Counter[str] = Counter()
    for child in layer._flatten_layers(recursive=False, include_self=False):
        taken[child.name] += 1
        name = child.name + (f"#{taken[child.name]}" if taken[child.name] > 1 else "")
        yield from _walk(child, name if path == ROOT else f"{path}/{name}")


def describe(inventory: Inventory) -> dict[str, Any]:
    """Layers and variables as plain data, in the order of the walk: what the analysis pairs.

    Trainable is what the model trains: a variable of Keras 2 says so of itself even where its layer is frozen.
    """
    trained = {inventory.variable(variable) for variable in inventory.layers[ROOT].trainable_variables}
    return {
        "layers": [
            {"path": path, "class": type(layer).__name__, "config": layer_config(layer)}
            for path, layer in inventory.layers.items()
        ],
        "variables": [
            {
                "name": name,
                "layer": inventory.owners[name],
                "shape": [int(size) for size in variable.shape],
                "dtype": str(np.dtype(getattr(variable.dtype, "name", variable.dtype))),
                "trainable": name in trained,
            }
            for name, variable in inventory.variables.items()
        ],
    }


def layer_config(layer: Any) -> dict[str, Any]:
    """What `get_config()` says in plain values; empty where a layer can't say, and for what only holds layers."""
    try:
        config = layer.get_config() if not hasattr(layer, "train_step") else {}
    except Exception:
        return {}
    plain = (str, int, float, bool, type(None), dict)
    return {key: value for key, value in config.items() if isinstance(value, plain)}


def get_state(model: Any, inventory: Inventory, side: Side) -> dict[str, np.ndarray]:
    """Weights and optimizer state as arrays: `var|layer:name|0`, `slot|layer:name|momentums`, `slot||iterations`."""
    state = {f"var|{name}|0": np.asarray(variable) for name, variable in inventory.variables.items()}
    for (slot, owner), variable in side.slots(model, inventory.variable).items():
        state[f"slot|{owner}|{slot}"] = np.asarray(variable)
    return state


def set_state(model: Any, inventory: Inventory, side: Side, state: dict[str, np.ndarray]) -> list[str]:
    """Give weights and optimizer state the values of `state`; returns the keys that found no counterpart here."""
    targets = {f"var|{name}|0": variable for name, variable in inventory.variables.items()}
    for (slot, owner), variable in side.slots(model, inventory.variable).items():
        targets[f"slot|{owner}|{slot}"] = variable
    unused = []
    for key, value in state.items():
        target = targets.get(key)
        if target is None or tuple(target.shape) != value.shape:
            unused.append(key)
        else:
            side.assign(target, value)
    return unused
