"""Several coordinates at once: what a rule makes of them in another order, or turned by an angle.

A rule of this language treats every coordinate for itself, by the same formulas. In another order the
coordinates therefore do the same; turned in a plane they do where the formulas are linear with
coefficients that are the same for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.deriving.derivation import letter
from derive.evaluate import unrolled
from derive.expr import Expr, Number, Symbol, substitute
from derive.proving import Assumptions, identity
from derive.proving.invariants import assumptions_of
from derive.proving.replay import NotConfirmed, Point, Replayed
from derive.proving.verdict import Verdict
from derive.rule import Hyperparameter, Rule

Pairs = tuple[tuple[Expr, Expr], ...]
TURN = Fraction(1, 2)  # the tangent of half the angle of the witnesses: cosine 3/5, sine 4/5
WITNESSES = (((1, 2),), ((1, 2), (3, -1)))  # no coordinate is zero, straight or turned
PLAIN = Fraction(1, 2)


def is_coordinatewise(rule: Rule) -> bool:
    """Whether no formula mixes coordinates."""
    return not rule.norms


def of_coordinate(rule: Rule, place: int) -> dict[str, Expr]:
    """The values of one coordinate before a step, by the names of the rule."""
    kept = ("theta", *rule.state_names, *(name for name, _ in rule.questions))
    return {n: Symbol(f"{letter(rule, f'{n}_{place}')}") for n in kept}


def permutation_pairs(rule: Rule) -> Pairs:
    """Exchanging two coordinates before a step, and exchanging what it makes of them."""
    first, second = of_coordinate(rule, 1), of_coordinate(rule, 2)
    exchanged = {**_renamed(first, second), **_renamed(second, first)}
    seen = _seen(rule)
    before = [substitute([e], exchanged)[0] for e in (*substitute(seen, first), *substitute(seen, second))]
    return tuple(zip(before, (*substitute(seen, second), *substitute(seen, first)), strict=True))


def permutation(rule: Rule) -> Verdict:
    """Whether the coordinates in another order do the same in that order."""
    if rule.is_average or not is_coordinatewise(rule):
        return Verdict("unknown", message="coordinates are mixed")
    return identity(permutation_pairs(rule), assumptions_of_coordinates(rule))


def rotation(rule: Rule) -> Verdict:
    """Whether two coordinates turned by an angle do the same, turned."""
    if rule.is_average or not is_coordinatewise(rule):
        return Verdict("unknown", message="coordinates are mixed")
    for gradients in WITNESSES:
        found = _parted(rule, gradients)
        if found is not None and not any(side.word for side in found.sides):
            there, turned = found.sides
            said = f"turned by the angle with cosine 3/5, gradients {said_pairs(gradients)} lead from (1, 0) elsewhere"
            message = f"{said}: a coordinate is {there}, and turned afterwards {turned}"
            return Verdict("refuted", counterexample=found.document(), evidence=found, message=message)
    return identity(rotation_pairs(rule), assumptions_of_coordinates(rule))


def angle(rule: Rule) -> tuple[Expr, Expr, str]:
    """Cosine and sine of any angle but a half turn, by the tangent of its half, and the name of that."""
    name = letter(rule, "u")
    u = Symbol(name)
    return (1 - u**2) / (1 + u**2), 2 * u / (1 + u**2), name


def rotation_pairs(rule: Rule) -> Pairs:
    """The start and a step of two coordinates that are turned, against what they are, turned."""
    cosine, sine, _ = angle(rule)
    first, second = of_coordinate(rule, 1), of_coordinate(rule, 2)
    turned = {}
    for name in first:
        turned[str(first[name])], turned[str(second[name])] = _turned(cosine, sine, first[name], second[name])
    seen = (*_seen(rule), *(s.initial for s in rule.states))
    found: list[tuple[Expr, Expr]] = []
    for one, other in zip(substitute(seen, first), substitute(seen, second), strict=True):
        found += zip(substitute([one, other], turned), _turned(cosine, sine, one, other), strict=True)
    return tuple(found)


def assumptions_of_coordinates(rule: Rule) -> Assumptions:
    """The domains of the rule, and those proved of its states for each of the two coordinates."""
    own = assumptions_of(rule).domains
    inner = {str(e): own[n] for place in (1, 2) for n, e in of_coordinate(rule, place).items() if n in own}
    return Assumptions({**own, **inner})


def _turned(cosine: Expr, sine: Expr, one: Expr, other: Expr) -> tuple[Expr, Expr]:
    return cosine * one - sine * other, sine * one + cosine * other


def _seen(rule: Rule) -> tuple[Expr, ...]:
    return (*rule.step.values(), *(point for _, point in rule.questions))


def _renamed(one: Mapping[str, Expr], other: Mapping[str, Expr]) -> dict[str, Expr]:
    return {str(one[n]): other[n] for n in one}


def _parted(rule: Rule, gradients: tuple[tuple[int, int], ...]) -> Replayed | None:
    """A run of two coordinates from (1, 0) that does not turn with them, where this is one."""
    cosine, sine, name = angle(rule)
    hypers = {n: Symbol(n) for n in rule.hyperparameter_names}
    start, answers = _pair((1, 0)), [_pair(g) for g in gradients]
    if len(rule.questions) > 1:
        return None
    straight = [_last(rule, hypers, start[i], [g[i] for g in answers]) for i in (0, 1)]
    moved, given = _turned(cosine, sine, *start), [_turned(cosine, sine, *g) for g in answers]
    turned = [_last(rule, hypers, moved[i], [g[i] for g in given]) for i in (0, 1)]
    pairs = tuple(zip(turned, _turned(cosine, sine, *straight), strict=True))
    values = {n: PLAIN if PLAIN in h.domain else h.default or Fraction(1) for n, h in _hypers(rule).items()}
    domains = Assumptions(rule.domains)
    try:
        return Replayed(Point(pairs, {**values, name: TURN}, domains))
    except NotConfirmed:
        return None


def said_pairs(gradients: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(str(pair) for pair in gradients)


def _hypers(rule: Rule) -> dict[str, Hyperparameter]:
    return {h.name: h for h in rule.hyperparameters}


def _pair(values: tuple[int, int]) -> tuple[Expr, Expr]:
    return Number(values[0]), Number(values[1])


def _last(rule: Rule, hypers: Mapping[str, Expr], start: Expr, gradients: list[Expr]) -> Expr:
    return unrolled(rule, hypers, start, gradients)[-1]["theta"]
