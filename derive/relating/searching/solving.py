"""Solve the equations of an open map: one unknown after another, each factor of an equation a branch of its own.

The equations are tiny and mostly linear in some unknown; the simplest is solved, its solution put
in, and the rest looked at again. What stays open at the end has the value of its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flint import fmpq_mpoly

from derive.algebra.facts import Assumptions
from derive.algebra.normal import factored, readable
from derive.algebra.polynomials import factors, ordering, quotient
from derive.expr import Apply, Expr, Number, Symbol, substitute, symbols
from derive.relating.searching.ansatz import (
    MARK,
    NEXT,
    Ansatz,
    Component,
    Equation,
    coefficient,
    components,
    equations,
    hyper_unknown,
    is_unknown,
    unknowns_of,
)

MAX_EVALUATIONS = 160
MAX_MAPS = 6

Values = dict[str, Expr]


@dataclass(frozen=True)
class Maps:
    """A map that may be one: each state and hyperparameter of b in the names of a."""

    states: Mapping[str, Expr]
    hyperparameters: Mapping[str, Expr]


@dataclass
class _Search:
    ansatz: Ansatz
    components: list[Component]
    evaluations: int = 0
    found: list[Maps] = field(default_factory=list)
    seen: dict[tuple[Expr, Expr], list[Equation] | None] = field(default_factory=dict)

    @property
    def exhausted(self) -> bool:
        return self.evaluations >= MAX_EVALUATIONS or len(self.found) >= MAX_MAPS

    def equations(self, component: Component, known: Values) -> list[Equation] | None:
        left, right = substitute([component.left, component.right], known)
        if (left, right) not in self.seen:
            self.evaluations += 1
            self.seen[left, right] = equations(Component(left, right), {}, self.ansatz)
        return self.seen[left, right]


def candidate_maps(ansatz: Ansatz, given: Mapping[str, Expr]) -> Iterator[Maps]:
    """Maps that the equations allow, with the unknowns in `given` fixed; best first, none of them proved."""
    search = _Search(ansatz, components(ansatz))
    yielded: list[Maps] = []
    for values in _solved(search, dict(given)):
        maps = _maps(ansatz, values)
        if maps is not None and maps not in yielded:
            yielded.append(maps)
            search.found.append(maps)
            yield maps


def _maps(ansatz: Ansatz, values: Values) -> Maps | None:
    """The map with what stays open set to zero (coefficients) or to the hyperparameter of the same name."""
    hypers: Values = {}
    for name in ansatz.b.hyperparameter_names:
        value = readable(values.get(hyper_unknown(name), Symbol(name)), Assumptions(ansatz.domains))
        if not symbols(value) <= set(ansatz.a.hyperparameter_names):
            return None
        hypers[name] = value
    return Maps({n: _state(ansatz, n, values) for n in ansatz.targets}, hypers)


def _state(ansatz: Ansatz, target: str, values: Values) -> Expr:
    """A state of b: the terms whose coefficient is not zero."""
    if target in ansatz.given:
        return ansatz.given[target]
    total: Expr | None = None
    for source in (*ansatz.sources, ""):
        kept = (target, source) == ("theta", "theta")
        open_value = Number(1) if kept else values.get(coefficient(target, source), Number(0))
        value = _tidied(_closed(open_value), ansatz)
        if value is not Number(0):
            total = _plus(total, value, Symbol(source) if source else None)
    return Number(0) if total is None else total


def _tidied(value: Expr, ansatz: Ansatz) -> Expr:
    """In the powers of the step before where the map varies: beta**(t - 1) is defined at beta = 0 and t = 1."""
    t = Symbol("t")
    if not ansatz.varying:
        return readable(value, Assumptions(ansatz.domains))
    [later] = substitute([value], {"t": t + 1})
    return substitute([readable(later, Assumptions(ansatz.domains))], {"t": t - 1})[0]


def _plus(total: Expr | None, factor: Expr, source: Expr | None) -> Expr:
    """`total + factor * source`, as one would write it."""
    negative = isinstance(factor, Apply) and factor.op == "neg"
    size = factor.args[0] if isinstance(factor, Apply) and negative else factor
    term = size if source is None else source if size is Number(1) else size * source
    if total is None:
        return -term if negative else term
    return total - term if negative else total + term


def _closed(value: Expr) -> Expr:
    return substitute([value], dict.fromkeys(filter(is_unknown, symbols(value)), Number(0)))[0]


def _solved(search: _Search, known: Values) -> Iterator[Values]:
    """Every way to give the unknowns values that leaves no equation unsatisfied, depth first."""
    if search.exhausted:
        return
    open_equations, deferred = list[Equation](), False
    for component in search.components:
        if search.exhausted:
            return
        found = search.equations(component, known)
        if found is None:
            deferred = deferred or bool(unknowns_of(component, known))
        elif any(not e.unknowns for e in found):
            return  # a contradiction
        elif found:
            open_equations = found
            break  # the later components are simpler once this one's unknowns have their values
    if not open_equations:
        guess = _own_name(search.ansatz, known) if deferred else None
        yield from _solved(search, guess) if guess is not None else [known]
        return
    simplest = min(open_equations, key=lambda e: (len(e.unknowns), len(e.poly), e.poly.total_degree()))
    for name, value in _solutions(simplest):
        if _possible(name, value, search.ansatz):
            yield from _solved(search, _extended(known, name, value, search.ansatz))


def _possible(name: str, value: Expr, ansatz: Ansatz) -> bool:
    """A hyperparameter has no value outside its domain."""
    return not isinstance(value, Number) or name not in ansatz.domains or value.value in ansatz.domains[name]


def _own_name(ansatz: Ansatz, known: Values) -> Values | None:
    """One hyperparameter more with the value of its own name, where equations cannot be had before it is known."""
    for name in ansatz.b.hyperparameter_names:
        if hyper_unknown(name) not in known and name in ansatz.a.hyperparameter_names:
            return {**known, hyper_unknown(name): Symbol(name)}
    return None


def _solutions(equation: Equation) -> list[tuple[str, Expr]]:
    """Values of one unknown at which a factor of the equation vanishes, simple factors first."""
    found = []
    parts = sorted(factors(equation.poly)[1], key=lambda part: (len(part[0]), ordering(part[0])))
    for part, _ in parts:
        solution = _solution(Equation(equation.case, part))
        if solution is not None:
            found.append(solution)
    return found


def _solution(factor: Equation) -> tuple[str, Expr] | None:
    """The unknown in which a factor is linear, and its value; coefficients of the map before hyperparameters."""
    case = factor.case
    best: tuple[tuple[bool, bool, int, str], str, Expr] | None = None
    for index, degree in enumerate(factor.poly.degrees()):
        meaning = case.generators[index].meaning if degree == 1 else None
        if not isinstance(meaning, Symbol) or not is_unknown(meaning.name):
            continue
        slope = factor.poly.derivative(index)
        rest = factor.poly - slope * _generator(factor.poly, index)
        if _same_at_other_time(meaning.name, case.depends(slope) | case.depends(rest)):
            continue
        value = factored(case, quotient(-rest, slope))
        rank = (any(map(is_unknown, case.depends(slope))), ":" not in meaning.name, len(slope), meaning.name)
        if best is None or rank < best[0]:
            best = rank, meaning.name, value
    return None if best is None else best[1:]


def _generator(poly: fmpq_mpoly, index: int) -> fmpq_mpoly:
    return poly.context().gen(index)


def _same_at_other_time(name: str, others: frozenset[str]) -> bool:
    """A coefficient of the map is not solved for in terms of coefficients at another time."""
    if ":" not in name:
        return any(":" in other for other in others)
    return any(":" in other and other.endswith(NEXT) is not name.endswith(NEXT) for other in others)


def _extended(known: Values, name: str, value: Expr, ansatz: Ansatz) -> Values:
    """The values with one more, in each of the others too; a coefficient that varies is known at every time."""
    new = {name: value}
    if ansatz.varying and ":" in name:
        t = Symbol("t")
        late = name.endswith(NEXT)
        other = name.removesuffix(NEXT) if late else name + NEXT
        [moved] = substitute([value], {"t": t - 1 if late else t + 1})
        renamed = _at_other_time(moved, late)
        new[other] = renamed
    return {**{n: substitute([e], new)[0] for n, e in known.items()}, **new}


def _at_other_time(value: Expr, late: bool) -> Expr:
    names = [n for n in symbols(value) if n.startswith(MARK) and ":" in n]
    return substitute([value], {n: Symbol(n.removesuffix(NEXT) if late else n + NEXT) for n in names})[0]
