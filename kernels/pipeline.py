"""From a rule to its final program: lowered, then every pass."""

from __future__ import annotations

from dataclasses import dataclass

from derive.rule import Rule
from kernels.lower import PartName, lower
from kernels.norms import measured
from kernels.passes import passes
from kernels.program import Program
from kernels.storage import Storage


@dataclass(frozen=True)
class Programs:
    """The rule's operations in its own order, and after the passes."""

    lowered: Program
    final: Program


def parts_of(rule: Rule) -> tuple[PartName, ...]:
    """The programs a rule needs: its step, before it what measures its norms, and its query where the gradient is
    taken elsewhere than at theta."""
    norms: tuple[PartName, ...] = ("norms",) if rule.norms else ()
    return (*norms, "step") if rule.query is None else (*norms, "step", "query")


def programs(rule: Rule, dtype: str | Storage, part: PartName = "step") -> Programs:
    """Lower the rule and apply every pass."""
    lowered = final = lower(rule, dtype, part)
    for improvement in passes(measured(rule).rule.domains):
        final = improvement.apply(final)
    return Programs(lowered, final)
