"""What becomes of a value: is it an operand of arithmetic, itself or by the name that it is given?

In: an expression and its `Module`. Out: True or False. Called by match, for the condition `counted`.
"""

import ast

from .module import Module


def is_counted_with(module: Module, node: ast.AST, depth: int = 0) -> bool:
    """Is the value, or a slice of it, an operand? A tuple is no such operand: `* 2` doubles its length."""
    parent = module.names.parent(node)
    match parent:
        case ast.BinOp() | ast.UnaryOp() | ast.AugAssign():
            return True
        case ast.Subscript() if parent.value is node and isinstance(parent.slice, ast.Slice):
            return is_counted_with(module, parent, depth)
        case ast.Assign(targets=[ast.Name(id=name) as target]) if parent.value is node and depth < 4:
            home = module.names.scope(target).lookup(name)
            uses = [use for use in module.loads.get(name, ()) if module.names.scope(use).lookup(name) is home]
            return any(is_counted_with(module, use, depth + 1) for use in uses)
    return False
