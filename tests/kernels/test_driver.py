"""What compiling takes: anything that is a rule, but nothing that could not be called or is not proved."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import replace

import numpy as np
import pytest

from derive.errors import UserError
from derive.expr import Symbol
from derive.reading.read import read_text
from kernels import compile
from kernels.driver import NotProved
from kernels.running.kernel import Kernel

UNDECLARED = """
def mine(theta, g, m=0, *, lr=0.1, beta=0.9, p=positive(2)):
    m = beta * m + (1 - beta) * g
    theta = theta - lr * m**p
    return theta, m
"""


def halving(theta, g, *, lr=0.5):  # type: ignore[no-untyped-def]
    return theta - lr * g


class Halving:
    def __init__(self, lr: float = 0.5) -> None:
        self.lr = lr

    def step(self, theta, g):  # type: ignore[no-untyped-def]
        return theta - self.lr * g


@pytest.mark.parametrize("given", [halving, Halving], ids=["function", "class"])
def test_a_function_or_class_is_a_rule(given: type) -> None:
    theta = np.ones(2)
    compile(given, "float64").step(theta, np.ones(2), {})
    assert np.array_equal(theta, [0.5, 0.5])


def test_anything_else_is_refused() -> None:
    with pytest.raises(UserError):
        compile(3)  # type: ignore[arg-type]


@pytest.mark.usefixtures("without_z3")
def test_what_is_not_proved_is_refused_and_says_so() -> None:
    rule = read_text(UNDECLARED.replace("lr=0.1, beta=0.9", "lr=nonnegative(0.1), beta=decay(0.9)"), "mine")
    with pytest.raises(NotProved, match="is not proved equal to the rule: unknown: a power of a negative") as refused:
        compile(rule)
    assert refused.value.status == "unknown"
    assert refused.value.fix == "unproved=True compiles it all the same"
    kernel = compile(rule, unproved=True)
    assert not kernel.certificate.proved
    assert repr(kernel) == "Kernel(mine, float32, not proved)"
    assert "# NOT PROVED equal to the rule" in kernel.source


@pytest.mark.usefixtures("without_z3")
def test_numbers_without_a_domain_are_the_first_suspects() -> None:
    with pytest.raises(NotProved, match="lr, beta may be any real number; declare a domain, as in decay") as refused:
        compile(read_text(UNDECLARED, "mine"))
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("without_z3")
def test_the_refusal_travels_between_processes() -> None:
    with pytest.raises(NotProved) as refused:
        compile(read_text(UNDECLARED, "mine"))
    copy = pickle.loads(pickle.dumps(refused.value))
    assert (type(copy), str(copy), copy.fix, copy.status) == (
        NotProved,
        str(refused.value),
        refused.value.fix,
        refused.value.status,
    )


def keywords(rule_has_a_query: bool) -> set[str]:
    methods = (Kernel.step, Kernel.query) if rule_has_a_query else (Kernel.step,)
    parameters = [p for m in methods for p in inspect.signature(m).parameters.values()]
    return {p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


@pytest.mark.parametrize("queried", [False, True])
def test_a_hyperparameter_that_no_call_could_name_is_refused(queried: bool) -> None:
    for name in sorted(keywords(queried) - {"t"}):  # no hyperparameter of any rule is called t
        text = f"def odd(theta, g, *, {name}=nonnegative(0.1)):\n    theta = theta - {name} * g\n    return theta\n"
        rule = replace(read_text(text, "odd"), query=Symbol("theta") * Symbol(name) if queried else None)
        with pytest.raises(UserError, match=f"the hyperparameter '{name}' has the name of an argument .*; call it"):
            compile(rule)


def test_several_gradients_in_a_step_are_refused() -> None:
    lines = ("def twice(theta, *, lr=nonnegative(0.1)):", "half = theta - lr * grad(theta)",
             "theta = theta - lr * grad(half)", "return theta")  # fmt: skip
    rule = read_text("\n    ".join(lines), "twice")
    with pytest.raises(UserError, match="twice asks for 2 gradients in a step, and a kernel is given one"):
        compile(rule)


def test_other_names_of_the_calls_are_free() -> None:
    text = "def odd(theta, g, state=0, *, out=nonnegative(0.5)):\n"
    text += "    state = state + g\n    theta = theta - out * state\n    return theta, state\n"
    kernel, theta = compile(read_text(text, "odd"), "float64"), np.ones(2)
    kernel.step(theta, np.ones(2), kernel.init(theta), out=0.25)
    assert np.array_equal(theta, [0.75, 0.75])
