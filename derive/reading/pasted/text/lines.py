"""Lines of a pasted text: code is told from what stands around it, and every line keeps its number.

Fences, prompts, bullets, numbering and comments are taken away; a small closed vocabulary of
pseudocode's sentences (`for t = 1 to T do`, `On iteration t:`, `Compute dW, db on the current
mini-batch`) is understood; what is left is for `pieces` to read, or no code at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derive.errors import UserError
from derive.reading.pasted.text.algorithmic import plainly
from derive.reading.pasted.text.prose import formulas

LENGTH = 2_000  # characters of a line of pseudocode
LINES = 1_000
CHARACTERS_READ = 50_000
FENCE = re.compile(r"^\s*(```+|~~~+)")
_NUMBERING = re.compile(r"^(\s*)(?:(?:step\s+)?\(?\d{1,3}[.:)]\s+|\[\d{1,3}\]\s+|[-*•‣▪–]\s+)(?=\D)", re.IGNORECASE)
_BOLD = re.compile(r"^(\s*)\*\*([^*=]+)\*\*(?=\s)")  # **Require:** in Markdown
# `//` and `%` are operators too: a comment after them is at the line's start, set apart, or two words.
_COMMENT = re.compile(
    r"""(\#|▷|(?:←|<-)\s*["“]|\\Comment\b|\\triangleright\b|(?:^\s*|\s{2,}|;\s*)(?://|%)"""
    r"""|(?://|%)(?=\s*[A-Za-z]+[ ][A-Za-z]{2,})).*$"""
)
_REMARK = re.compile(r"\s+\((\w[\w.'-]*(?:[\s,]+\w[\w.'-]*)*)\)\s*[,.;]?\s*$")
_REMARKS = frozenset({
    "update", "step", "momentum", "biased", "bias", "first", "second", "moment", "estimate", "correction", "velocity",
    "average", "decay",
    "initialize", "initialise", "compute", "get",
    "resulting", "parameter", "parameters", "squared", "old", "new", "corrected", "running", "nesterov", "adam",
})  # fmt: skip
_TAIL = re.compile(r"(?:,?\s+|\s*,\s*)(?:where|for all|for each|until)\s+[^=]*$", re.IGNORECASE)
_AVERAGED = re.compile(  # the factor of an average over data: the gradient is that of the average
    r"(?:\(\s*1\s*/\s*\w+\s*\)|1\s*/\s*\w+|\\[dt]?frac\s*\{?1\}?\s*\{?\w+\}?)\s*(?:·|\\cdot)?\s*"
    r"(?=(?:∇|\\nabla)\s*(?:_\s*\{?\\?\w+\}?|[^\W\d_])?\s*(?:Σ|∑|\\sum))"
)
_MARKS = re.compile(
    r"(?:(?<=[^\s.\d])\s*\.|(?<=\S)\s*[,;])\s*(\\\\|)\s*(?:\\end\{\w+\*?\})?$"
)  # at the end of a formula
_NAME = r"[^\W\d]\w*"


@dataclass(frozen=True)
class Line:
    """A line of the text with its number from 1; `head` is the Python of a loop or branch that it opens."""

    number: int
    indent: int
    text: str
    head: str = ""
    closes: bool = False


def code_of(text: str, file: str) -> list[str]:
    """The lines of the text, those that are no code emptied: what is outside a fence, prompts, numbering."""
    lines = text.splitlines()
    if any(FENCE.match(line) for line in lines):
        lines = _fenced(lines, file)
    return [line.expandtabs(4).rstrip() for line in lines]


def _fenced(lines: list[str], file: str) -> list[str]:
    """The lines of the one fenced block that assigns anything."""
    blocks, current, inside = list[tuple[int, list[str]]](), list[str](), False
    for number, line in enumerate(lines, 1):
        if FENCE.match(line):
            if not inside:
                current = []
                blocks.append((number, current))
            inside = not inside
        elif inside:
            current.append(line)
    blocks = [(start, block) for start, block in blocks if any(re.search(r"=|←|≔|gets|leftarrow", x) for x in block)]
    if len(blocks) > 1:
        what = f"there are {len(blocks)} blocks of code"
        raise UserError(what, where=f"{file}:{blocks[1][0]}", fix="paste the one with the update")
    if not blocks:
        raise UserError("no block of code assigns anything", where=file, fix="paste the lines of the update")
    [(start, block)] = blocks
    return [""] * start + block + [""] * (len(lines) - start - len(block))


def refuse_long(lines: Sequence[str], file: str) -> None:
    """What is no Python is bounded more closely, before anything searches it."""
    if sum(map(len, lines)) > CHARACTERS_READ:
        what = f"more than {CHARACTERS_READ} characters of pseudocode are too many to read"
        raise UserError(what, where=file, fix="cut out the rule")
    if len(lines) > LINES:
        raise UserError(f"{len(lines)} lines of pseudocode are too many to read", where=file, fix="cut out the rule")
    for number, line in enumerate(lines, 1):
        if len(line) > LENGTH:
            what, fix = f"a line of {len(line)} characters", "name the intermediate results"
            raise UserError(what, where=f"{file}:{number}", fix=fix)


def statements(lines: Sequence[str], has_functions: bool) -> Iterator[Line]:
    """The lines of a pseudocode text that say something, heads of loops and branches recognised.

    Where the text `has_functions`, `return` is a statement; elsewhere it names what the algorithm ends with.
    """
    lines = [_BOLD.sub(r"\1\2", _NUMBERING.sub(r"\1", plainly(line))) for line in lines]
    lines = formulas(lines, [_is_head(line) for line in lines])
    said = [_REMARK.sub("", line) for line in lines if not _NOTHING.fullmatch(line.strip())]
    words = frozenset(re.findall(_NAME, "\n".join(said)))
    for number, text in enumerate(lines, 1):
        indent = len(text) - len(text.lstrip())
        text = re.sub(r"\s{3,}", "  ", text.strip())
        text = _COMMENT.sub("", text)
        text = _without_remark(text, words)
        text = _AVERAGED.sub("", text)
        text = _MARKS.sub(r"\1", text.strip().strip("$").strip() if "\\" in text or "$" in text else text.strip())
        if text:
            returns = has_functions and text.startswith("return")
            yield Line(number, indent, text) if returns else _recognised(number, indent, text)


def _is_head(line: str) -> bool:
    read = _recognised(0, 0, line.replace("$", "").strip())
    return bool(read.head or read.closes)


def _without_remark(text: str, words: frozenset[str]) -> str:
    """The line without `(update the first moment)` at its end: words that stand nowhere but in such remarks."""
    found = _REMARK.search(text)
    if found is None or "=" not in text[: found.start()].replace("←", "=").replace("≔", "="):
        return text
    inside = re.findall(_NAME, found[1])
    new = words.isdisjoint(word for word in inside if len(word) > 2)
    said = len(inside) > 3 or not _REMARKS.isdisjoint(word.lower() for word in inside)
    return text[: found.start()] if said and new else text


# The vocabulary of sentences. Each pattern takes a whole line.

_COUNT = rf"(?P<t>{_NAME})\s*(?:=|←|in|∈|\\in)\s*\{{?\s*(?P<first>\d+)\s*(?:,\s*\d+\s*)*"
_TO = r"(?:to|,?\s*(?:\.{2,3}|…|\\l?dots)\s*,?|,|:)\s*\$?[\w∞\\.…-]+\s*\}?"
_DO = r"\s*(?:do|\{)?\s*:?"
_COUNTED = re.compile(rf"for\s+(?:(?:iterations?|steps?|epochs?)\s+)?{_COUNT}{_TO}{_DO}", re.IGNORECASE)
_EACH = re.compile(
    rf"(?:for|on|in|at|repeat for)\s+(?:each|every|all|the)?\s*"
    rf"(?:(?:training\s+)?(?:iterations?|steps?|time\s*steps?|epochs?)\s*(?P<t>{_NAME})?|"
    rf"(?:mini-?\s?batch(?:es)?|batch(?:es)?|samples?|examples?)(?:\s+\w+)?){_DO}",
    re.IGNORECASE,
)
_WHILE = re.compile(rf"(?:while\s+.*(?:converge|stopping|criteri|not met|not done).*?|loop|repeat(?: until .*)?|"
                    rf"repeat\s*\{{|until convergence){_DO}", re.IGNORECASE)  # fmt: skip
_PYTHON_HEAD = re.compile(
    r"(?:def\s+\w+\s*\(.*\).*|class\s+\w+.*|for\s+[\w\s,()]+\s+in\s+[\w.]+\(.*\)|for\s+\w+\s+in\s+\w+|while\s+True|"
    r"with\s+.*|if\s+.*[^:]|elif\s+.*[^:]|else):"
)
_IF = re.compile(r"(?P<word>if|else if|elif|elseif)\b\s*(?P<test>.+?)\s*(?:\bthen|:|\{)?\s*", re.IGNORECASE)
_ELSE = re.compile(r"(?:\}\s*)?else\s*[:{]?", re.IGNORECASE)
_END = re.compile(r"(?:end\s*(?:for|while|if|loop|procedure|function)?|done|\}|until\b.*|od|fi)\s*[.;]?", re.IGNORECASE)
_NOTHING = re.compile(
    r"(?:(?:require|input|inputs|output|ensure|data|result|given|hyper-?parameters|parameters|notation|note)s?\b\s*:.*|"
    r"(?:algorithm|procedure|listing|equation)\b[^=←]*|"
    r"(?:compute|calculate|evaluate|get|obtain|find|sample|draw)\b[^=←≔]*|"
    r"return\b.*|output\b[^=←]*|\w[\w\s'’()-]*:|where\b[^=]*|with\b[^=]*|"
    r"\\(?:begin|end)\s*\{.*\}.*|\\\[|\\\]|\${1,2}|\\\\|[-=_*.\s]+)",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"(?:initiali[sz]e|init|set|let|update|compute|calculate|start with|then|and|apply|correct|store)\b\s*:?\s+"
    r"(?=.*(?:=|←|≔|\\gets|\\leftarrow|<-))(?:[a-z][a-z'\s-]*:\s*|(?:(?:\d(?:st|nd|rd|th)|[a-z]{2,})\s+)+"
    r"(?=\w+\s*(?:=|←|≔|\\gets|\\leftarrow|<-)))?",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[A-Za-z][\w'\s(),-]*:\s+(?=[^=].*(?:=|←|≔|\\gets|\\leftarrow|<-))")
_ZEROS = re.compile(
    rf"(?:initiali[sz]e|init|set)\s+(?P<names>{_NAME}(?:\s*(?:,|and|&)\s*{_NAME})*)\s+(?:to|at|as|with)\s+"
    r"(?:zeros?|0)\s*\.?",
    re.IGNORECASE,
)


def _recognised(number: int, indent: int, text: str) -> Line:
    """The line as a head, a close, nothing (an empty text) or a statement."""
    if _PYTHON_HEAD.fullmatch(text):
        return Line(number, indent, "", text)
    if found := _COUNTED.fullmatch(text):
        return Line(number, indent, "", f"for {found['t']} in range({int(found['first'])}, 1000000):")
    if found := _EACH.fullmatch(text):
        return Line(number, indent, "", f"for {found['t']} in range(1, 1000000):" if found["t"] else "while True:")
    if _END.fullmatch(text):
        return Line(number, indent, "", closes=True)
    if _WHILE.fullmatch(text):
        return Line(number, indent, "", "while True:")
    if found := _IF.fullmatch(text):
        word = "if" if found["word"].lower() == "if" else "elif"
        return Line(number, indent, found["test"], word)
    if _ELSE.fullmatch(text):
        return Line(number, indent, "", "else:")
    if found := _ZEROS.fullmatch(text):
        names = re.split(r"\s*(?:,|\band\b|&)\s*", found["names"])
        return Line(number, indent, ", ".join(f"{name} = 0" for name in names))
    if _NOTHING.fullmatch(text):
        return Line(number, indent, "")
    for said in (_LEADING, _LABEL):
        found = said.match(text)
        text = text[found.end() :] if found else text
    return Line(number, indent, _TAIL.sub("", text))
