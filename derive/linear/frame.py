"""The names in which one or two rules are looked at: hyperparameters, each a generator of the ring, and z.

With two rules the names are "a.lr" and "b.lr", so that equal names stay apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions
from derive.algebra.normal import factored
from derive.algebra.polynomials import Quotient
from derive.expr import Expr, Number, Symbol
from derive.linear.ratios import Ratio
from derive.rule import COUNTER, Domain, Rule

Z, MARKED_Z = "z", "#z"  # one step back in time is 1/z; marked where a hyperparameter is called z
_OUTSIDE = Domain(low=Fraction(1), low_open=True)  # where the sums converge; it decides how factors are written


@dataclass(frozen=True)
class Frame:
    """Hyperparameters under their names here, with their domains, in the order of their generators."""

    domains: dict[str, Domain] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.domains)

    @property
    def z(self) -> int:
        return len(self.domains)

    @property
    def variable(self) -> str:
        """What z is called here."""
        return MARKED_Z if Z in self.domains else Z

    def fresh_case(self) -> Case:
        """A case in which each name, then z, is the generator of its place."""
        case = Case(Assumptions({**self.domains, self.variable: _OUTSIDE, "t": COUNTER}))
        for name in (*self.names, self.variable):
            case.number(Symbol(name))
        return case

    @cached_property
    def case(self) -> Case:
        return self.fresh_case()

    def expr(self, value: Ratio) -> Expr:
        """The ratio as factors over factors."""
        return factored(self.case, Quotient(value.num, value.den)) if value else Number(0)

    def poly(self, poly: fmpq_mpoly) -> Expr:
        """The polynomial as a sum of its terms."""
        return self.case.expr(poly)


def frame_of(**rules: Rule) -> Frame:
    """The frame of the hyperparameters of all rules; `frame_of(a=..., b=...)` names them a.lr, b.lr."""
    return Frame({f"{side}.{h.name}": h.domain for side, rule in rules.items() for h in rule.hyperparameters})
