"""A program prints as a person would write it, and means what its inlined form means."""

from __future__ import annotations

import pytest

from derive.expr import Number, Symbol, apply, to_text
from derive.rule import Assignment
from kernels.program import Program, fresh, inlined, is_literal, operations, without_unused

THETA, G, LR = Symbol("theta"), Symbol("g"), Symbol("lr")


def descent() -> Program:
    return Program(
        "descent",
        "float32",
        ("theta", "g"),
        ("t", "lr"),
        (Assignment("unused", LR * 2), Assignment("lr_e", apply("cast", LR))),
        (Assignment("theta_1", THETA - Symbol("lr_e") * G),),
        (("theta", "theta_1"),),
    )


def test_a_program_as_text() -> None:
    assert str(without_unused(descent())) == (
        "descent float32\nonce\n  lr_e = cast(lr)\nfor each element\n  theta_1 = theta - lr_e * g\n  theta <- theta_1"
    )


def test_inlined_is_one_expression_for_each_stored_array() -> None:
    assert {k: to_text(v) for k, v in inlined(descent()).items()} == {"theta": "theta - cast(lr) * g"}


def test_what_is_handed_loaded_and_counted() -> None:
    program = descent()
    assert program.handed == ("lr_e",)
    assert program.loads == ("theta", "g")
    assert operations(program) == {"mul": 1, "sub": 1}


@pytest.mark.parametrize(("name", "expected"), [("m", "m_2"), ("v", "v")])
def test_a_fresh_name_is_numbered(name: str, expected: str) -> None:
    assert fresh(name, ["m", "m_1"]) == expected


def test_a_cast_number_is_a_literal() -> None:
    assert is_literal(apply("cast", Number(2)))
    assert not is_literal(apply("cast", LR))
