"""What a verdict claims, looked at again by other means: runs in ball arithmetic, and z3.

A finding is a line of text about a contradiction; `None` where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from random import Random

from derive.evaluate import exact
from derive.expr import Expr, Symbol
from derive.proving.certificate import Certificate, Conditional, Correspondence
from derive.proving.checker import Checked
from derive.proving.invariants import assumptions_of
from derive.proving.replay import NotConfirmed, Replayed, Separation
from derive.proving.verdict import Verdict
from derive.rule import Domain, Rule
from derive.smt.encode import Untranslatable
from derive.smt.export import ABSTRACT, question, scripts
from derive.smt.solver import Z3, Answer, together
from tests.campaign.pairs import Pair

RUNS = 12
STEPS = 4
SECONDS = 2.0


def contradiction(pair: Pair, verdict: Verdict, random: Random, z3: Z3 | None) -> str | None:
    """What speaks against the verdict, in words."""
    if verdict.status == "refuted":
        return "refuted, and equal by construction" if pair.is_equal else _against_refutation(pair, z3)
    if not isinstance(verdict.evidence, Checked):
        return None
    if pair.is_equal and verdict.condition and verdict.condition.get("exact"):
        return "said to differ off a condition, and equal by construction"
    certificate = verdict.evidence.certificate
    for proof in proofs(certificate):
        found = _differing_run(proof, random)
        if found is not None:
            return f"{verdict.status}, and a run in balls differs: {found}"
    return None


def proofs(certificate: Certificate) -> Iterator[Correspondence]:
    """The claims about two rules that a certificate holds."""
    if isinstance(certificate, Correspondence):
        yield certificate
    elif isinstance(certificate, Conditional):
        yield from certificate.correspondences


def opinion(certificate: Certificate, z3: Z3) -> Answer:
    """What z3 says of all that a certificate claims; a model of something more general says nothing."""
    try:
        return together(_answer(text, z3) for _, text in scripts(certificate))
    except Untranslatable:
        return "unknown"


def _answer(text: str, z3: Z3) -> Answer:
    answer = z3.ask(text, SECONDS)
    return "unknown" if answer == "sat" and text.startswith(ABSTRACT) else answer


def _differing_run(proof: Correspondence, random: Random) -> str | None:
    """A run from random rationals on which the two sides certainly part: nothing is simple about these values."""
    if proof.scheduled or proof.while_defined:
        return None
    for _ in range(RUNS):
        mine = {h.name: drawn(h.domain, random) for h in proof.a.hyperparameters}
        his = _mapped(proof.hyperparameters, mine, proof.b)
        if his is None:
            continue
        gradients = tuple(drawn(Domain(), random) for _ in range(STEPS))
        try:
            return Replayed(Separation(proof.a, proof.b, mine, his, drawn(Domain(), random), gradients)).message()
        except NotConfirmed:
            pass
    return None


def _mapped(maps: Mapping[str, Expr], mine: Mapping[str, Fraction], b: Rule) -> dict[str, Fraction] | None:
    values = exact([maps[n] for n in b.hyperparameter_names], mine)
    exact_ones = {n: v for n, v in zip(b.hyperparameter_names, values, strict=True) if isinstance(v, Fraction)}
    return exact_ones if len(exact_ones) == len(values) else None


def _against_refutation(pair: Pair, z3: Z3 | None) -> str | None:
    """Whether z3 finds that the two rules coincide under the same names, from the start on."""
    a, b = pair.rule, pair.other
    names = (a.state_names, a.hyperparameters, a.outputs, a.query is None)
    if z3 is None or names != (b.state_names, b.hyperparameters, b.outputs, b.query is None):
        return None
    pairs = [(a.step[name], b.step[name]) for name in a.step]
    pairs += [(x.initial, y.initial) for x, y in zip(a.states, b.states, strict=True)]
    pairs += [(a.query, b.query)] if a.query is not None and b.query is not None else []
    whole = Symbol("theta") - Symbol("theta")
    try:
        answer = z3.ask(question((*pairs, (whole, whole)), assumptions_of(a)), SECONDS)
    except Untranslatable:
        return None
    return "refuted, and z3 proves the steps equal" if answer == "unsat" else None


def drawn(domain: Domain, random: Random) -> Fraction:
    """A rational of the domain, its ends more often than by chance."""
    ends = [end for end in (domain.low, domain.high) if end is not None and end in domain]
    if ends and random.random() < 0.1:
        return random.choice(ends)
    while True:
        value = Fraction(random.randint(-999, 999), random.randint(1, 313))
        if domain.low is not None and domain.high is not None:
            value = domain.low + (domain.high - domain.low) * Fraction(random.randint(0, 997), 997)
        elif domain.low is not None:
            value = domain.low + abs(value)
        elif domain.high is not None:
            value = domain.high - abs(value)
        if value in domain:
            return value
