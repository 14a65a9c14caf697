"""Inequalities whose sides part at a number: what is proved, and what the checker must not take."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.expr import Expr
from derive.proving import Assumptions
from derive.proving.certificate import Boxed, Leaf, Nested, Sloped
from derive.proving.checker import Checked, Rejected
from derive.proving.slopes import by_slope
from derive.reading.python.expressions import read_expression
from derive.rule import COUNTER, DECAY, NONNEGATIVE, POSITIVE, REAL

GIVEN = Assumptions({"b": DECAY, "x": POSITIVE, "z": NONNEGATIVE, "y": REAL, "n": COUNTER})


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


@pytest.mark.parametrize(
    ("condition", "premises"),
    [
        ("log(x) <= x - 1", ()),
        ("log(x) < x - 1", ("x != 1",)),
        ("log(b) < b - 1", ("b > 0",)),
        ("log(b) > 1 - 1/b", ("b > 0",)),
        ("log(1 + z) <= z", ()),
        ("log(1 + z) >= z - z**2/2", ()),
        ("exp(y) >= 1 + y", ()),
        ("exp(-z) <= 1 - z + z**2/2", ()),
        ("exp(z) >= 1 + z + z**2/2", ()),
    ],
)
def test_proved(condition: str, premises: tuple[str, ...]) -> None:
    assert by_slope(formula(condition), GIVEN, [formula(p) for p in premises])


@pytest.mark.parametrize(
    ("condition", "premises"),
    [
        ("log(x) < x - 1", ()),  # equal at 1
        ("log(x) <= 1.01*x - 1.01", ()),  # crosses at 1
        ("log(x) >= x - 1", ()),
        ("log(1 + z) >= z - z**2/3", ()),
        ("exp(y) > 1 + y", ()),
        ("exp(y) >= 1 + y + y**2/2", ()),  # not below zero
        ("exp(-z) <= 1 - z + z**2/3", ()),
        ("log(b) < b - 1", ()),  # undefined at 0
        ("log(y) <= y - 1", ()),
        ("1/y >= 2 - y", ()),  # has no value at 0, and fails below it
        ("1/y >= 2 - y", ("y != 0",)),
        ("abs(y) >= 2*y", ("y != 1",)),
        ("max(y, 0) >= y/2 + 1", ()),
        ("(9/10)**n <= 1", ()),  # of whole numbers nothing is said here
    ],
)
def test_not_proved(condition: str, premises: tuple[str, ...]) -> None:
    assert not by_slope(formula(condition), GIVEN, [formula(p) for p in premises])


@pytest.mark.parametrize(
    ("condition", "name", "at"),
    [
        ("log(x) >= x - 1", "x", "1"),
        ("log(x) <= x - 1", "x", "2"),
        ("log(x) < x - 1", "x", "1"),
        ("1/y >= 2 - y", "y", "1"),
        ("x == x", "x", "1"),
        ("max(x, 1) >= 1", "x", "1"),
        ("log(b) <= b - 1", "b", "2"),
        ("(9/10)**n <= 9/10", "n", "1"),
        ("where(x < 1, 5, 0) <= x + 5", "x", "0"),
    ],
)
def test_the_checker_refuses_forged_proofs(condition: str, name: str, at: str) -> None:
    for tree in (Leaf(), Boxed(None)):
        for count in (0, 5, 6):
            with pytest.raises(Rejected):
                Checked(Sloped(formula(condition), name, Fraction(at), GIVEN, (), (tree,) * count))


def test_a_nested_proof_has_to_be_of_what_it_stands_for() -> None:
    found = by_slope(formula("exp(y) >= 1 + y"), GIVEN)
    assert found
    proof = found.evidence.certificate
    nested = [tree for tree in proof.trees if isinstance(tree, Nested)]
    assert nested
    assert Checked(proof)
    for place, tree in enumerate(proof.trees):
        if isinstance(tree, Nested):
            others = [replace(tree.proof, trees=()), replace(tree.proof, condition=formula("1 > 0")), proof]
            for other in others:
                forged = (*proof.trees[:place], Nested(other), *proof.trees[place + 1 :])
                with pytest.raises(Rejected):
                    Checked(replace(proof, trees=forged))
    with pytest.raises(Rejected):
        Checked(replace(proof, condition=formula("exp(y) >= 1.1 + y")))
