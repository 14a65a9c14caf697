"""How much of the input's noise is left: the sum of the squared weights over the square of their sum."""

from __future__ import annotations

from derive.algebra.normal import readable
from derive.deriving.averages.confirming import matched
from derive.deriving.averages.decimals import at, decimal, settings
from derive.deriving.averages.sums import T, fades, square_sum, telescoped, weighed
from derive.deriving.averages.weights import weight_sum
from derive.deriving.averages.windows import mean_age_of
from derive.deriving.derivation import Derivation, Step, code, equal, labelled, names_of, tends
from derive.deriving.linear import AGE, LinearBuffer, raised
from derive.expr import Expr, Number, apply
from derive.proving import Assumptions
from derive.proving.limits import ProvedLimit, limit
from derive.rule import Rule


def noise_gain(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """Variance of the weighted mean over that of an input without memory, and how many plain inputs do as much."""
    assumed_and_words = weighed(rule, buffer)
    if assumed_and_words is None:
        return None
    assumed, words = assumed_and_words
    age = names_of(rule)[AGE]
    label, size = labelled(rule, "noise_gain"), labelled(rule, "ess")
    squares, gain = square_sum(buffer), noise_gain_of(buffer)
    samples = readable(1 / gain, assumed)
    found = limit(gain, "t", assumed)
    steps = (
        *telescoped(rule, "Q", buffer.weight**2, labelled(rule, "w", age) ** 2, squares, "the squared weights: "
                    "variances of independent inputs add up"),
        equal(label, squares / weight_sum(rule, buffer) ** 2, gain, why="over the square of the sum of the weights",
              given=assumed),
        *tends(label, found),
        equal(size, 1 / gain, samples, why="as many inputs, weighed alike, have a mean as noisy", given=assumed),
        *tends(size, limit(samples, "t", assumed)),
        *_plain_mean(rule, buffer, assumed),
    )  # fmt: skip
    return Derivation(
        title=f"Noise gain of {buffer.name}",
        statement=_statement(rule, buffer, gain, samples, found),
        assumptions=(f"the inputs of {buffer.name} are independent, with one mean and one variance", *words),
        steps=steps,
        result=gain,
        names=names_of(rule),
        quantities=_quantities(buffer, squares, gain, samples, found),
        experiments=matched(
            rule, buffer, gain, found.claim.limit if found and fades(buffer) else None, weight_sum(rule, buffer)
        ),
    )


def noise_gain_of(buffer: LinearBuffer) -> Expr:
    """The noise gain after t steps, which the derivation proves."""
    b = buffer.decay
    if b is Number(1):
        return 1 / T
    return (1 - b) * (1 + raised(b, T)) / ((1 + b) * (1 - raised(b, T)))


def _plain_mean(rule: Rule, buffer: LinearBuffer, assumed: Assumptions) -> tuple[Step, ...]:
    """A plain mean of N inputs is (N - 1)/2 steps old and has the noise gain 1/N: one N does for both."""
    b = buffer.decay
    if not fades(buffer):
        return ()
    span = (1 + b) / (1 - b)
    later = 2 * mean_age_of(buffer) + 1
    rho = span - 2 * T * raised(b, T) / (1 - raised(b, T))
    return (
        equal(None, (span - 1) / 2, b / (1 - b), given=assumed,
              why="a plain mean of so many inputs is as old as the weighted one in the end"),
        equal(labelled(rule, "span"), later, rho, given=assumed,
              why="the length of the plain mean that is as old after t steps: twice the mean age and one"),
    )  # fmt: skip


def _quantities(
    buffer: LinearBuffer, squares: Expr, gain: Expr, samples: Expr, found: ProvedLimit | None
) -> dict[str, Expr]:
    known = {"square_sum": squares, "noise_gain_at_t": gain, "effective_sample_size_at_t": samples}
    if found is not None and fades(buffer):
        b = buffer.decay
        known |= {
            "noise_gain": found.claim.limit,
            "noise_rms": apply("sqrt", found.claim.limit),
            "effective_sample_size": (1 + b) / (1 - b),
            "span_at_t": 2 * mean_age_of(buffer) + 1,
        }
    return known


def _statement(rule: Rule, buffer: LinearBuffer, gain: Expr, samples: Expr, found: ProvedLimit | None) -> str:
    said = (
        f"Of the input's variance {code(gain)} is left in `{buffer.name}` over its weights: "
        f"it is as noisy as a plain mean of {code(samples)} inputs."
    )
    if found is None or not fades(buffer):
        return said
    kept, b = found.claim.limit, buffer.decay
    said += f" In the end {code(kept)} is left, as in a plain mean of {code((1 + b) / (1 - b))} inputs."
    values = settings(rule, b)
    numbers = [] if values is None else [decimal(e, values) for e in (kept, apply("sqrt", kept), (1 + b) / (1 - b))]
    if values is None or None in numbers:
        return said
    return f"{said} At {at(values)}: {numbers[0]} of the variance, {numbers[1]} of the size, {numbers[2]} inputs."
