"""The exact model of a format's arithmetic against NumPy and ml_dtypes, operation by operation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.expr import Expr, Symbol, apply
from derive.precision.arithmetic import calculated, stored
from derive.precision.formats import NAMES, format_named, model_of
from derive.precision.running import run, run_stored

X, Y = Symbol("x"), Symbol("y")
FORMULAS = [
    X + Y,
    X - Y,
    X * Y,
    X / Y,
    apply("sqrt", apply("abs", X)),
    X**2,
    X**3,
    apply("max", X, Y),
    apply("sign", X),
]
INDEX = st.integers(0, 2**63)
WHERE = apply("where", apply("lt", X, Y), X + 1, Y)


def same(found: object, expected: object) -> bool:
    a, b = float(found), float(np.asarray(expected).astype(np.float64))  # type: ignore[arg-type]
    return a == b or (math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize("name", NAMES)
@given(first=INDEX, second=INDEX, signs=st.tuples(st.booleans(), st.booleans()))
def test_every_operation_rounds_as_the_format_does(
    name: str, first: int, second: int, signs: tuple[bool, bool]
) -> None:
    kept = format_named(name)
    count = kept.index(kept.largest)
    values = {
        n: kept.number(1 + i % count) * (-1 if s else 1) for n, i, s in zip("xy", (first, second), signs, strict=True)
    }
    for formula, value, result in zip(
        [*FORMULAS, WHERE],
        calculated([*FORMULAS, WHERE], values, kept),
        run([*FORMULAS, WHERE], values, kept),
        strict=True,
    ):
        assert same(value, result), formula


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_float32_in_between_does_no_harm_near_the_smallest_numbers(name: str) -> None:
    """All pairs of some short significands, with results around the smallest number, where ties are everywhere."""
    kept = format_named(name)
    some = [kept.number(i) for i in (1, 2, 3, 5, 7, 127, 129, 255)]
    near = [1 + kept.spacing(Fraction(1)) * k for k in (0, 1, 2, 3, 5, 63, 101)]
    values = [(a, b / 2**k) for a in some for b in near for k in range(5)]
    pairs = {n: np.array([float(v[i]) for v in values]).astype(kept.dtype) for i, n in enumerate("xy")}
    for formula in (X * Y, X + Y, X - Y, X / (Y * 8)):
        [results] = run([formula], pairs, kept)
        for (a, b), result in zip(values, results, strict=True):
            assert same(calculated([formula], {"x": a, "y": b}, kept)[0], result)


@pytest.mark.parametrize(
    ("formula", "values"),
    [(X / Y, (1, 0)), (X / Y, (0, 0)), (apply("sqrt", X), (-1, 0)), (apply("log", X), (0, 0)), (X * Y, (60000, 60000)),
     (X * Y * 0, (60000, 60000)), (X / (Y * Y), (1, 60000)), (X * X - Y * Y, (60000, 60000))],
)  # fmt: skip
def test_infinities_and_nan_come_out_as_they_do(formula: Expr, values: tuple[int, int]) -> None:
    kept = format_named("float16")
    given_values = {"x": Fraction(values[0]), "y": Fraction(values[1])}
    assert same(calculated([formula], given_values, kept)[0], run([formula], given_values, kept)[0])


@given(x=st.integers(1, 30000), y=st.integers(1, 30000))
def test_mixed_arithmetic_rounds_once_more_when_it_stores(x: int, y: int) -> None:
    model = model_of("bfloat16", "float32")
    values = {"x": model.storage.number(x), "y": model.storage.number(y)}
    formula = X * Fraction(999, 1000) + Y * Fraction(1, 1000)
    assert same(stored([formula], values, model)[0], run_stored([formula], values, model)[0])
