"""How long a buffer remembers: its mean age, and the numbers that are all called its window."""

from __future__ import annotations

from fractions import Fraction

from derive.deriving.averages.confirming import aged, fading
from derive.deriving.averages.decimals import at, decimal, settings
from derive.deriving.averages.plain import simplest
from derive.deriving.averages.sums import K, T, age_sum, fades, telescoped, weighed
from derive.deriving.averages.weights import weight_sum
from derive.deriving.derivation import Derivation, Step, code, equal, holds, labelled, named_limit, names_of, tends
from derive.deriving.extremes import onset
from derive.deriving.linear import AGE, LinearBuffer, given, raised
from derive.expr import Expr, Number, Symbol, apply
from derive.proving.limits import limit
from derive.rule import Rule

SHARES = (Fraction(95, 100), Fraction(99, 100))  # of all weight, whose number of newest inputs is told


def mean_age(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """How old what the buffer holds is on the average, after t steps and in the end."""
    assumed_and_words = weighed(rule, buffer)
    if assumed_and_words is None:
        return None
    assumed, words = assumed_and_words
    age, label = names_of(rule)[AGE], labelled(rule, "age")
    ages, written = age_sum(buffer), mean_age_of(buffer)
    total = weight_sum(rule, buffer)
    found = limit(written, "t", assumed)
    steps = (
        *telescoped(
            rule, "A", K * buffer.weight, Symbol(age) * labelled(rule, "w", age), ages, "the weights times their ages"
        ),
        equal(label, ages / total, written, why="divided by the sum of the weights", given=assumed),
        *tends(label, found),
    )
    tail = f", and in the end {code(found.claim.limit)}" if found is not None else ""
    return Derivation(
        title=f"Mean age of {buffer.name}",
        statement=f"After t steps what `{buffer.name}` holds is {code(written)} steps old on the average{tail}.",
        assumptions=words,
        steps=steps,
        result=written,
        names=names_of(rule),
        quantities={
            "age_sum": ages,
            "mean_age_at_t": written,
            **named_limit("mean_age", found),
        },
        experiments=aged(rule, buffer, written, found.claim.limit if found and fades(buffer) else None, total),
    )


def mean_age_of(buffer: LinearBuffer) -> Expr:
    """The mean age after t steps: its limit less what is not there yet."""
    b = buffer.decay
    if b is Number(1):
        return (T - 1) / 2
    return b / (1 - b) - T * raised(b, T) / (1 - raised(b, T))


def windows(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """Time constant, half-life and 1/(1 - decay) beside each other; None where nothing fades."""
    if not fades(buffer):
        return None
    b = buffer.decay
    quantities = window_quantities(buffer)
    shown = {name: simplest(value, given(rule)) for name, value in quantities.items()}
    return Derivation(
        title=f"Windows of {buffer.name}",
        statement=_statement(rule, buffer, shown),
        assumptions=(f"b is {code(b)}, and positive",),
        steps=(*_logarithm(rule, b), *_named(rule, b)),
        result=shown["time_constant"],
        names=names_of(rule),
        quantities=shown,
        experiments=fading(rule, buffer, shown),
    )


def window_quantities(buffer: LinearBuffer) -> dict[str, Expr]:
    """Every number of steps by which people call the window of an average, and what they mean by it."""
    b = buffer.decay
    nominal = 1 / (1 - b)
    return {
        "time_constant": -1 / apply("log", b),
        "half_life": apply("log", Fraction(1, 2)) / apply("log", b),
        "nominal_window": nominal,
        "mean_age": b / (1 - b),
        "effective_sample_size": (1 + b) / (1 - b),
        "weight_at_nominal_window": apply("pow", b, nominal),
        "share_within_nominal_window": 1 - apply("pow", b, nominal),
        "share_of_newest": 1 - raised(b, T),
    }


def _logarithm(rule: Rule, b: Expr) -> tuple[Step, ...]:
    """1 - 1/b < log(b) < b - 1: x - 1 - log(x) is zero at one, falls before it and rises after it."""
    assumed, positive = given(rule), apply("gt", b, 0)
    log, above, below = apply("log", b), b - 1, 1 - 1 / b
    theorem = "so by the mean value theorem x - 1 - log(x) > 0 at"
    return (
        equal(None, apply("log", 1), Number(0), why="x - 1 - log(x) is zero at x = 1", given=assumed),
        holds(apply("lt", 1 - 1 / b, 0), why="its slope 1 - 1/x is negative below one", given=assumed, when=[positive]),
        holds(apply("gt", 1 - b, 0), why="and positive above it, at x = 1/b", given=assumed, when=[positive]),
        Step(None, (apply("lt", log, above),), f"{theorem} x = b", when=(positive,)),
        Step(None, (apply("gt", log, below),), f"{theorem} x = 1/b", when=(positive,)),
    )


def _named(rule: Rule, b: Expr) -> tuple[Step, ...]:
    """The numbers and their order, from the two bounds of the logarithm."""
    assumed, log = given(rule), apply("log", b)
    positive = apply("gt", b, 0)
    smaller, larger, negative = apply("lt", log, b - 1), apply("gt", log, 1 - 1 / b), apply("lt", log, 0)
    constant, half, nominal = -1 / log, apply("log", Fraction(1, 2)) / log, 1 / (1 - b)
    claims: list[tuple[Expr, str, list[Expr]]] = [
        (negative, "for b is less than one", [smaller]),
        (apply("eq", log * constant, -1), "in -1/log(b) steps a weight falls to 1/e of itself", [negative]),
        (apply("eq", log * half, apply("log", Fraction(1, 2))), "in log(1/2)/log(b) steps to half", [negative]),
        (apply("lt", log * nominal, -1), "in 1/(1 - b) steps to less than 1/e: b^(1/(1-b)) = exp(log(b)/(1 - b))",
         [smaller]),
        (apply("gt", log * nominal, -1 / b), "but to more than exp(-1/b), so that b^(1/(1-b)) tends to 1/e as b to 1",
         [larger]),
        (apply("lt", constant, nominal), "the time constant is less than 1/(1 - b)", [smaller]),
        (apply("gt", constant, b / (1 - b)), "and more than the mean age b/(1 - b)", [larger, smaller]),
    ]  # fmt: skip
    return tuple(holds(claim, why=why, given=assumed, when=[*premises, positive]) for claim, why, premises in claims)


def _statement(rule: Rule, buffer: LinearBuffer, shown: dict[str, Expr]) -> str:
    said = (
        f"The weights of `{buffer.name}` fall to 1/e in {code(shown['time_constant'])} steps and to half in "
        f"{code(shown['half_life'])}. In {code(shown['nominal_window'])} steps they fall to less than 1/e, "
        f"for {code(buffer.decay)} near one to about that."
    )
    values = settings(rule, buffer.decay)
    numbers = {n: found for n, e in shown.items() if values is not None and (found := _number(n, e, values))}
    if values is None or not {*NAMED, *SHARED} <= numbers.keys():
        return said
    windows = ", ".join(f"{word} {numbers[name]}" for name, word in NAMED.items())
    held = [f"{float(share):.0%} by {n}" for share in SHARES if (n := newest_holding(buffer, share, values))]
    return (
        f"{said} At {at(values)}: {windows}. At the age {numbers['nominal_window']} a weight is "
        f"{numbers['weight_at_nominal_window']} of the newest; {numbers['share_within_nominal_window']} of all weight "
        f"is held by so many newest inputs" + "".join(f", {text}" for text in held) + "."
    )


NAMED = {
    "time_constant": "time constant",
    "half_life": "half-life",
    "nominal_window": "1/(1 - b)",
    "mean_age": "mean age",
    "effective_sample_size": "effective sample size",
}
SHARED = ("weight_at_nominal_window", "share_within_nominal_window")


def _number(name: str, value: Expr, values: dict[str, Fraction]) -> str | None:
    return decimal(value, values) if name in {*NAMED, *SHARED} else None


def newest_holding(buffer: LinearBuffer, share: Fraction, values: dict[str, Fraction]) -> int | None:
    """How many of the newest inputs hold this share of all the weight there ever is: the fewest, proved."""
    found = onset(apply("ge", 1 - raised(buffer.decay, T), share), values)
    return None if found is None else found.at
