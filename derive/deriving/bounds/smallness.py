"""Small constants in the denominator: they only make a step smaller, and large gradients make them no matter."""

from __future__ import annotations

from dataclasses import replace

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.names import G
from derive.deriving.bounds.neatness import neat
from derive.deriving.bounds.structure import NormalisedStep, without_powers
from derive.deriving.derivation import Step, equal, holds, tends
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.proving.limits import limit
from derive.rule import COUNTER, NONNEGATIVE

TIMES = Symbol("#z")  # a factor of all gradients


def without_small_constants(step: NormalisedStep) -> tuple[Step, ...]:
    """The step as an ideal one times a factor at most one, which tends to one for gradients times a growing z."""
    ideal, assumed = step.with_factors(step.ideal), step.assumptions()
    if not any(name in symbols(step.whole) for name in step.small):
        form = equal(None, step.whole, ideal, why="a numerator over a denominator", given=assumed)
        return (form, *_maximum(step))
    factor = _share(step)
    if factor is None:
        [bare] = substitute([step.whole], {name: Number(0) for name in step.small})
        return (equal(None, neat(bare), ideal, why="without the small constant", given=assumed), *_maximum(step))
    inner = " and ".join(name for name in step.small if name in symbols(step.whole))
    [named], known = without_powers([factor], assumed)
    size = Symbol(f"{step.norm.state}[t]")
    larger = TIMES * size if step.norm.kind == "maximum" else TIMES**2 * size
    [scaled] = substitute([named], {size.name: larger})
    found = limit(scaled, TIMES.name, Assumptions({**known.domains, TIMES.name: COUNTER}))
    lowers = "that only lowers it" + ("" if named is factor else "; powers of t as any numbers in [0, 1)")
    return (
        equal(None, step.whole, ideal * factor, why=f"{inner} is a factor beside a step without it", given=assumed),
        holds(apply("and", apply("ge", named, 0), apply("le", named, 1)), why=lowers, given=known),
        *(
            replace(limiting, why=f"for gradients {TIMES.name[1:]} times as large, as that grows")
            for limiting in tends(None, found)
        ),
        *_maximum(step),
    )


def _share(step: NormalisedStep) -> Expr | None:
    """The step over the ideal one, by the numerator's first part."""
    names = [*(f"{s.buffer.name}[t]" for s in step.shares), "g"]
    counted = names[0] if step.shares else "g"
    values: dict[str, Expr] = {name: Number(int(name == counted)) for name in names}
    above, below = substitute([step.whole, step.with_factors(step.ideal)], values)
    try:
        return tidy(above / below, step.assumptions())
    except NoNormalForm:
        return None


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
        equal(label, neat(bare), neat(plain), why="and is one without small constants", given=assumed),
    )
