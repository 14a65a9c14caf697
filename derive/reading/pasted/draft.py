"""A draft: the statements of one parameter's step, read and not yet understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.expr import symbols
from derive.reading.pasted.code.steps import Step
from derive.reading.pasted.flow import carried, reads
from derive.reading.step.statements import Query, Statement, stored


@dataclass(frozen=True)
class Draft:
    """One parameter's step without roles.

    `last` are the states no other state is made from: the parameter is one of them. `lines` is the
    text, `spelled` how it writes names that Python can't. `by_value`: the text is no code, so that
    its names share no arrays. `like` is the parameter of an earlier draft that differs in names only,
    `parameters` all that the text may call so,
    `others` further readings of the same step, `whole` the statements of all parameters.
    """

    step: Step
    last: tuple[str, ...]
    lines: tuple[str, ...]
    spelled: Mapping[str, str]
    by_value: bool
    like: str | None = None
    parameters: frozenset[str] = frozenset()
    others: tuple[Draft, ...] = ()
    whole: tuple[Statement, ...] = ()

    @property
    def parameter(self) -> str:
        """The name the draft is known by: the last of its states, a kept old value aside."""
        own = [s for s in self.last if not s.endswith(("_prev", "_old"))]
        return self.shown((own or self.last)[-1])

    @property
    def states(self) -> tuple[str, ...]:
        """The names carried from one step to the next, the parameter among them."""
        return tuple(carried(self.step.statements))

    @property
    def free(self) -> tuple[str, ...]:
        """The names that are only read, in the order of the text."""
        changed = set(stored(self.step.statements))
        read = [*map(reads, self.step.statements), *(symbols(r.value) for r in self.step.returned or ())]
        return tuple(dict.fromkeys(n for names in read for n in sorted(names) if n not in changed))

    @property
    def questions(self) -> tuple[Query, ...]:
        """Where the step asks for a gradient by itself."""
        return tuple(s for s in self.step.statements if isinstance(s, Query))

    def shown(self, name: str) -> str:
        """The name as the text has it."""
        plain = name.removeprefix("__init__.")
        if plain in self.spelled:
            return self.spelled[plain]
        if plain.endswith(".grad"):
            return f"{self.shown(plain.removesuffix('.grad'))}.grad"
        record, _, key = plain.rpartition(".")
        return f'{self.shown(record)}["{key}"]' if record and record != "self" else plain
