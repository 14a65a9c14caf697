"""Are two rules the same algorithm, for all gradients, under a given map of their states and hyperparameters?

This file takes the map as given (by default: the same names). The proof is an induction; what
has to be shown is in `obligations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.errors import UserError
from derive.expr import Expr, Symbol, substitute, symbols, to_text
from derive.proving.certificate import Correspondence, Invariants
from derive.proving.checker import Checked
from derive.proving.identity import identity
from derive.proving.invariants import invariant_certificate
from derive.proving.inverse import inverse
from derive.proving.obligations import inside, of_correspondence, tracked
from derive.proving.refute import separating_trajectory
from derive.proving.search import Differs, Undecided, propose_identity
from derive.proving.verdict import Assumptions, Verdict
from derive.rule import Assignment, Rule, State


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
    _refuse_condition(bound, a, b)
    warnings = _differing_defaults(a, b, {**(hyperparameters or {}), **bound})
    whole_a, whole_b = a, b
    a, b = bind(a, bound), bind(b, bound)
    _refuse_unknown(states or {}, tracked(b), f"a state of {b.name}")
    _refuse_unknown(hyperparameters or {}, b.hyperparameter_names, f"a hyperparameter of {b.name}")
    if a.is_average is not b.is_average:
        raise UserError(f"{a.name} and {b.name} are not comparable", fix="compare two averages or two update rules")
    state_map = {n: (states or {}).get(n, Symbol(n)) for n in tracked(b)}
    hyper_map = {n: (hyperparameters or {}).get(n, Symbol(n)) for n in b.hyperparameter_names}
    unknown = sorted(_free(hyper_map) - set(a.hyperparameter_names))
    missing = unknown or sorted(_free(state_map) - {"theta", "t", *a.state_names, *a.hyperparameter_names})
    if missing:
        return _without_proof(
            a, b, hyper_map if not unknown else None, f"the map names {missing[0]!r}, not in {a.name}"
        )
    try:
        evidence = Checked(_correspondence(a, b, state_map, hyper_map))
    except (Differs, Undecided) as obstacle:
        return _without_proof(a, b, hyper_map, str(obstacle))
    verdict = replace(_success(state_map, hyper_map, bound, evidence), warnings=warnings)
    if not bound:
        return verdict
    return replace(verdict, counterexample=_off_condition(whole_a, whole_b, hyperparameters or {}))


def _off_condition(a: Rule, b: Rule, hyperparameters: Mapping[str, Expr]) -> Mapping[str, object] | None:
    """Where the two part when the condition is not imposed; None where that was not found."""
    hypers = {n: hyperparameters.get(n, Symbol(n)) for n in b.hyperparameter_names}
    if not _free(hypers) <= set(a.hyperparameter_names):
        return None
    found = separating_trajectory(a, b, hypers)
    return None if found is None else found.document()


def _refuse_unknown(given: Mapping[str, Expr], known: tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in known:
            raise UserError(f"{name!r} is not {what}", fix=f"it has {', '.join(known) or 'none'}")


def _refuse_condition(bound: Mapping[str, Expr], a: Rule, b: Rule) -> None:
    """A condition binds hyperparameters the rules have, to values inside their domains."""
    _refuse_unknown(
        bound, (*a.hyperparameter_names, *b.hyperparameter_names), f"a hyperparameter of {a.name} or {b.name}"
    )
    for rule in (a, b):
        for h in rule.hyperparameters:
            if h.name in bound and not identity([inside(bound[h.name], h.domain)], Assumptions(rule.domains)):
                raise UserError(f"{h.name} = {to_text(bound[h.name])} is not in its domain {h.domain} of {rule.name}")


def _differing_defaults(a: Rule, b: Rule, mapped: Mapping[str, Expr]) -> tuple[str, ...]:
    """Defaults that differ under the same name: equal rules, but not when called without arguments."""
    return tuple(
        f"the default of {name} is {a.defaults[name]} in {a.name} and {b.defaults[name]} in {b.name}"
        for name in a.defaults
        if name in b.defaults and name not in mapped and a.defaults[name] != b.defaults[name]
    )


def bind(rule: Rule, values: Mapping[str, Expr]) -> Rule:
    """The rule with these hyperparameters replaced by expressions, and no longer hyperparameters."""
    here = {n: e for n, e in values.items() if n in rule.hyperparameter_names}
    if not here:
        return rule
    body = tuple(Assignment(s.target, substitute([s.value], here)[0], s.line) for s in rule.body)
    states = tuple(State(s.name, substitute([s.initial], here)[0]) for s in rule.states)
    query = None if rule.query is None else substitute([rule.query], here)[0]
    kept = tuple(h for h in rule.hyperparameters if h.name not in here)
    return replace(rule, hyperparameters=kept, body=body, states=states, query=query)


def _correspondence(a: Rule, b: Rule, states: Mapping[str, Expr], hypers: Mapping[str, Expr]) -> Correspondence:
    back = inverse(a, b, hypers)
    invariants = invariant_certificate(a).certificate
    assert isinstance(invariants, Invariants)
    obligations = of_correspondence(a, b, states, hypers, back, invariants.names)
    trees = tuple(propose_identity(pairs, assumed).tree for _, pairs, assumed in obligations)
    return Correspondence(a, b, states, hypers, back, invariants, trees)


def _free(expressions: Mapping[str, Expr]) -> set[str]:
    return set(symbols(*expressions.values()))


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


def _without_proof(a: Rule, b: Rule, hypers: Mapping[str, Expr] | None, reason: str) -> Verdict:
    """A counterexample where one is found along trajectories, else `unknown` with the reason."""
    found = separating_trajectory(a, b, hypers) if hypers is not None else None
    if found is None:
        return Verdict("unknown", message=reason)
    return Verdict("refuted", counterexample=found.document(), message=found.message(), evidence=found)
