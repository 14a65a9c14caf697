"""Derivatives of expressions by the rules of calculus; zeros and ones are left out.

Where an expression and its derivative both have a value, it is differentiable: what has a corner or an end there has no
value as a derivative (1/(2 sqrt(x)) at 0, x/|x| at 0, log(b) of a base that is not positive).
"""

from __future__ import annotations

from derive.expr import Apply, Expr, Number, apply, fold

ZERO, ONE = Number(0), Number(1)
Pair = tuple[Expr, Expr]  # a value, and its derivative


class NoDerivative(Exception):
    """An operation that has none everywhere, or none that is known here."""


def derivative(expr: Expr, name: str) -> Expr:
    """The derivative by the symbol; raises NoDerivative where an operation has corners."""

    def stepped(node: Apply, args: tuple[Pair, ...]) -> Pair:
        return node, _of(node, args)

    [(_, found)] = fold(
        [expr],
        symbol=lambda s: (s, ONE if s.name == name else ZERO),
        number=lambda n: (n, ZERO),
        apply=stepped,
    )
    return found


def _of(node: Apply, args: tuple[Pair, ...]) -> Expr:
    (u, du), (v, dv) = args[0], args[-1]
    if all(d is ZERO for _, d in args):
        return ZERO
    match node.op:
        case "neg":
            return -du
        case "add":
            return _sum(du, dv)
        case "sub":
            return du if dv is ZERO else _sum(du, -dv)
        case "mul":
            return _sum(_times(du, v), _times(dv, u))
        case "div":
            above = du if dv is ZERO else _sum(du, -_times(dv, u / v))
            return above / v
        case "sqrt":
            return du / (2 * node)
        case "abs":
            return _times(du, u / node)  # x/|x|, which has no value at zero
        case "exp":
            return _times(du, node)
        case "log":
            return du / u
        case "pow" if isinstance(v, Number):
            return _times(du, v * apply("pow", u, v.value - 1))
        case "pow" if du is ZERO:
            return _times(dv, node * apply("log", u))
    raise NoDerivative(node.op)


def _sum(a: Expr, b: Expr) -> Expr:
    return b if a is ZERO else a if b is ZERO else a + b


def _times(d: Expr, factor: Expr) -> Expr:
    return ZERO if d is ZERO else factor if d is ONE else d * factor
