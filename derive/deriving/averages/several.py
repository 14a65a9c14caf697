"""Several steps of a buffer at once: as one step with another decay, and all that it held added up."""

from __future__ import annotations

from derive.deriving.averages.confirming import summed
from derive.deriving.averages.confirming_others import repeated
from derive.deriving.averages.driving import HELD
from derive.deriving.averages.plain import simplest
from derive.deriving.averages.sums import T, fades, geometric
from derive.deriving.averages.weights import weight_sum
from derive.deriving.derivation import (
    Derivation,
    Series,
    Step,
    code,
    define,
    equal,
    holds,
    labelled,
    letter,
    names_of,
    proper,
)
from derive.deriving.linear import AGE, WHOLE, LinearBuffer, given, raised, scaled
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions
from derive.rule import Rule

N, BEFORE, SIGNAL, TOTAL, START = (Symbol(f"#{name}") for name in ("n", "before", "input", "inputs", "start"))


def several_steps(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """n steps with one input are a step whose decay is decay^n; 1 - n (1 - decay) is that within a proved error.

    So an average that is updated for n samples at once needs the decay to the power n to remember as long.
    """
    if not fades(buffer):
        return None
    b = buffer.decay
    names = {**names_of(rule), N.name: letter(rule, "n"), BEFORE.name: f"{buffer.name}[t]",
             SIGNAL.name: str(labelled(rule, "input"))}  # fmt: skip
    assumed = Assumptions({**given(rule).domains, N.name: WHOLE})
    power = raised(b, N)
    [sums] = substitute([geometric(b)], {"t": N})
    held = power * BEFORE + scaled(buffer.gain, sums) * SIGNAL
    short = simplest(scaled(buffer.gain, sums), assumed, 1 - power)
    [at_start, later] = [substitute([held], {N.name: e})[0] for e in (Number(0), N + 1)]
    label = Symbol(f"{buffer.name}[t+{names[N.name]}]")
    steps = (
        define(label, held, "claimed for an input that stays the same"),
        equal(None, at_start, BEFORE, why="true of no steps", given=assumed),
        equal(None, later, buffer.update(held, SIGNAL), why="and kept by one more", given=assumed),
        equal(label, held, power * BEFORE + short * SIGNAL, why="in short", given=assumed),
        *_linear(b, assumed),
    )
    return Derivation(
        title=f"Several steps of {buffer.name}",
        statement=f"{names[N.name]} steps with the same input are one with the decay {code(power, names)}. "
        f"{code(1 - N * (1 - b), names)} is no more than that, and less by at most "
        f"{code(N * (N - 1) / 2 * (1 - b) ** 2, names)}.",
        assumptions=(f"{names[N.name]} is a whole number, and the input is the same at all these steps",),
        steps=proper(*steps[:4]) + steps[4:],
        result=power,
        names=names,
        quantities={"decay_of_several": power, "error_of_linear_decay": N * (N - 1) / 2 * (1 - b) ** 2},
        experiments=repeated(rule, buffer, power * BEFORE + short * SIGNAL),
    )


def _linear(b: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """1 - n (1 - b) <= b^n <= 1 - n (1 - b) + n (n - 1)/2 (1 - b)^2, both by induction over n."""
    least = 1 - N * (1 - b)
    most = least + N * (N - 1) / 2 * (1 - b) ** 2
    claims = (apply("ge", raised(b, N), least), apply("le", raised(b, N), most))
    steps: list[Step] = []
    for claim in claims:
        first, later = (substitute([claim], {N.name: e})[0] for e in (Number(0), N + 1))
        steps.append(holds(first, why="true of no steps", given=assumed))
        steps.append(holds(later, why="and of one more, by induction of all", given=assumed, when=[claim]))
    return tuple(steps)


def all_that_was_held(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """The sum of what the buffer held at steps 1 to t, by the sum of its inputs and what it holds in the end."""
    if not fades(buffer):
        return None
    assumed = given(rule)
    names = {
        **names_of(rule),
        TOTAL.name: str(labelled(rule, "X", "t-1")),
        SIGNAL.name: str(labelled(rule, "input")),
        BEFORE.name: f"{buffer.name}[t-1]",
        START.name: f"{buffer.name}[0]",
    }
    now = buffer.update(BEFORE, SIGNAL)
    label = labelled(rule, "S")
    age = names[AGE]
    before, after = (_total(buffer, total, end) for total, end in ((TOTAL, BEFORE), (TOTAL + SIGNAL, now)))
    final = _total(buffer, labelled(rule, "X"), Symbol(f"{buffer.name}[t]"))
    [seen] = substitute([_total(buffer, T, HELD)], {START.name: Number(0)})
    steps = (
        define(labelled(rule, "X"), Series(labelled(rule, "input", f"t-{age}"), age, T), "the sum of the inputs"),
        define(label, final, "claimed for the sum of what the buffer held after the steps 1 to t"),
        equal(labelled(rule, "S", "0"), _total(buffer, Number(0), START), Number(0), why="true of no steps",
              given=assumed),
        equal(label, after, before + now, why="and what is held after one more is added", given=assumed),
    )  # fmt: skip
    return Derivation(
        title=f"Sum over time of {buffer.name}",
        statement=f"What `{buffer.name}` holds after the steps 1 to t adds up to {code(final, names)}, where "
        f"`{labelled(rule, 'X')}` is the sum of the inputs: all of them, less what is still to come.",
        assumptions=(),
        steps=steps,
        result=final,
        names=names,
        experiments=summed(rule, buffer, seen, weight_sum(rule, buffer)),
    )


def _total(buffer: LinearBuffer, inputs: Expr, end: Expr) -> Expr:
    return (scaled(buffer.gain, inputs) - scaled(buffer.decay, end - START)) / (1 - buffer.decay)
