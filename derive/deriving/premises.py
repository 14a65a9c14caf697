"""What a derivation rests on beside the domains of the rule: it says so, and what it arrives at is about that alone.

Its steps may have been checked for an epsilon that is positive where the rule's may be zero; and a formula may have no
value at an end of a domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.deriving.derivation import Derivation, Step
from derive.evaluate import enclosed
from derive.expr import Expr, symbols
from derive.ops import Undefined
from derive.rule import Domain, Rule

STEP = Fraction(3)  # t
TRIED = 4  # points inside a domain, of which one at which the formula has a value is taken


def with_premises(rule: Rule, derivation: Derivation) -> Derivation:
    """The derivation with the narrower domains that its steps were checked for, and the ends its formulas leave out."""
    own = rule.domains
    known = {n: derivation.domains.get(n, d) for n, d in own.items()}
    needed = _of_steps(derivation, known)
    formulas = (derivation.result, *derivation.quantities.values())
    ends = away_from_ends(formulas, {**known, **{n: d for n, (d, _) in needed.items()}})
    said = [f"`{line}`{_in_steps(places, derivation)}" for n, (domain, places) in needed.items()
            for line in _opened(n, known[n], domain)]  # fmt: skip
    said += [f"`{line}` in closed forms" for n, domain in ends.items() for line in _opened(n, known[n], domain)]
    more = (line for line in said if not any(line.startswith(listed) for listed in derivation.assumptions))
    return replace(
        derivation,
        assumptions=(*derivation.assumptions, *more),
        domains={**derivation.domains, **{n: domain for n, (domain, _) in needed.items()}},
    )


def away_from_ends(formulas: Sequence[Expr], domains: Mapping[str, Domain]) -> dict[str, Domain]:
    """The domains that are narrower without the ends at which a formula has no value, though it has one inside."""
    found = {n: _inside(n, domain, formulas) for n, domain in domains.items()}
    return {n: domain for n, domain in found.items() if domain != domains[n]}


def _of_steps(derivation: Derivation, known: Mapping[str, Domain]) -> dict[str, tuple[Domain, list[int]]]:
    """Which hyperparameters steps keep away from an end of their domains, and the numbers of these steps."""
    found: dict[str, tuple[Domain, list[int]]] = {}
    for number, step in enumerate(derivation.steps, 1):
        for name, domain in _narrowed(step, known).items():
            before, places = found.get(name, (known[name], []))
            found[name] = _without(domain, before), [*places, number]
    return dict(sorted(found.items()))


def _narrowed(step: Step, known: Mapping[str, Domain]) -> dict[str, Domain]:
    """The domains without the ends that the step was not checked for and at which it is not seen to hold either."""
    if step.given is None or step.verdict is None:
        return {}
    found, given = dict[str, Domain](), step.given
    formulas = [part for part in (*step.chain, *step.when) if isinstance(part, Expr)]
    for name in sorted(known.keys() & symbols(*formulas)):
        domain = known[name]
        left_out = [end for end in (domain.low, domain.high) if end is not None and end in domain]
        left_out = [end for end in left_out if end not in given.domains.get(name, domain)]
        for end in left_out:
            if any(_breaks(name, end, domain, f) for f in formulas) or not step.holds_at({name: end}, given):
                found[name] = _without(found.get(name, domain), domain, end)
        if left_out and name not in found:
            given = given.extended({name: domain})
    return found


def _without(domain: Domain, other: Domain, *ends: Fraction) -> Domain:
    """The domain, open where the other is and at these ends."""
    low, high = domain.low in ends, domain.high in ends
    return replace(
        domain,
        low_open=domain.low_open or other.low_open or low,
        high_open=domain.high_open or other.high_open or high,
    )


def _in_steps(places: Sequence[int], derivation: Derivation) -> str:
    """In which steps that is needed; nothing where it is in all that were checked."""
    if len(places) == len(derivation.checked):
        return ""
    *others, last = map(str, places)
    return f" in steps {', '.join(others)} and {last}" if others else f" in step {last}"


def _inside(name: str, domain: Domain, formulas: Sequence[Expr]) -> Domain:
    ends = (end for end in (domain.low, domain.high) if end is not None and end in domain)
    return _without(
        domain, domain, *(e for e in ends if any(_breaks(name, e, domain, formula) for formula in formulas))
    )


def _breaks(name: str, end: Fraction, domain: Domain, formula: Expr) -> bool:
    """Whether the formula has a value at a point inside, and none with the name at that end."""
    if name not in symbols(formula):
        return False
    inside = (point for point in _points(formula) if point[name] in domain and not _is_undefined(formula, point))
    point = next(inside, None)
    return point is not None and _is_undefined(formula, {**point, name: end})


def _points(formula: Expr) -> Iterator[dict[str, Fraction]]:
    """Points at which no two names are alike, other names being the small ones in turn."""
    names = sorted(symbols(formula))
    for turn in range(min(TRIED, len(names))):
        values = {n: Fraction(2 * k + 1, 2 * len(names) + 3) for k, n in enumerate(names[turn:] + names[:turn])}
        yield values | ({"t": STEP} if "t" in values else {})


def _is_undefined(formula: Expr, values: Mapping[str, Fraction]) -> bool:
    return isinstance(enclosed([formula], values)[0], Undefined)


def _opened(name: str, before: Domain, after: Domain) -> Iterator[str]:
    """What is asked of the name beside its domain."""
    if after.low_open and not before.low_open:
        yield f"{name} > {after.low}"
    if after.high_open and not before.high_open:
        yield f"{name} < {after.high}"
