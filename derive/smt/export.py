"""A certificate's claims as SMT-LIB scripts: each is proved where the answer is `unsat`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from derive.algebra.facts import Assumptions, Fact
from derive.proving.certificate import (
    Certificate,
    Conditional,
    Correspondence,
    Everywhere,
    Exactness,
    Identity,
    Induction,
    Invariants,
    Pairs,
    Sloped,
    Sufficient,
)
from derive.proving.obligations import (
    Obligation,
    is_true,
    of_correspondence,
    of_exactness,
    of_induction,
    of_invariants,
    of_limit,
    of_sloped,
    of_sufficient,
)
from derive.smt.encode import Encoding
from derive.smt.terms import FALSE, call

ABSTRACT = "; powers, whole numbers or functions stand for more than they are: a model may be about that"


def to_smtlib(certificate: Certificate) -> str:
    """One script for all that has to be shown: every `check-sat` in it should answer `unsat`.

    Raises `Untranslatable` for powers and roots of enormous degree.
    """
    parts = [f"; {name}\n(push 1)\n{body}(pop 1)\n" for name, body in scripts(certificate)]
    return "(set-logic ALL)\n(set-info :status unsat)\n" + "".join(parts)


def scripts(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """What has to be shown, one script each: its name in words, and its text without a logic."""
    for name, pairs, assumptions in claims(certificate):
        yield name, question(pairs, assumptions)


def claims(certificate: Certificate) -> Iterator[Obligation]:
    """The equalities that together are the claim of a certificate."""
    if isinstance(certificate, Identity):
        yield "the two sides coincide", certificate.pairs, certificate.assumptions
    elif isinstance(certificate, Conditional):
        parts = (*certificate.correspondences, certificate.constant, certificate.exactness)
        for part in parts:
            if part is not None:
                yield from claims(part)
    elif isinstance(certificate, Correspondence):
        c = certificate
        yield from claims(c.invariants)
        yield from of_correspondence(
            c.a, c.b, c.states, c.hyperparameters, c.inverse, c.invariants.names, c.scheduled, c.while_defined
        )
    elif isinstance(certificate, Invariants):
        yield from of_invariants(certificate.rule, certificate.names)
    elif isinstance(certificate, Exactness):
        yield of_exactness(certificate)
    elif isinstance(certificate, Sufficient):
        yield from of_sufficient(certificate)
    elif isinstance(certificate, Induction):
        yield from of_induction(certificate)
    elif isinstance(certificate, Sloped):
        yield from of_sloped(certificate)
    elif isinstance(certificate, Everywhere):
        yield "true in the whole box", (is_true(certificate.condition),), Assumptions(certificate.box)
    else:
        yield from of_limit(certificate)


def question(pairs: Pairs, assumptions: Assumptions, path: Sequence[Fact] = ()) -> str:
    """Is there a point inside the assumptions and the facts at which some pair differs?"""
    encoding = Encoding(assumptions)
    for fact in path:
        encoding.know(encoding.holds(fact))
    different = [text for text in (encoding.differs(a, b) for a, b in pairs if a is not b) if text != FALSE]
    one = different[0] if len(different) == 1 else call("or", *different) if different else FALSE
    note = [ABSTRACT] if encoding.is_abstract else []
    lines = [*note, *encoding.functions.values(), *encoding.lines, f"(assert {one})", "(check-sat)"]
    return "\n".join(lines) + "\n"
