"""What a function in another language than Python makes and loses, or makes otherwise than it looks: refused.

int d = lr * g[i];              a whole number
float v = 0; v = mu*v + g;      made anew in each call
return clip(w);                 what the caller gets is not w
function u = step(w, g)         a new w stays inside; so does Julia's v = mu*v + g
#define lr 2*x                  is put in place of lr
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from derive.errors import UserError

_NAME = r"[^\W\d]\w*"
_WHOLE = re.compile(
    rf"^\s*(?:const\s+|unsigned\s+)*(?:u?int\d*(?:_t)?|long|short)\s+(?P<name>{_NAME})\s*=(?P<value>.*)$"
)
_LOCAL = re.compile(
    rf"^\s*(?:const\s+)?(?:let\s+mut|let|var|auto|float|double|real|f32|f64)\s+(?P<name>{_NAME})(?:\s*:\s*\w+)?\s*="
    r"\s*-?[\d.]+[fF]?\s*;?\s*$"
)
_DEFINE = re.compile(rf"^\s*#define\s+(?P<name>{_NAME})\s+(?P<value>\S.*)$")
_ITEM = rf"(?:{_NAME}\s*[:=]\s*)?[&*]?[\w.]+"
_RETURN = re.compile(
    rf"^\s*return\b\s*(?:(?:[\w:]*(?:tuple|pair)|list|c|invisible|{_NAME})?\s*[({{\[]+\s*)?(?:{_ITEM}(?:\s*,\s*{_ITEM})*)?"
    r"\s*[)}\]]*\s*;?\s*$"
)
_CALLED = re.compile(
    r"^\s*return\b\s*(?!list\b|c\b|invisible\b|[\w:]*(?:tuple|pair)\b)[a-z_][\w.:]*\s*\(\s*[\w.]+\s*\)"
)


def refuse_whole(lines: Sequence[str], file: str) -> None:
    """Raises UserError for a formula whose value is kept as a whole number, and no index."""
    text = "\n".join(lines)
    for number, line in enumerate(lines, 1):
        found = _WHOLE.match(line)
        index = found and re.search(rf"\[[^\]]*\b{found['name']}\b", text)
        if found and not index and re.search(r"[*/\[]", found["value"]):
            what = f"{found['name']!r} is cut off to a whole number"
            raise UserError(what, where=f"{file}:{number}", fix=f"write float {found['name']}")


def refuse_defined(lines: Sequence[str], file: str) -> None:
    """Raises UserError for a word that stands for a formula and is used."""
    for number, line in enumerate(lines, 1):
        found = _DEFINE.match(line)
        used = found and any(re.search(rf"\b{found['name']}\b", other) for other in lines if other is not line)
        if found and used and not re.fullmatch(r"[(]?-?[\d.eE+-]+[fF]?[)]?\s*(?://.*|/\*.*)?", found["value"]):
            raise UserError(f"{found['name']!r} stands for a formula", where=f"{file}:{number}", fix="write it out")


def refuse_local(lines: Sequence[str], file: str) -> None:
    """Raises UserError for a number that is declared in a function of one step and then counts on itself."""
    for number, line in enumerate(lines, 1):
        found = _LOCAL.match(line)
        if found is None:
            continue
        name = found["name"]
        again = rf"^\s*{name}\s*(?:[-+*/]=|=(?!=).*\b{name}\b)"
        if any(re.match(again, later) for later in lines[number:]):
            what = f"{name!r} is made anew in each call"
            raise UserError(what, where=f"{file}:{number}", fix=f"make {name} an argument")


def refuse_returned(line: str, where: str) -> None:
    """Raises UserError where what is returned is another value than that of a name."""
    if re.match(r"^\s*return\b", line) and (_CALLED.match(line) or not _RETURN.match(line)):
        raise UserError(f"'{line.strip()}' can't be read", where=where, fix="name the value before it is returned")
    items = re.findall(rf"\b({_NAME})\s*=\s*([\w.]+)", line) if re.match(r"^\s*(?:return\b|list\s*\()", line) else []
    for key, value in items:
        other = {key, value} <= set(re.findall(_NAME, " ".join(k for k, _ in items)))
        if re.fullmatch(r"[\d.]+", value) or (key != value and other):
            what = f"{key!r} is {value} where it is returned"
            raise UserError(what, where=where, fix=f"write {key} = {value} in a line of its own")


def refuse_kept_inside(lines: Sequence[str], outputs: Collection[str], arguments: Collection[str], file: str) -> None:
    """Raises UserError for an argument that a function of Julia's or MATLAB's binds anew and never hands back."""
    body = [line for line in lines if line.strip() and not re.match(r"^\s*end\b", line)]
    handed = " ".join(
        [*(line for line in body if re.match(r"^\s*return\b", line)), *(line.partition("=")[0] for line in body[-1:])]
    )
    for number, line in enumerate(lines, 1):
        found = re.match(rf"^\s*(?P<name>{_NAME})\s*[-+*/]?=(?!=)", line)
        name = found["name"] if found else ""
        if name in arguments and name not in outputs and (outputs or not re.search(rf"\b{name}\b", handed)):
            what = f"the new {name!r} stays in the function"
            raise UserError(what, where=f"{file}:{number}", fix=f"return {name}, or store into it")
