"""A TextVectorization that counts words, called on an Input of shape (1,): Keras 3 works out a dimension too many.

In: the call that makes the layer. Out: the edit of the calls of it on such an Input, or None. Called by match.
"""

import ast

from .edits import Edit, localised
from .listed import INPUTS
from .module import Module, Need, Splice
from .straight import last_given


def squeezed_edit(module: Module, call: ast.Call) -> Edit | None:
    """`vectorize(inputs)` -> `vectorize(keras.ops.squeeze(inputs, axis=-1))`."""
    statement = module.names.parent(call)
    targets = statement.targets if isinstance(statement, ast.Assign) and statement.value is call else []
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return None
    splices: list[Splice] = []
    needs: list[Need] = []
    for use in module.loads.get(targets[0].id, ()):
        made = module.names.parent(use)
        if not (isinstance(made, ast.Call) and made.func is use and len(made.args) == 1 and not made.keywords):
            continue
        given = made.args[0]
        if isinstance(given, ast.Name) and last_given(module, use) is call and _is_single(module, given):
            text, more = localised("keras.ops.squeeze({}, axis=-1)", module, made)
            new = text.replace("{}", module.source(given))
            splices.append(Splice(module.start(given), module.end(given), new))
            needs += more
    return Edit(tuple(splices), tuple(needs)) if splices else None


def _is_single(module: Module, name: ast.Name) -> bool:
    """Is it an Input of one string a sample, `Input(shape=(1,))`?"""
    made = last_given(module, name)
    if not isinstance(made, ast.Call) or module.names.meaning(made.func) not in INPUTS:
        return False
    given = {k.arg: k.value for k in made.keywords}
    shape = given.get("shape", made.args[0] if len(made.args) == 1 else None)
    if not isinstance(shape, ast.Tuple | ast.List) or len(shape.elts) != 1 or set(given) - {"shape", "dtype", "name"}:
        return False
    return isinstance(shape.elts[0], ast.Constant) and shape.elts[0].value == 1
