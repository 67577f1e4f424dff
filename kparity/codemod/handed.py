"""Functions that are handed on instead of called: `Dense(8, activation=tf.nn.gelu)`, `dot = K.dot`.

In: the name of a function where it is not called. Out: is it Keras that will call it, and will it be called so that
another function can stand in its place? Called by about_names.
"""

import ast

from ..rulebook import Rule
from .arguments import words
from .indirect import concerned
from .module import Module
from .names import under
from .tensors import stands_in_computation

HOLDERS = (ast.keyword, ast.List, ast.Tuple, ast.Dict, ast.IfExp, ast.BoolOp)


def computes_with_keras(module: Module, node: ast.AST) -> bool:
    """Is the function given to something of Keras, or used where Keras's tensors are computed with?"""
    at: ast.AST = node
    while isinstance(above := module.names.parent(at), HOLDERS):
        at = above
    if isinstance(above, ast.Call) and above.func is not at:
        given_to = module.names.meaning(above.func)
        if given_to is not None and under(given_to, "keras"):
            return True
    return stands_in_computation(module.values, node)


def is_called_plainly(module: Module, rule: Rule, node: ast.AST) -> bool:
    """Is it called by the name that it is given here without the arguments that the other function calls otherwise?"""
    home = module.names.parent(node)
    if not isinstance(home, ast.Assign | ast.AnnAssign) or home.value is not node:
        return True
    targets = home.targets if isinstance(home, ast.Assign) else [home.target]
    otherwise = concerned(rule) | set(words(rule.when.get("lacks")))
    return not any(
        keyword.arg is None or keyword.arg in otherwise
        for target in targets
        for call in _calls_by(module, target)
        for keyword in call.keywords
    )


def _calls_by(module: Module, target: ast.expr) -> list[ast.Call]:
    """The calls of what a name, or an attribute of that name, stands for."""
    uses: list[ast.AST] = []
    if isinstance(target, ast.Name):
        home = module.names.scope(target).lookup(target.id)
        uses += [u for u in module.loads.get(target.id, ()) if module.names.scope(u).lookup(target.id) is home]
    elif isinstance(target, ast.Attribute):
        uses += [a for a in module.index.attributes if a.attr == target.attr]
    above = [(use, module.names.parent(use)) for use in uses]
    return [call for use, call in above if isinstance(call, ast.Call) and call.func is use]
