"""Buffers whose decay changes with the step, found from the rule and proved to be so."""

from __future__ import annotations

from dataclasses import dataclass

from derive.algebra.normal import NoNormalForm, generic_case
from derive.deriving.averages.plain import plain, simplest
from derive.deriving.derivation import code
from derive.deriving.linear import given, linear_buffers, separated
from derive.expr import Apply, Expr, Number, Symbol, apply, nodes, norms_in, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import Rule, State


@dataclass(frozen=True)
class VaryingBuffer:
    """state' = decay * state + gain * input, decay and gain made of hyperparameters and t."""

    state: State
    decay: Expr
    gain: Expr
    input: Expr

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def is_product(self) -> bool:
        """Whether nothing is added: the state is the product of the decays."""
        return self.gain is Number(0)


@dataclass(frozen=True)
class Phase:
    """The decay while one of its branches is taken, `while_` says when; `gain` in the same case."""

    decay: Expr
    gain: Expr
    while_: str


def varying_buffers(rule: Rule) -> tuple[VaryingBuffer, ...]:
    """Every state that is proved to be linear with coefficients that change with t, in order."""
    constant = {buffer.name for buffer in linear_buffers(rule)}
    found = (_varying(rule, state) for state in rule.states if state.name not in constant)
    return tuple(buffer for buffer in found if buffer is not None)


def _varying(rule: Rule, state: State) -> VaryingBuffer | None:
    after, assumed = rule.step[state.name], given(rule)
    if norms_in(after) or not {state.name, "t"} <= symbols(after):
        return None
    constants = frozenset({*rule.hyperparameter_names, "t"})
    data = symbols(after) - constants - {state.name}
    [at_zero] = substitute([after], {state.name: Number(0)})
    signal = _signal(at_zero, constants, assumed)
    if signal is None:
        return None
    decay = simplest(_coefficient(after, state.name, data, 0), assumed, _coefficient(after, state.name, data, 1))
    strength = plain(substitute([signal], dict.fromkeys(data, Number(1)))[0])
    gain = simplest(plain(plain(substitute([at_zero], dict.fromkeys(data, Number(1)))[0]) / strength), assumed)
    claim = (after, decay * Symbol(state.name) + gain * signal)
    if not symbols(decay, gain) <= constants or not identity([claim], assumed):
        return None
    return VaryingBuffer(state, decay, gain, signal)


def _coefficient(after: Expr, name: str, data: frozenset[str], value: int) -> Expr:
    """The slope in the state, where all data have one value."""
    fixed = dict.fromkeys(data, Number(value))
    one, zero = (plain(substitute([after], {**fixed, name: Number(n)})[0]) for n in (1, 0))
    return plain(one - zero)


def _signal(at_zero: Expr, constants: frozenset[str], assumed: Assumptions) -> Expr | None:
    """What is averaged: the input without its factor in hyperparameters and t."""
    try:
        case, rest = generic_case(at_zero, assumed)
        return Number(1) if rest.is_zero() else separated(case, rest, constants)[1]
    except NoNormalForm:
        return None


def phases(buffer: VaryingBuffer) -> tuple[Phase, ...]:
    """The decay as it is, or each branch of its outermost minimum or maximum while that one is taken."""
    branching = [n for n in nodes([buffer.decay]) if isinstance(n, Apply) and n.op in ("min", "max")]
    if len(branching) != 1 or "t" not in symbols(branching[0]):
        return (Phase(buffer.decay, buffer.gain, ""),)
    [node] = branching
    relation = "lt" if node.op == "min" else "gt"
    found = []
    for taken, other in (node.args, node.args[::-1]):
        decay, gain = (_replaced(e, node, taken) for e in (buffer.decay, buffer.gain))
        found.append(Phase(plain(decay), plain(gain), code(apply(relation, taken, other))))
    return tuple(found)


def _replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    if expr is old:
        return new
    if not isinstance(expr, Apply):
        return expr
    return Apply(expr.op, tuple(_replaced(arg, old, new) for arg in expr.args))
