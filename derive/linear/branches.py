"""From a solution of the equations to a branch as people read it: maps, conditions, roots, state maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.algebra.polynomials import ZERO, by_powers, generator, product
from derive.expr import Expr, Symbol, apply, substitute, symbols
from derive.linear.domains import conditions, possible
from derive.linear.enclosures import enclosures
from derive.linear.frame import Frame
from derive.linear.matrices import Matrix, matrix
from derive.linear.ratios import Ratio, whole
from derive.linear.relation import Branch, Root, unprefixed
from derive.linear.shifting import with_shift
from derive.linear.solving import Solution, solutions
from derive.linear.statemaps import Writer, mapped, state_map
from derive.linear.system import LinearSystem
from derive.linear.transfer import Transfer


@dataclass(frozen=True)
class Sides:
    """Two systems in one frame, where the hyperparameters are a.lr, b.lr."""

    a: LinearSystem
    b: LinearSystem

    @property
    def frame(self) -> Frame:
        return self.a.frame

    @property
    def hyperparameters(self) -> tuple[Sequence[int], Sequence[int]]:
        """The generators of a's, then of b's."""
        count = len(self.a.rule.hyperparameters)
        return range(count), range(count, len(self.frame.names))

    def expr(self, value: Ratio) -> Expr:
        """In a's names as they are, and b's as "b.lr"."""
        return unprefixed(self.frame.expr(value))


def branch_of(sides: Sides, solution: Solution, mine: Transfer, shift: int) -> tuple[list[Branch], list[str]]:
    """The branches a solution stands for (two for a quadratic), and what of it is left open, in words."""
    frame = sides.frame
    if solution.open:
        equations = ", ".join(f"{frame.poly(poly)} = 0" for poly in solution.open)
        return [], [f"the equations {equations} were not solved within the bounds"]
    found, left = list[Branch](), list[str]()
    for formulas in _formulas(frame, solution):
        values = {frame.names[i]: substitute([frame.expr(v)], formulas)[0] for i, v in solution.values.items()}
        nonzero = substitute([frame.expr(whole(poly)) for poly in solution.nonzero], formulas)
        where = conditions({**values, **formulas}, frame.domains, nonzero)
        if where is None:
            continue
        branch = replace(
            _branch(sides, solution, {**values, **formulas}, formulas, shift),
            where=tuple(unprefixed(test) for test in where),
            degenerate=_is_degenerate(solution, mine),
        )
        if possible(where, frame.domains):
            found.append(branch)
        else:
            left.append(f"whether {' and '.join(map(str, branch.where))} can hold, for {branch}")
    return found, left


def _is_degenerate(solution: Solution, mine: Transfer) -> bool:
    """Whether gradients play no part on the branch."""
    return all(solution.is_zero(solution.at(entry)) for row in mine.gradient for entry in row)


# Roots


def _formulas(frame: Frame, solution: Solution) -> Iterator[dict[str, Expr]]:
    """The zeros of a single quadratic, one after the other; other roots keep their name."""
    if len(solution.roots) != 1 or solution.roots[0][1].degrees()[solution.roots[0][0]] != 2:
        yield {}
        return
    [(unknown, poly)] = solution.roots
    a, b, c = (by_powers(poly, unknown).get(k, ZERO) for k in (2, 1, 0))
    root = apply("sqrt", frame.expr(whole(product(b, b) - 4 * product(a, c))))
    for sign in (1, -1):
        above = root if b.is_zero() else frame.expr(whole(-b)) + root if sign > 0 else frame.expr(whole(-b)) - root
        yield {frame.names[unknown]: (-above if b.is_zero() and sign < 0 else above) / frame.expr(whole(2 * a))}


def _roots(sides: Sides, solution: Solution, known: Mapping[str, Expr]) -> tuple[Root, ...]:
    frame = sides.frame
    rules = {"a": sides.a.rule, "b": sides.b.rule}
    defaults = {f"{side}.{n}": value for side, rule in rules.items() for n, value in rule.defaults.items()}
    at = {i: defaults[n] for i, n in enumerate(frame.names) if n in defaults}
    found = []
    for unknown, poly in solution.roots:
        name = frame.names[unknown]
        if name not in known:
            others = {i: value for i, value in at.items() if i != unknown}
            intervals = enclosures(poly, unknown, others, frame.domains[name])
            found.append(Root(name, unprefixed(frame.poly(poly)), intervals))
    return tuple(found)


# Hyperparameters


def _branch(
    sides: Sides, solution: Solution, values: Mapping[str, Expr], formulas: Mapping[str, Expr], shift: int
) -> Branch:
    """The branch without what decides its kind: where it holds, and whether gradients play a part."""
    frame = sides.frame
    roots = _roots(sides, solution, values)
    forced = {n: e for n, e in values.items() if n.startswith("a.") or not symbols(e)}
    inverse = _inverse(sides, solution, forced)
    back = {} if inverse is None else {frame.names[i]: frame.expr(value) for i, value in inverse.values.items()}
    bound = {n: e for n, e in back.items() if n.startswith("b.")}
    open_names = set(frame.names) - set(values) - {root.name for root in roots}
    made = Branch(
        hyperparameters={
            n[2:]: unprefixed(e) for n, e in values.items() if n.startswith("b.") and n not in {*forced, *bound}
        },
        condition={n: unprefixed(e, n[:2]) for n, e in sorted({**forced, **bound}.items())},
        free=tuple(n for n in frame.names if n in open_names and n.startswith("b.")),
        roots=roots,
        inverse=None if inverse is None else {n[2:]: unprefixed(e, "b.") for n, e in back.items() if n not in bound},
        irrational=bool(formulas),
        shift=shift,
    )
    try:
        a, b = _at(sides.a, solution), _at(sides.b, solution)
    except ZeroDivisionError:
        return made
    writer = Writer(frame, formulas)
    if shift:
        return with_shift(made, a, b, solution.is_zero, writer)
    forth = state_map(a, b, solution.is_zero)
    states = None if forth is None else {n: unprefixed(e) for n, e in writer.states(forth, "a.", "b.").items()}
    found = None if inverse is None else state_map(b, a, solution.is_zero)
    if found is None or inverse is None:
        return replace(made, states=states)
    backwards = {n: unprefixed(e, "b.") for n, e in writer.states(mapped(found, inverse.at), "b.", "a.").items()}
    # A proof from b to a calls b its first side, so a's states that never show are "b.NAME" in it.
    return replace(made, states=states, back={n: _swapped(e) for n, e in backwards.items()})


def _swapped(value: Expr) -> Expr:
    return substitute([value], {n: Symbol(f"b.{n[2:]}") for n in symbols(value) if n.startswith("a.")})[0]


def _at(system: LinearSystem, solution: Solution) -> LinearSystem:
    """The system with the hyperparameters solved for put in; raises ZeroDivisionError where it has no value."""
    if not solution.values:
        return system

    def put_in(table: Matrix) -> Matrix:
        return matrix((solution.at(entry) for entry in row) for row in table)

    return replace(
        system, transition=put_in(system.transition), input=put_in(system.input), output=put_in(system.output),
        feedthrough=put_in(system.feedthrough), start=put_in(system.start),
    )  # fmt: skip


def _inverse(sides: Sides, solution: Solution, forced: Mapping[str, Expr]) -> Solution | None:
    """The free hyperparameters of a in those of b, and those of b that follow from its others; None where open."""
    frame = sides.frame
    mine, his = sides.hyperparameters
    free = [i for i in mine if i not in solution.values]
    equations = [(whole(generator(i)) - v).num for i, v in solution.values.items() if frame.names[i] not in forced]
    equations += [poly for _, poly in solution.roots]
    for found in solutions(equations, (free, his[::-1]), frame.case):
        if found.roots or found.open or not set(free) <= set(found.values):
            continue
        if any(i in mine for value in found.values.values() for i in value.used()):
            continue
        nonzero = [frame.expr(whole(poly)) for poly in found.nonzero]
        if conditions({frame.names[i]: frame.expr(found.values[i]) for i in free}, frame.domains, nonzero) == ():
            return found
    return None
