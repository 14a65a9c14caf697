"""Which of two rules has the larger rate on the same gradients: proved, refuted by a run, or unknown."""

from __future__ import annotations

from derive.deriving.rates.order import rate_at_least
from derive.library.lookup import find_rule
from derive.proving import Verdict
from derive.reading.read import read_text


def at_least(a: str, b: str) -> Verdict:
    return rate_at_least(find_rule(a), find_rule(b))


def test_one_rate_against_another() -> None:
    assert at_least("rmsprop", "adagrad")
    assert at_least("rmsprop", "rmsprop")
    below = at_least("adagrad", "rmsprop")
    assert below.status == "refuted"
    assert below.message == (
        "with gradients 1 the rate of adagrad is below that of rmsprop at step 1, where lr = 1/2, beta = 1/2, eps = 1/2"
    )
    assert at_least("lion", "adagrad").status == "unknown"  # a sign is no rate


def test_a_rate_that_is_larger_only_at_first() -> None:
    grown = read_text(
        """
def grown(theta, g, s=0, *, lr=nonnegative(0.01), eps=nonnegative(1e-10)):
    s = 2 * s + g**2
    theta = theta - lr * g / (sqrt(s) + eps)
    return theta, s
""",
        "grown",
    )
    assert rate_at_least(find_rule("adagrad"), grown).status in ("proved", "unknown")
    assert rate_at_least(grown, find_rule("adagrad")).status == "refuted"
