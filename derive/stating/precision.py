"""Words for numbers of few bits: what a format makes of a number, where a hazard ends, what a buffer holds.

Exact arithmetic with the format's rounding; every hazard and every stair read here has been run in the format.
"""

from __future__ import annotations

from fractions import Fraction

from derive.errors import UserError
from derive.expr import Number, Symbol, to_text
from derive.library.lookup import as_rule
from derive.precision.formats import format_named
from derive.precision.report import hazards_of
from derive.precision.staircase import staircase
from derive.stating.quantities import Operand, Quantity, quantity
from derive.stating.vocabulary import Buffer


def rounded(dtype: str, value: Operand) -> Quantity:
    """A number rounded to a format: `rounded("float16", 1e-8)`. Raises UserError where it becomes no number."""
    given = quantity(value).expr
    if not isinstance(given, Number):
        raise UserError(f"{to_text(given)} is no number", where=f"rounded to {dtype}", fix="give its names values")
    found = format_named(dtype).round(given.value)
    if isinstance(found, float):
        raise UserError(f"{to_text(given)} is beyond {dtype}", fix="state it of a smaller number")
    return Quantity(Number(found), short=Symbol(f"{dtype}({to_text(given)})"))


def threshold(rule: object, dtype: str, kind: str, part: str, *, arithmetic: str | None = None) -> Quantity:
    """The last value with the effect, of a hazard of this kind in this part of a rule, as `derive hazards` has it.

    The first of several. Raises UserError where there is none with a threshold.
    """
    found = hazards_of(as_rule(rule), dtype, arithmetic)
    for hazard in found.found:
        if (hazard.kind, hazard.part) == (kind, part) and hazard.threshold is not None:
            return Quantity(Number(hazard.threshold.value))
    known = ", ".join(sorted({f"{h.kind} of {h.part}" for h in found.found if h.threshold is not None}))
    raise UserError(f"no threshold of {kind} of {part}", where=found.rule.name, fix=f"there are {known or 'none'}")


def held(
    buffer: Buffer, dtype: str, steps: int, *, start: Fraction | int = 1, arithmetic: str | None = None
) -> Quantity:
    """What a linear buffer kept in a format holds after this many steps without input, at the defaults."""
    stairs = staircase(buffer.rule, buffer.name, dtype, start=start, steps=steps, arithmetic=arithmetic)
    return Quantity(Number(stairs.held[-1]), short=Symbol(f"{buffer.name}[{steps}]"))
