"""Several coordinates at once: what a rule makes of them in another order, or turned by an angle.

A rule of this language treats every coordinate for itself, by the same formulas, but for the norms it takes of whole
tensors. Two coordinates are written out; of the others, which stay where they are, a norm sees the sum of squares.
In another order the coordinates do the same; turned in a plane they do where the formulas are linear with coefficients
that are the same for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from derive.deriving.derivation import letter
from derive.deriving.foretelling import HALVES, plain_values
from derive.deriving.symmetries.dimensions import COMPARED
from derive.deriving.uniform import uniform_states
from derive.evaluate import unrolled
from derive.expr import Apply, Expr, Number, Symbol, as_expr, nodes, norms_of, symbols
from derive.proving import Assumptions, identity
from derive.proving.invariants import assumptions_of
from derive.proving.replay import NotConfirmed, Point, Replayed
from derive.proving.verdict import Verdict
from derive.rule import DECAY, NONNEGATIVE, Rule
from derive.tensors import Tensor, by_coordinates, unrolled_tensor

Pairs = tuple[tuple[Expr, Expr], ...]
Pair = tuple[Expr, Expr]
Numbers = Sequence[int | Fraction]
Runs = tuple[tuple[int, int], ...]
TURN = Fraction(1, 2)  # the tangent of half the angle of the witnesses
COSINE, SINE = Fraction(3, 5), Fraction(4, 5)
WITNESSES: tuple[Runs, ...] = (((1, 2),), ((1, 2), (3, -1)))  # no coordinate is zero, straight or turned
WAITING: Runs = ((1, 2), (3, -1)) * 5  # for rules that do something else in their first steps
BEGINNING = (1, 0)
LONG_MEMORY = Fraction(9, 10)


@dataclass(frozen=True)
class Parted:
    """A run of two coordinates that does not turn with them: the turned run's ends, and where they ought to be."""

    rule: Rule
    start: tuple[int, int]
    gradients: Runs
    straight: tuple[Expr, Expr]  # where the plain run ends
    pairs: Pairs
    replayed: Replayed


def of_coordinate(rule: Rule, place: int) -> dict[str, Expr]:
    """The values of one coordinate before a step, by the names of the rule."""
    kept, shared = ("theta", *rule.state_names, *(name for name, _ in rule.questions)), uniform_states(rule)
    return {n: Symbol(n if n in shared else letter(rule, f"{n}_{place}")) for n in kept}


def permutation_pairs(rule: Rule) -> Pairs:
    """Exchanging two coordinates before a step, and exchanging what it makes of them."""
    first, second = of_coordinate(rule, 1), of_coordinate(rule, 2)
    plain, moved = _of_both(rule, _seen(rule), first, second), _of_both(rule, _seen(rule), second, first)
    outputs = list(zip(moved, plain, strict=True))[: len(_seen(rule))]
    firsts = tuple((there[0], here[1]) for there, here in outputs)
    seconds = tuple((there[1], here[0]) for there, here in outputs)
    return (*firsts, *seconds, *_same_norms(rule, moved, plain))


def permutation(rule: Rule) -> Verdict:
    """Whether the coordinates in another order do the same in that order."""
    if rule.is_average:
        return Verdict("unknown", message="an average has no step")
    return identity(permutation_pairs(rule), assumptions_of_coordinates(rule))


def rotation(rule: Rule) -> Verdict:
    """Whether two coordinates turned by an angle do the same, turned."""
    if rule.is_average:
        return Verdict("unknown", message="an average has no step")
    found = parted(rule)
    if found is not None:
        there, turned = found.replayed.sides
        given = ", ".join(str(pair) for pair in found.gradients)
        said = f"turned by the angle with cosine {COSINE}, gradients {given} lead from {found.start} elsewhere"
        message = f"{said}: a coordinate is {there}, and turned afterwards {turned}"
        evidence = found.replayed
        return Verdict("refuted", counterexample=evidence.document(), evidence=evidence, message=message)
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
    shared = uniform_states(rule)

    def turn(name: str, one: Expr, other: Expr) -> tuple[Expr, Expr]:
        """What is one number for the tensor is not turned."""
        return (one, other) if name in shared else _turned(cosine, sine, one, other)

    both = [turn(name, first[name], second[name]) for name in first]
    turned = [dict(zip(first, values, strict=True)) for values in zip(*both, strict=True)]
    seen = (*(s.initial for s in rule.states), *_seen(rule))
    names = (*rule.state_names, *rule.step, *(name for name, _ in rule.questions))
    plain, moved = _of_both(rule, seen, first, second), _of_both(rule, seen, *turned)
    outputs = zip(names, moved, plain, strict=False)  # norms come after them
    found = [pair for name, there, here in outputs for pair in zip(there, turn(name, *here), strict=True)]
    starts = 2 * len(rule.states)
    return (*found[starts:], *found[:starts], *_same_norms(rule, moved, plain))


def assumptions_of_coordinates(rule: Rule) -> Assumptions:
    """The domains of the rule, and those proved of its states for each of the two coordinates."""
    own = assumptions_of(rule).domains
    inner = {str(e): own[n] for place in (1, 2) for n, e in of_coordinate(rule, place).items() if n in own}
    squares = {str(e): NONNEGATIVE for e in _beside(rule).values()}
    return Assumptions({**own, **inner, **squares})


def _norms(rule: Rule) -> tuple[Expr, ...]:
    """The norms of a step in what is before it, inner ones first."""
    seen = (*_seen(rule), *(s.initial for s in rule.states))
    return norms_of(*seen) if rule.norms else ()


def _beside(rule: Rule) -> dict[Expr, Expr]:
    """For each norm the sum of the squares at the other coordinates."""
    return {norm: Symbol(letter(rule, f"r_{place}")) for place, norm in enumerate(_norms(rule), 1)}


def _of_both(rule: Rule, exprs: Sequence[Expr], first: Mapping[str, Expr], second: Mapping[str, Expr]) -> list[Tensor]:
    """Expressions, and then the norms, at two coordinates."""
    shared = {n: (Symbol(n), Symbol(n)) for n in (*rule.hyperparameter_names, "t")}
    values = {**shared, **{n: (first[n], second[n]) for n in first}}
    return by_coordinates((*exprs, *_norms(rule)), values, 2, _beside(rule))


def _same_norms(rule: Rule, moved: Sequence[Tensor], plain: Sequence[Tensor]) -> Pairs:
    """That the norms are the same, one after the other: so nothing changes elsewhere, nor the squares added there."""
    found = tuple((there[0], here[0]) for there, here in zip(moved, plain, strict=True))
    return found[len(found) - len(_norms(rule)) :]


def _turned(cosine: Expr, sine: Expr, one: Expr, other: Expr) -> tuple[Expr, Expr]:
    return cosine * one - sine * other, sine * one + cosine * other


def _seen(rule: Rule) -> tuple[Expr, ...]:
    return (*rule.step.values(), *(point for _, point in rule.questions))


@lru_cache(maxsize=64)
def parted(rule: Rule) -> Parted | None:
    """The first of the witnesses that does not turn with its coordinates, where one is found."""
    if len(rule.questions) > 1:
        return None
    values = setting(rule)
    longer = (WAITING[:steps] for steps in range(1, len(WAITING) + 1))  # the first to part has the simplest ends
    runs = longer if waits(rule) else iter(WITNESSES)
    tried = (_parted(rule, gradients, values) for gradients in runs)
    return next((found for found in tried if found and not any(side.word for side in found.replayed.sides)), None)


def _parted(rule: Rule, gradients: Runs, values: Mapping[str, Fraction]) -> Parted | None:
    """That run with its evidence, where it does part."""
    cosine, sine, name = angle(rule)
    hypers = {n: Symbol(n) for n in rule.hyperparameter_names}
    start, answers = _pair(BEGINNING), [_pair(g) for g in gradients]
    first, second = path_of_both(rule, hypers, start, answers)[-1]
    moved, given = _turned(cosine, sine, *start), [_turned(cosine, sine, *g) for g in answers]
    turned = path_of_both(rule, hypers, moved, given)[-1]
    pairs = tuple(zip(turned, _turned(cosine, sine, first, second), strict=True))
    try:
        replayed = Replayed(Point(pairs, {**values, name: TURN}, Assumptions(rule.domains)))
    except NotConfirmed:
        return None
    return Parted(rule, BEGINNING, gradients, (first, second), pairs, replayed)


def turned_inputs(
    start: Numbers, gradients: Sequence[Numbers]
) -> tuple[tuple[Fraction, Fraction], tuple[tuple[Fraction, Fraction], ...]]:
    """Two coordinates of a start, and of gradients, turned by the angle of the witnesses."""

    def turned(pair: Numbers) -> tuple[Fraction, Fraction]:
        one, other = map(Fraction, pair)
        return COSINE * one - SINE * other, SINE * one + COSINE * other

    return turned(start), tuple(map(turned, gradients))


def waits(rule: Rule) -> bool:
    """Whether t decides which formulas hold, so that the first steps do not show all of the rule."""
    decided = (node for node in nodes(rule.step.values()) if isinstance(node, Apply) and node.op in COMPARED)
    return any("t" in symbols(node) for node in decided)


def setting(rule: Rule) -> dict[str, Fraction]:
    """Plain values; but a long memory where it is the decays on which it depends how long the rule waits."""
    plain = plain_values(rule, choices=HALVES)
    return (
        {**plain, **{h.name: LONG_MEMORY for h in rule.hyperparameters if h.domain == DECAY}} if waits(rule) else plain
    )


def _pair(values: tuple[int, int]) -> Pair:
    return Number(values[0]), Number(values[1])


def path_of_both(
    rule: Rule, hypers: Mapping[str, Expr | Fraction], start: Pair, gradients: Sequence[Pair]
) -> list[Pair]:
    """Two coordinates of theta after every step of a run."""
    if rule.norms:
        steps = unrolled_tensor(rule, {n: as_expr(v) for n, v in hypers.items()}, start, gradients)
        return [(step["theta"][0], step["theta"][1]) for step in steps]
    runs = [unrolled(rule, hypers, start[i], [g[i] for g in gradients]) for i in (0, 1)]
    return [(one["theta"], other["theta"]) for one, other in zip(*runs, strict=True)]
