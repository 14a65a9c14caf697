"""Norms taken out of a rule: each distinct one becomes a scalar that a pass over memory measures before the step.

The rule that is left treats every coordinate for itself, with the norms among its scalars. A norm is the root of a sum
of squares with a fixed tree: the lanes of a block of elements, the halves of the lanes that are added, blocks in their
order; for the norm of all tensors also these, in their order. So its bits depend neither on threads nor on chunks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from derive.errors import UserError
from derive.expr import GLOBAL_NORM, NORMS, Apply, Expr, Symbol, fold, norms_in, substitute, symbols
from derive.rule import NONNEGATIVE, Assignment, Hyperparameter, Rule
from kernels.program import fresh


@dataclass(frozen=True)
class Measured:
    """The rule with every norm as one more scalar, and what norm each is, in the values before the step."""

    rule: Rule
    norms: dict[str, Apply]

    @property
    def arguments(self) -> dict[str, Expr]:
        """What each is the norm of."""
        return {name: norm.args[0] for name, norm in self.norms.items()}

    @property
    def over_all(self) -> frozenset[str]:
        """Those of all tensors."""
        return frozenset(name for name, norm in self.norms.items() if norm.op == GLOBAL_NORM)


@lru_cache(maxsize=64)
def measured(rule: Rule) -> Measured:
    """The norms of a rule taken out; the rule itself where there are none.

    Raises UserError for the norm of a norm, of what is the same at every coordinate, and in a point where a gradient
    is taken or a state begins.
    """
    if not rule.norms:
        return Measured(rule, {})
    if norms_in(*(point for _, point in rule.questions), *(s.initial for s in rule.states)):
        _refuse(rule, "a norm in the point of a gradient or the start of a state")
    taken = {*rule.inputs, *rule.state_names, *rule.hyperparameter_names, *(a.target for a in rule.body), "theta", "g"}
    names: dict[Apply, str] = {}
    values: dict[str, Expr] = {}
    body = []
    for line in rule.body:
        [whole] = substitute([line.value], values)
        body.append(replace(line, value=_taken_out(line, values, names, taken)))
        values[line.target] = whole
    found = {name: node for node, name in names.items()}
    scalars = {"t", *rule.hyperparameter_names}
    for [argument] in (node.args for node in found.values()):
        if norms_in(argument):
            _refuse(rule, "the norm of what holds a norm")
        if symbols(argument) <= scalars:
            _refuse(rule, "the norm of a scalar")
    more = tuple(Hyperparameter(name, None, NONNEGATIVE) for name in found)
    return Measured(replace(rule, body=tuple(body), hyperparameters=(*rule.hyperparameters, *more)), found)


def _taken_out(line: Assignment, values: dict[str, Expr], names: dict[Apply, str], taken: set[str]) -> Expr:
    """The value with every norm as a name."""

    def named(node: Apply, args: tuple[Expr, ...]) -> Expr:
        if node.op not in NORMS:
            return node if args == node.args else Apply(node.op, args)
        whole = Apply(node.op, tuple(substitute(node.args, values)))
        if whole not in names:
            word = node.args[0].name if isinstance(node.args[0], Symbol) else "x"
            names[whole] = fresh(f"norm_{word}{'_all' if node.op == GLOBAL_NORM else ''}", taken)
            taken.add(names[whole])
        return Symbol(names[whole])

    return fold([line.value], symbol=lambda s: s, number=lambda n: n, apply=named)[0]


def _refuse(rule: Rule, what: str) -> None:
    raise UserError(f"{rule.name} takes {what}, and a kernel measures before it steps", where=rule.where,
                    fix="take norms of theta, the gradient, states and what is made of them")  # fmt: skip
