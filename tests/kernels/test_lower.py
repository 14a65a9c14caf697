"""Lowering: the rule's own operations in its own order, every name once, every rounding explicit."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest

from derive.errors import UserError
from derive.expr import Symbol
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.proving import assumptions_of
from derive.rule import Assignment
from kernels.lower import PartName, goals, lower
from kernels.program import inlined
from kernels.readback import equal, with_norms
from tests.zoo import NAMES, construct

CASES = [
    (
        "adam",
        "step",
        """\
        adam float32
        once
        for each element
          m_1 = cast(beta1) * m + cast(1 - beta1) * g
          v_1 = cast(beta2) * v + cast(1 - beta2) * g**cast(2)
          m_hat = m_1 / cast(1 - beta1**t)
          v_hat = v_1 / cast(1 - beta2**t)
          theta_1 = theta - cast(lr) * m_hat / (sqrt(v_hat) + cast(eps))
          theta <- theta_1
          m <- m_1
          v <- v_1""",
    ),
    (
        "adam_eps_hat",
        "step",
        """\
        adam_eps_hat float32
        once
          lr_t = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
        for each element
          m_1 = cast(beta1) * m + cast(1 - beta1) * g
          v_1 = cast(beta2) * v + cast(1 - beta2) * g**cast(2)
          theta_1 = theta - cast(lr_t) * m_1 / (sqrt(v_1) + cast(eps))
          theta <- theta_1
          m <- m_1
          v <- v_1""",
    ),
    (
        "nesterov",
        "query",
        """\
        nesterov float32
        once
        for each element
          point = theta - cast(beta) * v
          out <- point""",
    ),
    (
        "ewma",
        "step",
        """\
        ewma float32
        once
        for each element
          m_1 = cast(beta) * m + cast(1 - beta) * x
          out <- m_1
          m <- m_1""",
    ),
]


@pytest.mark.parametrize(("name", "part", "expected"), CASES)
def test_lowered_as_text(name: str, part: PartName, expected: str) -> None:
    assert str(lower(find_rule(name), "float32", part)) == dedent(expected)


def test_an_old_value_is_copied_before_its_place_is_stored_to() -> None:
    text = str(lower(construct("last_place"), "float32"))
    assert "previous_1 = theta\n" in text
    assert text.endswith("theta <- new\n  previous <- previous_1")


def test_a_number_without_a_short_decimal_is_a_quotient() -> None:
    assert "cast(1 / 3)" in str(lower(construct("thirds"), "float64"))


def test_a_constant_beyond_float64_is_refused() -> None:
    body = (Assignment("theta", Symbol("theta") - Symbol("g") * 10**400),)
    with pytest.raises(UserError, match="beyond float64"):
        lower(replace(find_rule("gradient_descent"), body=body), "float64")


def test_a_rule_without_a_query_has_no_query_program() -> None:
    with pytest.raises(UserError, match="takes its gradient at theta"):
        goals(find_rule("adam"), "query")


@pytest.mark.parametrize("rule", [*LIBRARY, *map(construct, NAMES)], ids=lambda r: r.name)
def test_the_lowered_program_is_proved_equal_to_the_rule(rule) -> None:  # type: ignore[no-untyped-def]
    stored = with_norms(inlined(lower(rule, "float64")), goals(rule, "norms"))
    verdict = equal(stored, goals(rule), assumptions_of(rule))
    assert verdict or rule.name == "functions", verdict.message
