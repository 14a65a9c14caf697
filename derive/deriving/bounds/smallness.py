"""Small constants in the denominator: they only make a step smaller, and large gradients make them no matter."""

from __future__ import annotations

from derive.deriving.bounds.structure import G, NormalisedStep, without_powers
from derive.deriving.derivation import Step, equal, holds, tends
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.proving.limits import limit
from derive.rule import COUNTER, NONNEGATIVE, Rule

TIMES = Symbol("#z")  # a factor of all gradients


def without_small_constants(rule: Rule, step: NormalisedStep) -> tuple[Step, ...]:
    """The step at zero small constants, that they only lower it, and that gradients times a growing z approach it."""
    assumed, ideal = step.assumptions(), step.ideal
    zero = {name: Number(0) for name in step.small}
    [bare] = substitute([step.whole], zero)
    where = " and ".join(f"`{name} = 0`" for name in step.small)
    form = equal(None, bare, ideal, why=f"where {where}" if where else "a numerator over a denominator", given=assumed)
    steps = [form]
    inner = [n for n in step.small if n in symbols(step.whole)]
    if inner:
        (small, least), named = without_powers([step.whole, ideal], assumed)
        lowered = apply("le", apply("abs", small), apply("abs", least))
        steps.append(holds(lowered, why=f"{' and '.join(inner)} only lowers it", given=named))
        scaled = substitute([small], _scaled(step))[0]
        found = limit(scaled, TIMES.name, Assumptions({**named.domains, TIMES.name: COUNTER}))
        steps += tends(None, found)
    return (*steps, *_maximum(step))


def _scaled(step: NormalisedStep) -> dict[str, Expr]:
    """The buffers when every gradient is so many times as large."""
    linear = {f"{s.buffer.name}[t]": TIMES * Symbol(f"{s.buffer.name}[t]") for s in step.shares}
    size = Symbol(f"{step.norm.state}[t]")
    power: Expr = TIMES if step.norm.kind == "maximum" else TIMES**2
    return {**linear, size.name: power * size, "g": TIMES * G}


def _maximum(step: NormalisedStep) -> tuple[Step, ...]:
    """A fading maximum is one, at least; exactly one without its small constant."""
    norm = step.norm
    if norm.kind != "maximum":
        return ()
    after, state = step.rule.step[norm.state], Symbol(norm.state)
    assumed = Assumptions({**step.assumptions().domains, norm.state: NONNEGATIVE})
    plain = apply("max", norm.decay * state, norm.gain * apply("abs", G))
    [bare] = substitute([after], {name: Number(0) for name in step.small})
    label = Symbol(f"{norm.state}[t]")
    return (
        holds(apply("ge", after, plain), why="the denominator is at least a fading maximum", given=assumed),
        equal(label, bare, plain, why="and is one without small constants", given=assumed),
    )
