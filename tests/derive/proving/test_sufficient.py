"""Conditions of statements: the checker takes none that does not imply the statement, or can never hold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.expr import Expr
from derive.proving import Assumptions
from derive.proving.certificate import Boxed, Leaf, Sufficient, Tree
from derive.proving.checker import Checked, Rejected
from derive.proving.everywhere import boxed
from derive.proving.obligations import of_sufficient
from derive.proving.search import Differs, propose_identity
from derive.reading.python.expressions import read_expression
from derive.rule import DECAY, UNIT, Domain

GIVEN = Assumptions({"a": DECAY, "b": DECAY})


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


def trees(claim: Sufficient) -> tuple[Tree, ...]:
    found: list[Tree] = []
    for _, pairs, assumed in of_sufficient(claim):
        try:
            found.append(propose_identity(pairs, assumed).tree)
        except Differs:
            found.append(Leaf())
    return tuple(found)


@pytest.mark.parametrize(
    ("statement", "conditions", "exact", "holds"),
    [
        ("a*b < b", ("b > 0",), True, True),
        ("a <= b", ("a == b",), False, True),
        ("a <= b", ("a == b", "a < b"), True, True),
        ("a <= b", ("a == b",), True, False),  # not only there
        ("a < b", ("a == b",), False, False),  # does not imply it
        ("a < b", ("a == 2",), False, False),  # never holds
        ("a < b", ("a > b + 1",), False, False),  # never holds
        ("1/(a - b) > 0", ("a >= b",), False, False),  # undefined where a = b
        ("a < b", (), False, False),
    ],
)
def test_what_the_checker_takes(statement: str, conditions: tuple[str, ...], exact: bool, holds: bool) -> None:
    claim = Sufficient(formula(statement), tuple(map(formula, conditions)), GIVEN, (), Leaf() if exact else None)
    *each, last = (*trees(claim), None) if not exact else trees(claim)
    made = Sufficient(claim.statement, claim.conditions, GIVEN, tuple(t for t in each if t), last if exact else None)
    if holds:
        assert Checked(made)
    else:
        with pytest.raises(Rejected):
            Checked(made)


WHOLE = Assumptions({"t": Domain(Fraction(1), whole=True), "x": UNIT})


@pytest.mark.parametrize(
    ("statement", "condition", "exact", "holds"),
    [
        ("(9/10)**t <= 0.35", "t >= 10", False, True),
        ("(9/10)**t <= 0.35", "t >= 10", True, True),
        ("(9/10)**t <= 0.35", "t >= 11", True, False),  # not only there
        ("(9/10)**t <= 0.35", "t >= 9", False, False),  # does not imply it
        ("exp(x) < 2", "x <= 0.69", False, True),
        ("exp(x) < 2", "x <= 0.7", False, False),
        ("log(x) <= 0", "x >= 0", False, False),  # undefined at 0
    ],
)
def test_by_cells(statement: str, condition: str, exact: bool, holds: bool) -> None:
    claim = Sufficient(formula(statement), (formula(condition),), WHOLE, (), Leaf() if exact else None)
    found = [boxed(pairs, assumed) for _, pairs, assumed in of_sufficient(claim)]
    assert all(found) is holds
    forged = [tree or Boxed(None) for tree in found]
    made = replace(claim, trees=tuple(forged[:1]), exact=forged[1] if exact else None)
    if holds:
        assert Checked(made)
    else:
        with pytest.raises(Rejected):
            Checked(made)
