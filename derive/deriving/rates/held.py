"""What the states hold while every gradient is the same: closed forms in t, each proved by induction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from derive.algebra.normal import readable
from derive.deriving.averages.bias import held
from derive.deriving.derivation import Step, define, equal, proper
from derive.deriving.linear import LinearBuffer, given, is_driven_by_input, linear_buffers
from derive.expr import Apply, Expr, Number, Symbol, apply, nodes, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import POSITIVE, Rule

T = Symbol("t")


@dataclass(frozen=True)
class Held:
    """A state under a constant gradient: its value after step t, that before it, and the steps that prove it."""

    name: str
    after: Expr
    before: Expr
    steps: tuple[Step, ...]


def held_states(rule: Rule) -> dict[str, Held]:
    """Every state with a closed form that is found; linear ones first, then maxima made of these."""
    found = {b.name: _linear(rule, b) for b in linear_buffers(rule) if is_driven_by_input(rule, b)}
    left = [s.name for s in rule.states if s.name not in found]
    while left:
        settled = {n: h for n in left if (h := _settled(rule, n, found)) is not None}
        if not settled:
            break
        found |= settled
        left = [n for n in left if n not in settled]
    return found


def _linear(rule: Rule, buffer: LinearBuffer) -> Held:
    """The closed form holds at the start, and the update keeps it."""
    value, from_start = held(rule, buffer, buffer.input), given(rule, from_start=True)
    [at_start, later, before] = [substitute([value], {"t": e})[0] for e in (Number(0), T + 1, T - 1)]
    now = Symbol(f"{buffer.name}[t]")
    steps = proper(
        define(now, value, "claimed"),
        equal(Symbol(f"{buffer.name}[0]"), at_start, buffer.state.initial, why="holds at the start", given=from_start),
        equal(Symbol(f"{buffer.name}[t+1]"), later, buffer.update(value, buffer.input), why="is kept by the update",
              given=from_start),
    )  # fmt: skip
    return Held(buffer.name, value, before, steps)


def _settled(rule: Rule, name: str, known: Mapping[str, Held]) -> Held | None:
    """A state that takes over, from the first step on, one of the values compared in its update."""
    stepped, assumed = rule.step[name], given(rule)
    source = "x" if rule.is_average else "g"
    if not symbols(stepped) & {*rule.state_names} <= {*known, name}:
        return None
    start = {s.name: s.initial for s in rule.states}
    before = {n: h.before for n, h in known.items()}
    # A value of the gradient is written by its size: the update of such a state does not see the sign.
    for value in _candidates(stepped, name, before, Assumptions({**assumed.domains, source: POSITIVE}), source):
        [first, at_one] = [substitute([e], {"t": Number(1)})[0] for e in (substitute([stepped], start)[0], value)]
        [later] = substitute([value], {"t": T + 1})
        [moved] = substitute([stepped], {n: h.after for n, h in known.items()} | {name: value, "t": T + 1})
        if "theta" in symbols(first, moved) or not identity([(first, at_one), (moved, later)], assumed):
            continue
        steps = proper(
            define(Symbol(f"{name}[t]"), value, "claimed from the first step on"),
            equal(Symbol(f"{name}[1]"), first, at_one, why="holds after the first step", given=assumed),
            equal(Symbol(f"{name}[t+1]"), moved, later, why="is kept by the update", given=assumed),
        )
        [earlier] = substitute([value], {"t": T - 1})
        return Held(name, value, apply("where", apply("gt", T, 1), earlier, start[name]), steps)
    return None


def _candidates(
    stepped: Expr, name: str, before: Mapping[str, Expr], positive: Assumptions, source: str
) -> Iterator[Expr]:
    for node in nodes([stepped]):
        if isinstance(node, Apply) and node.op in {"max", "min"}:
            for arg in node.args:
                if name not in symbols(arg):
                    [value] = substitute([arg], before)
                    plain = readable(value, positive)
                    yield substitute([plain], {source: apply("abs", Symbol(source))})[0]
