"""Properties of a rule, derived from the rule itself, every step checked."""

from __future__ import annotations

from functools import lru_cache

from derive.deriving.averages import averages, corrections
from derive.deriving.derivation import Derivation
from derive.deriving.effective_lr import effective_lr
from derive.rule import Rule


@lru_cache(maxsize=64)
def derivations(rule: Rule) -> tuple[Derivation, ...]:
    """Everything derived for the rule, in reading order."""
    found: list[Derivation | None] = [*averages(rule), *corrections(rule), effective_lr(rule)]
    return tuple(d for d in found if d is not None)


__all__ = ["Derivation", "derivations"]
