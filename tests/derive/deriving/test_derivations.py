"""What is derived, for every rule of the library and for rules nobody wrote here, against exact runs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from derive.deriving import Derivation, derivations
from derive.deriving.averages.weights import weight_sum
from derive.deriving.derivation import equal
from derive.deriving.linear import LinearBuffer, is_driven_by_input, linear_buffers
from derive.deriving.rates import effective_lr
from derive.evaluate import ball, exact, trajectory
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols, to_text
from derive.library import LIBRARY
from derive.proving import Assumptions
from derive.reading.read import read_path
from derive.rendering import render
from derive.rule import DECAY, Rule
from tests.sample import SAMPLE

RULES = {rule.name: rule for rule in LIBRARY}
HYPERS = {"lr": Fraction(1, 3), "beta": Fraction(2, 3), "beta1": Fraction(1, 2), "beta2": Fraction(3, 4),
          "eps": Fraction(1, 5), "weight_decay": Fraction(0), "mu": Fraction(1, 4), "nu": Fraction(2, 5),
          "rho": Fraction(3, 5), "psi": Fraction(2)}  # fmt: skip


def read_rule(tmp_path: Path, source: str) -> Rule:
    path = tmp_path / "own.py"
    path.write_text(source)
    return read_path(str(path), "own")


def titled(rule: Rule, title: str) -> Derivation:
    return next(d for d in derivations(rule) if d.title.startswith(title))


def at(expr: Expr, **values: Fraction | int) -> Fraction:
    known = {**HYPERS, **{n: Fraction(v) for n, v in values.items()}}
    [value] = exact([expr], {n: known[n] for n in symbols(expr)})
    assert isinstance(value, Fraction)
    return value


@pytest.mark.parametrize("rule", SAMPLE, ids=lambda rule: rule.name)
def test_every_step_is_checked_and_holds(rule: Rule) -> None:
    found = derivations(rule)
    assert found or not linear_buffers(rule)
    for derivation in found:
        for step in derivation.checked:
            assert step.verdict, (derivation.title, step.why, step.verdict and step.verdict.message)
        assert derivation.holds


@pytest.mark.parametrize("rule", SAMPLE, ids=lambda rule: rule.name)
def test_everything_foretells_a_run(rule: Rule) -> None:
    """Which the compiled kernels make; `derive verify` shows that they go so."""
    assert [d.title for d in derivations(rule) if not d.experiments] == []


DRIVEN = [(r, b) for r in LIBRARY for b in linear_buffers(r) if is_driven_by_input(r, b) and b.starts_at_zero]


@pytest.mark.parametrize(("rule", "buffer"), DRIVEN, ids=[f"{r.name}-{b.name}" for r, b in DRIVEN])
def test_weight_sums_are_those_of_a_run(rule: Rule, buffer: LinearBuffer) -> None:
    """With the same input at each step, the buffer after t steps is that times the sum of the weights."""
    own = {h.name: HYPERS.get(h.name, h.default) or Fraction(0) for h in rule.hyperparameters}
    run = trajectory(rule, own, 0, [1] * 5)
    total = weight_sum(rule, buffer) * substitute([buffer.input], {"g": Number(1), "x": Number(1)})[0]
    for t, step in enumerate(run, 1):
        assert exact([total], {**own, "t": Fraction(t)}) == [step[buffer.name]]


def test_weight_sums_read_as_in_the_textbook() -> None:
    named = ("ewma", "rmsprop", "adam", "momentum", "adagrad")
    sums = {n: [to_text(weight_sum(RULES[n], b)) for b in linear_buffers(RULES[n])] for n in named}
    assert sums["ewma"] == sums["rmsprop"] == ["1 - beta**t"]
    assert sums["adam"] == ["1 - beta1**t", "1 - beta2**t"]
    assert sums["momentum"] == ["lr * (1 - beta**t) / (1 - beta)"]
    assert sums["adagrad"] == ["t"]


EFFECTIVE = {
    "gradient_descent": "lr",
    "momentum": "lr * (1 - beta**t) / (1 - beta)",
    "momentum_ema": "lr * (1 - beta**t)",
    "adagrad": "lr / (abs(g) * sqrt(t) + eps)",
    "rmsprop": "lr / (abs(g) * sqrt(1 - beta**t) + eps)",
    "adam": "lr / (abs(g) + eps)",
    "adamw": "lr / (abs(g) + eps)",
    "ewma": "1 - beta**t",
    "ewma_debiased": "1",
}


@pytest.mark.parametrize("name", EFFECTIVE)
def test_effective_learning_rates(name: str) -> None:
    derivation = effective_lr(RULES[name])
    assert derivation is not None
    assert to_text(derivation.result) == EFFECTIVE[name]


RATED = ("gradient_descent", "momentum", "nesterov", "qhm", "adagrad_eps_inside", "rmsprop", "adam_eps_hat", "adamax")


@pytest.mark.parametrize("rule", [RULES[name] for name in RATED], ids=lambda rule: rule.name)
@pytest.mark.parametrize("g", [Fraction(2), Fraction(-3, 2)])
def test_effective_learning_rate_is_that_of_a_run(rule: Rule, g: Fraction) -> None:
    """theta moves by the derived rate times the gradient, checked in balls at each of five steps."""
    derivation = effective_lr(rule)
    assert derivation is not None
    own = {n: HYPERS[n] for n in rule.hyperparameter_names}
    before: object = Number(0)
    for t, step in enumerate(trajectory(rule, own, 0, [g] * 5, arithmetic=ball), 1):
        known = {**HYPERS, "g": g, "t": Fraction(t)}
        rate: Any
        [rate] = ball([derivation.result], {n: known[n] for n in symbols(derivation.result)})
        start = ball([Number(0)], {})[0] if before is Number(0) else before
        assert (start - step["theta"]).overlaps(rate * ball([Number(g)], {})[0])
        before = step["theta"]


LIMITS = {
    "momentum": "lr / (1 - beta)",
    "momentum_ema": "lr",
    "adagrad": "0",
    "rmsprop": "lr / (abs(g) + eps)",
    "rmsprop_eps_inside": "lr / sqrt(g**2 + eps)",
    "adam_eps_hat": "lr / (abs(g) + eps)",
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_under_a_constant_gradient(name: str) -> None:
    derivation = effective_lr(RULES[name])
    assert derivation is not None
    last = derivation.steps[-1]
    assert last.relation == "→"
    assert last.verdict
    assert repr(last.chain[-1]) == LIMITS[name]


def test_where_a_limit_does_not_hold_is_said() -> None:
    assert titled(RULES["adagrad"], "Effective").steps[-1].why == "as t grows, except where `g = 0`"


def test_the_factor_of_a_rule_is_compared_with_the_derived_one(tmp_path: Path) -> None:
    assert "`m_hat` applies exactly that factor" in titled(RULES["adam"], "Bias correction of m").statement
    assert "No line of the rule scales `v` alone" in titled(RULES["rmsprop"], "Bias correction of v").statement
    wrong = read_rule(tmp_path, """
def own(x, t, m=0, *, beta=decay(0.9)):
    m = beta * m + (1 - beta) * x
    output = m / (1 - beta)**t
    return output, m
""")  # fmt: skip
    derivation = titled(wrong, "Bias correction of m")
    assert "`output` applies another factor" in derivation.statement
    assert derivation.holds


def test_a_correction_folded_into_the_learning_rate_is_found() -> None:
    derivation = titled(RULES["adam_eps_hat"], "The step in corrected buffers")
    assert derivation.statement == "No t is left where `eps = 0`: the bias is corrected."
    assert titled(RULES["adam"], "The step in corrected").statement == "No t is left: the bias is corrected."
    assert titled(RULES["rmsprop"], "The step in corrected").statement.startswith("t is left")


def test_a_buffer_with_a_start_of_its_own(tmp_path: Path) -> None:
    """Adagrad from an initial accumulator: the start keeps its full weight."""
    own = read_rule(tmp_path, """
def own(theta, g, s=None, *, lr=nonnegative(0.1), start=nonnegative(0.1)):
    if s is None:
        s = start
    s = s + g**2
    theta = theta - lr * g / sqrt(s)
    return theta, s
""")  # fmt: skip
    derivation = titled(own, "Effective learning rate")
    assert to_text(derivation.result) == "lr / sqrt(g**2 * t + start)"
    assert derivation.holds


def test_a_chain_of_averages_is_not_driven_by_its_input_alone(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(x, a=0, b=0, *, beta=decay(0.9)):
    a = beta * a + (1 - beta) * x
    b = beta * b + (1 - beta) * a
    output = b
    return output, a, b
""")  # fmt: skip
    assert [b.name for b in linear_buffers(own)] == ["a", "b"]
    assert not any(d.title.startswith("Response") for d in derivations(own))


def test_what_is_not_linear_has_no_weights(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(theta, g, v=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    v = maximum(beta * v, abs(g))
    theta = theta - lr * g / v
    return theta, v
""")  # fmt: skip
    assert linear_buffers(own) == ()
    assert not any(d.title.startswith("Unrolled") for d in derivations(own))


def test_a_broken_step_is_rejected() -> None:
    """One of each kind of mistake in a chain: coefficient, power, sign, root."""
    beta, t, g = Symbol("beta"), Symbol("t"), Symbol("g")
    given = Assumptions({"beta": DECAY})
    broken = [
        (beta * (1 - beta), beta - 2 * beta**2),
        (beta ** Number(3), beta * beta),
        (apply("sqrt", g**2), g),
        (1 - beta, beta - 1),
    ]
    for left, right in broken:
        step = equal(None, left, right, why="", given=given)
        assert step.verdict is not None
        assert step.verdict.status == "refuted"
    assert t


def holding(rule: Rule) -> bool:
    """Whether all that is claimed of a rule is proved."""
    return all(d.holds for d in derivations(rule))


def test_a_copy_of_the_last_gradient_is_no_average(tmp_path: Path) -> None:
    """Optimistic gradient descent: nothing is averaged, and the effective learning rate still comes out."""
    own = read_rule(tmp_path, """
def own(theta, g, prev=0, *, lr=nonnegative(0.1)):
    theta = theta - lr * (2 * g - prev)
    prev = g
    return theta, prev
""")  # fmt: skip
    assert holding(own)
    assert not any(d.title.startswith(("Unrolled", "Bias")) for d in derivations(own))


def test_decays_that_may_reach_one_are_not_unrolled(tmp_path: Path) -> None:
    """(1 - beta^t)/(1 - beta) says nothing at beta = 1; the tool must not claim it, nor blame the rule."""
    for domain in ("unit(0.9)", "0.9"):
        own = read_rule(tmp_path, f"""
def own(x, m=0, *, beta={domain}):
    m = beta * m + (1 - beta) * x
    output = m
    return output, m
""")  # fmt: skip
        assert holding(own)
        assert linear_buffers(own) == ()


def test_own_names_do_not_mix_with_those_of_a_derivation(tmp_path: Path) -> None:
    """k and c are this rule's hyperparameters, of either sign; ages and constants get other letters."""
    own = read_rule(tmp_path, """
def own(theta, g, v=0, *, lr=nonnegative(0.1), c=decay(0.9), k=real(2)):
    v = c * v + (1 - c) * g
    theta = theta - lr * abs(k) * v
    return theta, v
""")  # fmt: skip
    assert holding(own)
    assert "w[k_] = (1 - c) * c**k_" in render(own)
    assert "c_ is the constant input" in render(own)


def test_a_buffer_that_does_not_start_at_zero_has_no_simple_correction(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(theta, g, t, m=1, *, lr=nonnegative(0.1), beta=decay(0.9)):
    m = beta * m + (1 - beta) * g
    m_hat = m / (1 - beta**t)
    theta = theta - lr * m_hat
    return theta, m
""")  # fmt: skip
    assert holding(own)
    assert not any(d.title.startswith(("Bias", "The step")) for d in derivations(own))


def test_a_buffer_used_before_it_is_complete(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(theta, g, t, m=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    m = beta * m
    m_hat = m / (1 - beta**t)
    theta = theta - lr * m_hat
    m = m + (1 - beta) * g
    return theta, m
""")  # fmt: skip
    assert holding(own)
    said = " ".join(d.statement for d in derivations(own))
    assert "exactly that factor" not in said
    assert "No t is left" not in said


def test_a_hyperparameter_that_cannot_vanish_is_not_set_to_zero(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(theta, g, *, lr=nonnegative(0.1), decay_rate=positive(0.1)):
    theta = theta - lr * (g + decay_rate * theta)
    return theta
""")  # fmt: skip
    assert not any("decay_rate = 0" in a for d in derivations(own) for a in d.assumptions)


def test_a_limit_states_its_exceptions() -> None:
    assert titled(RULES["adagrad"], "Effective").statement.endswith("It tends to `0`, except where `g = 0`.")


def test_weights_read_every_input_as_it_was_then() -> None:
    """Coupled decay: the parameter that enters with a gradient is the one of that time."""
    assert "sum of w[k] * (g[t-k] + weight_decay * theta[t-k-1]) over k" in render(RULES["adam_l2"])


def test_labels_keep_clear_of_the_rule(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(theta, g, W=0, b=0, *, lr=nonnegative(0.1), beta=decay(0.9), k=real(1), k_=real(1)):
    W = beta * W + (1 - beta) * g
    b = beta * b + g
    theta = theta - lr * (W + b) * k * k_
    return theta, W, b
""")  # fmt: skip
    text = render(own)
    assert holding(own)
    assert "W_[t] = sum of w[k__] over k__" in text
    assert "b_[t] * W_[t] = " in text


def test_a_buffer_of_a_buffer_is_not_called_corrected(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(theta, g, t, m=0, n=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    m = beta * m + (1 - beta) * g
    n = beta * n + (1 - beta) * m
    theta = theta - lr * n / (1 - beta**t)
    return theta, m, n
""")  # fmt: skip
    assert holding(own)
    assert "No t is left" not in render(own)


@pytest.mark.parametrize("gain", ["(1 - d)", "lr"])
def test_weights_that_may_cancel_have_no_correction(tmp_path: Path, gain: str) -> None:
    own = read_rule(tmp_path, f"""
def own(theta, g, m=0, *, lr=real(0.1), beta=decay(0.9), d=unit(0.5)):
    m = beta * m + {gain} * g
    theta = theta - lr * d * m
    return theta, m
""")  # fmt: skip
    assert holding(own)
    assert not any(d.title.startswith("Bias") for d in derivations(own))


def test_a_state_that_starts_at_theta(tmp_path: Path) -> None:
    own = read_rule(tmp_path, """
def own(theta, g, z=None, *, lr=nonnegative(0.1), beta=decay(0.9)):
    if z is None:
        z = theta
    z = beta * z + (1 - beta) * g
    theta = theta - lr * z
    return theta, z
""")  # fmt: skip
    assert holding(own)
    assert "z[0] = theta[0]" in render(own)


def test_a_schedule_is_not_taken_for_a_bias(tmp_path: Path) -> None:
    """lr / t changes with t though the buffer is corrected: no more than that is said."""
    own = read_rule(tmp_path, """
def own(theta, g, t, m=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    m = beta * m + (1 - beta) * g
    m_hat = m / (1 - beta**t)
    theta = theta - lr / t * m_hat
    return theta, m
""")  # fmt: skip
    said = titled(own, "The step in corrected").statement
    assert said == "t is left: the step changes with t even where its corrected buffers do not."
    assert "not corrected" not in render(own)
