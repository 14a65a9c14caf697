"""The runs of a symmetry: another move, another order and another angle are noticed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.deriving.symmetries import invariances
from derive.deriving.symmetries.coordinates import parted
from derive.deriving.symmetries.dimensions import exponents
from derive.deriving.symmetries.kinds import scale_exponents
from derive.deriving.symmetries.runs import along, apart_when_turned, exchanged, turned
from derive.deriving.symmetries.transformation import scaling
from derive.library.lookup import find_rule
from tests.derive.deriving.runs import all_go, goes_wrong


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam", "radam", "lion"])
def test_all_go_as_foretold(name: str) -> None:
    rule = find_rule(name)
    for found in invariances(rule):
        assert all_go(rule, found.experiments), found.title


@pytest.mark.parametrize(("power", "right"), [(1, True), (2, False), (0, False)])
def test_another_power_is_noticed(power: int, right: bool) -> None:
    rule = find_rule("adam")
    scales = {"g": Fraction(1), "eps": Fraction(1)}
    found = exponents(rule, scale_exponents(rule, scales))
    assert found is not None
    runs = along(rule, scaling(rule, {**found, "eps": Fraction(power)}))
    assert all_go(rule, runs) is right
    assert runs


def test_coordinates_that_stay_in_place_are_noticed() -> None:
    rule = find_rule("adam")
    runs = exchanged(rule)
    assert all_go(rule, runs)
    for run in runs:
        assert goes_wrong(rule, [replace(run, coordinate=1 - run.coordinate)])


def test_a_rule_that_does_not_turn_is_noticed() -> None:
    assert all_go(find_rule("momentum"), turned(find_rule("momentum")))
    assert goes_wrong(find_rule("sign_sgd"), turned(find_rule("sign_sgd")))


def test_both_numbers_of_a_run_that_breaks_a_symmetry_are_seen() -> None:
    rule = find_rule("gradient_descent")
    [scaled] = [d for d in invariances(rule) if d.title == "Scaling of the gradients"]
    plain, moved = scaled.experiments[:2]
    assert all_go(rule, [plain, moved])
    assert goes_wrong(rule, [replace(plain, foretold=moved.foretold)])
    assert goes_wrong(rule, [replace(moved, foretold=plain.foretold)])


def test_where_the_turned_run_ought_to_end_it_does_not() -> None:
    rule = find_rule("adam")
    found = parted(rule)
    assert found is not None
    assert all_go(rule, apart_when_turned(found))
    elsewhere = apart_when_turned(found)[0]
    ends = dict.fromkeys(elsewhere.foretold, float(found.replayed.sides[1].decimal or 0))
    assert goes_wrong(rule, [replace(elsewhere, foretold=ends)])
