"""Are two rules the same algorithm, for all gradients, under a given map of their states and hyperparameters?

This file takes the map as given (by default: the same names). The proof is an induction; what
has to be shown is in `obligations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.errors import UserError
from derive.expr import Expr, Symbol, to_text
from derive.proving.certificate import Correspondence, Invariants
from derive.proving.checker import Checked
from derive.proving.invariants import invariant_certificate
from derive.proving.obligations import of_correspondence, tracked
from derive.proving.refute import separating_trajectory
from derive.proving.search import Differs, Undecided, propose_identity
from derive.proving.verdict import Verdict
from derive.relating.inverse import inverse
from derive.relating.maps import refuse_condition, refuse_maps, unmapped
from derive.rule import Rule
from derive.transforms import bind


def prove(
    a: Rule,
    b: Rule,
    *,
    states: Mapping[str, Expr] | None = None,
    hyperparameters: Mapping[str, Expr] | None = None,
    condition: Mapping[str, Expr] | None = None,
) -> Verdict:
    """Whether `a` and `b` query the same points (and give the same outputs) at every step, for all gradients.

    `states` maps each state of b (or "theta") to an expression in a's names; `hyperparameters`
    each hyperparameter of b to one in a's; names left out map to themselves. `condition` binds
    hyperparameters of both before anything else; with it a success is `conditional`.
    """
    bound = dict(condition or {})
    if a.is_average is not b.is_average:
        raise UserError(f"{a.name} and {b.name} are not comparable", fix="compare two averages or two update rules")
    refuse_condition(bound, a, b)
    warnings = _differing_defaults(a, b, {**(hyperparameters or {}), **bound})
    whole_a, whole_b = a, b
    a, b = bind(a, bound), bind(b, bound)
    refuse_maps(a, b, states or {}, hyperparameters or {})
    state_map = {n: (states or {}).get(n, Symbol(n)) for n in tracked(b)}
    hyper_map = {n: (hyperparameters or {}).get(n, Symbol(n)) for n in b.hyperparameter_names}
    missing = unmapped(a, b, state_map, hyper_map)
    if missing:
        return _without_proof(a, b, hyper_map, missing)
    try:
        evidence = Checked(_correspondence(a, b, state_map, hyper_map))
    except Differs as obstacle:
        return _without_proof(a, b, hyper_map, f"the step does not keep this map where {obstacle}")
    except Undecided as obstacle:
        return _without_proof(a, b, hyper_map, str(obstacle))
    verdict = replace(_success(state_map, hyper_map, bound, evidence), warnings=warnings)
    if not bound:
        return verdict
    return replace(verdict, counterexample=_off_condition(whole_a, whole_b, hyperparameters or {}))


def _off_condition(a: Rule, b: Rule, hyperparameters: Mapping[str, Expr]) -> Mapping[str, object] | None:
    """Where the two part when the condition is not imposed; None where that was not found."""
    hypers = {n: hyperparameters.get(n, Symbol(n)) for n in b.hyperparameter_names}
    found = separating_trajectory(a, b, hypers)
    return None if found is None else found.document()


def _differing_defaults(a: Rule, b: Rule, mapped: Mapping[str, Expr]) -> tuple[str, ...]:
    """Defaults that differ under the same name: equal rules, but not when called without arguments."""
    return tuple(
        f"the default of {name} is {a.defaults[name]} in {a.name} and {b.defaults[name]} in {b.name}"
        for name in a.defaults
        if name in b.defaults and name not in mapped and a.defaults[name] != b.defaults[name]
    )


def _correspondence(a: Rule, b: Rule, states: Mapping[str, Expr], hypers: Mapping[str, Expr]) -> Correspondence:
    back = inverse(a, b, hypers)
    invariants = invariant_certificate(a).certificate
    assert isinstance(invariants, Invariants)
    obligations = of_correspondence(a, b, states, hypers, back, invariants.names)
    trees = tuple(propose_identity(pairs, assumed).tree for _, pairs, assumed in obligations)
    return Correspondence(a, b, states, hypers, back, invariants, trees)


def _success(
    states: Mapping[str, Expr], hypers: Mapping[str, Expr], bound: Mapping[str, Expr], evidence: Checked
) -> Verdict:
    moved = {n: e for n, e in states.items() if e is not Symbol(n)}
    renamed = {n: e for n, e in hypers.items() if e is not Symbol(n)}
    relation = "hyperparameter_map" if renamed else "state_map" if moved else "identical"
    certificate = evidence.certificate
    assert isinstance(certificate, Correspondence)
    lines = [f"b.{n} = {to_text(e)}" for n, e in {**renamed, **moved}.items()]
    held = tuple(f"{n} ≥ 0 (proved by induction)" for n in certificate.invariants.names)
    text = f"equal with {', '.join(lines)}" if lines else "the same step"
    if not bound:
        return Verdict("proved", relation=relation, assumptions=held, message=text, evidence=evidence)
    conditions = ", ".join(f"{n} = {to_text(e)}" for n, e in bound.items())
    return Verdict("conditional", relation=relation, assumptions=held, message=f"{text}, where {conditions}",
                   condition={"any_of": [conditions], "degenerate": [], "exact": False}, evidence=evidence)  # fmt: skip


def _without_proof(a: Rule, b: Rule, hypers: Mapping[str, Expr], reason: str) -> Verdict:
    """A counterexample where one is found along trajectories, else `unknown` with the reason."""
    found = separating_trajectory(a, b, hypers)
    if found is None:
        return Verdict("unknown", message=reason)
    return Verdict("refuted", counterexample=found.document(), message=found.message(), evidence=found)
