"""The rule language: the names a rule file imports.

    @rule(paper="Kingma & Ba 2015, Algorithm 1", arxiv="1412.6980")
    def adam(theta, g, t, m=0, v=0, *, lr=nonnegative(1e-3), beta1=decay(0.9), ...):

`rule` reads the function's source and never calls it, so the functions here are words, not code:
calling `sqrt` outside a rule raises TypeError. A domain word around a default says where a
hyperparameter may lie, and is the default itself where Python runs it; a bare number means all reals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn, overload

from derive.errors import UserError
from derive.rule import DOMAINS, Rule

if TYPE_CHECKING:
    from derive.composing.piece import Piece, Schedule

__all__ = [
    "cbrt", "cos", "decay", "exp", "expm1", "floor", "grad", "log", "log1p", "maximum", "minimum", "nonnegative",
    "norm", "piece", "positive", "real", "rule", "schedule", "sign", "sin", "sqrt", "step", "tanh", "unit", "where",
    "whole",
]  # fmt: skip

Number = int | float


def decay(default: Number | None = None) -> Any:
    """The share of the old value an average keeps: in [0, 1)."""
    return _within("decay", default)


def nonnegative(default: Number | None = None) -> Any:
    """In [0, infinity)."""
    return _within("nonnegative", default)


def positive(default: Number | None = None) -> Any:
    """In (0, infinity)."""
    return _within("positive", default)


def unit(default: Number | None = None) -> Any:
    """In [0, 1]."""
    return _within("unit", default)


def whole(default: Number | None = None) -> Any:
    """A whole number from 1."""
    return _within("whole", default)


def real(default: Number | None = None) -> Any:
    """Any real number."""
    return _within("real", default)


def _within(word: str, default: Any) -> Any:
    """The default itself: a class that declares its domains still runs. Raises UserError outside the domain."""
    if default is None:
        return None
    if not isinstance(default, int | float) or not math.isfinite(default):
        raise UserError(f"the default in {word}({default!r}) is not a real number", fix=f"write {word}(0.5)")
    if Fraction(default) not in DOMAINS[word]:
        raise UserError(f"the default in {word}({default!r}) is outside {DOMAINS[word]}", fix="change one of them")
    return default


@overload
def rule(function: Callable[..., Any], /) -> Rule: ...
@overload
def rule(*, paper: str = "", arxiv: str = "", note: str = "") -> Callable[[Callable[..., Any]], Rule]: ...
def rule(function: Callable[..., Any] | None = None, /, **reference: str) -> Any:
    """Turn a function of the rule language into a `Rule`. The reference is read from the source like the rest.

    Raises UserError, with the line, for what the language does not have.
    """
    if function is None:
        return rule
    from derive.reading.read import read_loaded

    return read_loaded(function)


def _word(name: str) -> NoReturn:
    raise TypeError(f"{name} is a word of the rule language: it is read in a @rule function, not called")


@overload
def piece(function: Callable[..., Any], /) -> Piece: ...
@overload
def piece(*, paper: str = "", arxiv: str = "", note: str = "") -> Callable[[Callable[..., Any]], Piece]: ...
def piece(function: Callable[..., Any] | None = None, /, **reference: str) -> Any:
    """Turn a function of the rule language with an open `step` into a `Piece` of a rule; see `compose`.

    Raises UserError, with the line, for what the language does not have.
    """
    if function is None:
        return piece
    from derive.composing.reading import read_loaded_piece

    return read_loaded_piece(function)


@overload
def schedule(function: Callable[..., Any], /) -> Schedule: ...
@overload
def schedule(*, paper: str = "", arxiv: str = "", note: str = "") -> Callable[[Callable[..., Any]], Schedule]: ...
def schedule(function: Callable[..., Any] | None = None, /, **reference: str) -> Any:
    """Turn a function of t into a `Schedule`, a factor for hyperparameters; see `scheduled`.

    Raises UserError, with the line, for what the language does not have.
    """
    if function is None:
        return schedule
    from derive.composing.reading import read_loaded_schedule

    return read_loaded_schedule(function)


def step(theta: Any, g: Any, **given: Any) -> Any:
    """In a piece: the parameter after one step of the rule it is put around, given this parameter and gradient."""
    _word("step")


def grad(point: Any) -> Any:
    """The gradient at another point than theta: `g = grad(theta - beta * v)`."""
    _word("grad")


def sqrt(x: Any) -> Any:
    """The square root."""
    _word("sqrt")


def exp(x: Any) -> Any:
    """The exponential."""
    _word("exp")


def log(x: Any) -> Any:
    """The natural logarithm."""
    _word("log")


def expm1(x: Any) -> Any:
    """exp(x) - 1."""
    _word("expm1")


def log1p(x: Any) -> Any:
    """log(1 + x)."""
    _word("log1p")


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    _word("tanh")


def sin(x: Any) -> Any:
    """The sine."""
    _word("sin")


def cos(x: Any) -> Any:
    """The cosine."""
    _word("cos")


def cbrt(x: Any) -> Any:
    """The real cube root, of negative numbers too."""
    _word("cbrt")


def floor(x: Any) -> Any:
    """The largest whole number that is not above it."""
    _word("floor")


def norm(x: Any, over: str = "tensor") -> Any:
    """The Euclidean norm of the whole tensor: one number for all its coordinates.

    `over="all"`: of all tensors that are stepped together, as if they were one.
    """
    _word("norm")


def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    _word("sign")


def maximum(x: Any, y: Any) -> Any:
    """The larger of two."""
    _word("maximum")


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two."""
    _word("minimum")


def where(condition: Any, then: Any, otherwise: Any) -> Any:
    """`then` where the condition holds, `otherwise` elsewhere; the other one has no effect."""
    _word("where")
