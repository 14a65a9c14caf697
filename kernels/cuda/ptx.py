"""PTX, the text that a card's driver is given: looked through for arithmetic that is not strict."""

from __future__ import annotations

import re
from collections.abc import Iterable

from derive.errors import UserError
from derive.ops import OPS, Rounding
from kernels.program import Program, operations

# A product without `.rn` is one that the driver's compiler may contract; a sum it may contract with no other.
_LOOSE = re.compile(r"\b(?:fma|mad)\.(?:\w+\.)*f(?:32|64)\b|\bmul\.f(?:32|64)\b|\bdiv\.full\b|\.approx\b|\.ftz\b")


def loose(ptx: str) -> tuple[str, ...]:
    """The instructions that round otherwise than the operation of IEEE 754, or may be made into such."""
    code = (" ".join(line.split("//")[0].split()) for line in ptx.splitlines())
    return tuple(line for line in code if _LOOSE.search(line))


def refuse_loose(ptx: str, program: Program) -> None:
    """Raises UserError where a step of correctly rounded operations was compiled to anything else.

    Library functions (exp, log, pow, ...) are made of such instructions themselves; with one nothing can be told.
    """
    if not takes_library_functions(operations(program)) and (found := loose(ptx)):
        what = f"the compiler for the card has not kept to IEEE 754: {found[0].rstrip(';')}"
        raise UserError(what, where=program.name, fix="report this, with the versions of numba-cuda and NVVM")


def takes_library_functions(names: Iterable[str]) -> bool:
    return any(OPS[name].rounding is Rounding.LIBRARY for name in names)
