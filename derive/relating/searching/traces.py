"""A map guessed from runs: a state of one rule that always holds the same multiple of a state of the other.

Both rules run side by side on a few rationals of no special kind. Where the values of two states keep
a ratio that is a number, or a product of hyperparameters and their complements, the ratio is the map; or
where a state only counts, as a power that is kept does. Runs prove nothing; what they suggest is proved like
any other map. It needs no algebra of the steps, and so finds what is renamed or rescaled under branches.
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
from derive.relating.searching.ansatz import relevant
from derive.relating.searching.solving import Maps
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
    mine, his = ([run[side] for run in runs if run is not None] for side in (0, 1))
    states: dict[str, Expr] = {}
    for name in relevant(b):
        found = _multiple(name, [trace[name] for trace in his], a, settings, mine)
        if found is None:
            return None
        states[name] = found
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
    name: str, wanted: Sequence[Trace], a: Rule, settings: Sequence[Mapping[str, Fraction]],
    mine: Sequence[Mapping[str, Trace]],
) -> Expr | None:  # fmt: skip
    """A multiple of a state of a (the one of the same name first), or of what counts, that has these traces."""
    own = [name] if name in mine[0] else []
    sources = [(Symbol(n), [trace[n] for trace in mine]) for n in (*own, *(n for n in mine[0] if n not in own))]
    counting: list[tuple[Expr, list[Trace]]] = [(e, [_counted(e, s) for s in settings]) for e in _counters(a)]
    scales = [(factor, [exact([factor], setting)[0] for setting in settings]) for factor in _factors(a)]
    for source, traces in (*sources, *counting):
        for factor, values in scales:
            if all(map(_is_scaled, wanted, traces, values)):
                return source if factor is Number(1) else -source if factor is Number(-1) else factor * source
    return None


def _counters(a: Rule) -> Iterator[Expr]:
    """What changes with t alone, before step t: nothing, a count, and powers of the decays."""
    before = Symbol("t") - 1
    yield from (Number(1), before, Symbol("t"))
    yield from (Symbol(h.name) ** before for h in a.hyperparameters if h.domain.high == 1 and h.domain.low == 0)


def _counted(e: Expr, setting: Mapping[str, Fraction]) -> Trace:
    """Its values before the steps that follow each step of a run."""
    return [exact([e], {**setting, "t": Fraction(step)})[0] for step in range(2, len(GRADIENTS) + 2)]


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
