"""What evidence about two rules is evidence of, as data: with it the evidence says in words all that an answer says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from derive.errors import UserError
from derive.expr import Expr
from derive.relating.maps import bind_sides, refuse_condition
from derive.rule import Domain, Rule
from derive.transforms import repeated

NAME = re.compile(r"[^\W\d]\w*")  # no room for a sentence


@dataclass(frozen=True)
class Claim:
    """Two rules as they were asked about, and how those of the evidence are made from them.

    `condition` was set beforehand, by bare names on both sides or as "a.NAME" and "b.NAME". `hyperparameters`
    gives those of `b` that are not those of `a` by the same name: numbers that stand in `a`, names of `a`, and
    for a run any formula. `shift` k: `b` asks at step t + k what `a` asks at step t; below zero `a` asks later.
    `degenerate` are the conditions, in words, under which gradients play no part.
    """

    a: Rule
    b: Rule
    condition: Mapping[str, Expr] = field(default_factory=dict)
    hyperparameters: Mapping[str, Expr] = field(default_factory=dict)
    shift: int = 0
    degenerate: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[Rule, Rule]:
        """The two under the condition, one of them several steps at once where the other asks for more gradients."""
        return as_often(*bind_sides(self.condition, self.a, self.b))


def as_often(a: Rule, b: Rule) -> tuple[Rule, Rule]:
    """The two with one of them repeated, where it asks for fewer gradients in a step."""
    few, many = sorted((len(a.questions), len(b.questions)))
    if few == many:
        return a, b
    if not few or many % few:
        what = f"{a.name} asks for {len(a.questions)} gradients in a step, {b.name} for {len(b.questions)}"
        raise UserError(what, fix="compare rules of which one asks a whole number of times as often")
    return (repeated(a, many // few), b) if len(a.questions) == few else (a, repeated(b, many // few))


def refuse_claim(claim: Claim) -> None:
    """Raise UserError for a claim that `prove` would not look into: in a document nothing is taken for granted."""
    if claim.a.is_average is not claim.b.is_average:
        raise UserError("an average and an update rule are not comparable")
    for rule in (claim.a, claim.b):
        for name in (rule.name, *rule.state_names, *rule.hyperparameter_names):
            if not NAME.fullmatch(name):
                raise UserError(f"{name!r} is no name")
        for h in rule.hyperparameters:
            if _is_empty(h.domain):
                raise UserError(f"{h.name} can have no value")
    refuse_condition(claim.condition, claim.a, claim.b)


def _is_empty(domain: Domain) -> bool:
    """Whether no number lies in the domain: of all of them anything is true."""
    low, high = domain.low, domain.high
    if low is None or high is None:
        return False
    if domain.whole:
        return not any(Fraction(n) in domain for n in (ceil(low), floor(low) + 1))
    return low > high or (low == high and low not in domain)
