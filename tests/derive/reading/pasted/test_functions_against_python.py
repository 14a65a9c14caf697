"""Functions, with helpers, branches and early returns, are read as what Python does with them."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from derive.reading.drafts import Candidate
from tests.derive.reading.pasted.texts import (
    GRADIENTS,
    OTHER,
    THETA,
    array,
    assert_told_apart,
    defined,
    formula,
    given_readings,
    indented,
    lines,
    numbers,
    one_of,
    said,
    starts,
)


@st.composite
def functions(draw: st.DrawFn) -> str:
    """A function of arrays, numbers and perhaps a count, with helpers and constants around it."""
    known = ["w", "dw", "v", "lr", "mu", *(["t"] if draw(st.booleans()) else [])]
    head = one_of(draw, "w, dw, v", "w, dw, v=0", "w, dw, v=None") + ", t" * ("t" in known)
    before = list[str]()
    if not draw(st.integers(0, 4)):
        before.append(one_of(draw, "C = 2", "C = 2\nC = 3", "lr = 5", "C = -1"))
        known += ["C"] * ("C" in before[0])
    helper = one_of(
        draw,
        *("",) * 9,
        "def f(x, y):\n    return x - mu0 * y",
        "def f(x, y=2):\n    x *= y\n    return x",
        "def f(dw, w):\n    return w - dw",
        "f = lambda x, y: x + 2 * y",
    )
    before += [helper.replace("mu0", "2")] if helper else []
    body = lines(draw, known)
    if helper:
        body.insert(
            draw(st.integers(0, len(body))),
            f"{one_of(draw, 'w', 'dw', 'a')} = f({one_of(draw, 'w', 'dw', 'v')}, {one_of(draw, 'w', 'dw', 'lr')})",
        )
    if "v=None" in head:
        body.insert(
            draw(st.integers(0, 1)),
            one_of(
                draw,
                "if v is None:\n    v = np.zeros_like(w)",
                "if v is None:\n    v = dw",
                "v = np.ones_like(w) if v is None else v",
            ),
        )
    if not draw(st.integers(0, 9)):
        body.insert(
            draw(st.integers(0, len(body))),
            f"if {one_of(draw, 'mu', 'mu > 1', 'lr != 0')}:\n    return {formula(draw, known)}, v",
        )
    body.append(
        one_of(
            draw,
            "return w, v",
            f"return {formula(draw, known)}, v",
            f"return w, {formula(draw, known)}",
            "return w, v",
            "return v, w",
            "pass",
        )
    )
    star = one_of(draw, "", "*, ")
    if "=" in head:
        head = head.replace(", t", "") + (", t=1" if "t" in known else "")
    return indented(before, 0) * bool(before) + f"def step({head}, {star}lr=0.1, mu=0.9):\n" + indented(body, 4)


def function_like(text: str, candidate: Candidate) -> bool | None:
    """Whether there is a way to call the function that gives what the reading says; None where Python can't."""
    spelled, answers = candidate.roles, list[bool | None]()
    thetas = said(candidate)[0]
    names = [spelled["theta"], *(spelled[s] for s in candidate.rule.state_names)]
    for places in product((0, 1, None), repeat=len(names)):
        if len({p for p in places if p is not None}) + places.count(None) == len(names):
            found = [called(text, candidate, dict(zip(names, places, strict=True)), first) for first in (1, 0)]
            answers += [f == thetas for f in found if f is not None]
    return any(answers) if answers else None


def called(text: str, candidate: Candidate, places: dict[str, int | None], first: int) -> list[Any] | None:
    """What the parameter is after each call: kept names are given back where they are returned."""
    roles = candidate.roles
    function = defined(text)["step"]
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
    now: dict[str, Any] = {n: array(v) for n, v in {**starts(candidate), roles["theta"]: THETA}.items()}
    fixed = {roles[n]: v for n, v in numbers(candidate).items()}
    fixed |= {
        name: Fraction(start) for name, start in re.findall(r"(\w+) is (\d+) before", " ".join(candidate.assumed))
    }
    found = list[Any]()
    for k, gradient in enumerate(GRADIENTS):
        given_now = {**fixed, **now, roles["g"]: array(gradient), **({roles["t"]: k + first} if "t" in roles else {})}
        for n, start in re.findall(r"(\w+)=(None|0)(?![.\d])", text.partition("def step")[2].partition("\n")[0]):
            if k == 0 and n not in candidate.open_starts and n in starts(candidate):
                given_now[n] = None if start == "None" else array(Fraction(0))
        scalars = {n: v for n, v in given_now.items() if n in ("lr", "mu", "t") and isinstance(v, Fraction | int)}
        passed = {n: scalars.get(n, given_now.get(n, OTHER)) for n in arguments}
        try:
            returned = function(
                **{
                    n: v if n in ("lr", "mu", "t") or v is None or isinstance(v, np.ndarray) else array(v)
                    for n, v in passed.items()
                }
            )
        except (TypeError, ValueError, AttributeError, NameError):
            return None
        returned = returned if isinstance(returned, tuple) else (returned,)
        for n, place in places.items():
            if place is not None:
                if place >= len(returned) or returned[place] is None:
                    return None
                now[n] = returned[place]
            elif n in now and k == 0 and given_now.get(n) is not None:
                now[n] = given_now[n]
        value = now[roles["theta"]]
        found.append(np.array(value).reshape(-1)[0])
    return found


@given(functions())
def test_functions(text: str) -> None:
    for candidate in given_readings(text):
        assert function_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


def test_the_comparison_would_notice() -> None:
    """The reading of one text is no way to run another."""
    text = "def step(w, dw, v=0, lr=0.1, mu=0.9):\n{}    return w - lr * dw\n"
    assert_told_apart(text.format(""), text.format("    w = 2 * w\n"), function_like)
