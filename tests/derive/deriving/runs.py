"""Whether the runs that are foretold go so, stepped in floats."""

from __future__ import annotations

from collections.abc import Sequence

from derive.deriving.experiment import Experiment
from derive.rule import Rule
from tests.odd_rules import observed

LEAST = 1e-9  # of the tolerance: floats of another order of operations


def as_foretold(rule: Rule, experiment: Experiment) -> bool:
    seen = observed(rule, experiment)
    for t, number in experiment.foretold.items():
        slack = max(experiment.tolerance, LEAST if experiment.relation == "=" else 0.0) * max(1.0, abs(number))
        below, above = seen[t] <= number + slack, seen[t] >= number - slack
        if not {"=": below and above, "≤": below, "≥": above}[experiment.relation]:
            return False
    return True


def all_go(rule: Rule, experiments: Sequence[Experiment]) -> bool:
    """Whether there are some, and all go as foretold."""
    return bool(experiments) and all(as_foretold(rule, experiment) for experiment in experiments)


def goes_wrong(rule: Rule, experiments: Sequence[Experiment]) -> bool:
    """Whether there are some, and one does not go as foretold."""
    return bool(experiments) and not all_go(rule, experiments)
