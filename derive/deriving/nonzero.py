"""A rule as long as norms are not zero: what its branches on them come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from derive.deriving.derivation import Step, holds
from derive.expr import NORMS, Apply, Expr, Number, apply, fold, substitute
from derive.proving import assumptions_of
from derive.rule import Assignment, Rule


@dataclass(frozen=True)
class Taken:
    """A branch of the rule that has this value where norms, by the names of the body, are not zero."""

    branch: Expr
    value: Expr
    conditions: tuple[Expr, ...]


@dataclass(frozen=True)
class Nonzero:
    """The rule without its branches on norms, and the norms that are not zero there, in what is before a step."""

    rule: Rule
    norms: tuple[Expr, ...]
    taken: tuple[Taken, ...]

    @property
    def conditions(self) -> tuple[Expr, ...]:
        return tuple(Apply("gt", (norm, Number(0))) for norm in self.norms)


def while_nonzero(rule: Rule) -> Nonzero | None:
    """The rule as long as no norm is zero that a branch asks about; None where none does."""
    known: dict[str, Expr] = {}
    body, norms, taken = list[Assignment](), dict[Expr, None](), list[Taken]()
    for line in rule.body:
        value = _without(line.value, known, norms, taken)
        body.append(replace(line, value=value))
        [known[line.target]] = substitute([value], known)
    return Nonzero(replace(rule, body=tuple(body)), tuple(norms), tuple(taken)) if taken else None


def branches(rule: Rule, found: Nonzero) -> tuple[Step, ...]:
    """That the branches are what is left of them, in the names of the body."""
    return tuple(
        holds(apply("eq", each.branch, each.value), when=each.conditions, given=assumptions_of(rule),
              why="this branch is taken where they are not zero")
        for each in found.taken
    )  # fmt: skip


def _without(expr: Expr, known: Mapping[str, Expr], norms: dict[Expr, None], taken: list[Taken]) -> Expr:
    """The expression with the branches taken; what they ask about is added to the norms."""

    def made(node: Apply, args: tuple[Expr, ...]) -> Expr:
        here = Apply(node.op, args)
        asked = _asked(args[0], known) if node.op == "where" else None
        if asked is None:
            return here
        norms.update(dict.fromkeys(asked.values()))
        conditions = tuple(Apply("gt", (each, Number(0))) for each in asked)
        taken.append(Taken(here, args[1], conditions))
        return args[1]

    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=made)[0]


def _asked(condition: Expr, known: Mapping[str, Expr]) -> dict[Expr, Expr] | None:
    """The norms, as written and in full, whose being positive is all the condition asks; None for another one."""
    if not isinstance(condition, Apply):
        return None
    if condition.op == "and":
        left, right = (_asked(each, known) for each in condition.args)
        return None if left is None or right is None else {**left, **right}
    each, zero = condition.args[0], condition.args[-1]
    [whole] = substitute([each], known)
    if condition.op == "gt" and zero is Number(0) and isinstance(whole, Apply) and whole.op in NORMS:
        return {each: whole}
    return None
