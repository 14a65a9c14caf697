"""Sums of n terms, each a sum of coefficient * ratio^k over the age k = 0 to n - 1, the newest with an extra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.neatness import neat
from derive.deriving.derivation import Step, equal, holds
from derive.deriving.linear import raised
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions

N, ZERO = Symbol("#n"), Number(0)


@dataclass(frozen=True)
class Ratio:
    """A ratio of which powers are added up, under a name of its own: `value` is above/below, in hyperparameters."""

    name: str
    value: Expr
    above: Expr
    below: Expr

    @property
    def is_one(self) -> bool:
        return self.value is Number(1)


@dataclass(frozen=True)
class GeometricSum:
    """extra + sum over the parts of coefficient (1 - ratio^n)/(1 - ratio), the ratio being one in none of them."""

    parts: tuple[tuple[Expr, Ratio], ...]
    extra: Expr = ZERO

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """Every ratio once, those that are one aside."""
        known = {ratio.name: ratio for _, ratio in self.parts if not ratio.is_one}
        return tuple(known.values())

    def after(self, terms: Expr) -> Expr:
        """The sum of so many terms, the ratios under their names."""
        total: Expr = self.extra
        for coefficient, ratio in self.parts:
            x = Symbol(ratio.name)
            value = terms if ratio.is_one else (1 - raised(x, terms)) / (1 - x)
            added = value if coefficient is Number(1) else coefficient * value
            total = added if total is Number(0) else total + added
        return total

    def in_hyperparameters(self, expr: Expr) -> Expr:
        """The expression with every ratio written out."""
        return substitute([expr], {r.name: r.value for r in self.ratios})[0]


def ratios_of(above: Sequence[Expr], below: Expr, assumed: Assumptions) -> tuple[Ratio, ...]:
    """A name for each above/below, the same one for the same."""
    names: dict[Expr, Ratio] = {}
    found = []
    for top in above:
        shown = simplified(top / below, assumed)
        made = Ratio(f"#r{len(names)}", shown, simplified(top, assumed), below)
        found.append(names.setdefault(shown, made))
    return tuple(found)


def simplified(expr: Expr, assumed: Assumptions) -> Expr:
    """The expression tidied, or as it is where that fails."""
    try:
        return tidy(expr, assumed)
    except NoNormalForm:
        return expr


def summing_steps(
    label: Expr, total: GeometricSum, newest: Expr, later: Expr, assumed: Assumptions
) -> tuple[Step, ...]:
    """The closed form holds for the newest term alone, and gains the term of age n with the next, n being 1 or more."""
    [one, more, here] = [neat(total.in_hyperparameters(total.after(e))) for e in (Number(1), N + 1, N)]
    apart = [apply("ne", ratio.value, 1) for ratio in total.ratios]
    why = "the closed form holds for the newest term"
    return (
        holds(apply("eq", one, newest), why=why, given=assumed, when=apart),
        equal(label, more, here + later, why="and gains the term of the next age", given=assumed),
    )


def converges(total: GeometricSum) -> Expr | None:
    """The condition under which all ratios are below one; None where there are none."""
    tests = [apply("lt", ratio.above, ratio.below) for ratio in total.ratios]
    if not tests:
        return None
    condition = tests[0]
    for test in tests[1:]:
        condition = apply("and", condition, test)
    return condition
