"""Loops and bare statements are read as what Python does with them: random texts, really run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from derive.reading.drafts import Candidate
from tests.derive.reading.pasted.texts import (
    GRADIENTS,
    NUMBERS,
    OTHER,
    THETA,
    array,
    assert_told_apart,
    given_readings,
    indented,
    lines,
    numbers,
    one_of,
    said,
    starts,
)


@st.composite
def loops(draw: st.DrawFn) -> str:
    """A loop over the steps, or statements alone, with a state and perhaps a counter set before."""
    head = one_of(
        draw,
        "for t in range(1, 9):",
        "for t in range(9):",
        "for t in range(2, 9):",
        "while not done:",
        "",
        "for t in count(1):",
    )
    counted = head.startswith("for")
    names = ["w", "dw", "v", "lr", "mu", *(["t"] if counted or draw(st.booleans()) else [])]
    before = (
        [one_of(draw, "v = np.zeros_like(w)", "v = np.ones_like(w)", "v = w.copy()", "v = w")]
        if head and draw(st.booleans())
        else []
    )
    body = lines(draw, names)
    if "t" in names and not counted:
        before += ["t = 0"] if head else []
        body.insert(draw(st.integers(0, len(body))), "t += 1" if draw(st.integers(0, 5)) else "t += 2")
    elif counted and not draw(st.integers(0, 9)):
        body.insert(draw(st.integers(0, len(body))), "t += 1")
    return indented(before, 0) * bool(before) + (f"{head}\n" if head else "") + indented(body, 4 if head else 0)


def runs_like(text: str, candidate: Candidate) -> bool | None:
    """Whether the text, run, gives what the reading says; None where Python can't run it."""
    theta, g = candidate.roles["theta"], candidate.roles["g"]
    thetas, _ = said(candidate)
    for first in (1, 0):
        space: dict[str, Any] = {
            n: array(Fraction(v)) for n, v in {**dict.fromkeys(("w", "dw", "v"), OTHER), **starts(candidate)}.items()
        }
        space |= {
            "lr": NUMBERS["lr"],
            "mu": NUMBERS["mu"],
            "t": first - 1 if "t" not in starts(candidate) else starts(candidate)["t"],
            "np": np,
        }
        space |= {candidate.roles[n]: v for n, v in numbers(candidate).items()}
        for name in ("w", "dw", "v"):
            space[name] = space[name] if isinstance(space[name], np.ndarray) else array(space[name])
        space |= {
            name: Fraction(start) for name, start in re.findall(r"(\w+) is (\d+) before", " ".join(candidate.assumed))
        }
        space[theta] = array(THETA)
        if text.startswith("v = w") and {theta, *(candidate.roles[n] for n in numbers(candidate))} >= {"v", "w"}:
            return None  # a constant is where theta starts
        found = list[Any]()

        def rounds(space: dict[str, Any] = space, found: list[Any] = found, first: int = first) -> Iterator[int]:
            for k, gradient in enumerate(GRADIENTS):
                if k == 0 and theta in text.split(":")[0]:  # the text says where theta starts
                    space[theta][:] = THETA
                space[g] = array(gradient)
                if "t" in candidate.roles:
                    space[candidate.roles["t"]] = k + first
                yield k
                found.append(np.array(space[theta]).reshape(-1)[0])

        try:
            _run(text, space, rounds)
        except (TypeError, ValueError, AttributeError, NameError):
            return None
        if found == thetas:
            return True
    return False


def _run(text: str, space: dict[str, Any], rounds: Callable[[], Iterator[int]]) -> None:
    code = compile(text, "step.py", "exec")
    if "for t in" in text or "while" in text:
        each = rounds()

        class Done:
            def __bool__(self) -> bool:
                return next(each, None) is None

        space["range"] = lambda *a: (i for i, _ in zip(range(*a), rounds(), strict=False))
        space["count"] = lambda a: (i + a for i in rounds())
        space["done"] = Done()
        exec(code, space)  # noqa: S102  # its text was made here
        return
    for _ in rounds():
        exec(code, space)  # noqa: S102  # its text was made here


@given(loops())
def test_loops(text: str) -> None:
    for candidate in given_readings(text):
        assert runs_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


def test_the_comparison_would_notice() -> None:
    """The reading of one text is no way to run another."""
    text = "for t in range(9):\n{}    w = w - lr * dw\n"
    assert_told_apart(text.format(""), text.format("    w = 2 * w\n"), runs_like)
