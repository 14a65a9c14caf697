"""A step of several arrays at once is read as what Python does with each of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from derive.evaluate import trajectory
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
    starts,
)


@st.composite
def parts(draw: st.DrawFn) -> str:
    """A step of several arrays: by key, by item, by index."""
    head, *names = draw(
        st.sampled_from(
            (
                ("for k in ps:", "ps[k]", "gs[k]", "vs[k]"),
                ("for k, p in ps.items():", "p", "gs[k]", "vs[k]"),
                ("for i, p in enumerate(ps):", "p", "gs[i]", "vs[i]"),
                ("for i in range(len(ps)):", "ps[i]", "gs[i]", "vs[i]"),
                ("for p, g, v in zip(ps, gs, vs):", "p", "g", "v"),
                ("for p, g, v in zip(ps, gs[1:], vs):", "p", "g", "v"),
                ("for i, (p, g) in enumerate(zip(ps, gs)):", "p", "g", "vs[i]"),
            )
        )
    )
    written = dict(zip(("w", "dw", "v"), names, strict=True))
    body = [
        re.sub(r"\b(w|dw|v)\b", lambda found: written[found[0]], line)
        for line in lines(draw, ["w", "dw", "v", "lr", "mu"])
    ]
    return f"{head}\n{indented(body, 4)}"


def parts_like(text: str, candidate: Candidate) -> bool | None:
    """Whether each array goes as the reading says; None where Python can't run the text."""
    roles, rule = candidate.roles, candidate.rule
    keys: list[Any] = ["W", "b"] if "for k" in text else [0, 1]
    if {roles["theta"], roles["g"], *starts(candidate)} - {"ps", "gs", "vs"} - ({"p", "g", "v"} & set(roles.values())):
        return None
    container = {"p": "ps", "g": "gs", "v": "vs"}
    space: dict[str, Any] = {n: {k: array(OTHER) for k in keys} for n in ("ps", "gs", "vs")}
    for role, value in {**starts(candidate), roles["theta"]: THETA}.items():
        space[container.get(role, role)] = {k: array(value) for k in keys}
    if keys == [0, 1]:
        space = {n: list(c.values()) for n, c in space.items()}
    space |= {"np": np, "lr": NUMBERS["lr"], "mu": NUMBERS["mu"]}
    given_at = {k: [gradient * (j + 1) for gradient in GRADIENTS] for j, k in enumerate(keys)}
    found = {k: list[Any]() for k in keys}
    theta, g = (container.get(roles[n], roles[n]) for n in ("theta", "g"))
    if not isinstance(space.get(g), dict | list):
        return None
    for step in range(len(GRADIENTS)):
        for k in keys:
            space[g][k] = array(given_at[k][step])
        if "t" in roles:
            space[roles["t"]] = step + 1
        try:
            exec(compile(text, "step.py", "exec"), space)  # noqa: S102  # its text was made here
        except (TypeError, ValueError, AttributeError, NameError):
            return None
        for k in keys:
            found[k].append(np.array(space[theta][k]).reshape(-1)[0])
    values = numbers(candidate)
    return all(found[k] == [s["theta"] for s in trajectory(rule, values, THETA, given_at[k])] for k in keys)


@given(parts())
def test_parts(text: str) -> None:
    for candidate in given_readings(text):
        assert parts_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


def test_the_comparison_would_notice() -> None:
    """The reading of one text is no way to run another."""
    text = "for k in ps:\n{}    ps[k] -= lr * gs[k]\n"
    assert_told_apart(text.format(""), text.format("    ps[k] *= 2\n"), parts_like)
