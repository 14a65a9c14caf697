"""z3 and our own prover on the same questions: neither may contradict the other, or the numbers."""

from __future__ import annotations

import sys
import time
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.algebra.facts import Assumptions
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply
from derive.library import LIBRARY
from derive.ops import Inexact, Undefined
from derive.proving import identity
from derive.proving.certificate import Identity, Leaf, Solved, decided_by
from derive.proving.checker import Checked, Rejected
from derive.relating import prove
from derive.rule import COUNTER, DECAY, NONNEGATIVE, UNIT
from derive.smt import confirm, solver
from derive.smt.export import question
from derive.smt.solver import Z3, together

if not solver.is_installed():
    pytest.skip("z3 comes with the extra smt", allow_module_level=True)

RULES = {rule.name: rule for rule in LIBRARY}
a, b, c, x, u, beta, t = map(Symbol, ("a", "b", "c", "x", "u", "beta", "t"))
GIVEN = Assumptions({"c": NONNEGATIVE, "beta": DECAY, "u": UNIT, "t": COUNTER})


def size(e: Expr) -> Expr:
    return apply("abs", e)


def largest(d: Expr, e: Expr) -> Expr:
    return apply("max", d, e)


def smallest(d: Expr, e: Expr) -> Expr:
    return apply("min", d, e)


def where(*args: Expr | int) -> Expr:
    return apply("where", *args)


@pytest.fixture(scope="module")
def z3():  # type: ignore[no-untyped-def]
    with Z3(work=2_000_000) as process:
        yield process


EQUAL = {
    "next power": (beta ** (t + 1), beta * beta**t),
    "power of a product": ((beta * u) ** t, beta**t * u**t),
    "roots of powers": ((beta ** (t / 2)) ** 2, beta**t),
    "decay zero": (where(apply("eq", beta, 0), 1, beta ** (t - 1) * beta), where(apply("eq", beta, 0), 1, beta**t)),
    "a power as a kernel computes it": (
        where(apply("eq", beta, 0), 1, -apply("expm1", t * apply("log1p", beta - 1))), 1 - beta**t),
    "half power": (c ** Fraction(1, 2), apply("sqrt", c)),
    "cube root": (apply("cbrt", -x), -apply("cbrt", x)),
    "negative power": (x**-2, 1 / x / x),
    "a branch not taken": (where(apply("lt", c, 0), 1 / c, c), c),
    "a condition not asked": (
        where(apply("and", apply("ne", x, 0), apply("gt", 1 / x, 1)), 1, 0),
        where(apply("ne", x, 0), where(apply("gt", 1 / x, 1), 1, 0), 0)),
}  # fmt: skip

DIFFERENT = {
    "a power one off": (beta**t, beta ** (t + 1)),
    "zero to the zero": (beta ** (t - 1), beta**t / beta),
    "a quotient at zero": (x / x, Number(1)),
    "a root of a square": (apply("sqrt", x * x), x),
    "a root that is undefined": (apply("sqrt", a) * apply("sqrt", b), apply("sqrt", a * b)),
    "rounded up": (where(apply("lt", t, Fraction(3, 2)), 1, 0), where(apply("lt", t, 1), 1, 0)),
    "a negative base": (x**t, size(x) ** t),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_is_equal_is_proved(name: str, z3: Z3) -> None:
    assert z3.ask(question((EQUAL[name],), GIVEN)) == "unsat"


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_not(name: str, z3: Z3) -> None:
    assert z3.ask(question((DIFFERENT[name],), GIVEN)) in ("sat", "unknown")


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_the_library_is_confirmed(rule: object) -> None:
    certificate = prove(rule, rule).evidence.certificate  # type: ignore[arg-type]
    assert confirm(certificate) == "unsat"


def test_maps_and_conditions_are_confirmed() -> None:
    assert confirm(prove(RULES["momentum"], RULES["momentum_ema"]).evidence.certificate) == "unsat"
    assert confirm(prove(RULES["rmsprop"], RULES["rmsprop_eps_inside"]).evidence.certificate) != "sat"


def test_a_false_claim_is_contradicted() -> None:
    assert confirm(Identity(((size(x), x),), Assumptions(), Leaf())) == "sat"


LEAVES = st.sampled_from([a, x, c, beta, u, beta**t, 1 - beta**t, beta ** (t - 1), *map(Number, (0, 1, 2, -1))])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul", "div", "max", "min"]), inner, inner).map(lambda p: apply(*p)),
        st.tuples(st.sampled_from(["neg", "abs", "sign", "sqrt", "cbrt"]), inner).map(lambda p: apply(*p)),
        st.tuples(inner, st.sampled_from([2, 3, -1, -2, Fraction(1, 2)])).map(lambda p: p[0] ** p[1]),
        st.tuples(inner, inner, inner).map(lambda p: where(apply("le", p[0], p[1]), p[1], p[2])),
    ),
    max_leaves=6,
)
VALUES = st.fixed_dictionaries(
    {n: st.fractions(-2, 2, max_denominator=3) for n in "ax"}
    | {"c": st.fractions(0, 2, max_denominator=3), "u": st.fractions(0, 1, max_denominator=3)}
    | {"beta": st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1, 4)]), "t": st.integers(1, 3).map(Fraction)}
)


@settings(suppress_health_check=list(HealthCheck))
@given(TREES, TREES, VALUES)
def test_no_proof_against_the_numbers(z3: Z3, left: Expr, right: Expr, values: dict[str, Fraction]) -> None:
    """Where exact evaluation tells two sides apart, z3 must not say that they coincide."""
    one, other = exact([left, right], values)
    if isinstance(one, Inexact) or isinstance(other, Inexact):
        return
    if isinstance(one, Undefined) is not isinstance(other, Undefined) or (
        not isinstance(one, Undefined) and one != other
    ):
        assert z3.ask(question(((left, right),), GIVEN), seconds=2) != "unsat"


COMBINATIONS = {
    "median": (
        largest(smallest(a, b), smallest(largest(a, b), c)), smallest(largest(a, b), largest(smallest(a, b), c))),
    "a circle of inequalities": (
        where(apply("lt", a, b), where(apply("lt", b, x), where(apply("lt", x, a), 1, 0), 0), 0), Number(0)),
}  # fmt: skip


@pytest.mark.parametrize("name", COMBINATIONS)
def test_combinations_of_cases_are_decided_by_z3_and_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = identity([COMBINATIONS[name]], Assumptions())
    assert verdict.status == "proved"
    assert [text[:14] for text in verdict.assumptions] == ["decided by z3 "]
    monkeypatch.setattr(solver, "find_spec", lambda name: None)
    without = identity([COMBINATIONS[name]], Assumptions())
    assert without.status == "unknown"
    assert "install z3-solver" in without.message


def test_the_word_of_a_prover_is_asked_for_again() -> None:
    """A certificate that says z3 decided it proves nothing by saying so."""
    with pytest.raises(Rejected, match="another prover"):
        Checked(Identity(((size(x), x),), Assumptions(), Solved("z3 9")))
    assert decided_by(Solved("z3 9")) == ("decided by z3 9",)


def test_two_signs_fold_into_one_maximum() -> None:
    assert identity([(size(a) + size(b), largest(size(a + b), size(a - b)))], Assumptions())


def test_limits_hold_and_the_process_comes_back() -> None:
    hard = sum((Symbol(f"y{i}") ** 7 * Symbol(f"y{(i * 3 + 1) % 9}") ** 5 for i in range(9)), Number(0))
    with Z3(work=10**12) as process:
        start = time.monotonic()
        process.ask(question(((largest(hard, Number(1)), hard),), Assumptions()), seconds=1)
        assert time.monotonic() - start < 8
        assert process.ask(question(((x, x + 0),), Assumptions())) == "unsat"


def test_a_script_that_is_none_is_unknown() -> None:
    with Z3() as process:
        assert process.ask("(assert (= 1") == "unknown"
        assert process.ask("(assert false)(check-sat)") == "unsat"


def test_answers_together() -> None:
    assert together(["unsat", "unsat"]) == "unsat"
    assert together(["unsat", "unknown"]) == "unknown"
    assert together(["unknown", "sat"]) == "sat"
    assert "z3" not in sys.modules  # it runs in its own process
