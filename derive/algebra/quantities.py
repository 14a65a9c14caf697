"""Quantities: fractions of polynomials in generators, and what is known of their signs.

A generator is a real quantity with a range: a symbol; a power b^t of a positive base with a whole
exponent; a square root r >= 0 with its square replaced by its radicand; another function of an
exact argument. Two values are equal when the numerator of their difference reduces to zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from flint import fmpq_mpoly

from derive.algebra import signs as sign
from derive.algebra.facts import NeedSplit, Stuck
from derive.algebra.polynomials import (
    ONE,
    POOL,
    ZERO,
    Named,
    Quotient,
    as_fraction,
    by_powers,
    constant_value,
    factors,
    generator,
    monic,
    power,
    product,
    quotient,
    square_replaced,
)
from derive.algebra.signs import ANY_SIGN, POSITIVE_SIGN, ZERO_SIGN, Signs
from derive.algebra.work import TooLarge, spend
from derive.expr import Apply, Expr, Number, Symbol, apply
from derive.ops import Undefined
from derive.rule import POSITIVE, REAL, Domain

_UNIT_OPEN = Domain(low=Fraction(0), high=Fraction(1), low_open=True, high_open=True)
_ABOVE_ONE = Domain(low=Fraction(1), low_open=True)
_NONNEGATIVE = Domain(low=Fraction(0))
_BETWEEN_SIGNS = Domain(low=Fraction(-1), high=Fraction(1), low_open=True, high_open=True)
_SIGNS = Domain(low=Fraction(-1), high=Fraction(1))
_RANGES_OF_FUNCTIONS = {"exp": POSITIVE, "tanh": _BETWEEN_SIGNS, "sin": _SIGNS, "cos": _SIGNS, "pow": POSITIVE,
                        "norm": _NONNEGATIVE, "global_norm": _NONNEGATIVE}  # fmt: skip


@dataclass(frozen=True)
class Generator:
    """An independent quantity: what it means, what it depends on.

    `radicand` is set for square roots, `base` and `exponent` for powers.
    """

    meaning: Expr
    depends: frozenset[str]
    radicand: fmpq_mpoly | None = None
    base: fmpq_mpoly | None = None
    exponent: str = ""


class Quantities:
    """The generators of one case with their ranges, and the arithmetic of what is made of them."""

    def __init__(self, domains: Mapping[str, Domain]) -> None:
        self.domains = dict(domains)
        self.generators: list[Generator] = []
        self._index: dict[object, int] = {}
        self._ranges: dict[int, Domain] = {}
        self._declared: dict[int, Domain] = {}
        self._roots: list[int] = []
        self._facts: dict[Named, Signs] = {}
        self._signs: dict[Named, Signs] = {}
        self.is_impossible = False  # the facts contradict each other: whatever is claimed holds here

    # Arithmetic, reduced by the squares of the roots

    def add(self, a: Quotient, b: Quotient) -> Quotient:
        if a.den == b.den:
            return self._reduced(a.num + b.num, a.den)
        return self._reduced(product(a.num, b.den) + product(b.num, a.den), product(a.den, b.den))

    def sub(self, a: Quotient, b: Quotient) -> Quotient:
        return self.add(a, Quotient(-b.num, b.den))

    def mul(self, a: Quotient, b: Quotient) -> Quotient:
        return self._reduced(product(a.num, b.num), product(a.den, b.den))

    def div(self, a: Quotient, b: Quotient) -> Quotient | Undefined:
        """a / b, undefined where b is zero; whether it is becomes a case of its own."""
        possible = self.signs(b)
        if possible == ZERO_SIGN:
            return Undefined("division by zero")
        if 0 in possible:
            self._split(b, lambda s: (ZERO_SIGN, s - ZERO_SIGN), lambda s: 0 in s)
            raise Stuck("a divisor that no case can settle")
        return self._reduced(product(a.num, b.den), product(a.den, b.num))

    def power(self, base: Quotient, exponent: int) -> Quotient:
        return self._reduced(power(base.num, exponent), power(base.den, exponent))

    def _reduced(self, num: fmpq_mpoly, den: fmpq_mpoly) -> Quotient:
        return quotient(self.without_squares(num), self.without_squares(den))

    def without_squares(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        """Replace r^2 by the radicand, newest root first: its radicand may hold older ones."""
        if not self._roots:
            return poly
        degrees = poly.degrees()
        for index in reversed(self._roots):
            if degrees[index] >= 2:
                radicand = self.generators[index].radicand
                assert radicand is not None
                poly = square_replaced(poly, index, radicand)
                if poly.is_zero():
                    break
                degrees = poly.degrees()
        return poly

    def vanishes(self, value: Quotient) -> bool:
        if value.is_zero():
            return True
        return ZERO_SIGN in self._facts.values() and self.signs(value) == ZERO_SIGN

    # Generators

    def _symbol(self, name: str) -> int:
        meaning = Symbol(name)
        return self._generator(("symbol", name), lambda: Generator(meaning, frozenset({name})))

    def _generator(self, key: object, make: Callable[[], Generator]) -> int:
        if key not in self._index:
            index = len(self.generators)
            if index >= POOL:
                raise TooLarge(f"more than {POOL} independent quantities")
            made = make()
            self.generators.append(made)
            self._index[key] = index
            self._ranges[index] = self._declared[index] = self._range(made)
        return self._index[key]

    def root(self, radicand: fmpq_mpoly) -> fmpq_mpoly:
        """The generator r >= 0 with r^2 = radicand, which must be certainly nonnegative."""
        if -1 in self.poly_signs(radicand):
            raise Stuck("a root of a quantity that may be negative")
        index = self._generator(
            ("root", Named(radicand)),
            lambda: Generator(apply("sqrt", self.expr(radicand)), self.depends(radicand), radicand),
        )
        if index not in self._roots:
            self._roots.append(index)
        return generator(index)

    def _power_generator(self, base: fmpq_mpoly, symbol: str, parts: int) -> fmpq_mpoly:
        """base^(symbol/parts) for a base that is certainly positive."""
        if self.poly_signs(base) != POSITIVE_SIGN:
            raise Stuck("a power of a base whose sign is not certain")
        return generator(
            self._generator(
                ("power", Named(base), symbol, parts),
                lambda: Generator(
                    apply("pow", self.expr(base), Symbol(symbol) if parts == 1 else Symbol(symbol) / parts),
                    self.depends(base) | {symbol},
                    base=base,
                    exponent=symbol,
                ),
            )
        )

    def _range(self, made: Generator) -> Domain:
        """What is known of a generator from what it means."""
        if isinstance(made.meaning, Symbol):
            return self.domains.get(made.meaning.name, REAL)
        if made.radicand is not None:
            return _NONNEGATIVE if 0 in self.poly_signs(made.radicand) else POSITIVE
        if made.base is not None:
            return self._range_of_power(made.base, made.exponent)
        assert isinstance(made.meaning, Apply)
        return _RANGES_OF_FUNCTIONS.get(made.meaning.op, REAL)

    def _range_of_power(self, base: fmpq_mpoly, symbol: str) -> Domain:
        low = self.domains.get(symbol, REAL).low
        if low is None or low <= 0:
            return POSITIVE
        if self.poly_signs(ONE - base) == POSITIVE_SIGN:
            return _UNIT_OPEN
        return _ABOVE_ONE if self.poly_signs(base - ONE) == POSITIVE_SIGN else POSITIVE

    def _function(self, op: str, arguments: tuple[Quotient, ...]) -> Quotient:
        """A function with no algebra of its own: equal arguments, equal values, and a range."""
        key = (op, *((Named(a.num), Named(a.den)) for a in arguments))
        meaning = apply(op, *(self._fraction(a) for a in arguments))
        depends = frozenset[str]().union(*(self.depends(p) for a in arguments for p in (a.num, a.den)))
        return Quotient(generator(self._generator(key, lambda: Generator(meaning, depends))), ONE)

    def _fraction(self, value: Quotient) -> Expr:
        return self.expr(value.num) if value.den == ONE else self.expr(value.num) / self.expr(value.den)

    def _used(self, poly: fmpq_mpoly) -> list[int]:
        return [] if poly.is_zero() else [i for i, d in enumerate(poly.degrees()) if d > 0]

    def depends(self, poly: fmpq_mpoly) -> frozenset[str]:
        return frozenset[str]().union(*(self.generators[i].depends for i in self._used(poly)))

    def expr(self, poly: fmpq_mpoly) -> Expr:
        """The polynomial as an expression in what its generators mean, terms to be added first."""
        spend(5 + 10 * len(poly))
        terms = [(as_fraction(c), self._monomial(m)) for m, c in poly.to_dict().items()]
        total: Expr | None = None
        for value, meaning in sorted(terms, key=lambda term: term[0] < 0):
            size = abs(value)
            part = Number(size) if meaning is None else meaning if size == 1 else size * meaning
            if total is None:
                total = part if value > 0 else -part
            else:
                total = total + part if value > 0 else total - part
        return Number(0) if total is None else total

    def _monomial(self, monomial: tuple[int, ...]) -> Expr | None:
        term: Expr | None = None
        for index, exponent in enumerate(monomial):
            if exponent:
                meaning = self.generators[index].meaning
                factor = meaning if exponent == 1 else apply("pow", meaning, int(exponent))
                term = factor if term is None else term * factor
        return term

    # Signs

    def signs(self, value: Quotient) -> Signs:
        """What the sign of the value can be."""
        return sign.times(self.poly_signs(value.num), self.poly_signs(value.den))

    def poly_signs(self, poly: fmpq_mpoly) -> Signs:
        exact = constant_value(poly)
        if exact is not None:
            return sign.of_number(exact)
        scale, parts = factors(poly)
        result = sign.of_number(scale)
        for part, exponent in parts:
            result = sign.times(result, sign.to_the(self._factor_signs(part), exponent))
        return result

    def _factor_signs(self, part: fmpq_mpoly) -> Signs:
        name = Named(part)
        known = self._signs.get(name)
        if known is None:
            known = sign.certain_signs(part, self._ranges) & self._facts.get(name, ANY_SIGN)
            if len(known) > 1 and any(self._ranges[i] is not self._declared[i] for i in self._used(part)):
                known &= sign.certain_signs(part, self._declared)  # a square is a square on a part of the line too
            if len(known) > 1:
                known &= self._signs_by_conjugate(part)
            if len(known) > 1:
                known &= self._signs_by_facts(part)
            self._signs[name] = known
        return known

    def _signs_by_facts(self, part: fmpq_mpoly) -> Signs:
        """p = f + (p - f) has the sign that a fact f of this case and the rest share; so has (-f) + (p + f)."""
        found = ANY_SIGN
        for name, known in self._facts.items():
            for fact, signs in ((name.poly, known), (-name.poly, sign.negated(known))):
                if not {-1, 1} <= signs:
                    found &= sign.plus(signs, sign.certain_signs(part - fact, self._ranges))
        return found

    def _signs_by_conjugate(self, part: fmpq_mpoly) -> Signs:
        """a - b r with a, b >= 0 and the newest root r has the sign of a^2 - b^2 r^2, which is free of r."""
        split = self._by_newest_root(part)
        if split is None:
            return ANY_SIGN
        a, b = self.poly_signs(split[0]), self.poly_signs(split[1])
        first_wins = -1 not in a and 1 not in b
        if not first_wins and not (1 not in a and -1 not in b):
            return ANY_SIGN
        found = self.poly_signs(self._product_of_conjugates(*split))
        return found if first_wins else sign.negated(found)

    def _by_newest_root(self, part: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly, fmpq_mpoly] | None:
        """a, b and r^2 of a + b r with the newest root r; None where there is none."""
        index = next((i for i in reversed(self._roots) if part.degrees()[i] == 1), None)
        if index is None:
            return None
        split, radicand = by_powers(part, index), self.generators[index].radicand
        assert radicand is not None
        return split.get(0, ZERO), split[1], radicand

    def _product_of_conjugates(self, free: fmpq_mpoly, slope: fmpq_mpoly, radicand: fmpq_mpoly) -> fmpq_mpoly:
        """a^2 - b^2 r^2, which vanishes where a + b r does."""
        return self.without_squares(product(free, free) - product(product(slope, slope), radicand))

    def decide(self, value: Quotient, question: Callable[[Signs], bool | None]) -> bool:
        """Answer a question about the sign, or ask for cases where the sign does not answer it."""
        answer = question(self.signs(value))
        if answer is None:
            self.split_signs(value)
        return bool(answer)

    def split_signs(self, value: Quotient) -> NoReturn:
        """Ask for cases in which the value is negative, zero or positive."""
        self._split(value, lambda s: tuple(frozenset({x}) for x in sorted(s)), lambda s: len(s) > 1)
        raise Stuck("a sign that no case can settle")

    def _split(
        self, value: Quotient, branches: Callable[[Signs], tuple[Signs, ...]], matters: Callable[[Signs], bool]
    ) -> None:
        """Ask for cases of the first factor whose sign matters."""
        for poly in (value.num, value.den):
            for part, _ in factors(poly)[1]:
                possible = self._factor_signs(part)
                if matters(possible):
                    raise NeedSplit(self.expr(part), branches(possible))

    def _learn(self, poly: fmpq_mpoly, certain: Signs) -> tuple[fmpq_mpoly, Signs]:
        """Record the sign of a polynomial under the name all its multiples share."""
        scale, part = monic(poly)
        known = certain if scale > 0 else sign.negated(certain)
        name = Named(part)
        self.is_impossible |= not known & self._factor_signs(part)
        self._facts[name] = known & self._facts.get(name, ANY_SIGN)
        self._signs.pop(name, None)
        self._narrow(part, known)
        return part, known

    def _narrow(self, part: fmpq_mpoly, known: Signs) -> None:
        """A sign of a x + b narrows the range of the one quantity x."""
        used = self._used(part)
        if len(used) != 1 or part.total_degree() != 1:
            return
        index = used[0]
        bound = -(constant_value(part - generator(index)) or Fraction(0))  # part is monic
        self._ranges[index] = sign.narrowed(self._ranges[index], bound, known)
        meaning = self.generators[index].meaning
        if isinstance(meaning, Symbol):
            self.domains[meaning.name] = self._ranges[index]
