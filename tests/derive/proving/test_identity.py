"""One-step equalities: what must be proved, what must be refuted, and at which point."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply
from derive.ops import Inexact, Undefined
from derive.proving import Assumptions, identity
from derive.rule import COUNTER, DECAY, NONNEGATIVE, POSITIVE, Domain

g, m, v, x, y, t = map(Symbol, ["g", "m", "v", "x", "y", "t"])
beta, beta1, beta2, lr, eps, theta = map(Symbol, ["beta", "beta1", "beta2", "lr", "eps", "theta"])
GIVEN = Assumptions(
    {
        "v": NONNEGATIVE,
        "beta": DECAY,
        "beta1": DECAY,
        "beta2": DECAY,
        "lr": NONNEGATIVE,
        "eps": NONNEGATIVE,
        "t": COUNTER,
    }
)


def sqrt(e: Expr | int) -> Expr:
    return apply("sqrt", e)


def size(e: Expr) -> Expr:
    return apply("abs", e)


def corrected(decay: Expr) -> Expr:
    """1 - decay^t as kernels compute it."""
    exact_form = -apply("expm1", t * apply("log1p", decay - 1))
    return apply("where", apply("eq", decay, 0), 1, exact_form)


m1 = beta1 * m + (1 - beta1) * g
v1 = beta2 * v + (1 - beta2) * g**2
ADAM = theta - lr * (m1 / (1 - beta1**t)) / (sqrt(v1 / (1 - beta2**t)) + eps)

EQUAL = {
    "root of a square is the absolute value": (sqrt(g**2), size(g)),
    "product of roots": (sqrt(v) * sqrt(v + 1), sqrt(v * (v + 1))),
    "root of a product of squares": (sqrt(g**2 * m**2 * v), size(g * m) * sqrt(v)),
    "roots of numbers": (sqrt(8) * sqrt(6), 4 * sqrt(3)),
    "conjugate": (1 / (sqrt(v) + sqrt(v + 1)), sqrt(v + 1) - sqrt(v)),
    "max and min": (apply("max", g, m) + apply("min", g, m), g + m),
    "sign": (g * apply("sign", g), size(g)),
    "next power": (beta ** (t + 1), beta * beta**t),
    "power before": (beta * beta ** (t - 1), beta**t),
    "power of a product": ((beta1 * beta2) ** t, beta1**t * beta2**t),
    "negative powers": (g**-2, 1 / g**2),
    "half powers": (v ** Fraction(1, 2), sqrt(v)),
    "a branch that is never taken": (apply("where", apply("lt", t, 1), 1 / Number(0), g), g),
    "first step apart": (
        apply("where", apply("eq", t, 1), g, g * beta ** (t - 1) / beta ** (t - 1)),
        apply("where", apply("eq", t, 1), g, g * beta**t / beta**t),
    ),
    "Adam as PyTorch writes it": (ADAM, theta - lr / (1 - beta1**t) * m1 / (sqrt(v1) / sqrt(1 - beta2**t) + eps)),
    "Adam's epsilon hat": (
        ADAM,
        theta - lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m1 / (sqrt(v1) + eps * sqrt(1 - beta2**t)),
    ),
    "Adam as kernels compute it": (ADAM, theta - lr * (m1 / corrected(beta1)) / (sqrt(v1 / corrected(beta2)) + eps)),
    "a condition that guards its second half": (
        apply("where", apply("and", apply("gt", x, 0), apply("gt", y / x, 1)), 1, 0),
        apply("where", apply("gt", x, 0), apply("where", apply("gt", y, x), 1, 0), 0),
    ),
    "lerp": (m + (1 - beta) * (g - m), beta * m + (1 - beta) * g),
}  # fmt: skip

DIFFERENT = {
    "root of a square is not the number": (sqrt(g**2), g),
    "root of a sum": (sqrt(v + eps), sqrt(v) + sqrt(eps)),
    "epsilon moved": (g / (sqrt(v) + eps), g / sqrt(v + eps)),
    "epsilon before the correction": (
        ADAM,
        theta - lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m1 / (sqrt(v1) + eps),
    ),
    "off by one": (1 - beta**t, 1 - beta ** (t + 1)),
    "power missing": (1 - beta**t, 1 - beta),
    "zero to the zero": (beta ** (t - 1), beta**t / beta),
    "a quotient undefined at zero": (g / g, Number(1)),
    "a domain lost": (sqrt(g) * sqrt(m), sqrt(g * m)),
    "only on one side of zero": (apply("max", g, 0), g),
    "swapped buffer": (g / (sqrt(v) + eps), g / (sqrt(m**2) + eps)),
    "a conjugate with a hole": (1 / (sqrt(v) + 1), (sqrt(v) - 1) / (v - 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_equal_steps_are_proved(name: str) -> None:
    verdict = identity([EQUAL[name]], GIVEN)
    assert verdict.status == "proved", verdict.message


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_steps_are_refuted_with_a_point(name: str) -> None:
    verdict = identity([DIFFERENT[name]], GIVEN)
    assert verdict.status == "refuted", verdict.message
    assert verdict.counterexample is not None


def test_a_counterexample_reads_simply() -> None:
    verdict = identity([(sqrt(g**2), g)], GIVEN)
    assert verdict.message == "sqrt(g**2) is 1 on one side and -1 on the other, where g = -1"


def test_the_gap_of_decay_zero_is_seen() -> None:
    """beta^(t-1) = beta^t / beta holds wherever beta > 0, and beta = 0 lies in the domain."""
    pair = (beta ** (t - 1), beta**t / beta)
    assert identity([pair], Assumptions({"beta": replace_low(), "t": COUNTER}))
    verdict = identity([pair], GIVEN)
    assert verdict.counterexample is not None
    assert verdict.counterexample["values"]["beta"]["exact"] == "0"


def replace_low() -> Domain:
    from dataclasses import replace

    return replace(DECAY, low_open=True)


def test_an_undefined_value_excuses_no_other() -> None:
    """1/x is undefined at x = 0 on both sides; y and y + 1 differ there all the same."""
    assert identity([(1 / x, 1 / x), (y, y)], Assumptions())
    assert not identity([(1 / x, y)], Assumptions())
    other = apply("where", apply("eq", x, 0), y + 1, y)
    assert identity([(1 / x, 1 / x), (y, other)], Assumptions()).status == "refuted"


def test_assumptions_matter() -> None:
    assert not identity([(sqrt(x**2), x)], Assumptions())
    assert identity([(sqrt(x**2), x)], Assumptions({"x": NONNEGATIVE}))
    assert identity([(x / x, Number(1))], Assumptions({"x": POSITIVE}))


def test_a_quadratic_that_is_never_negative() -> None:
    """v >= 0 is kept though g + w theta has terms of either sign."""
    w = Symbol("w")
    after = beta2 * v + (1 - beta2) * (g + w * theta) ** 2
    assert identity([(apply("max", after, 0), after)], GIVEN)
    assert not identity([(apply("max", after - eps, 0), after - eps)], GIVEN)


@pytest.mark.usefixtures("without_z3")
def test_too_much_is_unknown_not_forever() -> None:
    """Thirty independent signs are more cases than are tried."""
    total: Expr = Number(0)
    for index in range(30):
        total = total + size(Symbol(f"x{index}"))
    verdict = identity([(total, total + 0 * size(Symbol("y")))], Assumptions())
    assert verdict.status == "unknown"


@pytest.mark.parametrize("condition", [x, apply("not", x), apply("and", apply("gt", y, 0), x)], ids=str)
def test_a_number_is_no_truth_value(condition: Expr) -> None:
    for value in (1, 2):
        assert identity([(apply("where", condition, 1, 2), Number(value))], Assumptions()).status != "proved"


def test_a_counterexample_lies_in_the_domain() -> None:
    half = Fraction(201, 2)
    pair = (apply("where", apply("eq", x, half), 1, 0), Number(0))
    between = Domain(Fraction(100), Fraction(101), whole=True)
    assert identity([pair], Assumptions({"x": between})).status != "refuted"


@pytest.mark.parametrize("power", [Number(2) ** 10**9, (x + y + 1) ** 100, (x + 1) ** 10**7])
def test_large_powers_are_answered_in_bounded_time(power: Expr) -> None:
    assert identity([(power + 1, 1 + power)], Assumptions()).status in ("proved", "unknown")


LEAVES = st.sampled_from([g, m, v, x, Number(1), Number(2), Number(Fraction(1, 3)), Number(-1), Number(0)])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul", "div", "max", "min"]), inner, inner).map(lambda a: apply(*a)),
        st.tuples(st.sampled_from(["neg", "abs", "sign"]), inner).map(lambda a: apply(*a)),
        inner.map(lambda e: sqrt(e * e + 1)),
        st.tuples(inner, inner, inner).map(lambda a: apply("where", apply("lt", a[0], a[1]), a[1], a[2])),
    ),
    max_leaves=6,
)
VALUES = st.fixed_dictionaries(
    {n: st.fractions(-3, 3, max_denominator=4) for n in "gmx"} | {"v": st.fractions(0, 3, max_denominator=4)}
)


@given(TREES, TREES, VALUES)
def test_no_proof_of_what_differs_somewhere(a: Expr, b: Expr, values: dict[str, Fraction]) -> None:
    """Random pairs: wherever exact evaluation tells two steps apart, no proof was found."""
    left, right = exact([a, b], values)
    if isinstance(left, Inexact) or isinstance(right, Inexact):
        return
    differs = isinstance(left, Undefined) is not isinstance(right, Undefined) or (
        not isinstance(left, Undefined) and left != right
    )
    if differs:
        assert identity([(a, b)], GIVEN).status != "proved"


REWRITES = (
    lambda a, b: (a + b, b + a),
    lambda a, b: (a * b, b * a),
    lambda a, b: ((a + b) * a, a * a + b * a),
    lambda a, b: (a - b, -(b - a)),
    lambda a, b: (apply("max", a, b), -apply("min", -a, -b)),
    lambda a, b: (sqrt(a * a + 1) * size(b), sqrt((a * a + 1) * b * b)),
    lambda a, b: (a / (b * b + 1), a * (b * b + 1) / (b * b + 1) / (b * b + 1)),
)


@given(TREES, TREES, st.sampled_from(REWRITES))
def test_rewritings_are_never_refuted_and_mostly_proved(a: Expr, b: Expr, rewrite) -> None:  # type: ignore[no-untyped-def]
    assert identity([rewrite(a, b)], GIVEN).status in ("proved", "unknown")
