"""Times that lost their place when a formula was copied: `mt ← β1 mt−1 + ...` was m_t and m_{t-1}."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LETTER = "(?<![\\w\\\\])([^\\W\\d_][\u0300-\u036f]?)t"
_END = "(?![^\\W\u00b2\u00b3\u2070-\u209f]|[\u0300-\u036f])"  # a power may follow closely: gt²
_BEFORE = re.compile(rf"{_LETTER}[-−]1{_END}")
_TIMED = re.compile(rf"{_LETTER}([-−]1)?{_END}")
_ASSIGNED = re.compile(rf"{_LETTER}\s*(?:=|:=|←|≔)(?!=)")
_WORDS = frozenset({"a", "i"})  # at, it


def with_times(lines: Sequence[str]) -> list[str]:
    """The lines with their times below again, where a name is given as `mt` and read as `mt−1`, written closely."""
    text = "\n".join(lines)
    letters = set(_BEFORE.findall(text)) & set(_ASSIGNED.findall(text))
    return [_TIMED.sub(lambda m: _below(m, letters), line) for line in lines] if letters else list(lines)


def _below(found: re.Match[str], letters: set[str]) -> str:
    if found[1] in _WORDS - letters:
        return found[0]
    return f"{found[1]}_{{t-1}}" if found[2] else f"{found[1]}_t"
