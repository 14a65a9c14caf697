"""Settings of the hyperparameters that make every difference between two rules vanish, read off its factors.

They are candidates and no more: each has to be proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions
from derive.algebra.normal import NoNormalForm, factored, generic_case, readable
from derive.algebra.polynomials import TooLarge, by_powers, factors, product, quotient
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.proving.identity import identity
from derive.proving.obligations import inside, point_after
from derive.relating.conditions.points import OTHER_VALUES, ZERO, certain, differs, point
from derive.rule import Domain, Rule

Key = tuple[tuple[str, Expr], ...]
Run = tuple[Fraction, tuple[Fraction, ...]]

GRADIENTS = ((1,), (2,), (1, 1), (1, -1), (2, 1), (1, 1, 1), (1, -2, 1))
RUNS: tuple[Run, ...] = tuple((Fraction(1), tuple(map(Fraction, g))) for g in GRADIENTS)
SHORT_RUNS = 5  # the shorter ones
MOST_AT_ONCE = 3
MOST_CANDIDATES = 16  # looked at, whether they make the differences vanish or lead on


def differences(a: Rule, b: Rule, scheduled: frozenset[str]) -> list[Expr]:
    """What the runs tell apart; a scheduled hyperparameter has a name of its own at every step."""
    found = []
    for theta, gradients in RUNS:
        steps = range(len(gradients) + 1) if scheduled else ()
        changes = [{n: Symbol(_at_step(n, k)) for n in scheduled} for k in steps]
        mine, his = ([{n: c[n] for n in c if n in r.hyperparameter_names} for c in changes] for r in (a, b))
        found.append(point_after(a, theta, gradients, mine) - point_after(b, theta, gradients, his))
    return found


def _at_step(name: str, step: int) -> str:
    return f"{name}@{step}" if step else name


def candidates(differences: list[Expr], domains: Mapping[str, Domain]) -> Iterator[dict[str, Expr]]:
    waiting: list[dict[str, Expr]] = [{}]
    for _ in range(MOST_CANDIDATES):
        if not waiting:
            return
        bound = waiting.pop(0)
        here = substitute(differences, bound)
        factor = first_nonzero((d for d in here if certain(d, domains)), domains)
        if factor is None:
            yield bound
        elif len(bound) < MOST_AT_ONCE:
            for name, value in _roots(*factor, domains):
                merged = _merged(bound, name, value, domains)
                outside = any(isinstance(e, Number) and e.value not in domains[n] for n, e in merged.items())
                if merged not in waiting and not outside:
                    waiting.append(merged)


def zeros(differences: list[Expr], domains: Mapping[str, Domain], held: Collection[Key]) -> Iterator[dict[str, Expr]]:
    """Hyperparameters that must vanish together, as no factor shows: tried at a few points."""
    names = [n for n, domain in domains.items() if Fraction(0) in domain]
    for size in range(1, MOST_AT_ONCE + 1):
        for chosen in combinations(names, size):
            zeros: dict[str, Expr] = dict.fromkeys(chosen, ZERO)
            if any(set(known) <= zeros.items() for known in held):
                continue
            if all(_may_vanish(differences, domains, chosen, value) for value in OTHER_VALUES):
                yield zeros


def _may_vanish(
    differences: list[Expr], domains: Mapping[str, Domain], zeros: tuple[str, ...], value: Fraction
) -> bool:
    """Whether no difference is certain where these are zero and the others have values about `value`."""
    values = point(domains, value) | dict.fromkeys(zeros, Fraction(0))
    return not any(differs(d, values) for d in differences)


def _merged(bound: Mapping[str, Expr], name: str, value: Expr, domains: Mapping[str, Domain]) -> dict[str, Expr]:
    """The values with one more, in each of the others too, as one would write them."""
    found = {name: value}
    for other, old in bound.items():
        [new] = substitute([old], {name: value})
        found[other] = new if new is old else readable(new, Assumptions(domains))
    return {n: e if symbols(e) else _closed(e) for n, e in found.items()}


def follows(known: Key, key: Key, domains: Mapping[str, Domain]) -> bool:
    """Whether the condition `known` holds wherever the condition `key` does."""
    left = [Symbol(n) - e for n, e in known if (n, e) not in key]
    return all(_vanishes(d, domains) for d in substitute(left, dict(key)))


def _vanishes(difference: Expr, domains: Mapping[str, Domain]) -> bool:
    if certain(difference, domains):
        return False
    try:
        return generic_case(difference, Assumptions(domains))[1].is_zero()
    except NoNormalForm:
        return False


def _closed(value: Expr) -> Expr:
    [number] = exact([value], {})
    return Number(number) if isinstance(number, Fraction) else value


def first_nonzero(differences: Iterable[Expr], domains: Mapping[str, Domain]) -> tuple[Case, fmpq_mpoly] | None:
    """The numerator of the first difference that does not vanish; what has no normal form says nothing."""
    for difference in differences:
        try:
            case, value = generic_case(difference, Assumptions(domains))
        except NoNormalForm:
            continue
        if not value.is_zero():
            return case, value.num
    return None


def _roots(case: Case, poly: fmpq_mpoly, domains: Mapping[str, Domain]) -> Iterator[tuple[str, Expr]]:
    """Values of one hyperparameter, inside its domain, at which the polynomial vanishes; constants first."""
    found: dict[tuple[str, Expr], None] = {}
    for part, _ in factors(poly)[1]:
        for rational, _ in _factors_without_roots(case, part):
            found.update(dict.fromkeys(_solutions(case, rational, domains)))
    yield from sorted(found, key=lambda item: (not isinstance(item[1], Number), item[0], str(item[1])))


def _factors_without_roots(case: Case, part: fmpq_mpoly) -> tuple[tuple[fmpq_mpoly, int], ...]:
    """The factors of the product of the polynomial with its conjugates: it vanishes wherever the polynomial does."""
    try:
        for index in reversed(range(len(case.generators))):
            radicand = case.generators[index].radicand
            if radicand is not None and part.degrees()[index]:
                split = by_powers(part, index)
                free, with_root = split.get(0, part - part), split.get(1, part - part)
                part = case.without_squares(product(free, free) - product(product(with_root, with_root), radicand))
        return () if part.is_zero() else factors(part)[1]
    except TooLarge:
        return ()


def _solutions(case: Case, part: fmpq_mpoly, domains: Mapping[str, Domain]) -> Iterator[tuple[str, Expr]]:
    for index, degree in enumerate(part.degrees()):
        meaning = case.generators[index].meaning if degree == 1 and len(part) <= 2 else None
        if isinstance(meaning, Symbol) and meaning.name in domains:
            slope = part.derivative(index)
            rest = part - slope * part.context().gen(index)
            value = Number(0) if rest.is_zero() else factored(case, quotient(-rest, slope))
            if symbols(value) <= domains.keys() and _fits(meaning.name, value, domains):
                yield meaning.name, value


def _fits(name: str, value: Expr, domains: Mapping[str, Domain]) -> bool:
    if isinstance(value, Number):
        return value.value in domains[name]
    return bool(identity([inside(value, domains[name])], Assumptions(domains)))
