"""The word for limits: of a step that grows, or of another name that comes near a value."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.deriving.linear import AGE
from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.proving import Assumptions, Verdict
from derive.proving.limits import limit as proved_limit
from derive.rule import REAL, Domain
from derive.stating.closing import closed
from derive.stating.quantities import Basis, Operand, Quantity, quantity

COUNT, SCALE = "#count", "#scale"  # no name of a rule has such a sign in it
COUNTED = Domain(Fraction(2), whole=True)
SCALED = Domain(Fraction(1, 2), Fraction(1))


def limit(value: Quantity, variable: str = "t", to: Operand | None = None) -> Quantity:
    """What a formula tends to as a whole number grows, or as a name comes near `to`, with its proof.

    `limit(formula, "beta", to=1)` stays inside the domain of the name: from below here, from both sides where it lies
    inside. Raises UserError where no limit is found.
    """
    given = quantity(value)
    name = AGE if variable == "k" else variable
    if name not in symbols(given.expr):
        raise UserError(f"there is no {variable!r} in {given}", fix="name what changes")
    if to is None:
        found, verdict = _grown(given, given.expr, name, given.basis.domains)
        basis = closed(given.basis, name) + Basis({}, (), (verdict,))
        return Quantity(found, basis, {}, given.defaults, _called(given, variable))
    limits = [_near(given, name, end, side) for end, side in _sides(given, name, to)]
    if len({found for found, _ in limits}) != 1:
        raise UserError(f"{given} tends to something else on each side of {to}", fix="take one side")
    basis = closed(given.basis, name) + Basis({}, (), tuple(verdict for _, verdict in limits))
    defaults = {n: v for n, v in given.defaults.items() if n != name}
    return Quantity(limits[0][0], basis, {}, defaults, _called(given, f"{variable} to {quantity(to)}"))


def _called(given: Quantity, how: str) -> Symbol | None:
    """A limit of what is written in short is written as a limit; another is its formula."""
    return None if given.short is None else Symbol(f"limit({given}, {how})")


def _grown(given: Quantity, expr: Expr, name: str, domains: Mapping[str, Domain]) -> tuple[Expr, Verdict]:
    found = proved_limit(expr, name, Assumptions(domains))
    if found is None:
        raise UserError(f"no limit of {given} is proved", fix="take a formula with one")
    if found.exceptions:
        what = f"the limit of {given} is not shown where {' or '.join(found.exceptions)}"
        raise UserError(what, fix="give these names other values with .at()")
    return found.claim.limit, found.verdict


def _sides(given: Quantity, name: str, to: Operand) -> list[tuple[Fraction, Fraction]]:
    """The value, and how far the name can be from it below (negative) and above."""
    end = quantity(to).expr
    if not isinstance(end, Number):
        raise UserError(f"{to!r} is no number", fix="give a number")
    domain = given.basis.domains.get(name, REAL)
    if domain.whole:
        raise UserError(f"{name} is a whole number", fix="leave out to=: it grows")
    below = Fraction(1) if domain.low is None else min(Fraction(1), end.value - domain.low)
    above = Fraction(1) if domain.high is None else min(Fraction(1), domain.high - end.value)
    sides = [(end.value, side) for side in (-below, above) if side]
    if below < 0 or above < 0 or not sides:
        raise UserError(f"{name} does not come near {to}: it lies in {domain}", fix="give another value")
    return sides


def _near(given: Quantity, name: str, end: Fraction, side: Fraction) -> tuple[Expr, Verdict]:
    """The limit as name = end + side u/n with n growing, for every u in [1/2, 1].

    Every way of coming near is such a sequence: u/n takes all values up to 1/2. The convergence is uniform in u, for
    the continuous form of the proof is continuous in u and the vanishing root together, and u lies in a closed range.
    """
    [near] = substitute([given.expr], {name: Number(end) + side * Symbol(SCALE) / Symbol(COUNT)})
    domains = {**given.basis.domains, COUNT: COUNTED, SCALE: SCALED}
    found, verdict = _grown(given, near, COUNT, domains)
    if SCALE in symbols(found):
        raise UserError(f"no limit of {given} is proved", fix="take a formula with one")
    return found, verdict
