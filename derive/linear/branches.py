"""From a solution of the equations to a branch as people read it: maps, conditions, roots, state maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from flint import fmpq_mpoly

from derive.algebra.polynomials import ZERO, by_powers, factors, generator, product
from derive.expr import Expr, Symbol, apply, substitute, symbols
from derive.linear.domains import conditions, possible
from derive.linear.enclosures import enclosures
from derive.linear.frame import Frame
from derive.linear.matrices import Matrix, matrix
from derive.linear.ratios import Ratio, used, whole
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

    @property
    def divisors(self) -> tuple[fmpq_mpoly, ...]:
        """Where one of these vanishes a step is undefined."""
        return tuple(self.frame.case.number(e).num for e in (*self.a.divisors, *self.b.divisors))

    def expr(self, value: Ratio) -> Expr:
        """In a's names as they are, and b's as "b.lr"."""
        return unprefixed(self.frame.expr(value))


def branch_of(sides: Sides, solution: Solution, mine: Transfer, shift: int) -> tuple[list[Branch], list[str]]:
    """The branches a solution stands for (two for a quadratic), and what of it is left open, in words."""
    frame = sides.frame
    if solution.open:
        solved = [f"{frame.names[i]} = {frame.expr(value)}" for i, value in sorted(solution.values.items())]
        left = [f"{frame.poly(poly)} = 0" for poly in solution.open]
        return [], [f"{', '.join([*left, *solved])}: not solved within the bounds"]
    degenerate = all(solution.is_zero(solution.at(entry)) for row in mine.gradient for entry in row)
    found, unknown = list[Branch](), list[str]()
    for formulas in _formulas(frame, solution):
        values = {frame.names[i]: substitute([frame.expr(v)], formulas)[0] for i, v in solution.values.items()}
        apart = {str(poly): poly for poly in (*solution.nonzero, *_divisors_of_one(sides, solution))}
        nonzero = substitute([_factor(frame, poly) for poly in apart.values()], formulas)
        ratios = {} if formulas else {frame.names[i]: v for i, v in solution.values.items()}
        where = conditions(frame, {**values, **formulas}, ratios, nonzero)
        if where is None:
            continue
        made = Branch({}, where=tuple(map(unprefixed, where)), degenerate=degenerate, shift=shift)
        branch = _settled(made, sides, solution, {**values, **formulas}, formulas)
        if possible(where, frame.domains):
            found.append(branch)
        else:
            unknown.append(f"whether {' and '.join(map(str, branch.where))} can hold, for {branch}")
    return found, unknown


def _divisors_of_one(sides: Sides, solution: Solution) -> list[fmpq_mpoly]:
    """Where one of these vanishes one side is undefined, and perhaps not the other."""

    def parts(system: LinearSystem) -> dict[str, fmpq_mpoly]:
        polys = [solution.at(whole(sides.frame.case.number(e).num)).num for e in system.divisors]
        return {str(part): part for poly in polys for part, _ in factors(poly)[1]}

    mine, his = parts(sides.a), parts(sides.b)
    return [part for text, part in {**mine, **his}.items() if (text in mine) is not (text in his)]


def _factor(frame: Frame, poly: fmpq_mpoly) -> Expr:
    """A factor, positive where it can be: 1 - p rather than p - 1."""
    return frame.poly(poly if 1 in frame.case.poly_signs(poly) else -poly)


# Roots


def _formulas(frame: Frame, solution: Solution) -> Iterator[dict[str, Expr]]:
    """The zeros of a single quadratic, one after the other; other roots keep their name."""
    if len(solution.roots) != 1 or solution.roots[0][1].degrees()[solution.roots[0][0]] != 2:
        yield {}
        return
    [(unknown, poly)] = solution.roots
    poly = _written(frame, poly, unknown)
    a, b, c = (by_powers(poly, unknown).get(k, ZERO) for k in (2, 1, 0))
    root = apply("sqrt", frame.expr(whole(product(b, b) - 4 * product(a, c))))
    for sign in (1, -1):
        above = root if b.is_zero() else frame.expr(whole(-b)) + root if sign > 0 else frame.expr(whole(-b)) - root
        yield {frame.names[unknown]: (-above if b.is_zero() and sign < 0 else above) / frame.expr(whole(2 * a))}


def _written(frame: Frame, poly: fmpq_mpoly, unknown: int) -> fmpq_mpoly:
    """The polynomial with a leading coefficient that is not negative, where that is certain."""
    parts = by_powers(poly, unknown)
    return poly if 1 in frame.case.poly_signs(parts[max(parts)]) else -poly


def _roots(sides: Sides, solution: Solution) -> tuple[Root, ...]:
    frame = sides.frame
    rules = {"a": sides.a.rule, "b": sides.b.rule}
    defaults = {f"{side}.{n}": value for side, rule in rules.items() for n, value in rule.defaults.items()}
    at = {i: defaults[n] for i, n in enumerate(frame.names) if n in defaults}
    found = []
    for unknown, poly in solution.roots:
        name = frame.names[unknown]
        others = {i: value for i, value in at.items() if i != unknown}
        intervals = enclosures(poly, unknown, others, frame.domains[name])
        found.append(Root(name, unprefixed(frame.poly(_written(frame, poly, unknown))), intervals))
    return tuple(found)


# Hyperparameters


def _settled(
    made: Branch, sides: Sides, solution: Solution, values: Mapping[str, Expr], formulas: Mapping[str, Expr]
) -> Branch:
    """The branch with its hyperparameters and, where it is not degenerate, its inverse and its state maps."""
    frame = sides.frame
    forced = {n: e for n, e in values.items() if n.startswith("a.") or not symbols(e)}
    inverse = None if made.degenerate else _inverse(sides, solution, forced)
    back = {} if inverse is None else {frame.names[i]: frame.expr(value) for i, value in inverse.values.items()}
    bound = {**forced, **{n: e for n, e in back.items() if n.startswith("b.")}}
    made = replace(
        made,
        hyperparameters={n[2:]: unprefixed(e) for n, e in sorted(values.items()) if n not in bound},
        condition={n: unprefixed(e, n[:2]) for n, e in sorted(bound.items())},
        free=_free(sides, solution, values),
        roots=_roots(sides, solution),
        inverse=None if inverse is None else {n[2:]: unprefixed(e, "b.") for n, e in back.items() if n not in bound},
    )
    return made if made.degenerate else _mapped(made, sides, solution, inverse, Writer(frame, formulas))


def _free(sides: Sides, solution: Solution, values: Mapping[str, Expr]) -> tuple[str, ...]:
    """The hyperparameters that may have any value: those of b that are left, those of a that nothing mentions."""
    frame = sides.frame
    fixed = {*values, *(frame.names[root] for root, _ in solution.roots)}
    told = symbols(*values.values(), *(frame.poly(poly) for _, poly in solution.roots))
    return tuple(n for n in frame.names if n not in fixed and not (n.startswith("a.") and n in told))


def _mapped(made: Branch, sides: Sides, solution: Solution, inverse: Solution | None, writer: Writer) -> Branch:
    """The branch with its state maps, either way round."""
    try:
        a, b = _at(sides.a, solution), _at(sides.b, solution)
    except ZeroDivisionError:
        return made
    if made.shift:
        return with_shift(made, a, b, solution.is_zero, writer)
    forth = state_map(a, b, solution.is_zero)
    if forth is not None:
        made = replace(made, states={n: unprefixed(e) for n, e in writer.states(forth, "a.", "b.").items()})
    back = None if inverse is None else state_map(b, a, solution.is_zero)
    if back is None or inverse is None:
        return made
    try:
        states = Writer(sides.frame, {}).states(mapped(back, inverse.at), "b.", "a.")
    except ZeroDivisionError:  # the map has no value in the hyperparameters of b
        return made
    # A proof from b to a calls b its first side, so a's states that never show are "b.NAME" in it.
    return replace(made, back={n: _swapped(unprefixed(e, "b.")) for n, e in states.items()})


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
    told = frozenset[int]().union(*(v.used() for v in solution.values.values()), *(used(p) for _, p in solution.roots))
    free = [i for i in mine if i in told and i not in solution.values]
    equations = [(whole(generator(i)) - v).num for i, v in solution.values.items() if frame.names[i] not in forced]
    equations += [poly for _, poly in solution.roots]
    for found in solutions(equations, (free, his[::-1]), frame):
        if found.roots or found.open or not set(free) <= set(found.values):
            continue
        if any(i in mine for value in found.values.values() for i in value.used()):
            continue
        nonzero = [_factor(frame, poly) for poly in found.nonzero]
        ratios = {frame.names[i]: found.values[i] for i in free}
        if conditions(frame, {n: frame.expr(v) for n, v in ratios.items()}, ratios, nonzero) == ():
            return found
    return None
