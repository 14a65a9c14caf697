"""The running error bound holds, is not vacuous, and says where it knows nothing."""

from __future__ import annotations

from fractions import Fraction
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.evaluate import ball, exact
from derive.library.lookup import find_rule
from derive.reading.read import read_text
from kernels import compile
from kernels.lower import goals
from kernels.measuring.compare_rounding import compare_rounding
from kernels.measuring.oracle import interpret
from kernels.measuring.rounding import bounds
from kernels.pipeline import programs

ADAM = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def adam_bound(g: float, dtype: str = "float32", t: int = 1) -> tuple[float, str]:
    program = programs(find_rule("adam"), dtype).final
    column = {"theta": 1.0, "g": g, "m": 0.0, "v": 0.0}
    found = bounds(program, {n: np.array([v], dtype) for n, v in column.items()}, {"t": float(t), **ADAM})
    return float(found.errors["theta"][0]), found.causes["theta"][0]


def test_an_ordinary_step_has_a_tight_bound() -> None:
    limit, _ = adam_bound(0.1)
    assert limit < 4 * np.finfo(np.float32).eps


@pytest.mark.parametrize(("g", "cause"), [(1e-23, "radicand may be negative"), (1e20, "overflow in g * g")])
def test_adam_at_its_first_step_has_no_bound_here(g: float, cause: str) -> None:
    limit, why = adam_bound(g)
    assert limit == np.inf
    assert why == cause


def test_float64_reaches_further() -> None:
    assert adam_bound(1e-23, "float64")[0] < 1e-10
    assert adam_bound(1e20, "float64")[0] < 1e-10


@given(st.data(), st.sampled_from(["adam", "rmsprop", "momentum", "adagrad", "ewma_debiased"]),
       st.sampled_from(["float32", "float64"]))  # fmt: skip
def test_every_value_lies_within_its_bound(data: st.DataObject, name: str, dtype: str) -> None:
    rule = find_rule(name)
    program = programs(rule, dtype).final
    width = 32 if dtype == "float32" else 64
    number = st.floats(-1e6, 1e6, width=width)  # type: ignore[arg-type]
    given_ = {a: np.array([data.draw(number)], dtype) for a in program.arrays}
    for a in ("v", "s"):
        if a in given_ and name != "momentum":
            given_[a] = np.abs(given_[a])
    scalars = {"t": float(data.draw(st.integers(1, 1000)))}
    scalars |= {h.name: float(h.default or 0) for h in rule.hyperparameters}
    limits = bounds(program, given_, scalars).errors
    stored = interpret(program, given_, scalars)
    values = {n: Fraction(float(v[0])) for n, v in given_.items()} | {n: Fraction(v) for n, v in scalars.items()}
    for array, goal in goals(rule).items():
        limit = float(limits[array][0])
        assume(np.isfinite(limit))
        [exact] = ball([goal], values, 400)
        assert not abs(exact - float(stored[array][0])) > limit


def test_a_bound_made_too_small_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can say no: with the roundings of half the operations forgotten, it does."""
    from kernels.measuring import rounding

    own = rounding._own
    monkeypatch.setattr(rounding, "_own", lambda node, result: 0.0 if node.op == "cast" else own(node, result) / 8)
    kernel = compile("adam")
    holds, text, _ = compare_rounding(kernel, ("v",))
    assert not holds
    assert "farther than" in text


def test_the_region_without_a_bound_is_named() -> None:
    holds, text, region = compare_rounding(compile("adam"), ("v",))
    assert holds
    assert "within their bound" in text
    assert "overflow in g * g" in region
    assert "e.g. t = " in region


def causes_of(text: str, given_: dict[str, float], scalars: dict[str, float]) -> dict[str, str]:
    """Why each stored array has no bound, in float32; empty where it has one."""
    program = programs(read_text(dedent(text), "some"), "float32").final
    column = {n: np.array([given_.get(n, 1.0)], "float32") for n in program.arrays}
    found = bounds(program, column, {"t": 1.0, **scalars})
    assert all(bool(np.isinf(found.errors[a][0])) == bool(found.causes[a][0]) for a in program.stored)
    return {array: str(found.causes[array][0]) for array in program.stored}


BRANCHES = """
    def some(theta, g, *, beta=decay(0.9)):
        theta = theta + where(beta == 0, g, g * g * log1p(beta - 1))
        return theta
    """
STATES = """
    def some(theta, g, m=0, *, lr=nonnegative(1.0)):
        m = m + lr / g
        theta = theta - g * g
        return theta, m
    """


@pytest.mark.parametrize(
    ("g", "beta", "cause"),
    [
        (1.0, 0.0, ""),  # log1p(-1) stands in the branch that is not taken
        (1e30, 0.0, ""),  # and so does the overflow
        (1.0, 1e-30, "log1p(beta - 1) near its singularity"),
        (1e30, 0.5, "overflow in g * g"),
    ],
)
def test_only_the_branch_taken_is_blamed(g: float, beta: float, cause: str) -> None:
    assert causes_of(BRANCHES, {"g": g}, {"beta": beta})["theta"] == cause


def test_a_scalar_in_the_branch_not_taken_does_not_hide_the_cause() -> None:
    text = """
        def some(theta, g, *, lr=nonnegative(1.0), beta=decay(0.9)):
            theta = theta - where(beta > 0, log1p(beta - 1), lr * lr) * g
            return theta
        """
    assert causes_of(text, {}, {"lr": 1e200, "beta": 0.0})["theta"] == "overflow in lr * lr"


def test_each_stored_array_has_its_own_cause() -> None:
    assert causes_of(STATES, {"g": 1e30}, {"lr": 1.0}) == {"theta": "overflow in g * g", "m": ""}
    assert causes_of(STATES, {"g": 0.0}, {"lr": 1.0}) == {"theta": "", "m": "divisor within its error of zero"}


def test_a_condition_that_is_not_asked_leaves_nothing_undecided() -> None:
    text = """
        def some(theta, g, *, beta=decay(0.9)):
            theta = theta - where((beta == 0) | (g / beta > 1), g, -g)
            return theta
        """
    assert causes_of(text, {}, {"beta": 0.0})["theta"] == ""
    assert causes_of(text, {}, {"beta": 1.0 / 3})["theta"] == ""


@pytest.mark.parametrize("name", ["adam", "ewma_debiased"])
def test_nothing_is_lost_at_beta_zero_that_is_not_used_there(name: str) -> None:
    rule = find_rule(name)
    program = programs(rule, "float32").final
    scalars = {h.name: 0.0 if h.name.startswith("beta") else float(h.default or 0) for h in rule.hyperparameters}
    found = bounds(program, {n: np.array([0.5], "float32") for n in program.arrays}, {"t": 3.0, **scalars})
    assert all(np.isfinite(found.errors[a][0]) for a in program.stored)


def exceeded(text: str, given_: dict[str, np.ndarray[Any, Any]], scalars: dict[str, float]) -> int:
    """How many values of theta, in float64, lie outside their bound; the exact values in fractions."""
    rule = read_text(dedent(text), "some")
    program = programs(rule, "float64").final
    scalars = {"t": 1.0, **scalars}
    limits = bounds(program, given_, scalars).errors["theta"]
    stored = interpret(program, given_, scalars)["theta"]
    count = 0
    for row, limit in enumerate(limits):
        assert np.isfinite(limit)
        values = {n: Fraction(float(a[row])) for n, a in given_.items()} | {n: Fraction(v) for n, v in scalars.items()}
        [wanted] = exact([goals(rule)["theta"]], values)
        assert isinstance(wanted, Fraction)
        count += abs(wanted - Fraction(float(stored[row]))) > Fraction(float(limit))
    return count


def test_a_quotient_below_the_normal_numbers_keeps_its_bound() -> None:
    """The quotient times the divisor's error is less than any number in float64; over the divisor it is not."""
    random = np.random.Generator(np.random.PCG64(5))
    theta, g = random.uniform(1, 2, (2, 300)) * [[1e-310], [1e-125]]
    text = "def some(theta, g):\n    theta = theta / (g * g)\n    return theta\n"
    assert exceeded(text, {"theta": theta, "g": g}, {}) == 0


def test_a_literal_below_the_normal_numbers_keeps_its_bound() -> None:
    """3e-324 is stored as 4.94e-324; the difference is less than any number in float64, and lr times it is not."""
    text = """
        def some(theta, g, *, lr=nonnegative(1.0)):
            theta = theta - (lr * 3e-324) * g
            return theta
        """
    assert exceeded(text, {"theta": np.zeros(1), "g": np.ones(1)}, {"lr": 1e4}) == 0


FORMULAS = [
    "theta * g + m * s",
    "theta * g - m * s",
    "(theta * g) * (m * s)",
    "(theta * g) / (m * s)",
    "theta / (g * m) / (g * s)",
    "sqrt(theta * g) * m + s",
    "where(theta * g > m * s, theta * m, g * s)",
]


@pytest.mark.parametrize("formula", FORMULAS)
@given(data=st.data())
def test_bounds_hold_towards_the_ends_of_the_number_line(formula: str, data: st.DataObject) -> None:
    exponents = st.integers(-1074, -900) | st.integers(-60, 60) | st.integers(900, 1000)
    number = st.builds(lambda x, k: float(np.ldexp(x, k)), st.floats(1, 2), exponents)
    row = {n: np.array([data.draw(number)]) for n in ("theta", "g", "m", "s")}
    lines = ("def some(theta, g, m=0, s=0):", f"theta = {formula}", "m = -m", "s = -s", "return theta, m, s")
    rule = read_text("\n    ".join(lines), "some")
    program = programs(rule, "float64").final
    limit = float(bounds(program, row, {"t": 1.0}).errors["theta"][0])
    assume(np.isfinite(limit))
    [wanted] = ball([goals(rule)["theta"]], {n: Fraction(float(a[0])) for n, a in row.items()}, 6000)
    assert not abs(wanted - float(interpret(program, row, {"t": 1.0})["theta"][0])) > limit
