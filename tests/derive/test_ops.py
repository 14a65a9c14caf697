"""Every row of the table of operations: its columns against each other, its bounds against balls."""

from __future__ import annotations

import importlib.util
import math
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import flint
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from derive.evaluate import ball, exact
from derive.expr import Expr, Number, Symbol, apply
from derive.ops import LIBRARY_ULPS, OPS, Inexact, Op, Rounding, Undefined

ROWS = list(OPS.values())
TRUTH_RESULTS = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}
TRUTH_ARGUMENTS = {"and": 2, "or": 2, "not": 1, "where": 1}
NUMERIC = [row for row in ROWS if row.name not in TRUTH_RESULTS | {"where"}]
LIBRARY = [row for row in ROWS if row.rounding is Rounding.LIBRARY]

# Exact in float32; among them zeros, signs, halves, squares, cubes and points beyond every domain.
POINTS = [
    Fraction(n, d) for n, d in ((0, 1), (1, 1), (-1, 1), (1, 2), (-1, 2), (2, 1), (-3, 1), (9, 4), (-8, 1), (27, 8))
]
PRECISIONS = (np.float32, np.float64)


def named(rows: list[Op]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.name)


def samples(row: Op) -> list[tuple[Any, ...]]:
    """Argument tuples of a row: every pair of points, and every truth value where one belongs."""
    truths = TRUTH_ARGUMENTS.get(row.name, 0)
    choices: list[list[Any]] = [[True, False] if i < truths else list(POINTS) for i in range(row.arity)]
    found: list[tuple[Any, ...]] = [()]
    for choice in choices:
        found = [(*rest, value) for rest in found for value in choice]
    return found


def expression(row: Op, values: tuple[Any, ...]) -> Expr:
    truth = {True: apply("eq", 0, 0), False: apply("eq", 0, 1)}
    return apply(row.name, *(truth[v] if isinstance(v, bool) else v for v in values))


def contains(around: Any, value: Fraction) -> bool:
    with flint.ctx.workprec(500):
        return bool((around * value.denominator - value.numerator).contains(0))


def ulps(computed: Any, around: Any) -> float:
    """How many units in the last place of its own precision a float lies from a ball."""
    spacing = float(np.spacing(np.abs(computed)))
    with flint.ctx.workprec(500):
        return float(abs(flint.arb(float(computed)) - around).mid()) / spacing


@pytest.fixture(scope="module", params=PRECISIONS, ids=lambda p: p.__name__)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every row's kernel source as a compiled function of one element type, with that type."""
    element = request.param.__name__
    lines = ["import math", "import numpy as np", "from numba import njit", f"element = np.{element}"]
    for row in ROWS:
        arguments = "abc"[: row.arity]
        lines += ["@njit(error_model='numpy')", f"def op_{row.name}({', '.join(arguments)}):"]
        lines += [f"    return {row.numba.format(*arguments)}"]
    path = tmp_path_factory.mktemp("ops") / f"ops_{element}.py"
    path.write_text("\n".join(lines) + "\n")
    return request.param, loaded(path)


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numpy_function(row: Op, element: Any) -> Callable[..., Any]:
    return element if row.name == "cast" else getattr(np, row.numpy)  # type: ignore[no-any-return]


def as_floats(values: tuple[Any, ...], element: Any) -> list[Any]:
    return [v if isinstance(v, bool) else element(float(v)) for v in values]


@named(ROWS)
def test_no_column_is_empty(row: Op) -> None:
    assert OPS[row.name] is row
    assert row.numpy
    assert row.special
    assert row.numba.count("{") == row.arity
    assert all(callable(column) for column in (row.sympy, row.exact, row.ball, row.error))
    assert row.numba.format(*"abc"[: row.arity]).count("{") == 0


@named(ROWS)
def test_exact_values_lie_in_the_balls_and_undefined_is_undefined(row: Op) -> None:
    for values in samples(row):
        node = expression(row, values)
        [sure], [around] = exact([node], {}), ball([node], {})
        if isinstance(sure, Fraction):
            assert isinstance(around, flint.arb), values
            assert contains(around, sure), values
        elif isinstance(sure, Inexact):
            assert isinstance(around, flint.arb), values
            assert not around.is_exact()
        else:
            assert around == sure, values


def test_a_power_of_zero_is_undefined_only_where_its_exponent_is_certainly_negative() -> None:
    third = Number(Fraction(1, 3))
    zero = third + third - Fraction(2, 3)  # in balls a little more than zero, and a little less
    [around] = ball([apply("pow", 0, zero)], {})
    [below] = ball([apply("pow", 0, zero - 1)], {})
    assert isinstance(around, Inexact)
    assert isinstance(below, Undefined)


@named(ROWS)
def test_sympy_means_the_same(row: Op) -> None:
    for values in samples(row):
        if not isinstance(sure := exact([expression(row, values)], {})[0], Inexact):
            shown = row.sympy(sympy, *(sympy.true if v is True else sympy.false if v is False else
                                       sympy.Rational(v.numerator, v.denominator) for v in values))  # fmt: skip
            if isinstance(sure, Undefined):
                assert shown.is_finite is not True or shown.is_real is not True, values
            elif isinstance(sure, bool):
                assert bool(shown) is sure
            else:
                assert sympy.nsimplify(shown) == sympy.Rational(sure.numerator, sure.denominator), values


@named(ROWS)
def test_sympy_keeps_real_names_real(row: Op) -> None:
    if row.name not in TRUTH_ARGUMENTS and row.name not in TRUTH_RESULTS | {"sqrt", "log", "log1p", "pow", "div"}:
        names = sympy.symbols("a b c", real=True)[: row.arity]
        assert row.sympy(sympy, *names).is_real is True


@named(ROWS)
def test_definitions_agree_with_their_rows(row: Op) -> None:
    if row.definition is None:
        return
    for values in samples(row):
        node, simpler = expression(row, values), row.definition(apply, *(Number(v) for v in values))
        [a], [b] = ball([node], {}), ball([simpler], {})
        assert type(a) is type(b)
        assert a.overlaps(b) if isinstance(a, flint.arb) else a == b


@named(ROWS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numpy_and_compiled_source_agree_with_the_balls(row: Op, compiled: tuple[Any, ModuleType]) -> None:
    element, module = compiled
    units = {Rounding.EXACT: 0.0, Rounding.CORRECT: 0.5, Rounding.LIBRARY: LIBRARY_ULPS}[row.rounding]
    for values in samples(row):
        floats = as_floats(values, element)
        [around] = ball([expression(row, values)], {}, 300)
        for computed in (numpy_function(row, element)(*floats), getattr(module, f"op_{row.name}")(*floats)):
            if isinstance(around, bool):
                assert bool(computed) is around, (values, computed)
            elif isinstance(around, Undefined):
                assert not np.isfinite(computed), (values, computed)
            else:
                assert isinstance(computed, float) or np.asarray(computed).dtype == element, (values, computed)
                assert ulps(element(computed), around) <= units * 1.0001, (values, computed)


RANGES = {
    "exp": (-80, 80), "log": (1e-30, 1e30), "expm1": (-80, 80), "log1p": (-0.9999, 1e30), "tanh": (-10, 10),
    "cbrt": (-1e30, 1e30), "sin": (-100, 100), "cos": (-100, 100),
}  # fmt: skip


def spread(low: float, high: float, count: int, element: Any) -> Any:
    """Points of every size in a range, and many near zero and one where the range has them."""
    draw = random.Random(1)
    sizes = [math.exp(draw.uniform(math.log(1e-6), math.log(max(abs(low), abs(high))))) for _ in range(count)]
    signed = [s * draw.choice((-1, 1)) for s in sizes] + [1 + draw.uniform(-1e-2, 1e-2) for _ in range(count // 4)]
    return [element(x) for x in signed if low <= x <= high]


@named(LIBRARY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_library_functions_stay_within_their_units(row: Op, compiled: tuple[Any, ModuleType]) -> None:
    element, module = compiled
    if row.name == "pow":
        bases, exponents = spread(1e-3, 50, 800, element), spread(-8, 8, 800, element)
        points: list[tuple[Any, ...]] = list(zip(bases, exponents, strict=False))
    else:
        points = [(x,) for x in spread(*RANGES[row.name], 400, element)]
    assert len(points) >= 100
    for floats in points:
        [around] = ball([apply(row.name, *(Fraction(float(x)) for x in floats))], {}, 200)
        for computed in (getattr(np, row.numpy)(*floats), getattr(module, f"op_{row.name}")(*floats)):
            if np.isfinite(computed) and abs(computed) > np.finfo(element).tiny:
                assert ulps(element(computed), around) <= LIBRARY_ULPS, (floats, computed)


SPECIAL: list[tuple[str, tuple[float, ...], float]] = [
    ("sqrt", (-0.0,), -0.0), ("sqrt", (-1.0,), math.nan), ("abs", (-0.0,), 0.0), ("neg", (0.0,), -0.0),
    ("div", (1.0, 0.0), math.inf), ("div", (0.0, 0.0), math.nan), ("pow", (math.nan, 0.0), 1.0),
    ("sign", (math.nan,), math.nan), ("min", (math.nan, 1.0), math.nan), ("max", (1.0, math.nan), math.nan),
    ("log", (-0.0,), -math.inf), ("log", (-1.0,), math.nan), ("log1p", (-1.0,), -math.inf), ("log1p", (-0.0,), -0.0),
    ("log1p", (-2.0,), math.nan), ("expm1", (-0.0,), -0.0), ("tanh", (-0.0,), -0.0), ("cbrt", (-0.0,), -0.0),
    ("sin", (-0.0,), -0.0), ("sin", (math.inf,), math.nan), ("cos", (math.inf,), math.nan),
    ("exp", (math.nan,), math.nan), ("cast", (math.nan,), math.nan),
    ("lt", (math.nan, 0.0), 0.0), ("ne", (math.nan, 0.0), 1.0), ("eq", (-0.0, 0.0), 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "expected"), SPECIAL)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values(
    name: str, values: tuple[float, ...], expected: float, compiled: tuple[Any, ModuleType]
) -> None:
    element, module = compiled
    floats = [element(v) for v in values]
    for computed in (numpy_function(OPS[name], element)(*floats), getattr(module, f"op_{name}")(*floats)):
        assert repr(float(computed)) == repr(float(expected))


# Error rules: move the operands within their errors; the exact result may not move further than the bound.

WIDENED = 1 + 2.0**-40
UNDERFLOW = 2.0**-1070
magnitudes = st.floats(min_value=2.0**-60, max_value=2.0**60)
moderate = st.floats(min_value=-40, max_value=40)
operands = moderate | st.builds(lambda x, s: x * s, magnitudes, st.sampled_from((-1.0, 1.0))) | st.sampled_from(
    (0.0, 1.0, -1.0, 2.0)
)  # fmt: skip
relative = st.sampled_from((0.0, 2.0**-53, 1e-7, 1e-2, 0.5, 0.9985, 1.0, 3.0)) | st.floats(min_value=0, max_value=2)
moves = st.sampled_from((-1.0, 0.0, 1.0)) | st.floats(min_value=-1, max_value=1)


@st.composite
def disturbed(draw: st.DrawFn, arity: int) -> tuple[list[float], list[float], list[Fraction]]:
    """Computed operands, bounds on their errors, and exact operands within them."""
    values = [draw(operands) for _ in range(arity)]
    errors = [draw(relative) * (abs(v) or draw(st.sampled_from((0.0, 1e-9, 1.0)))) for v in values]
    true = [Fraction(v) + Fraction(draw(moves)) * Fraction(e) for v, e in zip(values, errors, strict=True)]
    return values, errors, true


def bound_of(row: Op, values: list[Any], errors: list[float]) -> float:
    with np.errstate(all="ignore"):
        found = row.error(np, [np.asarray(v) for v in values], [np.asarray(e) for e in errors])
    return float(found) * WIDENED + UNDERFLOW if float(found) < np.inf else np.inf


def balls(row: Op, values: list[float], true: list[Fraction]) -> list[Any]:
    """The row's exact results at the computed and at the true operands."""
    found: list[Any] = ball([apply(row.name, *map(Fraction, values)), apply(row.name, *true)], {}, 400)
    return found


@named(NUMERIC)
@given(data=st.data())
def test_error_bounds_are_true(row: Op, data: st.DataObject) -> None:
    values, errors, true = data.draw(disturbed(row.arity))
    bound = bound_of(row, values, errors)
    at, moved = balls(row, values, true)
    if isinstance(at, Undefined | Inexact) or bound == np.inf:
        return
    assert not isinstance(moved, Undefined), "a bound where the exact result is undefined"
    if not isinstance(moved, Inexact):
        with flint.ctx.workprec(400):
            assert not abs(moved - at) > flint.arb(bound), (float(abs(moved - at).mid()), bound)


@named([row for row in ROWS if row.name in ("lt", "le", "gt", "ge", "eq", "ne")])
@given(
    start=moderate,
    gap=st.sampled_from((0.0, 1.0, 1e-9)),
    errors=st.tuples(relative, relative),
    to=st.tuples(moves, moves),
)
def test_comparisons_are_sure_or_without_bound(
    row: Op, start: float, gap: float, errors: tuple[float, float], to: tuple[float, float]
) -> None:
    values = [start, start + gap]
    true = [Fraction(v) + Fraction(m) * Fraction(e) for v, e, m in zip(values, errors, to, strict=True)]
    [here, there] = exact([apply(row.name, *map(Fraction, values)), apply(row.name, *true)], {})
    assert here is there or bound_of(row, values, list(errors)) == np.inf


@given(disturbed(2), st.booleans(), st.booleans(), st.booleans())
def test_an_undecided_branch_counts_the_other_one(
    drawn: tuple[list[float], list[float], list[Fraction]], condition: bool, decided: bool, other: bool
) -> None:
    values, errors, true = drawn
    bound = bound_of(OPS["where"], [condition, *values], [0.0 if decided else np.inf, *errors])
    taken = Fraction(values[0] if condition else values[1])
    exact_result = true[0] if (condition if decided else other) else true[1]
    assert abs(exact_result - taken) <= Fraction(bound)


@named(NUMERIC)
def test_without_errors_nothing_is_handed_on(row: Op) -> None:
    for values in samples(row):
        if not isinstance(exact([expression(row, values)], {})[0], Undefined):
            assert bound_of(row, [float(v) for v in values], [0.0] * row.arity) <= UNDERFLOW, values


@named(NUMERIC)
def test_bounds_are_of_the_size_of_the_derivative(row: Op) -> None:
    """At an ordinary point a small error is handed on as calculus says, within a factor of four."""
    point, error = [1.75, 0.625][: row.arity], 1e-9
    if row.name == "sign":
        assert bound_of(row, point, [error]) <= UNDERFLOW
        return
    names = [Symbol("a"), Symbol("b")][: row.arity]
    slope = 0.0
    for i, _ in enumerate(names):
        ahead = [Fraction(v) + (Fraction(error) if i == j else 0) for j, v in enumerate(point)]
        here, there = balls(row, point, ahead)
        slope += abs(float((here - there).mid()))
    assert slope * 0.2 <= bound_of(row, point, [error] * row.arity) <= 4 * max(slope, error) + UNDERFLOW
