"""Small edits of a formula: what may have slipped between what was meant and what was written.

Each edit replaces one part of the formula by another; it knows both, so that it can be said in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derive.expr import Apply, Expr, Number, Symbol, apply, is_truth, symbols

_CONFUSED = {
    "add": ("sub",), "sub": ("add",), "mul": ("div", "add"), "div": ("mul",),
    "min": ("max",), "max": ("min",), "lt": ("gt", "le"), "le": ("ge", "lt"), "gt": ("lt", "ge"), "ge": ("le", "gt"),
    "eq": ("ne",), "ne": ("eq",), "and": ("or",), "or": ("and",),
}  # fmt: skip
SYMBOL, NUMBER, OPERATOR, BRACKETS, DROPPED, ADDED, CORRECTED = 10, 11, 12, 13, 14, 15, 16
OTHER_KIND = 15
TEST = 4  # more for what stands in a condition: a test that is always false hides what it guards
_NO_EXPONENTS = (Number(0), Number(1))
_NEUTRAL = (Number(0), Number(1))


@dataclass(frozen=True)
class Edit:
    """`reads` in the formula becomes `has`; `cost` is the smaller the smaller the slip."""

    value: Expr
    reads: Expr
    has: Expr
    cost: int


@dataclass(frozen=True)
class Scope:
    """What may have been meant instead or besides: names, numbers, and factors that correct something."""

    names: Sequence[str]
    numbers: Sequence[Number]
    factors: Sequence[Expr]
    constants: frozenset[str]

    def confusion(self, one: str, other: str) -> int:
        """What it costs to take one name for another: more where one changes from step to step and the other does not,
        or one is the counter."""
        return SYMBOL if (one in self.constants, one == "t") == (other in self.constants, other == "t") else OTHER_KIND


def edits(value: Expr, scope: Scope) -> Iterator[Edit]:
    """Every formula one edit away."""
    for found in _here(value, scope):
        if found.value is not value:
            yield found
    if isinstance(value, Apply):
        for index, argument in enumerate(value.args):
            exponent = value.op == "pow" and index == 1
            for inner in edits(argument, scope):
                if exponent and inner.value in _NO_EXPONENTS:
                    continue  # said better as a power too many
                if is_truth(argument) and _is_setting(argument, scope):
                    continue  # what a setting guards: to turn the test round is no repair
                try:
                    whole = Apply(value.op, (*value.args[:index], inner.value, *value.args[index + 1 :]))
                except TypeError:  # a number in a condition's place
                    continue
                yield Edit(whole, inner.reads, inner.has, inner.cost + TEST * is_truth(value))


def _is_setting(test: Expr, scope: Scope) -> bool:
    return bool(symbols(test)) and symbols(test) <= scope.constants


def _here(value: Expr, scope: Scope) -> Iterator[Edit]:
    if isinstance(value, Symbol):
        yield from (Edit(Symbol(n), value, Symbol(n), scope.confusion(value.name, n)) for n in scope.names)
    elif isinstance(value, Number):
        yield from (Edit(n, value, n, NUMBER) for n in scope.numbers)
    elif isinstance(value, Apply):
        yield from _other_operation(value)
        yield from _dropped(value)
        yield from _rebracketed(value)
    if not is_truth(value):
        yield from _added(value, scope)


def _other_operation(value: Apply) -> Iterator[Edit]:
    for op in _CONFUSED.get(value.op, ()):
        found = Apply(op, value.args)
        yield Edit(found, value, found, OPERATOR)
    if value.op == "mul" and Symbol("t") in value.args:
        [other] = [a for a in value.args if a is not Symbol("t")] or [Symbol("t")]
        power = apply("pow", other, Symbol("t"))
        yield Edit(power, value, power, OPERATOR)
    if value.op in ("sub", "div", "pow", "lt", "gt", "le", "ge"):
        turned = Apply(value.op, value.args[::-1])
        yield Edit(turned, value, turned, OPERATOR)


def _dropped(value: Apply) -> Iterator[Edit]:
    """One argument instead of the whole: a term, a factor, a power, a function or a branch too many."""
    for argument in value.args:
        if is_truth(argument) is is_truth(value):
            yield Edit(argument, value, argument, DROPPED)


def _added(value: Expr, scope: Scope) -> Iterator[Edit]:
    """A factor, a term, a power or a function that is missing."""
    for name in scope.names:
        symbol = Symbol(name)
        if value in _NEUTRAL:  # `0 + v` and `1 * v` are `v`
            yield Edit(symbol, value, symbol, ADDED)
            continue
        found: list[Expr] = [value * symbol, value / symbol, value + symbol, value - symbol]
        if value is symbol:  # nobody meant `x - x` or `x / x`
            found = [value * symbol, value + symbol]
        if name == "t":
            found = [apply("pow", value, symbol), value * symbol, value / symbol, value + 1]
        yield from (Edit(e, value, e, ADDED) for e in found)
    for factor in scope.factors:
        yield from (Edit(e, value, e, CORRECTED) for e in (value * factor, value / factor))
    functions = (apply("sqrt", value), apply("pow", value, 2), apply("abs", value), apply("neg", value), 1 - value)
    yield from (Edit(e, value, e, ADDED) for e in functions)


_RIGHT = {"add", "sub", "mul", "div"}


def _rebracketed(value: Apply) -> Iterator[Edit]:
    """One pair of brackets elsewhere: an operand moves along the edge of the other one, into a root and out of it."""
    if value.op not in _RIGHT:
        if value.op == "sqrt" and isinstance(value.args[0], Apply) and value.args[0].op in _RIGHT:
            inner = value.args[0]
            for split in (
                Apply(inner.op, (apply("sqrt", inner.args[0]), inner.args[1])),
                Apply(inner.op, (inner.args[0], apply("sqrt", inner.args[1]))),
            ):
                yield Edit(split, value, split, BRACKETS)
        return
    left, right = value.args
    for found in _sunk_right(left, value.op, right):
        yield Edit(found, value, found, BRACKETS)
    for found in _sunk_left(right, value.op, left):
        yield Edit(found, value, found, BRACKETS)


def _sunk_right(tree: Expr, op: str, operand: Expr) -> Iterator[Expr]:
    """`tree op operand` with the operand (or its left edge) taken by what stands at the right edge of the tree."""
    if isinstance(tree, Apply) and tree.op in {*_RIGHT, "sqrt", "neg"}:
        *rest, last = tree.args
        for found in (Apply(op, (last, operand)), *_sunk_left(operand, op, last), *_sunk_right(last, op, operand)):
            yield Apply(tree.op, (*rest, found))


def _sunk_left(tree: Expr, op: str, operand: Expr) -> Iterator[Expr]:
    """`operand op tree` with the operand taken by what stands at the left edge of the tree."""
    if isinstance(tree, Apply) and tree.op in _RIGHT:
        first, *rest = tree.args
        for found in (Apply(op, (operand, first)), *_sunk_left(first, op, operand)):
            yield Apply(tree.op, (found, *rest))
