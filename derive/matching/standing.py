"""Names that stand for something else: what a proof takes a hyperparameter for that the rule calls the same."""

from __future__ import annotations

import re

from derive.matching.guessing.correspondence import Correspondence, used
from derive.matching.guessing.names import recognised
from derive.proving.verdict import Verdict
from derive.rule import Rule

SWAPPED = re.compile(r"B\.(\w+) is A\.(\w+)")  # a warning of the prover


def meanings(verdict: Verdict, rule: Rule) -> dict[str, str]:
    """The rule's hyperparameters that the proof makes of others, with what it makes them of."""
    there = {name.removeprefix("B."): value for name, value in verdict.maps.items()}
    return {his: there[his] for his in rule.hyperparameter_names if there.get(his, f"A.{his}") != f"A.{his}"}


def crossed(text: Rule, rule: Rule, way: Correspondence) -> frozenset[str]:
    """The rule's hyperparameters that are taken for another name of the text than the one called like them, or for
    its rest."""
    mine = [n for n in text.hyperparameter_names if n in used(text)]
    like = recognised(mine, rule.hyperparameter_names)
    return frozenset(h for h, n in like.items() if way.names.get(h) != n or (h in way.reflected and h == n))
