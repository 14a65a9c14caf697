"""Every solution of a few polynomial equations in hyperparameters, as branches that are solved one unknown at a time.

An equation that factors makes a branch of each factor. An irreducible one is solved for an unknown
in which it is linear; where the coefficient may vanish, its zeros are a branch of their own. An
unknown that no equation has linearly stays the root of a polynomial, and everything else is
reduced by it. Factors that vanish nowhere in the declared domains are left out. The branches
together are all solutions; what went over a bound is marked open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.polynomials import ONE, ZERO, TooLarge, by_powers, constant, factors, generator, product
from derive.algebra.signs import vanishing
from derive.linear.frame import Frame
from derive.linear.ratios import Ratio, poly_replaced, ratio, replaced, used, whole
from derive.rule import Domain

_NOT_NEGATIVE, _NOT_POSITIVE = frozenset({0, 1}), frozenset({-1, 0})
MAX_DEPTH = 24
MAX_BRANCHES = 400


@dataclass(frozen=True)
class Solution:
    """`values` of the unknowns solved for, in those left; `roots` of polynomials in the others; what is not zero.

    `divisors` are not zero either, or nothing is defined; where one of `avoided` is, another branch has it.
    `open` are equations not solved within the bounds.
    """

    values: dict[int, Ratio] = field(default_factory=dict)
    roots: tuple[tuple[int, fmpq_mpoly], ...] = ()
    nonzero: tuple[fmpq_mpoly, ...] = ()
    divisors: tuple[fmpq_mpoly, ...] = ()
    avoided: tuple[fmpq_mpoly, ...] = ()
    open: tuple[fmpq_mpoly, ...] = ()

    @property
    def size(self) -> int:
        """How many unknowns are not free."""
        return len(self.values) + len(self.roots)

    def is_zero(self, value: Ratio) -> bool:
        """Whether a ratio, free of the unknowns solved for, vanishes on the whole branch."""
        return bool(remainder_by(value.num, self.roots).is_zero())

    def at(self, value: Ratio) -> Ratio:
        """The ratio with the unknowns solved for replaced; raises ZeroDivisionError where it has no value."""
        return replaced(value, self.values)


def solutions(
    polys: Sequence[fmpq_mpoly],
    unknowns: Sequence[Sequence[int]],
    frame: Frame,
    divisors: Sequence[fmpq_mpoly] = (),
) -> tuple[Solution, ...]:
    """Every branch of the common zeros where no divisor vanishes.

    An equation is solved for unknowns of the first group of which it has any.
    """
    found: list[Solution] = []
    search = _Search(tuple(map(tuple, unknowns)), frame.case, dict(enumerate(frame.domains.values())))
    apart = tuple(part for poly in divisors for part, _ in factors(poly)[1])
    for branch in search.branches([*polys], Solution(divisors=apart), 0):
        if not any(search.inside(branch, other) for other in found):
            found = [other for other in found if not search.inside(other, branch)] + [branch]
    return tuple(found)


def remainder(poly: fmpq_mpoly, root: int, by: fmpq_mpoly) -> fmpq_mpoly:
    """The pseudo-remainder of `poly` by `by` in one generator: a multiple of the leading coefficient is divided."""
    theirs = by_powers(by, root)
    degree = max(theirs)
    while not poly.is_zero() and (mine := int(poly.degrees()[root])) >= degree:
        lead = by_powers(poly, root)[mine]
        step = product(lead, generator(root) ** (mine - degree))
        poly = product(theirs[degree], poly) - product(step, by)
    return poly


def remainder_by(poly: fmpq_mpoly, roots: Sequence[tuple[int, fmpq_mpoly]]) -> fmpq_mpoly:
    for root, by in reversed(roots):
        if root in used(poly):
            poly = remainder(poly, root, by)
    return poly


def _apart(small: Solution, large: Solution) -> bool:
    """Whether an unknown that is a number on the large branch is certainly not that number on the small one."""
    roots = {root for root, _ in small.roots}
    numbers = ((i, value) for i, value in large.values.items() if value.constant() is not None and i not in roots)
    return any(i not in small.values or (small.values[i] - value).constant() not in (None, 0) for i, value in numbers)


def _unknown(index: int) -> Ratio:
    return whole(generator(index))


@dataclass(frozen=True)
class _Choice:
    """An irreducible equation and an unknown to solve it for; `unsure` are factors of the leading coefficient."""

    poly: fmpq_mpoly
    unknown: int
    degree: int
    unsure: tuple[fmpq_mpoly, ...]
    lead_terms: int
    order: int
    unknowns: int

    @property
    def is_simple(self) -> bool:
        return self.degree == 1 and not self.unsure


def _rank(choice: _Choice) -> tuple[object, ...]:
    """Linearly before as a root, surely before in cases, what has few terms first."""
    is_root = choice.degree > 1
    return (
        is_root,
        choice.degree,
        choice.unknowns * is_root,
        bool(choice.unsure),
        choice.order,
        choice.lead_terms,
        len(choice.poly),
    )


@dataclass
class _Search:
    """The equations left are split, solved and put in, depth first."""

    groups: tuple[tuple[int, ...], ...]
    case: Case
    ranges: Mapping[int, Domain]
    budget: int = MAX_BRANCHES
    seen: dict[str, bool] = field(default_factory=dict)  # whether it is finished, or being looked at

    def branches(self, polys: list[fmpq_mpoly], done: Solution, depth: int) -> Iterator[Solution]:
        try:
            reduced = self._reduced(polys, done)
        except TooLarge:
            yield replace(done, open=tuple(polys))
            return
        if reduced is None:
            return
        if not reduced:
            yield done
            return
        key = _key(reduced, done)
        if self.seen.get(key):  # factors taken in another order led to the same
            return
        self.budget -= 1
        if depth > MAX_DEPTH or self.budget < 0 or key in self.seen:
            yield replace(done, open=tuple(_multiplied(parts) for parts in reduced))
            return
        self.seen[key] = False
        yield from self._split(reduced, done, depth)
        self.seen[key] = True

    def _split(self, reduced: list[list[fmpq_mpoly]], done: Solution, depth: int) -> Iterator[Solution]:
        """Solve an equation where that is simple, else take the factors of one apart."""
        everything = [_multiplied(parts) for parts in reduced]
        best = min(self._choices([parts[0] for parts in reduced if len(parts) == 1], done), default=None, key=_rank)
        several = min((parts for parts in reduced if len(parts) > 1), key=len, default=None)
        if several is not None and (best is None or not best.is_simple):
            rest = [other for other, parts in zip(everything, reduced, strict=True) if parts is not several]
            for place, part in enumerate(several):
                apart = replace(done, avoided=(*done.avoided, *several[:place]))
                yield from self.branches([part, *rest], apart, depth + 1)
        elif best is None:
            yield replace(done, open=tuple(everything))
        else:
            yield from self._solved(best, [other for other in everything if other != best.poly], done, depth)

    def _reduced(self, polys: Sequence[fmpq_mpoly], done: Solution) -> list[list[fmpq_mpoly]] | None:
        """The factors of each equation that may vanish, equations that hold left out; None for a contradiction."""
        found: dict[str, list[fmpq_mpoly]] = {}
        for poly in polys:
            left = remainder_by(poly, done.roots)
            if left.is_zero():
                continue
            parts = [part for part, _ in factors(left)[1] if self._may_vanish(part, done)]
            if not parts:
                return None
            parts.sort(key=lambda part: (len(part), str(part)))
            found[str(parts)] = parts
            if len(parts) == 1:
                found |= {str([fixed]): [fixed] for fixed in self._fixed(parts[0])}
        return list(found.values())

    def _fixed(self, part: fmpq_mpoly) -> Iterator[fmpq_mpoly]:
        """Where a sum of terms of one sign vanishes each does: what that fixes."""
        if len(part) > 1 and self.case.poly_signs(part) in (_NOT_NEGATIVE, _NOT_POSITIVE):
            for index, value in vanishing(part, self.ranges).items():
                yield generator(index) - constant(value)

    def _may_vanish(self, part: fmpq_mpoly, done: Solution) -> bool:
        return 0 in self.case.poly_signs(part) and not any(
            part == other for other in (*done.nonzero, *done.divisors, *done.avoided)
        )

    def _unsure(self, poly: fmpq_mpoly, done: Solution) -> list[fmpq_mpoly]:
        return sorted((part for part, _ in factors(poly)[1] if self._may_vanish(part, done)), key=str)

    def inside(self, small: Solution, large: Solution) -> bool:
        """Whether all of the one branch is in the other, as far as substitution shows."""
        if large.open or small.open or small.size < large.size or _apart(small, large):
            return False
        try:
            zero = [_unknown(i) - value for i, value in large.values.items()]
            zero += [whole(poly) for _, poly in large.roots]
            if not all(small.is_zero(small.at(value)) for value in zero):
                return False
            apart = [small.at(whole(poly)).num for poly in large.nonzero]
        except (ZeroDivisionError, TooLarge):
            return False
        return all(not poly.is_zero() and not self._unsure(poly, small) for poly in apart)

    # Solving one irreducible equation

    def _solved(self, best: _Choice, rest: list[fmpq_mpoly], done: Solution, depth: int) -> Iterator[Solution]:
        poly, unknown = best.poly, best.unknown
        parts = by_powers(poly, unknown)
        lead = parts[max(parts)]
        if not all(any(part == other for other in done.avoided) for part in best.unsure):
            without = poly - product(lead, generator(unknown) ** max(parts))
            yield from self.branches([lead, without, *rest], done, depth + 1)
        done = replace(done, nonzero=(*done.nonzero, *best.unsure))
        if best.degree > 1:
            yield from self._kept_as_root(unknown, poly, rest, done, depth)
        else:
            yield from self._substituted(unknown, ratio(-parts.get(0, ZERO), lead), rest, done, depth)

    def _choices(self, single: Sequence[fmpq_mpoly], done: Solution) -> Iterator[_Choice]:
        """What each irreducible equation can be solved for."""
        roots, plain = {root for root, _ in done.roots}, replace(done, avoided=())
        for poly in single:
            here = used(poly) - roots
            group = next((group for group in self.groups if here & {*group}), ())
            for order, unknown in enumerate(group):
                if unknown in here:
                    degree = int(poly.degrees()[unknown])
                    lead = by_powers(poly, unknown)[degree]
                    yield _Choice(poly, unknown, degree, tuple(self._unsure(lead, plain)), len(lead), order, len(here))

    def _substituted(
        self, unknown: int, value: Ratio, rest: Sequence[fmpq_mpoly], done: Solution, depth: int
    ) -> Iterator[Solution]:
        try:
            known = {i: replaced(v, {unknown: value}) for i, v in done.values.items()}
        except ZeroDivisionError:
            return  # a divisor that vanishes nowhere in the domains would vanish
        # A polynomial kept for a root may factor now, so it is looked at again.
        again = [poly for _, poly in done.roots if unknown in used(poly)]
        kept = tuple((root, poly) for root, poly in done.roots if unknown not in used(poly))
        left = [poly_replaced(poly, unknown, value).num for poly in (*rest, *again)]
        nonzero = [poly_replaced(poly, unknown, value).num for poly in done.nonzero]
        divisors, avoided = (
            [poly_replaced(poly, unknown, value).num for poly in polys] for polys in (done.divisors, done.avoided)
        )
        if any(poly.is_zero() for poly in (*nonzero, *divisors, *avoided)):
            return
        apart, elsewhere = (
            tuple(part for poly in polys for part, _ in factors(poly)[1]) for polys in (divisors, avoided)
        )
        unsure = tuple(p for poly in nonzero for p in self._unsure(poly, Solution(divisors=apart)))
        yield from self.branches(left, Solution({**known, unknown: value}, kept, unsure, apart, elsewhere), depth + 1)

    def _kept_as_root(
        self, unknown: int, poly: fmpq_mpoly, rest: Sequence[fmpq_mpoly], done: Solution, depth: int
    ) -> Iterator[Solution]:
        """The unknown stays a root of the polynomial once no other equation has it: by division, as Euclid does."""
        others = [remainder(other, unknown, poly) if unknown in used(other) else other for other in rest]
        if any(unknown in used(other) for other in others):
            yield from self.branches([poly, *others], done, depth + 1)
        else:
            yield from self.branches(others, replace(done, roots=(*done.roots, (unknown, poly))), depth + 1)


def _key(reduced: list[list[fmpq_mpoly]], done: Solution) -> str:
    values = sorted((i, str(v.num), str(v.den)) for i, v in done.values.items())
    return str((sorted(map(str, reduced)), values, sorted(map(str, done.roots)), sorted(map(str, done.nonzero))))


def _multiplied(parts: Sequence[fmpq_mpoly]) -> fmpq_mpoly:
    result = ONE
    for part in parts:
        result = product(result, part)
    return result
