"""Whether a text agrees with a rule on a few runs: what is not put to the prover."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product

from derive.matching.guessing.correspondence import Correspondence, numbers, probes
from derive.matching.guessing.runs import COARSE, FINE, SMALL, Runs, Stream, TooLong, agrees, seen
from derive.rule import Rule


@dataclass(frozen=True)
class Trial:
    """Runs of a rule to compare readings of a text with."""

    runs: Runs
    fine: bool  # whether there are numbers so small that only small gradients show them
    inert: dict[tuple[tuple[str, Fraction], ...], bool] = field(default_factory=dict)

    @property
    def rule(self) -> Rule:
        return self.runs.rule

    def agrees(self, text: Runs, way: Correspondence) -> bool:
        """Whether the text does what the rule does, up to rounding. The first run tells most texts from it."""
        streams = (COARSE, FINE) if self.fine or any(0 < abs(v) < SMALL for v in way.bound.values()) else (COARSE,)
        try:
            return all(
                agrees(
                    text.seen(way.values(values), stream), self.runs.seen(way.rule_values(values), stream), stream.theta
                )
                for stream, values in product(streams, self._probes)
            )
        except TooLong:
            return False

    def is_inert(self, way: Correspondence) -> bool:
        """Whether gradients have no effect on the rule so: with a learning rate of zero anything is anything."""
        if not way.bound:
            return False
        bound = tuple(way.bound.items())
        if bound not in self.inert:
            other = Stream(COARSE.theta, tuple(g / 2 + 1 for g in COARSE.gradients))
            values = way.rule_values(self._probes[0])
            self.inert[bound] = seen(self.rule, values, COARSE) == seen(self.rule, values, other)
        return self.inert[bound]

    @cached_property
    def _probes(self) -> tuple[dict[str, float], ...]:
        return probes(self.rule)


def trial(text: Rule, rule: Rule) -> Trial:
    """The runs for readings of this text."""
    return _trial(rule, any(0 < abs(v) < SMALL for v in (*numbers(text), *numbers(rule))))


@lru_cache(maxsize=8)
def _trial(rule: Rule, fine: bool) -> Trial:
    """One for all readings: each has the same runs of the rule to agree with."""
    return Trial(Runs(rule), fine)
