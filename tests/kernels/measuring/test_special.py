"""Passes may not change what is finite without saying so."""

from __future__ import annotations

from dataclasses import replace

from derive.expr import Symbol, apply
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.rule import Assignment
from kernels import compile
from kernels.measuring.special import exceptions
from kernels.norms import measured
from kernels.pipeline import programs
from kernels.verification import special_values


def test_adam_gains_where_the_correction_overflows_and_the_header_says_so() -> None:
    kernel = compile("adam")
    assert kernel.certificate.exceptions
    for exception in kernel.certificate.exceptions:
        assert f"# Exception: {exception}." in kernel.source
        assert "theta finite where the rule's order overflows" in exception
    assert special_values(kernel, ("v",))[0]


def test_no_kernel_of_the_library_loses_a_finite_result() -> None:
    for rule in LIBRARY:
        made = programs(rule, "float32")
        found = exceptions(made.lowered, made.final, measured(rule).rule, ("v", "s"))
        assert not [e for e in found if "not finite" in e]


def test_a_rewriting_that_overflows_is_noticed() -> None:
    """lr * (g * g) / g is lr * g over the reals where g is not zero, and overflows."""
    rule = find_rule("gradient_descent")
    made = programs(rule, "float32")
    g, theta = Symbol("g"), Symbol("theta")
    worse = (Assignment("theta_1", theta - Symbol("lr_e") * apply("div", g * g, g)),)
    found = exceptions(made.lowered, replace(made.final, body=worse), rule)
    assert any("not finite where the rule's order is" in e for e in found)


def test_an_undeclared_exception_fails() -> None:
    kernel = compile("adam")
    silent = replace(kernel, certificate=replace(kernel.certificate, exceptions=()))
    holds, text = special_values(silent, ("v",))
    assert not holds
    assert "not declared" in text
