"""From a guess to a verdict: what a text is under one correspondence, decided by the prover."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from derive.expr import Number, Symbol, apply, nodes
from derive.matching.guessing.alignment import align
from derive.matching.guessing.correspondence import Correspondence, correspondences, with_conditions
from derive.matching.guessing.runs import Runs
from derive.matching.guessing.trial import Trial
from derive.matching.mending.dressing import in_its_words
from derive.matching.standing import meanings
from derive.proving.verdict import Verdict
from derive.relating import prove
from derive.rule import Rule
from derive.transforms import bind

ENOUGH = 4  # ways that fit, for one reading


def fitting(text: Rule, tried: Trial, given: Mapping[str, str], *, far_fetched: bool = True) -> list[Correspondence]:
    """The ways that agree on a few runs, likeliest first."""
    return _agreeing(correspondences(text, tried.rule, given, far_fetched=far_fetched), text, tried)


def fitting_conditions(text: Rule, tried: Trial, given: Mapping[str, str]) -> list[Correspondence]:
    """The same, where something is held that one side has and the other has not: the ways in which the fewest are."""
    return _agreeing(with_conditions(text, tried.rule, given), text, tried)


def _agreeing(ways: Iterable[Correspondence], text: Rule, tried: Trial) -> list[Correspondence]:
    found: list[Correspondence] = []
    runs = Runs(text)
    for way in ways:
        if found and (len(found) == ENOUGH or _held(way) > _held(found[0])):
            break
        if tried.agrees(runs, way) and not tried.is_inert(way):
            found.append(way)
    return found


def _held(way: Correspondence) -> int:
    return len(way.missing or {}) + len(way.extra or {})


def settle(
    text: Rule, rule: Rule, way: Correspondence, *, conditions: bool = True, pinned: Collection[str] = ()
) -> Verdict:
    """What the prover says of the text against the rule under this correspondence.

    `proved` with relation "instance" where numbers of the text stand for hyperparameters;
    `conditional` where something is held that one side has and the other has not. Without
    `conditions` the hyperparameters keep this correspondence, and no others are searched for; with
    them those that are `pinned` do.
    """
    code, target = sides(text, rule, way)
    if conditions:
        both = [n for n in target.hyperparameter_names if n in pinned and n in code.hyperparameter_names]
        verdict = prove(code, target)
        if not meanings(verdict, target).keys().isdisjoint(both):
            verdict = prove(code, target, hyperparameters={n: Symbol(n) for n in both})
    elif set(code.hyperparameter_names) == set(target.hyperparameter_names):
        verdict = _under_the_same_hyperparameters(code, target)
    else:
        return Verdict("unknown", message="a hyperparameter has no counterpart")
    if verdict.status != "proved":
        return _said_once(verdict)
    if way.reflected:
        verdict = replace(verdict, relation="hyperparameter_map")
    if way.literals:
        verdict = replace(verdict, relation="instance")
    return _conditional(verdict, way) if _held(way) else verdict


def _under_the_same_hyperparameters(code: Rule, target: Rule) -> Verdict:
    same = {n: Symbol(n) for n in target.hyperparameter_names}
    verdict = prove(code, target, hyperparameters=same)
    if verdict.status == "proved" or not _tells_the_first_step(code, target):
        return verdict
    # What one side sets at its first step the other starts at.
    starts = {s.name: s.initial for s in target.states if s.name in code.state_names}
    first = apply("eq", Symbol("t"), 1)
    again = prove(code, target, hyperparameters=same,
                  states={n: apply("where", first, start, Symbol(n)) for n, start in starts.items()})  # fmt: skip
    return again if again.status == "proved" else verdict


def _tells_the_first_step(code: Rule, target: Rule) -> bool:
    first = (apply("eq", Symbol("t"), 1), apply("gt", Symbol("t"), 1), apply("le", Symbol("t"), 1))
    used = set(nodes([*code.step.values(), *target.step.values()]))
    return set(target.state_names) <= set(code.state_names) and any(test in used for test in first)


def sides(text: Rule, rule: Rule, way: Correspondence) -> tuple[Rule, Rule]:
    """The text in the rule's words, and the rule with the numbers the text has in it."""
    held = bind(text, {name: Number(value) for name, value in (way.extra or {}).items()})
    target = bind(rule, {name: Number(value) for name, value in way.bound.items()})
    return in_its_words(held, rule, way, align(text, rule, way).states), target


def _said_once(verdict: Verdict) -> Verdict:
    """Without a condition that another one says the other way round: `beta1 = beta2` and `beta2 = beta1`."""
    any_of = [] if verdict.condition is None else list(verdict.condition["any_of"])
    kept = {frozenset(frozenset(clause.split(" = ")) for clause in c.split(" and ")): c for c in reversed(any_of)}
    if verdict.condition is None or len(kept) == len(any_of):
        return verdict
    once = list(reversed(kept.values()))
    message = verdict.message.replace(" or ".join(any_of), " or ".join(once))
    return replace(verdict, message=message, condition={**verdict.condition, "any_of": once})


def _conditional(verdict: Verdict, way: Correspondence) -> Verdict:
    held = {**(way.missing or {}), **(way.extra or {})}
    text = " and ".join(f"{name} = {value}" for name, value in held.items())
    return replace(
        verdict,
        status="conditional",
        message=f"{verdict.message}, where {text}",
        condition={"any_of": [text], "degenerate": [], "exact": False},
    )
