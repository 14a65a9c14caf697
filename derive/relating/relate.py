"""Are two rules the same algorithm, for all gradients? Search a proof, then a counterexample, then conditions.

Every answer rests on what the checker or the replay has confirmed; this file only decides what is
looked for, in which order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import chain, islice

from derive.algebra.work import TooLarge, bounded
from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, to_text
from derive.linear.relation import LinearRelation
from derive.proving.certificate import Conditional
from derive.proving.checker import Checked, Rejected
from derive.proving.replay import Replayed
from derive.proving.search import asking_others, missing_prover
from derive.proving.verdict import Verdict
from derive.relating.answers import answered
from derive.relating.claims import Claim, as_often
from derive.relating.conditions import MOST_AT_ONCE, Conditions, conditions, exactness, is_degenerate
from derive.relating.linear_pairs import hidden_modes, linear_relation, proof_of_a_branch
from derive.relating.maps import (
    bind_sides,
    differing_domains,
    refuse_condition,
    refuse_maps,
    refuse_names,
    told_apart,
    with_condition,
)
from derive.relating.parting import is_of, parted, parted_by_schedule, parted_off_condition
from derive.relating.searching.alignment import (
    FIRST_TRIES,
    aligned,
    alignments,
    plausible,
    with_aligned_names,
    with_swapped_names,
)
from derive.relating.searching.attempts import Record, Request, with_map_of_runs, with_open_map, with_same_names
from derive.relating.shifts import Shift, shifted
from derive.rule import Rule
from derive.transforms import bind, without_idle_hyperparameters

WORK = 4_000_000  # a few seconds
NO_GRADIENT = "no gradient plays a part there"


def prove(
    a: Rule,
    b: Rule,
    *,
    states: Mapping[str, Expr] | None = None,
    hyperparameters: Mapping[str, Expr] | None = None,
    condition: Mapping[str, Expr] | None = None,
    schedule: Collection[str] = (),
    instance: bool = False,
) -> Verdict:
    """Whether `a` and `b` query the same points (and give the same outputs) at every step, for all gradients.

    `states` maps states of b (or "theta") to expressions in a's names, `hyperparameters` its
    hyperparameters; what is left out is searched for. `condition` binds hyperparameters before
    anything else, of both rules by their bare name or of one as "a.NAME"; with it a success is
    `conditional`. The hyperparameters in `schedule` may change from step to step. With `instance`
    numbers other than zero that `a` has in the place of b's hyperparameters count as their values.
    """
    bound = dict(condition or {})
    if a.is_average is not b.is_average:
        raise UserError(f"{a.name} and {b.name} are not comparable", fix="compare two averages or two update rules")
    refuse_condition(bound, a, b)
    warnings = _differing_defaults(a, b, {**(hyperparameters or {}), **bound})
    left, right = bind_sides(bound, a, b)
    given = with_condition(states or {}, bound), with_condition(hyperparameters or {}, bound)
    refuse_maps(left, right, *given)
    scheduled = _scheduled(schedule, left, right)
    left, right = as_often(left, right)
    request = _without_idle(Request(left, right, *given, scheduled))
    try:
        with bounded(WORK):
            verdict = _under_schedule(request) if scheduled else _answer(request, instance)
    except TooLarge as obstacle:
        verdict = Verdict("unknown", message=str(obstacle))
    verdict = replace(verdict, warnings=(*warnings, *verdict.warnings))
    return _of_the_rules_asked(verdict, request, Claim(a, b, bound), hyperparameters or {})


def _without_idle(request: Request) -> Request:
    """The request without the hyperparameters that a rule never mentions, but where neither does."""
    if request.states or request.hyperparameters:
        return request
    a, b = request.a, request.b
    idle = [{*r.hyperparameters} - {*without_idle_hyperparameters(r).hyperparameters} for r in (a, b)]
    kept = {h.name for h in idle[0] for other in idle[1] if (h.name, h.domain) == (other.name, other.domain)}
    kept |= request.scheduled
    return replace(request, a=without_idle_hyperparameters(a, kept), b=without_idle_hyperparameters(b, kept))


def _answer(request: Request, instance: bool) -> Verdict:
    """The answer; of two linear rules that do not vary in time with every parameter branch and hidden mode."""
    relation = linear_relation(request)
    verdict = _found(request, relation, instance)
    if relation is None:
        return verdict
    notes = (*verdict.warnings, *hidden_modes(relation))
    return replace(verdict, branches=relation.document(), warnings=notes)


def _found(request: Request, relation: LinearRelation | None, instance: bool) -> Verdict:
    record = Record()
    proof, apart = _searched(request, record)
    if proof is None and relation is not None:
        proof = proof_of_a_branch(relation, request, record)
    proof = proof or with_swapped_names(request, record)
    if proof is not None:
        return _proved(proof, request, record)
    if instance and record.specialised:
        return _instance(request, record)
    shift = shifted(request, record)
    if shift is not None:
        return _shifted(shift, request, record, apart)
    verdict = _without_proof(request, record, apart or parted(request))
    return _by_others(request, verdict) if verdict.status == "unknown" else verdict


def _by_others(request: Request, verdict: Verdict) -> Verdict:
    """The answer where z3 may be asked for what our own algebra leaves open."""
    record = Record(list(verdict.tried))
    with asking_others():
        for each in chain([request], islice(plausible(request), 1)):
            proof = with_same_names(each, record)
            if proof is not None:
                return _proved(proof, request, record)
    return replace(verdict, message=verdict.message + missing_prover())


def _searched(request: Request, record: Record) -> tuple[Checked | None, Replayed | None]:
    """A proof; or none, and perhaps a run on which the two part under the same names."""
    proof = with_same_names(request, record)
    if proof is not None:
        return proof, None
    apart = parted(request, FIRST_TRIES)
    if apart is None:
        proof = with_map_of_runs(request, record) or with_open_map(request, record, same_hyperparameters=True)
    proof = proof or with_aligned_names(request, record)
    return proof or with_open_map(request, record, same_hyperparameters=False), apart


def _under_schedule(request: Request) -> Verdict:
    """The answer where some hyperparameters change in time: at every step the maps must hold with the new values."""
    record = Record()
    proof, apart = _searched(request, record)
    if proof is not None:
        return _proved(proof, request, record)
    constant = _answer(replace(request, scheduled=frozenset()), instance=False)
    tried = (*record.lines, *constant.tried)
    if constant.status not in ("proved", "conditional"):
        return replace(constant, branches=(), tried=tried)
    steady = f"{', '.join(sorted(request.scheduled))} constant"
    if constant.relation == "shift":
        text = f"{constant.message}, where {steady}; not decided where not"
        return Verdict("unknown", message=text, tried=tried)
    called = _names(constant.claim.hyperparameters)  # under which the conditions were found
    apart = parted(request, called=called) if called else apart or parted(request)
    apart = parted_by_schedule(request, constant) if constant else apart
    within = _said_of(constant, request, called)
    found = conditions(within, record)
    degenerate = tuple(dict.fromkeys((*(found.degenerate if found else ()), *constant.claim.degenerate)))
    claim = Claim(request.a, request.b, hyperparameters=_symbols(called), degenerate=degenerate)
    verdict = answered(claim, _with_constant(within, found, constant))
    if apart is None:
        return Verdict("unknown", message=f"{verdict.message}; not decided where not", tried=tried)
    return replace(
        verdict,
        counterexample=apart.document(),
        warnings=tuple(dict.fromkeys((*verdict.warnings, *constant.warnings))),
        tried=tuple(record.lines),
    )


def _said_of(constant: Verdict, request: Request, called: Mapping[str, str]) -> Request:
    """The request about the rules, and under the names, that the answer for constant hyperparameters is about."""
    c = constant.evidence.certificate
    a, b = (c.a, c.b) if is_of(c.a, request.a) else (c.b, c.a)
    scheduled = request.scheduled if constant else {called.get(n, n) for n in request.scheduled}
    return replace(request, a=a, b=b, scheduled=frozenset(scheduled))


def _with_constant(request: Request, found: Conditions | None, constant: Verdict) -> Checked:
    """The proofs for hyperparameters that change and for those that do not, in one certificate."""
    steady = constant.evidence.certificate
    made = Conditional(request.a, request.b, (), (), None, request.scheduled)
    if found is not None:
        assert isinstance(found.evidence.certificate, Conditional)
        made = found.evidence.certificate
    held = replace(made, constant=steady)
    exact = exactness(made.a, made.b, made.conditions, made.scheduled) if constant else None
    try:
        return Checked(replace(held, exactness=exact))
    except Rejected:  # the rules agree under a map, or while they are defined
        return Checked(held)


def _proved(proof: Checked, request: Request, record: Record, values: Mapping[str, Expr] | None = None) -> Verdict:
    verdict = answered(Claim(request.a, request.b, hyperparameters=values or {}), proof)
    return replace(verdict, tried=tuple(record.lines))


def _shifted(shift: Shift, request: Request, record: Record, apart: Replayed | None) -> Verdict:
    steps = shift.steps if shift.early == "A" else -shift.steps
    verdict = answered(Claim(request.a, request.b, shift=steps), shift.proof)
    apart = None if verdict else apart or parted(request)
    return replace(verdict, counterexample=None if apart is None else apart.document(), tried=tuple(record.lines))


def _without_proof(request: Request, record: Record, apart: Replayed | None) -> Verdict:
    """Conditions where there are some, with a counterexample off them; else what was found against it."""
    given = request.states or request.hyperparameters
    whole, (request, called) = request, aligned(request)
    found = None if given else conditions(request, record)
    if found is None or found.fewest > 1:
        request, called, found = _less_demanding(whole, record, (request, called, found))
    if called:  # a run of other values says nothing about the two under these names
        apart = parted(whole, called=called)
    tried = tuple(record.lines)
    claim = Claim(whole.a, whole.b, hyperparameters={**_symbols(called), **whole.hyperparameters})
    verdict = None
    if found is not None and found.any_of:
        verdict = answered(replace(claim, degenerate=found.degenerate), found.evidence)
    if apart is None:
        reason = differing_domains(request.a, request.b) or "no map was found, and no run on which the two part"
        return Verdict("unknown", message=f"{verdict.message}; elsewhere {reason}" if verdict else reason, tried=tried)
    if verdict is not None:
        return replace(verdict, counterexample=apart.document(), tried=tried)
    return replace(answered(claim, apart), tried=tried, condition=None if found is None else found.document)


Aligned = tuple[Request, Mapping[str, str], Conditions | None]


def _less_demanding(whole: Request, record: Record, known: Aligned) -> Aligned:
    """The alignment of the hyperparameters' names that no run speaks against, or that asks for the fewest values."""
    others = [] if whole.states or whole.hyperparameters else alignments(whole)[1:]
    found = [known, *((request, renamed, conditions(request, record)) for request, renamed in others)]

    def demands(item: Aligned) -> tuple[bool, int]:
        _, called, held = item
        return parted(whole, FIRST_TRIES, called=called) is not None, held.fewest if held else MOST_AT_ONCE + 1

    return min(found, key=demands) if others else known


def _symbols(called: Mapping[str, str]) -> dict[str, Expr]:
    return {his: Symbol(mine) for his, mine in called.items()}


def _names(maps: Mapping[str, Expr]) -> dict[str, str]:
    return {his: mine.name for his, mine in maps.items() if isinstance(mine, Symbol)}


def _instance(request: Request, record: Record) -> Verdict:
    """Equal once hyperparameters of b have the values that stand in a."""
    for maps in record.specialised:
        values = {n: e for n, e in maps.hyperparameters.items() if isinstance(e, Number)}
        if any(value.value not in request.b.domains[name] for name, value in values.items()):
            continue
        bound = bind(request.b, values)
        proof = with_same_names(again := replace(request, b=bound), record) or with_open_map(
            again, record, same_hyperparameters=False
        )
        if proof is not None:
            return _off(_proved(proof, request, record, values), request, values)
    return _without_proof(request, record, parted(request))


def _off(verdict: Verdict, request: Request, values: Mapping[str, Expr]) -> Verdict:
    """The verdict; where zeros switch a part of b off, with a run on which that part is not."""
    if verdict:
        return verdict
    others = {n: e for n, e in values.items() if e is not Number(0)}
    off = parted_off_condition(verdict, request.a, request.a, bind(request.b, others), {})
    if off is None:
        return Verdict("unknown", message=f"{verdict.message}; not decided elsewhere", tried=verdict.tried)
    return replace(verdict, counterexample=off.document())


def _of_the_rules_asked(verdict: Verdict, request: Request, asked: Claim, given: Mapping[str, Expr]) -> Verdict:
    """The verdict, said of the rules before hyperparameters were bound and steps taken together.

    `given` is what the caller says of the hyperparameters, before the condition.
    """
    if verdict.status == "unknown":
        return verdict
    claim = replace(verdict.claim, a=asked.a, b=asked.b, condition=asked.condition)
    said = answered(claim, verdict.evidence)
    counterexample = verdict.counterexample  # where more is needed: a run on which the rest does not hold
    if asked.condition and counterexample is None:
        found = parted_off_condition(verdict, request.a, *as_often(asked.a, asked.b), given)
        counterexample = None if found is None else found.document()
    idle = (NO_GRADIENT,) if asked.condition and is_degenerate(request.a, request.b) else ()
    return replace(said, counterexample=counterexample, condition=said.condition or verdict.condition,
                   warnings=tuple(dict.fromkeys((*said.warnings, *verdict.warnings, *idle))),
                   tried=verdict.tried, branches=verdict.branches)  # fmt: skip


def _scheduled(schedule: Collection[str], a: Rule, b: Rule) -> frozenset[str]:
    known = [*dict.fromkeys((*a.hyperparameter_names, *b.hyperparameter_names))]
    refuse_names(schedule, known, f"a hyperparameter of {a.name} or {b.name}")
    return frozenset(schedule)


def _differing_defaults(a: Rule, b: Rule, mapped: Mapping[str, Expr]) -> tuple[str, ...]:
    """Defaults that differ under the same name: equal rules, but not when called without arguments."""
    one, other = told_apart(a, b)
    differing = [
        (name, Number(a.defaults[name]), Number(b.defaults[name]))
        for name in a.defaults
        if name in b.defaults and name not in mapped and a.defaults[name] != b.defaults[name]
    ]
    return tuple(
        f"the default of {name} is {to_text(mine)} in {one} and {to_text(his)} in {other}"
        for name, mine, his in differing
    )
