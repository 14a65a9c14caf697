"""Whether what a branch gives to hyperparameters lies in their domains: always, never, or where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import islice, product

from derive.algebra.facts import Assumptions
from derive.evaluate import ball
from derive.expr import Expr, Number, Symbol, apply, symbols
from derive.proving.search import Differs, Undecided, propose_identity
from derive.rule import REAL, Domain

SIMPLE = tuple(map(Fraction, ("1/2", "1", "2", "1/4", "3", "9/10", "-1", "-1/2", "1/3", "0", "1/10", "3/4", "-2", "5")))
MAX_SAMPLES = 400


def conditions(
    values: Mapping[str, Expr], domains: Mapping[str, Domain], nonzero: Sequence[Expr]
) -> tuple[Expr, ...] | None:
    """What must hold for every value to be defined and in its domain; None where that is never so."""
    free = {n: domains.get(n, REAL) for n in symbols(*values.values(), *nonzero)}
    assumptions = Assumptions(free)
    apart = [apply("ne", e, 0) for e in nonzero]
    tests = [test for name, value in values.items() if (test := _test(value, domains[name], domains)) is not None]
    excluded = [apply("not", test) for test in apart]
    open_tests: list[Expr] = []
    for test, unless in (*((test, []) for test in apart), *((test, excluded) for test in tests)):
        if _holds(reduce(lambda x, y: apply("or", x, y), [*unless, test]), assumptions):
            continue
        if _holds(apply("not", test), assumptions):
            return None
        open_tests.append(test)
    return tuple(dict.fromkeys(open_tests))


def _test(value: Expr, domain: Domain, domains: Mapping[str, Domain]) -> Expr | None:
    """The value is in the domain, as a condition; None where it is another name with the same domain."""
    if isinstance(value, Symbol) and domains.get(value.name) == domain:
        return None
    tests = [apply("eq", value - value, 0)] if domain == REAL else []
    if domain.low is not None:
        tests.append(apply("gt" if domain.low_open else "ge", value, domain.low))
    if domain.high is not None:
        tests.append(apply("lt" if domain.high_open else "le", value, domain.high))
    return tests[0] if len(tests) == 1 else apply("and", *tests)


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
