"""Names as mathematics writes them: Greek letters, subscripts that say more of the name, or when it is taken."""

from __future__ import annotations

import re

from derive.reading.pasted.text.signs import GREEK, LATEX_GREEK, PREFIXES, PYTHON_WORDS
from derive.reading.pasted.text.tokens import Tokens, Vocabulary


def greek_parts(token: str) -> list[str]:
    """`βv` is a product of two names; `Δw`, `dθ` and `β1` are one."""
    parts = [""]
    for i, c in enumerate(token):
        previous = token[i - 1] if i else ""
        boundary = previous.isalpha() and (c in GREEK or previous in GREEK) and c.isalpha()
        if boundary and not (len(parts[-1]) == 1 and previous in PREFIXES):
            parts.append("")
        parts[-1] += c
    return parts


def spelled(name: str) -> str:
    """The name in ASCII letters."""
    plain = name.rstrip("'")
    spelled = "".join(GREEK.get(c, c) for c in plain)
    spelled = re.sub(r"(?<=[^\W\d])_(\d+)$", r"\1", spelled) if any(c in GREEK for c in plain) else spelled
    spelled += "_new" * (len(name) - len(plain))
    return spelled + "_" if spelled in PYTHON_WORDS else spelled


_TIME = re.compile(r"\(?([a-z])(?:([+-])(\d))?\)?")


def time(text: str, vocabulary: Vocabulary) -> tuple[str, int] | None:
    found = _TIME.fullmatch(text)
    if found is None or found[1] not in vocabulary.letters:
        return None
    return found[1], int(f"{found[2]}{found[3]}") if found[2] else 0


_COORDINATE = re.compile(r"([ijkd])\1?")  # beside a time: θ_{t,i}, G_{t,ii}
_OPENING = {"{": "}", "(": ")", "[": "]"}


def raw_group(given: Tokens) -> str:
    """The text of a subscript: what stands in braces or brackets, or one token."""
    if given.peek() not in _OPENING:
        token = given.take() if given.peek() else ""
        return LATEX_GREEK.get(token[1:], token[1:]) if token[:1] == "\\" else token
    depth, texts = 0, list[str]()
    while given.peek():
        token = given.take()
        depth += (token in _OPENING) - (token in _OPENING.values())
        if token[0] == "\\":
            token = LATEX_GREEK.get(token[1:], "")
        texts.append("" if token in ("{", "}") else token)
        if depth == 0:
            break
    return "".join(texts)


def subscript(given: Tokens) -> tuple[list[str], tuple[str, int] | None]:
    """The words of a subscript, and the time."""
    text, words, at = raw_group(given), list[str](), None
    text = re.sub(r"\^\[(\w+)\]", r"_\1", text)  # the layer in v_{dW^{[l]}}
    for part in filter(None, text.strip("()").split(",")):
        when = time(part, given.vocabulary)
        if when is None and not re.fullmatch(r"\w+", part):
            raise given.error(f"the subscript '{part}' can't be read", "use one step's index, as in m_{t-1}")
        at = when or at
        words += [] if when else [spelled(part)]
    return [w for w in words if not (at and _COORDINATE.fullmatch(w))], at
