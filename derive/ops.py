"""The one table of operations.

Reading, proving, exact and ball evaluation, the op-by-op oracle, emission and the running
error analysis are folds over this table; adding an operation is adding a row. The columns
that need a library take it as their first argument, so that importing the table costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Undefined:
    """The value of an operation outside its domain; it spreads through every operation but an untaken branch."""

    reason: str


@dataclass(frozen=True)
class Inexact:
    """No exact rational (or, for balls, no decided) value: try a finer arithmetic."""

    reason: str


class Rounding(Enum):
    """How far a floating-point result may lie from the exact result of the same operands."""

    EXACT = "exact"  # comparisons, selects, signs: no rounding at all
    CORRECT = "correctly rounded"  # + - * / sqrt and conversions: IEEE 754
    LIBRARY = "library function"  # exp, log, pow, ...: within LIBRARY_ULPS units, same function in kernel and oracle


LIBRARY_ULPS = 4  # checked against balls in the tests; glibc and openlibm document less


@dataclass(frozen=True)
class Op:
    """One row. `exact` and `ball` see defined arguments only (a branch sees its condition first)."""

    name: str
    arity: int
    sympy: Callable[..., Any]  # (sympy, *args)
    exact: Callable[..., Any]  # Fractions and bools -> Fraction, bool, Undefined or Inexact
    ball: Callable[..., Any]  # arbs and bools -> arb, bool, Undefined or Inexact
    numpy: str  # the name in NumPy
    numba: str  # the source in a kernel
    rounding: Rounding
    error: Callable[..., Any]  # (numpy, values, errors) -> error handed on; inf: no bound
    special: str  # behaviour on NaN and signed zero
    definition: Callable[..., Any] | None = None  # over the reals, by simpler rows


EXACT_POWER_BITS = 20_000  # a larger power is not worth its time


def _power_exact(base: Fraction, exponent: Fraction) -> Any:
    if base == 0 and exponent < 0:
        return Undefined("division by zero")
    if base < 0 and exponent.denominator != 1:
        return Undefined("power of a negative number")
    root = _root_exact(base, exponent.denominator) if exponent.denominator != 1 else base
    if root is None:
        return Inexact("a power with an irrational value")
    size = max(root.numerator.bit_length(), root.denominator.bit_length())
    if abs(root) != 1 and root != 0 and size * abs(exponent.numerator) > EXACT_POWER_BITS:
        return Inexact("a power too large for exact arithmetic")
    return root**exponent.numerator


def _root_exact(x: Fraction, degree: int) -> Fraction | None:
    """The rational root of x >= 0, if it has one."""
    top, bottom = _whole_root(x.numerator, degree), _whole_root(x.denominator, degree)
    return None if top is None or bottom is None else Fraction(top, bottom)


def _whole_root(n: int, degree: int) -> int | None:
    """The whole number whose power is n >= 0, if there is one; by Newton's method from above."""
    if n < 2:
        return n
    if degree > n.bit_length():
        return None
    root = 2 << n.bit_length() // degree
    while (better := ((degree - 1) * root + n // root ** (degree - 1)) // degree) < root:
        root = better
    return root if root**degree == n else None


def _sqrt_exact(x: Fraction) -> Any:
    if x < 0:
        return Undefined("square root of a negative number")
    root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
    return root if root * root == x else Inexact("an irrational square root")


def _sympy_norm(sp: Any, a: Any) -> Any:
    return sp.Abs(a) if a.is_number else sp.Function("norm", nonnegative=True)(a)


def _sympy_global_norm(sp: Any, a: Any) -> Any:
    return sp.Abs(a) if a.is_number else sp.Function("global_norm", nonnegative=True)(a)


def _div_exact(a: Fraction, b: Fraction) -> Any:
    return Undefined("division by zero") if b == 0 else a / b


def _only_at(point: int, value: int) -> Callable[[Fraction], Any]:
    return lambda x: Fraction(value) if x == point else Inexact("an irrational value")


def _log_exact(x: Fraction) -> Any:
    return Undefined("logarithm of a number that is not positive") if x <= 0 else _only_at(1, 0)(x)


def _cbrt_exact(x: Fraction) -> Any:
    root = _root_exact(abs(x), 3)
    return Inexact("an irrational cube root") if root is None else root if x >= 0 else -root


def _ball_less(a: Any, b: Any) -> Any:
    return True if a < b else False if a >= b else Inexact("an undecided comparison")


def _ball_less_equal(a: Any, b: Any) -> Any:
    return True if a <= b else False if a > b else Inexact("an undecided comparison")


def _ball_equal(a: Any, b: Any) -> Any:
    if a.is_exact() and b.is_exact():
        return bool(a == b)
    return Inexact("an undecided comparison") if a.overlaps(b) else False


def _ball_div(a: Any, b: Any) -> Any:
    if b != 0:
        return a / b
    return Undefined("division by zero") if b.is_zero() else Inexact("a divisor too close to zero")


def _ball_sqrt(x: Any) -> Any:
    if x < 0:
        return Undefined("square root of a negative number")
    return x.sqrt() if x >= 0 else Inexact("a radicand too close to zero")


def _ball_log(x: Any) -> Any:
    if x <= 0:
        return Undefined("logarithm of a number that is not positive")
    return x.log() if x > 0 else Inexact("a logarithm too close to zero")


def _ball_power(base: Any, exponent: Any) -> Any:
    if base > 0 or (exponent.is_integer() and base != 0):
        return base**exponent
    if base.is_zero():
        if exponent > 0:
            return base
        if exponent < 0:
            return Undefined("division by zero")
        return base**0 if exponent.is_zero() else Inexact("an undecided exponent of zero")
    if exponent.is_integer() and exponent >= 0:
        return base**exponent
    if base < 0 and exponent.is_exact():
        return Undefined("power of a negative number")
    return Inexact("a power of a base too close to zero")


def _ball_sign(x: Any) -> Any:
    if x > 0:
        return x * 0 + 1
    if x < 0:
        return x * 0 - 1
    return x if x.is_zero() else Inexact("an undecided sign")


def _ball_floor(x: Any) -> Any:
    below = x.floor()
    return below if below.is_exact() else Inexact("a number too close to a whole one")


def _ball_cbrt(x: Any) -> Any:
    if x > 0:
        return x.root(3)
    if x < 0:
        return -((-x).root(3))
    return x if x.is_zero() else Inexact("a cube root too close to zero")


# Running errors (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3): `v` are the computed
# operands, `e` bounds on their errors, all in float64. A rule bounds how far the exact operation moves when
# its operands move by `e`; the operation's own rounding is added by the caller, who also widens the sum by
# the few units these formulas lose to rounding and by four smallest numbers for what they lose to underflow.
# So no formula may divide by, or multiply with something large, what may itself have underflowed, unless it
# widens it first. inf or NaN: no bound.

SMALLEST = 5e-324  # a sum, product, quotient or root that underflows is off by at most half of this


def _error_mul(np: Any, v: Any, e: Any) -> Any:
    return abs(v[0]) * e[1] + abs(v[1]) * e[0] + e[0] * e[1]


def _error_div(np: Any, v: Any, e: Any) -> Any:
    """(e0 + q e1) / room for q = |v0 / v1|; each part is divided first, because q e1 may be less than any number
    where q e1 / room is not. What `share` loses to underflow, times q, is nothing beside the rounding of q."""
    room = abs(v[1]) - e[1]
    known = room > 0
    quotient = abs(v[0]) / np.where(known, abs(v[1]), 1) + SMALLEST
    share = e[1] / np.where(known, room, 1)
    return np.where(known, e[0] / np.where(known, room, 1) + quotient * share, np.inf)


def _error_sqrt(np: Any, v: Any, e: Any) -> Any:
    known = v[0] - e[0] >= 0
    root = np.sqrt(np.where(known, v[0], 0))
    tight = e[0] / np.where(root > 0, root, 1)
    return np.where(known, np.where(root > 0, np.minimum(tight, np.sqrt(e[0])), 0.0), np.inf)


def _error_decided(np: Any, v: Any, e: Any) -> Any:
    return np.where((e[0] + e[1] == 0) | (abs(v[0] - v[1]) > (e[0] + e[1]) * (1 + 1e-12)), 0.0, np.inf)


def _error_sign(np: Any, v: Any, e: Any) -> Any:
    return np.where((e[0] == 0) | (abs(v[0]) > e[0]), 0.0, np.inf)


def _error_where(np: Any, v: Any, e: Any) -> Any:
    """Where the condition is not decided the exact value may be that of the other branch."""
    taken = np.where(v[0], e[1], e[2])
    return np.where(e[0] == 0, taken, np.maximum(e[1], e[2]) + abs(v[1] - v[2]))


def _error_exp(np: Any, v: Any, e: Any) -> Any:
    return np.where(e[0] < 1, np.exp(v[0]) * np.expm1(e[0]), np.exp(v[0] + e[0]))


def _error_log(shift: int) -> Callable[..., Any]:
    def rule(np: Any, v: Any, e: Any) -> Any:
        x = v[0] + shift
        share = e[0] / np.where(x > 0, x, 1)
        known = (x > 0) & (share < 0.999)
        return np.where(e[0] == 0, 0.0, np.where(known, -np.log1p(-np.where(known, share, 0)), np.inf))

    return rule


def _error_pow(np: Any, v: Any, e: Any) -> Any:
    size = abs(v[0])
    whole = (e[1] == 0) & (v[1] == np.floor(v[1]))
    share = e[0] / np.where(size > 0, size, 1)
    near = (size > 0) & (share < 0.999) & ((v[0] > 0) | whole)
    spread = -np.log1p(-np.where(near, share, 0))
    change = abs(v[1]) * spread + e[1] * (abs(np.log(np.where(near, size, 1))) + spread)
    steady = np.power(np.where(near, size, 1), v[1]) * np.expm1(np.minimum(change, 1))
    moving = np.exp(v[1] * np.log(np.where(near, size, 1)) + change)
    around_zero = np.where(whole & (v[1] >= 0), np.power(size + e[0], abs(v[1])) + np.power(size, abs(v[1])), np.inf)
    bound = np.where(near, np.where(change < 1, steady, moving), around_zero)
    return np.where(e[0] + e[1] == 0, 0.0, bound)


def _error_cbrt(np: Any, v: Any, e: Any) -> Any:
    """|a - b| = |s - t| (s^2 + st + t^2) for cube roots s, t; the bracket is at least 3/4 s^2 and 1/4 (s - t)^2."""
    root = np.cbrt(v[0])
    anywhere = np.cbrt(4 * e[0])
    return np.where(root == 0, anywhere, np.minimum(anywhere, e[0] / np.where(root == 0, 1, 0.75 * root * root)))


def _error_floor(np: Any, v: Any, e: Any) -> Any:
    """No whole number may lie between the value and where it may be; the ends are moved apart by their rounding."""
    low, high = np.nextafter(v[0] - e[0], -np.inf), np.nextafter(v[0] + e[0], np.inf)
    return np.where((e[0] == 0) | (np.floor(low) == np.floor(high)), 0.0, np.inf)


def _sum_of_errors(np: Any, v: Any, e: Any) -> Any:
    return e[0] + e[1]


def _largest_error(np: Any, v: Any, e: Any) -> Any:
    return np.maximum(e[0], e[1])


def _same_error(np: Any, v: Any, e: Any) -> Any:
    return e[0]


def _error_not(np: Any, v: Any, e: Any) -> Any:
    return e[0]


def _error_and(np: Any, v: Any, e: Any) -> Any:
    """The second condition is not asked where the first is decided and false."""
    return np.where((e[0] == 0) & ~v[0], 0.0, e[0] + e[1])


def _error_or(np: Any, v: Any, e: Any) -> Any:
    """The second condition is not asked where the first is decided and true."""
    return np.where((e[0] == 0) & v[0], 0.0, e[0] + e[1])


_IEEE = "IEEE 754: NaN spreads, zeros keep their sign rules"
_COMPARE = "false where an argument is NaN; -0 equals 0"

EXACT, CORRECT, LIBRARY = Rounding.EXACT, Rounding.CORRECT, Rounding.LIBRARY

_ROWS = (
    Op("add", 2, lambda sp, a, b: a + b, lambda a, b: a + b, lambda a, b: a + b,
       "add", "({} + {})", CORRECT, _sum_of_errors, _IEEE),
    Op("sub", 2, lambda sp, a, b: a - b, lambda a, b: a - b, lambda a, b: a - b,
       "subtract", "({} - {})", CORRECT, _sum_of_errors, _IEEE),
    Op("mul", 2, lambda sp, a, b: a * b, lambda a, b: a * b, lambda a, b: a * b,
       "multiply", "({} * {})", CORRECT, _error_mul, _IEEE),
    Op("div", 2, lambda sp, a, b: a / b, _div_exact, _ball_div,
       "divide", "({} / {})", CORRECT, _error_div, _IEEE + "; x/0 is inf, 0/0 is NaN"),
    Op("neg", 1, lambda sp, a: -a, lambda a: -a, lambda a: -a,
       "negative", "(-{})", EXACT, _same_error, "flips the sign, of zeros too"),
    Op("pow", 2, lambda sp, a, b: a**b, _power_exact, _ball_power,
       "power", "({} ** {})", LIBRARY, _error_pow, "C pow: pow(x, 0) is 1 even for NaN"),
    Op("sqrt", 1, lambda sp, a: sp.sqrt(a), _sqrt_exact, _ball_sqrt,
       "sqrt", "math.sqrt({})", CORRECT, _error_sqrt, _IEEE + "; negative gives NaN, -0 gives -0"),
    Op("abs", 1, lambda sp, a: sp.Abs(a), abs, abs,
       "absolute", "abs({})", EXACT, _same_error, "clears the sign; NaN spreads"),
    # The Euclidean norm of a whole tensor. The columns are those of a tensor of one element, where it is |x|; what is
    # proved rests on none of them (`derive.algebra.norms`), and a kernel adds up squares before it walks the elements.
    Op("norm", 1, _sympy_norm, abs, abs,
       "absolute", "abs({})", EXACT, _same_error, "of one element: clears the sign; NaN spreads"),
    # The norm of all tensors that are stepped together, as if they were one: norm(x, over="all").
    Op("global_norm", 1, _sympy_global_norm, abs, abs,
       "absolute", "abs({})", EXACT, _same_error, "of one element: clears the sign; NaN spreads"),
    Op("sign", 1, lambda sp, a: sp.sign(a), lambda a: Fraction((a > 0) - (a < 0)), _ball_sign,
       "sign", "np.sign({})", EXACT, _error_sign, "0 at both zeros; NaN spreads"),
    Op("floor", 1, lambda sp, a: sp.floor(a), lambda a: Fraction(math.floor(a)), _ball_floor,
       "floor", "np.floor({})", EXACT, _error_floor, "keeps the sign of zero; NaN and infinities stay"),
    Op("min", 2, lambda sp, a, b: sp.Min(a, b), min, lambda a, b: a.min(b),
       "minimum", "np.minimum({}, {})", EXACT, _largest_error, "NaN spreads; kernels use selects instead"),
    Op("max", 2, lambda sp, a, b: sp.Max(a, b), max, lambda a, b: a.max(b),
       "maximum", "np.maximum({}, {})", EXACT, _largest_error, "NaN spreads; kernels use selects instead"),
    Op("where", 3, lambda sp, c, a, b: sp.Piecewise((a, c), (b, True)), lambda c, a, b: a if c else b,
       lambda c, a, b: a if c else b,
       "where", "({1} if {0} else {2})", EXACT, _error_where, "the untaken branch has no effect on the value"),
    Op("lt", 2, lambda sp, a, b: sp.Lt(a, b), lambda a, b: a < b, _ball_less,
       "less", "({} < {})", EXACT, _error_decided, _COMPARE),
    Op("le", 2, lambda sp, a, b: sp.Le(a, b), lambda a, b: a <= b, _ball_less_equal,
       "less_equal", "({} <= {})", EXACT, _error_decided, _COMPARE),
    Op("gt", 2, lambda sp, a, b: sp.Gt(a, b), lambda a, b: a > b, lambda a, b: _ball_less(b, a),
       "greater", "({} > {})", EXACT, _error_decided, _COMPARE),
    Op("ge", 2, lambda sp, a, b: sp.Ge(a, b), lambda a, b: a >= b, lambda a, b: _ball_less_equal(b, a),
       "greater_equal", "({} >= {})", EXACT, _error_decided, _COMPARE),
    Op("eq", 2, lambda sp, a, b: sp.Eq(a, b), lambda a, b: a == b, _ball_equal,
       "equal", "({} == {})", EXACT, _error_decided, _COMPARE),
    Op("ne", 2, lambda sp, a, b: sp.Ne(a, b), lambda a, b: a != b,
       lambda a, b: same if isinstance(same := _ball_equal(a, b), Inexact) else not same,
       "not_equal", "({} != {})", EXACT, _error_decided, "true where an argument is NaN"),
    Op("and", 2, lambda sp, a, b: sp.And(a, b), lambda a, b: a and b, lambda a, b: a and b,
       "logical_and", "({} and {})", EXACT, _error_and, "of truth values"),
    Op("or", 2, lambda sp, a, b: sp.Or(a, b), lambda a, b: a or b, lambda a, b: a or b,
       "logical_or", "({} or {})", EXACT, _error_or, "of truth values"),
    Op("not", 1, lambda sp, a: sp.Not(a), lambda a: not a, lambda a: not a,
       "logical_not", "(not {})", EXACT, _error_not, "of truth values"),
    Op("exp", 1, lambda sp, a: sp.exp(a), _only_at(0, 1), lambda a: a.exp(),
       "exp", "math.exp({})", LIBRARY, _error_exp, "NaN spreads"),
    Op("log", 1, lambda sp, a: sp.log(a), _log_exact, _ball_log,
       "log", "math.log({})", LIBRARY, _error_log(0), "-inf at both zeros, NaN below"),
    Op("expm1", 1, lambda sp, a: sp.exp(a) - 1, _only_at(0, 0), lambda a: a.expm1(),
       "expm1", "math.expm1({})", LIBRARY, _error_exp, "keeps the sign of zero",
       definition=lambda b, x: b("sub", b("exp", x), 1)),
    Op("log1p", 1, lambda sp, a: sp.log(1 + a), lambda x: _log_exact(1 + x), lambda x: _ball_log(1 + x),
       "log1p", "math.log1p({})", LIBRARY, _error_log(1), "keeps the sign of zero; -inf at -1, NaN below",
       definition=lambda b, x: b("log", b("add", 1, x))),
    Op("tanh", 1, lambda sp, a: sp.tanh(a), _only_at(0, 0), lambda a: a.tanh(),
       "tanh", "math.tanh({})", LIBRARY, _same_error, "keeps the sign of zero"),
    Op("cbrt", 1, lambda sp, a: sp.sign(a) * sp.cbrt(sp.Abs(a)), _cbrt_exact, _ball_cbrt,
       "cbrt", "np.cbrt({})", LIBRARY, _error_cbrt, "keeps the sign of zero"),
    Op("sin", 1, lambda sp, a: sp.sin(a), _only_at(0, 0), lambda a: a.sin(),
       "sin", "math.sin({})", LIBRARY, _same_error, "keeps the sign of zero; NaN at infinities"),
    Op("cos", 1, lambda sp, a: sp.cos(a), _only_at(0, 1), lambda a: a.cos(),
       "cos", "math.cos({})", LIBRARY, _same_error, "NaN at infinities"),
    Op("cast", 1, lambda sp, a: a, lambda a: a, lambda a: a,
       "asarray", "element({})", CORRECT, _same_error, "to the kernel's element type: rounds to nearest, keeps NaN",
       definition=lambda b, x: x),
)  # fmt: skip

TRUTHS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})  # what gives a truth value


def takes_truth(op: str, position: int) -> bool:
    """Whether an operation wants a truth value, not a number, at this place."""
    return op in {"and", "or", "not"} or (op == "where" and position == 0)


# The operations that look at a later argument only where the first one asks for it, as Python does.
LAZY = frozenset({"where", "and", "or"})

OPS: dict[str, Op] = {row.name: row for row in _ROWS}
