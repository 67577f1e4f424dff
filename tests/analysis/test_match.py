"""Pairing the two sides: names, orders and wrappers may differ; what has no partner is listed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kparity.analysis.match import in_order, pair

Spec = tuple[str, str, dict[str, tuple[int, ...]]]
"""(path, class, {variable: shape})."""

SHAPES: dict[str, list[dict[str, tuple[int, ...]]]] = {
    "Dense": [{"kernel": (4, 8), "bias": (8,)}, {"kernel": (8, 8), "bias": (8,)}, {"kernel": (8, 2)}],
    "BatchNormalization": [{"gamma": (8,), "beta": (8,), "moving_mean": (8,), "moving_variance": (8,)}],
    "Activation": [{}],
    "Embedding": [{"embeddings": (20, 8)}],
}


def side(*layers: Spec) -> dict[str, Any]:
    """A description as a capture process gives it, as far as matching reads it."""
    return {
        "layers": [
            {"path": "model", "class": "Functional", "config": {}},
            *({"path": path, "class": kind, "config": {}} for path, kind, _ in layers),
        ],
        "variables": [
            {"name": f"{path}:{name}", "layer": path, "shape": list(shape), "dtype": "float32", "trainable": True}
            for path, _, variables in layers
            for name, shape in variables.items()
        ],
    }


def dense(path: str, inputs: int = 4, units: int = 8) -> Spec:
    return path, "Dense", {"kernel": (inputs, units), "bias": (units,)}


@st.composite
def models(draw: st.DrawFn) -> list[Spec]:
    kinds = draw(st.lists(st.sampled_from(sorted(SHAPES)), min_size=1, max_size=8))
    return [(f"own_{kind.lower()}_{n}", kind, draw(st.sampled_from(SHAPES[kind]))) for n, kind in enumerate(kinds)]


@given(models())
def test_a_model_pairs_with_itself_by_name(specs: list[Spec]) -> None:
    found = pair(side(*specs), side(*specs))
    assert found.layers == {path: path for path in ["model", *(path for path, _, _ in specs)]}
    assert found.variables == {name: name for name in found.variables}
    assert len(found.variables) == sum(len(variables) for _, _, variables in specs)
    assert (found.missing_variables, found.extra_variables) == ([], [])


@given(models(), st.data())
def test_a_model_pairs_with_itself_under_any_renaming(specs: list[Spec], data: st.DataObject) -> None:
    numbers = data.draw(st.permutations(range(len(specs))))
    renamed = [
        (f"other_{number}", kind, variables) for number, (_, kind, variables) in zip(numbers, specs, strict=True)
    ]
    found = pair(side(*specs), side(*renamed))
    assert found.layers["model"] == "model"
    for (old, kind, variables), (new, _, _) in zip(specs, renamed, strict=True):
        assert found.layers[new] == old, kind
        for name in variables:
            assert found.variables[f"{new}:{name}"] == f"{old}:{name}"
    assert (found.missing_variables, found.extra_variables) == ([], [])


@given(models(), st.data())
def test_names_count_before_order(specs: list[Spec], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(specs))
    found = pair(side(*specs), side(*shuffled))
    assert all(theirs == ours for theirs, ours in found.layers.items())
    assert all(theirs == ours for theirs, ours in found.variables.items())


@given(models(), models())
def test_every_variable_is_paired_once_or_listed_and_never_with_another_shape(a: list[Spec], b: list[Spec]) -> None:
    left, right = side(*a), side(*b)
    found = pair(left, right)
    shape = {variable["name"]: variable["shape"] for variable in left["variables"]}
    other = {variable["name"]: variable["shape"] for variable in right["variables"]}
    assert sorted([*found.variables.values(), *(v["name"] for v in found.missing_variables)]) == sorted(shape)
    assert sorted([*found.variables, *(v["name"] for v in found.extra_variables)]) == sorted(other)
    assert all(other[theirs] == shape[ours] for theirs, ours in found.variables.items())
    assert len(set(found.layers.values())) == len(found.layers)


def test_automatic_names_that_count_otherwise_pair_in_order() -> None:
    left = side(dense("dense"), dense("dense_1", 8), dense("dense_2", 8, 2))
    right = side(dense("dense_3"), dense("dense_4", 8), dense("dense_5", 8, 2))
    assert pair(left, right).layers == {
        "model": "model",
        "dense_3": "dense",
        "dense_4": "dense_1",
        "dense_5": "dense_2",
    }


def test_a_layer_more_on_one_side_does_not_shift_the_others() -> None:
    left = side(dense("a"), dense("b", 8), dense("c", 8), dense("d", 8, 2))
    right = side(dense("w"), dense("x", 8), dense("z", 8, 2))
    found = pair(left, right)
    assert found.layers == {"model": "model", "w": "a", "x": "b", "z": "d"}
    assert [variable["name"] for variable in found.missing_variables] == ["c:kernel", "c:bias"]
    assert found.extra_variables == []


def test_a_cell_inside_a_wrapper_pairs_with_the_same_weights_on_the_layer_itself() -> None:
    weights = {"kernel": (8, 48), "recurrent_kernel": (12, 48), "bias": (48,)}
    left = side(("lstm", "LSTM", {}), ("lstm/lstm_cell", "LSTMCell", weights), dense("out", 12, 2))
    right = side(("lstm", "LSTM", weights), dense("out", 12, 2))
    found = pair(left, right)
    assert found.variables["lstm:kernel"] == "lstm/lstm_cell:kernel"
    assert (found.missing_variables, found.extra_variables) == ([], [])


def test_a_layer_of_another_class_with_the_same_weights_is_its_partner() -> None:
    left = side(dense("a"), ("norm", "LayerNormalization", {"gamma": (8,), "beta": (8,)}))
    right = side(dense("b"), ("my_norm", "Normalizer", {"gamma": (8,), "beta": (8,)}))
    assert pair(left, right).layers["my_norm"] == "norm"


def test_a_renamed_layer_whose_weights_are_renamed_too_is_its_partner() -> None:
    left = side(("a/deep", "DepthwiseConv2D", {"depthwise_kernel": (3, 3, 8, 1)}), dense("b"), dense("c", 8))
    right = side(("a_deep", "DepthwiseConv2D", {"kernel": (3, 3, 8, 1)}), dense("x"), dense("y", 8))
    found = pair(left, right)
    assert found.layers == {"model": "model", "a_deep": "a/deep", "x": "b", "y": "c"}
    assert found.variables["a_deep:kernel"] == "a/deep:depthwise_kernel"
    assert (found.missing_variables, found.extra_variables) == ([], [])


def test_layers_without_weights_never_pair_by_having_none() -> None:
    left = side(("flatten", "Flatten", {}), ("relu", "Activation", {}))
    right = side(("gelu", "Lambda", {}), ("act", "Activation", {}))
    assert pair(left, right).layers == {"model": "model", "act": "relu"}


def test_a_missing_and_an_extra_weight_are_listed_with_their_shapes() -> None:
    left = side(("a", "Dense", {"kernel": (4, 8), "bias": (8,)}))
    right = side(("a", "Dense", {"kernel": (4, 8), "scale": (3,)}))
    found = pair(left, right)
    assert [(v["name"], v["shape"]) for v in found.missing_variables] == [("a:bias", [8])]
    assert [(v["name"], v["shape"]) for v in found.extra_variables] == [("a:scale", [3])]


def test_a_renamed_weight_pairs_by_its_shape() -> None:
    left = side(("a", "Custom", {"w": (4, 8), "b": (8,)}))
    right = side(("a", "Custom", {"weight": (4, 8), "offset": (8,)}))
    assert pair(left, right).variables == {"a:weight": "a:w", "a:offset": "a:b"}


@given(st.lists(st.integers(0, 4)), st.lists(st.integers(0, 4)))
def test_in_order_pairs_equal_keys_as_often_as_both_have_them(left: list[int], right: list[int]) -> None:
    pairs = list(in_order(list(left), list(right)))
    assert all(left[a] == right[b] for a, b in pairs)
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    assert len(pairs) == sum(min(left.count(key), right.count(key)) for key in set(left))


@pytest.mark.parametrize("inputs", [0, 1])
def test_input_layers_are_no_layers(inputs: int) -> None:
    left, right = side(dense("a")), side(dense("a"))
    right["layers"] += [{"path": "input_1", "class": "InputLayer", "config": {}}] * inputs
    assert pair(left, right).layers == {"model": "model", "a": "a"}


CELL = {"kernel": (4, 9), "recurrent_kernel": (3, 9)}


def recurrent(*paths: str) -> dict[str, Any]:
    """GRUs at these paths, each with its cell; one that is named `back` in it runs backwards."""
    found = side(*(spec for path in paths for spec in ((path, "GRU", {}), (f"{path}/gru_cell", "GRUCell", CELL))))
    for layer in found["layers"]:
        if layer["class"] == "GRU":
            layer["config"] = {"name": layer["path"], "units": 3, "go_backwards": layer["path"] in BACKWARDS}
    return found


BACKWARDS = {"both/backward_gru", "gru", "other"}


def test_layers_that_a_setting_tells_apart_pair_by_it_and_so_do_the_cells_inside() -> None:
    left, right = recurrent("both/forward_gru", "both/backward_gru"), recurrent("gru", "gru_1")
    right["layers"][0]["class"] = "Net"
    expected = {"gru": "both/backward_gru", "gru_1": "both/forward_gru"}
    expected |= {f"{mine}/gru_cell": f"{theirs}/gru_cell" for mine, theirs in expected.items()}
    assert pair(left, right).layers == {"model": "model"} | expected


def test_a_setting_that_only_one_side_has_pairs_nothing_crosswise() -> None:
    """Both GRUs run backwards on one side: the first is still the first."""
    left, right = recurrent("both/forward_gru", "both/backward_gru"), recurrent("gru", "other")
    found = pair(left, right).layers
    assert (found["gru"], found["other"]) == ("both/forward_gru", "both/backward_gru")


def test_automatic_names_in_a_graph_say_nothing_where_the_graphs_order_does() -> None:
    """Made in another order, `dense` and `dense_1` change places; a graph's own order does not."""
    left = side(("dense", "Dense", {"kernel": (4, 8)}), ("dense_1", "Dense", {"kernel": (4, 8)}), dense("out", 16))
    right = side(("dense_1", "Dense", {"kernel": (4, 8)}), ("dense", "Dense", {"kernel": (4, 8)}), dense("out", 16))
    assert pair(left, right).layers == {"model": "model", "dense_1": "dense", "dense": "dense_1", "out": "out"}


def test_automatic_names_count_where_layers_are_attributes() -> None:
    left = side(("dense", "Dense", {"kernel": (4, 8)}), ("dense_1", "Dense", {"kernel": (4, 8)}))
    right = side(("dense_1", "Dense", {"kernel": (4, 8)}), ("dense", "Dense", {"kernel": (4, 8)}))
    for one in (left, right):
        one["layers"][0]["class"] = "Net"
    assert pair(left, right).layers == {"model": "model", "dense": "dense", "dense_1": "dense_1"}


def test_a_layer_that_keeps_another_tensor_as_a_weight_on_one_side_is_the_same_layer() -> None:
    """Keras 2 takes a plain tf.Variable for a weight of the layer that holds it; names are automatic."""
    ours, theirs = (
        side(
            *(("block", "Block", {}), ("block/window", "Window", {"Variable": (9, 8)})),
            *(("block_1", "Block", {}), ("block_1/window_1", "Window", {"Variable": (9, 8)})),
        )
        for _ in range(2)
    )
    for owner, shape in (("block/window", [4, 4]), ("block_1/window_1", [4, 4]), ("block_1", [1, 4, 4])):
        kept = {"name": f"{owner}:Variable#2", "layer": owner, "shape": shape, "dtype": "int64", "trainable": False}
        ours["variables"].append(kept)
    found = pair(ours, theirs)
    assert found.layers == {one["path"]: one["path"] for one in theirs["layers"]}
    assert set(found.variables) == {"block/window:Variable", "block_1/window_1:Variable"}
    assert [one["name"] for one in found.missing_variables] == [
        "block/window:Variable#2",
        "block_1/window_1:Variable#2",
        "block_1:Variable#2",
    ]
