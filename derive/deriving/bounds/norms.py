"""What a step may be divided by: the states that measure the size of the gradients, found from their updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.names import ONE, G, small_constants
from derive.deriving.linear import LinearBuffer, given, linear_buffers
from derive.deriving.lines import assigned
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import NONNEGATIVE, Rule
from derive.transforms import bind


@dataclass(frozen=True)
class Norm:
    """What a step is divided by. A gradient of k steps ago counts gain * decay^k in it.

    `state` is the name of the buffer in the denominator. For the root of a running maximum `kept` is the buffer of
    squares whose multiple by `factor` the maximum is taken of.
    """

    kind: Literal["root", "maximum", "running maximum"]
    state: str
    decay: Expr
    gain: Expr
    kept: str = ""
    factor: Expr = ONE

    @property
    def under(self) -> Expr:
        """The denominator, the state after the step having its usual name with [t]."""
        now = Symbol(f"{self.state}[t]")
        return now if self.kind == "maximum" else apply("sqrt", now)


def norms(rule: Rule) -> Iterator[Norm]:
    """Every state of the rule that measures the size of the gradients."""
    squares = {b.name: b for b in linear_buffers(rule) if b.starts_at_zero and b.input is _square(rule, b)}
    for buffer in squares.values():
        yield Norm("root", buffer.name, buffer.decay, buffer.gain)
    for state in rule.states:
        if state.name not in squares and state.initial is Number(0):
            found = _running(rule, state.name, squares) or _fading(rule, state.name)
            if found is not None:
                yield found


def _square(rule: Rule, buffer: LinearBuffer) -> Expr | None:
    """The input, where it is proved to be g^2."""
    if symbols(buffer.input) != {"g"}:
        return None
    return buffer.input if identity([(buffer.input, G * G)], given(rule)) else None


def _running(rule: Rule, name: str, squares: Mapping[str, LinearBuffer]) -> Norm | None:
    """max(state, factor * v[t]) for a buffer v of squares."""
    for square in squares.values():
        now = Symbol(f"{square.name}[t]")
        value = dict(assigned(rule, {square.name})).get(name)
        if value is None or now.name not in symbols(value):
            continue
        [factor] = substitute([value], {name: Number(0), now.name: Number(1)})
        domains = {**given(rule).domains, now.name: NONNEGATIVE, name: NONNEGATIVE}
        assumed = Assumptions(domains)
        try:
            factor = tidy(factor, assumed)
        except NoNormalForm:
            continue
        free = symbols(factor) <= {*rule.hyperparameter_names, "t"}
        if free and identity([(value, apply("max", Symbol(name), factor * now))], assumed):
            return Norm("running maximum", name, square.decay, square.gain, square.name, factor)
    return None


def _fading(rule: Rule, name: str) -> Norm | None:
    """max(decay * state, gain * |g|), where need be without a small constant."""
    for bound in small_constants(rule):
        plain = bind(rule, bound)
        after = plain.step[name]
        [at_rest] = substitute([after], {"g": Number(0), name: Number(1)})
        [newest] = substitute([after], {"g": Number(1), name: Number(0)})
        assumed = Assumptions({**given(plain).domains, name: NONNEGATIVE})
        try:
            decay, gain = tidy(at_rest, assumed), tidy(newest, assumed)
        except NoNormalForm:
            continue
        claimed = apply("max", decay * Symbol(name), gain * apply("abs", G))
        if symbols(decay, gain) <= set(plain.hyperparameter_names) and identity([(after, claimed)], assumed):
            return Norm("maximum", name, decay, gain)
    return None
