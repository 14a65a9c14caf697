"""From a rule to a program: names assigned once, scalars apart from elements, every rounding explicit.

Nothing is improved here: the lowered program does the rule's operations in the rule's order.
It is what the passes start from and what their results are compared with.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, substitute, symbols
from derive.rule import Assignment, Rule
from kernels.norms import measured
from kernels.program import Program, cast, fresh, is_truth, without_unused
from kernels.storage import Storage, storage_of

PartName = Literal["norms", "step", "query"]


def goals(rule: Rule, part: PartName = "step") -> dict[str, Expr]:
    """What each stored array must receive, in the values before the step: what a program is proved against."""
    if part == "norms":
        return dict(measured(rule).norms)
    if part == "query":
        if rule.query is None:
            raise UserError(
                f"{rule.name} takes its gradient at theta", fix="query(...) is for rules with another point"
            )
        return {output_array(rule): rule.query}
    return {output_array(rule) if name == "output" else name: value for name, value in rule.step.items()}


def output_array(rule: Rule) -> str:
    """The array that receives an average's output or the point of a query."""
    return fresh("out", (*rule.inputs, *rule.state_names, *rule.hyperparameter_names))


def lower(rule: Rule, dtype: str | Storage, part: PartName = "step") -> Program:
    """The rule's operations in its own order; `part` is its step, the point where it takes its gradient, or its norms.

    `dtype` is the type of everything, or how it is kept; the point of a query is always rounded to nearest.

    In the step norms are scalars. The program of the norms stores none of the arrays: what it stores under the name of
    a norm is the elements whose squares are added up.
    """
    wanted, storage = goals(rule, part) if part != "norms" else measured(rule).arguments, storage_of(dtype)
    over_all = measured(rule).over_all if part == "norms" else frozenset()
    rule = measured(rule).rule if part == "step" else rule
    arrays = _arrays(rule, part)
    parameters = tuple(dict.fromkeys(("t", *rule.hyperparameter_names)))
    lines = (
        rule.body if part == "step" else tuple(Assignment(_source_name(rule, a, part), e) for a, e in wanted.items())
    )
    taken = [*arrays, *parameters]
    assigned, values = _assigned_once(lines, taken)
    elements, prelude, body = set(arrays), [], []
    for line in assigned:
        value = _typed(line.value, frozenset(elements))
        if symbols(value).isdisjoint(elements):
            prelude.append(replace(line, value=value))
        else:
            elements.add(line.target)
            body.append(replace(line, value=value))
    stores = []
    for array in wanted:
        final = values.get(_source_name(rule, array, part), Symbol(array))
        if final is Symbol(array):
            continue
        name, extra = _stored(final, array, frozenset(elements).difference(arrays), frozenset(elements), taken)
        body.extend(extra)
        stores.append((array, name))
    types = {a: storage.state if a in rule.state_names else storage.dtype for a in arrays}
    program = Program(
        rule.name,
        storage.arithmetic,
        arrays,
        parameters,
        tuple(prelude),
        tuple(body),
        tuple(stores),
        tuple((a, kept) for a, kept in types.items() if kept != storage.arithmetic),
        storage.rounding if part == "step" else "nearest",
        over_all,
    )
    return without_unused(program)


def _arrays(rule: Rule, part: PartName) -> tuple[str, ...]:
    given = [name for name in rule.inputs if name != "t"]
    if part == "query":
        read = symbols(rule.query) if rule.query is not None else frozenset()
        return ("theta", *(s for s in rule.state_names if s in read), output_array(rule))
    if rule.is_average:
        given.append(output_array(rule))
    return (*given, *rule.state_names)


def _source_name(rule: Rule, array: str, part: PartName) -> str:
    if part == "norms":
        return f"{array}_element"
    if part == "query":
        return "point"
    return "output" if array == output_array(rule) else array


def _assigned_once(lines: tuple[Assignment, ...], taken: list[str]) -> tuple[list[Assignment], dict[str, Expr]]:
    """The lines under names of their own; a name that only repeats another, or holds a truth, is written out."""
    now: dict[str, Expr] = {}
    kept: list[Assignment] = []
    for line in lines:
        [value] = substitute([line.value], now)
        if not isinstance(value, Apply) or is_truth(value):
            now[line.target] = value
            continue
        name = fresh(line.target, taken)
        taken.append(name)
        kept.append(replace(line, target=name, value=value))
        now[line.target] = Symbol(name)
    return kept, now


def _stored(
    final: Expr, array: str, locals_: frozenset[str], elements: frozenset[str], taken: list[str]
) -> tuple[str, list[Assignment]]:
    """The local that holds a stored value, and its assignment where there is none yet.

    An array's old value is copied first: its place may be overwritten before it is stored elsewhere.
    """
    if isinstance(final, Symbol) and final.name in locals_:
        return final.name, []
    name = fresh(array, taken)
    taken.append(name)
    value = _typed(final, elements)
    return name, [Assignment(name, value if symbols(value) & elements else cast(value))]


def _typed(value: Expr, elements: frozenset[str]) -> Expr:
    """The value with a cast wherever a scalar meets an element."""

    def join(node: Apply, args: tuple[tuple[Expr, bool], ...]) -> tuple[Expr, bool]:
        if not any(element for _, element in args):
            return apply(node.op, *(a for a, _ in args)), False
        return apply(node.op, *(a if element else cast(a) for a, element in args)), True

    [(typed, _)] = fold(
        [value],
        symbol=lambda s: (s, s.name in elements),
        number=lambda n: (_number(n), False),
        apply=join,
    )
    return typed


def _number(number: Number) -> Expr:
    """A number a float can be written for; another one as the quotient it is."""
    value = number.value
    try:
        short = float(value)
    except OverflowError:
        raise UserError(
            f"the constant {str(value)[:40]} is beyond float64", fix="write it by smaller numbers"
        ) from None
    if value.denominator == 1 or _survives(number, short):
        return number
    return apply("div", Number(value.numerator), Number(value.denominator))


def _survives(number: Number, short: float) -> bool:
    return Fraction(repr(short)) == number.value
