"""Search for counterexamples: simple rationals first, deterministic, then made simpler still."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import TypeVar

from derive.algebra.facts import Assumptions
from derive.evaluate import exact
from derive.expr import Expr, nodes, symbols
from derive.proving.certificate import Pairs
from derive.proving.replay import NotConfirmed, Point, Replayed, Separation
from derive.rule import REAL, Domain, Rule

W = TypeVar("W", Point, Separation)

TRIES_AT_POINTS = 250
TRIES_ALONG_TRAJECTORIES = 120
STEPS = 4
NEAR = 100  # tries with simple gradients; after these large ones, and more of them: some rules clip, or wait
LONG = 8
LEAST_TRIES = 4
WORK = 60_000  # operations in all, for a try evaluates each of them a few times
SIMPLE = tuple(map(Fraction, ("1", "2", "-1", "1/2", "3", "-2", "1/4", "1/3", "0", "3/4", "-1/2", "4", "-3", "9/10")))
FAR = (*SIMPLE[:3], *map(Fraction, ("30", "-30", "100", "-100", "1000", "-1000")))


def separating_point(pairs: Pairs, assumptions: Assumptions) -> Replayed | None:
    """A confirmed point at which the two sides differ, or None where none was found."""
    names = sorted(symbols(*(side for pair in pairs for side in pair)))
    domains = {n: assumptions.domains.get(n, REAL) for n in names}
    most = _affordable(side for pair in pairs for side in pair)
    for values in points(domains, min(TRIES_AT_POINTS, most) if names else 1):
        found = _confirmed(Point(pairs, values, assumptions))
        if found is not None:
            return _simplest(found, lambda w: _simpler_points(w, domains), most)
    return None


def separating_trajectory(
    a: Rule,
    b: Rule,
    hyperparameters: Mapping[str, Expr],
    tries: int = TRIES_ALONG_TRAJECTORIES,
    scheduled: Collection[str] = (),
    *,
    simplest: bool = True,
) -> Replayed | None:
    """A confirmed run from the initial states on which the two rules part, or None.

    The hyperparameters of `b` follow by the map from those of `a`, and from its own where it has others:
    these are drawn like those of `a`. Those in `scheduled` are drawn anew at every step.
    """
    scheduled = changed_for(a, hyperparameters, scheduled)
    used = symbols(*hyperparameters.values())
    domains = {h.name: h.domain for h in b.hyperparameters if h.name in used}
    domains |= {h.name: h.domain for h in a.hyperparameters}
    if used - domains.keys():
        return None
    most = _affordable((*a.step.values(), *b.step.values()))
    for index, values in enumerate(points(domains, min(tries, most))):
        random = Random(index)
        answers, steps = (SIMPLE, STEPS) if index < NEAR else (FAR, LONG)
        gradients = tuple(random.choice(answers) for _ in range(steps))
        witness = _separation(a, b, hyperparameters, values, random.choice(SIMPLE), gradients)
        witness = witness and _with_schedule(witness, hyperparameters, scheduled, random)
        found = None if witness is None else _confirmed(witness)
        if found is not None:
            return _simplest(found, lambda w: _simpler_runs(w, hyperparameters, domains), most) if simplest else found
    return None


def changed_for(a: Rule, hyperparameters: Mapping[str, Expr], scheduled: Collection[str]) -> list[str]:
    """What has to change for these to: for the image of something of a, what no other one of b is the image of."""
    found = set[str]()
    for name in scheduled:
        value = hyperparameters.get(name)
        if name in a.hyperparameter_names or value is None:
            found.add(name)
            continue
        elsewhere = symbols(*(e for n, e in hyperparameters.items() if n != name))
        found |= (symbols(value) - elsewhere) or symbols(value)
    return sorted(found)


def _separation(
    a: Rule, b: Rule, hypers: Mapping[str, Expr], values: Mapping[str, Fraction], theta: Fraction,
    gradients: tuple[Fraction, ...],
) -> Separation | None:  # fmt: skip
    his: dict[str, Fraction] = {}
    for h, value in zip(b.hyperparameters, exact([hypers[h.name] for h in b.hyperparameters], values), strict=True):
        if not isinstance(value, Fraction) or value not in h.domain:
            return None
        his[h.name] = value
    return Separation(a, b, {n: values[n] for n in a.hyperparameter_names}, his, theta, gradients)


def _with_schedule(
    w: Separation, hypers: Mapping[str, Expr], scheduled: Collection[str], random: Random
) -> Separation | None:
    """The run with other values of the scheduled hyperparameters at the later steps, on both sides by the map."""
    if not scheduled:
        return w
    domains = {**w.b.domains, **w.a.domains}
    settings = {**w.hyperparameters_b, **w.hyperparameters_a}
    mine, his = list[Mapping[str, Fraction]](), list[Mapping[str, Fraction]]()
    for step in range(len(w.gradients) + 1):
        values = {n: random.choice([v for v in SIMPLE if v in domains[n]]) if step else settings[n] for n in scheduled}
        other = _separation(w.a, w.b, hypers, {**settings, **values}, w.theta, w.gradients)
        if other is None:
            return None
        mine.append({n: other.hyperparameters_a[n] for n in scheduled if n in other.hyperparameters_a})
        his.append(
            {n: other.hyperparameters_b[n] for n in other.hyperparameters_b if symbols(hypers[n]) & {*scheduled}}
        )
    return replace(w, schedule_a=tuple(mine), schedule_b=tuple(his))


def points(domains: Mapping[str, Domain], tries: int) -> Iterator[dict[str, Fraction]]:
    """Deterministic draws from the domains, simple values more often than others."""
    random = Random(1)
    allowed = {n: [v for v in SIMPLE if v in d] for n, d in domains.items()}
    for index in range(tries):
        yield {n: _drawn(random, domains[n], allowed[n], index) for n in domains}


def _drawn(random: Random, domain: Domain, simple: list[Fraction], index: int) -> Fraction:
    if simple and (domain.whole or random.random() < 0.8):
        return random.choice(simple[: 4 + index // 8])
    for _ in range(20):
        value = Fraction(random.randint(-40, 40), random.randint(1, 12))
        if value in domain:
            return value
    if simple:
        return random.choice(simple)
    low, high = domain.low, domain.high
    inner = (low + high) / 2 if low is not None and high is not None else low + 1 if low is not None else None
    outer = [end for end in (inner, low, high, None if high is None else high - 1) if end is not None and end in domain]
    return outer[0] if outer else Fraction(0)


def _confirmed(witness: Point | Separation) -> Replayed | None:
    try:
        return Replayed(witness)
    except NotConfirmed:
        return None


def _affordable(exprs: Iterable[Expr]) -> int:
    """How often what has so many operations is evaluated: a few times at least, and in bounded time."""
    return max(LEAST_TRIES, WORK // (1 + len(nodes(exprs))))


def _simplest(found: Replayed, simpler: Callable[[W], Iterator[W]], tries: int) -> Replayed:
    """Replace one value at a time by a simpler one while the difference stays; in so many tries."""
    improved = True
    while improved:
        improved = False
        for candidate in simpler(found.witness):  # type: ignore[arg-type]
            tries -= 1
            if tries < 0:
                return found
            better = _confirmed(candidate)
            if better is not None:
                found, improved = better, True
                break
    return found


def _rank(value: Fraction) -> tuple[int, int, bool]:
    """How hard a value is on a reader: 1 is simplest, then 2, -1, 1/2, ...; zero hides terms."""
    return (abs(value.numerator) + 2 * value.denominator + (8 if value == 0 else 0), value.denominator, value < 0)


def _simpler_values(value: Fraction, domain: Domain) -> list[Fraction]:
    return sorted((v for v in SIMPLE if v in domain and _rank(v) < _rank(value)), key=_rank)


def _simpler_points(w: Point, domains: Mapping[str, Domain]) -> Iterator[Point]:
    for name, value in w.values.items():
        for candidate in _simpler_values(value, domains[name]):
            yield replace(w, values={**w.values, name: candidate})


def _steadier_runs(w: Separation) -> Iterator[Separation]:
    """One scheduled value after another as it was a step before."""
    for index in range(1, len(w.schedule_a)):
        if w.schedule_a[index] != w.schedule_a[index - 1]:
            mine, his = list(w.schedule_a), list(w.schedule_b)
            mine[index], his[index] = mine[index - 1], his[index - 1]
            yield replace(w, schedule_a=tuple(mine), schedule_b=tuple(his))


def _simpler_runs(w: Separation, hypers: Mapping[str, Expr], domains: Mapping[str, Domain]) -> Iterator[Separation]:
    if len(w.gradients) > 1:
        yield replace(w, gradients=w.gradients[:-1])
    for index, gradient in enumerate(w.gradients):
        for value in _simpler_values(gradient, REAL):
            yield replace(w, gradients=(*w.gradients[:index], value, *w.gradients[index + 1 :]))
    for value in _simpler_values(w.theta, REAL):
        yield replace(w, theta=value)
    if w.schedule_a:
        yield from _steadier_runs(w)
        return
    drawn = {n: w.hyperparameters_b[n] for n in domains if n not in w.hyperparameters_a} | dict(w.hyperparameters_a)
    for name, old in drawn.items():
        for value in _simpler_values(old, domains[name]):
            made = _separation(w.a, w.b, hypers, {**drawn, name: value}, w.theta, w.gradients)
            if made is not None:
                yield made
