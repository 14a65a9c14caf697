"""What was put in for a name before a limit was taken has to lie in its domain all the way."""

from __future__ import annotations

from derive.stating import any_number, decide, limit, t

s = any_number("s", "nonnegative")
shrunk = 1 / (1 + s**2)


def test_what_was_put_in_is_decided_before_the_variable_is_gone() -> None:
    inside, anywhere = any_number("a", "positive"), any_number("c")
    assert decide(limit(shrunk.at(s=inside / t)) == 1)
    assert decide(limit(shrunk.at(s=anywhere / t)) == 1).status == "unknown"


def test_it_does_not_rest_on_what_the_name_means_later() -> None:
    late = limit(shrunk.at(s=(t - 2) / t**2))  # below zero at t = 1
    assert decide(late == 1).status == "unknown"
    assert decide((late * t >= 1).at(t=5)).status == "unknown"
