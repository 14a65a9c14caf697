"""The map between two rules with its coefficients left open, and the equations they have to satisfy.

Each state of `b` is a sum over what `a` keeps: coefficients times theta, the states and one. What
a step must keep is an equality of functions of theta, the states and the gradient, so every
coefficient of its normal form has to vanish: polynomial equations in the unknowns. They only
serve to find a map; whether it is one the checker decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions
from derive.algebra.normal import NoNormalForm, generic_case
from derive.algebra.polynomials import RING
from derive.algebra.work import apart
from derive.expr import Apply, Expr, Number, Symbol, nodes, substitute, symbols
from derive.proving.invariants import assumptions_of
from derive.proving.obligations import tracked
from derive.rule import Domain, Rule

MARK = "?"  # opens the name of an unknown; no name of a rule has such a sign in it
WORK = 100_000  # for the normal form of one value
NEXT = "'"  # closes the name of a coefficient of the map after the step

BRANCHING = frozenset({"sign", "abs", "min", "max", "where"})  # what they depend on differs from case to case


def is_unknown(name: str) -> bool:
    return name.startswith(MARK)


def hyper_unknown(name: str) -> str:
    """The unknown value of a hyperparameter of b."""
    return MARK + name


def coefficient(target: str, source: str) -> str:
    """The unknown coefficient of a's `source` (or of one, "") in b's `target`."""
    return f"{MARK}{target}:{source}"


@lru_cache(maxsize=256)
def relevant(rule: Rule) -> tuple[str, ...]:
    """The parameter and the states that what is seen depends on, sooner or later."""
    kept, found = tracked(rule), set[str]()
    waiting = _depends([*_seen(rule), *([] if rule.is_average else [rule.step["theta"]])], rule) | {"theta"}
    while waiting:
        found |= waiting
        waiting = _depends([rule.step[n] for n in waiting if n in kept], rule) - found
    return tuple(n for n in kept if n in found)


def _depends(values: Iterable[Expr], rule: Rule) -> set[str]:
    """The names the values depend on, in their normal form where they have one in all cases."""
    found = set[str]()
    for value in values:
        if any(isinstance(node, Apply) and node.op in BRANCHING for node in nodes([value])):
            found |= symbols(value)
            continue
        try:
            with apart(WORK):  # remembered, so it must not depend on what else was asked
                case, normal = generic_case(value, Assumptions(rule.domains))
            found |= case.depends(normal.num) | case.depends(normal.den)
        except NoNormalForm:
            found |= symbols(value)
    return found


@dataclass(frozen=True)
class Ansatz:
    """The open map from `a` to `b`; with `varying` its coefficients may depend on t, `given` states are fixed."""

    a: Rule
    b: Rule
    varying: bool
    given: Mapping[str, Expr] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[str, ...]:
        """What a state of b may be written in."""
        return relevant(self.a)

    @property
    def targets(self) -> tuple[str, ...]:
        """What the map has to give."""
        return relevant(self.b)

    def states(self, after: bool = False) -> dict[str, Expr]:
        """The open state map, before the step or `after` it (where it may have other coefficients)."""
        end = NEXT if after and self.varying else ""
        found: dict[str, Expr] = {}
        for target in self.targets:
            if target in self.given:
                found[target] = substitute([self.given[target]], {"t": Symbol("t") + 1} if after else {})[0]
                continue
            total: Expr = Symbol("theta") if target == "theta" else Symbol(coefficient(target, "") + end)
            for source in self.sources:
                if (target, source) != ("theta", "theta"):
                    total = total + Symbol(coefficient(target, source) + end) * Symbol(source)
            found[target] = total
        return found

    def hyperparameters(self) -> dict[str, Expr]:
        return {n: Symbol(hyper_unknown(n)) for n in self.b.hyperparameter_names}

    @property
    def domains(self) -> dict[str, Domain]:
        """Of the names of a, proved ones too, and of the unknown hyperparameters; coefficients are any real numbers."""
        return {**assumptions_of(self.a).domains, **{hyper_unknown(h.name): h.domain for h in self.b.hyperparameters}}


@dataclass(frozen=True)
class Component:
    """One thing that must agree: `left` in a's names, `right` through the open map."""

    left: Expr
    right: Expr


def components(ansatz: Ansatz) -> list[Component]:
    """What is seen from outside, the states at the start (where the map is constant), and each state after a step.

    The parameter comes last: its step is the least simple, and depends on the others.
    """
    a, b = ansatz.a, ansatz.b
    before, hypers = ansatz.states(), ansatz.hyperparameters()
    in_a = {**before, **hypers}
    seen = [Component(x, y) for x, y in zip(_seen(a), substitute(_seen(b), in_a), strict=True)]
    after = substitute(ansatz.states(after=True).values(), a.step)
    stepped = substitute([b.step[n] for n in ansatz.targets], in_a)
    start = [] if ansatz.varying else _start(ansatz, before, hypers)
    moved = [Component(x, y) for x, y in zip(after, stepped, strict=True)]
    return [*seen, *start, *(moved if b.is_average else [*moved[1:], moved[0]])]


def _seen(rule: Rule) -> list[Expr]:
    return [rule.step[n] for n in rule.outputs] if rule.is_average else [point for _, point in rule.questions]


def _start(ansatz: Ansatz, before: Mapping[str, Expr], hypers: Mapping[str, Expr]) -> list[Component]:
    initial_a: dict[str, Expr] = {s.name: s.initial for s in ansatz.a.states}
    initial_b: dict[str, Expr] = {"theta": Symbol("theta"), **{s.name: s.initial for s in ansatz.b.states}}
    names = ansatz.targets
    left = substitute([before[n] for n in names], {**initial_a, "t": Number(1)})
    right = substitute([initial_b[n] for n in names], hypers)
    return [Component(x, y) for x, y in zip(left, right, strict=True)]


@dataclass(frozen=True)
class Equation:
    """A polynomial that must vanish, in the generators of `case`."""

    case: Case
    poly: fmpq_mpoly

    @property
    def unknowns(self) -> frozenset[str]:
        return frozenset(filter(is_unknown, self.case.depends(self.poly)))


def equations(component: Component, known: Mapping[str, Expr], ansatz: Ansatz) -> list[Equation] | None:
    """The equations of one component once the unknowns in `known` have their values.

    None where an unknown is still inside a root or a power together with a state, or where there is no normal form.
    """
    left, right = substitute([component.left, component.right], known)
    try:
        case, value = generic_case(left - right, Assumptions(ansatz.domains))
    except NoNormalForm:
        return None
    return _coefficients(case, value.num, ansatz)


def _coefficients(case: Case, poly: fmpq_mpoly, ansatz: Ansatz) -> list[Equation] | None:
    if poly.is_zero():
        return []
    open_names = case.depends(poly)
    used = [i for i, d in enumerate(poly.degrees()) if d]
    moving = {"g", "x", *ansatz.sources}
    if not ansatz.varying or not any(NEXT in n or ":" in n for n in open_names):
        moving.add("t")
    free = []
    for index in used:
        made = case.generators[index]
        mixed = any(map(is_unknown, made.depends)) and not isinstance(made.meaning, Symbol)
        if mixed:
            return None
        if made.depends & moving:
            free.append(index)
    return [Equation(case, part) for part in _grouped(poly, free)]


def _grouped(poly: fmpq_mpoly, free: Iterable[int]) -> list[fmpq_mpoly]:
    """The coefficients of the monomials in the generators `free`."""
    chosen = frozenset(free)
    parts: dict[tuple[int, ...], dict[tuple[int, ...], object]] = {}
    for monomial, value in poly.to_dict().items():
        key = tuple(e if i in chosen else 0 for i, e in enumerate(monomial))
        rest = tuple(0 if i in chosen else e for i, e in enumerate(monomial))
        parts.setdefault(key, {})[rest] = value
    return [RING.from_dict(terms) for _, terms in sorted(parts.items(), reverse=True)]


def unknowns_of(component: Component, known: Mapping[str, Expr]) -> frozenset[str]:
    """The unknowns a component still depends on."""
    return frozenset(filter(is_unknown, symbols(*substitute([component.left, component.right], known))))
