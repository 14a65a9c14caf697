"""Each pass, text in and text out; and each keeps the rule over the reals."""

from __future__ import annotations

from textwrap import dedent

import pytest

from derive.library import LIBRARY
from derive.proving import assumptions_of
from derive.reading.read import read_text
from derive.rule import Rule
from kernels.lower import goals, lower
from kernels.passes import passes
from kernels.program import inlined
from kernels.readback import equal, with_norms
from tests.zoo import NAMES, construct


def body_after(
    name: str, *statements: str, signature: str = "theta, g, t, *, lr=nonnegative(1), beta=decay(0.9)"
) -> str:
    """The prelude and body of a rule after the passes up to the one named."""
    rule = rule_of(*statements, signature=signature)
    program = lower(rule, "float32")
    for step in passes(rule.domains):
        program = step.apply(program)
        if step.name == name:
            break
    return "\n".join([*map(str, program.prelude), "--", *map(str, program.body)])


def rule_of(*statements: str, signature: str) -> Rule:
    lines = "".join(f"    {s}\n" for s in statements)
    return read_text(f"def some({signature}):\n{lines}    return theta\n", "some")


CASES = [
    ("powers", "theta = g**2", "--\ntheta_1 = g * g"),
    ("powers", "theta = g**5", "--\ntheta_1 = g * g * (g * g) * g"),
    ("powers", "theta = g**-1", "--\ntheta_1 = cast(1) / g"),
    ("powers", "theta = g**0.5", "--\ntheta_1 = sqrt(g)"),
    ("powers", "theta = g**1.5", "--\ntheta_1 = g * sqrt(g)"),
    ("powers", "theta = g**0.25", "--\ntheta_1 = g**cast(0.25)"),
    ("powers", "theta = g**1000", "--\ntheta_1 = g**cast(1000)"),
    ("powers", "theta = g * lr**2", "--\ntheta_1 = g * cast(lr * lr)"),
    ("selects", "theta = max(theta, g)", "--\ntheta_1 = where(theta > g or theta != theta, theta, g)"),
    ("selects", "theta = min(theta, g)", "--\ntheta_1 = where(theta < g or theta != theta, theta, g)"),
    ("selects", "theta = sign(g)", "--\ntheta_1 = where(g > cast(0), cast(1), where(g < cast(0), cast(-1), g))"),
    (
        "corrections",
        "theta = g / (1 - beta**t)",
        "one_minus_beta_to_t = where(beta == 0, 1, -expm1(t * log1p(beta - 1)))\n--\n"
        "theta_1 = g / cast(one_minus_beta_to_t)",
    ),
    (
        "corrections",
        "theta = g / (1 - beta**(t + 1))",
        "correction_beta = where(beta == 0, 1, -expm1((t + 1) * log1p(beta - 1)))\n--\n"
        "theta_1 = g / cast(correction_beta)",
    ),
    ("corrections", "theta = g * beta**t", "--\ntheta_1 = g * cast(beta**t)"),
    ("products", "theta = theta - lr * (g / beta) / theta", "--\ntheta_1 = theta - cast(lr / beta) * g / theta"),
    ("products", "theta = g / beta", "--\ntheta_1 = cast(1 / beta) * g"),
    ("products", "theta = lr * g", "--\ntheta_1 = cast(lr) * g"),
    ("products", "theta = lr * g * beta", "--\ntheta_1 = cast(lr * beta) * g"),
    ("products", "theta = lr / g", "--\ntheta_1 = cast(lr) / g"),
    ("products", "theta = g / (theta / lr)", "--\ntheta_1 = g / (cast(1 / lr) * theta)"),
    ("products", "theta = theta / (g / theta)", "--\ntheta_1 = theta / (g / theta)"),
    ("hoist", "theta = lr * g", "lr_e = cast(lr)\n--\ntheta_1 = lr_e * g"),
    ("hoist", "theta = (1 - beta) * g", "one_minus_beta_e = cast(1 - beta)\n--\ntheta_1 = one_minus_beta_e * g"),
    ("hoist", "theta = 2 * g", "--\ntheta_1 = cast(2) * g"),
    ("hoist", "theta = g if t == 1 else theta", "condition = t == 1\n--\ntheta_1 = where(condition, g, theta)"),
    ("share", "theta = (g * g) / (1 + g * g)", "--\nshared = g * g\ntheta_1 = shared / (cast(1) + shared)"),
    (
        "share",
        "theta = g / (1 - beta**t) + theta / (1 - beta**t)",
        "one_minus_beta_to_t = where(beta == 0, 1, -expm1(t * log1p(beta - 1)))\n"
        "one_over_one_minus_beta_to_t_e = cast(1 / one_minus_beta_to_t)\n--\n"
        "theta_1 = one_over_one_minus_beta_to_t_e * g + one_over_one_minus_beta_to_t_e * theta",
    ),
]


@pytest.mark.parametrize(("name", "statement", "expected"), CASES)
def test_a_pass_as_text(name: str, statement: str, expected: str) -> None:
    assert body_after(name, statement) == dedent(expected)


def test_a_power_with_a_name_of_its_own_is_corrected_too() -> None:
    text = body_after("corrections", "p = beta**t", "theta = theta - g / (1 - p)")
    assert "expm1" in text
    assert "beta**t" not in text


def test_a_base_that_may_be_negative_is_left_alone() -> None:
    """log1p(beta - 1) is no number there."""
    text = body_after("corrections", "theta = g / (1 - beta**t)", signature="theta, g, t, *, beta=real(0.5)")
    assert text == "--\ntheta_1 = g / cast(1 - beta**t)"


@pytest.mark.parametrize("rule", [*LIBRARY, *map(construct, NAMES)], ids=lambda r: r.name)
def test_every_pass_keeps_the_rule(rule: Rule) -> None:
    program, assumptions = lower(rule, "float32"), assumptions_of(rule)
    for step in passes(rule.domains):
        before, program = inlined(program), step.apply(program)
        if before == inlined(program):
            continue  # the same nodes: the same proof
        verdict = equal(with_norms(inlined(program), goals(rule, "norms")), goals(rule), assumptions)
        assert verdict or rule.name == "functions", f"{step.name}: {verdict.message}"
        if rule.name == "functions":
            assert verdict.status == "unknown"
