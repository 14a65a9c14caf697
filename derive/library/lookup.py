"""From what a user types to a rule: a name of the library, or `PATH::NAME`."""

from __future__ import annotations

from difflib import get_close_matches

from derive.errors import UserError
from derive.library import LIBRARY
from derive.reading.read import read_path
from derive.rule import Rule


def rules() -> tuple[Rule, ...]:
    """Every rule of the library, in the order they are shown."""
    return LIBRARY


def find_rule(text: str) -> Rule:
    """The rule called `text`. Raises UserError with the nearest names, or with what is wrong in the file."""
    path, separator, name = text.rpartition("::")
    if separator:
        return read_path(path, name)
    for rule in LIBRARY:
        if rule.name == text:
            return rule
    near = get_close_matches(text, [r.name for r in LIBRARY], n=3, cutoff=0.4)
    fix = f"did you mean {' or '.join(near)}?" if near else "'derive rules' lists them; a file's rule is PATH::NAME"
    raise UserError(f"no rule {text!r}", fix=fix)
