"""`max`, `min` and `sign` become comparisons and selects, whose answer for NaN and zeros is stated here.

NumPy, Numba and the processor disagree on them. Here `max(a, b)` is `a` where `a > b` or `a` is
NaN, otherwise `b`: NaN spreads from either side, and of equal zeros it is `b`; `min` likewise.
`sign(x)` is `x` itself at both zeros and at NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.expr import Apply, Expr, Number, apply, symbols
from kernels.program import Program, cast, map_values, rewritten


@dataclass(frozen=True)
class Selects:
    """`max(a, b)` is `where(a > b or a != a, a, b)`."""

    name: str = "selects"

    def apply(self, program: Program) -> Program:
        return map_values(program, lambda value: _rewrite(value, program.elements))


def _rewrite(value: Expr, elements: frozenset[str]) -> Expr:
    def select(node: Apply, args: tuple[Expr, ...]) -> Expr:
        if node.op in ("max", "min"):
            return _extreme("gt" if node.op == "max" else "lt", *args)
        if node.op == "sign":
            return _sign(args[0], is_element=not symbols(args[0]).isdisjoint(elements))
        return apply(node.op, *args)

    return rewritten(value, select)


def _extreme(comparison: str, a: Expr, b: Expr) -> Expr:
    return apply("where", apply("or", apply(comparison, a, b), apply("ne", a, a)), a, b)


def _sign(x: Expr, *, is_element: bool) -> Expr:
    zero, one, minus = (cast(Number(k)) if is_element else Number(k) for k in (0, 1, -1))
    return apply("where", apply("gt", x, zero), one, apply("where", apply("lt", x, zero), minus, x))
