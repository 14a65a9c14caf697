"""Whether the gradients play a part under a condition: without one, any two rules agree, and it says little."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.polynomials import Quotient, TooLarge
from derive.algebra.signs import ZERO_SIGN
from derive.errors import UserError
from derive.expr import Expr, substitute, symbols
from derive.proving.obligations import point_after
from derive.relating.conditions.candidates import Key, first_nonzero
from derive.relating.conditions.points import certain
from derive.rule import COUNTER, Domain, Rule
from derive.transforms import bind

Gradients = tuple[Fraction, ...]


def _answers(*texts: str) -> tuple[Gradients, ...]:
    return tuple(tuple(map(Fraction, text.split())) for text in texts)


# Runs of one length each: other answers are compared at the same step.
SHORT = _answers("1 1", "-1 2", "3 -2")
FURTHER = _answers(
    "1 1 1 1 1 1 1 1",
    "-60 1 70 -80 90 -50 40 -30",  # past a clipping
    "60 -1 -70 80 -90 50 -40 30",
    "0 1/5 -1/7 0 0 1/3 0 1",  # below it
    "0 0 0 0 0 0 0 0",
    "4000 -9000 4000 1 -1 0 0 0",  # past almost any
)
MOST_SPLITS = 6  # one within another


class Hearing:
    """What formulas and short runs of two rules tell about a condition; what is undefined tells nothing."""

    def __init__(self, a: Rule, b: Rule, domains: Mapping[str, Domain], differences: list[Expr]) -> None:
        self.rules, self.domains, self.differences, self.known = (a, b), domains, differences, dict[Key, bool]()

    def degenerate(self, condition: Key) -> bool:
        """Whether the gradients play no part: other answers, the same points."""
        if condition not in self.known:
            self.known[condition] = not self._hears(dict(condition))
        return self.known[condition]

    def defined(self, condition: Key) -> bool:
        """Whether both rules are ever defined."""
        zeros = [d - d for d in substitute(self.differences, dict(condition))]
        return any(certain(zero, self.domains, zero + 1) for zero in zeros)

    def _hears(self, condition: Mapping[str, Expr]) -> bool:
        if not any(_reached(rule, condition, self.domains) for rule in self.rules):
            return False
        short = self._changes(SHORT, condition)
        return (
            self._moves(short)
            or first_nonzero(short, self.domains) is not None
            or self._moves(self._changes(FURTHER, condition))
        )

    def _changes(self, gradients: tuple[Gradients, ...], condition: Mapping[str, Expr]) -> list[Expr]:
        """What other answers than the first ones change in what is seen."""
        found = []
        for rule in self.rules:
            points = [point_after(rule, Fraction(1), each) for each in gradients]
            first, *others = substitute(points, condition)
            found += [other - first for other in others]
        return [change + 0 * change for change in found]

    def _moves(self, changes: list[Expr]) -> bool:
        return any(certain(change, self.domains, 0 * change) for change in changes)


def _reached(rule: Rule, condition: Mapping[str, Expr], domains: Mapping[str, Domain]) -> bool:
    """Whether by the formulas, where nothing is zero, what is seen may depend on an answer, perhaps through a state."""
    try:
        rule = bind(rule, condition)
        return _depends(rule, Assumptions({**domains, "t": COUNTER}))
    except (UserError, Stuck, TooLarge, RecursionError):
        return True


def _depends(rule: Rule, assumptions: Assumptions) -> bool:
    heard = {"x"} if rule.is_average else {name for name, _ in rule.questions}
    waiting = [*(point for _, point in rule.questions), *(rule.step[name] for name in rule.outputs)]
    kept = {name: rule.step[name] for name in rule.state_names}
    while waiting:
        names = _names_behind(waiting.pop(), Case(assumptions), MOST_SPLITS) or frozenset()
        if names & heard:
            return True
        waiting += [kept.pop(name) for name in names & kept.keys()]
    return False


def _names_behind(expr: Expr, case: Case, splits: int) -> frozenset[str] | None:
    """The names on which the value depends in this case, wherever no quantity is zero; None where it has no value."""
    try:
        value = case.value(expr)
    except NeedSplit as need:
        if not splits:
            raise Stuck("too many cases") from None
        inner = [case.where(Fact(need.quantity, signs)) for signs in need.branches if signs != ZERO_SIGN]
        found = [names for each in inner if (names := _names_behind(expr, each, splits - 1)) is not None]
        # Where one branch alone has a value nothing was chosen.
        return frozenset[str]().union(*found, symbols(need.quantity) if len(found) > 1 else ()) if found else None
    if isinstance(value, Quotient):
        return case.depends(value.num) | case.depends(value.den)
    return None
