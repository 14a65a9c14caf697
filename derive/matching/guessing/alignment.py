"""Which names of a text hold the same as which names of a rule, on a run: the likely state map, and a measure.

Both runs are given the same gradients and, before each step, the same parameter, so that a fault in
one line does not hide that the others are right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from derive.matching.guessing.correspondence import Correspondence, probes
from derive.matching.guessing.runs import COARSE, Values, close, run
from derive.rule import Rule


@dataclass(frozen=True)
class Alignment:
    """For each name that the rule computes, the text's names that hold the same at every step."""

    same: Mapping[str, tuple[str, ...]]
    states: Mapping[str, str]  # for each state of the rule, the text's state, where one holds the same

    @property
    def matched(self) -> int:
        return sum(map(bool, self.same.values()))


@lru_cache(maxsize=512)
def _wanted(rule: Rule, settings: tuple[tuple[str, float], ...]) -> list[Values]:
    """The values of the rule's names after each step of a run."""
    return [now for _, now in run(rule, dict(settings), COARSE)][: len(COARSE.gradients)]


def align(text: Rule, rule: Rule, way: Correspondence) -> Alignment:
    """Compare the two runs name by name."""
    values = way.rule_values(probes(rule)[0])
    his = _wanted(rule, tuple(values.items()))
    thetas = [COARSE.theta, *(now["theta"] for now in his)] if not rule.is_average else []
    # No further than the rule's run, which may end early: there is no parameter to go on from.
    mine = [now for _, now in islice(run(text, way.values(values), COARSE, thetas), len(his))]
    if len(mine) < len(his):
        return Alignment({}, {})
    targets = dict.fromkeys([a.target for a in text.body if a.target not in ("theta", "g")])
    names = dict.fromkeys([*(a.target for a in rule.body), *rule.state_names])
    same = {n: tuple(m for m in targets if _equal(his, mine, n, m)) for n in names}
    if not rule.is_average:
        same["theta"] = ("theta",) if _equal(his, mine, "theta", "theta") else ()
    states = {n: found[0] for n in rule.state_names if (found := [m for m in same[n] if m in text.state_names])}
    return Alignment(same, states)


def _equal(his: list[Values], mine: list[Values], name: str, other: str) -> bool:
    return all(
        name in a and other in b and a[name] == a[name] and close(a[name], b[other])
        for a, b in zip(his, mine, strict=True)
    )
