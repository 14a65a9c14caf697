"""Formulas without the ones and zeros that substitutions leave in them; each is checked like any other."""

from __future__ import annotations

from collections.abc import Sequence

from derive.expr import Apply, Expr, Number, fold
from derive.proving import Assumptions, identity


def neat(expr: Expr) -> Expr:
    """The expression without factors one, terms zero and powers zero or one."""

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        zero, one = Number(0), Number(1)
        if node.op == "where" and _is_settled(args[0]):
            return args[1] if args[0].args[0] is args[0].args[1] else args[2]  # type: ignore[attr-defined]
        if node.op in ("sqrt", "abs") and args[0] in (zero, one):
            return args[0]
        if node.op == "pow" and _is_unit(args[0]) and isinstance(args[1], Number) and args[1].value > 0:
            return args[0]
        left, right = (*args, one)[:2]
        if (node.op in ("mul", "div", "pow") and right is one) or (node.op in ("add", "sub") and right is zero):
            return left
        if node.op == "mul" and zero in args:
            return zero
        if (node.op == "mul" and left is one) or (node.op == "add" and left is zero):
            return right
        if node.op == "pow" and right is zero:
            return one
        return node if args == node.args else Apply(node.op, args)

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=rebuilt)[0]


def simpler(expr: Expr, assumed: Assumptions) -> Expr:
    """The neat form, where that is proved to be defined and equal wherever the expression is; else as it is."""
    made = neat(expr)
    return made if identity([(expr, made)], assumed) else expr


def sum_of(parts: Sequence[Expr]) -> Expr:
    """The sum of the parts that are not zero."""
    kept = [p for p in parts if p is not Number(0)]
    total: Expr = kept[0] if kept else Number(0)
    for part in kept[1:]:
        total = total + part
    return total


def _is_unit(base: Expr) -> bool:
    """Whether a base is zero or one: its positive powers are itself."""
    return base is Number(0) or base is Number(1)


def _is_settled(condition: Expr) -> bool:
    """Whether a condition is an equality of two numbers."""
    return isinstance(condition, Apply) and condition.op == "eq" and all(isinstance(a, Number) for a in condition.args)
