"""A corrected average is an average with a decay that varies: it needs no start and no correction of its own."""

from __future__ import annotations

from derive.algebra.normal import readable
from derive.deriving.averages.confirming import averaged
from derive.deriving.averages.sums import T, weighed
from derive.deriving.averages.weights import weight_sum
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, code, define, equal, labelled, names_of, tends
from derive.deriving.linear import LinearBuffer, scaled
from derive.expr import Expr, Number, Symbol, substitute
from derive.proving.limits import limit
from derive.rule import Rule

BEFORE, SIGNAL = Symbol("#before"), Symbol("#signal")


@coordinatewise
def corrected_average(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """The buffer over the sum of its weights obeys the update of an average, with the decay b W[t-1]/W[t]."""
    assumed_and_words = weighed(rule, buffer)
    if assumed_and_words is None or not buffer.starts_at_zero:
        return None
    assumed, words = assumed_and_words
    total = weight_sum(rule, buffer)
    decay = varying_decay(rule, buffer)
    shown = readable(decay, assumed)
    [first] = substitute([decay], {"t": Number(1)})
    average, weight = labelled(rule, "average"), labelled(rule, "W")
    [earlier] = substitute([total], {"t": T - 1})
    names = {
        **names_of(rule),
        BEFORE.name: str(labelled(rule, "average", "t-1")),
        SIGNAL.name: str(labelled(rule, "input")),
    }
    made = buffer.update(earlier * BEFORE, SIGNAL) / total
    steps = (
        define(average, Symbol(f"{buffer.name}[t]") / weight, "the buffer over the sum of its weights"),
        define(labelled(rule, "d"), decay, "the decay claimed"),
        equal(average, made, decay * BEFORE + (1 - decay) * SIGNAL, given=assumed,
              why="the update of an average, the buffer before the step being W[t-1] times the average then"),
        equal(labelled(rule, "d", "1"), first, Number(0), why="at first nothing is kept: the start does not matter",
              given=assumed),
        equal(labelled(rule, "d"), decay, shown, why="in short", given=assumed),
        *tends(labelled(rule, "d"), limit(shown, "t", assumed)),
    )  # fmt: skip
    return Derivation(
        title=f"The corrected average of {buffer.name}",
        statement=f"`{buffer.name}` over the sum of its weights is an average whose decay at step t is {code(shown)}: "
        "zero at the first step, so that no start has to be corrected.",
        assumptions=words,
        steps=steps,
        result=shown,
        names=names,
        quantities={"varying_decay": shown},
        experiments=averaged(rule, buffer, shown, total),
    )


def varying_decay(rule: Rule, buffer: LinearBuffer) -> Expr:
    """decay W[t-1] / W[t]."""
    total = weight_sum(rule, buffer)
    [earlier] = substitute([total], {"t": T - 1})
    return scaled(buffer.decay, earlier) / total
