"""Code in languages other than Python, line for line as pseudocode: C and its kin, CUDA, R, Julia, MATLAB.

    for (int i = 0; i < n; i++) {                   the loop over an array's elements is left out,
        m[i] = b1*m[i] + (1.0f - b1)*g[i];          m = b1*m + (1.0 - b1)*g
    }
    function f(w, dw; lr=0.1) ... end               the statements inside

Names are numbers here. An argument that C passes by its value and that the function changes is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from derive.errors import UserError
from derive.reading.pasted.text.lost import (
    refuse_defined,
    refuse_kept_inside,
    refuse_local,
    refuse_returned,
    refuse_whole,
)

_NAME = r"[^\W\d]\w*"
_TYPE = (
    r"(?:(?:const|constexpr|static|unsigned|final|volatile|public|private|protected|inline)\s+)*"
    r"(?:let\s+mut|let|var|const|auto|size_t|s?size|(?:u?int|float|double)(?:\d+)?(?:_t)?|long(?:\s+long)?|real|scalar_t|"
    r"f32|f64|half|void|bool|Real|Float|Double|std::\w+(?:<[\w:]+>)?)"
)
_DECLARED = re.compile(rf"^(\s*){_TYPE}(?:\s*\[\s*\])?\s*[*&]*\s+[*&]*(?={_NAME}(?:\s*:\s*\w+)?\s*(?:=|;|$))")
_ANNOTATED = re.compile(rf"^(\s*(?:{_NAME}))\s*:\s*\w+(?=\s*=)")
_COUNTED = re.compile(
    rf"^\s*(?:#pragma.*|for\s*\(\s*(?:{_TYPE}\s+)?(?P<i>{_NAME})\s*=\s*(?P<first>[^;]*);[^;]*;[^{{]*\)\s*(?P<open>\{{?))\s*$"
)
_IN = re.compile(rf"^\s*for\s*\(?\s*(?P<i>{_NAME})\s+in\s+(?P<over>[^{{]*?)\)?\s*(?P<open>\{{?)\s*$")
_RANGE = re.compile(rf"^\s*for\s+(?P<i>{_NAME})(?:\s*,\s*\w+)?\s*:=\s*(?:range\b|[^;]*;).*(?P<open>\{{)\s*$")
_KIND = re.compile(
    r"^\s*(?:(?:public|export|pub|abstract|final)\s+)*(?:class|struct|impl|namespace|interface)\b.*\{\s*$"
)
_SHOWN = re.compile(r"^\s*(?:list|c|return|print|printf|cat|console\.log|std::cout|invisible)\s*[(<].*$|^\s*\w+:\s*$")
_WHILE = re.compile(r"^\s*while\s*\(.*\)\s*(?P<open>\{?)\s*$")
_IF = re.compile(r"^\s*(?P<word>(?:\}\s*)?(?:else\s+)?if)\s*\((?P<test>.*)\)\s*(?P<open>\{?)\s*$")
_ELSE = re.compile(r"^\s*(?:\}\s*)?else\s*(?P<open>\{?)\s*$")
_FUNCTION = re.compile(
    rf"^\s*(?:(?:__global__|__device__|export|default|async|template\s*<[^>]*>|pub)\s+)*(?:"
    rf"(?:function|fn|func)\s+(?:\[?[\w, ]*\]?\s*=\s*)?(?P<a>[\w.!]+)\s*|{_TYPE}\s*[*&]*\s+(?P<b>[\w:]+)\s*|"
    rf"(?:const\s+|let\s+)?(?P<c>[\w.]+)\s*(?:<-|=)\s*(?:function\s*)?(?=\([^)]*\)\s*(?:=>\s*)?\{{))"
    rf"\((?P<arguments>[^{{]*)\)\s*(?:->\s*\w+|=>)?\s*(?P<open>\{{?)\s*$"
)
_CLOSE = re.compile(r"^\s*(?:\}\s*;?|\}\s*\)\s*;?)\s*$")
_INDEX = re.compile(rf"^\s*(?:{_TYPE}\s+)?(?P<i>{_NAME})\s*=\s*.*\b(?:blockIdx|threadIdx|get_global_id|blockDim)\b.*$")
_WORDS = (
    (re.compile(r"(?<=[\d.])[fF]\b"), ""),
    (re.compile(r"\b(sqrt|pow|fabs|exp|log|tanh|fmax|fmin)f\("), r"\1("),
    (re.compile(r"\b(?:Math|std|Float|math)(?:::|\.)(?=(?:sqrt|pow|abs|exp|log|tanh|max|min|sign|fabs)\b)"), ""),
    (re.compile(r"\bfabs\("), "abs("),
    (re.compile(r"\bf(max|min)\("), r"\1("),
    (re.compile(r"\bthis(?:\.|->)"), ""),
    (re.compile(r"->(?=\w)"), "."),
    (re.compile(r"\(\s*(?:float|double|real)\s*\)\s*(?=[\w(])"), ""),
    (re.compile(rf"^(\s*)(?:({_NAME})\+\+|\+\+({_NAME}))\s*;?\s*$"), r"\1\2\3 += 1"),
    (re.compile(rf"(?:^(?=\s*)|(?<=[-+*/=(,])|(?<=[-+*/=(,]\s)|(?<=^\s)|(?<=^\s\s\s\s))\*(?={_NAME})"), ""),
)
_MARKS = re.compile(r"\{\s*$")
_LANGUAGE_BLOCK = re.compile(r"^\s*(?:function\b.*|for\s+\w+\s*=\s*[^:]+:.*|for\s+\w+\s+in\s+\S+:\S+\s*)$")


def plainly(lines: Sequence[str], file: str) -> list[str]:
    """The lines as pseudocode, line for line; those of a text that is in none of these languages as they are.

    Raises UserError for a value that a function changes and never hands back.
    """
    commands = any(re.search(r"\\[A-Za-z\\]", line) for line in lines)
    if not commands and any(re.search(r"[\w)]\s*\\\s*[\w(].*;\s*$", line) for line in lines):
        raise UserError("a division from the left can't be read", where=file, fix="write a / b")
    if any("\\" in line for line in lines):
        return list(lines)
    lines = _without_blocks(lines)
    if _has_braces(lines):
        refuse_defined(lines, file)
    lines = [_without_comments(line) for line in lines] if _has_braces(lines) else list(lines)
    if _has_braces(lines):
        return [re.sub(r";\s*$", "", line) for line in _without_braces(lines, file)]
    if any(re.match(r"^\s*function\b", line) for line in lines):
        return _without_function(lines, file)
    return [_worded(line) if line.rstrip().endswith(";") else line for line in lines]


def _without_blocks(lines: Sequence[str]) -> list[str]:
    """The lines without comments of several lines, as Julia and MATLAB have them."""
    out, inside = list[str](), False
    for line in lines:
        inside = inside or line.strip().startswith(("#=", "%{"))
        out.append("" if inside else line)
        inside = inside and not line.strip().endswith(("=#", "%}"))
    return out


def _has_braces(lines: Sequence[str]) -> bool:
    heads = (_COUNTED, _IN, _WHILE, _IF, _FUNCTION, _RANGE)
    return any(_COUNTED.match(line) for line in lines) or any(
        _MARKS.search(line) and any(h.match(line) for h in heads) for line in lines
    )


def _without_comments(line: str) -> str:
    return re.sub(r"/\*.*?\*/|//.*$|(?<!\S)#(?!pragma).*$", "", line).rstrip()


def _worded(line: str) -> str:
    for pattern, plain in _WORDS:
        line = pattern.sub(plain, line)
    return _ANNOTATED.sub(r"\1", _DECLARED.sub(r"\1", line))


# Braces


_HEAD = re.compile(r"^\s*function\s+(?:\[?(?P<outputs>[\w, ]+?)\]?\s*=\s*)?[\w.!]+\s*\((?P<arguments>[^)]*)\)")


def _without_braces(lines: Sequence[str], file: str) -> list[str]:
    indices = set(_element_indices(lines))
    out: list[str] = []
    blocks: list[bool] = []  # for each open brace: whether what is inside stands deeper
    single = False
    refuse_whole(lines, file)
    if any(map(_FUNCTION.match, lines)) and not _loops(lines, indices):
        refuse_local(lines, file)
    by_value, arguments = _passed_by_value(lines), _arguments(lines)
    elements: list[bool] = []  # for each open brace: whether it is that of a loop over elements
    for number, line in enumerate(lines, 1):
        if re.match(r"^\s*\}", line) and blocks:
            blocks.pop()
            elements.pop()
        _refuse_lost(line, by_value, indices if any(elements) else set(), f"{file}:{number}")
        if _handed_back(line, arguments) == line:
            refuse_returned(line, f"{file}:{number}")
        said, opens, deeper = _line(_handed_back(line, arguments), indices)
        found = _COUNTED.match(line) or _RANGE.match(line) or _IN.match(line)
        elements += [bool(found) and found["i"] in indices] if opens and found else [False] if opens else []
        out.append(" " * 4 * (sum(blocks) + single) + said if said else "")
        single = deeper and not opens and bool(said)
        if opens:
            blocks.append(deeper)
    return out


def _loops(lines: Sequence[str], indices: set[str]) -> bool:
    """Whether there is a loop over steps."""
    heads = [_COUNTED.match(line) or _RANGE.match(line) or _IN.match(line) for line in lines]
    counted = any(h and h["i"] is not None and h["i"] not in indices for h in heads)
    return counted or any(map(_WHILE.match, lines))


def _refuse_lost(line: str, by_value: Sequence[str], indices: set[str], where: str) -> None:
    """Raises UserError for a copy that is changed, a sum over elements, arrays at two elements, and 1 / 2."""
    changed = re.match(rf"^\s*(?P<name>{_NAME})\s*(?P<sign>[-+*/]?)(?:=(?!=)|<-)", line)
    if changed and changed["name"] in by_value:
        what = f"{changed['name']!r} is passed by its value, and what the function makes of it is lost"
        raise UserError(what, where=where, fix=f"return {changed['name']}, or pass a reference")
    counted = re.match(rf"^\s*(?:\+\+\s*)?(?P<name>{_NAME})\s*(?P<sign>\+\+)?\s*;?\s*$", line)
    changed = changed or (counted if "++" in line else None)
    if changed and (changed["sign"] or "++" in line) and indices and changed["name"] not in indices:
        what = f"{changed['name']!r} goes from one element of the arrays to the next"
        raise UserError(what, where=where, fix="write the step for one coordinate")
    guard = _IF.match(line)
    test = guard["test"] if guard else ""
    if any(re.search(rf"\b{i}\b", test) and not re.fullmatch(rf"\s*{i}\s*<=?\s*[\w.]+\s*", test) for i in indices):
        raise UserError("some elements are left out", where=where, fix="write the step for one coordinate")
    if indices and re.match(r"^\s*(?:break|continue)\s*;?\s*$", line):
        raise UserError("some elements are left out", where=where, fix="write the step for one coordinate")
    taken = {
        tuple(re.findall(r"\[\s*(\w+)\s*\]", found[0])) for found in re.finditer(rf"{_NAME}(?:\s*\[\s*\w+\s*\])+", line)
    }
    if len(taken) > 1 and indices:
        what = f"the indices {' and '.join(sorted({i for t in taken for i in t}))} mix coordinates"
        raise UserError(what, where=where, fix="write the step for one coordinate")
    if re.search(r"(?<![\w.])\d+\s*/\s*\d+(?![\w.])", line) and ";" in line and "let" not in line:
        raise UserError("a quotient of whole numbers may be a whole number", where=where, fix="write 1.0 / 2.0")


def _element_indices(lines: Sequence[str]) -> Iterator[str]:
    """What counts the elements of arrays: each loop's counter, or a thread's number, that stands between brackets."""
    text = "\n".join(lines)
    for line in lines:
        found = _COUNTED.match(line) or _IN.match(line) or _RANGE.match(line) or _INDEX.match(line)
        name = found["i"] if found else None
        if name and re.search(rf"\[\s*{name}\s*\]", text) and not re.search(rf"\[[^\]]*\b{name}\b[^\]]+\]", text):
            yield name


def _line(line: str, indices: set[str]) -> tuple[str, bool, bool]:
    """The line as pseudocode; whether it opens a block, and whether that stands deeper."""
    if _CLOSE.match(line) or re.match(r"^\s*(?:#include|#pragma|using\b|import\b|package\b)", line):
        return "", False, False
    if _KIND.match(line):
        return "", True, False
    if _SHOWN.match(line):
        return "", False, False
    if found := _FUNCTION.match(line):
        return "", bool(found["open"]), False
    if (found := _INDEX.match(line)) and found["i"] in indices:
        return "", False, False
    if found := _COUNTED.match(line) or _RANGE.match(line) or _IN.match(line):
        if found["i"] is None or found["i"] in indices:
            return "", bool(found["open"]), False
        first = found.groupdict().get("first") or (found.groupdict().get("over") or "0").split(":")[0].split("..")[0]
        start = int(first) if first.strip().isdigit() else 0
        return f"for {found['i']} in range({start}, 1000000):", bool(found["open"]), True
    if found := _WHILE.match(line):
        return "while True:", bool(found["open"]), True
    if found := _IF.match(line):
        if any(re.search(rf"\b{i}\b", found["test"]) for i in indices):
            return "", bool(found["open"]), False
        word = "elif" if "else" in found["word"] else "if"
        return f"{word} {_worded(found['test'])}:", bool(found["open"]), True
    if found := _ELSE.match(line):
        return "else:", bool(found["open"]), True
    line = _worded(line)
    for index in indices:
        line = re.sub(rf"\[\s*{index}\s*\]", "", line)
    if re.match(rf"^\s*(?:{_NAME}|return\b.*)?\s*;?\s*$", line) or re.match(rf"^\s*{_TYPE}\s", line):
        return "", False, False
    return line.strip(), False, False


def _handed_back(line: str, arguments: Sequence[str]) -> str:
    """`return w - lr * g;` gives the new value of the argument that it is made from."""
    found = re.match(r"^\s*return\b\s*(?P<value>.*[-+*/].*?)\s*;?\s*$", line)
    names = re.findall(rf"(?<![\w.]){_NAME}\b(?!\s*\()", found["value"]) if found else []
    given = next((n for n in names if n in arguments), None)
    return f"{given} = {found['value']};" if found and given else line


def _arguments(lines: Sequence[str]) -> list[str]:
    """The arguments of the one function."""
    heads = [f for line in lines if (f := _FUNCTION.match(line))]
    names = (re.findall(_NAME, a) for a in heads[0]["arguments"].split(",")) if len(heads) == 1 else ()
    return [found[-1] for found in names if found]


def _passed_by_value(lines: Sequence[str]) -> list[str]:
    """The arguments that are copies and that the function does not hand back."""
    heads = [f for line in lines if (f := _FUNCTION.match(line))]
    if len(heads) != 1:
        return []
    body = [line for line in lines if line.strip(" };") and not _FUNCTION.match(line)]
    last = [line for line in body[-1:] if not re.match(rf"^\s*[*]?{_NAME}(?:\[.*\])?\s*(?:[-+*/]?=(?!=)|<-)", line)]
    handed = " ".join([*(line for line in body if "return" in line), *last])
    arguments = [a.strip() for a in heads[0]["arguments"].split(",")]
    copies = [a.split()[-1] for a in arguments if heads[0]["b"] and re.fullmatch(rf"(?:const\s+)?{_TYPE}\s+{_NAME}", a)]
    if heads[0]["c"] or not heads[0]["b"]:  # R, JavaScript: what an index does not store into
        copies = [
            found[0]
            for a in arguments
            if (found := re.match(_NAME, re.sub(r"^mut\s+", "", a))) and "&" not in a and "*" not in a
        ]
    return [c for c in copies if not re.search(rf"\b{c}\b", handed)]


def _records(line: str, lines: Sequence[str]) -> bool:
    """Whether a line keeps a value in an array that nothing reads: `history(i) = cost(w);`."""
    found = re.match(rf"^\s*(?P<name>{_NAME})\(\w+(?:\s*,\s*[\w:]+)?\)\s*=(?!=)", line)
    if found is None:
        return False
    others = [x for x in lines if x is not line and re.search(rf"\b{found['name']}\b", x)]
    return all(re.match(rf"^\s*(?:function\b.*|{found['name']}\s*=\s*zeros\(.*)$", x) for x in others)


# Functions that end with `end`


def _without_function(lines: Sequence[str], file: str) -> list[str]:
    """The statements of a function of Julia's or MATLAB's kind, without its head and its `end`."""
    out, depths = list[str](), list[str]()
    heads = [h for line in lines if (h := _HEAD.match(line))]
    if len(heads) == 1:
        names = re.findall(_NAME, heads[0]["outputs"] or "")
        arguments = [found[0] for a in re.split(r"[,;]", heads[0]["arguments"]) if (found := re.findall(_NAME, a))]
        refuse_kept_inside(lines, names, arguments, file)
    for number, line in enumerate(lines, 1):
        refuse_returned(re.sub(r"^(\s*return\s*)(?=\S)", r"\1", line), f"{file}:{number}")
        word = re.match(r"^\s*(function|for|while|if|begin|let)\b", line)
        if word and not re.search(r"\bend\s*[;.]?\s*$", line):
            depths.append(word[1])
        if word and word[1] == "function":
            out.append("")
            continue
        if re.match(r"^\s*end\b", line) and depths and depths.pop() == "function":
            out.append("")
            continue
        out.append("" if re.match(r"^\s*return\b", line) or _records(line, lines) else _worded(line))
    return out
