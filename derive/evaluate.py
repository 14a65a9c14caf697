"""The value of expressions at given numbers, exactly or in balls: two folds over the table of operations.

`exact` knows rationals; where a value is irrational it says `Inexact`, and `ball` encloses it:
the true value is certainly inside. An undefined argument makes every operation undefined, except
the branch that `where` does not take and the half of a condition that is not asked for. Both
evaluate; neither proves that two expressions are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from derive.errors import UserError
from derive.expr import NORMS, Apply, Expr, Number, Symbol, as_expr, fold, substitute
from derive.ops import LAZY, OPS, Inexact, Undefined, takes_truth
from derive.rule import Domain, Rule

if TYPE_CHECKING:
    from flint import arb

    Ball: TypeAlias = arb | bool | Undefined | Inexact

T = TypeVar("T")
Exact: TypeAlias = Fraction | bool | Undefined | Inexact
Arithmetic: TypeAlias = Callable[[Sequence[Expr], Mapping[str, Fraction]], list[Any]]

QUERY = "query point"  # not an identifier, so no state can have this name
EXACT_BITS = 20_000  # a larger rational is not worth its time; balls take over

_PRECISION = RLock()  # FLINT's precision belongs to the whole process


def exact(exprs: Iterable[Expr], values: Mapping[str, Fraction]) -> list[Exact]:
    """The exact value of each expression, every name standing for the rational in `values`.

    `Inexact` where the value is irrational, or too large to compute. Raises UserError for a name without a value.
    """
    return fold(
        exprs,
        symbol=lambda s: _value_of(s, values),
        number=lambda n: n.value,
        apply=lambda node, args: _small(_applied(node, args, OPS[node.op].exact)),
    )


def ball(exprs: Iterable[Expr], values: Mapping[str, Fraction], bits: int = 128) -> list[Ball]:
    """A ball that certainly contains each value, computed with `bits` bits of precision.

    `Inexact` where a comparison, a divisor or a radicand is not decided: try more bits.
    """
    number = _to_ball()
    with _precision(bits):
        return fold(
            exprs,
            symbol=lambda s: number(_value_of(s, values)),
            number=lambda n: number(n.value),
            apply=lambda node, args: _finite(_applied(node, args, OPS[node.op].ball)),
        )


def enclosed(exprs: Iterable[Expr], values: Mapping[str, Fraction], bits: int = 128) -> list[Exact | Ball]:
    """The exact value of each expression where it is rational and not too large, else a ball, as `ball` gives it.

    What is undecided in balls alone may be decided here: a rational part of an irrational value has no radius.
    """
    number = _to_ball()

    def apply(node: Apply, args: tuple[Any, ...]) -> Any:
        rational = all(type(arg) in _EXACT for arg in args)
        value = _small(_applied(node, args, OPS[node.op].exact)) if rational else None
        if rational and not isinstance(value, Inexact):
            return value
        balls = tuple([number(arg) if type(arg) is Fraction else arg for arg in args])
        return _finite(_applied(node, balls, OPS[node.op].ball))

    with _precision(bits):
        return fold(exprs, symbol=lambda s: _value_of(s, values), number=lambda n: n.value, apply=apply)


_EXACT = frozenset({Fraction, bool, Undefined})


def over(exprs: Iterable[Expr], box: Mapping[str, Domain], bits: int = 128) -> list[Ball]:
    """A ball that contains the value of each expression wherever every name lies in its domain, ends included.

    `Inexact` where that says nothing. A whole number may grow without bound: under it are understood sums with
    numbers, multiples, what is divided by it, the smaller and larger of it and a number, and powers of bases in
    [0, 1]. A comparison that holds in one part of the box only lets a branch be either. Nothing is said of norms: the
    other coordinates of a tensor may be anything.
    """
    number = _to_ball()

    def apply(node: Apply, args: tuple[Any, ...]) -> Any:
        if node.op in NORMS:
            return Inexact("the norm of a tensor, of which this is one coordinate")
        if any(isinstance(arg, Either) for arg in args):
            return _either(node.op, args)
        found = defined(node, args)
        compared = node.op in COMPARISONS and not any(isinstance(arg, Inexact | Undefined | bool) for arg in args)
        return Either(found.reason) if compared and isinstance(found, Inexact) else found

    def defined(node: Apply, args: tuple[Any, ...]) -> Any:
        growing = node.op not in LAZY and any(isinstance(arg, Growing) for arg in args)
        made = OPS[node.op].ball if not growing else partial(_grown, node.op, number)
        return _finite(_applied(node, args, made))

    with _precision(bits):
        values = {name: _range(domain, number) for name, domain in box.items()}
        return fold(exprs, symbol=lambda s: _value_of(s, values), number=lambda n: number(n.value), apply=apply)


@dataclass(frozen=True)
class Either(Inexact):
    """A comparison of what has a value everywhere in the box, and that is not seen to be always true or never."""


COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


def _either(op: str, args: tuple[Any, ...]) -> Any:
    """An operation of which an argument may be true or false, and is defined."""
    unknown = Inexact("a comparison that is not decided")
    if op == "not":
        return args[0]
    if op == "where" and isinstance(args[0], Either):
        a, b = args[1:]
        return unknown if any(isinstance(x, Inexact | Undefined | Growing | bool) for x in (a, b)) else a.union(b)
    if op not in ("and", "or"):
        return unknown
    decides = op == "or"
    if any(arg is decides for arg in args):
        return decides
    return args[0] if all(isinstance(arg, Either | bool) for arg in args) else unknown


@dataclass(frozen=True)
class Growing:
    """Anything from `low` on: what a number without bound may be."""

    low: Any


def _range(domain: Domain, number: Callable[[Fraction], Any]) -> Any:
    if domain.low is None or (domain.high is None and not domain.whole):
        return Inexact("a range without bounds")
    low = number(domain.low)
    return Growing(low) if domain.high is None else low.union(number(domain.high))


def _grown(op: str, number: Callable[[Fraction], Any], a: Any, b: Any = None, *_: Any) -> Any:
    """An operation of which an argument grows without bound."""
    unit = number(Fraction(0)).union(number(Fraction(1)))
    if isinstance(a, Growing) and not isinstance(b, Growing) and b is not None:
        if op in ("add", "sub"):
            return Growing(a.low + b if op == "add" else a.low - b)
        if (op == "mul" and b > 0) or (op == "div" and b > 0):
            return Growing(a.low * b if op == "mul" else a.low / b)
        if op in ("min", "max"):
            return _bounded(op, a, b)
        if (op == "gt" and a.low > b) or (op == "ge" and a.low >= b) or (op == "ne" and a.low > b):
            return True
        if (op == "lt" and a.low >= b) or (op == "le" and a.low > b) or (op == "eq" and a.low > b):
            return False
    elif isinstance(b, Growing) and not isinstance(a, Growing):
        if op in ("min", "max"):
            return _bounded(op, b, a)
        if op == "add":
            return Growing(b.low + a)
        if op == "mul" and a > 0:
            return Growing(b.low * a)
        if op == "div" and b.low > 0:
            return a / b.low * unit
        if op == "pow" and a >= 0 and a <= 1 and b.low > 0:
            most = _ball_power_of(a, b.low)
            return most * unit if not isinstance(most, Inexact) else most
    return Inexact("a number that grows without bound")


def _bounded(op: str, growing: Growing, other: Any) -> Any:
    """The smaller or the larger of a number without bound and another."""
    if op == "max":
        return Growing(growing.low.max(other))
    return other if growing.low >= other else growing.low.union(other)


def _ball_power_of(base: Any, exponent: Any) -> Any:
    """A ball above base^exponent, for a base in [0, 1]: that of the base's upper end."""
    return OPS["pow"].ball(base.upper(), exponent)


def to_ball(value: Fraction, bits: int) -> arb:
    """A ball around a rational."""
    with _precision(bits):
        found: arb = _to_ball()(value)
        return found


def _to_ball() -> Callable[[Fraction], Any]:
    """What makes a ball of a rational, in the precision at that time; FLINT is imported only now."""
    from flint import arb, fmpq

    return lambda value: arb(fmpq(value.numerator, value.denominator))


def unrolled(
    rule: Rule,
    hyperparameters: Mapping[str, Expr | Fraction | int],
    theta: Expr | Fraction | int,
    gradients: Sequence[Expr | Fraction | int],
    schedule: Sequence[Mapping[str, Expr | Fraction]] = (),
) -> tuple[dict[str, Expr], ...]:
    """Every step of the rule from its initial state, each output and state as an expression.

    `gradients` are the answers at the points the rule queries, or the inputs `x` of an average (which
    has no use for `theta`). Hyperparameters left out have their defaults; `schedule` gives some of them
    other values at step 1, 2, ..., its last entry from there on. A rule with a query point of its own has
    it under `QUERY`. Where a step asks for several gradients it takes that many, with the further points
    under names of theirs (`asked_points`); answers missing in the last step are zero.
    """
    constants = {**_defaults(rule), **{name: as_expr(value) for name, value in hyperparameters.items()}}
    _refuse_unset(rule, constants)
    now = dict(constants) if rule.is_average else {**constants, "theta": as_expr(theta)}
    now.update(zip(rule.state_names, substitute([s.initial for s in rule.states], now), strict=True))
    steps = []
    for t, answered in enumerate(answers(rule, [as_expr(g) for g in gradients]), start=1):
        changed = schedule[min(t, len(schedule)) - 1] if schedule else {}
        now |= {name: as_expr(value) for name, value in changed.items()}
        steps.append(_stepped(rule, {**now, **answered, "t": Number(t)}))
        now.update((name, value) for name, value in steps[-1].items() if not name.startswith(QUERY))
    return tuple(steps)


def answers(rule: Rule, gradients: Sequence[Expr]) -> Iterator[dict[str, Expr]]:
    """What each step is given: as many gradients as it asks for, or one x; those missing in the last step are zero."""
    names = ("x",) if rule.is_average else tuple(name for name, _ in rule.questions)
    for start in range(0, len(gradients), len(names)):
        here = gradients[start : start + len(names)]
        yield {name: here[i] if i < len(here) else Number(0) for i, name in enumerate(names)}


def asked_points(rule: Rule) -> dict[str, Expr]:
    """Where a step takes its gradients, theta itself aside, under names that no state can have."""
    first = {} if rule.query is None else {QUERY: rule.query}
    return {**first, **{f"{QUERY} {name}": point for name, point in rule.asked}}


def trajectory(
    rule: Rule,
    hyperparameters: Mapping[str, Expr | Fraction | int],
    theta: Expr | Fraction | int,
    gradients: Sequence[Expr | Fraction | int],
    *,
    arithmetic: Arithmetic = exact,
) -> tuple[dict[str, Any], ...]:
    """The values of `unrolled`, in the given arithmetic: `exact`, `ball`, or `partial(ball, bits=...)`."""
    steps = unrolled(rule, hyperparameters, theta, gradients)
    found = iter(arithmetic([value for step in steps for value in step.values()], {}))
    return tuple({name: next(found) for name in step} for step in steps)


def _applied(node: Apply, args: tuple[Any, ...], rule: Callable[..., Any]) -> Any:
    needed = args[:1] if node.op in LAZY else args
    inexact = None
    for arg, wants_truth in zip(needed, _TRUTHS[node.op], strict=False):
        kind = type(arg)
        if kind is Undefined:  # it wins: what is inexact may be anything, the result is undefined
            return arg
        if kind is Inexact:
            inexact = inexact or arg
        elif (kind is bool) is not wants_truth:
            inexact = inexact or Inexact("a number for a truth value, or a truth value for a number")
    return inexact or rule(*args)


_TRUTHS = {name: tuple(takes_truth(name, place) for place in range(op.arity)) for name, op in OPS.items()}


def _value_of(symbol: Symbol, values: Mapping[str, T]) -> T:
    if symbol.name not in values:
        raise UserError(f"{symbol.name!r} has no value", fix=f"give one of {', '.join(values) or 'its values'}")
    return values[symbol.name]


def _small(value: Any) -> Any:
    if isinstance(value, Fraction) and value.numerator.bit_length() + value.denominator.bit_length() > EXACT_BITS:
        return Inexact("a number too large for exact arithmetic")
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, bool | Undefined | Inexact | Growing) or value.is_finite():
        return value
    return Inexact("a ball without bounds")


@contextmanager
def _precision(bits: int) -> Iterator[None]:
    from flint import ctx

    with _PRECISION:
        before = ctx.prec
        ctx.prec = bits
        try:
            yield
        finally:
            ctx.prec = before


def _defaults(rule: Rule) -> dict[str, Expr]:
    return {name: Number(value) for name, value in rule.defaults.items()}


def _refuse_unset(rule: Rule, constants: Mapping[str, Expr]) -> None:
    for name in rule.hyperparameter_names:
        if name not in constants:
            raise UserError(f"the hyperparameter {name!r} has no value", where=rule.name, fix=f"give {name}")
    for name in constants:
        if name not in rule.hyperparameter_names:
            known = ", ".join(rule.hyperparameter_names)
            raise UserError(f"there is no hyperparameter {name!r}", where=rule.name, fix=f"it has {known}")


def _stepped(rule: Rule, before: Mapping[str, Expr]) -> dict[str, Expr]:
    step = {**rule.step, **asked_points(rule)}
    return dict(zip(step, substitute(step.values(), before), strict=True))
