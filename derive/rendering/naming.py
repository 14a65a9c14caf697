"""What the names of a verdict's rules are called where they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

NAME = re.compile(r"(?<![\w.\"'])([AB]\.)?([^\W\d]\w*)(?![\w(\"'])")
PARTING = re.compile(r"(at step \d+ |at the start )(\w+)( is )")
MINUS = re.compile(r"(?:(?<== )|(?<=\())-1 \* (?=[\w(])")


@dataclass(frozen=True)
class Names:
    """`mine`: names of A and what they are called; with any, B's are said to be `his`: "the rule's "."""

    mine: Mapping[str, str] = field(default_factory=dict)
    his: str | None = None

    def formula(self, text: str) -> str:
        """A map or a condition; a name without a side is A's as well as B's."""
        plain = text if self.his is None else NAME.sub(self._name, text)
        return MINUS.sub("-", plain)

    def message(self, text: str) -> str:
        """A headline: where two runs part, or what they are equal with or where."""
        parting = PARTING.match(text)
        if self.his is None or parting is None:
            return self.formula(text)
        return f"{parting[1]}{self.own(parting[2])}{parting[3]}{text[parting.end() :]}"

    def own(self, name: str) -> str:
        """What a name of A is called."""
        return self.mine.get(name, name)

    def _name(self, found: re.Match[str]) -> str:
        side, name = found.groups()
        return f"{self.his}{name}" if side == "B." else self.own(name)


PLAIN = Names()
