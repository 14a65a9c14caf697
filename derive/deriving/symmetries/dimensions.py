"""Dimensional analysis of a rule: by which powers of one factor its names can be scaled together.

Every name gets an exponent. A sum, a maximum or a comparison asks that both sides have the same one, a
product adds them, a power by a number multiplies them, and what is raised to a power that varies, or
goes through an exponential, must have none. These are linear equations; a solution is a proposal that
the prover checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations

from derive.expr import Apply, Expr, Number, Symbol, fold
from derive.rule import Rule

Form = dict[str, Fraction]  # a linear form in the exponents of names
Exponents = dict[str, Fraction]

SAME = frozenset({"add", "sub", "min", "max"})
COMPARED = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
KEPT = frozenset({"neg", "abs", "norm", "global_norm", "cast"})
PLAIN = frozenset({"exp", "log", "expm1", "log1p", "tanh", "sin", "cos"})
MOST_SCALED = 4  # hyperparameters at once


class NoDimensions(Exception):
    """An operation of which dimensional analysis knows nothing."""


def exponents(rule: Rule, known: Mapping[str, Fraction]) -> Exponents | None:
    """An exponent for every state that makes the rule consistent with the `known` ones; names left open get 0.

    `known` gives those of the answers and of the hyperparameters, and mostly that of theta.
    """
    try:
        equations = _equations(rule)
    except NoDimensions:
        return None
    free = [n for n in ("theta", *rule.state_names) if n not in known]
    solution = _solved([_moved(form, known) for form in equations], free)
    return None if solution is None else {**known, **solution}


def joint_scalings(rule: Rule, known: Mapping[str, Fraction]) -> Iterator[Exponents]:
    """Solutions in which hyperparameters are scaled too: as few of them as possible, in the rule's order."""
    try:
        equations = _equations(rule)
    except NoDimensions:
        return
    for size in range(1, MOST_SCALED + 1):
        for chosen in combinations(rule.hyperparameter_names, size):
            fixed = {**known, **{n: Fraction(0) for n in rule.hyperparameter_names if n not in chosen}}
            solution = _solved([_moved(form, fixed) for form in equations], [*chosen, *rule.state_names])
            if solution is not None and all(solution[n] for n in chosen):
                yield {**fixed, **solution}


def _equations(rule: Rule) -> list[Form]:
    """What has to be zero for the rule to be consistent."""
    asked: list[Form] = []
    targets = {**rule.step, **{f"{name} asked": point for name, point in rule.questions}}
    forms = _forms(targets.values(), asked)
    starts = _forms([s.initial for s in rule.states], asked)
    for name, form in zip(targets, forms, strict=True):
        own = "theta" if name.endswith(" asked") else name
        asked += _equal(form, {own: Fraction(1)})
    for state, form in zip(rule.states, starts, strict=True):
        asked += _equal(form, {state.name: Fraction(1)})
    return asked


def _forms(roots: Iterable[Expr], asked: list[Form]) -> list[Form | None]:
    """The exponent of each root as a linear form, None for zero, which may have any; `asked` grows."""

    def number(node: Number) -> Form | None:
        return None if node.value == 0 else {}

    def symbol(node: Symbol) -> Form | None:
        return {} if node.name == "t" else {node.name: Fraction(1)}

    return fold(roots, symbol=symbol, number=number, apply=lambda node, args: _form(node, args, asked))


def _form(node: Apply, args: tuple[Form | None, ...], asked: list[Form]) -> Form | None:
    op, first = node.op, args[0]
    if op in SAME:
        return _alike(args[0], args[1], asked)
    if op in COMPARED:
        _alike(args[0], args[1], asked)
        return {}
    if op == "where":
        return _alike(args[1], args[2], asked)
    if op == "mul":
        return None if None in args else _sum(args[0] or {}, args[1] or {}, 1)
    if op == "div":
        return None if first is None else _sum(first, args[1] or {}, -1)
    if op in KEPT or (first is None and op in {"sqrt", "cbrt", "sign"}):
        return first
    if op in {"sqrt", "cbrt"}:
        return _times(first or {}, Fraction(1, 2 if op == "sqrt" else 3))
    if op == "pow" and isinstance(node.args[1], Number):
        return None if first is None else _times(first, node.args[1].value)
    if op in PLAIN or op == "pow":
        asked += [form for form in args if form]
        return {}
    if op in {"sign", "and", "or", "not"}:
        return {}
    raise NoDimensions(op)


def _alike(a: Form | None, b: Form | None, asked: list[Form]) -> Form | None:
    if a is None or b is None:
        return b if a is None else a
    asked += _equal(a, b)
    return a


def _equal(a: Form | None, b: Form) -> list[Form]:
    return [] if a is None else [form for form in [_sum(a, b, -1)] if form]


def _sum(a: Form, b: Form, sign: int) -> Form:
    total = {n: a.get(n, Fraction(0)) + sign * b.get(n, Fraction(0)) for n in {**a, **b}}
    return {n: value for n, value in total.items() if value}


def _times(a: Form, factor: Fraction) -> Form:
    return {n: factor * value for n, value in a.items() if factor}


def _moved(form: Form, known: Mapping[str, Fraction]) -> tuple[Form, Fraction]:
    """The equation with what is known on the right."""
    left = {n: value for n, value in form.items() if n not in known}
    return left, -sum((value * known[n] for n, value in form.items() if n in known), Fraction(0))


def _solved(equations: list[tuple[Form, Fraction]], unknown: list[str]) -> Exponents | None:
    """A solution by elimination, free unknowns zero; None where there is none."""
    rows = [([form.get(n, Fraction(0)) for n in unknown], right) for form, right in equations]
    pivots: list[tuple[int, list[Fraction], Fraction]] = []
    for row, right in rows:
        for at, pivot, value in pivots:
            row, right = [x - row[at] * y for x, y in zip(row, pivot, strict=True)], right - row[at] * value
        at = next((i for i, x in enumerate(row) if x), -1)
        if at < 0:
            if right:
                return None
            continue
        row, right = [x / row[at] for x in row], right / row[at]
        pivots = [(i, [x - p[at] * y for x, y in zip(p, row, strict=True)], v - p[at] * right) for i, p, v in pivots]
        pivots.append((at, row, right))
    found = dict.fromkeys(unknown, Fraction(0))
    return {**found, **{unknown[at]: value for at, _, value in pivots}}
