"""Runs during which a preconditioner hardly changes, and what is foretold of them with it held.

At the minimum a gradient so small that the preconditioner does not notice is answered as by the linear rule. Where
the preconditioner vanishes there, as that of a sign does, gradients of constant size hold it: at the threshold theta
then changes its sign for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from derive.deriving.experiment import Experiment, decimals
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.deriving.stability.frozen import Frozen
from derive.deriving.stability.responses import coefficients_at, decided_by_curvature, is_quick, noise_response
from derive.deriving.stability.steering import (
    NOTHING,
    STEPS,
    Steered,
    alternating,
    centred,
    ending_at_zero,
    has_settled,
    lone,
    steered,
    very_short_memories,
)
from derive.evaluate import enclosed, exact
from derive.expr import Expr, Symbol, apply, substitute, symbols
from derive.rule import Rule

KICK, WEAK = Fraction(1, 10**8), Fraction(1, 10**20)  # the weak one where all else is exactly zero
LONG, FOLLOWED, FREE = 40, 8, 4  # steps after the steering
NEAR, BEYOND = Fraction(9, 10), Fraction(11, 10)
LEAST = 1e-3  # a preconditioner that is not much larger than the kick would notice it
THETA = Symbol("theta")


def runs_with_it_held(rule: Rule, found: Frozen, condition: Expr, edge: Expr | None) -> tuple[Experiment, ...]:
    """A kick at the minimum on either side of `edge`, the largest curvature; or the run at the threshold."""
    loop, values = closed_loop(found.rule), very_short_memories(rule)
    if loop is None or rule.defaults.keys() != {*rule.hyperparameter_names}:
        return ()
    for wanted in (lone(Fraction(0)), lone(Fraction(1))):
        run = settled_under(rule, found, values, wanted)
        made = () if run is None or edge is None else _kicked(run, found, loop, condition, edge)
        if made:
            return made
    run = settled_under(rule, found, values, alternating())
    return () if run is None else _at_threshold(run, found, loop, edge)


def settled_under(
    rule: Rule, found: Frozen, values: Mapping[str, Fraction], wanted: tuple[Fraction, ...]
) -> Steered | None:
    """The rule under the wanted gradients; None where its preconditioner then still changes, or depends on theta."""
    run = None if "theta" in symbols(found.preconditioner) else steered(rule, values, wanted)
    return run if run is not None and has_settled(run, found.held) else None


def _kicked(run: Steered, found: Frozen, loop: ClosedLoop, condition: Expr, edge: Expr) -> tuple[Experiment, ...]:
    """What theta does after a small gradient at the minimum, divided by that."""
    held, start = held_value(run, found), ending_at_zero(run)
    others = [value for name, value in run.states[1].items() if name not in found.held]
    if held is None or held < LEAST or start is None or any(abs(value) > NOTHING for value in others):
        return ()
    values = {**run.values, found.name: held}
    [most] = exact([edge], values)
    if not isinstance(most, Fraction) or not decided_by_curvature(loop, condition, values):
        return ()
    near, far = most * NEAR, most * BEYOND
    response = noise_response(loop, {**values, loop.curvature.name: near}, FOLLOWED)
    if not response or not response[0] or not all(is_quick(loop, h, values, LONG) for h in (near, far)):
        return ()
    kick = WEAK if start == 0 and not any(others) else KICK
    answer, more = THETA / kick, [float(kick), *[0.0] * (LONG - 1)]
    size = apply("abs", answer / response[0])
    below = Experiment("below the threshold it fades", size, {STEPS + LONG: 0.1}, run.noise(start, float(near), more),
                       dict(run.values), Fraction(start), curvature=near, relation="≤")  # fmt: skip
    along = {STEPS + k: float(value) for k, value in enumerate(response, 1)}
    return (
        replace(below, what="the answer to a small gradient is that of the linear rule", observed=answer,
                foretold=along, relation="=", tolerance=1e-5),
        below,
        replace(below, what="above it grows", foretold={STEPS + LONG: 10.0}, curvature=far, relation="≥",
                gradients=run.noise(start, float(far), more)),
    )  # fmt: skip


def _at_threshold(run: Steered, found: Frozen, loop: ClosedLoop, edge: Expr | None) -> tuple[Experiment, ...]:
    """Gradients of constant size hold the preconditioner; left alone at the threshold theta goes on alternating."""
    held, start = held_value(run, found), centred(run)
    if held is None or held <= 0 or start is None:
        return ()
    curvature = threshold(loop, edge, {**run.values, found.name: held})
    if curvature is None or curvature <= 0:
        return ()
    height = run.last(start)[1]
    if height * run.wanted[-1] >= 0:
        return ()  # a rule that steps late: theta is not yet where the next gradient is the opposite of the last
    alternates = goes_on(run, "at the threshold theta goes on changing its sign", start, height, curvature)
    # A sign does not notice a gradient that is too large or too small: the preconditioner does.
    keeps = replace(alternates, what="there the preconditioner stays the same", observed=as_seen(found),
                    foretold={STEPS + k: float(held) for k in range(1, FREE + 1)})  # fmt: skip
    return (alternates, keeps)


def as_seen(found: Frozen) -> Expr:
    """The preconditioner in what is seen of a step: held states after it, all others before."""
    before: dict[str, Expr] = {n: Symbol(f"before.{n}") for n in ("theta", *found.settled.state_names)}
    after: dict[str, Expr] = {f"{n}[t]": Symbol(n) for n in found.held}
    return substitute([found.preconditioner], {**before, **after})[0]


def goes_on(run: Steered, what: str, start: float, height: float, curvature: Fraction) -> Experiment:
    """After gradients that alternate theta goes from `height` to its opposite and back, left alone on the quadratic."""
    foretold = {STEPS + k: (-1) ** k * height for k in range(FREE + 1)}
    noise = run.noise(start, float(curvature), [0.0] * FREE)
    return Experiment(
        what, THETA, foretold, noise, dict(run.values), Fraction(start), curvature=curvature, tolerance=1e-7
    )


def threshold(loop: ClosedLoop, edge: Expr | None, values: Mapping[str, Fraction]) -> Fraction | None:
    """The curvature there: that of the derived bound, or where p(-1), then linear in it, vanishes."""
    if edge is not None:
        [found] = exact([edge], values)
        return found if isinstance(found, Fraction) else None
    at = []
    for h in (1, 2, 3):
        p = coefficients_at(loop, {**values, loop.curvature.name: Fraction(h)})
        at.append(None if p is None else sum((c * (-1) ** k for k, c in enumerate(p)), Fraction(0)))
    one, two, three = at
    if one is None or two is None or three is None or one == two or three - two != two - one:
        return None
    return 1 - one / (two - one)


def held_value(run: Steered, found: Frozen) -> Fraction | None:
    """The preconditioner in the last of the steered steps."""
    early, late = run.states
    after = {f"{n}[t]": late[n] for n in found.held}
    here: dict[str, float | Fraction] = {**run.values, **early, **after, "g": run.wanted[-1]}
    [value] = enclosed([found.preconditioner], {n: Fraction(v) for n, v in here.items()})
    number = decimals({0: value})
    return None if number is None else Fraction(number[0])
