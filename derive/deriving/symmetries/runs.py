"""Runs of a kernel that show a symmetry, or where it fails: two runs, seen as the claim sees them.

Hyperparameters have plain values at which each of them plays a part: at the defaults a small one would not be noticed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

from derive.deriving.experiment import Experiment, Numbers, decimals
from derive.deriving.symmetries.coordinates import (
    COSINE,
    SINE,
    Pair,
    Parted,
    Runs,
    path_of_both,
    setting,
    turned_inputs,
    waits,
)
from derive.deriving.symmetries.transformation import THETA, T, Transformation
from derive.evaluate import enclosed, exact, unrolled
from derive.expr import Expr, Number, substitute
from derive.proving.replay import Replayed, Separation
from derive.rule import Rule

START, GRADIENTS = Fraction(1), tuple(Fraction(g) for g in (1, -2, 3))
FACTORS = tuple(Fraction(c) for c in (2, 4, 0.25))  # 4 and 1/4 have roots, 1/4 keeps decays below one
PAIRS: Runs = ((1, -3), (-2, 1), (4, 2))
STARTS = (1, -2)


def along(rule: Rule, move: Transformation, zeros: Collection[str] = ()) -> tuple[Experiment, ...]:
    """A run of the moved gradients from the moved start, which has to lead to the moved points.

    `zeros` are hyperparameters that the rule does not have any more because they are zero.
    """
    if len(rule.questions) > 1 or move.counter is not T:
        return ()
    values, pairs, given = setting(rule), PAIRS * _repeated(rule), GRADIENTS * _repeated(rule)
    alone = [(START, given)]
    if rule.norms:
        alone = [(Fraction(start), tuple(Fraction(pair[at]) for pair in pairs)) for at, start in enumerate(STARTS)]
        path = [first for first, _ in _path(rule, pairs)]
    else:
        path = [step["theta"] for step in unrolled(rule, values, START, given)]
    for factor in FACTORS:
        free = {} if move.free is None else {move.free.name: factor}
        tried = [_moved(move, *one, {**values, **free}) for one in alone]
        moved = [m for m in tried if m is not None and all(v in rule.domains[n] for n, v in m[2].items())]
        if len(moved) < len(alone):
            continue
        points = [_at(move.there, {"theta": theta}) for theta in path]
        foretold = decimals(dict(enumerate(enclosed(points, free), 1)))
        if foretold is None:
            return ()
        there = {**values, **moved[0][2], **dict.fromkeys(zeros, Fraction(0))}
        start = _together([m[0] for m in moved])
        gradients = tuple(_together(given) for given in zip(*(m[1] for m in moved), strict=True))
        return (Experiment("theta along the moved gradients", THETA, foretold, gradients, there, start),)
    return ()


def _together(coordinates: Sequence[Fraction]) -> Numbers:
    """A number of one coordinate, or those of several."""
    return tuple(coordinates) if len(coordinates) > 1 else coordinates[0]


def _moved(
    move: Transformation, theta: Fraction, gradients: tuple[Fraction, ...], values: Mapping[str, Fraction]
) -> tuple[Fraction, tuple[Fraction, ...], dict[str, Fraction]] | None:
    """The start, the gradients and the hyperparameters that are moved; None where one is not rational."""
    asked = (_at(move.there, {"theta": Number(theta)}), *(_at(move.answer, {"g": Number(g)}) for g in gradients))
    found = [value for value in exact([*asked, *move.hyperparameters.values()], values) if isinstance(value, Fraction)]
    first = len(asked)
    if len(found) < first + len(move.hyperparameters):
        return None
    return found[0], tuple(found[1:first]), dict(zip(move.hyperparameters, found[first:], strict=True))


def apart(rule: Rule, move: Transformation, witness: Separation) -> tuple[Experiment, ...]:
    """The run that breaks the symmetry, and the moved one seen through the move: each arrives at its own number."""
    found = Replayed(witness).difference
    if found is None or found.question or found.step == 0 or len(rule.questions) > 1:
        return ()
    own = {n: v for n, v in witness.hyperparameters_a.items() if n in rule.hyperparameter_names}
    others = {n: v for n, v in witness.hyperparameters_b.items() if n in rule.hyperparameter_names}
    number = next((v for n, v in witness.hyperparameters_a.items() if n not in own), None)
    free = {} if move.free is None or number is None else {move.free.name: number}
    given = witness.gradients[: found.step]
    moved = _moved(move, witness.theta, given, {**own, **free})
    sides = [] if isinstance(found.sides[0], str) else enclosed(found.sides, {})
    if moved is None or not sides:
        return ()
    seen = THETA if found.question is None else _at(rule.questions[0][1], {"t": T + 1})
    back = _at(_at(move.back, {"theta": seen}), {n: Number(v) for n, v in free.items()})
    return (
        *_at_the_end("the run that breaks it", seen, sides[0], given, own, witness.theta),
        *_at_the_end("the moved run, moved back", back, sides[1], moved[1], others, moved[0]),
    )


def _at_the_end(what: str, observed: Expr, value: Any, gradients: Any, hypers: Any, start: Any) -> list[Experiment]:
    foretold = decimals({len(gradients): value})
    return [] if foretold is None else [Experiment(what, observed, foretold, gradients, hypers, start)]


def _repeated(rule: Rule) -> int:
    """How often the gradients come again, so that all formulas of the rule are seen."""
    return 3 if waits(rule) else 1


def exchanged(rule: Rule) -> tuple[Experiment, ...]:
    """Two coordinates in the other order: each does what it did in its old place."""
    if len(rule.questions) > 1:
        return ()
    values, pairs = setting(rule), PAIRS * _repeated(rule)
    path = _path(rule, pairs)
    start, gradients = _fractions(STARTS[::-1]), tuple(_fractions(pair[::-1]) for pair in pairs)
    found = []
    for place in (0, 1):
        foretold = decimals(dict(enumerate(enclosed([pair[1 - place] for pair in path], {}), 1)))
        if foretold is not None:
            found.append(Experiment("theta of a coordinate that has changed its place", THETA, foretold, gradients,
                                    values, start, place))  # fmt: skip
    return tuple(found)


def turned(rule: Rule) -> tuple[Experiment, ...]:
    """Two coordinates turned, by the angle with cosine 3/5: they do what they did, turned."""
    if len(rule.questions) > 1:
        return ()
    values, (start, gradients) = setting(rule), turned_inputs(STARTS, PAIRS)
    points = [(COSINE * one - SINE * other, SINE * one + COSINE * other) for one, other in _path(rule, PAIRS)]
    both = [decimals(dict(enumerate(enclosed([p[place] for p in points], {}), 1))) for place in (0, 1)]
    return tuple(
        Experiment("theta of a turned coordinate", THETA, foretold, gradients, values, start, place)
        for place, foretold in enumerate(both)
        if foretold is not None
    )


def apart_when_turned(parted: Parted) -> tuple[Experiment, ...]:
    """The turned run, which arrives elsewhere; and both coordinates of the plain one, from which to see where."""
    found = parted.replayed.difference
    assert found is not None
    place = next(i for i, pair in enumerate(parted.pairs) if pair[0] is found.sides[0])
    end, *plain = enclosed([parted.pairs[place][0], *parted.straight], found.values)
    values = {n: v for n, v in found.values.items() if n in parted.rule.hyperparameter_names}
    start, gradients = turned_inputs(parted.start, parted.gradients)
    straight = _fractions(parted.start), tuple(map(_fractions, parted.gradients))
    seen: list[tuple[str, int, Any, tuple[Any, Any]]] = [("theta of the turned run", place, end, (start, gradients))]
    seen += [(f"coordinate {i + 1} of the run before it is turned", i, e, straight) for i, e in enumerate(plain)]
    made = []
    for what, coordinate, value, (begin, given) in seen:
        foretold = decimals({len(given): value})
        if foretold is not None:
            made.append(Experiment(what, THETA, foretold, given, values, begin, coordinate))
    return tuple(made)


def _path(rule: Rule, gradients: Runs) -> list[Pair]:
    """Two coordinates of theta after every step."""
    start, *given = [(Number(one), Number(other)) for one, other in (STARTS, *gradients)]
    return path_of_both(rule, setting(rule), start, given)


def _fractions(values: Collection[int | Fraction]) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, values))


def _at(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    return substitute([expr], values)[0]
