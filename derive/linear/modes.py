"""Hidden modes: what a rule keeps and never shows, or could show and never moves; and whether it grows.

A mode is an irreducible factor of the characteristic polynomial. It dies out where all its zeros
are inside the unit circle, which the Schur-Cohn recursion turns into polynomials that must be positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from flint import fmpq_mpoly

from derive.algebra.polynomials import ONE, ZERO, by_powers, constant_value, factors, generator, product
from derive.algebra.signs import NEGATIVE_SIGN, POSITIVE_SIGN, ZERO_SIGN
from derive.expr import Expr
from derive.linear.frame import Frame
from derive.linear.matrices import Matrix, identity_matrix, kernel, plus, reduced_rows, scaled, times
from derive.linear.ratios import used, whole
from derive.linear.structure import Observable, all_sources, observable, reachable, unobservable
from derive.linear.system import ALWAYS_ONE, LinearSystem
from derive.linear.transfer import characteristic

Growth = Literal["dies out", "stays", "grows", "does not die out", "depends"]


@dataclass(frozen=True)
class HiddenMode:
    """A factor of the characteristic polynomial that cancels.

    `kind` says why: "unobservable" (no queried point ever depends on it) or "unreachable" (it starts at
    zero and nothing moves it). `states` are those it lives in. `driven`: whether gradients move it.
    `growth` "depends" on the hyperparameters where each of `dies_out_where` is not certainly positive.
    """

    kind: Literal["unobservable", "unreachable"]
    polynomial: Expr
    multiplicity: int
    states: tuple[str, ...]
    driven: bool
    growth: Growth
    dies_out_where: tuple[Expr, ...] = ()

    def __str__(self) -> str:
        where = f" where {', '.join(f'{e} > 0' for e in self.dies_out_where)}" if self.growth == "depends" else ""
        growth = "dies out" if self.growth == "depends" else self.growth
        why = "never shows" if self.kind == "unobservable" else "is never moved"
        return f"{', '.join(self.states) or 'a mode'} {why}: {self.polynomial} = 0, {growth}{where}"


def hidden_modes(system: LinearSystem) -> tuple[HiddenMode, ...]:
    """Every mode that the transfer functions do not have, those that never show first."""
    seen = observable(system)
    return (*_never_shown(system, seen), *_never_moved(system, seen))


def _never_shown(system: LinearSystem, seen: Observable) -> Iterator[HiddenMode]:
    basis, transition = unobservable(system, seen)
    if not basis:
        return
    z = system.frame.z
    poly = characteristic(transition, z)
    if ALWAYS_ONE in system.states and system.size - 1 not in seen.pivots:
        poly = poly / (generator(z) - ONE)  # the one that carries constants is no state of the rule
    moved = characteristic(reachable(system.transition, system.input)[1], z)
    moved = moved / characteristic(reachable(seen.transition, seen.input)[1], z)
    for part, exponent in _modes(poly, z):
        inside = times(_kernel_of(part, transition, z), basis)
        names = [n for j, n in enumerate(system.states) if n != ALWAYS_ONE and any(v[j] for v in inside)]
        driven = not moved.gcd(part).is_constant()
        yield _mode(system.frame, "unobservable", part, exponent, names, driven)


def _never_moved(system: LinearSystem, seen: Observable) -> Iterator[HiddenMode]:
    if not seen.size:
        return
    z = system.frame.z
    basis, within = reachable(seen.transition, all_sources(seen))
    left = characteristic(seen.transition, z) / characteristic(within, z)
    moved = reduced_rows(basis)[1]
    names = [system.states[pivot] for j, pivot in enumerate(seen.pivots) if j not in moved]
    for part, exponent in _modes(left, z):
        yield _mode(system.frame, "unreachable", part, exponent, names, driven=False)


def _modes(poly: fmpq_mpoly, z: int) -> list[tuple[fmpq_mpoly, int]]:
    found = [] if poly.is_constant() else [(part, e) for part, e in factors(poly)[1] if z in used(part)]
    return sorted(found, key=lambda mode: (len(mode[0]), str(mode[0])))


def _kernel_of(poly: fmpq_mpoly, transition: Matrix, z: int) -> Matrix:
    """What the polynomial of the matrix sends to zero, in rows."""
    size = len(transition)
    parts = by_powers(poly, z)
    value = scaled(whole(ZERO), identity_matrix(size))
    for exponent in range(max(parts), -1, -1):
        value = plus(times(value, transition), scaled(whole(parts.get(exponent, ZERO)), identity_matrix(size)))
    return kernel(*reduced_rows(value), size)


def _mode(
    frame: Frame,
    kind: Literal["unobservable", "unreachable"],
    poly: fmpq_mpoly,
    multiplicity: int,
    states: Sequence[str],
    driven: bool,
) -> HiddenMode:
    parts = by_powers(poly, frame.z)
    lead = constant_value(parts[max(parts)])
    shown = -poly if lead is not None and lead < 0 else poly
    growth, where = _growth(frame, [parts.get(k, ZERO) for k in range(max(parts) + 1)])
    return HiddenMode(kind, frame.poly(shown), multiplicity, tuple(states), driven, growth, where)


def _growth(frame: Frame, coefficients: Sequence[fmpq_mpoly]) -> tuple[Growth, tuple[Expr, ...]]:
    """By Schur and Cohn: all zeros are inside the unit circle where every margin is positive."""
    conditions: list[Expr] = []
    for margin in schur_cohn_margins(coefficients):
        signs = frame.case.poly_signs(margin)
        if signs == ZERO_SIGN and not conditions:
            return ("stays" if len(coefficients) == 2 else "does not die out"), ()
        if signs == NEGATIVE_SIGN and not conditions:
            return "grows", ()
        if 1 not in signs:
            return "does not die out", ()
        if signs != POSITIVE_SIGN:
            conditions.append(frame.expr(whole(margin)))
    return ("depends", tuple(conditions)) if conditions else ("dies out", ())


def schur_cohn_margins(coefficients: Sequence[fmpq_mpoly]) -> Iterator[fmpq_mpoly]:
    """The first is negative only where the product of the zeros is outside; the next after one zero is divided out."""
    rest = list(coefficients)
    while len(rest) > 1:
        first, last, size = rest[0], rest[-1], len(rest)
        yield product(last, last) - product(first, first)
        rest = [product(last, rest[i]) - product(first, rest[size - 1 - i]) for i in range(1, size)]
