"""A rule's formulas and names as bounds need them: after the step, without small constants, the same in every run."""

from __future__ import annotations

from collections.abc import Mapping

from derive.deriving.derivation import code
from derive.deriving.linear import given
from derive.deriving.undecayed import may_vanish, movement
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.proving import identity
from derive.rule import DECAY, Domain, Rule

G = Symbol("g")
ONE = Number(1)
INSIDE = Domain(DECAY.low, DECAY.high, low_open=True, high_open=True)  # (0, 1)


def learning_rate(rule: Rule) -> str | None:
    """The hyperparameter the whole step is proportional to, and which no state depends on."""
    moved = movement(rule)
    kept = symbols(*(rule.step[n] for n in rule.state_names))
    for h in rule.hyperparameters:
        if h.domain == DECAY or h.name in kept or h.name not in symbols(moved):
            continue
        [unit] = substitute([moved], {h.name: Number(1)})
        if identity([(moved, Symbol(h.name) * unit)], given(rule)):
            return h.name
    return None


def multiple(lr: str, factor: Expr, names: Mapping[str, str] | None = None) -> str:
    """lr times the factor, inside a sentence."""
    return f"`{lr}`" if factor is ONE else f"`{lr}` times {code(factor, names)}"


def steady_states(rule: Rule) -> set[str]:
    """The states that no gradient and no parameter reaches: the same in every run."""
    steady = set(rule.state_names)
    known = {"t", *rule.hyperparameter_names}
    while True:
        kept = {
            s.name for s in rule.states if s.name in steady and symbols(rule.step[s.name], s.initial) <= known | steady
        }
        if kept == steady:
            return steady
        steady = kept


def small_constants(rule: Rule) -> list[dict[str, Number]]:
    """Nothing, then each hyperparameter that may be zero, set to zero: one of these may be an epsilon."""
    return [{}, *({n: Number(0)} for n in may_vanish(rule))]
