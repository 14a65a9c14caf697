"""Claims as SMT-LIB: how they read, and what every translation must get right."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from derive.algebra.facts import Assumptions, Fact
from derive.expr import Expr, Symbol, apply
from derive.library import LIBRARY
from derive.ops import OPS
from derive.proving.certificate import Identity, Leaf
from derive.proving.invariants import invariant_certificate
from derive.proving.obligations import of_correspondence
from derive.relating import prove
from derive.rule import DECAY, NONNEGATIVE, Domain
from derive.smt import to_smtlib
from derive.smt.encode import MEANINGS, Untranslatable
from derive.smt.export import question

RULES = {rule.name: rule for rule in LIBRARY}
g, v, beta, t = map(Symbol, ("g", "v", "beta", "t"))

ROOT_OF_A_SQUARE = """\
(set-logic ALL)
(set-info :status unsat)
; the two sides coincide
(push 1)
(declare-const |g| Real)
(define-fun n1 () Real (* |g| |g|))
(declare-const n2 Real)
(assert (=> (>= n1 0.0) (and (>= n2 0.0) (= (* n2 n2) n1))))
(define-fun n3 () Bool (>= n1 0.0))
(define-fun n4 () Real (ite (>= |g| 0.0) |g| (- |g|)))
(assert (or (xor n3 true) (and n3 (not (= n2 n4)))))
(check-sat)
(pop 1)
"""


def test_the_root_of_a_square() -> None:
    claim = Identity(((apply("sqrt", g**2), apply("abs", g)),), Assumptions(), Leaf())
    assert to_smtlib(claim) == ROOT_OF_A_SQUARE


def test_domains_facts_and_quotients() -> None:
    text = question(((1 / v, v),), Assumptions({"v": NONNEGATIVE}), [Fact(v - 2, frozenset({0, 1}))])
    assert "(assert (>= |v| 0.0))" in text
    assert "(assert (or (= n1 0.0) (> n1 0.0)))" in text
    assert "(not (= |v| 0.0))" in text


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        (Domain(Fraction(1), whole=True), "(or (= |t| 1.0) (>= |t| 2.0))"),
        (Domain(Fraction(1, 2), whole=True), "(or (= |t| 1.0) (>= |t| 2.0))"),
        (Domain(Fraction(1), low_open=True, whole=True), "(or (= |t| 2.0) (>= |t| 3.0))"),
    ],
)
def test_the_first_gap_between_whole_numbers(domain: Domain, said: str) -> None:
    assert said in question(((t, t + 0),), Assumptions({"t": domain}))


def test_everything_that_has_to_be_shown_is_asked() -> None:
    """One question for each obligation of the maps and of the invariants beneath them."""
    certificate = prove(RULES["adam"], RULES["adam"]).evidence.certificate
    of_maps = of_correspondence(
        certificate.a, certificate.b, certificate.states, certificate.hyperparameters, certificate.inverse, ("v",)
    )
    of_invariants = invariant_certificate(RULES["adam"]).certificate
    assert to_smtlib(certificate).count("(check-sat)") == len(of_maps) + len(of_invariants.trees)  # type: ignore[union-attr]
    conditional = prove(RULES["adam"], RULES["adamw"]).evidence.certificate
    assert to_smtlib(conditional).count("(check-sat)") > len(of_maps)


def test_shared_parts_are_defined_once() -> None:
    x: Expr = g
    for _ in range(60):
        x = x * x + g
    assert len(to_smtlib(Identity(((x, x + 1),), Assumptions({"g": DECAY}), Leaf()))) < 20_000


def test_every_operation_has_a_translation() -> None:
    assert set(MEANINGS) == {name for name, op in OPS.items() if op.definition is None}


def test_enormous_powers_are_refused() -> None:
    with pytest.raises(Untranslatable):
        question(((g**1000, g),), Assumptions())


def test_names_stay_inside_their_quotes() -> None:
    with pytest.raises(Untranslatable):
        question(((Symbol("g| Real)(exit)"), g),), Assumptions())
    assert re.search(r"\(declare-const \|b.lr\| Real\)", question(((Symbol("b.lr"), g),), Assumptions()))
