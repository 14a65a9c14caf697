"""The questions of a campaign: rules against rewritings of them, and against mutants of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from derive.library import LIBRARY
from derive.rule import Rule
from tests.mutation import random_mutant
from tests.rewriting import rewritten
from tests.zoo import NAMES, construct

RULES: tuple[Rule, ...] = (*LIBRARY, *map(construct, NAMES))
LONGEST_REWRITING = 8


@dataclass(frozen=True)
class Pair:
    """A rule and what was made of it; `is_equal` where that cannot have changed it."""

    rule: Rule
    other: Rule
    how: tuple[str, ...]
    is_equal: bool

    def __str__(self) -> str:
        lines = "\n".join(f"    {assignment}" for assignment in self.other.body)
        starts = ", ".join(f"{s.name} = {s.initial}" for s in self.other.states)
        return f"{self.rule.name}: {'; '.join(self.how)}\n    start: {starts}\n{lines}"


def equal_pairs(count: int, random: Random) -> Iterator[Pair]:
    """Each rule in turn, with an equivalent rewriting of it."""
    for index in range(count):
        rule = RULES[index % len(RULES)]
        how, other = rewritten(rule, random, random.randint(1, LONGEST_REWRITING))
        yield Pair(rule, other, how, is_equal=True)


def mutated_pairs(count: int, random: Random) -> Iterator[Pair]:
    """Each rule in turn, with a mutant of it or of a rewriting of it."""
    for index in range(count):
        rule = RULES[index % len(RULES)]
        how, other = (
            rewritten(rule, random, random.randint(1, LONGEST_REWRITING)) if random.random() < 0.5 else ((), rule)
        )
        what, mutant = random_mutant(other, random)
        yield Pair(rule, mutant, (*how, f"mutant: {what}"), is_equal=False)
