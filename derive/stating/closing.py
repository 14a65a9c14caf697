"""What a formula rests on once one of its names is no longer free: the step of a limit, a random input."""

from __future__ import annotations

from dataclasses import replace

from derive.expr import symbols
from derive.proving import Assumptions
from derive.proving.truth import truth
from derive.stating.quantities import Basis


def closed(basis: Basis, name: str) -> Basis:
    """The basis without the name; what has to hold of it is decided now, while it is known where it lies."""
    given = Assumptions(basis.domains)
    about = [need for need in basis.needs if name in symbols(need)]
    others = tuple(need for need in basis.needs if name not in symbols(need))
    verdicts = tuple(truth(need, given) for need in about)
    return replace(basis.without({name: None}), verdicts=(*basis.verdicts, *verdicts), needs=others)
