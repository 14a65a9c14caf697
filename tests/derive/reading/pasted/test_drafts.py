"""Pasted text in, the likeliest rule out: each `cases*.txt` reads from top to bottom.

A case is a text, a line of dashes, and what is read: for each parameter the roles, what each state
holds at first (? where the text doesn't show it) and the step with the line each statement stands on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from derive.errors import UserError
from derive.reading.drafts import Candidate, Draft, candidates, read_drafts

CASES = sorted(Path(__file__).parent.glob("cases*.txt"))


def cases() -> Iterator[tuple[str, str, str]]:
    parts = (part for file in CASES for part in re.split(r"^=== ", file.read_text("utf-8"), flags=re.MULTILINE)[1:])
    for part in parts:
        title, _, body = part.partition("\n")
        text, _, expected = body.partition("\n---\n")
        yield title, text, expected.strip()


def read(text: str, given: Mapping[str, str] | None = None) -> str:
    try:
        drafts = read_drafts(text, "pasted")
        return "\n\n".join(shown(draft, next(iter(candidates(draft, given or {})))) for draft in drafts)
    except UserError as error:
        return f"refused: {error}"


def shown(draft: Draft, candidate: Candidate) -> str:
    rule, roles = candidate.rule, candidate.roles
    said = [f"{name} = {roles[name]}" for name in ("theta", "x", "g", "t", "output") if name in roles]
    starts = [f"{s.name} = {'?' if s.name in candidate.open_starts else s.initial}" for s in rule.states]
    constants = [h.name if h.default is None else f"{h.name} = {float(h.default)}" for h in rule.hyperparameters]
    lines = [
        f"{draft.parameter}{f', like {draft.like}' if draft.like else ''}: {', '.join(said)}",
        *([f"  starts {', '.join(starts)}"] if starts else []),
        *([f"  given {', '.join(constants)}"] if constants else []),
        *([f"  query {rule.query}"] if rule.query is not None else []),
        *(f"  {a.line}: {a}" for a in rule.body),
        *(f"  ({said})" for said in candidate.assumed),
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=title) for title, t, e in cases()])
def test_pasted_text(text: str, expected: str) -> None:
    assert read(text) == expected


MOMENTUM = "v = b v + (1 - b) dw\nw = w - a v"


def test_given_roles_are_kept() -> None:
    [draft] = read_drafts(MOMENTUM, "pasted")
    for candidate in candidates(draft, {"w": "theta", "dw": "g", "a": "lr"}):
        assert (candidate.roles["theta"], candidate.roles["g"], candidate.roles["lr"]) == ("w", "dw", "a")
    with pytest.raises(UserError, match="'u' is no name of the text"):
        list(candidates(draft, {"u": "theta"}))
    with pytest.raises(UserError, match="no name can be the parameter"):
        list(candidates(draft, {"v": "theta"}))
    with pytest.raises(UserError, match="two names are given one role"):
        list(candidates(draft, {"v": "theta", "w": "theta"}))


def test_names_do_not_decide() -> None:
    """Whatever the names, the parameter, the gradient and the state of some candidate are those meant."""
    text = MOMENTUM.replace("dw", "theta").replace("v", "g").replace("w", "beta")
    [draft] = read_drafts(text, "pasted")
    roles = [c.roles for c in candidates(draft)]
    assert any(r.get("theta") == "beta" and r.get("g") == "theta" and r.get("g_") == "g" for r in roles)


def test_candidates_are_the_same_every_time() -> None:
    [draft] = read_drafts(MOMENTUM, "pasted")
    assert [c.roles for c in candidates(draft)] == [c.roles for c in candidates(draft)]


def test_in_arrays_a_name_for_the_old_value_is_no_copy() -> None:
    text = "def f(w, dw, v, lr=0.1, mu=0.9):\n    old = v\n    v *= mu\n    v -= lr * dw\n    w += v - mu * old\n"
    [draft] = read_drafts(text, "pasted")
    with pytest.raises(UserError, match="another name of the same array"):
        list(candidates(draft))


def test_a_value_not_looked_into_belongs_to_one_point() -> None:
    """`h` is made from a buffer: it is no gradient at the parameter."""
    text = "while True:\n    h = shrink(m)\n    m = m + g\n    w = w - lr * h\n"
    [draft] = read_drafts(text, "pasted")
    with pytest.raises(UserError, match="not looked into"):
        list(candidates(draft, {"w": "theta"}))
