"""The raw tokens of a line, once its characters are LaTeX or ASCII; and the pieces of Python they become."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from derive.errors import UserError
from derive.reading.pasted.text.signs import ACCENTS, CHARACTERS, SUBSCRIPTS, SUPERSCRIPTS

NESTING = 60

NAME, NUMBER, FUNCTION, OPEN, CLOSE, SIGN, WORD, STRING = (
    "name", "number", "function", "open", "close", "sign", "word", "string",
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A token of Python to be. `at` is the time index of a name, as (letter, offset); `shown` how the text has it."""

    kind: str
    text: str
    at: tuple[str, int] | None = None
    shown: str = ""
    close_by: bool = False  # nothing stands between this and the piece before


@dataclass(frozen=True)
class Vocabulary:
    """What a text as a whole says about its names.

    `letters` count time, `targets` are assigned; names like dL that stand `alone` are not over another.
    `powers`: whether ^ is a power.
    """

    letters: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    powers: bool = True


@dataclass
class Tokens:
    """The raw tokens of a line, and how far they are read."""

    items: list[tuple[str, int]]
    where: str
    vocabulary: Vocabulary
    at: int = 0
    depth: int = 0

    def peek(self, ahead: int = 0) -> str:
        return self.items[self.at + ahead][0] if self.at + ahead < len(self.items) else ""

    def close_by(self, ahead: int = 0) -> bool:
        """Whether no space stands before the next token."""
        i = self.at + ahead
        return 0 < i < len(self.items) and self.items[i][1] == self.items[i - 1][1] + len(self.items[i - 1][0])

    def take(self) -> str:
        self.at += 1
        return self.items[self.at - 1][0]

    def error(self, what: str, fix: str = "") -> UserError:
        return UserError(what, where=self.where, fix=fix or "write it as in Python")


_RAW = re.compile(
    r"""\\[A-Za-z]+|\\.|"[^"\n]*"|(?<![\w)\]}'])'[^'\n]*'|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\d])"""
    r"""|[^\W\d]\w*'*(?!\w)|[^\W\d]\w*|\*\*|//|[-+*/]=|[=!<>:]=|<-|\.\.\.|\S""",
    re.VERBOSE,
)
# Element by element: `.*` and `.=` after anything but a number, `sqrt.(`.
_ELEMENTWISE = re.compile(r"(?:(?<![.\d])|(?<=[^\W\d]\d))\.(?=[-+*/^=](?!\.))|(?<=[^\W\d])\.(?=\()|^\s*@\.")
_BRACKETS = {"\\{": "(", "\\}": ")", "\\lbrace": "(", "\\rbrace": ")", "\\lvert": "|", "\\rvert": "|", "\\vert": "|"}
_RUNS = (
    (re.compile(f"[{''.join(map(re.escape, SUPERSCRIPTS))}]+"), "^", SUPERSCRIPTS),
    (re.compile(f"[{''.join(map(re.escape, SUBSCRIPTS))}]+"), "_", SUBSCRIPTS),
)


def tokens(text: str, where: str, vocabulary: Vocabulary) -> Tokens:
    """The raw tokens of a line whose characters are LaTeX or ASCII, letters aside."""
    text = _accents("".join(CHARACTERS.get(c, c) for c in text), where)
    for pattern, sign, table in _RUNS:
        text = pattern.sub(lambda m, s=sign, c=table: s + "{" + "".join(c[x] for x in m[0]) + "}", text)  # type: ignore[misc]
    text = re.sub(r"(?<=\w)_(?=[{\\]|\([a-z][-+]\d\))", " _ ", text)
    text = re.sub(r"(\\[A-Za-z]+|[\]}])_", r"\1 _ ", text)
    text = re.sub(r"\\nabla\s+_(?=[^\W_])", r"\\nabla _ ", text)
    text = re.sub(r"(\^\{?\d+\}?)_", r"\1 _ ", text)
    text = _ELEMENTWISE.sub(" ", text)
    items = [(_BRACKETS.get(m[0], m[0]), m.start()) for m in _RAW.finditer(text)]
    return Tokens(items, where, vocabulary)


def _accents(text: str, where: str) -> str:
    """`m̂` as `\\hat{m}`."""
    out: list[str] = []
    for c in unicodedata.normalize("NFD", text):
        if c in ACCENTS and out:
            out[-1] = f"\\{ACCENTS[c]}{{{out[-1]}}}"
        elif not unicodedata.combining(c):
            out.append(c)
        elif out:
            raise UserError(f"the mark U+{ord(c):04X} over a letter can't be read", where=where, fix="use a plain name")
    return "".join(out)
