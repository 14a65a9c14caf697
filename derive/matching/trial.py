"""Whether a text agrees with a rule on a few runs: what is not put to the prover."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from derive.matching.correspondence import Correspondence, numbers, probes
from derive.matching.runs import COARSE, FINE, SMALL, Stream, TooLong, agrees, seen
from derive.rule import Rule

Bound = tuple[tuple[str, Fraction], ...]
Wanted = tuple[dict[str, float], Stream, tuple[float, ...]]


@dataclass
class Trial:
    """Runs of a rule to compare readings of a text with; each is made once."""

    rule: Rule
    fine: bool  # whether there are numbers so small that only small gradients show them
    made: dict[Bound, list[Wanted]] = field(default_factory=dict)
    inert: dict[Bound, bool] = field(default_factory=dict)

    def agrees(self, text: Rule, way: Correspondence) -> bool:
        """Whether the text does what the rule does, up to rounding."""
        try:
            return all(agrees(text, way.values(values), stream, his) for values, stream, his in self._wanted(way))
        except TooLong:
            return False

    def is_inert(self, way: Correspondence) -> bool:
        """Whether gradients have no effect on the rule so: with a learning rate of zero anything is anything."""
        if not way.bound:
            return False
        bound = tuple(way.bound.items())
        if bound not in self.inert:
            other = Stream(COARSE.theta, tuple(g / 2 + 1 for g in COARSE.gradients))
            values, _, his = self._wanted(way)[0]
            self.inert[bound] = his == seen(self.rule, values, other)
        return self.inert[bound]

    def _wanted(self, way: Correspondence) -> list[Wanted]:
        bound = tuple(way.bound.items())
        if bound not in self.made:
            settings = [way.rule_values(probe) for probe in probes(self.rule)]
            streams = (COARSE, FINE) if self.fine or any(0 < abs(v) < SMALL for _, v in bound) else (COARSE,)
            runs = ((v, s, seen(self.rule, v, s)) for s, v in product(streams, settings))
            self.made[bound] = list(runs)
        return self.made[bound]


def trial(text: Rule, rule: Rule) -> Trial:
    """The runs for readings of this text."""
    return Trial(rule, any(0 < abs(v) < SMALL for v in (*numbers(text), *numbers(rule))))
