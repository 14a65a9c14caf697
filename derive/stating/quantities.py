"""Formulas one can calculate with and compare: a comparison is a statement, and `decide` says whether it holds.

A quantity is an expression in hyperparameters, the step counter and numbers; the domains of its names
come with it, and so do the derivations it rests on. Nothing here is evaluated in floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import isfinite
from typing import Any, TypeAlias

from derive.algebra.signs import common, is_empty
from derive.deriving.derivation import Derivation
from derive.deriving.linear import AGE
from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute, symbols, to_text
from derive.proving import Verdict
from derive.proving.obligations import inside
from derive.rule import REAL, Domain

READABLE = 200  # characters of a formula that is shown beside its name
Operand: TypeAlias = "Quantity | int | float | Fraction"


@dataclass(frozen=True)
class Basis:
    """What a formula brings with it: where its names lie, what it was derived by, what else has to hold.

    `needs` are conditions on formulas put in for names: that they lie where the name was said to lie.
    """

    domains: Mapping[str, Domain] = field(default_factory=dict)
    derivations: tuple[Derivation, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    needs: tuple[Expr, ...] = ()

    def __add__(self, other: Basis) -> Basis:
        """Both; a name that has a domain here and one there lies in what they have in common.

        Raises UserError where that is nothing: what is said of no number holds whatever it is.
        """
        shared = {n: common(self.domains[n], other.domains[n]) for n in self.domains.keys() & other.domains.keys()}
        for name, domain in shared.items():
            if is_empty(domain):
                both = f"{self.domains[name]} and in {other.domains[name]}"
                raise UserError(f"no number {name!r} lies in {both}", fix="use two names")
        return Basis(
            {**self.domains, **other.domains, **shared},
            (*self.derivations, *(d for d in other.derivations if d not in self.derivations)),
            (*self.verdicts, *other.verdicts),
            (*self.needs, *(n for n in other.needs if n not in self.needs)),
        )

    def without(self, names: Mapping[str, object]) -> Basis:
        """The same without the domains of some names."""
        domains = {n: d for n, d in self.domains.items() if n not in names}
        return Basis(domains, self.derivations, self.verdicts, self.needs)


@dataclass(frozen=True, eq=False)
class Quantity:
    """A formula; `parts` are those that belong to it by name: `weights(rule.m).mean_age`."""

    expr: Expr
    basis: Basis = field(default_factory=Basis)
    parts: Mapping[str, Quantity | Statement] = field(default_factory=dict)
    defaults: Mapping[str, Fraction] = field(default_factory=dict)
    short: Expr | None = None  # how it is written, where the formula itself is too long to read

    @property
    def shown(self) -> Expr:
        """The formula as it is written for people."""
        return self.expr if self.short is None else self.short

    def at(self, **values: Operand) -> Quantity:
        """With values for some of its names, numbers or formulas: `step_bound(adam).at(beta1=0.9, t=10)`."""
        made: Quantity = _at(self, values)
        return made

    @property
    def at_defaults(self) -> Quantity:
        """With every hyperparameter of its rule at its default."""
        return self.at(**{n: v for n, v in self.defaults.items() if n in symbols(self.expr)})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.parts:
            raise AttributeError(
                f"no {name!r} here; there {'is' if self.parts else 'are none'} {', '.join(self.parts)}"
            )
        return self.parts[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.parts]

    def __add__(self, other: Operand) -> Quantity:
        return combined("add", self, other)

    def __radd__(self, other: Operand) -> Quantity:
        return combined("add", other, self)

    def __sub__(self, other: Operand) -> Quantity:
        return combined("sub", self, other)

    def __rsub__(self, other: Operand) -> Quantity:
        return combined("sub", other, self)

    def __mul__(self, other: Operand) -> Quantity:
        return combined("mul", self, other)

    def __rmul__(self, other: Operand) -> Quantity:
        return combined("mul", other, self)

    def __truediv__(self, other: Operand) -> Quantity:
        return combined("div", self, other)

    def __rtruediv__(self, other: Operand) -> Quantity:
        return combined("div", other, self)

    def __pow__(self, other: Operand) -> Quantity:
        return combined("pow", self, other)

    def __rpow__(self, other: Operand) -> Quantity:
        return combined("pow", other, self)

    def __neg__(self) -> Quantity:
        return combined("neg", self)

    def __abs__(self) -> Quantity:
        return combined("abs", self)

    def __eq__(self, other: object) -> Statement:  # type: ignore[override]
        return compared("eq", self, other)

    def __ne__(self, other: object) -> Statement:  # type: ignore[override]
        return compared("ne", self, other)

    def __lt__(self, other: Operand) -> Statement:
        return compared("lt", self, other)

    def __le__(self, other: Operand) -> Statement:
        return compared("le", self, other)

    def __gt__(self, other: Operand) -> Statement:
        return compared("gt", self, other)

    def __ge__(self, other: Operand) -> Statement:
        return compared("ge", self, other)

    __hash__ = None  # type: ignore[assignment]  # equal is a statement here

    def __bool__(self) -> bool:
        raise TypeError("a formula is neither true nor false; compare it and decide(...)")

    def __float__(self) -> float:
        """The value of a formula without names, to the last digit. Raises UserError where it has names or no value."""
        from derive.stating.numbers import number

        return number(self)

    def __str__(self) -> str:
        return written(self.shown)

    def __repr__(self) -> str:
        """As it is written; what has a name, with its formula where that can be read."""
        formula = written(self.expr)
        told = self.short is not None and len(formula) <= READABLE
        return f"{written(self.shown)} = {formula}" if told else written(self.shown)


@dataclass(frozen=True, eq=False)
class Statement:
    """Something that may hold: a condition on names, wherever all the `premises` do. `decide` says whether it does.

    `lemmas` are facts that may be used for that; the basis has their proofs.
    """

    condition: Expr
    basis: Basis = field(default_factory=Basis)
    premises: tuple[Expr, ...] = ()
    short: Expr | None = None
    lemmas: tuple[Expr, ...] = ()

    @property
    def shown(self) -> Expr:
        """The condition as it is written for people."""
        return self.condition if self.short is None else self.short

    def where(self, *premises: Statement) -> Statement:
        """The same, claimed only where these hold."""
        basis = self.basis
        for premise in premises:
            basis += premise.basis
        return replace(self, basis=basis, premises=(*self.premises, *(p.condition for p in premises)))

    def at(self, **values: Operand) -> Statement:
        """With values for some of its names."""
        made: Statement = _at(self, values)
        return made

    def __and__(self, other: Statement) -> Statement:
        return _joined("and", self, other)

    def __or__(self, other: Statement) -> Statement:
        return _joined("or", self, other)

    def __invert__(self) -> Statement:
        return replace(self, condition=apply("not", self.condition), short=apply("not", self.shown))

    def same_as(self, other: Statement) -> Statement:
        """That the two hold in exactly the same cases."""
        sides = [apply("where", s.condition, 1, 0) for s in (self, other)]
        text = Symbol(f"({written(self.shown)} exactly where {written(other.shown)})")
        return Statement(apply("eq", *sides), self.basis + other.basis, (*self.premises, *other.premises), text)

    def __bool__(self) -> bool:
        raise TypeError("a statement is neither true nor false by itself; ask decide(...)")

    def __repr__(self) -> str:
        where = f" where {' and '.join(map(written, self.premises))}" if self.premises else ""
        return f"{written(self.shown)}{where}"


def written(expr: Expr) -> str:
    """The formula as text, the age of an input as k."""
    [shown] = substitute([expr], {AGE: Symbol("k")})
    return to_text(shown)


def quantity(value: object) -> Quantity:
    """A number as a quantity, exactly as it is written: 0.1 is one tenth. Raises UserError for anything else."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Quantity(Number(value))
    if isinstance(value, float) and isfinite(value):
        return Quantity(Number(Fraction(repr(float(value)))))
    raise UserError(f"{value!r} is no formula and no number", fix="give a number, or a name of a rule: rule.beta")


def combined(op: str, *given: object) -> Quantity:
    """An operation of the table, applied."""
    parts = [quantity(each) for each in given]
    return Quantity(
        apply(op, *(p.expr for p in parts)), _together(parts), defaults=_defaults(parts), short=_short(op, parts)
    )


def chosen(condition: Statement, then: object, otherwise: object) -> Quantity:
    """The one formula where the condition holds, the other where it does not."""
    parts = [quantity(then), quantity(otherwise)]
    short = apply("where", condition.shown, *(p.shown for p in parts)) if _short("add", parts) is not None else None
    expr = apply("where", condition.condition, *(p.expr for p in parts))
    return Quantity(expr, condition.basis + _together(parts), defaults=_defaults(parts), short=short)


def compared(op: str, a: object, b: object) -> Statement:
    """The statement that two formulas are so related."""
    parts = [quantity(a), quantity(b)]
    return Statement(apply(op, *(p.expr for p in parts)), _together(parts), short=_short(op, parts))


def _short(op: str, parts: list[Quantity]) -> Expr | None:
    """The same of what is shown, where a part is shown in short."""
    return apply(op, *(p.shown for p in parts)) if any(p.short is not None for p in parts) else None


def _together(parts: list[Quantity]) -> Basis:
    basis = Basis()
    for part in parts:
        basis += part.basis
    return basis


def _defaults(parts: list[Quantity]) -> Mapping[str, Fraction]:
    return {name: value for part in parts for name, value in part.defaults.items()}


def _joined(op: str, a: Statement, b: Statement) -> Statement:
    if a.premises != b.premises:
        raise UserError("statements claimed under different premises", fix="join them first, then say .where(...)")
    shown = apply(op, a.shown, b.shown)
    return Statement(apply(op, a.condition, b.condition), a.basis + b.basis, a.premises, shown, (*a.lemmas, *b.lemmas))


def _at(item: Any, values: Mapping[str, Operand]) -> Any:
    """A quantity or statement with names replaced, everywhere in it."""
    given = {AGE if name == "k" else name: quantity(value) for name, value in values.items()}
    exprs = {name: value.expr for name, value in given.items()}
    replaced: Callable[[Expr], Expr] = lambda e: substitute([e], exprs)[0]  # noqa: E731
    left = item.basis.without(exprs)
    basis = replace(left, needs=(*map(replaced, left.needs), *_needs(item.basis.domains, given)))
    for value in given.values():
        basis += value.basis
    if isinstance(item, Statement):
        _refuse_unknown(given, item.condition, *item.premises)
        short = None if item.short is None else _written_at(item.short, exprs)
        return Statement(replaced(item.condition), basis, tuple(map(replaced, item.premises)), short)
    _refuse_unknown(given, item.expr, *(_formula(p) for p in item.parts.values()))
    parts = {name: at for name, part in item.parts.items() if (at := _part_at(part, values)) is not None}
    defaults = {name: value for name, value in item.defaults.items() if name not in exprs}
    short = None if item.short is None else _written_at(item.short, exprs)
    return Quantity(replaced(item.expr), basis, parts, defaults, short)


def _part_at(part: Quantity | Statement, values: Mapping[str, Operand]) -> Any:
    """A part at these values; None where they are not in the domains for which it was derived."""
    try:
        return _at(part, _known(part, values))
    except UserError:
        return None


def _needs(domains: Mapping[str, Domain], given: Mapping[str, Quantity]) -> list[Expr]:
    """That what is put in for the names lies in their domains; nothing of what is seen to.

    Raises UserError for a number that does not, and for what is not seen to be whole where it has to be.
    """
    found: list[Expr] = []
    for name, value in given.items():
        domain, expr = domains.get(name, REAL), value.expr
        if isinstance(expr, Number):
            if expr.value not in domain:
                shown = written(Symbol(name))
                raise UserError(f"{shown} = {to_text(expr)} is not in {domain}", fix=f"give a value in {domain}")
            continue
        if domain.whole and not _is_whole(expr, value.basis.domains):
            what = f"that {to_text(expr)} is a whole number, as {written(Symbol(name))} is, does not follow"
            raise UserError(what, fix='use any_number("n", "whole")')
        own = value.basis.domains.get(expr.name, REAL) if isinstance(expr, Symbol) else None
        if domain != REAL and (own is None or common(own, domain) != own):
            left, right = inside(expr, domain)
            found.append(apply("eq", left, right))
    return found


def _is_whole(expr: Expr, domains: Mapping[str, Domain]) -> bool:
    """Whether a formula is seen to be a whole number: sums, products and small powers of such."""
    if isinstance(expr, Number):
        return expr.value.denominator == 1
    if isinstance(expr, Symbol):
        return domains.get(expr.name, REAL).whole
    if not isinstance(expr, Apply):
        return False
    if expr.op == "pow":
        return expr.args[1] in WHOLE_POWERS and _is_whole(expr.args[0], domains)
    return expr.op in WHOLE and all(_is_whole(e, domains) for e in expr.args)


WHOLE_POWERS = frozenset(map(Number, range(1, 10)))
WHOLE = frozenset({"add", "sub", "mul", "neg", "abs", "min", "max"})


def _written_at(short: Expr, values: Mapping[str, Expr]) -> Expr:
    """What is shown, at these values; where it does not mention a name, the value is said beside it."""
    said = {name: value for name, value in values.items() if name not in symbols(short)}
    [replaced] = substitute([short], values)
    where = ", ".join(f"{written(Symbol(name))} = {written(value)}" for name, value in said.items())
    return Symbol(f"{to_text(replaced)} [{where}]") if where else replaced


def _formula(item: Quantity | Statement) -> Expr:
    return item.expr if isinstance(item, Quantity) else item.condition


def _known(item: Quantity | Statement, values: Mapping[str, Operand]) -> dict[str, Operand]:
    used = symbols(_formula(item))
    return {name: value for name, value in values.items() if (AGE if name == "k" else name) in used}


def _refuse_unknown(given: Mapping[str, Quantity], *exprs: Expr) -> None:
    known = symbols(*exprs)
    for name in given:
        if name not in known:
            names = ", ".join(sorted("k" if n == AGE else n for n in known)) or "no names"
            raise UserError(f"there is no {name!r} in the formula", fix=f"it has {names}")
