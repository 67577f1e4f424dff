"""Is a model certainly a `Sequential`? One that was never called has no `input` and `output` of its own in Keras 3.

In: an expression. Out: yes, where everything that it can be is made by `keras.Sequential`. Called by match.
"""

import ast

from .listed import SEQUENTIAL as NAMES
from .made import is_made_by
from .module import Module


def is_sequential(module: Module, node: ast.AST | None) -> bool:
    """Is whatever this can be a Sequential model?"""
    return is_made_by(module, node, NAMES)
