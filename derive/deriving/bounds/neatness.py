"""Formulas without the ones and zeros that substitutions leave in them; each is checked like any other."""

from __future__ import annotations

from collections.abc import Sequence

from derive.expr import Apply, Expr, Number, fold


def neat(expr: Expr) -> Expr:
    """The expression without factors one, terms zero and powers zero or one."""

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        zero, one = Number(0), Number(1)
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


def sum_of(parts: Sequence[Expr]) -> Expr:
    """The sum of the parts that are not zero."""
    kept = [p for p in parts if p is not Number(0)]
    total: Expr = kept[0] if kept else Number(0)
    for part in kept[1:]:
        total = total + part
    return total
