"""Chains of formulas laid out in lines that fit a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from docs.site.markdown import aligned, display

LINE = 66  # signs on a line, roughly
LEFT = 20  # signs in front of the column of the relations

_BREAK = re.compile(r" (?=\\wedge |\\vee |\+ |- |\\quad\\text)|(?<=[^\\],) ")
_DEPTH = re.compile(r"\\(?:left|right|begin|end)(?![a-z])|[{}]")
_DEEPER = {"{": 1, "}": -1, r"\left": 1, r"\right": -1, r"\begin": 1, r"\end": -1}
_GROUP = re.compile(r"(?:[_^]|\\(?:sqrt|hat|bar|tilde|mathrm|operatorname|text))\{([^{}]*)\}")
_FRACTION = re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}")
_LAYOUT = re.compile(r"\\(?:left|right|quad|,)(?![a-zA-Z])|[\s{}\\]")


def chain(links: Sequence[str]) -> str:
    """A formula's links, each after the first with its sign: on one line where they fit, else on several."""
    if sum(map(width, links)) <= LINE:
        return display(" ".join(links))
    first, *further = links
    lines: list[str] = []
    if further and width(first) <= LEFT:
        lines += _lines(further.pop(0), LINE - width(first), before=f"{first} ")
    else:
        lines += _lines(first)
    lines += [line for link in further for line in _lines(link)]
    return display(" ".join(links)) if len(lines) == 1 else aligned(lines)


def width(latex: str) -> int:
    """About how many signs a formula has from left to right."""
    text, before = latex, ""
    while text != before:
        before = text
        text = _FRACTION.sub(lambda found: max(found[1], found[2], key=_signs), _GROUP.sub(r"\1", text))
    return _signs(text)


def _signs(latex: str) -> int:
    return len(_LAYOUT.sub("", re.sub(r"\\(?!left|right|quad)[a-zA-Z]+", "x", latex)))


def _lines(latex: str, room: int = LINE, before: str = "") -> Iterator[str]:
    """The formula broken at its outermost signs, each line as full as it can be, further ones indented."""
    line = ""
    for part in parts(latex):
        if line and width(line + part) > room:
            yield f"{before}&{line}"
            line, before, room = "", "", LINE
            part = rf"\qquad {part}"
        line += part if not line else f" {part}"
    yield f"{before}&{line}"


def parts(latex: str) -> list[str]:
    """The formula cut in front of its outermost signs; with a space between them the parts make the whole."""
    cuts = [0, *(m.end() for m in _BREAK.finditer(latex) if not _inside(latex[: m.start()]))]
    return [latex[a:b].removesuffix(" ") for a, b in zip(cuts, [*cuts[1:], len(latex) + 1], strict=True)]


def _inside(text: str) -> bool:
    """Whether a bracket or a group is open at the end of the text."""
    return sum(_DEEPER[mark] for mark in _DEPTH.findall(text)) > 0
