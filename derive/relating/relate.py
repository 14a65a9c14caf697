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
from derive.expr import Expr, Number, to_text
from derive.linear.relation import LinearRelation
from derive.proving.certificate import Conditional
from derive.proving.checker import Checked
from derive.proving.replay import Replayed
from derive.proving.search import asking_others, missing_prover
from derive.proving.verdict import Verdict
from derive.relating.alignment import (
    FIRST_TRIES,
    aligned,
    alignments,
    plausible,
    with_aligned_names,
    with_swapped_names,
)
from derive.relating.answers import (
    called_alike,
    play_no_part,
    proved_aligned,
    proved_by,
    refuted_by,
    shifted_by,
    with_names_said,
)
from derive.relating.attempts import Record, Request, with_map_of_runs, with_open_map, with_same_names
from derive.relating.conditions import MOST_AT_ONCE, Conditions, conditions, is_degenerate
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
from derive.relating.shifts import shifted
from derive.relating.wording import condition_text
from derive.rule import Rule
from derive.transforms import bind, repeated, without_idle_hyperparameters

WORK = 4_000_000  # a few seconds


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
    maps_given = with_condition(states or {}, bound), with_condition(hyperparameters or {}, bound)
    refuse_maps(left, right, *maps_given)
    scheduled = _scheduled(schedule, left, right)
    repeated_one = _as_often(left, right)
    times = (1, 1)
    if repeated_one is not None:
        times = len(right.questions) // len(left.questions) or 1, len(left.questions) // len(right.questions) or 1
        left, right = repeated_one
    request = Request(left, right, *maps_given, scheduled)
    request, idle = _without_idle(request)
    try:
        with bounded(WORK):
            verdict = _under_schedule(request) if scheduled else _answer(request, instance)
    except TooLarge as obstacle:
        verdict = Verdict("unknown", message=str(obstacle))
    if repeated_one is not None and verdict:
        verdict = replace(verdict, relation="repetition", message=_repetition_text(*times, verdict.message))
        if scheduled:
            steady = f"{', '.join(sorted(scheduled))} the same in all the steps that make one"
            verdict = replace(verdict, assumptions=(*verdict.assumptions, steady))
    verdict = replace(verdict, warnings=(*warnings, *idle, *verdict.warnings))
    return _under(bound, verdict, request, *(_as_often(a, b) or (a, b)), hyperparameters or {}) if bound else verdict


def _without_idle(request: Request) -> tuple[Request, tuple[str, ...]]:
    """The request without the hyperparameters that a rule never mentions, but where neither does."""
    if request.states or request.hyperparameters:
        return request, ()
    a, b = request.a, request.b
    idle = [{*r.hyperparameters} - {*without_idle_hyperparameters(r).hyperparameters} for r in (a, b)]
    kept = {h.name for h in idle[0] for other in idle[1] if (h.name, h.domain) == (other.name, other.domain)}
    kept |= request.scheduled
    less = replace(request, a=without_idle_hyperparameters(a, kept), b=without_idle_hyperparameters(b, kept))
    return less, play_no_part((a, less.a), (b, less.b))


def _as_often(a: Rule, b: Rule) -> tuple[Rule, Rule] | None:
    """The two with one of them repeated, where it asks for fewer gradients in a step; None where they ask alike."""
    few, many = sorted((len(a.questions), len(b.questions)))
    if few == many:
        return None
    if many % few:
        what = f"{a.name} asks for {len(a.questions)} gradients in a step, {b.name} for {len(b.questions)}"
        raise UserError(what, fix="compare rules of which one asks a whole number of times as often")
    times = many // few
    return (repeated(a, times), b) if len(a.questions) < len(b.questions) else (a, repeated(b, times))


def _repetition_text(times_a: int, times_b: int, message: str) -> str:
    few, many, times = ("A", "B", times_a) if times_a > 1 else ("B", "A", times_b)
    return f"{times} steps of {few} are one of {many}: {message}"


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
    proved, apart = _searched(request, record)
    if proved is not None:
        return proved
    proof = proof_of_a_branch(relation, request, record) if relation is not None else None
    if proof is not None:
        return proved_by(proof, request, record)
    swapped = with_swapped_names(request, record)
    if swapped is not None:
        return proved_by(*swapped, record)
    if instance and record.specialised:
        return _instance(request, record)
    shift = shifted(request, record)
    if shift is not None:
        return shifted_by(shift, record)
    verdict = _without_proof(request, record, apart or parted(request))
    return _by_others(request, verdict) if verdict.status == "unknown" else verdict


def _by_others(request: Request, verdict: Verdict) -> Verdict:
    """The answer where z3 may be asked for what our own algebra leaves open."""
    record = Record(list(verdict.tried))
    with asking_others():
        for each in chain([request], islice(plausible(request), 1)):
            proof = with_same_names(each, record)
            if proof is not None:
                return proved_aligned(proof, each, request, record)
    return replace(verdict, message=verdict.message + missing_prover())


def _searched(request: Request, record: Record) -> tuple[Verdict | None, Replayed | None]:
    """That it is proved; or nothing, and perhaps a run on which the two part under the same names."""
    proof = with_same_names(request, record)
    if proof is not None:
        return proved_by(proof, request, record), None
    apart = parted(request, FIRST_TRIES)
    if apart is None:
        proof = with_map_of_runs(request, record) or with_open_map(request, record, same_hyperparameters=True)
    aligned = None if proof is not None else with_aligned_names(request, record)
    if aligned is not None:
        return proved_aligned(*aligned, request, record), apart
    proof = proof or with_open_map(request, record, same_hyperparameters=False)
    return (None if proof is None else proved_by(proof, request, record)), apart


def _under_schedule(request: Request) -> Verdict:
    """The answer where some hyperparameters change in time: at every step the maps must hold with the new values."""
    record = Record()
    proved, apart = _searched(request, record)
    if proved is not None:
        return proved
    constant = _answer(replace(request, scheduled=frozenset()), instance=False)
    tried = (*record.lines, *constant.tried)
    called = called_alike(constant) if constant.status == "conditional" else aligned(request)[1]
    apart = parted(request, called=called) if called else apart or parted(request)
    if constant.status == "unknown" and apart is not None:
        return refuted_by(apart, request, called, tried)
    if constant.status not in ("proved", "conditional"):
        return replace(constant, branches=(), tried=tried)
    steady = f"{', '.join(sorted(request.scheduled))} constant"
    if constant.relation == "shift":
        text = f"{constant.message}, where {steady}; not decided where not"
        return Verdict("unknown", message=text, tried=tried)
    if constant:
        apart = parted_by_schedule(request, constant)
    request = _said_of(constant, request, called)
    found = conditions(request, record)
    always = list(found.any_of if found else ())
    only_constant = [c for c in (constant.condition or {}).get("any_of", [""]) if c not in always]
    any_of = [*(" and ".join(filter(None, (steady, c))) for c in only_constant), *always]
    degenerate = list(found.degenerate if found else ())
    message = f"equal where {' or '.join(any_of)}"
    if apart is None:
        return Verdict("unknown", message=f"{message}; not decided where not", tried=tried)
    return replace(
        constant,
        branches=(),  # they are about constant hyperparameters
        status="conditional",
        condition={"any_of": any_of, "degenerate": degenerate, "exact": False},
        counterexample=apart.document(),
        message=message,
        tried=tuple(record.lines),
        evidence=_with_constant(request, found, constant),
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
    if found is None:
        return Checked(Conditional(request.a, request.b, (), (), None, request.scheduled, steady))
    assert isinstance(found.evidence.certificate, Conditional)
    return Checked(replace(found.evidence.certificate, constant=steady))


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
    texts = "" if found is None or not found.any_of else " or ".join(found.any_of) + with_names_said(called)
    if apart is None:
        reason = differing_domains(request.a, request.b) or "no map was found, and no run on which the two part"
        return Verdict("unknown", message=f"equal where {texts}; elsewhere {reason}" if texts else reason, tried=tried)
    verdict = replace(refuted_by(apart, whole, called, tried), condition=None if found is None else found.document)
    if found is None or not texts:
        return verdict
    return replace(verdict, status="conditional", message=f"equal where {texts}", evidence=found.evidence)


Aligned = tuple[Request, Mapping[str, str], Conditions | None]


def _less_demanding(whole: Request, record: Record, known: Aligned) -> Aligned:
    """The alignment of the hyperparameters' names that no run speaks against, or that asks for the fewest values."""
    others = [] if whole.states or whole.hyperparameters else alignments(whole)[1:]
    found = [known, *((request, renamed, conditions(request, record)) for request, renamed in others)]

    def demands(item: Aligned) -> tuple[bool, int]:
        _, called, held = item
        return parted(whole, FIRST_TRIES, called=called) is not None, held.fewest if held else MOST_AT_ONCE + 1

    return min(found, key=demands) if others else known


def _instance(request: Request, record: Record) -> Verdict:
    """Equal once hyperparameters of b have the values that stand in a."""
    for maps in record.specialised:
        values = {n: e for n, e in maps.hyperparameters.items() if isinstance(e, Number)}
        bound = bind(request.b, values)
        proof = with_same_names(again := replace(request, b=bound), record) or with_open_map(
            again, record, same_hyperparameters=False
        )
        if proof is not None:
            return _specialised(proved_by(proof, again, record), values, request)
    return _without_proof(request, record, parted(request))


def _specialised(verdict: Verdict, values: Mapping[str, Expr], request: Request) -> Verdict:
    """Numbers bound to hyperparameters make an instance; zeros switch a part off, and are a condition."""
    message = f"{verdict.message}, where {', '.join(f'B.{n} = {to_text(e)}' for n, e in values.items())}"
    zeros = {n: e for n, e in values.items() if e is Number(0)}
    others = {n: e for n, e in values.items() if n not in zeros}
    if not zeros:
        numbers = {f"B.{n}": to_text(e) for n, e in values.items()}
        return replace(verdict, relation="instance", maps={**verdict.maps, **numbers}, message=message)
    off = parted_off_condition(verdict, request.a, request.a, bind(request.b, others), {})
    if off is None:
        return Verdict("unknown", message=f"{message}; not decided elsewhere", tried=verdict.tried)
    condition = {"any_of": [condition_text(zeros)], "degenerate": [], "exact": False}
    return replace(verdict, status="conditional", condition=condition, counterexample=off.document(), message=message)


def _under(
    bound: Mapping[str, Expr], verdict: Verdict, within: Request, a: Rule, b: Rule, given: Mapping[str, Expr]
) -> Verdict:
    """The verdict for rules with hyperparameters bound beforehand (`within`), said of the rules as they were."""
    sides = {name.replace("a.", "A.", 1).replace("b.", "B.", 1): value for name, value in bound.items() if "." in name}
    text = condition_text({**{n: v for n, v in bound.items() if "." not in n}, **sides})
    if verdict.status not in ("proved", "conditional"):
        return verdict
    inner = verdict.condition or {"any_of": [""], "degenerate": [""] if is_degenerate(within.a, within.b) else []}
    lists = {k: [" and ".join(filter(None, (text, more))) for more in inner[k]] for k in ("any_of", "degenerate")}
    # Where more is needed: a run on which the rest does not hold.
    found = None if verdict.counterexample else parted_off_condition(verdict, within.a, a, b, given)
    return replace(verdict, status="conditional", condition={**lists, "exact": False},
                   counterexample=verdict.counterexample if found is None else found.document(),
                   message=f"{verdict.message}, where {text}")  # fmt: skip


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
