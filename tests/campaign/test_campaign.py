"""The prover against rewritings that must be proved, and mutants of which no wrong one may be.

Small by default; `python -m pytest tests/campaign --mutants 10000 -n 0 -s` runs it large and
prints the figures.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from derive.expr import Number, Symbol, apply
from derive.library import LIBRARY
from derive.proving import Assumptions, identity
from derive.relating import prove
from derive.rule import Assignment, Rule
from tests.campaign.confirming import contradiction
from tests.campaign.pairs import Pair, equal_pairs, mutated_pairs
from tests.campaign.running import HEAD, Figures, run
from tests.mutation import random_mutant
from tests.sample import SAMPLE

LEAST_PROVED = 0.95
MOST_UNKNOWN = 0.03
MEDIAN_SECONDS, LONGEST_SECONDS = 0.05, 10.0
ENOUGH_TO_MEASURE = 500


@pytest.fixture(scope="module")
def rewritings(size: int, seed: int) -> Figures:
    return run(equal_pairs(max(1, size // 3), Random(seed)), seed)


@pytest.fixture(scope="module")
def mutants(size: int, seed: int) -> Figures:
    return run(mutated_pairs(size, Random(seed)), seed)


def test_no_contradiction(rewritings: Figures, mutants: Figures) -> None:
    print("", HEAD, rewritings.row("rewritings"), mutants.row("mutants"), sep="\n")
    for figures in (rewritings, mutants):
        for line in figures.open_pairs[:20]:
            print(line)
    assert rewritings.contradictions + mutants.contradictions == []


def test_rewritings_are_proved(rewritings: Figures) -> None:
    assert rewritings.share("proved") >= LEAST_PROVED, rewritings.open_pairs


def test_few_are_left_open(rewritings: Figures, mutants: Figures) -> None:
    unknown = rewritings.verdicts["unknown"] + mutants.verdicts["unknown"]
    assert unknown <= max(1, MOST_UNKNOWN * (rewritings.total + mutants.total))


def test_mutants_are_mostly_caught(mutants: Figures) -> None:
    """Of a campaign whose mutants are mostly proved nothing would be learned."""
    assert mutants.share("refuted") + mutants.share("conditional") > 0.6


def test_none_takes_long(rewritings: Figures, mutants: Figures) -> None:
    seconds = sorted(rewritings.seconds + mutants.seconds)
    assert seconds[-1] < LONGEST_SECONDS
    if len(seconds) >= ENOUGH_TO_MEASURE:
        assert seconds[len(seconds) // 2] < MEDIAN_SECONDS


@pytest.mark.parametrize("rule", SAMPLE, ids=lambda rule: rule.name)
def test_the_campaign_would_notice(rule: Rule) -> None:
    """A mutant that is refuted, passed off as equal by construction, is a contradiction."""
    random = Random(3)
    for _ in range(40):
        what, mutant = random_mutant(rule, random)
        verdict = prove(rule, mutant) if mutant.is_average == rule.is_average else None
        if verdict is not None and verdict.status == "refuted":
            assert contradiction(Pair(rule, mutant, (what,), is_equal=True), verdict, random, None)
            return
    raise AssertionError("no mutant of this rule is refuted")


def test_a_map_without_a_value_in_the_other_rule_s_hyperparameters() -> None:
    """Found by the campaign: a linear branch whose map divides by zero once it is written the other way round."""
    [nesterov] = [rule for rule in LIBRARY if rule.name == "nesterov"]
    theta, g, v, beta, lr = map(Symbol, ("theta", "g", "v", "beta", "lr"))
    body = (Assignment("v", beta * v + lr * g), Assignment("theta", theta - g))
    assert prove(nesterov, replace(nesterov, body=body)).status != "proved"
    assert prove(replace(nesterov, body=body), nesterov).status != "proved"


def test_the_same_campaign_twice() -> None:
    first, second = (list(map(str, mutated_pairs(20, Random(5)))) for _ in range(2))
    assert first == second


def test_unknown_is_rare_even_where_formulas_branch() -> None:
    """Branches on the size of a quantity, as clipping has them."""
    g, bound = Symbol("g"), Symbol("bound")
    clipped = apply("min", apply("max", g, -bound), bound)
    by_cases = apply("where", apply("gt", apply("abs", g), bound), apply("sign", g) * bound, g)
    assert not identity([(clipped, by_cases)], Assumptions())
    assert identity([(clipped + 0 * Number(1), apply("max", -bound, apply("min", g, bound)))],
                    Assumptions({"bound": LIBRARY[2].hyperparameters[0].domain}))  # fmt: skip
