"""What holds inside a domain is not said at its edge, where a power of t does not fade or a limit is another one."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from derive.deriving import derivations
from derive.deriving.derivation import named_limit
from derive.deriving.linear import given
from derive.deriving.stability.settled import late_domains, settled
from derive.errors import UserError
from derive.evaluate import exact, unrolled
from derive.expr import Number
from derive.library.lookup import find_rule
from derive.proving.limits import limit as proved_limit
from derive.rule import POSITIVE
from derive.stating import any_number, cycle, decide, effective_lr, find, limit, lone_gradient, run, step_bound

NADAM: Any = find("nadam")


def test_a_schedule_that_stands_still_is_not_at_its_limit() -> None:
    """With psi = 0 the momentum of NAdam stays at half of beta1 and does not reach it."""
    plain = settled(NADAM)
    assert plain is not None
    assert late_domains(NADAM, plain) == {"psi": POSITIVE}
    b, h = NADAM.beta1, any_number("h", "positive")
    claim = cycle(NADAM).cycle_amplitude == NADAM.lr * (1 - b) * (b + Fraction(1, 2)) / (b + 1) - NADAM.eps / h
    assert decide(claim)
    assert decide(claim.where(NADAM.psi == 0)).status == "unknown"
    assert decide((step_bound(NADAM).limit == step_bound(NADAM).limit).where(NADAM.psi == 0)).status == "unknown"
    for derivation in derivations(find_rule("nadam")):
        if derivation.title in ("Stability with the preconditioner held", "The cycle on a quadratic"):
            assert "`psi > 0`" in derivation.assumptions


def test_psi_of_zero_is_refused() -> None:
    with pytest.raises(UserError, match="psi"):
        cycle(NADAM).cycle_amplitude.at(psi=0)


@pytest.mark.parametrize("name", ["momentum", "qhm", "nesterov_torch"])
def test_the_steps_after_a_lone_gradient_are_those_of_a_run(name: str) -> None:
    """Where the gradient enters the step itself the next step is another share of it than those that follow."""
    rule, spike = find_rule(name), lone_gradient(name)
    steps = unrolled(rule, {}, 0, [1, 0, 0, 0])
    thetas: list[Any] = exact([Number(0), *(step["theta"] for step in steps)], {})
    first, second, third, _ = (b - a for a, b in pairwise(thetas))
    at_once = hasattr(spike, "spike_ratio")
    assert at_once is (second / first == third / second)
    shares = (spike.spike_ratio, spike.spike_ratio) if at_once else (spike.spike_next, spike.spike_later_ratio)
    assert [float(share.at_defaults) for share in shares] == pytest.approx(
        [float(second / first), float(third / second)]
    )


def test_the_same_of_all_hyperparameters() -> None:
    qhm: Any = find("qhm")
    made, spike = run(qhm, [1, 0, 0], defaults=False), lone_gradient(qhm)
    assert decide((made.moved(2) == made.moved(1) * spike.spike_next).where(qhm.nu * qhm.beta < 1))
    assert decide(made.moved(3) == made.moved(2) * spike.spike_later_ratio)
    assert not decide(made.moved(2) == made.moved(1) * spike.spike_later_ratio)


def test_a_limit_with_exceptions_has_no_name() -> None:
    """Adagrad's rate tends to 0 but where g = 0, where it stays lr / eps."""
    found = proved_limit(effective_lr("adagrad").expr, "t", given(find_rule("adagrad")))
    assert found is not None
    assert found.exceptions
    assert named_limit("rate", found) == {}
    assert not hasattr(effective_lr("adagrad"), "limit")
    with pytest.raises(UserError, match="not shown where g = 0"):
        limit(effective_lr("adagrad"))
