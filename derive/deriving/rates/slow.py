"""A corrected average of squares that hardly fades is their mean: how near, at every step and for all gradients.

With decay d, gain 1 - d and s the sum of the same inputs q >= 0, induction over t gives
d^(t-1) s/t <= v/(1 - d^t) <= s/(t d^(t-1)); both sides are s/t where d = 1. So Adam without momentum tends to
Adagrad with learning rate lr sqrt(t) as beta2 goes to 1 (Kingma & Ba 2015, section 5).
"""

from __future__ import annotations

from fractions import Fraction

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, code, equal, holds, names_of
from derive.deriving.linear import LinearBuffer, given
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import DECAY, NONNEGATIVE, Domain, Rule

T, SUM, INPUT, STATE = Symbol("t"), Symbol("S"), Symbol("q"), Symbol("A")
OPEN = Domain(Fraction(0), Fraction(1), low_open=True, high_open=True)


@coordinatewise
def average_near_mean(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """The corrected average between multiples of the mean that both tend to 1 as the decay does; None for others."""
    d = buffer.decay
    if not isinstance(d, Symbol) or rule.domains.get(d.name) != DECAY or not buffer.starts_at_zero:
        return None
    own = given(rule)
    if symbols(buffer.input) != {"g"} or not identity([(buffer.gain, 1 - d)], own):
        return None
    if not holds(apply("ge", buffer.input, 0), why="", given=own).verdict:
        return None
    states = {name.name: NONNEGATIVE for name in (SUM, INPUT, STATE)}
    assumed = Assumptions({**own.domains, **states, d.name: OPEN})
    power, before, scale = d**T, d ** (T - 1), 1 - d
    most, least = apply("le", STATE, scale * SUM), apply("ge", STATE, scale * before * SUM)
    short, long = apply("le", 1 - power, T * scale), apply("ge", 1 - power, T * scale * before)
    moved = {STATE.name: buffer.update(STATE, INPUT), SUM.name: SUM + INPUT, "t": T + 1}
    corrected, mean = STATE / (1 - power), SUM / T
    steps = [
        holds(_at(claim, moved), why=why, given=assumed, when=[claim])
        for claim, why in (
            (most, "A is the average, S the sum of the same inputs q: kept by a step, and both start at zero"),
            (least, "kept as well"),
            (short, "1 - d^t = (1 - d)(1 + d + ... + d^(t-1)): kept"),
            (long, "kept as well"),
        )
    ]
    first = [_at(e, {"t": Number(1)}) for e in (1 - power, T * scale, T * scale * before)]
    steps += [
        equal(None, *first, why="the start of the last two", given=assumed),
        holds(apply("le", corrected, mean / before), why="so", given=assumed, when=[most, long]),
        holds(apply("ge", corrected, before * mean), why="and", given=assumed, when=[least, short]),
        equal(None, _at(before, {d.name: Number(1)}), Number(1), why="both bounds are the mean where the decay is 1",
              given=own),
    ]  # fmt: skip
    if not all(step.verdict for step in steps):
        return None
    return Derivation(
        title=f"{buffer.name} as a mean",
        statement=f"The average `{buffer.name}`, corrected, lies between {code(before)} and {code(1 / before)} times "
        f"the mean of all its inputs so far: it tends to that mean as `{d}` goes to 1, at every step.",
        assumptions=(f"`{d} > 0`",),
        steps=tuple(steps),
        result=before,
        names=names_of(rule),
        quantities={"mean_at_least": before, "mean_at_most": 1 / before},
    )


def _at(expr: Expr, values: dict[str, Expr]) -> Expr:
    return substitute([expr], values)[0]
