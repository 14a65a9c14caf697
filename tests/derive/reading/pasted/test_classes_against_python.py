"""Classes are read as what their objects do: random texts, really run."""

from __future__ import annotations

import re
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
    given_readings,
    indented,
    lines,
    numbers,
    one_of,
    said,
)


@st.composite
def classes(draw: st.DrawFn) -> str:
    """A class with its state in `self`: numbers, arrays, a dictionary, or nothing until the first step."""
    state = one_of(draw, "self.v", "self.v", 'self.s["v"]')
    counting = draw(st.booleans())
    start = one_of(draw, "0", "1", "None") if state == "self.v" else "0"
    init = ["self.lr = lr", "self.mu = mu", *(['self.s = {"v": 0}'] if state != "self.v" else [f"self.v = {start}"])]
    init += [f"self.t = {one_of(draw, '0', '0', '1')}"] if counting else []
    init += (
        [one_of(draw, "self.mu = 1 - mu", "self.lr = 2 * lr", "self.mu, self.lr = lr, mu")]
        if not draw(st.integers(0, 4))
        else []
    )
    known = ["w", "dw", state, "self.lr", "self.mu", *(["self.t"] if counting else [])]
    body = [re.sub(r"(?<![.\w])(lr|mu)\b", r"self.\1", line) for line in lines(draw, known)]
    if start == "None":
        value = one_of(draw, "np.zeros_like(w)", "np.ones_like(w)", "dw", "w", "0")
        body.insert(0, f"if self.v is None:\n    self.v = {value}")
    if counting:
        body.insert(draw(st.integers(0, len(body))), "self.t += 1")
    extra = one_of(
        draw,
        "",
        "",
        "",
        "    v = 3\n",
        "    def reset(self):\n        self.v = 0\n",
        "    @property\n    def rate(self):\n        return 2 * self.lr\n",
    )
    if "rate" in extra:
        body = [line.replace("self.lr", "self.rate") for line in body]
    end = one_of(
        draw,
        "return w",
        "return w - self.lr * dw",
        f"return w - {state}",
        "pass",
        f"return w + {state}",
        "return w, dw",
    )
    body.append(end)
    head = f"class Opt:\n{extra}    def __init__(self, lr=0.1, mu=0.9):\n{indented(init, 8)}"
    return f"{head}    def step(self, w, dw):\n{indented(body, 8)}"


def class_like(text: str, candidate: Candidate) -> bool | None:
    """Whether an object of the class, stepped, gives what the reading says; None where Python can't."""
    roles, thetas, answers = candidate.roles, said(candidate)[0], list[bool]()
    for place in (0, 1, None):
        by_name = {roles[n]: v for n, v in numbers(candidate).items()}
        try:
            kept = defined(text)["Opt"](lr=by_name.get("lr", OTHER), mu=by_name.get("mu", OTHER))
            found, now = list[Any](), {**by_name, roles["theta"]: array(THETA)}
            for gradient in GRADIENTS:
                now[roles["g"]] = array(gradient)
                returned = kept.step(*(now.get(n, array(OTHER)) for n in ("w", "dw")))
                if roles["theta"] in ("w", "dw"):
                    if place is not None:
                        now[roles["theta"]] = (returned if isinstance(returned, tuple) else (returned,))[place]
                    value = now[roles["theta"]]
                else:
                    return None
                found.append(np.array(value).reshape(-1)[0])
        except (TypeError, ValueError, AttributeError, NameError, IndexError):
            continue
        answers.append(found == thetas)
    return any(answers) if answers else None


@given(classes())
def test_classes(text: str) -> None:
    for candidate in given_readings(text):
        assert class_like(text, candidate) is not False, (candidate.roles, str(candidate.rule), text)


def test_the_comparison_would_notice() -> None:
    """The reading of one text is no way to run another."""
    text = (
        "class Opt:\n    def __init__(self, lr=0.1, mu=0.9):\n        self.lr = lr\n"
        "    def step(self, w, dw):\n{}        return w - self.lr * dw\n"
    )
    assert_told_apart(text.format(""), text.format("        w = 2 * w\n"), class_like)
