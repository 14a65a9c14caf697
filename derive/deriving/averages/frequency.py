"""A linear buffer as a filter: its transfer function, what it lets through at each frequency, and its cut-off."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.averages.confirming import swinging
from derive.deriving.averages.decimals import at, decimal, settings
from derive.deriving.averages.sums import fades, weighed
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, labelled, letter, names_of
from derive.deriving.linear import LinearBuffer, given, scaled
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, to_text
from derive.proving import Assumptions
from derive.rule import DECAY, Rule

Z, OMEGA = Symbol("#z"), Symbol("#omega")
COSINE = apply("cos", OMEGA)
PI = Fraction(355, 113)  # above pi by 3e-7; where the search for the cut-off ends
BISECTIONS = 40


def frequency_response(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """H(z), its gains at the frequencies zero and pi, |H|^2 in between, and where half the power is left."""
    if not fades(buffer) or weighed(rule, buffer) is None:
        return None
    names = {**names_of(rule), Z.name: letter(rule, "z"), OMEGA.name: letter(rule, "omega")}  # fmt: skip
    b, gain = buffer.decay, buffer.gain
    assumed = given(rule)
    transfer = scaled(gain, Z) / (Z - b)
    dc, nyquist = (readable(substitute([transfer], {Z.name: e})[0], assumed) for e in (Number(1), Number(-1)))
    square = _squared(gain) / (1 - 2 * b * COSINE + b**2)
    relative = (1 - b) ** 2 / (1 - 2 * b * COSINE + b**2)
    cosine = 1 - (1 - b) ** 2 / (2 * b)
    steps = (
        *_transfer(rule, buffer, transfer, (dc, nyquist), assumed),
        *_magnitude(b, square, relative, dc, assumed),
        *_cutoff(b, cosine, assumed),
    )
    known = {
        "transfer_function": transfer,
        "dc_gain": dc,
        "nyquist_gain": nyquist,
        "squared_magnitude": square,
        "cutoff_cosine": cosine,
    }
    return Derivation(
        title=f"Frequency response of {buffer.name}",
        statement=_statement(rule, buffer, (dc, nyquist, cosine)),
        assumptions=(f"b is {code(b)}; {names[Z.name]} is exp(i {names[OMEGA.name]}) where the input swings with the "
                     f"frequency {names[OMEGA.name]}, in radians a step",),
        steps=steps,
        result=transfer,
        names=names,
        quantities=known,
        experiments=swinging(rule, buffer, known),
    )  # fmt: skip


def _squared(gain: Expr) -> Expr:
    return gain if gain is Number(1) else gain**2


def _transfer(
    rule: Rule, buffer: LinearBuffer, transfer: Expr, gains: tuple[Expr, Expr], assumed: Assumptions
) -> tuple[Step, ...]:
    """The update, with the state of a step before as the state over z."""
    kept = apply("eq", transfer, buffer.update(transfer / Z, Number(1)))
    moving = [apply("ne", Z, buffer.decay), apply("ne", Z, 0)]
    [constant, alternating] = [substitute([transfer], {Z.name: e})[0] for e in (Number(1), Number(-1))]
    return (
        define(labelled(rule, "H", letter(rule, "z")), transfer, "claimed: the z-transform over that of the input"),
        holds(kept, why="the update, in which the state of the step before is the state over z", given=assumed,
              when=moving),
        equal(labelled(rule, "H", "1"), constant, gains[0], why="a constant input (DC)", given=assumed),
        equal(labelled(rule, "H", "-1"), alternating, gains[1], why="one that alternates (Nyquist)", given=assumed),
    )  # fmt: skip


def _magnitude(b: Expr, square: Expr, relative: Expr, dc: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """|z - b|^2 with z = cos + i sin, and what is left of the largest."""
    distance = 1 - 2 * b * COSINE + b**2
    return (
        equal(None, (COSINE - b) ** 2 + (1 - COSINE**2), distance, given=assumed,
              why="|z - b|^2, for sin^2 = 1 - cos^2; and |z| = 1"),
        define(Symbol("abs(H)") ** 2, square, "so the power of the input is multiplied by this"),
        equal(None, square, relative * dc**2, why="as a share of what a constant input keeps", given=assumed),
        holds(apply("le", relative, 1), why="never more than that", given=assumed),
        holds(apply("ge", relative, ((1 - b) / (1 + b)) ** 2), why="never less than an alternating one keeps",
              given=assumed),
    )  # fmt: skip


def _cutoff(b: Expr, cosine: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """Half the power is left where cos(omega) is `cosine`, which is a cosine from b = 3 - 2 sqrt(2) on."""
    least, most = 3 - 2 * apply("sqrt", 2), 3 + 2 * apply("sqrt", 2)
    above, below, rest = Symbol("u"), Symbol("w"), Symbol("b")  # b - least, most - b, and any number in (0, 1)
    product = Assumptions({rest.name: replace(DECAY, low_open=True)})
    there = (1 - b) ** 2 / (1 - 2 * b * cosine + b**2)
    positive = apply("gt", b, 0)
    return (
        holds(apply("eq", there, Fraction(1, 2)), why="half of it, -3 dB, where the cosine is that", given=assumed,
              when=[positive]),
        holds(apply("eq", cosine + 1, (b - least) * (most - b) / (2 * b)), given=assumed, when=[positive],
              why="how far that is above -1"),
        holds(apply("gt", most - b, 0), why="one factor is always positive", given=assumed),
        holds(apply("ge", above * below / (2 * rest), 0), given=product,
              when=[apply("ge", above, 0), apply("gt", below, 0)],
              why=f"so it is a cosine from b = {to_text(least)} on (u = b - ({to_text(least)}))"),
        equal(None, ((1 - b) / (1 + b)) ** 2 - Fraction(1, 2), (least - b) * (most - b) / (2 * (1 + b) ** 2),
              given=assumed, why="how far what an alternating input keeps is above a half"),
        holds(apply("gt", above * below / (2 * (1 + rest) ** 2), 0), given=product,
              when=[apply("gt", above, 0), apply("gt", below, 0)],
              why=f"so below that more than half is always left (u = {to_text(least)} - b)"),
        holds(apply("gt", 2 * (1 - cosine), (1 - b) ** 2), given=assumed, when=[positive],
              why="2 (1 - cos(omega)) is at most omega^2: the cut-off is above 1 - b"),
        holds(apply("eq", 2 * (1 - cosine), (1 - b) ** 2 / b), given=assumed, when=[positive],
              why="and for small frequencies about omega^2: it is about (1 - b)/sqrt(b)"),
    )  # fmt: skip


def cutoff(buffer: LinearBuffer, values: dict[str, Fraction]) -> tuple[Fraction, Fraction] | None:
    """Two frequencies, in radians a step, between which the -3 dB cut-off certainly lies; None where there is none.

    The cosine falls from 0 to pi, so one is above the wanted value at the first and below it at the second.
    """
    b = buffer.decay
    wanted = 1 - (1 - b) ** 2 / (2 * b)
    low, high = Fraction(0), PI
    if _falls_below(wanted, low, values) is not False or _falls_below(wanted, high, values) is not True:
        return None
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = _falls_below(wanted, middle, values)
        if below is None or not isinstance(below, bool):
            break
        low, high = (low, middle) if below else (middle, high)
    return low, high


def _falls_below(wanted: Expr, omega: Fraction, values: dict[str, Fraction]) -> object:
    [found] = enclosed([apply("lt", apply("cos", Number(omega)), wanted)], values)
    return found


def _statement(rule: Rule, buffer: LinearBuffer, shown: tuple[Expr, Expr, Expr]) -> str:
    dc, nyquist, cosine = shown
    b = buffer.decay
    said = (
        f"`{buffer.name}` multiplies a constant input by {code(dc)} and one that alternates by {code(nyquist)}. "
        f"Half the power of a constant one is left at the frequency whose cosine is {code(cosine)}; "
        f"there is one if {code(b)} is at least `3 - 2 * sqrt(2)`."
    )
    values = settings(rule, b)
    found = None if values is None else cutoff(buffer, values)
    if values is None or found is None:
        return said
    low, high = (decimal(Number(end), {}) for end in found)
    return f"{said} At {at(values)} that is {low} radians a step." if low == high else said
