"""The sign of a sum with roots is that of its conjugate product: whatever is claimed holds at every point."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions
from derive.evaluate import ball
from derive.expr import Expr, Number, Symbol, apply
from derive.ops import Inexact, Undefined
from derive.proving import identity
from derive.rule import DECAY, NONNEGATIVE

b, e = Symbol("b"), Symbol("e")
ASSUMED = Assumptions({"b": DECAY, "e": NONNEGATIVE})
ROOTS = [apply("sqrt", 1 - b), apply("sqrt", e), apply("sqrt", e + 1 - b), apply("sqrt", 1 + e)]
ATOMS = st.sampled_from([Number(1), b, e, *ROOTS])
TERMS = st.builds(lambda n, x, y: n * x * y, st.integers(-2, 2).map(Number), ATOMS, ATOMS)
SUMS = st.lists(TERMS, min_size=2, max_size=4).map(lambda terms: sum(terms[1:], start=terms[0]))
VALUES = {"b": ["0", "1/9", "1/2", "3/4", "99/100"], "e": ["0", "1/100", "1/4", "1", "3", "24"]}
POINTS = st.fixed_dictionaries({n: st.sampled_from(v).map(Fraction) for n, v in VALUES.items()})


@given(SUMS, st.lists(POINTS, min_size=1, max_size=6))
def test_a_claimed_sign_is_the_sign(total: Expr, points: list[dict[str, Fraction]]) -> None:
    case = Case(ASSUMED)
    claimed = case.signs(case.number(total))
    for point in points:
        [value] = ball([total], point)
        assert not isinstance(value, Undefined | Inexact | bool)
        certain = 1 if value > 0 else -1 if value < 0 else None
        assert certain is None or certain in claimed


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        (apply("sqrt", 1 + e), 1 + e, True),
        (1 + e, apply("sqrt", 1 + e), False),
        (apply("sqrt", 1 - b), Number(1), True),
        (1 - b, apply("sqrt", 1 - b), True),
        (apply("sqrt", e + 1 - b), apply("sqrt", e) + apply("sqrt", 1 - b), True),
        (apply("sqrt", e) + apply("sqrt", 1 - b), apply("sqrt", e + 1 - b), False),
        (apply("sqrt", e), e, False),
    ],
)
def test_inequalities_between_roots(left: Expr, right: Expr, holds: bool) -> None:
    verdict = identity([(apply("where", apply("le", left, right), 1, 0), Number(1))], ASSUMED)
    assert verdict.status == ("proved" if holds else "refuted"), verdict.message
