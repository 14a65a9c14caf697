"""The oracle does one operation at a time; its library functions are the kernels' own, checked against balls."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.evaluate import ball
from derive.expr import Symbol, apply
from derive.library.lookup import find_rule
from derive.ops import LIBRARY_ULPS, OPS, Inexact, Rounding
from kernels.measuring.oracle import compiled_function, interpret, same_bits
from kernels.pipeline import programs
from tests.zoo import construct

LIBRARY_FUNCTIONS = sorted(name for name, row in OPS.items() if row.rounding is Rounding.LIBRARY)


def test_a_step_by_hand() -> None:
    program = programs(find_rule("momentum"), "float32").final
    f = np.float32
    theta, g, v = np.array([1], f), np.array([3], f), np.array([0.7], f)
    stored = interpret(program, {"theta": theta, "g": g, "v": v}, {"t": 1.0, "lr": 0.1, "beta": 0.9})
    velocity = f(0.9) * v + f(0.1) * g
    assert same_bits(stored["v"], velocity)
    assert same_bits(stored["theta"], theta - velocity)


def test_types_are_never_mixed() -> None:
    """A float64 scalar that meets an element without a cast is a fault of the program, not a promotion."""
    from dataclasses import replace

    from derive.rule import Assignment

    program = programs(find_rule("gradient_descent"), "float32").final
    broken = replace(program, body=(Assignment("theta_1", Symbol("theta") - Symbol("lr") * Symbol("g")),))
    one = np.ones(1, np.float32)
    with pytest.raises(TypeError, match="mixes float32, float64"):
        interpret(broken, {"theta": one, "g": one}, {"t": 1.0, "lr": 0.1})


@pytest.mark.parametrize(("a", "b", "same"), [
    (0.0, -0.0, False), (np.nan, np.nan, True), (np.nan, 1.0, False), (1.0, 1.0, True),
    (1.0, np.nextafter(1.0, 2.0), False), (np.inf, np.inf, True),
])  # fmt: skip
def test_bits_are_values_and_signs(a: float, b: float, same: bool) -> None:
    assert same_bits(np.array([a]), np.array([b])) is same


def ulps(op: str, dtype: str, args: tuple[float, ...], result: float) -> float | None:
    """The distance from the exact value in units in the last place; None where it is not defined or not normal."""
    names = [f"x{k}" for k in range(len(args))]
    values = {n: Fraction(a) for n, a in zip(names, args, strict=True)}
    exact: Any
    [exact] = ball([apply(op, *map(Symbol, names))], values, 200)
    limits = np.finfo(dtype)
    if isinstance(exact, Inexact) or not hasattr(exact, "mid") or not np.isfinite(result):
        return None
    if abs(result) < float(limits.tiny):
        return None
    unit = float(np.spacing(np.array(abs(result), dtype)))
    return abs(float((exact - result).mid())) / unit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", LIBRARY_FUNCTIONS)
def test_a_library_function_stays_within_its_units(op: str, dtype: str) -> None:
    random = np.random.Generator(np.random.PCG64(7))
    columns = [(random.standard_normal(400) * 10.0 ** random.integers(-6, 2, 400)).astype(dtype)] * OPS[op].arity
    columns = [np.abs(columns[0]), *columns[1:]] if op in ("pow", "log") else columns
    with np.errstate(all="ignore"):
        results = compiled_function(op, dtype)(*columns)
    measured = [ulps(op, dtype, tuple(float(c[k]) for c in columns), float(results[k])) for k in range(400)]
    known = [m for m in measured if m is not None]
    assert len(known) > 50
    assert max(known) <= LIBRARY_ULPS


@given(st.floats(0.5, 1, exclude_max=True), st.integers(1, 10**6))
def test_one_minus_beta_to_the_t_keeps_its_accuracy(beta: float, t: int) -> None:
    """1 - b**t in float64 is off by 11,900 units for b = 0.99999; the emitted form stays within a few."""
    program = programs(find_rule("ewma_debiased"), "float64").final
    [correction] = [a.value for a in program.prelude if "expm1" in str(a.value)]
    from derive.expr import fold
    from kernels.measuring.oracle import number, operation

    values = {"beta": np.asarray(beta), "t": np.asarray(float(t))}
    [computed] = fold(
        [correction],
        symbol=lambda s: values[s.name],
        number=number,
        apply=lambda node, args: operation(node, args, np.dtype("float64")),
    )
    b, n = Symbol("beta"), Symbol("t")
    exact: Any
    [exact] = ball([1 - b**n], {"beta": Fraction(beta), "t": Fraction(t)}, 200)
    assert abs(float((exact - float(computed)).mid())) <= 6 * float(np.spacing(computed))


def test_one_minus_beta_to_the_t_naively_does_not() -> None:
    beta, t = 0.99999, 2
    b, n = Symbol("beta"), Symbol("t")
    exact: Any
    [exact] = ball([1 - b**n], {"beta": Fraction(beta), "t": Fraction(t)}, 200)
    naive = 1 - beta**t
    assert abs(float((exact - naive).mid())) > 1000 * np.spacing(naive)


@pytest.mark.parametrize("name", ["largest", "clipped", "signs"])
def test_selects_have_a_stated_answer_for_nan_and_zeros(name: str) -> None:
    """NaN spreads from either side; NumPy, Numba and the processor disagree about max and min."""
    program = programs(construct(name), "float64").final
    given = {a: np.array([np.nan]) if a == "g" else np.array([1.0]) for a in program.arrays}
    rule = construct(name)
    scalars = {"t": 1.0, **{h.name: float(h.default or 0) for h in rule.hyperparameters}}
    assert np.isnan(interpret(program, given, scalars)["theta"][0])
