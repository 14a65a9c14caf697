"""The first step: where it does not depend on the size of the gradient, what it is."""

from __future__ import annotations

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.pointwise import first_step
from derive.deriving.bounds.structure import normalised_step
from derive.deriving.derivation import Derivation, code, define, holds, names_of, proper
from derive.expr import Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.rule import POSITIVE, REAL, Rule


def first_step_size(rule: Rule) -> Derivation | None:
    """|theta[1] - theta[0]|/lr where that is the same for every gradient but zero; None where it is not."""
    step = normalised_step(rule)
    if step is None:
        return None
    zero = {name: Number(0) for name in step.small}
    [moved] = substitute([first_step(step.rule, step.lr)], zero)
    assumed = Assumptions({**step.assumptions().domains, "g": REAL})
    positive = Assumptions({**assumed.domains, "g": POSITIVE})
    try:
        size = tidy(moved, positive)
    except NoNormalForm:
        return None
    if "g" in symbols(size):
        return None
    claim = apply("eq", apply("abs", moved), size)
    same = holds(claim, why="for every gradient but zero", given=assumed, when=[apply("ne", Symbol("g"), 0)])
    if not same.verdict:
        return None
    shown = step.spelt(size)
    [shown] = substitute([shown], {"t": Number(1), **{s.name: s.initial for s in rule.states}})
    where = "".join(f" where `{n} = 0`" for n in step.small)
    labels = step.labels(rule)
    return Derivation(
        title="The first step",
        statement=f"The first step is `{step.lr}` times {code(shown)}{where}, whatever the gradient, if it is not zero.",
        assumptions=tuple(f"`{n} = 0`" for n in (*step.removed, *step.small)),
        steps=proper(
            *(define(Symbol(labels[n]), e, "a factor that changes with t") for n, e in step.meanings.items() if n in labels),
            define((Symbol("theta[0]") - Symbol("theta[1]")) / Symbol(step.lr), moved, "from the initial states"),
            same,
        ),
        result=shown,
        names={**names_of(rule), **labels, "g": "g[1]"},
        quantities={"first_step": shown},
    )
