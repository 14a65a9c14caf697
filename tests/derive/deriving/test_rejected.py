"""Each kind of step, true and then deliberately broken: the check has to say no to the second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from derive.deriving.derivation import equal, holds
from derive.deriving.extremes import largest, onset
from derive.expr import Expr, apply
from derive.proving import Assumptions
from derive.proving.checker import Checked, Rejected
from derive.proving.everywhere import everywhere
from derive.proving.limits import limit
from derive.reading.python.expressions import read_expression
from derive.rule import COUNTER, DECAY, NONNEGATIVE, Domain

GIVEN = Assumptions({"b": DECAY, "v": NONNEGATIVE, "t": COUNTER})
DEFAULTS = {"b1": Fraction(9, 10), "b2": Fraction(999, 1000)}
FACTOR = "(1 - b1**t) / sqrt(1 - b2**t)"


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


def equality(right: str) -> bool:
    verdict = equal(None, formula("b * v + (1 - b) * g**2"), formula(right), why="", given=GIVEN).verdict
    return bool(verdict)


def inequality(premise: str) -> bool:
    claim = formula("(b*m + (1 - b)*g)**2 <= b*v + (1 - b)*g**2")
    return bool(holds(claim, why="", given=GIVEN, when=[formula(premise)]).verdict)


def limiting(value: str) -> bool:
    found = limit(formula("(1 - b**t) / (1 - b)"), "t", GIVEN)
    assert found is not None
    try:
        Checked(replace(found.claim, limit=formula(value), trees=found.verdict.evidence.certificate.trees))
    except Rejected:
        return False
    return True


def extreme(value: str) -> bool:
    """Whether no step before the one of the extreme, and none after it, reaches this value."""
    found = largest(formula(FACTOR), DEFAULTS)
    assert found is not None
    claim = apply("lt", found.claim.args[0], formula(value))  # type: ignore[attr-defined]
    before, after = (Domain(Fraction(low), high, whole=True) for low, high in ((1, Fraction(11)), (13, None)))
    return all(everywhere(claim, {"t": steps}) for steps in (before, after))


def settling(first: str) -> bool:
    found = onset(formula(f"{FACTOR} <= 1.05"), DEFAULTS)
    assert found is not None
    claim = formula("(1 - 0.9**t) / sqrt(1 - 0.999**t) <= 1.05")
    assert everywhere(claim, {"t": Domain(Fraction(found.at), whole=True)})
    return bool(everywhere(claim, {"t": Domain(Fraction(first), whole=True)}))


def box(condition: str) -> bool:
    return bool(everywhere(formula(condition), {"b": Domain(Fraction(1, 2), Fraction(9, 10)), "t": COUNTER}))


@pytest.mark.parametrize(
    ("check", "true", "broken"),
    [
        (equality, "g**2 + b * (v - g**2)", "g**2 - b * (v - g**2)"),
        (equality, "b * v + g**2 - b * g**2", "b * v + g**2 - b * abs(g)"),
        (inequality, "m**2 <= v", "m**2 <= 2 * v"),
        (inequality, "m**2 <= v and g > 0", "g > 0"),
        (limiting, "1 / (1 - b)", "1"),
        (limiting, "1 / (1 - b)", "1 / (1 + b)"),
        (extreme, "6.5686", "6.5"),
        (settling, "2375", "2374"),
        (box, "b**t < 0.91", "b**t < 0.89"),
        (box, "b**t + 1/t < 2", "b**t + 1/t < 1.8"),
    ],
)
def test_the_check_says_no(check: Callable[[str], bool], true: str, broken: str) -> None:
    assert check(true)
    assert not check(broken)
