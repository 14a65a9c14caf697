"""Whether a text agrees with a rule on a few runs: what is not put to the prover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product

from derive.matching.guessing.correspondence import Correspondence, numbers, probes
from derive.matching.guessing.runs import COARSE, FINE, SMALL, Stream, TooLong, agrees, seen
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
            values, _, his = next(self._wanted(way))
            self.inert[bound] = his == seen(self.rule, values, other)
        return self.inert[bound]

    def _wanted(self, way: Correspondence) -> Iterator[Wanted]:
        """The runs, made as they are asked for: the first one tells most texts from the rule."""
        bound = tuple(way.bound.items())
        made = self.made.setdefault(bound, [])
        streams = (COARSE, FINE) if self.fine or any(0 < abs(v) < SMALL for _, v in bound) else (COARSE,)
        for index, (stream, probe) in enumerate(product(streams, self._probes)):
            if index == len(made):
                values = way.rule_values(probe)
                made.append((values, stream, seen(self.rule, values, stream)))
            yield made[index]

    @cached_property
    def _probes(self) -> tuple[dict[str, float], ...]:
        return probes(self.rule)


def trial(text: Rule, rule: Rule) -> Trial:
    """The runs for readings of this text."""
    return _trial(rule, any(0 < abs(v) < SMALL for v in (*numbers(text), *numbers(rule))))


@lru_cache(maxsize=32)
def _trial(rule: Rule, fine: bool) -> Trial:
    """One for all readings: each has the same runs of the rule to agree with."""
    return Trial(rule, fine)
