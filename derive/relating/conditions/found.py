"""Where two rules differ: under which settings of their hyperparameters they agree all the same.

Along a few short runs both sides are computed with the hyperparameters left open. Whatever makes
the rules agree makes every difference vanish, so the conditions are read off the factors of their
numerators, one after another. Each is then proved sufficient; that nothing else does is proved
apart, by the same runs telling the two apart at every other setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from derive.errors import UserError
from derive.expr import Expr
from derive.proving.certificate import Condition, Conditional, Correspondence, Exactness, Leaf
from derive.proving.checker import Checked
from derive.proving.obligations import of_exactness
from derive.proving.search import Differs, Undecided, propose_identity
from derive.relating.conditions.candidates import (
    MOST_AT_ONCE,
    RUNS,
    SHORT_RUNS,
    Key,
    candidates,
    differences,
    follows,
    zeros,
)
from derive.relating.conditions.hearing import Hearing
from derive.relating.searching.attempts import Record, Request, with_open_map, with_same_names
from derive.relating.wording import condition_text
from derive.rule import Domain, Rule
from derive.transforms import bind, with_hyperparameters_of

FEW_STATES = 2  # of both together: under a condition a map is searched for these, or where the names tell of none


@dataclass(frozen=True)
class Conditions:
    """What was found, in words: proved conditions, apart those under which gradients play no part; and the proof."""

    any_of: tuple[str, ...]
    degenerate: tuple[str, ...]
    texts: tuple[str, ...]
    evidence: Checked

    @property
    def fewest(self) -> int:
        """How many hyperparameters the least demanding condition gives a value."""
        certificate = self.evidence.certificate
        assert isinstance(certificate, Conditional)
        sizes = [len(c) for c, text in zip(certificate.conditions, self.texts, strict=True) if text in self.any_of]
        return min(sizes, default=MOST_AT_ONCE + 1)

    @property
    def document(self) -> dict[str, object]:
        certificate = self.evidence.certificate
        assert isinstance(certificate, Conditional)
        exact = certificate.exactness is not None
        return {"any_of": list(self.any_of), "degenerate": list(self.degenerate), "exact": exact}


def conditions(request: Request, record: Record) -> Conditions | None:
    """The conditions on hyperparameters, taken by their names on both sides, under which the rules agree."""
    domains = _domains(request.a, request.b)
    if domains is None:
        return None
    a, b = request.a, request.b
    apart = differences(a, b, request.scheduled)
    hearing = Hearing(a, b, domains, apart)
    held = _sufficient(candidates(apart, domains), request, hearing, record, {})
    if all(hearing.degenerate(key) for key in held):
        held = _sufficient(zeros(apart[:SHORT_RUNS], domains, held), request, hearing, record, held)
    if not held:
        record.note("conditions on the hyperparameters: none found")
        return None
    found = [dict(key) for key in held]
    part = [hearing.degenerate(key) for key in held]
    partly = [proof.while_defined for proof in held.values()]
    # That two rules differ everywhere else is worth knowing where they agree somewhere.
    wanted = not (request.scheduled or any(partly) or all(part))
    exact = exactness(a, b, tuple(found)) if wanted else None
    evidence = Checked(Conditional(a, b, tuple(found), tuple(held.values()), exact, request.scheduled))
    texts = [condition_text(c, p) for c, p in zip(found, partly, strict=True)]
    any_of, degenerate = (tuple(x for x, d in zip(texts, part, strict=True) if d is kind) for kind in (False, True))
    return Conditions(any_of, degenerate, tuple(texts), evidence)


def is_degenerate(a: Rule, b: Rule) -> bool:
    """Whether gradients play no part in either rule, whatever their hyperparameters."""
    return Hearing(a, b, {**b.domains, **a.domains}, []).degenerate(())


def _sufficient(
    proposed: Iterator[dict[str, Expr]],
    request: Request,
    hearing: Hearing,
    record: Record,
    held: dict[Key, Correspondence],
) -> dict[Key, Correspondence]:
    """What is held and the candidates that are proved, none of which says more than another."""
    for candidate in proposed:
        key = tuple(sorted(candidate.items()))
        if any(follows(known, key, hearing.domains) for known in held):
            continue
        condition = dict(key)
        proof = _proof(request, condition, record) if key else None
        if proof is None and not hearing.degenerate(key) and hearing.defined(key):
            proof = _proof(replace(request, while_defined=True), condition, record)
        if proof is not None:
            held = {k: p for k, p in held.items() if not follows(key, k, hearing.domains)} | {key: proof}
    return held


def _domains(a: Rule, b: Rule) -> dict[str, Domain] | None:
    """Every hyperparameter of the two by name; None where a name has two domains, or two meanings."""
    domains = {h.name: h.domain for h in a.hyperparameters}
    if any(domains.setdefault(h.name, h.domain) != h.domain for h in b.hyperparameters):
        return None
    names = {*a.state_names, *b.state_names, *(n.target for n in (*a.body, *b.body))}
    return domains if domains.keys().isdisjoint(names) else None


def _proof(request: Request, condition: Condition, record: Record) -> Correspondence | None:
    try:
        a, b = bind(request.a, condition), bind(request.b, condition)
        a, b = with_hyperparameters_of(a, b), with_hyperparameters_of(b, a)
    except UserError:
        return None
    bound = Request(a, b, scheduled=request.scheduled, while_defined=request.while_defined)
    tried = Record()
    proof = with_same_names(bound, tried)
    if proof is None and (not tried.lines or len(a.states) + len(b.states) <= FEW_STATES):
        proof = with_open_map(bound, tried, same_hyperparameters=True)
    text = condition_text(condition, request.while_defined)
    record.note(f"{text}: {'enough' if proof else 'not proved to be enough'}")
    if proof is None:
        return None
    assert isinstance(proof.certificate, Correspondence)
    return proof.certificate


def exactness(
    a: Rule, b: Rule, found: tuple[Condition, ...], scheduled: frozenset[str] = frozenset()
) -> Exactness | None:
    """The proof that nothing else makes the two agree, by one run or by two; None where there is none.

    With `scheduled`, nothing but these and hyperparameters that do not change after all.
    """
    runs = [run for run in RUNS[:SHORT_RUNS] if not scheduled or len(run[1]) == 2]
    for chosen in (*((run,) for run in runs), *combinations(runs, 2)):
        claim = Exactness(a, b, found, chosen, Leaf(), scheduled)
        try:
            _, pairs, assumed = of_exactness(claim)
            return replace(claim, tree=propose_identity(pairs, assumed).tree)
        except (Differs, Undecided, ValueError):
            continue
    return None
