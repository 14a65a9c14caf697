"""Whether what a branch gives to hyperparameters lies in their domains: always, never, or where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import islice, product

from derive.algebra.facts import Assumptions
from derive.algebra.signs import ZERO_SIGN, times
from derive.evaluate import ball
from derive.expr import Expr, Number, Symbol, apply, symbols
from derive.linear.frame import Frame
from derive.linear.ratios import Ratio, number
from derive.proving.search import Differs, Undecided, propose_identity
from derive.rule import REAL, Domain

SIMPLE = tuple(map(Fraction, ("1/2", "1", "2", "1/4", "3", "9/10", "-1", "-1/2", "1/3", "0", "1/10", "3/4", "-2", "5")))
MAX_SAMPLES = 400


def conditions(
    frame: Frame, values: Mapping[str, Expr], ratios: Mapping[str, Ratio], nonzero: Sequence[Expr]
) -> tuple[Expr, ...] | None:
    """What must hold for every value to be defined and in its domain; None where that is never so.

    `nonzero` must not vanish, and may. `ratios` are the values that have no root in them, for a quick look.
    """
    assumptions = Assumptions({n: frame.domains.get(n, REAL) for n in symbols(*values.values(), *nonzero)})
    found = [apply("ne", e, 0) for e in nonzero]
    excluded = [apply("not", test) for test in found]
    for name, value in values.items():
        domain = frame.domains[name]
        known = _inside(frame, ratios[name], domain) if name in ratios else None
        if known is False:
            return None
        if known or (isinstance(value, Symbol) and frame.domains.get(value.name) == domain):
            continue
        test = _test(value, domain)
        if _holds(_any([*excluded, test]), assumptions):
            continue
        if _holds(_any([*excluded, apply("not", test)]), assumptions):
            return None
        found.append(test)
    return tuple(dict.fromkeys(found))


def _inside(frame: Frame, value: Ratio, domain: Domain) -> bool | None:
    """Whether a value, where it is defined, is certainly in the domain or certainly not, by signs alone."""
    answers = []
    for end, direction, is_open in ((domain.low, 1, domain.low_open), (domain.high, -1, domain.high_open)):
        if end is not None:
            above = value - number(end)
            below = frame.case.poly_signs(above.den) - ZERO_SIGN  # where it is zero there is no value
            possible_signs = times(frame.case.poly_signs(above.num), below)
            allowed = frozenset({direction} if is_open else {direction, 0})
            answers.append(True if possible_signs <= allowed else None if possible_signs & allowed else False)
    return False if False in answers else None if None in answers else True


def _test(value: Expr, domain: Domain) -> Expr:
    """The value is in the domain, as a condition."""
    tests = [apply("eq", value - value, 0)] if domain == REAL else []
    if domain.low is not None:
        tests.append(apply("gt" if domain.low_open else "ge", value, domain.low))
    if domain.high is not None:
        tests.append(apply("lt" if domain.high_open else "le", value, domain.high))
    return tests[0] if len(tests) == 1 else apply("and", *tests)


def _any(tests: Sequence[Expr]) -> Expr:
    return reduce(lambda x, y: apply("or", x, y), tests)


def _holds(test: Expr, assumptions: Assumptions) -> bool:
    try:
        propose_identity(((apply("where", test, 1, 0), Number(1)),), assumptions)
    except (Differs, Undecided):
        return False
    return True


def possible(tests: Sequence[Expr], domains: Mapping[str, Domain]) -> bool:
    """Whether some simple values were found at which all the conditions hold."""
    names = sorted(symbols(*tests))
    return not tests or any(all(found is True for found in ball(tests, point)) for point in _points(names, domains))


def _points(names: Sequence[str], domains: Mapping[str, Domain]) -> Iterator[dict[str, Fraction]]:
    choices = [[v for v in SIMPLE if v in domains.get(n, REAL)] for n in names]
    return (dict(zip(names, values, strict=True)) for values in islice(product(*choices), MAX_SAMPLES))
