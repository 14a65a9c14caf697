"""Are two rules the same algorithm, for all gradients? Search a proof, then a counterexample, then conditions.

Every answer rests on what the checker or the replay has confirmed; this file only decides what is
looked for, in which order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from derive.algebra.work import TooLarge, bounded
from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, substitute, to_text
from derive.linear.relation import LinearRelation
from derive.proving.certificate import Conditional, Correspondence
from derive.proving.checker import Checked
from derive.proving.obligations import HIS
from derive.proving.refute import TRIES_ALONG_TRAJECTORIES, separating_trajectory
from derive.proving.replay import Replayed
from derive.proving.search import asking_others, missing_prover
from derive.proving.verdict import Verdict
from derive.relating.alignment import aligned, alignments
from derive.relating.answers import answered
from derive.relating.attempts import Record, Request, with_map_of_runs, with_open_map, with_same_names
from derive.relating.claims import Claim, as_often
from derive.relating.conditions import MOST_AT_ONCE, Conditions, conditions
from derive.relating.linear_pairs import hidden_modes, linear_relation, proof_of_a_branch
from derive.relating.maps import bind_sides, differing_domains, refuse_condition, refuse_maps, refuse_names, told_apart
from derive.relating.shifts import Shift, shifted
from derive.rule import Rule
from derive.transforms import bind

WORK = 4_000_000  # a few seconds
FIRST_TRIES = 12  # before a map is searched: most rules that differ do so soon


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
    refuse_maps(left, right, states or {}, hyperparameters or {})
    scheduled = _scheduled(schedule, left, right)
    left, right = as_often(left, right)
    request = Request(left, right, states or {}, hyperparameters or {}, scheduled)
    try:
        with bounded(WORK):
            verdict = _under_schedule(request) if scheduled else _answer(request, instance)
    except TooLarge as obstacle:
        verdict = Verdict("unknown", message=str(obstacle))
    verdict = replace(verdict, warnings=(*warnings, *verdict.warnings))
    return _of_the_rules_asked(verdict, a, b, bound)


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
    proof, parted = _searched(request, record)
    if proof is None and relation is not None:
        proof = proof_of_a_branch(relation, request, record)
    if proof is not None:
        return _proved(proof, request, record)
    if instance and record.specialised:
        return _instance(request, record)
    shift = shifted(request, record)
    if shift is not None:
        return _shifted(shift, request, record, parted)
    verdict = _without_proof(request, record, parted or _parted(request))
    return _by_others(request, verdict) if verdict.status == "unknown" else verdict


def _by_others(request: Request, verdict: Verdict) -> Verdict:
    """The answer where z3 may be asked for what our own algebra leaves open."""
    record = Record(list(verdict.tried))
    with asking_others():
        proof = with_same_names(request, record)
    return _proved(proof, request, record) if proof else replace(verdict, message=verdict.message + missing_prover())


def _searched(request: Request, record: Record) -> tuple[Checked | None, Replayed | None]:
    """A proof; or none, and perhaps a run on which the two part under the same names."""
    proof = with_same_names(request, record)
    if proof is not None:
        return proof, None
    parted = _parted(request, FIRST_TRIES)
    if parted is None:
        proof = with_map_of_runs(request, record) or with_open_map(request, record, same_hyperparameters=True)
    return proof or with_open_map(request, record, same_hyperparameters=False), parted


def _under_schedule(request: Request) -> Verdict:
    """The answer where some hyperparameters change in time: at every step the maps must hold with the new values."""
    record = Record()
    proof, parted = _searched(request, record)
    if proof is not None:
        return _proved(proof, request, record)
    constant = _answer(replace(request, scheduled=frozenset()), instance=False)
    if constant.status not in ("proved", "conditional"):
        return replace(constant, branches=(), tried=(*record.lines, *constant.tried))
    steady = f"{', '.join(sorted(request.scheduled))} constant"
    if constant.relation == "shift":
        text = f"{constant.message}, where {steady}; not decided where not"
        return Verdict("unknown", message=text, tried=(*record.lines, *constant.tried))
    whole, renamed = request, dict[str, str]()
    if constant.status == "conditional":
        names = constant.claim.hyperparameters  # those under which the conditions were found
        request, renamed = next(pair for pair in alignments(request) if _symbols(pair[1]) == names)
    found = conditions(request, record)
    found_apart = _parted(replace(whole, scheduled=request.scheduled), called=renamed) if renamed else None
    parted = _parted_by_schedule(whole, constant) or found_apart or parted or _parted(whole)
    degenerate = tuple(dict.fromkeys((*(found.degenerate if found else ()), *constant.claim.degenerate)))
    claim = Claim(whole.a, whole.b, hyperparameters=_symbols(renamed), degenerate=degenerate)
    return replace(
        answered(claim, _with_constant(request, found, constant)),
        counterexample=None if parted is None else parted.document(),
        warnings=constant.warnings,
        tried=tuple(record.lines),
    )


def _parted_by_schedule(request: Request, constant: Verdict) -> Replayed | None:
    """A run on which the two part though they are equal, by this proof, where the hyperparameters are constant."""
    c = constant.evidence.certificate
    if not isinstance(c, Correspondence):
        return None
    hypers: Mapping[str, Expr] = c.hyperparameters
    if c.a != request.a:
        mine = {HIS + n: Symbol(n) for n in request.a.hyperparameter_names}
        hypers = dict(zip(c.inverse, substitute(c.inverse.values(), mine), strict=True))
    scheduled = sorted(request.scheduled)
    return separating_trajectory(request.a, request.b, hypers, TRIES_ALONG_TRAJECTORIES, scheduled)


def _with_constant(request: Request, found: Conditions | None, constant: Verdict) -> Checked:
    """The proofs for hyperparameters that change and for those that do not, in one certificate."""
    steady = constant.evidence.certificate
    if found is None:
        return Checked(Conditional(request.a, request.b, (), (), None, request.scheduled, steady))
    assert isinstance(found.evidence.certificate, Conditional)
    return Checked(replace(found.evidence.certificate, constant=steady))


def _parted(
    request: Request, tries: int = TRIES_ALONG_TRAJECTORIES, *, called: Mapping[str, str] | None = None
) -> Replayed | None:
    """A run on which the two part, hyperparameters without a counterpart having values of their own.

    `called` are hyperparameters of b that have the values of others of a.
    """
    own = {n: Symbol((called or {}).get(n, n)) for n in request.b.hyperparameter_names}
    return separating_trajectory(request.a, request.b, {**own, **request.shared}, tries, sorted(request.scheduled))


def _proved(proof: Checked, request: Request, record: Record, values: Mapping[str, Expr] | None = None) -> Verdict:
    verdict = answered(Claim(request.a, request.b, hyperparameters=values or {}), proof)
    return replace(verdict, tried=tuple(record.lines))


def _shifted(shift: Shift, request: Request, record: Record, parted: Replayed | None) -> Verdict:
    steps = shift.steps if shift.early == "A" else -shift.steps
    verdict = answered(Claim(request.a, request.b, shift=steps), shift.proof)
    parted = None if verdict else parted or _parted(request)
    return replace(verdict, counterexample=None if parted is None else parted.document(), tried=tuple(record.lines))


def _without_proof(request: Request, record: Record, parted: Replayed | None) -> Verdict:
    """Conditions where there are some, with a counterexample off them; else what was found against it."""
    given = request.states or request.hyperparameters
    whole, (request, renamed) = request, aligned(request)
    found = None if given else conditions(request, record)
    if found is None or found.fewest > 1:
        request, renamed, found = _less_demanding(whole, record, (request, renamed, found))
    renamed_apart = _parted(whole, called=renamed) if renamed else None
    parted, called = (parted, {}) if renamed_apart is None else (renamed_apart, renamed)
    tried = tuple(record.lines)
    if found is not None and found.any_of:
        claim = Claim(whole.a, whole.b, hyperparameters=_symbols(renamed), degenerate=found.degenerate)
        counterexample = None if parted is None else parted.document()
        return replace(answered(claim, found.evidence), counterexample=counterexample, tried=tried)
    if parted is None:
        reason = differing_domains(request.a, request.b) or "no map was found, and no run on which the two part"
        return Verdict("unknown", message=reason, tried=tried)
    claim = Claim(whole.a, whole.b, hyperparameters={**_symbols(called), **whole.hyperparameters})
    return replace(answered(claim, parted), tried=tried, condition=None if found is None else found.document)


Aligned = tuple[Request, dict[str, str], Conditions | None]


def _less_demanding(whole: Request, record: Record, known: Aligned) -> Aligned:
    """The alignment of the hyperparameters' names under which the fewest have to have values."""
    others = [] if whole.states or whole.hyperparameters else alignments(whole)[1:]
    found = [known, *((request, renamed, conditions(request, record)) for request, renamed in others)]
    return min(found, key=lambda item: MOST_AT_ONCE + 1 if item[2] is None else item[2].fewest)


def _symbols(named: Mapping[str, str]) -> dict[str, Expr]:
    return {his: Symbol(mine) for his, mine in named.items()}


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
            return _proved(proof, request, record, values)
    return _without_proof(request, record, _parted(request))


def _of_the_rules_asked(verdict: Verdict, a: Rule, b: Rule, bound: Mapping[str, Expr]) -> Verdict:
    """The verdict, said of the rules before hyperparameters were bound and steps taken together."""
    if verdict.status == "unknown":
        return verdict
    claim = replace(verdict.claim, a=a, b=b, condition=bound)
    said = answered(claim, verdict.evidence)
    counterexample = verdict.counterexample  # where more is needed: a run on which the rest does not hold
    if bound and counterexample is None:
        found = separating_trajectory(a, b, {n: Symbol(n) for n in b.hyperparameter_names})
        counterexample = None if found is None else found.document()
    return replace(said, counterexample=counterexample, condition=said.condition or verdict.condition,
                   warnings=verdict.warnings, tried=verdict.tried, branches=verdict.branches)  # fmt: skip


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
