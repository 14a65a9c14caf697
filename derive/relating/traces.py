"""A map guessed from runs: a state of one rule that always holds the same multiple of a state of the other.

Both rules run side by side on a few rationals of no special kind. Where the values of two states keep
a ratio that is a number, or a product of hyperparameters and their complements, the ratio is the map.
Runs prove nothing; what they suggest is proved like any other map. It needs no algebra of the steps, and
so finds what is renamed or rescaled under roots, signs and branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from derive.evaluate import exact, unrolled
from derive.expr import Expr, Number, Symbol, symbols
from derive.ops import Inexact, Undefined
from derive.proving.runs import evaluated
from derive.relating.ansatz import relevant
from derive.relating.solving import Maps
from derive.rule import Domain, Rule

RUNS = 2
GRADIENTS = tuple(map(Fraction, ("7/5", "-3/7", "11/13", "5/3")))
START = Fraction(-17, 11)
LARGEST_RULE = 400  # assignments; a run of more takes longer than it is worth
Trace = Sequence[Any]


def map_by_runs(a: Rule, b: Rule, hyperparameters: Mapping[str, Expr]) -> Maps | None:
    """The states of b as multiples of those of a, where runs suggest such a map for every one that matters."""
    if symbols(*hyperparameters.values()) - {*a.hyperparameter_names} or len(a.body) + len(b.body) > LARGEST_RULE:
        return None
    settings = [_setting(a, index) for index in range(RUNS)]
    runs = [_both(a, b, hyperparameters, setting) for setting in settings]
    if any(run is None for run in runs):
        return None
    states: dict[str, Expr] = {}
    for name in relevant(b):
        ratio = _multiple(name, a, settings, [run for run in runs if run is not None])
        if ratio is None:
            return None
        states[name] = ratio
    return Maps(states, hyperparameters)


def _setting(rule: Rule, run: int) -> dict[str, Fraction]:
    """A value for each hyperparameter, all different."""
    return {h.name: _inside(h.domain, Fraction(3 * index + 2 * run + 2, 7 * index + 31))
            for index, h in enumerate(rule.hyperparameters)}  # fmt: skip


def _inside(domain: Domain, share: Fraction) -> Fraction:
    if domain.low is not None and domain.high is not None:
        return domain.low + (domain.high - domain.low) * share
    if domain.low is None and domain.high is not None:
        return domain.high - share
    return (domain.low or Fraction(0)) + share


def _both(
    a: Rule, b: Rule, hyperparameters: Mapping[str, Expr], setting: Mapping[str, Fraction]
) -> tuple[dict[str, Trace], dict[str, Trace]] | None:
    """What every state holds after each step of a run, in a and in b."""
    his = dict(zip(hyperparameters, exact(hyperparameters.values(), setting), strict=True))
    if not all(isinstance(v, Fraction) and v in b.domains[n] for n, v in his.items()):
        return None
    numbers = {n: v for n, v in his.items() if isinstance(v, Fraction)}
    return _traces(a, setting), _traces(b, numbers)


def _traces(rule: Rule, setting: Mapping[str, Fraction]) -> dict[str, Trace]:
    steps = unrolled(rule, setting, START, GRADIENTS)
    names = [*(() if rule.is_average else ("theta",)), *rule.state_names]
    return {name: evaluated([step[name] for step in steps]) for name in names}


def _multiple(
    name: str, a: Rule, settings: Sequence[Mapping[str, Fraction]], runs: Sequence[tuple[Mapping[str, Trace], ...]]
) -> Expr | None:
    """A multiple of a state of a that is `name` of b in every run; itself, where it is."""
    own = [name] if name in runs[0][0] else []
    for other in (*own, *(n for n in runs[0][0] if n not in own)):
        for factor in _factors(a):
            scales = [exact([factor], setting)[0] for setting in settings]
            if all(_is_scaled(run[1][name], run[0][other], s) for run, s in zip(runs, scales, strict=True)):
                return Symbol(other) if factor is Number(1) else factor * Symbol(other)
    return None


def _factors(a: Rule) -> Iterator[Expr]:
    """Numbers and hyperparameters first, then products of two."""
    numbers: list[Expr] = [Number(Fraction(n)) for n in ("1", "-1", "2", "1/2", "-2", "-1/2", "3", "1/3")]
    yield from numbers
    parts: list[Expr] = []
    for h in a.hyperparameters:
        parts += [Symbol(h.name), 1 / Symbol(h.name)]
        parts += [1 - Symbol(h.name), 1 / (1 - Symbol(h.name))] if h.domain.high == 1 else []
    for sign, part in product((1, -1), parts):
        yield part if sign == 1 else -part
    for index, one in enumerate(parts):
        yield from (one * other for other in parts[index:])


def _is_scaled(his: Trace, mine: Trace, scale: Any) -> bool:
    return isinstance(scale, Fraction) and all(_agree(x, y, scale) for x, y in zip(his, mine, strict=True))


def _agree(his: Any, mine: Any, scale: Fraction) -> bool:
    """Whether one value may be the other times the scale."""
    if isinstance(his, Undefined | Inexact) or isinstance(mine, Undefined | Inexact):
        return isinstance(his, Undefined) and isinstance(mine, Undefined)
    if isinstance(his, Fraction) and isinstance(mine, Fraction):
        return his == mine * scale
    from flint import arb, fmpq

    def ball(value: Any) -> Any:
        return arb(fmpq(value.numerator, value.denominator)) if isinstance(value, Fraction) else value

    return bool(ball(his).overlaps(ball(mine) * ball(scale)))
