"""Derivations that follow one coordinate: nothing is derived by them where a norm mixes the coordinates.

They put values in for theta, g and the states of one coordinate, which says nothing of the others that a norm adds up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from derive.rule import Rule

P = ParamSpec("P")
R = TypeVar("R")


def coordinatewise(derive: Callable[P, R | None]) -> Callable[P, R | None]:
    """The derivation where no rule among its arguments takes norms; None where one does."""

    @wraps(derive)
    def derived(*args: P.args, **kwargs: P.kwargs) -> R | None:
        given = (*args, *kwargs.values())
        return None if any(isinstance(each, Rule) and each.norms for each in given) else derive(*args, **kwargs)

    return derived
