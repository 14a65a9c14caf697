"""The largest value of a formula over the steps, and from which step on a condition holds: found, then proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.evaluate import enclosed
from derive.expr import Expr, Number, apply, substitute
from derive.proving import Verdict
from derive.proving.everywhere import everywhere
from derive.rule import Domain

SEARCHED = 100_000  # steps among which an extreme is looked for, ever more widely spaced


@dataclass(frozen=True)
class Extreme:
    """`expr` is largest (or smallest) at step `at`, and at every other step from 1 on certainly not so."""

    expr: Expr
    at: int
    value: Expr
    claim: Expr
    verdicts: tuple[Verdict, ...]

    @property
    def holds(self) -> bool:
        return all(self.verdicts)


def largest(expr: Expr, values: Mapping[str, Fraction], variable: str = "t") -> Extreme | None:
    """Where the formula is largest over variable = 1, 2, ..., other names having `values`; None where not proved."""
    return _extreme(expr, values, variable, "lt")


def smallest(expr: Expr, values: Mapping[str, Fraction], variable: str = "t") -> Extreme | None:
    """Where the formula is smallest over variable = 1, 2, ..., other names having `values`; None where not proved."""
    return _extreme(expr, values, variable, "gt")


def _extreme(expr: Expr, values: Mapping[str, Fraction], variable: str, comparison: str) -> Extreme | None:
    [bound] = substitute([expr], {name: Number(value) for name, value in values.items()})
    sign = 1.0 if comparison == "lt" else -1.0
    found = _peak(bound, variable, sign)
    if found is None:
        return None
    [value] = substitute([bound], {variable: Number(found)})
    claim = apply(comparison, bound, value)
    before = [Domain(Fraction(1), Fraction(found - 1), whole=True)] if found > 1 else []
    verdicts = [everywhere(claim, {variable: r}) for r in (*before, Domain(Fraction(found + 1), whole=True))]
    return Extreme(expr, found, value, claim, tuple(verdicts)) if all(verdicts) else None


def _peak(expr: Expr, variable: str, sign: float) -> int | None:
    """The step at which the formula seems largest: widely spaced steps, then those around the best of them."""
    low: int = 1
    high: int = SEARCHED
    while True:
        spaced = sorted({low, high, *(round(low * (high / low) ** (k / 60)) for k in range(61))})
        tried = [(_at(expr, variable, t), t) for t in spaced]
        found = [(value, t) for value, t in tried if value is not None]
        if not found:
            return None
        best: int
        _, best = max(found, key=lambda pair: sign * pair[0])
        if len(spaced) == high - low + 1:
            return best
        index = spaced.index(best)
        low, high = spaced[max(0, index - 1)], spaced[min(len(spaced) - 1, index + 1)]


def _at(expr: Expr, variable: str, t: int) -> float | None:
    [value] = enclosed([expr], {variable: Fraction(t)}, bits=80)
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class Onset:
    """The condition holds at every step from `at` on, and fails at the step before (where there is one)."""

    condition: Expr
    at: int
    verdict: Verdict
    before: Verdict | None


def onset(condition: Expr, values: Mapping[str, Fraction], variable: str = "t") -> Onset | None:
    """The first step from which on the condition always holds, proved; None where it is not found."""
    [bound] = substitute([condition], {name: Number(value) for name, value in values.items()})
    fails, works = 0, 1
    while not (verdict := everywhere(bound, {variable: Domain(Fraction(works), whole=True)})):
        fails, works = works, 2 * works
        if works > 2**40:
            return None
    while works - fails > 1:
        middle = (works + fails) // 2
        tried = everywhere(bound, {variable: Domain(Fraction(middle), whole=True)})
        if tried:
            works, verdict = middle, tried
        else:
            fails = middle
    if works == 1:
        return Onset(condition, 1, verdict, None)
    at_last = everywhere(bound, {variable: Domain(Fraction(works - 1), Fraction(works - 1), whole=True)})
    return Onset(condition, works, verdict, at_last) if at_last.status == "refuted" else None
