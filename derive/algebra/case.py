"""The exact value of expressions in one case: where some quantities have known signs.

Every value is a fraction of polynomials in the generators of `quantities`. Branches are taken by
certain signs. Where a sign decides and is not known the evaluation stops with `NeedSplit`; where
the language of the prover ends, with `Stuck`.

This file, `quantities`, `operations`, `signs`, `polynomials` and `checker` are what a proof rests on.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy

from flint import fmpq_mpoly

from derive.algebra import signs as sign
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.operations import RULES, Value
from derive.algebra.polynomials import (
    ONE,
    ZERO,
    Quotient,
    constant,
    constant_value,
    factors,
    generator,
    product,
    rational,
)
from derive.algebra.quantities import Generator, Quantities
from derive.algebra.signs import ZERO_SIGN
from derive.algebra.work import TooLarge, spend
from derive.expr import (
    GLOBAL,
    GLOBAL_NORM,
    NORM,
    NORMS,
    Apply,
    Expr,
    Number,
    Symbol,
    apply,
    is_uniform,
    symbols,
)
from derive.ops import LAZY, OPS, Undefined
from derive.rule import REAL, Domain

NOT_NEGATIVE = frozenset({0, 1})
UNIFORM = {NORM: NORMS, GLOBAL_NORM: GLOBAL}  # which norms are one number for all that a norm takes
GIVEN = frozenset({"theta", "g", "x", "output"})  # what a domain is given for in a question only


class Case(Quantities):
    """Evaluates expressions under the assumptions and the facts of one path of cases."""

    def __init__(self, assumptions: Assumptions, path: tuple[Fact, ...] = ()) -> None:
        super().__init__(assumptions.domains)
        declared = assumptions.domains.items()
        self.uniform = assumptions.uniform
        self._everywhere = tuple((n, d) for n, d in declared if n.rpartition(".")[2] not in GIVEN)
        self._wider: dict[str, Case] = {}  # by the norms that ask for it: what is known of any coordinate they take
        self._norms: dict[tuple[str, Expr, tuple[Expr, ...]], tuple[Expr, Expr | None]] = {}
        self._kept: dict[str, tuple[Expr, ...]] = dict.fromkeys(UNIFORM, ())
        self._solved: dict[str, Expr] = {}
        self._values: dict[Expr, Value] = {}
        self._path: list[Fact] = []
        for fact in path:
            self.assume(fact)

    def where(self, fact: Fact) -> Case:
        """The case inside this one in which the fact holds too. What is known here is known there."""
        spend(100 + len(self._values))
        inner = Case.__new__(Case)
        inner.__dict__.update((name, copy(known)) for name, known in self.__dict__.items())
        for op, wider in self._wider.items():
            if wider is self and is_uniform(fact.quantity, self.uniform, UNIFORM[op]):
                inner._wider[op] = inner
        inner.assume(fact)
        return inner

    # Values

    def value(self, node: Expr) -> Value:
        """The value of an expression, or `Undefined`; raises NeedSplit, Stuck or TooLarge."""
        stack = [node]
        while stack:  # arguments first, without recursion, but for what may not be asked for
            top = stack[-1]
            waiting = [a for a in _strict_arguments(top) if a not in self._values] if top not in self._values else []
            if waiting:
                stack.extend(reversed(waiting))
                continue
            if top not in self._values:
                spend(5)
                self._values[top] = self._compute(top)
            stack.pop()
        return self._values[node]

    def number(self, node: Expr) -> Quotient:
        """The value of an expression that is known to be a defined number."""
        value = self.value(node)
        if not isinstance(value, Quotient):
            raise Stuck(f"{node} has no value here")
        return value

    def norm(self, node: Apply) -> Quotient:
        """A norm of a tensor, or of all: a factor times a quantity that is not negative.

        The factor is the size of one number for all that the norm takes; the quantity is that of another such norm
        where the rest is the same at every coordinate, or opposite at each.
        """
        from derive.algebra.norms import scaled

        op, argument = node.op, node.args[0]
        everywhere = self.at_every_coordinate(op)
        asked = op, argument, self._kept[op]
        if asked not in everywhere._norms:
            everywhere._norms[asked] = scaled(argument, everywhere, self._kept[op], UNIFORM[op])
        scale, kept = everywhere._norms[asked]
        if kept is None:
            return rational(0)
        made = Generator(apply(op, kept), symbols(kept))
        norm = generator(self._generator((op, kept), lambda: made))
        if kept not in self._kept[op]:
            self._kept[op] = (*self._kept[op], kept)
            self._bound_coordinate(norm, kept)
        return self.mul(self.number(apply("abs", scale)), Quotient(norm, ONE))

    def at_every_coordinate(self, op: str) -> Case:
        """What is known of any coordinate that such a norm takes: of the tensor of which this case is about one, or of
        all tensors.

        These are the facts about what is one number for all of them, and the domains that a rule declares: those of
        theta, g and x are given for one coordinate in a question.
        """
        if op not in self._wider:
            wider = Case(Assumptions(dict(self._everywhere), self.uniform))
            wider._wider = {inner: wider for inner, norms in UNIFORM.items() if UNIFORM[op] <= norms}
            self._wider[op] = wider
            for fact in self._path:
                if is_uniform(fact.quantity, self.uniform, UNIFORM[op]):
                    with suppress(NeedSplit, Stuck):
                        wider.assume(fact)
            self.is_impossible |= wider.is_impossible
        return self._wider[op]

    def is_uniform(self, value: Quotient, norms: frozenset[str]) -> bool:
        """Whether the value is one number for the whole tensor; for all tensors, if only global norms are."""
        meanings = (self.generators[i].meaning for p in (value.num, value.den) for i in self._used(p))
        return all(is_uniform(meaning, self.uniform, norms) for meaning in meanings)

    def _bound_coordinate(self, norm: fmpq_mpoly, kept: Expr) -> None:
        """No coordinate is larger than the norm, where it has a value without further cases."""
        with suppress(NeedSplit, Stuck):
            here = self.number(kept)
            below = self.poly_signs(here.den)
            if len(below) == 1 and 0 not in below:
                size = product(norm, here.den if 1 in below else -here.den)
                for side in (here.num, -here.num):
                    self._learn(size - side, NOT_NEGATIVE)

    def equal(self, a: Value, b: Value) -> bool:
        """Whether two defined values are certainly the same everywhere in this case."""
        if not isinstance(a, Quotient) or not isinstance(b, Quotient):
            return isinstance(a, bool) and a is b
        return self.vanishes(self.sub(a, b))

    def _compute(self, node: Expr) -> Value:
        if isinstance(node, Symbol):
            if node.name in self._solved:
                return self.value(self._solved[node.name])
            return Quotient(generator(self._symbol(node.name)), ONE)
        if isinstance(node, Number):
            return rational(node.value)
        assert isinstance(node, Apply)
        definition = OPS[node.op].definition
        if definition is not None:
            return self.value(definition(apply, *node.args))
        if node.op in LAZY:
            return self._lazily(node, self.value(node.args[0]))
        arguments = [self.value(a) for a in node.args]
        takes_truth = node.op == "not"
        for argument in arguments:
            if isinstance(argument, Undefined):
                return argument
            if isinstance(argument, bool) is not takes_truth:
                raise Stuck(f"a truth value for a number, or a number for a truth value, in {node.op}")
        return RULES[node.op](self, node, *arguments)

    def _lazily(self, node: Apply, first: Value) -> Value:
        """A branch, or the second half of a condition, only where it is asked for."""
        if isinstance(first, Undefined):
            return first
        if not isinstance(first, bool):
            raise Stuck("a condition that is no truth value")
        if node.op == "where":
            return self.value(node.args[1 if first else 2])
        settled = first is (node.op == "or")
        return first if settled else self.value(node.args[1])

    # Facts

    def assume(self, fact: Fact) -> None:
        """Take a fact of the path into account: its sign, the range it gives, the symbol it solves for."""
        value = self.number(fact.quantity)
        # A denominator is never zero; its sign is part of the quantity's.
        poly = product(value.num, value.den)
        exact = constant_value(poly)
        if exact is not None:
            self.is_impossible |= not sign.of_number(exact) & fact.signs
            return
        part, known = self._learn(poly, fact.signs)
        before = tuple(self._path)
        self._path.append(fact)
        for op, wider in tuple(self._wider.items()):
            if is_uniform(fact.quantity, self.uniform, UNIFORM[op]):
                if wider is not self:
                    del self._wider[op]
                self._norms.clear()  # of a case about every coordinate, where they are kept
        if known == ZERO_SIGN:
            self._use(part)
            self._values.clear()  # they hold in this case too, but can be simpler
            self.is_impossible |= any(self._contradicts(earlier) for earlier in before)
        self._signs = {name: known for name, known in self._signs.items() if len(known) == 1}
        for index, made in enumerate(self.generators):
            if not isinstance(made.meaning, Symbol):
                self._ranges[index] = sign.common(self._range(made), self._ranges[index])

    def _vanish(self, part: fmpq_mpoly) -> bool:
        """Where a sum of terms of one sign is zero, the quantities that must be zero with it."""
        fixed = sign.vanishing(part, self._ranges)
        for index, value in fixed.items():
            self._learn(generator(index) - constant(value), ZERO_SIGN)
            made = self.generators[index]
            if isinstance(made.meaning, Symbol):
                self._solved[made.meaning.name] = Number(value)
            elif made.radicand is not None:
                self._also_zero(made.radicand - constant(value**2))
            elif isinstance(made.meaning, Apply) and made.meaning.op in NORMS and not value:
                self._vanish_with_norm(made.meaning.args[0])
        return bool(fixed)

    def _vanish_with_norm(self, argument: Expr) -> None:
        """Where a norm is zero the tensor is zero at every coordinate."""
        with suppress(NeedSplit, Stuck):
            self._also_zero(self.number(argument).num)

    def _contradicts(self, earlier: Fact) -> bool:
        """Whether a fact of the path is certainly false by now; what asks for further cases is left open."""
        try:
            return not self.signs(self.number(earlier.quantity)) & earlier.signs
        except (NeedSplit, Stuck, TooLarge):
            return False

    def _use(self, part: fmpq_mpoly) -> None:
        """Draw from `part = 0`: what must vanish with it, the symbol it gives a value; else what it says of no root."""
        if self._vanish(part) or self._solve(part):
            return
        split = self._by_newest_root(part)
        norm = self._product_of_conjugates(*split) if split is not None else ZERO
        if norm.is_zero():
            return
        # One of its factors vanishes: that says something where only one can.
        may = [factor for factor, _ in factors(norm)[1] if 0 in self._factor_signs(factor)]
        self.is_impossible |= not may
        if len(may) == 1:
            self._also_zero(may[0])

    def _also_zero(self, poly: fmpq_mpoly) -> None:
        """Take into account that this vanishes too."""
        exact = constant_value(poly)
        if exact is None:
            self._use(self._learn(poly, ZERO_SIGN)[0])
        else:
            self.is_impossible |= exact != 0

    def _solve(self, part: fmpq_mpoly) -> bool:
        """Where A x + B = 0 with A certainly not zero, x is -B/A from here on; -B/A keeps the domain of x."""
        meanings = [self.generators[index].meaning for index in self._used(part)]
        names = [m.name for m in meanings if isinstance(m, Symbol)]
        for name in sorted(names, key=lambda n: self.domains.get(n, REAL) != REAL):
            value, domain = self.solution(part, name), self.domains.get(name, REAL)
            if value is not None and not (domain.whole and symbols(value)):  # it would no longer be known to be whole
                self._solved[name] = value
                self._confine(self.number(value), domain)
                return True
        return False

    def _confine(self, value: Quotient, domain: Domain) -> None:
        """What was known of a symbol is known of the value it has."""
        for end, is_open, inside in ((domain.low, domain.low_open, 1), (domain.high, domain.high_open, -1)):
            if end is not None:
                above = self.sub(value, Quotient(constant(end), ONE))
                known = frozenset({inside}) if is_open else frozenset({0, inside})
                poly = product(above.num, above.den)
                self.is_impossible |= not self.poly_signs(poly) & known
                if constant_value(poly) is None and len(factors(poly)[1]) == 1:
                    self._learn(poly, known)

    def solution(self, poly: fmpq_mpoly, name: str) -> Expr | None:
        """The one value of the symbol at which A x + B vanishes; None where it is not of that form, A never zero."""
        index = self._index.get(("symbol", name))
        used = self._used(poly)
        if index not in used or poly.degrees()[index] != 1:
            return None
        if any(name in self.generators[i].depends for i in used if i != index):
            return None
        slope = poly.derivative(index)
        if 0 in self.poly_signs(slope):
            return None
        return -self.expr(poly - product(slope, generator(index))) / self.expr(slope)


def _strict_arguments(node: Expr) -> tuple[Expr, ...]:
    """The arguments whose values an operation needs whatever they are."""
    if not isinstance(node, Apply) or OPS[node.op].definition is not None:
        return ()
    return node.args[:1] if node.op in LAZY else node.args
