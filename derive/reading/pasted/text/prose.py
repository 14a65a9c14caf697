"""What stands around code: prompts of an interpreter, indented blocks in a question, formulas in sentences.

What is taken away is what has no assignment in it, or stands outside the marks the text itself puts
around code and formulas. Every line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PROMPT = re.compile(r"^\s*(?:>>>|In \[\d*\]:|julia>|>>(?= )) ?(?=\S)")
_MORE = re.compile(r"^\s*\.\.\.(?::|(?!:)) ?")
_LOOKED_AT = re.compile(r"[\w.\[\]]+\s*|print\(.*\)\s*")
ASSIGNMENT = re.compile(r"[-+*/:]?=(?!=)|←|≔|<-|\\gets\b|\\leftarrow\b")
_STATEMENT = re.compile(r"^[^\W\d][\w.\[\]\"']*\s*(?:[-+*/:]?=(?!=)|←|<-)")
_DISPLAY = re.compile(
    r"\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|\\\((?P<c>.+?)\\\)|(?<![\\$])\$(?P<d>[^$]+?)\$", re.DOTALL
)
_HEAD = re.compile(r"^(?:\S.*[{}]\s*$|(?:def|class|for|while|if|function)\b)")  # of a block whose lines stand deeper
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{")
_VALUE = re.compile(r"^\\?\w+(?:_\{?[^0\W]\w*\}?)?\s*(?:=|:=)\s*[-\d.e^{}]+\s*$")


def without_prompts(lines: Sequence[str]) -> list[str]:
    """What was typed at the prompts; all that stands there without one was printed."""
    if not any(_PROMPT.match(line) for line in lines):
        return list(lines)
    typed, kept = False, list[str]()
    for line in lines:
        more = typed and _MORE.match(line)
        typed = bool(_PROMPT.match(line) or more)
        text = (_MORE if more else _PROMPT).sub("", line) if typed else ""
        kept.append("" if _LOOKED_AT.fullmatch(text) else text)
    return kept


def indented_block(lines: Sequence[str]) -> list[str]:
    """The lines of a question's or page's indented code, the others emptied; all lines where there is no such thing."""
    if any(_HEAD.match(line) for line in lines):
        return list(lines)
    inside, kept, blank = False, list[str](), True
    for line in lines:
        deep = line.startswith("    ")
        inside = deep and (inside or blank) if line.strip() else inside
        kept.append(line if inside else "")
        blank = not line.strip()
    outside = [line for line, code in zip(lines, kept, strict=True) if line.strip() and not code]
    stated = any(_STATEMENT.match(line) or line.startswith(" ") for line in outside)
    assigned = any(ASSIGNMENT.search(line) for line in kept)
    return kept if outside and assigned and not stated else list(lines)


def formulas(lines: Sequence[str], is_head: Sequence[bool]) -> list[str]:
    """The lines with only the formulas left of what is written in sentences around them.

    `is_head` says which lines open or close a loop or branch. What gives a value in passing (`$\\beta = 0.9$`)
    is left out: the rule is read for every value.
    """
    text = "\n".join(lines)
    if not _DISPLAY.search(text) and not _ENVIRONMENT.search(text):
        return list(lines)
    inside = _in_display(text)
    return [
        line if head or shown or _ENVIRONMENT.search(line) else _without_words(line)
        for line, head, shown in zip(lines, is_head, inside, strict=True)
    ]


def _in_display(text: str) -> list[bool]:
    """Which lines stand inside a formula of several lines."""
    inside = [False] * (text.count("\n") + 1)
    ends = re.compile(r"\\begin\s*\{(?!algorithm|document|figure)(\w+\*?)\}.*?\\end\s*\{\1\}", re.DOTALL)
    for found in (*_DISPLAY.finditer(text), *ends.finditer(text)):
        first = text.count("\n", 0, found.start())
        for number in range(first, first + found[0].count("\n") + 1 if "\n" in found[0] else first):
            inside[number] = True
    return inside


def _without_words(line: str) -> str:
    parts = [next(g for g in m.groups() if g is not None) for m in _DISPLAY.finditer(line)]
    outside = _DISPLAY.sub(" ", line)
    if not parts:
        return line if ASSIGNMENT.search(line) else ""
    if not re.search(r"[A-Za-z]{2}", re.sub(r"\\[A-Za-z]+|\([^)]*\)|\[[^\]]*\]", "", outside)):
        return line  # the marks of a formula that is all there is
    said = [p.strip() for p in parts if ASSIGNMENT.search(p) and not _VALUE.match(p.strip())]
    return "; ".join(p.strip(" ,.;") for p in said)
