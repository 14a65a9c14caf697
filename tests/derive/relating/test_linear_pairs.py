"""Linear rules side by side: every branch in the answer, modes that never show, and several steps in one."""

from __future__ import annotations

from derive.reading.read import read_text
from derive.relating import prove
from tests.derive.relating.forms import RULES

TWICE = """
def twice(theta, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    g1 = grad(theta)
    v = beta * v + lr * g1
    half = theta - v
    g2 = grad(half)
    v = beta * v + lr * g2
    theta = half - v
    return theta, v

def twice_at_the_start(theta, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    g1 = grad(theta)
    v = beta * v + lr * g1
    g2 = grad(theta)
    v = beta * v + lr * g2
    theta = theta - v
    return theta, v
"""


def test_two_steps_of_one_are_one_of_the_other() -> None:
    twice = read_text(TWICE, "twice", "twice.py")
    verdict = prove(RULES["momentum"], twice)
    assert (verdict.status, verdict.relation) == ("proved", "repetition")
    verdict = prove(twice, RULES["momentum_ema"])
    assert (verdict.status, verdict.relation) == ("proved", "repetition")
    assert verdict.maps["A.lr"] == "B.lr * (1 - B.beta)"


def test_two_gradients_at_one_point_are_not_two_steps() -> None:
    wrong = read_text(TWICE, "twice_at_the_start", "twice.py")
    verdict = prove(RULES["momentum"], wrong)
    assert verdict.status != "proved"
    assert verdict.counterexample is not None


def test_a_mode_that_never_shows_and_grows_is_named() -> None:
    verdict = prove(RULES["momentum"], RULES["with_idle_buffer"])
    assert verdict
    assert verdict.warnings == ("B: u never shows: z - 3 = 0, grows",)


def test_every_branch_is_in_the_answer() -> None:
    kinds = [branch["kind"] for branch in prove(RULES["momentum"], RULES["momentum_ema"]).branches]
    assert kinds == ["equal", "degenerate"]
    assert [branch["kind"] for branch in prove(RULES["nesterov"], RULES["momentum"]).branches] == [
        "conditional",
        "degenerate",
    ]
    assert prove(RULES["adam"], RULES["adamw"]).branches == ()
