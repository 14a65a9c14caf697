"""All hazards of a rule in a format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from derive.errors import UserError
from derive.precision.absorbing import absorbed_hazards
from derive.precision.cancelling import cancellation_hazards
from derive.precision.constants import constant_hazards
from derive.precision.corrections import correction_hazards
from derive.precision.counters import counter_hazards
from derive.precision.decaying import decay_hazards
from derive.precision.formats import model_of
from derive.precision.hazard import KINDS, Hazards
from derive.precision.moving import moving_hazards
from derive.precision.ranges import range_hazards
from derive.precision.starting import starting_hazards
from derive.rule import Hyperparameter, Rule

SEARCHES = (
    constant_hazards,
    starting_hazards,
    correction_hazards,
    decay_hazards,
    moving_hazards,
    range_hazards,
    cancellation_hazards,
    absorbed_hazards,
    counter_hazards,
)


def with_defaults(rule: Rule, values: Mapping[str, Fraction]) -> Rule:
    """The rule with other defaults. Raises UserError for a name it does not have, or a value outside the domain."""
    for name in values:
        if name not in rule.hyperparameter_names:
            fix = f"it has {', '.join(rule.hyperparameter_names) or 'none'}"
            raise UserError(f"there is no hyperparameter {name!r}", where=rule.name, fix=fix)
    return replace(rule, hyperparameters=tuple(_with_default(rule, h, values) for h in rule.hyperparameters))


def _with_default(rule: Rule, h: Hyperparameter, values: Mapping[str, Fraction]) -> Hyperparameter:
    if h.name not in values:
        return h
    if values[h.name] not in h.domain:
        raise UserError(f"{h.name} = {values[h.name]} is outside {h.domain}", where=rule.name, fix="give another value")
    return replace(h, default=values[h.name])


@lru_cache(maxsize=64)
def hazards_of(rule: Rule, dtype: str, arithmetic: str | None = None) -> Hazards:
    """What goes wrong with the rule at its defaults when state is kept in `dtype`, and from where on.

    `arithmetic` is the format of operations and constants; without it they are in `dtype` too. Every hazard has
    been run in the formats. Raises UserError for formats that are not known or don't fit, Unconfirmed (a defect)
    where a run goes otherwise than derived.
    """
    model = model_of(dtype, arithmetic)
    found = [hazard for search in SEARCHES for hazard in search(rule, model)]
    order = list(KINDS)
    return Hazards(rule, model, tuple(sorted(found, key=lambda h: (not h.certain, order.index(h.kind)))))
