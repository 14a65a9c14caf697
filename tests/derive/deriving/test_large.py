"""A large constant under the fraction bar: where the rule it leads to is derived, and where there is none."""

from __future__ import annotations

from derive.deriving.rates.large import large_constant
from derive.expr import to_text
from derive.library.lookup import find_rule


def test_adam_with_a_large_epsilon_is_momentum_corrected() -> None:
    derived = large_constant(find_rule("adam"))
    assert derived is not None
    assert derived.holds
    assert to_text(derived.result) == "c * m[t] / (1 - beta1**t)"


def test_a_constant_that_a_state_takes_in_is_no_candidate() -> None:
    """AdaBelief adds epsilon to its second moment at each step: with the state held, its growth says nothing."""
    assert large_constant(find_rule("adabelief")) is None
