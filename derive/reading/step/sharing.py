"""Which named arrays an expression's value may be itself, and which it certainly is."""

from __future__ import annotations

import ast
from itertools import chain

from derive.reading.python.scope import Scope, function_path, place, whole
from derive.reading.python.spellings import CREATIONS, IN_PLACE, SAME_ARRAY, VARIADIC, VIEWS

_STORING = frozenset(chain.from_iterable(paths for _, _, paths in IN_PLACE))
_MAY_BE_AN_ARGUMENT = VIEWS | _STORING | VARIADIC.keys()


def is_method(path: str | None) -> bool:
    """Whether a function is called on its first argument."""
    return path is not None and path.startswith(".")


def stores_into(node: ast.Call, scope: Scope) -> bool:
    """Whether a call may store into an array."""
    return function_path(node.func, scope) in _STORING or any(k.arg == "out" for k in node.keywords)


def may_share(node: ast.expr, scope: Scope) -> frozenset[str]:
    """The places whose array the value of this expression may be itself."""
    name = place(node, scope)
    if name is not None and name in scope.known:
        return frozenset({name})
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return may_share(body, scope) | may_share(orelse, scope)
        case ast.Subscript(value=value) | ast.UnaryOp(op=ast.UAdd(), operand=value):
            return may_share(value, scope)
        case ast.Call(func=function, args=args, keywords=keywords):
            path = function_path(function, scope)
            outputs = [k.value for k in keywords if k.arg == "out"]
            arguments = [*([function.value] if isinstance(function, ast.Attribute) else []), *args]
            parts = [*outputs, *(arguments if path in _MAY_BE_AN_ARGUMENT else [])]
            return frozenset[str]().union(*(may_share(a, scope) for a in parts))
    return frozenset()


def named_array(node: ast.expr, scope: Scope) -> str | None:
    """The place whose array the value of this expression certainly is; None where it is another or may be."""
    name = place(node, scope)
    if name is not None:
        return name if name in scope.known else None
    match node:
        case ast.Subscript(value=value, slice=index) if whole(index):
            return named_array(value, scope)
        case ast.Call(func=function, args=args, keywords=keywords):
            path = function_path(function, scope)
            outputs = [k.value for k in keywords if k.arg == "out"]
            if path in SAME_ARRAY | _STORING:
                outputs += [function.value] if isinstance(function, ast.Attribute) and is_method(path) else args[:1]
            return named_array(outputs[0], scope) if len(outputs) == 1 else None
    return None


def makes_array(node: ast.expr, scope: Scope) -> bool:
    """Whether an array of numbers is made anywhere in the expression."""
    return any(is_new_array(n, scope) for n in ast.walk(node))


def is_new_array(node: ast.AST, scope: Scope) -> bool:
    """Whether the expression itself makes an array."""
    return isinstance(node, ast.Call) and function_path(node.func, scope) in CREATIONS
