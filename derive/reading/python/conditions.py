"""Conditions that are no numbers: what is decided when the text is read, and what only the first step finds."""

from __future__ import annotations

import ast

from derive.reading.python.scope import Scope, function_path, place

_NEVER = frozenset({"torch.is_complex", ".is_complex", "torch.is_sparse"})
_FLIPPED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Is: ast.IsNot(), ast.IsNot: ast.Is(), ast.In: ast.NotIn(), ast.NotIn: ast.In(),
    ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(),
}  # fmt: skip


def decided(test: ast.expr, scope: Scope) -> bool | None:
    """What a test always is: arrays are dense and real, there is a gradient, no closure is given, a switch is set.

    Raises UserError for a switch of which nobody says how it is set.
    """
    if place(test, scope) in scope.switches:
        return _set(test, scope)
    match test:
        case ast.Constant(value=bool(literal)):
            return literal
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            opposite = decided(operand, scope)
            return None if opposite is None else not opposite
        case ast.BoolOp(op=op, values=values):
            stops = isinstance(op, ast.Or)
            for value in (decided(v, scope) for v in values):
                if value is None or value is stops:
                    return value
            return not stops
        case ast.Attribute(value=array, attr="is_sparse") if place(array, scope) in scope.known:
            return False
        case ast.Call(func=function) if function_path(function, scope) in _NEVER:
            return False
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
            if is_gradient(left, scope):
                return isinstance(op, ast.IsNot)
            return isinstance(op, ast.Is) if place(left, scope) in scope.absent else None
        case ast.Name(id=name) if name in scope.absent:
            return False
    return None


def is_gradient(node: ast.expr, scope: Scope) -> bool:
    """Whether this is the gradient that comes with a parameter: `p.grad`."""
    return isinstance(node, ast.Attribute) and node.attr == "grad" and place(node.value, scope) in scope.known


def _set(test: ast.expr, scope: Scope) -> bool:
    name = place(test, scope) or ""
    value, short = scope.switches[name], name.rsplit(".", 1)[-1]
    if value is None:
        raise scope.error(f"{short!r} is a switch", test, f"say which way: --map {short}=True, or {short}=False")
    return value


def undecided(test: ast.expr, scope: Scope) -> ast.expr:
    """A test without the parts that are decided and decide nothing: `switch and x > 0` for a switch that is set."""
    match test:
        case ast.BoolOp(op=op, values=values):
            left = [v for v in values if decided(v, scope) is None]
            if len(left) < len(values):
                return left[0] if len(left) == 1 else ast.copy_location(ast.BoolOp(op, left), test)
    return test


def first_step_guard(test: ast.expr, scope: Scope) -> str | None:
    """The place that `m is None`, `"m" not in state`, `not state` or `len(state) == 0` finds empty at first."""
    match test:
        case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return place(left, scope)
        case ast.Compare(left=ast.Constant(value=str(key)), ops=[ast.NotIn()], comparators=[record]):
            name = place(record, scope)
            return f"{name}.{key}" if name in scope.records else None
        case ast.UnaryOp(op=ast.Not(), operand=record):
            name = place(record, scope)
            return name if name in scope.records else None
        case ast.Compare(
            left=ast.Call(func=length, args=[record]), ops=[ast.Eq()], comparators=[ast.Constant(value=0)]
        ):
            name = place(record, scope)
            return name if name in scope.records and function_path(length, scope) == "builtins.len" else None
    return None


def negated(test: ast.expr) -> ast.expr:
    """The opposite test, `is not` for `is`."""
    match test:
        case ast.Compare(left=left, ops=[op], comparators=comparators) if type(op) in _FLIPPED:
            return ast.copy_location(ast.Compare(left, [_FLIPPED[type(op)]], comparators), test)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)
