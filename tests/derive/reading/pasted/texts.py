"""Random texts of code to paste, what they are read as, and what the readings say that they do.

The texts are made here, so that running them is safe; a text that is given is only ever read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import QUERY, exact, trajectory
from derive.reading.drafts import Candidate, candidates, read_drafts

NUMBERS = {"lr": Fraction(1, 3), "mu": Fraction(3, 5)}
OTHER = Fraction(2, 7)
THETA = Fraction(7, 2)
GRADIENTS = (Fraction(2), Fraction(-5, 3), Fraction(11, 7))


# Words of the texts


def one_of(draw: st.DrawFn, *choices: str) -> str:
    return draw(st.sampled_from(choices))


def formula(draw: st.DrawFn, names: Sequence[str]) -> str:
    left, right = draw(st.sampled_from(names)), draw(st.sampled_from((*names, "2", "(1 - mu)")))
    if draw(st.booleans()):
        return f"{left} {one_of(draw, '+', '-', '*')} {right}"
    return f"{left} {one_of(draw, '-', '+')} {one_of(draw, 'lr', 'mu')} * {right}"


def lines(draw: st.DrawFn, names: Sequence[str], new: Sequence[str] = ("a",), most: int = 4) -> list[str]:
    """Statements of every kind that stores something, each name read once it is there."""
    known, found = [*names], list[str]()
    arrays = [n for n in names if n not in ("lr", "mu", "t")]
    for _ in range(draw(st.integers(1, most))):
        target, value = draw(st.sampled_from((*arrays, *new))), formula(draw, known)
        other = draw(st.sampled_from((*arrays, *new)))
        kind = draw(st.integers(0, 9))
        if kind == 0 and target in known:
            found.append(f"{target} {one_of(draw, '+', '-', '*')}= {value}")
        elif kind == 1 and target in arrays:
            found.append(f"{target}[:] = {value}")
        elif kind == 2 and target in arrays:
            found.append(
                f"np.{one_of(draw, 'add', 'subtract', 'multiply')}({one_of(draw, *arrays)}, {value}, out={target})"
            )
        elif kind == 3 and target != other:
            found.append(f"{target}, {other} = {value}, {formula(draw, known)}")
            known.append(other)
        elif kind == 4 and target != other:
            found.append(f"{target} = {other} = {value}")
            known.append(other)
        elif kind == 5:
            found.append(f"{target} = {one_of(draw, *arrays)}{one_of(draw, '', '.copy()')}")
        elif kind == 6 and target in known:
            test = one_of(draw, "t == 1", "t > 1", "mu") if "t" in known else one_of(draw, "mu", "mu > 1", "lr != 0")
            found.append(f"if {test}:\n    {target} = {value}")
            if draw(st.booleans()):
                found[-1] += f"\nelse:\n    {target} {one_of(draw, '=', '+=')} {formula(draw, known)}"
        elif kind == 7:
            found.append(f"{target} = {value} if {one_of(draw, 'mu > 1', 'lr != 0')} else {formula(draw, known)}")
        else:
            found.append(f"{target} = {value}")
        known.append(target)
    return found


def indented(statements: Sequence[str], depth: int) -> str:
    return "\n".join(" " * depth + line for s in statements for line in s.split("\n")) + "\n"


def array(value: Any) -> Any:
    """One number in an array, exact."""
    return np.array([value], dtype=object)


def defined(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {"np": np}
    exec(compile(text, "step.py", "exec"), space)  # noqa: S102  # its text was made here
    return space


# What is read


def readings(text: str) -> list[Candidate]:
    try:
        found = [c for draft in read_drafts(text, "step.py") for c in candidates(draft, {})]
    except UserError:
        return []
    return [c for c in found if not c.rule.is_average]


def numbers(candidate: Candidate) -> dict[str, Fraction]:
    """The hyperparameters: what the text gives a value has that."""
    given = {h.name: h.default for h in candidate.rule.hyperparameters if h.default is not None}
    return {
        n: given[n] if n in given else NUMBERS.get(candidate.roles[n], OTHER)
        for n in candidate.rule.hyperparameter_names
    }


def said(candidate: Candidate, gradients: Sequence[Fraction] = GRADIENTS) -> tuple[list[Any], list[Any]]:
    """What theta is after each step of a reading, and the points that it asks for a gradient at."""
    steps = list(trajectory(candidate.rule, numbers(candidate), THETA, gradients))
    return [s["theta"] for s in steps], [s.get(QUERY) for s in steps]


def starts(candidate: Candidate) -> dict[str, Any]:
    """What each kept name holds before the first step, by its name in the text."""
    rule = candidate.rule
    values = exact([s.initial for s in rule.states], {**numbers(candidate), "theta": THETA})
    return {candidate.roles[n]: v for n, v in zip(rule.state_names, values, strict=True)}


def is_given(name: str, text: str) -> bool:
    """Whether nothing in the text makes what a reading calls the gradient: it may have made a formula the gradient."""
    using = next(
        (line for line in text.splitlines() if re.search(rf"(?<![.\w]){name}\b", line.partition("def ")[0])), ""
    )
    using = re.sub(r"np.*\((.*), out=(\w+)\)", r"\2 = \1", using)
    *targets, value = using.split(" = ")
    return not (re.search(rf"\b{name}\b", " ".join(targets)) and not re.search(rf"\b{name}\b", value))


def given_readings(text: str) -> list[Candidate]:
    return [
        c
        for c in readings(text)
        if not c.roles["g"].startswith("self.")
        and is_given(c.roles["g"], text)
        and c.rule.query is None
        and not c.rule.asked
    ]


def assert_told_apart(plain: str, doubled: str, follows: Callable[[str, Candidate], bool | None]) -> None:
    """Each reading of the plain text is what that does, and none is what the text with one line more does."""
    found = given_readings(plain)
    assert found
    assert all(follows(plain, candidate) for candidate in found if candidate.roles["g"] in ("dw", "gs"))
    assert not any(follows(doubled, candidate) for candidate in found)
