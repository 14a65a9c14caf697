"""From a guess to a verdict: what a text is under one correspondence, decided by the prover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.expr import Number
from derive.matching.alignment import align
from derive.matching.correspondence import Correspondence, correspondences, numbers, probe, with_conditions
from derive.matching.dressing import in_its_words
from derive.matching.runs import COARSE, FINE, SMALL, Stream, TooLong, agrees, seen
from derive.proving.verdict import Verdict
from derive.relating import prove
from derive.rule import Rule
from derive.transforms import bind


def streams(text: Rule, rule: Rule, way: Correspondence) -> tuple[Stream, ...]:
    """The runs on which a guess is tried: fine ones only where numbers are small."""
    small = (v for v in (*numbers(text), *numbers(rule), *way.bound.values()) if 0 < abs(v) < SMALL)
    return (COARSE, FINE) if any(small) else (COARSE,)


def fits(text: Rule, rule: Rule, way: Correspondence) -> bool:
    """Whether the two agree on a few runs, up to rounding."""
    values = way.rule_values(probe(rule))
    try:
        return all(
            agrees(text, way.values(values), stream, seen(rule, values, stream)) for stream in streams(text, rule, way)
        )
    except TooLong:
        return False


def fitting(text: Rule, rule: Rule, given: Mapping[str, str], conditions: bool = False) -> list[Correspondence]:
    """The ways that fit, likeliest first; with conditions: those in which something is held, fewest held first."""
    ways = with_conditions(text, rule, given) if conditions else correspondences(text, rule, given)
    found: list[Correspondence] = []
    for way in ways:
        if found and conditions and _held(way) > _held(found[0]):
            break
        if not (conditions and _stands_still(rule, way)) and fits(text, rule, way):
            found.append(way)
        if len(found) == 4:
            break
    return found


def _stands_still(rule: Rule, way: Correspondence) -> bool:
    """Whether nothing ever moves: with a learning rate of zero anything is anything."""
    return len(set(seen(rule, way.rule_values(probe(rule)), COARSE))) == 1


def _held(way: Correspondence) -> int:
    return len(way.missing or {}) + len(way.extra or {})


def settle(text: Rule, rule: Rule, way: Correspondence) -> Verdict:
    """What the prover says of the text against the rule under this correspondence.

    `proved` with relation "instance" where numbers of the text stand for hyperparameters;
    `conditional` where something is held that one side has and the other has not.
    """
    held = bind(text, {name: Number(value) for name, value in (way.extra or {}).items()})
    target = bind(rule, {name: Number(value) for name, value in way.bound.items()})
    verdict = prove(in_its_words(held, rule, way, align(text, rule, way).states), target)
    if verdict.status != "proved":
        return verdict
    if way.reflected:
        verdict = replace(verdict, relation="hyperparameter_map")
    if way.literals:
        verdict = replace(verdict, relation="instance")
    return _conditional(verdict, way) if _held(way) else verdict


def _conditional(verdict: Verdict, way: Correspondence) -> Verdict:
    held = {**(way.missing or {}), **(way.extra or {})}
    text = " and ".join(f"{name} = {value}" for name, value in held.items())
    return replace(
        verdict,
        status="conditional",
        message=f"{verdict.message}, where {text}",
        condition={"any_of": [text], "degenerate": [], "exact": False},
    )
