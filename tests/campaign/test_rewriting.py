"""The rewritings themselves, by numbers alone: what they make is what was there, and where it is defined."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from derive.evaluate import exact
from derive.expr import Apply, Symbol, apply
from derive.ops import Inexact, Undefined
from derive.proving.replay import NotConfirmed, Replayed, Separation
from derive.rule import Rule
from tests.campaign.confirming import drawn
from tests.campaign.pairs import RULES
from tests.rewriting import OF_RULES, rewritten

CHANGES = {change.__name__.strip("_"): change for change in OF_RULES}


def parts_somewhere(rule: Rule, other: Rule, random: Random, runs: int = 8) -> bool:
    """Whether some run from random rationals tells the two apart for certain."""
    for _ in range(runs):
        settings = {h.name: drawn(h.domain, random) for h in rule.hyperparameters}
        gradients = tuple(Fraction(random.randint(-9, 9), random.randint(1, 4)) for _ in range(3))
        try:
            Replayed(Separation(rule, other, settings, settings, Fraction(random.randint(-5, 5)), gradients))
        except NotConfirmed:
            continue
        return True
    return False


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_long_rewritings_run_alike(rule: Rule) -> None:
    random = Random(17)
    how, other = rewritten(rule, random, 12)
    assert how
    assert not parts_somewhere(rule, other, random), how


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_every_change_of_a_rule_is_made_somewhere_and_runs_alike(change: str) -> None:
    random, made = Random(5), 0
    for rule in RULES:
        found = next(filter(None, (CHANGES[change](rule, random) for _ in range(10))), None)
        if found is not None:
            made += 1
            assert not parts_somewhere(rule, found[1], random, runs=3), (rule.name, found[0])
    assert made >= 3


def test_the_runs_would_tell() -> None:
    """The checks above say no to a rule with one slip in it."""
    rules = {rule.name: rule for rule in RULES}
    assert parts_somewhere(rules["momentum"], rules["momentum_ema"], Random(1))


def test_formulas_keep_where_they_are_defined() -> None:
    """Rewritings of a formula with a root and a quotient, at points where one is undefined."""
    from tests.rewriting import OF_FORMULAS, Facts

    a, b = Symbol("theta"), Symbol("g")
    formulas = [a / b, a / apply("sqrt", b), apply("sqrt", a) / apply("sqrt", b), a / b + b / a,
                a - b, apply("max", a, b), apply("abs", a), apply("sign", b), a**3, apply("sqrt", a / b)]  # fmt: skip
    facts = Facts(RULES[2])
    for formula in formulas:
        assert isinstance(formula, Apply)
        for what, other in OF_FORMULAS[formula.op](formula, lambda: facts):
            for x in (-4, 0, 1, 4):
                for y in (-1, 0, 4):
                    values = {"theta": Fraction(x), "g": Fraction(y)}
                    one, two = exact([formula, other], values)
                    if not isinstance(one, Inexact) and not isinstance(two, Inexact):
                        assert isinstance(one, Undefined) is isinstance(two, Undefined), (what, values)
                        assert isinstance(one, Undefined) or one == two, (what, values)
