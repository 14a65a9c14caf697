"""Readings: what a draft may be as a rule, and what of a rule its outputs need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.expr import symbols
from derive.matching.guessing.names import is_like_a_gradient
from derive.reading.drafts import Draft, candidates
from derive.rule import Rule

MADE = re.compile(r"(_new|_+)\d*$")  # what readers put after a name that is taken
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Reading:
    """A text as a rule: `roles` are the text's names for the words of the rule language.

    `open_starts` are the states whose start the text does not show; `assumed` what else it leaves open.
    """

    rule: Rule
    roles: Mapping[str, str]
    open_starts: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    def shown(self, name: str) -> str:
        """What the text calls a name of the rule; for one that the reader made, what it is made of."""
        return self.roles.get(name) or self.roles.get(MADE.sub("", name), name)


def readings_of(draft: Draft, given: Mapping[str, str | Fraction]) -> Iterator[Reading]:
    """Every reading of a draft, the likeliest first. Raises UserError where there is none."""
    own = frozenset(NAME.findall("\n".join(draft.lines)))
    found = [
        Reading(c.rule, {n: as_written(s, own) for n, s in c.roles.items()}, tuple(c.open_starts), tuple(c.assumed))
        for c in candidates(draft, given)
    ]
    yield from sorted(found, key=lambda r: not is_like_a_gradient(r.roles.get("g") or r.roles.get("x", "")))


def as_written(name: str, own: Collection[str]) -> str:
    """A name as the text has it: without what the reader put after it, where it is none of the text's `own`."""
    plain = MADE.sub("", name)
    return plain if name not in own and plain in own else name


def needed(rule: Rule) -> Rule:
    """The rule without the states, lines and hyperparameters that its outputs and its query never depend on.

    Only for what stands beside another parameter's statements: a line that is left out may be undefined.
    """
    wanted = {*rule.outputs} | (symbols(rule.query) if rule.query is not None else frozenset())
    while True:
        body, now = [], set(wanted)
        for a in reversed(rule.body):
            if a.target in now:
                body.append(a)
                now |= symbols(a.value)
        more = wanted | (now & set(rule.state_names))
        if more == wanted:
            break
        wanted = more
    used = {n for a in body for n in symbols(a.value)} | wanted
    return replace(
        rule,
        body=tuple(reversed(body)),
        states=tuple(s for s in rule.states if s.name in used),
        hyperparameters=tuple(h for h in rule.hyperparameters if h.name in used | _starting(rule, used)),
    )


def _starting(rule: Rule, used: set[str]) -> frozenset[str]:
    return symbols(*(s.initial for s in rule.states if s.name in used))
