"""Which states change sign with the gradient: read off two runs, for the prover to check."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from derive.errors import UserError
from derive.evaluate import enclosed, unrolled
from derive.expr import Expr, Number
from derive.rule import Rule

START = Fraction(3, 7)
GRADIENTS = tuple(Fraction(g) for g in (2, -1, 3, Fraction(1, 2)))
PLAIN = Fraction(2, 5)


@lru_cache(maxsize=256)
def odd_states(rule: Rule) -> frozenset[str] | None:
    """The states that change sign when theta and all gradients do, the rest staying as they are.

    None where a run shows that some do neither, or that theta does not change sign.
    """
    hypers = {h.name: Number(PLAIN if PLAIN in h.domain else h.default or Fraction(1)) for h in rule.hyperparameters}
    count = len(rule.questions)
    answers = [g for g in GRADIENTS for _ in range(count)]
    try:
        straight = unrolled(rule, hypers, START, answers)
        mirrored = unrolled(rule, hypers, -START, [-g for g in answers])
    except UserError:
        return None
    signs = {name: {_sign(a[name], b[name]) for a, b in zip(straight, mirrored, strict=True)} - {0}
             for name in ("theta", *rule.state_names)}  # fmt: skip
    if any(len(found) > 1 or None in found for found in signs.values()) or signs.pop("theta") == {1}:
        return None
    return frozenset(name for name, found in signs.items() if found == {-1})


def _sign(a: Expr, b: Expr) -> int | None:
    """1 where the two seem the same, -1 where they seem opposite, 0 where both seem zero, None for neither."""
    x, y = (_float(value) for value in enclosed([a, b], {}))
    if x is None or y is None:
        return None
    small = 1e-12 * max(1.0, abs(x))
    if abs(x) < small and abs(y) < small:
        return 0
    return 1 if abs(x - y) < small else -1 if abs(x + y) < small else None


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
