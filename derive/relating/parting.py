"""Runs on which two rules part, in hyperparameters that keep to a map: by the names, by an alignment, or by a proof."""

from __future__ import annotations

from collections.abc import Mapping

from derive.expr import Expr, Symbol, substitute, symbols
from derive.proving.certificate import Correspondence
from derive.proving.obligations import HIS
from derive.proving.refute import TRIES_ALONG_TRAJECTORIES, separating_trajectory
from derive.proving.replay import Replayed
from derive.proving.verdict import Verdict
from derive.relating.searching.attempts import Request
from derive.rule import Rule


def parted(
    request: Request, tries: int = TRIES_ALONG_TRAJECTORIES, *, called: Mapping[str, str] | None = None
) -> Replayed | None:
    """A run on which the two part, hyperparameters without a counterpart having values of their own.

    `called` are hyperparameters of b that have the values of others of a.
    """
    own = {n: Symbol((called or {}).get(n, n)) for n in request.b.hyperparameter_names}
    return separating_trajectory(request.a, request.b, {**own, **request.shared}, tries, sorted(request.scheduled))


def parted_by_schedule(request: Request, constant: Verdict) -> Replayed | None:
    """A run on which the two part though they are equal, by this proof, where the hyperparameters are constant."""
    hypers = _by_proof(constant, request.a, request.a, request.b)
    return separating_trajectory(request.a, request.b, hypers, scheduled=sorted(request.scheduled))


def parted_off_condition(
    verdict: Verdict, within: Rule, a: Rule, b: Rule, given: Mapping[str, Expr]
) -> Replayed | None:
    """A run on which the two part under the map: the condition cannot hold on it, for there this verdict proves it.

    `within` is a with the condition's values put in, `given` what a caller says of the map.
    """
    if verdict.relation == "shift":
        return None  # they part on almost every run, step by step
    return separating_trajectory(a, b, {**_by_proof(verdict, within, a, b), **given})


def _by_proof(verdict: Verdict, within: Rule, a: Rule, b: Rule) -> dict[str, Expr]:
    """The hyperparameters of b in those of a by the proof about `within` and another, which may read either way."""
    proof = verdict.evidence.certificate
    found: Mapping[str, Expr] = {}
    if isinstance(proof, Correspondence):
        found = proof.hyperparameters
        if not is_of(proof.a, within):
            mine = {HIS + n: Symbol(n) for n in proof.b.hyperparameter_names}
            found = dict(zip(proof.inverse, substitute(proof.inverse.values(), mine), strict=True))
    known = {*a.hyperparameter_names}
    own = {n: Symbol(n) for n in b.hyperparameter_names}
    return own | {n: e for n, e in found.items() if n in own and symbols(e) <= known}


def is_of(one: Rule, rule: Rule) -> bool:
    """Whether one is the rule, hyperparameters that play no part aside."""
    return (one.name, one.states, one.body) == (rule.name, rule.states, rule.body)
