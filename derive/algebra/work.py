"""How much work an answer may take: counted, not timed, so that the same question gets the same answer everywhere.

A unit is about a microsecond of a slow machine. What is looked up instead of computed again is
charged all the same, or an answer would depend on the questions before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class TooLarge(Exception):
    """The expression is beyond what is decided in bounded time."""


class OutOfWork(TooLarge):
    """The work allowed for the whole answer is used up."""


class _Allowance:
    """The units that are left; None where nobody counts."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


_ALLOWANCE: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


def spend(units: int) -> None:
    """Count this much work; raises OutOfWork where it is more than is left."""
    allowance = _ALLOWANCE.get()
    if allowance is not None:
        allowance.left -= units
        if allowance.left < 0:
            raise OutOfWork("more work than one answer may take")


@contextmanager
def bounded(units: int) -> Iterator[None]:
    """Inside, at most this much work, and no more than is left outside, where it counts too."""
    outer = _ALLOWANCE.get()
    start = units if outer is None else max(0, min(units, outer.left))
    with _counting(start) as inner:
        try:
            yield
        finally:
            if outer is not None:
                outer.left -= start - inner.left


@contextmanager
def apart(units: int) -> Iterator[None]:
    """Inside, at most this much work, counted for itself: for what is remembered between answers."""
    with _counting(units):
        yield


@contextmanager
def metered(units: int) -> Iterator[Callable[[], int]]:
    """Like `apart`; what is given says how much was used, to be charged whenever the answer is looked up."""
    with _counting(units) as inner:
        yield lambda: units - inner.left


@contextmanager
def _counting(units: int) -> Iterator[_Allowance]:
    allowance = _Allowance(units)
    token = _ALLOWANCE.set(allowance)
    try:
        yield allowance
    finally:
        _ALLOWANCE.reset(token)
