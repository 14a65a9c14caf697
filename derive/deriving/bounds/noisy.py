"""Steps under noise: how large they are where gradients are independent and the denominator is at its mean."""

from __future__ import annotations

from derive.deriving.averages.weights import weight_sum
from derive.deriving.bounds.neatness import neat, sum_of
from derive.deriving.bounds.structure import NormalisedStep, normalised_step
from derive.deriving.bounds.sums import GeometricSum, N, Ratio, simplified, summing_steps
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import (
    Derivation,
    Series,
    Step,
    code,
    define,
    equal,
    exceptions,
    labelled,
    letter,
    named_limit,
    names_of,
    proper,
    tends,
)
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import MOVED, every_sign, foretold, plain_values
from derive.deriving.linear import AGE, linear_buffers, raised, scaled
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions
from derive.proving.limits import limit
from derive.rule import COUNTER, Rule

K, T = Symbol(AGE), Symbol("t")
SIGNS = 5


@coordinatewise
def noise_step(rule: Rule) -> Derivation | None:
    """The root mean square of a step over lr under white gradients, the mean square at its mean; None elsewhere.

    For steps that divide by the root of a mean square; the weights of the numerator are those of its unrolled buffers.
    """
    step = normalised_step(rule)
    if step is None or step.norm.kind != "root" or step.meanings or not step.shares:
        return None
    assumed = Assumptions({**step.assumptions().domains, "#n": COUNTER})
    newest, older = _weights(step)
    squares = _squares(step, newest, assumed)
    buffers = {b.name: b for b in linear_buffers(step.rule)}
    below = weight_sum(step.rule, buffers[step.norm.state])
    spread = neat(substitute([squares.in_hyperparameters(squares.after(N))], {"#n": T})[0])
    value = apply("sqrt", spread / below)
    shown = simplified(value, assumed)
    found = limit(shown, "t", assumed)
    name = labelled(rule, "rms_step")
    tail = "" if found is None else f" It tends to {code(found.claim.limit)}{exceptions(found)}."
    return Derivation(
        title="The size of a step under noise",
        statement=f"Under independent gradients of mean zero a step is `{step.lr}` times {code(shown)} "
        f"in the root mean square.{tail}",
        assumptions=(
            "gradients are independent, of mean zero and one variance",
            f"`{step.norm.state}` is at its mean",
            *(f"`{n} = 0`" for n in (*step.removed, *step.small)),
        ),
        steps=proper(
            *_summed(rule, step, newest, older, squares, assumed),
            define(labelled(rule, "W"), below, f"what {step.norm.state} is of the variance: the sum of its weights"),
            equal(name, value, shown, why="the root of their quotient", given=assumed),
            *tends(name, found),
        ),
        result=value,
        names={**names_of(rule), "#n": letter(rule, "n")},
        quantities={"noise_step": value, **named_limit("noise_step_limit", found)},
        experiments=_ensemble(step, value),
    )


def _ensemble(step: NormalisedStep, value: Expr) -> tuple[Experiment, ...]:
    """Every sequence of signs: independent gradients whose squares are one, so that the mean square is at its mean."""
    values = plain_values(step.rule, (*step.removed, *step.small))
    expected = foretold(value**2, values, range(1, SIGNS + 1))
    if expected is None:
        return ()
    what = "the mean square of a step over all sequences of signs"
    squared = (MOVED / Symbol(step.lr)) ** 2
    return (Experiment(what, squared, expected, every_sign(SIGNS), values, averaged=True),)


def _weights(step: NormalisedStep) -> tuple[Expr, Expr]:
    """The weights of the newest gradient and of one k >= 1 steps old in the numerator."""
    newest = simplified(sum_of([*(s.scale for s in step.shares), step.direct]), step.assumptions())
    return newest, sum_of([scaled(s.scale, raised(s.buffer.decay, K)) for s in step.shares])


def _squares(step: NormalisedStep, newest: Expr, assumed: Assumptions) -> GeometricSum:
    """The sum of the squared weights: the variance of the numerator for gradients of variance one."""
    parts = []
    for i, first in enumerate(step.shares):
        for j, second in enumerate(step.shares[i:], start=i):
            product = simplified(first.buffer.decay * second.buffer.decay, assumed)
            ratio = Ratio(f"#q{i}{j}", product, product, Number(1))
            coefficient = first.scale * second.scale * (1 if i == j else 2)
            parts.append((simplified(coefficient, assumed), ratio))
    alone = sum_of([s.scale for s in step.shares])
    extra = Number(0) if step.direct is Number(0) else simplified(newest**2 - alone**2, assumed)
    return GeometricSum(tuple(parts), extra)


def _summed(
    rule: Rule, step: NormalisedStep, newest: Expr, older: Expr, squares: GeometricSum, assumed: Assumptions
) -> tuple[Step, ...]:
    """The closed form of that sum, by induction over the number of gradients."""
    n, age = letter(rule, "n"), names_of(rule)[AGE]
    [later] = substitute([older], {AGE: N})
    weight = labelled(rule, "w", age)
    own = step.direct is not Number(0)
    first = define(labelled(rule, "w", "0"), newest, "the newest gradient's weight")
    return (
        *((first,) if own else ()),
        define(weight, older, "the numerator's weight of a gradient by its age"),
        define(labelled(rule, "Q", n), Series(weight**2, age, Symbol(n)), "the variance of the numerator"),
        *summing_steps(labelled(rule, "Q", f"{n}+1"), squares, newest**2, later**2, assumed),
    )
