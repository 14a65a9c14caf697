"""Buffers that take their first input otherwise than those after it: what it counts too much, and for how long."""

from __future__ import annotations

from derive.algebra.normal import readable
from derive.deriving.averages.confirming_others import begun
from derive.deriving.averages.plain import simplest
from derive.deriving.averages.schedules import VaryingBuffer
from derive.deriving.averages.sums import T, geometric
from derive.deriving.derivation import Derivation, Step, code, define, equal, labelled, names_of
from derive.deriving.linear import given, raised, scaled
from derive.expr import Expr, Number, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.obligations import inside
from derive.rule import DECAY, Rule


def first_input(rule: Rule, buffer: VaryingBuffer) -> Derivation | None:
    """For a buffer with a constant decay and gain from step 2 on, which keeps nothing at step 1.

    PyTorch's momentum does so: it begins with the first gradient whole, whatever the dampening.
    """
    steady = _steady(rule, buffer)
    if steady is None:
        return None
    decay, gain, first = steady
    assumed, from_start = given(rule), given(rule, from_start=True)
    weight = scaled(first, raised(decay, T - 1))
    usual = scaled(gain, raised(decay, T - 1))
    more = simplest(first - gain, assumed)
    excess = simplest(weight - usual, assumed, scaled(more, raised(decay, T - 1)))
    kept = geometric(decay)
    total, summed = usual_sum(gain, decay) + scaled(more, raised(decay, T - 1)), scaled(more, kept)
    [none, later, next_excess] = [
        substitute([e], {"t": at})[0] for e, at in ((summed, Number(0)), (summed, T + 1), (excess, T + 1))
    ]
    [at_first, grown] = [substitute([total], {"t": at})[0] for at in (Number(1), T + 1)]
    steps: tuple[Step, ...] = (
        *_found(rule, buffer, steady),
        define(labelled(rule, "w", "t,1"), weight, "the weight of the first input, faded t - 1 times"),
        equal(labelled(rule, "w", "t,1"), weight - usual, excess, given=assumed,
              why="so much more than it would count in the same buffer begun at zero"),
        equal(labelled(rule, "W", "1"), at_first, first, why="the sum of the weights at first", given=assumed),
        equal(labelled(rule, "W", "t+1"), grown, scaled(decay, total) + gain, why="and after a step", given=assumed),
        equal(labelled(rule, "S", "0"), none, Number(0), why="the excess summed over no steps", given=from_start),
        equal(labelled(rule, "S", "t+1"), later, summed + next_excess, why="and over one more: by induction all of it",
              given=from_start),
    )  # fmt: skip
    return Derivation(
        title=f"The first input of {buffer.name}",
        statement=f"The first input counts {code(weight)} after t steps, {code(excess)} more than in the same buffer "
        f"begun at zero; over all steps up to t that adds up to {code(simplest(summed, assumed))}. The weights sum to "
        f"{code(simplest(total, assumed))}.",
        assumptions=(),
        steps=steps,
        result=excess,
        names=names_of(rule),
        experiments=begun(rule, buffer, weight, excess, usual, total),
        quantities={
            "first_weight": weight,
            "first_weight_excess": excess,
            "excess_sum": simplest(summed, assumed),
            "weight_sum": simplest(total, assumed),
        },
    )


def usual_sum(gain: Expr, decay: Expr) -> Expr:
    """The sum of the weights of the same buffer begun at zero."""
    return scaled(gain, geometric(decay))


def _steady(rule: Rule, buffer: VaryingBuffer) -> tuple[Expr, Expr, Expr] | None:
    """Decay and gain from step 2 on, and the gain at step 1; None where it is not so."""
    later = Assumptions(given(rule).domains)
    ahead = substitute([buffer.decay, buffer.gain], {"t": T + 1})
    decay, gain = (readable(e, later) for e in ahead)
    at_first = substitute([buffer.decay, buffer.gain], {"t": Number(1)})
    first = readable(at_first[1], later)
    if "t" in symbols(decay, gain, first) or not symbols(first) <= {*rule.hyperparameter_names}:
        return None
    claims = [(ahead[0], decay), (ahead[1], gain), (at_first[0], Number(0)), (at_first[1], first), inside(decay, DECAY)]
    return (decay, gain, first) if identity(claims, later) else None


def _found(rule: Rule, buffer: VaryingBuffer, steady: tuple[Expr, Expr, Expr]) -> tuple[Step, ...]:
    decay, gain, first = steady
    assumed = given(rule)
    decays, gains = buffer.decay, buffer.gain
    [kept, added] = substitute([decays, gains], {"t": T + 1})
    [at_first, whole] = substitute([decays, gains], {"t": Number(1)})
    return (
        equal(labelled(rule, "d", "1"), at_first, Number(0), why="nothing is kept at the first step", given=assumed),
        equal(labelled(rule, "gain", "1"), whole, first, why="and its input counts so much", given=assumed),
        equal(labelled(rule, "d", "t+1"), kept, decay, why="from the second step on the decay is constant",
              given=assumed),
        equal(labelled(rule, "gain", "t+1"), added, gain, why="and the gain", given=assumed),
    )  # fmt: skip
