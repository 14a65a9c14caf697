"""Whether the runs that are foretold go so, stepped in floats."""

from __future__ import annotations

from collections.abc import Sequence

from derive.deriving.experiment import Experiment
from derive.rule import Rule
from tests.odd_rules import goes_as_foretold


def all_go(rule: Rule, experiments: Sequence[Experiment]) -> bool:
    """Whether there are some, and all go as foretold."""
    return bool(experiments) and all(goes_as_foretold(rule, experiment) for experiment in experiments)


def goes_wrong(rule: Rule, experiments: Sequence[Experiment]) -> bool:
    """Whether there are some, and one does not go as foretold."""
    return bool(experiments) and not all_go(rule, experiments)
