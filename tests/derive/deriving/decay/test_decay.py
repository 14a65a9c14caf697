"""Weight decay: which kind a rule has, its numbers, and against runs of the rule itself."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as F
from functools import partial
from random import Random

import pytest

from derive.deriving import Derivation
from derive.deriving.decay import coupled_decay, decayed_range, decoupled_decay, noise_equilibrium
from derive.deriving.decay.structure import coupled, decoupled
from derive.evaluate import ball, enclosed, exact, trajectory
from derive.expr import Expr
from derive.library import LIBRARY
from derive.reading.read import read_text
from derive.rule import Rule
from tests import bounded_rules as own

ADAM, ADAMW, ADAM_L2, LION = (
    next(r for r in LIBRARY if r.name == name) for name in ("adam", "adamw", "adam_l2", "lion")
)
KINDS: list[tuple[Rule, bool, bool]] = [
    (ADAM, False, False),
    (ADAMW, True, False),
    (ADAM_L2, False, True),
    (LION, True, False),
    (own.decayed_descent, True, True),
    (own.momentum_coupled, False, True),
    (own.momentum_decoupled, True, False),
    (own.adamw_late, True, False),
    (own.adamw_lr_free, True, False),
]


def number(expr: Expr, **values: F) -> float:
    return float(enclosed([expr], values)[0])  # type: ignore[arg-type]


def derived(derive: Callable[[Rule], Derivation | None], rule: Rule) -> Derivation:
    found = derive(rule)
    assert found is not None
    assert found.holds, [str(s.chain) for s in found.checked if not s.verdict]
    return found


@pytest.mark.parametrize(("rule", "beside", "inside"), KINDS, ids=[rule.name for rule, *_ in KINDS])
def test_the_kind_of_decay_is_found_from_the_step(rule: Rule, beside: bool, inside: bool) -> None:
    assert (decoupled(rule) is not None) is beside
    assert (coupled(rule) is not None) is inside
    for derive in (decoupled_decay, decayed_range, noise_equilibrium, coupled_decay):
        found = derive(rule)
        assert found is None or found.holds, [str(s.chain) for s in found.checked if not s.verdict]


def test_half_life_and_shrink_factor() -> None:
    """69315 steps at lr = 1e-3 and a decay of 1e-2."""
    found = derived(decoupled_decay, ADAMW)
    assert str(found.quantities["shrink_factor"]) == "1 - lr * weight_decay"
    half = found.quantities["half_life"]
    assert number(half, lr=F(1, 1000), weight_decay=F(1, 100)) == pytest.approx(69314.4, abs=0.1)
    assert str(derived(decoupled_decay, own.adamw_lr_free).quantities["shrink_factor"]) == "1 - wd"


def test_before_or_after_the_step() -> None:
    early, late = decoupled(ADAMW), decoupled(own.adamw_late)
    assert early is not None
    assert late is not None
    assert (early.after_the_step, late.after_the_step) == (False, True)


def test_the_range_is_the_bound_of_the_step_over_the_decay() -> None:
    found = derived(decayed_range, ADAMW)
    at = {"lr": F(1, 1000), "weight_decay": F(1, 10), "beta1": F(9, 10), "beta2": F(999, 1000)}
    assert number(found.quantities["theta_bound"], **at) == pytest.approx(72.703, abs=1e-3)
    assert number(found.quantities["theta_bound"], **{**at, "beta2": F(9, 10)}) == pytest.approx(10)
    rest = found.quantities["theta_under_a_constant_gradient"]
    assert str(rest) == "abs(g) / (abs(g) + eps) * (1 / weight_decay)"
    assert number(rest, **at, eps=F(1, 10**8), g=F(-1, 10**8)) == pytest.approx(5)
    assert str(derived(decayed_range, LION).quantities["theta_bound"]) == "1 / weight_decay"
    assert any("beta1**2 < beta2" in a for a in found.assumptions)
    assert decayed_range(own.momentum_decoupled) is None


def test_a_constant_gradient_is_spoken_of_only_where_its_steps_are_known() -> None:
    """With a factor of b above one the second step of the last rule goes the other way."""
    text = (
        "def own(theta, g, m=0, *, lr=positive(0.01), b={}, wd=nonnegative(0.1)):\n    m = {}*m + g\n"
        "    theta = theta - lr*(sign(m) + wd*theta)\n    return theta, m\n"
    )
    known = derived(decayed_range, read_text(text.format("decay(0.9)", "b"), "own"))
    assert "constant sign" in known.statement
    unknown = derived(decayed_range, read_text(text.format("nonnegative(2)", "-b"), "own"))
    assert "constant sign" not in unknown.statement


def test_where_noise_holds_a_parameter() -> None:
    """sqrt(lr/(decay (2 - lr decay))), against the recursion of the variance."""
    found = derived(noise_equilibrium, LION)
    lr, decay = F(1, 10), F(1, 2)
    variance = F(0)
    for _ in range(400):
        variance = F(float((1 - lr * decay) ** 2 * variance + lr**2))
    assert number(found.result, lr=lr, weight_decay=decay) == pytest.approx(float(variance) ** 0.5, rel=1e-9)
    assert str(found.quantities["noise_rms_small_lr"]) == "sqrt(lr / (2 * weight_decay))"
    rng = Random(0)  # signs drawn at random are independent steps of unit size
    run = [F(rng.choice((-1, 1))) for _ in range(300)]
    start = {"beta1": F(0), "beta2": F(0), "lr": lr, "weight_decay": decay}
    steps = trajectory(LION, start, F(0), run, arithmetic=partial(ball, bits=60))
    mean = sum(float(s["theta"]) ** 2 for s in steps[20:]) / len(steps[20:])
    assert mean**0.5 == pytest.approx(number(found.result, lr=lr, weight_decay=decay), rel=0.25)


def test_momentum_makes_a_coupled_decay_faster() -> None:
    """lr wd/(1 - beta) to first order: the slow root of the recursion without gradients."""
    found = derived(coupled_decay, own.momentum_coupled)
    at = {"lr": F(1, 100), "beta": F(9, 10), "wd": F(1, 1000)}
    rate = number(found.quantities["decay_per_step"], **at)
    assert rate == pytest.approx(1e-4)
    steps = trajectory(own.momentum_coupled, at, F(1), [F(0)] * 120, arithmetic=partial(ball, bits=100))
    assert 1 - float(steps[-1]["theta"] / steps[-2]["theta"]) == pytest.approx(rate, rel=1e-2)


def test_a_coupled_decay_is_normalised_away() -> None:
    """Without gradients Adam moves by lr whatever the decay: the first steps are the same for two of them."""
    found = derived(coupled_decay, ADAM_L2)
    assert "normalised away" in found.statement
    ends = []
    for decay in (F(1, 10), F(1, 1000)):
        at = {"eps": F(0), "weight_decay": decay}
        ends.append(trajectory(ADAM_L2, at, F(1), [F(0)] * 3, arithmetic=ball)[-1]["theta"])
    assert float(ends[0]) == pytest.approx(float(ends[1]), rel=1e-12)
    assert str(found.result) == "g + weight_decay * theta"


def test_descent_is_both() -> None:
    found = derived(coupled_decay, own.decayed_descent)
    assert "exactly" in found.statement
    assert exact([found.quantities["decay_per_step"]], {"lr": F(1, 2), "wd": F(1, 3)}) == [F(1, 6)]


def test_a_share_that_is_not_there_is_not_found() -> None:
    """A rule that decays towards its velocity has no decoupled decay of theta."""
    assert decoupled(own.momentum_coupled) is None
    assert coupled(own.momentum_decoupled) is None


def test_a_correction_folded_into_the_learning_rate_warms_the_decay_up() -> None:
    """lr sqrt(1 - beta2^t) wd: smaller at first, lr wd in the end; no half-life and no range is claimed."""
    found = derived(decoupled_decay, own.adamw_folded)
    share = found.quantities["decay_per_step"]
    at = {"lr": F(1, 10), "wd": F(1, 10), "beta2": F(999, 1000)}
    assert number(share, **at, t=F(1)) == pytest.approx(0.01 * 0.001**0.5)
    assert number(share, **at, t=F(10**5)) == pytest.approx(0.01)
    assert "half_life" not in found.quantities
    assert any(s.relation == "→" and str(s.chain[-1]) == "lr * wd" for s in found.checked)
    assert any(str(s.chain[0]).count("<=") == 1 for s in found.checked)
    assert decayed_range(own.adamw_folded) is None
    assert noise_equilibrium(own.adamw_folded) is None
