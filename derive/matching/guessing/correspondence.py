"""Which name or number of a text is which hyperparameter of a rule: every way it could be, likeliest first.

A hyperparameter of the rule is a name of the text, one minus a name (a text may call the other share
its rate), or a number that stands in the text. What is left over on either side is held at a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from heapq import heappop, heappush
from itertools import combinations, cycle, islice, product

from derive.expr import Apply, Number, nodes, symbols
from derive.matching.guessing.names import distance
from derive.rule import DECAY, UNIT, Domain, Rule

MOST = 1_000  # ways looked at for one text and rule
WAYS = 720  # in which six names can be six others
FEW = 24
NEUTRAL = (Fraction(0), Fraction(1))  # what a hyperparameter is held at that the other side has not


@dataclass(frozen=True)
class Correspondence:
    """`names`: hyperparameters of the rule as names of the text; those in `reflected` are one minus the name.

    `literals`: hyperparameters that are numbers of the text. `missing`: those of the rule that the
    text has not, and `extra`: those of the text that the rule has not, each with what it is held at.
    """

    names: Mapping[str, str]
    reflected: frozenset[str] = frozenset()
    literals: Mapping[str, Fraction] | None = None
    missing: Mapping[str, Fraction] | None = None
    extra: Mapping[str, Fraction] | None = None

    @cached_property
    def bound(self) -> dict[str, Fraction]:
        """The rule's hyperparameters that are numbers here."""
        return {**(self.literals or {}), **(self.missing or {})}

    def values(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """Values of the text's names where the rule's have those wanted."""
        found = {n: 1 - wanted[his] if his in self.reflected else wanted[his] for his, n in self.names.items()}
        return {**found, **{name: float(value) for name, value in (self.extra or {}).items()}}

    def rule_values(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """Values of all the rule's hyperparameters, numbers included."""
        return {**wanted, **{name: float(value) for name, value in self.bound.items()}}


# Distinct, and no sum, product or difference of a few of them is another. Each row weighs the terms otherwise,
# so that what a bound or a maximum hides with one of them shows with the next.
_SHARES = ((0.63, 0.817, 0.359, 0.727), (0.271, 0.9413, 0.583, 0.137), (0.8971, 0.4457, 0.7649, 0.911))
_SIZES = (
    (0.291, 0.0531, 0.413, 0.173, 0.671, 0.119),
    (0.91, 0.43, 0.0107, 0.23, 1.7, 0.061),
    (0.037, 2.3, 0.57, 0.0083, 0.11, 3.1),
)


def probes(rule: Rule) -> tuple[dict[str, float], ...]:
    """Values of the rule's hyperparameters, inside their domains, at which two rules seldom agree by accident."""
    return tuple(_probe(rule, *rows) for rows in zip(_SHARES, _SIZES, strict=True))


def _probe(rule: Rule, some_shares: tuple[float, ...], some_sizes: tuple[float, ...]) -> dict[str, float]:
    shares, sizes = cycle(some_shares), cycle(some_sizes)
    return {h.name: next(shares) if h.domain in (DECAY, UNIT) else next(sizes) for h in rule.hyperparameters}


@lru_cache(maxsize=1024)
def used(rule: Rule) -> tuple[str, ...]:
    """The hyperparameters a rule's step or start depends on, in their order."""
    values = [*rule.step.values(), *(s.initial for s in rule.states), *([rule.query] if rule.query is not None else [])]
    return tuple(n for n in rule.hyperparameter_names if n in symbols(*values))


@lru_cache(maxsize=1024)
def numbers(rule: Rule) -> tuple[Fraction, ...]:
    """The numbers that stand in a rule, without their signs, and one minus each: what a hyperparameter may have been
    written as."""
    roots = [a.value for a in rule.body] + ([rule.query] if rule.query is not None else [])
    exponents = {n.args[1] for n in nodes(roots) if isinstance(n, Apply) and n.op == "pow"}
    found = [n.value for n in nodes(roots) if isinstance(n, Number) and n not in exponents]
    found += [-v for v in found if v < 0]
    found += [1 - v for v in found if 0 < v < 1] + [Fraction(1)]
    return tuple(dict.fromkeys(found))


def correspondences(
    text: Rule, rule: Rule, given: Mapping[str, str], *, far_fetched: bool = True
) -> Iterator[Correspondence]:
    """Every way the text can be the whole rule, or the rule with some numbers in it; likeliest names first.

    `given` are hyperparameters of the rule and the text's names for them. Far-fetched ways have one
    minus a name, or the number 1, for a hyperparameter.
    """
    for way in _ordered(_plain_ways(text, rule, used(text), given), text, rule):
        if far_fetched or 1 not in way.bound.values():
            yield way
    if far_fetched:
        yield from _ordered(_reflected_ways(text, rule, given), text, rule)


def with_conditions(text: Rule, rule: Rule, given: Mapping[str, str]) -> Iterator[Correspondence]:
    """The ways in which something is left over on one side, held at 0 or 1; fewest left over first."""
    mine, his = used(text), rule.hyperparameter_names
    for left in range(1, len(mine) + len(his) + 1):
        ways: list[Correspondence] = []
        for extra in range(min(left, len(mine)) + 1):
            if len(mine) - extra == len(his) - (left - extra):
                ways += _held(mine, rule.domains, his, extra, left - extra, given)
        yield from _ordered(ways, text, rule)


def _held(
    mine: Sequence[str],
    domains: Mapping[str, Domain],
    his: Sequence[str],
    extra: int,
    missing: int,
    given: Mapping[str, str],
) -> list[Correspondence]:
    found = []
    for outside, left_out in product(combinations(mine, extra), combinations(his, missing)):
        if any(distance(n, h) <= 1 for n, h in product(outside, left_out)):
            continue  # these two are rather one
        free = [h for h in his if h not in left_out]
        rest = [n for n in mine if n not in outside]
        for names in islice(_bijections(rest, free, given), FEW):
            for values in product(NEUTRAL, repeat=extra + missing):
                held = dict(zip((*outside, *left_out), values, strict=True))
                if any(held[n] not in domains[n] for n in left_out):
                    continue
                found.append(Correspondence(
                    names, missing={n: held[n] for n in left_out}, extra={n: held[n] for n in outside}
                ))  # fmt: skip
        if len(found) > MOST:
            break
    return found


def _plain_ways(text: Rule, rule: Rule, mine: Sequence[str], given: Mapping[str, str]) -> Iterator[Correspondence]:
    """Every name of the text is a hyperparameter; the rule's other ones are numbers of the text."""
    his = rule.hyperparameter_names
    if len(mine) > len(his):
        return
    for free in combinations(his, len(mine)):
        literal = [h for h in his if h not in free]
        named = list(islice(_bijections(mine, free, given), WAYS))
        for bound in islice(_literals(text, rule, literal), MOST):
            for names in named:
                yield Correspondence(names, literals=bound)


def _literals(text: Rule, rule: Rule, names: Sequence[str]) -> Iterator[dict[str, Fraction]]:
    allowed = [[v for v in numbers(text) if v in rule.domains[n] and v != 0] for n in names]
    ordered = [
        sorted(values, key=lambda v: v != rule.defaults.get(n)) for n, values in zip(names, allowed, strict=True)
    ]
    return (dict(zip(names, values, strict=True)) for values in product(*ordered))


def _reflected_ways(text: Rule, rule: Rule, given: Mapping[str, str]) -> Iterator[Correspondence]:
    shares = [h.name for h in rule.hyperparameters if h.domain in (DECAY, UNIT)]
    for way in islice(_plain_ways(text, rule, used(text), given), MOST):
        here = [h for h in shares if h in way.names]
        for count in range(1, len(here) + 1):
            for turned in combinations(here, count):
                yield Correspondence(way.names, frozenset(turned), way.literals)


def _bijections(mine: Sequence[str], his: Sequence[str], given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Every way to give the rule's names to those of the text, the likeliest names first."""
    open_ways: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]
    settled = {name: other for other, name in given.items()}
    made = 0
    while open_ways:
        cost, _, chosen = heappop(open_ways)
        if len(chosen) == len(his):
            yield dict(zip(his, chosen, strict=True))
            continue
        name = his[len(chosen)]
        for other in mine:
            if other not in chosen and given.get(name, other) == other and settled.get(other, name) == name:
                made += 1
                heappush(open_ways, (cost + distance(other, name), made, (*chosen, other)))


def _ordered(ways: Iterable[Correspondence], text: Rule, rule: Rule) -> list[Correspondence]:
    mine, his = text.defaults, rule.defaults
    return sorted(islice(ways, MOST), key=lambda way: unlikely(way, mine, his))


def unlikely(way: Correspondence, mine: Mapping[str, Fraction], his: Mapping[str, Fraction]) -> int:
    """How unlike the names, the numbers and the defaults are that this way takes for the same."""
    total = sum(distance(name, h) for h, name in way.names.items()) + 3 * len(way.reflected)
    total += sum(his.get(name) != value for name, value in (way.literals or {}).items())
    total += sum(3 if value else 2 for held in (way.missing, way.extra) for value in (held or {}).values())
    return 2 * total + sum(n in mine and h in his and mine[n] != his[h] for h, n in way.names.items())


def guesses(text: Rule, rule: Rule, given: Mapping[str, str]) -> list[Correspondence]:
    """Ways to begin with where the text may have a fault: names as alike as can be, what is left over held anywhere.

    Unused names of the text count too: the fault may be that they are not used.
    """
    mine, his = text.hyperparameter_names, rule.hyperparameter_names
    size = min(len(mine), len(his))
    found: list[Correspondence] = []
    for chosen in combinations(mine, size):
        outside = {n: Fraction(17, 31) for n in mine if n not in chosen}
        for free in combinations(his, size):
            if any((h in free) is not (n in chosen) for h, n in given.items()):
                continue
            rest = [h for h in his if h not in free]
            for bound in [*islice(_literals(text, rule, rest), 60), *([{}] if rest else [])]:
                left = {h: h for h in rest if h not in bound}
                found += [
                    Correspondence({**names, **_new(left, text)}, literals=bound, extra=outside)
                    for names in islice(_bijections(chosen, free, given), FEW)
                ]
            if len(found) > MOST:
                return _ordered(found, text, rule)
    return _ordered(found, text, rule)


def _new(left: Mapping[str, str], text: Rule) -> dict[str, str]:
    """Names for hyperparameters that the text has no name for."""
    taken = {*text.hyperparameter_names, *text.state_names, *(a.target for a in text.body)}
    return {h: n if n not in taken else f"{n}_" for h, n in left.items()}
