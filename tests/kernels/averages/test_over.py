"""A run over data makes the steps of the kernel: the same bits, whatever the axis, the pieces and the threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import kernels
from derive.errors import UserError
from derive.library.averages import ewma, ewma_debiased
from derive.rule import Rule
from kernels.averages import over, rules
from kernels.driver import compile, compile_run
from kernels.measuring.compare_bits import compare_bits
from kernels.measuring.oracle import same_bits
from kernels.running import through
from tests.zoo import element_values

RULES = [ewma_debiased, rules.ewma_debiased_with_holes, rules.ewma_from_first]


def by_steps(rule: Rule, data: Any, **hyperparameters: float) -> tuple[Any, dict[str, Any]]:
    """The output along axis 0 and the last state, a step of the kernel at a time."""
    kernel, rows = compile(rule, data.dtype.name), np.ascontiguousarray(data)
    out = np.empty_like(rows)
    state = kernel.init(np.zeros_like(rows[0]), **hyperparameters)
    for k in range(len(rows)):
        kernel.step(rows[k], out[k], state, k + 1, **hyperparameters)
    return out, state


def noise(shape: tuple[int, ...], dtype: str = "float64") -> Any:
    data = np.random.default_rng(7).standard_normal(shape).astype(dtype)
    data.reshape(-1)[::17] = np.nan
    return data


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
@settings(max_examples=10)
@given(data=st.data())
def test_any_data_in_any_pieces(rule: Rule, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 30), st.integers(1, 10)))
    x = data.draw(npst.arrays("float64", shape, elements=element_values("float64")))
    beta = data.draw(st.sampled_from([0.0, 0.5, 0.9, 1 - 1e-9]))
    expected, last = by_steps(rule, x, beta=beta)
    assert same_bits(over(rule, x, beta=beta), expected)
    assert same_bits(over(rule, np.ascontiguousarray(x.T), 1, beta=beta).T, expected)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(x)), max_size=4)))
    state: dict[str, Any] = {}
    pieces = [over(rule, piece, state=state, beta=beta) for piece in np.split(x, cuts)]
    assert same_bits(np.concatenate(pieces), expected)
    assert state["t"] == len(x)
    assert all(same_bits(state[name], last[name]) for name in last)


@pytest.mark.parametrize("rule", RULES[1:], ids=lambda r: r.name)
def test_steps_of_rules_outside_the_library_are_the_oracle_s(rule: Rule) -> None:
    equal, words = compare_bits(compile(rule, "float64"))
    assert equal, words


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_long_after_the_scalars_have_settled(rule: Rule) -> None:
    x = noise((900, 7))
    expected, _ = by_steps(rule, x, beta=0.75)
    assert same_bits(over(rule, x, beta=0.75), expected)
    assert same_bits(over(rule, np.ascontiguousarray(x.T), -1, beta=0.75).T, expected)


def test_in_float32() -> None:
    x = noise((300, 5), "float32")
    assert same_bits(over(ewma_debiased, x), by_steps(ewma_debiased, x)[0])


@pytest.mark.parametrize("along", [False, True])
def test_threads_change_nothing(along: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    x = noise((600, 500))
    x = x.T if along else x
    x = np.ascontiguousarray(x)
    expected = [over(ewma_debiased, x[:, k : k + 1] if not along else x[k : k + 1], int(along)) for k in (0, 3, 499)]
    for strip, lines, chunk in ((8192, 8, 1 << 18), (256, 1, 1 << 12), (24, 3, 1)):
        monkeypatch.setattr(through, "STRIP", strip)
        monkeypatch.setattr(through, "ROWS", lines)
        monkeypatch.setattr(through, "CHUNK", chunk)
        out = over(ewma_debiased, x, int(along))
        found = [out[k : k + 1] if along else out[:, k : k + 1] for k in (0, 3, 499)]
        assert all(same_bits(a, b) for a, b in zip(found, expected, strict=True))


def test_every_axis_and_order_of_memory() -> None:
    x = noise((4, 6, 5))
    for axis in (0, 1, 2, -1):
        lines = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
        expected, _ = by_steps(ewma_debiased, lines)
        expected = np.moveaxis(expected.reshape(np.moveaxis(x, axis, 0).shape), 0, axis)
        for y in (x, np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, 1)[:, ::2]):
            state: dict[str, Any] = {}
            out = np.empty(x.shape)
            assert over(ewma_debiased, y, axis, state=state, out=out) is out
            assert same_bits(out, expected)
            assert state["m"].shape == expected.sum(axis).shape
            again = over(ewma_debiased, y, axis, state=state)
            assert not same_bits(again, expected)
            assert state["t"] == 2 * x.shape[axis]


def test_numbers_of_other_kinds() -> None:
    expected = over(ewma, np.array([1.0, 2.0, 4.0]))
    for x in ([1, 2, 4], np.array([1, 2, 4], "u1"), (1.0, 2.0, 4.0)):
        assert same_bits(over("ewma", x), expected)
    assert over(ewma, []).shape == (0,)
    assert over(ewma, np.empty((0, 3))).shape == (0, 3)
    assert over(ewma, np.empty((3, 0))).shape == (3, 0)
    assert kernels.ewma([1.0, 1.0])[1] == 1


X = np.ones((3, 2))
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("no rule over data", {"rule": "adam"}, "data are run through averages"),
    ("an axis too many", {"axis": 2}, "the data have no axis 2; axes are 0 to 1"),
    ("a number", {"data": 3.0}, "a single number has no axis"),
    ("text", {"data": ["a"]}, "no float32 or float64; use data.astype(np.float64)"),
    ("half precision", {"data": X.astype("f2")}, "the data are float16"),
    ("foreign byte order", {"data": X.astype(">f8")}, "no float32 or float64"),
    ("masked", {"data": np.ma.masked_array(X, X > 0)}, "use data.filled(np.nan)"),
    ("beta = 1", {"beta": 1.0}, "ewma: beta must be a finite number in [0, 1)"),
    ("NaN for beta", {"beta": float("nan")}, "beta must be a finite number"),
    ("an unknown name", {"alpha": 0.1}, "ewma has no hyperparameter 'alpha'"),
    ("a list as state", {"state": [1]}, "state must be a dictionary"),
    ("half a state", {"state": {"t": 1}}, "state has no 'm'"),
    ("a state of other data", {"state": {"t": 1, "m": np.ones(3)}}, 'state["m"] has shape (3,), the data without'),
    ("a state of another type", {"state": {"t": 1, "m": np.ones(2, "f4")}}, 'state["m"] is float32, the data float64'),
    ("a negative t", {"state": {"t": -1, "m": np.ones(2)}}, "state holds a negative t"),
    ("out of another shape", {"out": np.ones(3)}, "out has shape (3,), the data (3, 2)"),
    ("out of another type", {"out": X.astype("f4")}, "out is float32, the kernel float64"),
    ("out is the data", {"out": X}, "out and the data share memory"),
]


@pytest.mark.parametrize(("name", "change", "message"), WRONG, ids=[w[0] for w in WRONG])
def test_bad_input_is_one_line_and_nothing_is_stored(name: str, change: dict[str, Any], message: str) -> None:
    given = {"rule": ewma, "data": X, "out": np.full((3, 2), 7.0), "state": {}, **change}
    with pytest.raises(UserError) as refused:
        over(**given)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert np.all(X == 1)
    assert name == "out is the data" or np.unique(given["out"]).size == 1


def test_a_state_may_be_kept_and_taken_up_again() -> None:
    x = noise((50, 3))
    state: dict[str, Any] = {}
    over(ewma_debiased, x[:20], state=state)
    kept = {name: value.copy() if name != "t" else value for name, value in state.items()}
    first = over(ewma_debiased, x[20:], state=state)
    assert same_bits(over(ewma_debiased, x[20:], state=kept), first)


def test_a_run_is_fetched_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    from kernels import certify, driver

    made = compile_run(ewma_debiased)
    monkeypatch.setattr(driver, "_runs", {})
    monkeypatch.setattr(certify, "certify_through", None)
    again = compile_run(ewma_debiased)
    assert again is not made
    assert (again.source, again.certificate) == (made.source, made.certificate)
    assert same_bits(again.over(X, 0, None, None, {}), made.over(X, 0, None, None, {}))
