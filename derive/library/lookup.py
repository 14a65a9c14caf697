"""From what a user gives to a rule: a name of the library, `PATH::NAME`, or a function or class."""

from __future__ import annotations

from difflib import get_close_matches

from derive.errors import UserError
from derive.library import LIBRARY
from derive.reading.read import read_loaded, read_path
from derive.reading.source import load_text
from derive.rule import Rule


def rules() -> tuple[Rule, ...]:
    """Every rule of the library, in the order they are shown."""
    return LIBRARY


def as_rule(given: object) -> Rule:
    """A Rule, a library name, `PATH::NAME`, or a function or class, which is read from its source and never called.

    Raises UserError for anything else, and for what can't be read.
    """
    if isinstance(given, Rule):
        return given
    if isinstance(given, str):
        return find_rule(given)
    return read_loaded(given)


def find_rule(text: str) -> Rule:
    """The rule called `text`. Raises UserError with the nearest names, or with what is wrong in the file."""
    path, separator, name = text.rpartition("::")
    if separator:
        _refuse_half(path, name)
        return _composed(path, name) or read_path(path, name)
    return _named(text)


def _named(text: str) -> Rule:
    for rule in LIBRARY:
        if rule.name == text:
            return rule
    raise UserError(f"no rule {text!r}", fix=_suggestion(text))


def _composed(path: str, name: str) -> Rule | None:
    """The rule that a file composes under that name; None where it does no such thing."""
    text = load_text(path)
    if "compos" not in text and "schedule" not in text and "piece" not in text:
        return None  # most files
    from derive.composing import KNOWN
    from derive.composing.calls import read_composed

    return read_composed(text, name, path, _named, KNOWN)


def _refuse_half(path: str, name: str) -> None:
    """`::adam` and `file.py::` name nothing."""
    if not path:
        fix = f"write {name} for the library's rule" if name in {r.name for r in LIBRARY} else "write PATH::NAME"
        raise UserError("there is no path before '::'", fix=fix)
    if not name:
        raise UserError("there is no name after '::'", where=path, fix="write PATH::NAME")


def _suggestion(text: str) -> str:
    if text.endswith(".py"):
        return f"say which rule of the file: {text}::NAME"
    near = get_close_matches(text, [r.name for r in LIBRARY], n=3, cutoff=0.4)
    return f"did you mean {' or '.join(near)}?" if near else "'derive rules' lists them; a file's rule is PATH::NAME"
