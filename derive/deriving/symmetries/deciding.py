"""Has a rule a symmetry? The rule seen through the transformation is proved to be the rule itself, or parts from it.

Where it is not, hyperparameters are looked for whose zero restores the symmetry. Every verdict is one about
two rules, with the evidence of the prover: nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from derive.algebra.work import TooLarge, bounded
from derive.deriving.symmetries.transformation import Transformation, conjugated, with_free
from derive.evaluate import enclosed, unrolled
from derive.expr import Expr, Number, Symbol
from derive.proving.certificate import Condition, Conditional, Correspondence
from derive.proving.checker import Checked, Rejected
from derive.proving.refute import separating_trajectory
from derive.proving.search import Differs, Undecided
from derive.proving.verdict import Verdict
from derive.relating.answers import answered
from derive.relating.claims import Claim
from derive.relating.conditions import exactness
from derive.relating.searching.induction import induction, proposed
from derive.relating.searching.solving import Maps
from derive.relating.wording import condition_text
from derive.rule import Rule
from derive.transforms import bind

WORK = 1_500_000
FEW_RUNS = 12
MOST_ZEROS = 3
ZERO = Number(0)
PLAIN, START = Fraction(2, 5), Fraction(3, 7)
RUNS = tuple(tuple(map(Fraction, run)) for run in ((2, -1, 3), (1, 1, -2), (-1, -3, -2)))

Propose = Callable[[Rule], Transformation | None]


@dataclass(frozen=True)
class Decided:
    """The verdict, the move it is about, and the smallest sets of hyperparameters whose zero gives the symmetry.

    Under conditions the move is that of the first set.
    """

    verdict: Verdict
    move: Transformation
    zeros: tuple[tuple[str, ...], ...] = ()


def decide(rule: Rule, propose: Propose, fallback: Transformation) -> Decided:
    """Whether the rule has a symmetry: `propose` says how the states have to move, where it can.

    `fallback` moves what the claim itself moves, states aside: with it a run is looked for on which the two part.
    """
    move = propose(rule)
    try:
        with bounded(2 * WORK if rule.norms else WORK):  # what is inside a norm is looked at in cases of its own
            proof = None if move is None else proved(rule, move)
            if move is not None and proof is not None:
                return Decided(said(proof), move)
            return _conditional(rule, propose, move or fallback)
    except (TooLarge, Rejected) as obstacle:
        return Decided(Verdict("unknown", message=str(obstacle)), move or fallback)


def proved(rule: Rule, move: Transformation) -> Checked | None:
    """The proof that the rule seen through the move is the rule, where there is one."""
    b = conjugated(rule, move)
    try:
        return induction(with_free(rule, move), b, _maps(b, move))
    except (Differs, Undecided, Rejected):
        return None


def said(proof: Checked) -> Verdict:
    """The verdict for which such a proof stands."""
    return answered(Claim(*_pair(proof)), proof)


def _pair(proof: Checked) -> tuple[Rule, Rule]:
    assert isinstance(proof.certificate, Correspondence)
    return proof.certificate.a, proof.certificate.b


def _maps(b: Rule, move: Transformation) -> Maps:
    hypers = {n: move.hyperparameters.get(n, Symbol(n)) for n in b.hyperparameter_names}
    return Maps({"theta": Symbol("theta"), **move.states}, hypers)


def _correspondence(a: Rule, b: Rule, move: Transformation) -> Correspondence | None:
    """The proof as a part of another one, which has it checked."""
    try:
        return proposed(a, b, _maps(b, move))
    except (Differs, Undecided):
        return None


def _conditional(rule: Rule, propose: Propose, move: Transformation) -> Decided:
    """Zeros that restore the symmetry, with the proof; a run on which the two part; or neither."""
    a, b = with_free(rule, move), conjugated(rule, move)
    own: dict[str, Expr] = {n: move.hyperparameters.get(n, Symbol(n)) for n in b.hyperparameter_names}
    apart = separating_trajectory(a, b, own, FEW_RUNS)
    found = list(_restoring(rule, propose, move))
    zeros = tuple(names for names, _, _ in found)
    if not found:
        if apart is None:
            return Decided(Verdict("unknown", message="no proof, and no run on which the two part"), move)
        return Decided(answered(Claim(a, b, hyperparameters=move.hyperparameters), apart), move)
    move = found[0][1]
    idle, whole = _idle(rule, move, a, b)
    held = (*((dict.fromkeys(names, ZERO), proof) for names, _, proof in found), *idle)
    conditions = tuple(condition for condition, _ in held)
    exact = exactness(a, b, conditions) if whole and move.free is not None else None
    certificate = Conditional(a, b, conditions, tuple(proof for _, proof in held), exact)
    claim = Claim(a, b, degenerate=tuple(condition_text(condition) for condition, _ in idle))
    verdict = answered(claim, Checked(certificate))
    return Decided(replace(verdict, counterexample=None if apart is None else apart.document()), move, zeros)


def _idle(rule: Rule, move: Transformation, a: Rule, b: Rule) -> tuple[list[tuple[Condition, Correspondence]], bool]:
    """The settings that say nothing: those that leave everything where it is, and those without gradients.

    Each that is proved; and whether all of them are, without which nothing can be said of other settings.
    """
    tried: list[Condition] = [] if move.free is None else [{move.free.name: Number(move.identity)}]
    tried += [{h.name: ZERO} for h in rule.hyperparameters
              if Fraction(0) in h.domain and _is_idle(bind(rule, {h.name: ZERO}))]  # fmt: skip
    proofs = [
        _correspondence(bind(a, condition), bind(b, condition), replace(move, states=_unmoved(move, condition)))
        for condition in tried
    ]
    held = [(condition, proof) for condition, proof in zip(tried, proofs, strict=True) if proof is not None]
    return held, len(held) == len(tried)


def _is_idle(rule: Rule) -> bool:
    """Whether runs with other gradients seem to lead to the same place."""
    hypers = {h.name: Number(PLAIN if PLAIN in h.domain else h.default or Fraction(1)) for h in rule.hyperparameters}
    count = len(rule.questions)
    ends = [unrolled(rule, hypers, START, [g for g in run for _ in range(count)])[-1]["theta"] for run in RUNS]
    return len({str(value) for value in enclosed(ends, {})}) == 1


def _unmoved(move: Transformation, condition: Condition) -> dict[str, Expr]:
    """The states where the number of the move has the value that moves nothing; else as they move."""
    moves = move.free is None or move.free.name not in condition
    return {n: e if moves else Symbol(n) for n, e in move.states.items()}


def _restoring(
    rule: Rule, propose: Propose, move: Transformation
) -> Iterator[tuple[tuple[str, ...], Transformation, Correspondence]]:
    """The smallest sets of hyperparameters whose zero gives the symmetry, gradients still playing a part."""
    held: list[set[str]] = []
    names = [h.name for h in rule.hyperparameters if Fraction(0) in h.domain and not move.hyperparameters]
    a, b = with_free(rule, move), conjugated(rule, move)
    for size in range(1, MOST_ZEROS + 1):
        for chosen in combinations(names, size):
            zeros: dict[str, Expr] = dict.fromkeys(chosen, ZERO)
            bound = bind(rule, zeros)
            again = None if any(known <= {*chosen} for known in held) else propose(bound)
            if again is None or _is_idle(bound):
                continue
            proof = _correspondence(bind(a, zeros), bind(b, zeros), again)
            if proof is not None:
                held.append({*chosen})
                yield chosen, again, proof
