"""Properties of a rule, derived from the rule itself, every step checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from derive.deriving.averages import of_averages, of_corrections
from derive.deriving.bounds import noise_step, step_bound
from derive.deriving.decay import coupled_decay, decayed_range, decoupled_decay, noise_equilibrium
from derive.deriving.derivation import Derivation
from derive.deriving.lengths import step_length
from derive.deriving.premises import with_premises
from derive.deriving.rates import rates
from derive.deriving.stability import on_quadratics
from derive.deriving.symmetries import invariances
from derive.rule import Rule
from derive.transforms import handed_on, without_onlookers

OF_STEPS = (step_bound, noise_step, step_length)
OF_DECAY = (decoupled_decay, decayed_range, noise_equilibrium, coupled_decay)


@lru_cache(maxsize=64)
def derivations(rule: Rule) -> tuple[Derivation, ...]:
    """Everything derived for the rule, in reading order."""
    own = [with_premises(rule, derivation) for derivation in _all(rule) if derivation is not None]
    titles = {derivation.title for derivation in own}
    return (*own, *(derivation for derivation in _behind_norms(rule) if derivation.title not in titles))


def _all(rule: Rule) -> Iterator[Derivation | None]:
    yield from of_averages(rule)
    yield from of_corrections(rule)
    acting = without_onlookers(rule)
    yield from rates(acting)
    yield from (derive(acting) for derive in (*OF_STEPS, *OF_DECAY))
    yield from on_quadratics(acting)
    yield from invariances(rule)


def _behind_norms(rule: Rule) -> Iterator[Derivation]:
    """What holds of a rule whose norms are all in what it makes of the gradient first, in terms of that.

    Nothing in them is said of runs or by a quantity's name: those would be about other gradients.
    """
    found = handed_on(rule) if rule.norms else None
    if found is None or found[1].norms:
        return
    name, inner = found
    said = f"`g` stands for `{name}`, which the rule makes of the gradient"
    for each in derivations(inner):
        yield replace(each, assumptions=(said, *each.assumptions), quantities={}, domains={}, experiments=())


__all__ = ["Derivation", "derivations"]
