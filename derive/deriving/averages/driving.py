"""Runs in which the input of a buffer is what one wants: the gradients that make it so, and what is held then."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.deriving.averages.plain import plain
from derive.deriving.averages.schedules import VaryingBuffer
from derive.deriving.averages.solving import as_float, solution
from derive.deriving.experiment import Experiment, Numbers, decimals
from derive.deriving.linear import LinearBuffer
from derive.deriving.undecayed import may_vanish
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, as_expr, norms_in, substitute, symbols
from derive.rule import Rule
from derive.tensors import by_coordinates

STRENGTHS = tuple(Fraction(n) for n in ("1", "-1", "1/32", "-1/32"))  # what a unit of input may be, in this order
HANDY = tuple(Fraction(n) for n in ("1/2", "9/10", "1", "1/4", "3/4", "7/10"))  # settings that make decays quick

# Where norms are taken a second coordinate is beside the one that is driven: so large that the norm of the parameter
# hardly moves, and with one gradient at every step, so that the norm of the gradients is not that of the first alone.
BESIDE_START, BESIDE_GRADIENT = Fraction(2**20), Fraction(1)

HELD, HELD_BEFORE, STRENGTH = (Symbol(name) for name in ("#held", "#held before", "#strength"))

Values = Mapping[str, Fraction]
Buffer = LinearBuffer | VaryingBuffer


@dataclass(frozen=True)
class Driven:
    """Gradients under which the buffer's input is `strength` times the wanted one, at these hyperparameters."""

    gradients: tuple[Numbers, ...]
    start: Numbers
    values: Values
    strength: Fraction


def usual(rule: Rule) -> dict[str, Fraction] | None:
    """The defaults; something inside its domain for a hyperparameter that has none."""
    found = {}
    for h in rule.hyperparameters:
        inside = [value for value in (h.default, *HANDY) if value is not None and value in h.domain]
        if not inside:
            return None
        found[h.name] = inside[0]
    return found


def quick(rule: Rule, decay: Expr) -> dict[str, Fraction] | None:
    """Settings at which a decay is so small that forty steps are as good as infinitely many."""
    return decaying(rule, decay, lambda value: Fraction(1, 5) <= value <= Fraction(1, 2))


def telling(rule: Rule, decay: Expr) -> dict[str, Fraction] | None:
    """The usual settings; where at them a decay keeps all, or nothing, at which it does not, quick ones."""
    settings = usual(rule)
    [found] = enclosed([decay], settings) if settings is not None else [None]
    extreme = isinstance(found, Fraction) and found in (0, 1) and decay is not Number(1)
    return (quick(rule, decay) or settings) if extreme else settings


def decaying(rule: Rule, decay: Expr, wanted: Callable[[Fraction], bool]) -> dict[str, Fraction] | None:
    """Settings, the usual ones but for those that the decay is made of, at which the decay is as wanted."""
    base, domains = usual(rule), {h.name: h.domain for h in rule.hyperparameters}
    for value in HANDY if base is not None else ():
        settings = {**(base or {}), **dict.fromkeys(symbols(decay), value)}
        [found] = enclosed([decay], settings)
        if all(value in domains[n] for n in symbols(decay)) and isinstance(found, Fraction) and wanted(found):
            return settings
    return None


def confirmed(
    rule: Rule,
    buffer: Buffer,
    what: str,
    inputs: Sequence[Expr | Fraction | int],
    observed: Expr,
    foretold: Mapping[int, Expr],
    values: Values | None,
) -> tuple[Experiment, ...]:
    """The run with these inputs of the buffer, and formulas that give what is seen at some of its steps.

    Inputs and formulas are in hyperparameters, formulas also in t. `observed` is in `HELD`, what the buffer holds of a
    unit of input, `HELD_BEFORE` and `STRENGTH`. Nothing where there is no such run, or a formula has no value.
    """
    if values is None:
        return ()
    driven = _driven(rule, buffer, inputs, values)
    if driven is None:
        return ()
    known = {**driven.values, STRENGTH.name: driven.strength}
    numbers = decimals({t: enclosed([e], {**known, "t": Fraction(t)})[0] for t, e in foretold.items()})
    if numbers is None:
        return ()
    now, before = _held(buffer, driven.strength)
    [seen] = substitute([observed], {HELD.name: now, HELD_BEFORE.name: before, STRENGTH.name: Number(driven.strength)})
    changed = {n: value for n, value in driven.values.items() if rule.defaults.get(n) != value}
    return (Experiment(what, seen, numbers, driven.gradients, changed or None, driven.start),)


def _held(buffer: Buffer, strength: Fraction) -> tuple[Expr, Expr]:
    """What the buffer holds of its inputs after and before a step, in units of input."""
    now: Expr = Symbol(buffer.name)
    before: Expr = Symbol(f"before.{buffer.name}")
    if isinstance(buffer, LinearBuffer) and not buffer.starts_at_zero:
        shares = [substitute([buffer.start_share], {"theta[0]": Number(0), "t": Symbol("t") - n})[0] for n in (0, 1)]
        now, before = now - shares[0], before - shares[1]
    return (now, before) if strength == 1 else (now / strength, before / strength)


def _driven(rule: Rule, buffer: Buffer, inputs: Sequence[Expr | Fraction | int], values: Values) -> Driven | None:
    """The gradients: at these values, else with a hyperparameter at zero that lets something else into the input."""
    if rule.asked:
        return None
    wanted = _numbers([as_expr(e) for e in inputs], values)
    if wanted is None:
        return None
    signals = [_Signal(rule, buffer, settings) for settings in _settings(rule, buffer, values)]
    for signal in sorted(signals, key=lambda each: not each.is_alone):
        for strength in STRENGTHS if signal.can_be_followed else ():
            found = signal.gradients([strength * e for e in wanted])
            if found is not None:
                with_norms = [(g, BESIDE_GRADIENT) for g in found] if signal.takes_norms else found
                start = (Fraction(0), BESIDE_START) if signal.takes_norms else Fraction(0)
                return Driven(tuple(with_norms), start, signal.values, strength)
    return None


def _settings(rule: Rule, buffer: Buffer, values: Values) -> Iterator[Values]:
    yield values
    own = {*symbols(buffer.decay, buffer.gain)}
    others = [n for n in may_vanish(rule) if n in symbols(buffer.input) - own and values[n] != 0]
    yield from ({**values, n: Fraction(0)} for n in others)


class _Signal:
    """The input of a buffer at some settings, and the states it mentions, which are followed through a run."""

    def __init__(self, rule: Rule, buffer: Buffer, values: Values) -> None:
        self.values, self.source = values, "x" if rule.is_average else "g"
        numbers: dict[str, Expr] = {n: Number(value) for n, value in values.items()}
        starts = {**({} if rule.is_average else {"theta": Number(0)}), **{s.name: s.initial for s in rule.states}}
        exprs = substitute([buffer.input, *rule.step.values(), *starts.values()], numbers)
        self.takes_norms = bool(norms_in(*exprs))
        if self.takes_norms:
            whole, every, begun = _written_out(exprs, rule, starts)
        else:
            whole, every = exprs[0], dict(zip(rule.step, exprs[1:], strict=False))
            begun = dict(zip(starts, substitute(exprs[1 + len(every) :], {"theta": Number(0)}), strict=True))
        self.formula = plain(whole)
        self.is_alone = symbols(self.formula) == {self.source}  # the gradient alone decides
        # Also what is multiplied by zero: undefined, it would make the input so.
        names = _closure(symbols(whole) & every.keys(), every)
        self.step = {n: plain(every[n]) for n in names}
        self.start = {n: value for n, value in begun.items() if n in names}
        self.can_be_followed = symbols(self.formula, *self.step.values()) <= {*names, self.source, "t"}

    def gradients(self, wanted: Sequence[Fraction]) -> tuple[Fraction, ...] | None:
        """Those at which the input has the wanted values, one after another; the states are followed in floats."""
        now, found = _floats(self.start, {}), []
        for t, value in enumerate((min(wanted), max(wanted), *wanted), -1):
            if now is None:
                return None
            here = {**now, "t": Fraction(max(1, t))}
            formula = self.formula if self.is_alone else _bound(self.formula, here)
            gradient = value if formula is Symbol(self.source) else solution(formula, self.source, value)
            if gradient is None:
                return None
            if t >= 1:  # before, only the extremes are tried
                found.append(gradient)
                now = _floats(self.step, {**here, self.source: gradient})
        return tuple(found)


def _beside(name: str) -> str:
    """What a name of the rule is at the second coordinate."""
    return f"{name} beside"


def _written_out(
    exprs: Sequence[Expr], rule: Rule, starts: Iterable[str]
) -> tuple[Expr, dict[str, Expr], dict[str, Expr]]:
    """The input of the first coordinate; the step, and the start, of both; norms are those of the two."""
    kept = {*rule.step, *starts}
    pairs: dict[str, tuple[Expr, Expr]] = {
        n: (Symbol(n), Symbol(_beside(n) if n in kept else n)) for n in symbols(*exprs)
    }
    pairs["g"] = (Symbol("g"), Number(BESIDE_GRADIENT))
    (whole, _), *written = by_coordinates(exprs, pairs, 2)
    steps, begun = written[: len(rule.step)], written[len(rule.step) :]
    at_start = {"theta": Number(0), _beside("theta"): Number(BESIDE_START)}

    def named(names: Iterable[str], both: Iterable[Sequence[Expr]]) -> dict[str, Expr]:
        return {
            n: e
            for name, pair in zip(names, both, strict=True)
            for n, e in zip((name, _beside(name)), pair, strict=True)
        }

    first = {n: substitute([e], at_start)[0] for n, e in named(starts, begun).items()}
    return whole, named(rule.step, steps), {**first, **(at_start if "theta" in first else {})}


def _closure(names: frozenset[str] | set[str], step: Mapping[str, Expr]) -> set[str]:
    """The states (and theta) that these depend on, themselves included."""
    found = set(names)
    while more := symbols(*(step[n] for n in found)) & step.keys() - found:
        found |= more
    return found


def _bound(expr: Expr, values: Values) -> Expr:
    [bound] = substitute([expr], {n: Number(value) for n, value in values.items()})
    return plain(bound)


def _numbers(exprs: Sequence[Expr], values: Values) -> list[Fraction] | None:
    """The values, exact where they are rational."""
    found = enclosed(exprs, values)
    numbers = [value if isinstance(value, Fraction) else as_float(value) for value in found]
    return [Fraction(n) for n in numbers] if all(map(math.isfinite, numbers)) else None


def _floats(exprs: Mapping[str, Expr], values: Values) -> dict[str, Fraction] | None:
    """The values rounded to floats, so that a long run stays quick."""
    found = [as_float(value) for value in enclosed(exprs.values(), values)]
    return dict(zip(exprs, map(Fraction, found), strict=True)) if all(map(math.isfinite, found)) else None
