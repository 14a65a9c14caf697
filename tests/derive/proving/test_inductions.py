"""Conditions on all whole numbers: what induction proves, and what the checker must not take for one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.expr import Expr
from derive.proving import Assumptions
from derive.proving.certificate import Boxed, Induction, Leaf
from derive.proving.checker import Checked, Rejected
from derive.proving.inductions import by_induction
from derive.proving.truth import truth
from derive.reading.python.expressions import read_expression
from derive.rule import COUNTER, DECAY, NONNEGATIVE, POSITIVE, Domain

GIVEN = Assumptions({"b": DECAY, "h": POSITIVE, "z": NONNEGATIVE, "n": COUNTER})


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


@pytest.mark.parametrize(
    ("condition", "premises"),
    [
        ("b**n >= 1 - n*(1 - b)", ()),
        ("(1 + h)**n >= 1 + n*h", ()),
        ("n <= 2**n", ()),
        ("b**n <= z", ("z >= 1",)),
    ],
)
def test_proved(condition: str, premises: tuple[str, ...]) -> None:
    assert by_induction(formula(condition), GIVEN, [formula(p) for p in premises])
    assert truth(formula(condition), GIVEN, [formula(p) for p in premises])


@pytest.mark.parametrize(
    ("condition", "premises"),
    [
        ("b**n >= 1 - n*(1 - b)/2", ()),
        ("(1 + h)**n > 1 + n*h", ()),  # equal at the start
        ("(1 + h)**n >= 1 + n*h", ("n != 2",)),  # the premises say something of n
        ("n >= 2", ()),  # kept by every step, and false at the start
        ("n <= 5", ()),  # true at the start, and not kept
        ("1/(n - 3) < 2", ()),  # undefined on the way
        ("h**z <= 1", ()),  # no whole number
    ],
)
def test_not_proved(condition: str, premises: tuple[str, ...]) -> None:
    assert not by_induction(formula(condition), GIVEN, [formula(p) for p in premises])


@pytest.mark.parametrize(
    ("condition", "name", "premises"),
    [
        ("n >= 2", "n", ()),
        ("n <= 5", "n", ()),
        ("n <= 2**n", "h", ()),
        ("n <= 2**n", "n", ("n > 3",)),
        ("1/(n - 3) < 2", "n", ()),
    ],
)
def test_the_checker_refuses_forged_proofs(condition: str, name: str, premises: tuple[str, ...]) -> None:
    for tree in (Leaf(), Boxed(None)):
        for count in (0, 1, 2, 3):
            made = Induction(formula(condition), name, GIVEN, tuple(map(formula, premises)), (tree,) * count)
            with pytest.raises(Rejected):
                Checked(made)


def test_an_induction_begins_at_a_whole_number() -> None:
    """From 1/2 on the steps 3/2, 5/2, ... would be reached, and no whole number."""
    between = Assumptions({"n": Domain(low=Fraction(1, 2), whole=True)})
    made = Induction(formula("n != 1"), "n", between, (), (Leaf(), Leaf()))
    with pytest.raises(Rejected, match="no induction over n"):
        Checked(made)
