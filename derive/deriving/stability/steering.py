"""Runs on a quadratic that are steered for some steps: noise makes the first gradients what one wants.

So the states become those that the gradients wanted lead to; then the rule is left alone on the quadratic. Short
memories let that happen within some twelve steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from derive.deriving.experiment import decimals, plain_values
from derive.evaluate import QUERY, enclosed, unrolled
from derive.expr import Apply, Number, nodes, symbols
from derive.rule import DECAY, Rule

STEPS = 12  # not more: what rounding leaves may grow in them
SHORT = Fraction(1, 32)  # a decay of which the twelfth power is less than float64 can tell
SOON = Fraction(1000)  # a factor of an exponent with which powers are over at the first step
SETTLED = 1e-9
NOTHING = 1e-15


@dataclass(frozen=True)
class Steered:
    """The runs under the wanted gradients from 0 and from 1: queried points, and theta before and after the last step.

    Between these, and beyond, they are affine in the start. `states` are those after the last step but one and after
    the last, which do not depend on it.
    """

    values: Mapping[str, Fraction]
    wanted: Sequence[Fraction]
    queries: tuple[Sequence[float], Sequence[float]]
    ends: tuple[tuple[float, float], tuple[float, float]]
    states: tuple[Mapping[str, float], Mapping[str, float]]

    def last(self, start: float) -> tuple[float, float]:
        """theta after the last step but one and after the last, from that start."""
        (a, b), (c, d) = self.ends
        return a + (c - a) * start, b + (d - b) * start

    def noise(self, start: float, curvature: float, more: Sequence[float] = ()) -> tuple[Fraction, ...]:
        """What has to be added to the gradients of the quadratic; `more` comes after it."""
        points = (a + (b - a) * start for a, b in zip(*self.queries, strict=True))
        made = [float(g) - curvature * point for g, point in zip(self.wanted, points, strict=True)]
        return tuple(map(Fraction, (*made, *more)))


def steered(rule: Rule, values: Mapping[str, Fraction], wanted: Sequence[Fraction]) -> Steered | None:
    """The rule under the wanted gradients; None where something has no value.

    Where its states depend on the start, as under a coupled decay, nothing is known but the run from 0.
    """
    at_zero, at_one = (_simulated(rule, values, wanted, Fraction(start)) for start in (0, 1))
    if at_zero is None or at_one is None:
        return None
    if any(_differ(at_zero.states[1][n], at_one.states[1][n]) for n in rule.state_names):
        at_one = at_zero
    return Steered(values, wanted, (at_zero.queries, at_one.queries), (at_zero.ends, at_one.ends), at_zero.states)


class _Run(NamedTuple):
    queries: list[float]
    ends: tuple[float, float]
    states: tuple[dict[str, float], dict[str, float]]


def _simulated(rule: Rule, values: Mapping[str, Fraction], wanted: Sequence[Fraction], start: Fraction) -> _Run | None:
    run = unrolled(rule, values, start, wanted)
    before = [Number(start), *(step["theta"] for step in run)]
    asked = [step.get(QUERY, before[t]) for t, step in enumerate(run)]
    names = ("theta", *rule.state_names)
    values_of = decimals(dict(enumerate(enclosed([*asked, *(step[n] for step in run[-2:] for n in names)], {}))))
    if values_of is None:
        return None
    found = [*values_of.values()]
    queries, (one, *early), (two, *late) = found[: len(run)], found[len(run) : -len(names)], found[-len(names) :]
    states = dict(zip(names[1:], early, strict=True)), dict(zip(names[1:], late, strict=True))
    return _Run(queries, (one, two), states)


def _differ(a: float, b: float) -> bool:
    return abs(a - b) > SETTLED * max(abs(a), abs(b), NOTHING)


def centred(run: Steered) -> float | None:
    """The start from which the last step takes theta to the opposite; None where it leads there from none."""
    (a, b), (c, d) = run.ends
    slope = c - a + d - b
    return -(a + b) / slope if abs(slope) > SETTLED else None


def ending_at_zero(run: Steered) -> float | None:
    """The start from which theta is zero in the end, 0 where it may be; None where it is from none."""
    (_, b), (_, d) = run.ends
    if b == 0:
        return 0.0
    return -b / (d - b) if abs(d - b) > SETTLED else None


def has_settled(run: Steered, kept: Sequence[str]) -> bool:
    """Whether the last step has kept those states, and all others are zero or have changed their sign."""
    early, late = run.states
    return not any(_differ(early[n], late[n] if n in kept else -late[n]) for n in late if abs(late[n]) > NOTHING)


def alternating(size: Fraction = Fraction(1)) -> tuple[Fraction, ...]:
    """Gradients that change their sign at every step, an even number of them, the first one positive."""
    return (size, -size) * (STEPS // 2)


def lone(size: Fraction) -> tuple[Fraction, ...]:
    """A gradient after which all others are zero."""
    return (size, *(Fraction(0),) * (STEPS - 1))


def very_short_memories(rule: Rule) -> dict[str, Fraction]:
    """Plain values, but 1/32 for every decay, and such factors of exponents that powers are soon over."""
    exponents = {
        name
        for line in rule.body
        for node in nodes([line.value])
        if isinstance(node, Apply) and node.op == "pow" and "t" in symbols(node.args[1])
        for name in symbols(node.args[1])
    }
    found = plain_values(rule)
    for h in rule.hyperparameters:
        if h.domain == DECAY:
            found[h.name] = SHORT
        elif h.name in exponents and SOON in h.domain:
            found[h.name] = SOON
    return found
