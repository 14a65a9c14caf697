"""A rule as a linear system: s' = A s + B u, y = C s + D u, with u the gradients answered and y the points queried.

A rule is one when its step does not depend on t and is linear in theta, its states and its
gradients, with coefficients that are fractions of polynomials in the hyperparameters (constants
may be added). That is decided on the normal form, not by samples. An average has x for u and its
output for y. Where constants are added, a state that is always one carries them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.facts import Fact, NeedSplit, Stuck
from derive.algebra.polynomials import RING, ZERO, Quotient
from derive.algebra.signs import ZERO_SIGN
from derive.expr import Expr, Symbol, substitute, symbols
from derive.linear.frame import Frame
from derive.linear.matrices import Matrix, matrix
from derive.linear.ratios import NOTHING, UNITY, Ratio, ratio, used
from derive.ops import Undefined
from derive.rule import Rule

ALWAYS_ONE = "1"  # the name of the state that carries constants
MAX_STATES = 8
MAX_DIVISORS = 8


@dataclass(frozen=True)
class LinearSystem:
    """The matrices of a rule over the rationals with its hyperparameters, in the names of `frame`.

    `states` names the coordinates: theta, the rule's states, and ALWAYS_ONE where constants are added.
    `start` has two columns, the multiples of the first theta and of one that each state starts with.
    The step is undefined where one of `divisors` is zero.
    """

    rule: Rule
    frame: Frame
    states: tuple[str, ...]
    transition: Matrix
    input: Matrix
    output: Matrix
    feedthrough: Matrix
    start: Matrix
    divisors: tuple[Expr, ...] = ()

    @property
    def size(self) -> int:
        return len(self.states)


def linear_system(rule: Rule, frame: Frame | None = None, prefix: str = "") -> LinearSystem | None:
    """The rule's matrices, or None where it is not linear, varies in time, or has irrational coefficients.

    Rules of more than eight states are not looked at. Raises TooLarge where the work goes beyond a bound.
    """
    frame = frame or Frame({h.name: h.domain for h in rule.hyperparameters})
    states = _kept(rule)
    if len(states) > MAX_STATES:
        return None
    inside = {n: Symbol(prefix + n) for n in rule.hyperparameter_names}
    exprs = substitute([*(rule.step[n] for n in states), *_seen(rule)], inside)
    exprs += substitute([_before(rule)[n] for n in states], inside)
    try:
        found = _evaluated(frame, exprs)
        return None if found is None else _system(rule, frame, *found)
    except (Stuck, RecursionError):
        return None


def _kept(rule: Rule) -> tuple[str, ...]:
    return rule.state_names if rule.is_average else ("theta", *rule.state_names)


def inputs_of(rule: Rule) -> tuple[str, ...]:
    """What is answered in a step."""
    return ("x",) if rule.is_average else tuple(name for name, _ in rule.questions)


def _seen(rule: Rule) -> list[Expr]:
    """What can be seen of a step from outside: the points queried, or an average's outputs."""
    if rule.is_average:
        return [rule.step[n] for n in rule.outputs]
    return [point for _, point in rule.questions]


def _before(rule: Rule) -> dict[str, Expr]:
    return {"theta": Symbol("theta"), **{s.name: s.initial for s in rule.states}}


# Coefficients


def _evaluated(frame: Frame, exprs: Sequence[Expr]) -> tuple[Case, list[Quotient], tuple[Expr, ...]] | None:
    """The values where no divisor made of hyperparameters is zero, and those divisors."""
    facts: list[Fact] = []
    for _ in range(MAX_DIVISORS):
        case = _case(frame, facts)
        try:
            return case, [case.number(e) for e in exprs], tuple(fact.quantity for fact in facts)
        except NeedSplit as need:
            if not _is_divisor(frame, facts, need, exprs):
                return None
            facts.append(Fact(need.quantity, next(s for s in need.branches if s != ZERO_SIGN)))
    return None


def _case(frame: Frame, facts: Sequence[Fact]) -> Case:
    case = frame.fresh_case()
    for fact in facts:
        case.assume(fact)
    return case


def _is_divisor(frame: Frame, facts: Sequence[Fact], need: NeedSplit, exprs: Sequence[Expr]) -> bool:
    """Whether all that happens at zero is that the rule is undefined there: no branch is passed over."""
    if not symbols(need.quantity) <= set(frame.names) or len(need.branches) != 2 or ZERO_SIGN not in need.branches:
        return False
    at_zero = _case(frame, [*facts, Fact(need.quantity, ZERO_SIGN)])
    try:
        return any(isinstance(at_zero.value(e), Undefined) for e in exprs)
    except NeedSplit:
        return False


def _system(
    rule: Rule, frame: Frame, case: Case, values: list[Quotient], divisors: tuple[Expr, ...]
) -> LinearSystem | None:
    states, seen = _kept(rule), len(_seen(rule))
    moving = {name: _generator(case, name) for name in (*states, *inputs_of(rule))}
    rows = [_coefficients(value, frame, moving) for value in values]
    if any(row is None for row in rows):
        return None
    whole = [row for row in rows if row is not None]
    step, shown, begin = whole[: len(states)], whole[len(states) : len(states) + seen], whole[len(states) + seen :]
    # Without a state there is still one row: a matrix without rows does not tell how many columns it has.
    affine = not states or any(ALWAYS_ONE in row for row in (*step, *shown, *begin))
    names = (*states, ALWAYS_ONE) if affine else states
    if affine:
        step, begin = [*step, {ALWAYS_ONE: UNITY}], [*begin, {ALWAYS_ONE: UNITY}]
    return LinearSystem(
        rule, frame, names,
        _table(step, names), _table(step, inputs_of(rule)), _table(shown, names), _table(shown, inputs_of(rule)),
        _table(begin, ("theta", ALWAYS_ONE)), divisors,
    )  # fmt: skip


def _table(rows: Sequence[dict[str, Ratio]], names: Sequence[str]) -> Matrix:
    return matrix((row.get(name, NOTHING) for name in names) for row in rows)


def _generator(case: Case, name: str) -> int:
    [index] = used(case.number(Symbol(name)).num)
    return index


def _coefficients(value: Quotient, frame: Frame, moving: dict[str, int]) -> dict[str, Ratio] | None:
    """What each moving quantity and the constant count in a value; None where it is not linear in them."""
    if any(index >= frame.z for index in used(value.den)):
        return None
    names = {index: name for name, index in moving.items()}
    parts: dict[str, fmpq_mpoly] = {}
    for monomial, coefficient in value.num.to_dict().items():
        here = [i for i, e in enumerate(monomial) if e and i >= frame.z]
        if len(here) > 1 or any(monomial[i] > 1 or i not in names for i in here):
            return None
        fixed = tuple(0 if i in here else e for i, e in enumerate(monomial))
        name = names[here[0]] if here else ALWAYS_ONE
        parts[name] = parts.get(name, ZERO) + RING.from_dict({fixed: coefficient})
    return {name: ratio(poly, value.den) for name, poly in parts.items() if not poly.is_zero()}
