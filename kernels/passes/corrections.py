"""Bias corrections: `1 - beta**t` is computed as `-expm1(t * log1p(beta - 1))`.

Near beta = 1 the power is near one and the difference loses up to ten million units in the last
place; `beta - 1` is exact there, and the rest keeps its relative accuracy. log1p(-1) is minus
infinity, so beta = 0, where the correction is one, is a case of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.expr import Apply, Expr, Number, Symbol, apply, nodes, substitute
from derive.rule import Assignment, Domain
from kernels.program import Program, fresh, map_values, replaced, without_unused


@dataclass(frozen=True)
class Corrections:
    """`1 - beta**t` is `where(beta == 0, 1, -expm1(t * log1p(beta - 1)))` for a beta that is nowhere negative."""

    domains: Mapping[str, Domain] = field(default_factory=dict)
    name: str = "corrections"

    def apply(self, program: Program) -> Program:
        powers = {a.target: a.value for a in program.prelude if self._is_decay_power(a.value)}
        program = map_values(program, lambda value: substitute([value], powers)[0])
        named: dict[Expr, Expr] = {}
        corrections: list[Assignment] = []
        for node in nodes(a.value for a in (*program.prelude, *program.body)):
            if self._is_complement(node):
                name = fresh(_name_of(node), program.taken | {a.target for a in corrections})
                corrections.append(Assignment(name, _accurate(node)))
                named[node] = Symbol(name)
        program = map_values(program, lambda value: replaced(value, named))
        return without_unused(replace(program, prelude=(*corrections, *program.prelude)))

    def _is_complement(self, node: Expr) -> bool:
        return (
            isinstance(node, Apply)
            and node.op == "sub"
            and node.args[0] is Number(1)
            and self._is_decay_power(node.args[1])
        )

    def _is_decay_power(self, value: Expr) -> bool:
        """beta**t with beta known nonnegative, and an exponent that is positive because t is at least 1."""
        if not (isinstance(value, Apply) and value.op == "pow"):
            return False
        base, exponent = value.args
        low = self.domains[base.name].low if isinstance(base, Symbol) and base.name in self.domains else None
        return low is not None and low >= 0 and _counts(exponent)


def _counts(exponent: Expr) -> bool:
    if isinstance(exponent, Apply) and exponent.op == "add":
        first, second = exponent.args
        return _counts(first) and isinstance(second, Number) and second.value > Fraction(-1)
    return exponent is Symbol("t")


def _accurate(complement: Expr) -> Expr:
    base, exponent = _power_of(complement)
    logarithm = apply("log1p", apply("sub", base, Number(1)))
    value = apply("neg", apply("expm1", apply("mul", exponent, logarithm)))
    return apply("where", apply("eq", base, Number(0)), Number(1), value)


def _power_of(complement: Expr) -> tuple[Expr, Expr]:
    assert isinstance(complement, Apply)
    power = complement.args[1]
    assert isinstance(power, Apply)
    base, exponent = power.args
    return base, exponent


def _name_of(complement: Expr) -> str:
    base, exponent = _power_of(complement)
    return f"one_minus_{base}_to_t" if isinstance(exponent, Symbol) else f"correction_{base}"
