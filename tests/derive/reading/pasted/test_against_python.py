"""What a function is read as is what Python does with it: random functions, run step by step in exact numbers.

The functions are made here, so that running them is safe; a text that is given is only ever read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import exact, trajectory
from derive.reading.drafts import Candidate, candidates, read_drafts

NUMBERS = {"lr": Fraction(1, 3), "mu": Fraction(3, 5)}
THETA = Fraction(7, 2)
GRADIENTS = (Fraction(2), Fraction(-5, 3), Fraction(11, 7))
ARGUMENTS = ("w", "dw", "v")
OPERATIONS = ("+", "-", "*")


@st.composite
def expressions(draw: st.DrawFn, names: Sequence[str]) -> str:
    """A sum, difference or product of two names, or one with a number."""
    left, right = draw(st.sampled_from(names)), draw(st.sampled_from((*names, "2", "(1 - mu)")))
    if draw(st.booleans()):
        return f"{left} {draw(st.sampled_from(OPERATIONS))} {right}"
    return f"{left} - {draw(st.sampled_from(('lr', 'mu')))} * {right}"


@st.composite
def functions(draw: st.DrawFn) -> str:
    """A step with one state: arguments are given new values, some more than once; what is returned may be a formula."""
    known, lines = [*ARGUMENTS, "lr", "mu"], list[str]()
    for _ in range(draw(st.integers(1, 4))):
        target = draw(st.sampled_from((*ARGUMENTS, "a")))
        value = draw(expressions(known))
        augmented = target in known and draw(st.integers(0, 4)) == 0
        lines.append(f"{target} {draw(st.sampled_from(OPERATIONS))}= {value}" if augmented else f"{target} = {value}")
        known = list(dict.fromkeys((*known, target)))
    new_w = draw(st.one_of(st.just("w"), expressions(known)))
    new_v = draw(st.one_of(st.just("v"), expressions(known)))
    return "\n    ".join(["def step(w, dw, v=0, lr=0.1, mu=0.9):", *lines, f"return {new_w}, {new_v}"]) + "\n"


@given(functions())
def test_every_reading_is_a_way_to_call_the_function(text: str) -> None:
    function = made(text)
    for candidate in readings(text):
        assert any(follows(function, candidate, places) for places in callers(candidate)), (candidate.roles, text)


@pytest.mark.parametrize("line", ["w = 2 * w", "w *= 2", "dw = dw + w", "v = v + dw"])
def test_the_comparison_would_notice(line: str) -> None:
    """The reading of a function without the line is no way to call the one with it."""
    text = "def step(w, dw, v=0, lr=0.1, mu=0.9):\n    v = mu * v + dw\n    return w - lr * v, v\n"
    function = made(text.replace("    v = mu", f"    {line}\n    v = mu"))
    for candidate in readings(text):
        assert not any(follows(function, candidate, places) for places in callers(candidate))


def readings(text: str) -> list[Candidate]:
    """Every reading of a function as an update rule; none where it is refused."""
    try:
        found = [c for draft in read_drafts(text, "step.py") for c in candidates(draft, {})]
    except UserError:
        return []
    return [c for c in found if not c.rule.is_average and not _is_made(c.roles["g"], text)]


def _is_made(name: str, text: str) -> bool:
    """Whether the function makes what counts as its gradient, as the derivative of something: it is not given."""
    lines = [line.strip() for line in text.splitlines()[1:]]
    using = next((line for line in lines if re.search(rf"\b{name}\b", line)), "")
    target, _, value = using.partition(" = ")
    return target == name and not re.search(rf"\b{name}\b", value)


def made(text: str) -> Callable[..., Any]:
    """The function, defined."""
    space: dict[str, Any] = {}
    exec(compile(text, "step.py", "exec"), space)  # noqa: S102  # its text was made above
    function: Callable[..., Any] = space["step"]
    return function


def kept(candidate: Candidate) -> list[str]:
    return ["theta", *candidate.rule.state_names]


def callers(candidate: Candidate) -> Iterator[dict[str, int]]:
    """What a caller may do with the two values returned: give them to arguments that are kept, or leave them."""
    names = kept(candidate)
    for places in product((0, 1, None), repeat=len(names)):
        given = {name: place for name, place in zip(names, places, strict=True) if place is not None}
        if len(set(given.values())) == len(given):
            yield given


def follows(function: Callable[..., Any], candidate: Candidate, places: dict[str, int]) -> bool:
    """Whether the function, called again and again with arrays that it may store into, gives what the rule says."""
    rule, spelled = candidate.rule, candidate.roles
    hyperparameters = {n: NUMBERS.get(spelled[n], Fraction(2, 7)) for n in rule.hyperparameter_names}
    starts = exact([s.initial for s in rule.states], {**hyperparameters, "theta": THETA})
    now = {name: array(start) for name, start in zip(kept(candidate), (THETA, *starts), strict=True)}
    for step, g in zip(trajectory(rule, hyperparameters, THETA, GRADIENTS), GRADIENTS, strict=True):
        arguments: dict[str, Any] = {
            spelled[n]: value for n, value in {**hyperparameters, **now, "g": array(g)}.items()
        }
        returned = function(**{n: arguments.get(n, Fraction(0)) for n in ("w", "dw", "v", "lr", "mu")})
        now |= {name: returned[place] for name, place in places.items()}
        if any(np.any(now[name] != step[name]) for name in kept(candidate)):
            return False
    return True


def array(value: Any) -> Any:
    """One number in an array, exact."""
    return np.array([value], dtype=object)
