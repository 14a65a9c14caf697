"""Runs of a kernel that show a symmetry, or where it fails: two runs, seen as the claim sees them.

Hyperparameters have plain values at which each of them plays a part: at the defaults a small one would not be noticed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

from derive.deriving.experiment import Experiment, decimals
from derive.deriving.symmetries.coordinates import Parted, Runs, setting, turned_inputs, waits
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
    values = setting(rule)
    answers = GRADIENTS * _repeated(rule)
    run = unrolled(rule, values, START, answers)
    for factor in FACTORS:
        free = {} if move.free is None else {move.free.name: factor}
        moved = _moved(move, START, answers, {**values, **free})
        if moved is None or not all(v in rule.domains[n] for n, v in moved[2].items()):
            continue
        points = [_at(move.there, {"theta": step["theta"]}) for step in run]
        foretold = decimals(dict(enumerate(enclosed(points, free), 1)))
        if foretold is None:
            return ()
        start, gradients, hypers = moved
        there = {**values, **hypers, **dict.fromkeys(zeros, Fraction(0))}
        return (Experiment("theta along the moved gradients", THETA, foretold, gradients, there, start),)
    return ()


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
    values = setting(rule)
    pairs = PAIRS * _repeated(rule)
    alone = [unrolled(rule, values, start, [pair[i] for pair in pairs]) for i, start in enumerate(STARTS)]
    start, gradients = _fractions(STARTS[::-1]), tuple(_fractions(pair[::-1]) for pair in pairs)
    found = []
    for place, run in enumerate(alone[::-1]):
        foretold = decimals(dict(enumerate(enclosed([step["theta"] for step in run], {}), 1)))
        if foretold is not None:
            found.append(Experiment("theta of a coordinate that has changed its place", THETA, foretold, gradients,
                                    values, start, place))  # fmt: skip
    return tuple(found)


def turned(rule: Rule) -> tuple[Experiment, ...]:
    """Two coordinates turned, by the angle with cosine 3/5: they do what they did, turned."""
    if len(rule.questions) > 1:
        return ()
    values, (start, gradients) = setting(rule), turned_inputs(STARTS, PAIRS)
    runs = [unrolled(rule, values, s, [pair[i] for pair in PAIRS]) for i, s in enumerate(STARTS)]
    both = [enclosed([step["theta"] for step in run], {}) for run in runs]
    if not all(isinstance(value, Fraction) for run in both for value in run):
        return ()
    points = turned_inputs(STARTS, tuple(zip(*both, strict=True)))[1]
    return tuple(
        Experiment("theta of a turned coordinate", THETA, {t: float(p[place]) for t, p in enumerate(points, 1)},
                   gradients, values, start, place)
        for place in (0, 1)
    )  # fmt: skip


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


def _fractions(values: Collection[int | Fraction]) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, values))


def _at(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    return substitute([expr], values)[0]
