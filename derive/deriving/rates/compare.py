"""Two rules given the same gradients: which effective rate is larger, and by how much.

An invariant between the two is proved by induction: a state of one is at most a multiple of a state of the
other. Hyperparameters of one name are the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from derive.algebra.normal import readable
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds
from derive.deriving.linear import LinearBuffer, linear_buffers
from derive.deriving.rates.factor import EffectiveRate, after, factored_step
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, Domain, Rule

INPUT = Symbol("q")
ONE = Number(1)


@dataclass(frozen=True)
class _Side:
    """One of the two rules: its rate in the one state behind it, called otherwise than the other's."""

    rule: Rule
    rate: Expr
    buffer: LinearBuffer
    state: Symbol


def compare_rates(a: Rule, b: Rule) -> Derivation | None:
    """The rate of `a` against that of `b` on the same gradients; None where the two cannot be compared this way.

    Each rate has to be a function of one sum of squared gradients. `rate_ratio` is a lower bound of the rate of a
    over that of b, with the hyperparameters zero that the derivation names; exact where the sums are the same.
    """
    one, other = _side(a, "1"), _side(b, "2")
    if one is None or other is None or one.buffer.input is not other.buffer.input:
        return None
    assumed = _assumed(one, other)
    if assumed is None:
        return None
    factor = readable(one.buffer.gain / other.buffer.gain, assumed)
    same = one.buffer.decay is other.buffer.decay
    invariant = apply("eq" if same else "le", one.state, _times(factor, other.state))
    kept = _kept(one, other, invariant, assumed)
    if not kept.verdict:
        return None
    [at_bound] = substitute([one.rate], {str(one.state): _times(factor, other.state)})
    more, said = _compared(one, other, invariant, at_bound, assumed, same)
    found = _ratio(one, other, at_bound, assumed)
    quantities: dict[str, Expr] = {}
    if found is not None:
        zeros, ratio, step = found
        more, quantities = (*more, step), {"rate_ratio": ratio}
        where = "".join(f", where `{n} = 0`" for n in zeros)
        said.append(f"It is {'exactly' if same else 'at least'} {code(ratio)} times it{where}.")
    if not more:
        return None
    return Derivation(
        title=f"The effective rate of {a.name} against that of {b.name}",
        statement=" ".join(said),
        assumptions=(
            "both are given the same gradients",
            "hyperparameters of one name are the same",
            *(f"`{n} > 0` where nothing else is said" for n in dict.fromkeys((*_proper(one), *_proper(other)))),
        ),
        steps=(define(Symbol(f"rate of {a.name}"), one.rate, "its effective rate"),
               define(Symbol(f"rate of {b.name}"), other.rate, "its effective rate"), kept, *more),
        result=quantities.get("rate_ratio", factor),
        names={},
        quantities={"state_ratio": factor, **quantities},
    )  # fmt: skip


def _side(rule: Rule, mark: str) -> _Side | None:
    found: EffectiveRate | None = factored_step(rule)
    if found is None or len(found.behind) != 1 or {*found.behind} & symbols(found.rate):
        return None
    [name] = found.behind
    buffer = next((b for b in linear_buffers(found.rule) if b.name == name and b.starts_at_zero), None)
    if buffer is None or symbols(buffer.input) != {"g"}:
        return None
    state = Symbol(f"{name}{mark}[t]")
    return _Side(found.rule, substitute([found.rate], {after(name): state})[0], buffer, state)


def _assumed(one: _Side, other: _Side) -> Assumptions | None:
    domains = dict(one.rule.domains)
    for name, domain in other.rule.domains.items():
        if domains.setdefault(name, domain) != domain:
            return None
    positive = {n: d for side in (one, other) for n, d in _proper(side).items()}
    states = {str(side.state): NONNEGATIVE for side in (one, other)}
    return Assumptions({**domains, **positive, **states, str(INPUT): NONNEGATIVE})


def _proper(side: _Side) -> Mapping[str, Domain]:
    found = factored_step(side.rule)
    assert found is not None
    narrowed, own = found.proper[0].domains, found.assumptions.domains
    return {n: narrowed[n] for n in side.rule.hyperparameter_names if narrowed[n] != own[n]}


def _times(factor: Expr, expr: Expr) -> Expr:
    return expr if factor is ONE else factor * expr


def _kept(one: _Side, other: _Side, invariant: Expr, assumed: Assumptions) -> Step:
    """The invariant after a step with any squared gradient q."""
    moved = {str(s.state): s.buffer.update(s.state, INPUT) for s in (one, other)}
    [later] = substitute([invariant], moved)
    why = f"holds where both are zero, and a step keeps it, whatever `{INPUT}` = {one.buffer.input}"
    return holds(later, why=why, given=assumed, when=[invariant])


def _compared(
    one: _Side, other: _Side, invariant: Expr, at_bound: Expr, assumed: Assumptions, same: bool
) -> tuple[tuple[Step, ...], list[str]]:
    """Whether one rate is always at least, or always at most, the other."""
    for op, word in (("ge", "at least"), ("le", "at most")):
        if op == "le" and not same:
            continue
        step = holds(apply(op, one.rate, other.rate), why="so the rates compare", given=assumed, when=[invariant])
        if step.verdict:
            said = f"The rate of {one.rule.name} is always {word} that of {other.rule.name}."
            return (step,), [said]
    return (), []


def _ratio(one: _Side, other: _Side, at_bound: Expr, assumed: Assumptions) -> tuple[tuple[str, ...], Expr, Step] | None:
    """The quotient of the rates at the bound, with the fewest hyperparameters zero that free it of the states."""
    declared = {**one.rule.domains, **other.rule.domains}
    used = [n for n in declared if n in symbols(one.rate, other.rate)]
    names = [n for n in used if Fraction(0) in declared[n] and declared[n] != DECAY]
    scales = [n for n in names if n in symbols(one.rate) & symbols(other.rate)]
    positive = Assumptions({**assumed.domains, **dict.fromkeys([str(other.state), *scales], POSITIVE)})
    for count in range(len(names) + 1):
        for zeros in combinations(names, count):
            left, right = substitute([at_bound, other.rate], dict.fromkeys(zeros, Number(0)))
            ratio = readable(left / right, positive)
            if str(other.state) in symbols(ratio) or ratio is Number(0):
                continue
            if identity([(left, ratio * right)], positive):
                step = equal(None, left, ratio * right, why="at the bound, the state not zero", given=positive)
                return zeros, ratio, step
    return None
