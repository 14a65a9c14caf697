"""Conditions that hold everywhere in a box of numbers, shown cell by cell in ball arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import floor

from derive.evaluate import over
from derive.expr import Expr, symbols
from derive.proving.certificate import Cells
from derive.rule import Domain

BITS, MANY_BITS = 128, 2048
Box = Mapping[str, Domain]


def check_cells(condition: Expr, box: Box, cells: Cells) -> None:
    """Raise ValueError unless the condition is true in every cell, and the cells are the box."""
    missing = symbols(condition) - box.keys()
    if missing:
        raise ValueError(f"{min(missing)} has no range")
    stack = [(dict(box), cells)]
    while stack:
        here, tree = stack.pop()
        if tree is None:
            if not holds_in(condition, here):
                raise ValueError(f"{condition} is not shown where {described(here)}")
            continue
        stack += zip(halves(here, tree.name, tree.at), (tree.below, tree.above), strict=True)


def holds_in(condition: Expr, box: Box) -> bool:
    """Whether the condition is true in a cell as it stands; where everything is fixed, with more digits too."""
    fixed = all(domain.low == domain.high for domain in box.values())
    return any(over([condition], box, bits)[0] is True for bits in ((BITS, MANY_BITS) if fixed else (BITS,)))


def halves(box: Box, name: str, at: Fraction) -> tuple[dict[str, Domain], dict[str, Domain]]:
    """The parts of a box up to a value and from it on. Raises ValueError where the cut is not inside."""
    domain = box[name]
    after = Fraction(floor(at) + 1) if domain.whole else at
    low_outside = domain.low is None or at < domain.low
    if low_outside or (domain.high is not None and after > domain.high):
        raise ValueError(f"{at} is no place to cut {domain}")
    return {**box, name: replace(domain, high=at, high_open=False)}, {**box, name: replace(domain, low=after)}


def described(box: Box) -> str:
    """The box in words."""
    return " and ".join(f"{name} in {domain}" for name, domain in box.items()) or "nothing varies"
