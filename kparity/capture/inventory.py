"""Names for everything that a model is made of, the same way on both sides: layers, variables, optimizer slots.

A layer's path is the names of the layers around it and its own, joined by "/": `decoder/attention/query`. A variable's
name is its layer's path, ":" and its own name: `decoder/dense:kernel`. Called by the capture process after the model
is built; what only one side has is still named, and the analysis pairs the names of the two sides.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kparity import trace
from kparity.capture.sides import Side

PROGRAM = "program"
"""The owner of variables that belong to no layer."""
ROOT = "model"
"""The path of the outermost model itself."""


@dataclass
class Inventory:
    """The named parts of one built model. `alias` maps this side's names to the reference's."""

    layers: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Variable name -> path of the layer that owns it."""
    groups: list[Any] = field(default_factory=list)
    """What has an `optimizer` and `trainable_variables`: the model, or an optimizer with what it trains."""
    twice: set[int] = field(default_factory=set)
    """Ids of layers that stand in more than one place: a model's own, and the outer model's that reads inside of it."""
    numbers: list[int] = field(default_factory=list)
    """The reference's places of the groups, where they are not its own."""
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

    def slots_of(self, group: Any, side: Side) -> dict[str, Any]:
        """The state of a group's optimizer: `slot|layer:name|momentums`, `slot||iterations`, `slot||iterations#2`."""
        if not group.trainable_variables:
            return {}  # it never updates, whatever counter it has
        place = self.place(group)
        own = side.slots(group, self.variable)
        return {f"slot|{owner}|{slot}" + (f"#{place + 1}" if place else ""): v for (slot, owner), v in own.items()}

    def place(self, group: Any) -> int:
        """The place of a group among the reference's optimizers, from 0; the optimizer of a lone model has 0."""
        own = next((place for place, one in enumerate(self.groups) if one is group), 0)
        return self.numbers[own] if own < len(self.numbers) else own

    def place_of(self, variable: Any) -> int | None:
        """The place of the optimizer that updates a variable; None where none is known to."""
        if len(self.groups) < 2 and not self.numbers:
            return None
        name = self.variable(variable)
        return next((self.place(g) for g, names in zip(self.groups, self.owned(), strict=True) if name in names), None)

    def owned(self) -> list[list[str]]:
        """The names of the variables that each optimizer updates."""
        return [[name for v in group.trainable_variables if (name := self.variable(v))] for group in self.groups]

    def number(self, reference: list[list[str]]) -> None:
        """Give each optimizer the place of the reference's optimizer that updates most of the same variables; one that
        updates none, the next that is free."""
        free = list(range(len(reference)))
        self.numbers = []
        for number, names in enumerate(self.owned()):
            shared = [(len({*names} & {*reference[place]}), -place) for place in free]
            best = max(shared, default=(0, 0))
            place = -best[1] if free and (best[0] or not names) else len(reference) + number
            if place in free:
                free.remove(place)
            self.numbers.append(place)

    def slots(self, side: Side) -> dict[str, Any]:
        """The state of all optimizers."""
        return {key: variable for group in self.groups for key, variable in self.slots_of(group, side).items()}

    def rename(self, layers: dict[str, str], variables: dict[str, str]) -> None:
        """Use the reference's names from now on: keys of the maps are this side's names."""
        self._paths = {key: layers.get(path, f"!{path}") for key, path in self._paths.items()}
        self._names = {key: variables.get(name, f"!{name}") for key, name in self._names.items()}
        self.owners = {variables.get(v, f"!{v}"): layers.get(o, f"!{o}") for v, o in self.owners.items()}
        self.layers = {layers.get(path, f"!{path}"): layer for path, layer in self.layers.items()}
        self.variables = {variables.get(name, f"!{name}"): value for name, value in self.variables.items()}


def take(model: Any, side: Side) -> Inventory:
    """Name the layers and variables of a built model."""
    found = Inventory(groups=[model])
    _name(found, _walk(model, ROOT), side)
    return found


def take_all(roots: list[Any], variables: list[Any], names: dict[int, str], side: Side) -> Inventory:
    """Name the layers of several models, the models by what the program calls them (`names`, by identity) or by their
    own names; and those of `variables` that are in none of them."""
    found = Inventory()
    taken: Counter[str] = Counter()
    for root in roots:
        if id(root) not in found._paths:
            name = names.get(id(root), root.name)
            taken[name] += 1
            _name(found, _walk(root, name + (f"#{taken[name]}" if taken[name] > 1 else "")), side)
    for variable in variables:
        if found.variable(variable) is None:
            called = names.get(id(variable)) or side.variable_name(variable)
            taken[called] += 1
            full = f"{PROGRAM}:{called}" + (f"#{taken[called]}" if taken[called] > 1 else "")
            found.variables[full] = variable
            found.owners[full] = PROGRAM
            found.layers.setdefault(PROGRAM, None)
            for alias in side.identities(variable):
                found._names[id(alias)] = full
    return found


def _name(found: Inventory, walk: Iterator[tuple[str, Any]], side: Side) -> None:
    """Note the layers of a walk, and their variables, but for those that are known already."""
    for path, layer in walk:
        known = found._paths.get(id(layer))
        if known is not None:
            if known.rpartition("/")[0] != path.rpartition("/")[0]:
                found.twice.add(id(layer))
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
    trained = {name for names in inventory.owned() for name in names}
    return {
        "optimizers": inventory.owned(),
        "layers": [
            {"path": path, "class": "program" if layer is None else type(layer).__name__, "config": layer_config(layer)}
            for path, layer in inventory.layers.items()
        ],
        "variables": [
            {
                "name": name,
                "layer": inventory.owners[name],
                "shape": list(shape_of(variable)),
                "dtype": str(np.dtype(getattr(variable.dtype, "name", variable.dtype))),
                "trainable": name in trained,
            }
            for name, variable in inventory.variables.items()
        ],
    }


def shape_of(variable: Any) -> tuple[int, ...]:
    """Its shape now: some, as the weights of a vocabulary, are made before they have one."""
    static = tuple(variable.shape)
    return np.array(variable).shape if None in static else tuple(int(size) for size in static)


def layer_config(layer: Any) -> dict[str, Any]:
    """What `get_config()` says in plain values; empty where a layer can't say, and for what only holds layers."""
    try:
        config = layer.get_config() if layer is not None and not hasattr(layer, "train_step") else {}
    except Exception:
        return {}
    plain = (str, int, float, bool, type(None), dict)
    return {key: value for key, value in config.items() if isinstance(value, plain)}


def get_state(inventory: Inventory, side: Side) -> dict[str, np.ndarray]:
    """Weights and optimizer state as arrays: `var|layer:name|0`, `slot|layer:name|momentums`, `slot||iterations`."""
    return {key: np.asarray(variable) for key, variable in _stateful(inventory, side).items()}


def write_state(file: Path, inventory: Inventory, side: Side) -> None:
    """Leave what `get_state` gives in a file, one array after the other."""
    with trace.Writer(file) as writer:
        for key, variable in _stateful(inventory, side).items():
            writer.add(key, np.asarray(variable))


def _stateful(inventory: Inventory, side: Side) -> dict[str, Any]:
    return {f"var|{name}|0": variable for name, variable in inventory.variables.items()} | inventory.slots(side)


def set_state(inventory: Inventory, side: Side, state: Mapping[str, np.ndarray]) -> list[str]:
    """Give weights and optimizer state the values of `state`; returns the keys that found no counterpart here."""
    targets = _stateful(inventory, side)
    unused = []
    for key, value in state.items():
        target = targets.get(key)
        if target is None or shape_of(target) != value.shape:
            unused.append(key)
        else:
            side.assign(target, value)
    for path in {*inventory.owners.values()}:
        finalize = getattr(inventory.layers.get(path), "finalize_state", None)
        if finalize is not None:  # a layer that was adapted computes with copies of its variables
            finalize()
    return unused
