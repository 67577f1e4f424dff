"""Functions that a dataset maps over its elements: whether one is being traced, and those that draw run in turn.

Called by `align`. A dataset's function has no training step to tell the draws of its elements apart.
"""

import functools
import itertools
import re
from collections.abc import Callable
from typing import Any

import tensorflow as tf


def in_a_dataset() -> bool:
    """Whether the function of a dataset is being traced."""
    graph = tf.compat.v1.get_default_graph() if not tf.executing_eagerly() else None
    while isinstance(graph, tf.__internal__.FuncGraph):
        if graph.name.startswith("Dataset_"):
            return True
        graph = graph.outer_graph
    return False


DRAWING = re.compile(r"(Random|Multinomial|ParameterizedTruncatedNormal|EagerPyFunc|PyFunc)")
"""Operations that draw the next of a sequence of numbers, or may: of functions of Python's nothing is known."""


def in_turn(mapped: Callable[..., Any], lenient: Callable[[], bool]) -> Callable[..., Any]:
    """`Dataset.map` whose function, if it draws, takes one element after the other: done for several at once, which of
    them gets which numbers is chance, and differs from run to run.

    `lenient`: whether data that the function can't be traced for are left as they are: it may call layers that now
    compute in float64, which not every image operation takes.
    """

    @functools.wraps(mapped)
    def map_in_turn(data: Any, map_func: Any, num_parallel_calls: Any = None, *args: Any, **kwargs: Any) -> Any:
        try:
            found = mapped(data, map_func, num_parallel_calls, *args, **kwargs)
        except (TypeError, ValueError, tf.errors.OpError):
            if lenient():
                return data
            raise
        own = getattr(getattr(found, "_map_func", None), "function", None)
        if num_parallel_calls is None or own is None or not _draws(own.graph):
            return found
        return mapped(data, map_func, None, *args, **kwargs)

    return map_in_turn


def _draws(graph: Any) -> bool:
    """Whether a graph, or a function that it calls, draws."""
    definition = graph.as_graph_def(add_shapes=False)
    nodes = itertools.chain(definition.node, *(one.node_def for one in definition.library.function))
    return any(DRAWING.match(node.op) for node in nodes)
