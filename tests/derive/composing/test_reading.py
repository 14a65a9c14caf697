"""Pieces, schedules and compositions as text: read where they are what they say, refused with the line elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive import Rule, compose, prove
from derive.composing import KNOWN, PIECES, clip_by_norm, ema_of_weights
from derive.composing.reading import read_piece, read_schedule
from derive.errors import UserError
from derive.expr import to_text
from derive.library.lookup import find_rule
from derive.reading.source import find_named

FILE = """
from derive import compose, piece, rule, schedule, scheduled
from derive.composing import clip_by_norm, ema_of_weights, linear_warmup
from derive.language import nonnegative, sign, step, whole
from derive.library import adamw

LIMIT = 0.5

my = compose(clip_by_norm(LIMIT), adamw, ema_of_weights(0.999))
warm = scheduled(my, lr=linear_warmup(10))
own = scheduled(compose(signed(2), descent), lr=halves(k=4))
texts = compose("adam", name="other")

@piece(paper="none")
def signed(theta, g, *, c=nonnegative(1)):
    theta = step(theta, c * sign(g))
    return theta

@schedule
def halves(t, *, k=whole(3)):
    return 1 / 2 if t > k else 1

@rule
def descent(theta, g, *, lr=nonnegative(0.1)):
    theta = theta - lr * g
    return theta

def plain(theta, g, *, lr=nonnegative(0.1)):
    return theta - lr * g
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.py"


def found(path: Path, name: str, more: str = "") -> Rule:
    path.write_text(FILE + more)
    return find_rule(f"{path}::{name}")


def test_compositions_of_a_file(path: Path) -> None:
    made = compose(clip_by_norm(0.5), "adamw", ema_of_weights(0.999))
    read = found(path, "my")
    assert (read.name, read.body, read.hyperparameters) == ("my", made.body, made.hyperparameters)
    assert read.source == "my = compose(clip_by_norm(LIMIT), adamw, ema_of_weights(0.999))"
    assert read.where == "mine.py:9"
    assert find_rule(f"{path}::warm").defaults["warmup"] == 10
    assert find_rule(f"{path}::texts").body == find_rule("adam").body
    own = find_rule(f"{path}::own")
    assert own.defaults["k"] == 4
    assert own.defaults["c"] == 2
    assert prove(find_rule(f"{path}::plain"), find_rule(f"{path}::descent"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bad = compose(open('x'), adamw)", "no rule 'open'"),
        ("bad = compose(bad)", "'bad' is composed of itself"),
        ("bad = compose(clip_by_norm(LIMIT.real), adamw)", "is no literal number"),
        ("bad = compose(*[adamw])", "hides what it is given"),
        ("bad = compose(adamw, lambda x: x)", "can't be read in a composition"),
        ("bad = compose(linear_warmup, adamw)", "stands for no hyperparameter"),
        ("bad = compose(adamw())", "the rule 'adamw' is called"),
        ("bad = compose(adamw, name=LIMIT)", "a composition has parts, and name= at most"),
        ("bad = clip_by_norm(1)", "'bad' is no rule"),
        ("bad = scheduled(adamw, lr=adamw)", "by schedules"),
        ("from elsewhere import adam as adamx\nbad = compose(adamx)", "is none of the rules, pieces and schedules"),
        ("twice = 1\ntwice = compose(adamw)\nbad = compose(twice)", "bound more than once"),
        ("bad = compose(clip_by_norm(-1), adamw)", "outside"),
    ],
)
def test_what_a_composition_may_not_hold(path: Path, line: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        found(path, "bad", line)


@pytest.mark.parametrize("name", ["signed", "halves"])
def test_a_piece_is_no_rule(path: Path, name: str) -> None:
    with pytest.raises(UserError, match="and no rule; compose it with one"):
        found(path, name)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    return theta - g", "a piece has one step, and this one none"),
        ("    theta = step(step(theta, g), g)\n    return theta", "a piece has one step, and this one 2"),
        ("    return step(theta, g)", "can't be read in this place"),
        ("    if g > 0:\n        g = 0\n        theta = step(theta, g)\n    return theta", "in this place"),
        ("    if g > 0:\n        theta = step(theta, g)\n    else:\n        theta = 0\n    return theta", "this place"),
        ("    theta = step(theta)\n    return theta", "given a parameter and a gradient"),
        ("    theta = step(theta, g, g=1)\n    return theta", "has names"),
        ("    theta = step(theta, eval('g'))\n    return theta", "eval"),
    ],
)
def test_what_is_no_piece(body: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_piece(find_named(f"def f(theta, g, t):\n{body}\n", "f.py", "f"))


@pytest.mark.parametrize("text", ["def f(x):\n    return 1", "def f(t, m=0):\n    m = m + t\n    return m"])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(UserError):
        read_schedule(find_named(text, "f.py", "f"))


def test_a_piece_may_ask_for_gradients_itself() -> None:
    text = """
def ahead(theta, g, *, rho=nonnegative(0.05)):
    first = grad(theta)
    second = grad(theta + rho * first / norm(first))
    theta = step(theta, second)
    return theta
"""
    sharp = read_piece(find_named(text, "f.py", "ahead"))
    made = compose(sharp, clip_by_norm, "gradient_descent")
    assert [to_text(point) for _, point in made.questions] == ["theta", "theta + rho * g / norm(g)"]
    with pytest.raises(UserError, match="both would say where gradients are taken"):
        compose(sharp, "nesterov")


def test_every_piece_says_where_it_is_from() -> None:
    for part in KNOWN.values():
        assert part.doc
        assert part.doc.endswith(".")
    assert all(str(piece.reference) for piece in PIECES)
