"""The effective learning rate under a constant gradient, and the response of an average to a constant input."""

from __future__ import annotations

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.bias import held, may_vanish
from derive.deriving.derivation import (
    Derivation,
    Step,
    code,
    define,
    equal,
    exceptions,
    labelled,
    names_of,
    proper,
    tends,
)
from derive.deriving.linear import LinearBuffer, given, is_driven_by_input, linear_buffers
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import ProvedLimit, limit
from derive.rule import POSITIVE, Rule
from derive.transforms import bind

T = Symbol("t")


def effective_lr(rule: Rule) -> Derivation | None:
    """-(theta[t] - theta[t-1])/g (for an average output[t]/x) when every gradient is g; None where not derived.

    The rule is taken without the decay of the parameter: a hyperparameter whose zero makes the
    step independent of theta is set to zero, and the derivation says so.
    """
    plain, removed = _without_decay(rule)
    buffers = linear_buffers(plain)
    moving = symbols(_response(plain)) & set(plain.state_names)
    known = {b.name: b for b in buffers if is_driven_by_input(plain, b)}
    if not moving <= set(known) or "theta" in symbols(readable(_response(plain), given(plain))):
        return None
    return _derived(plain, [known[n] for n in plain.state_names if n in moving], removed)


def _response(rule: Rule) -> Expr:
    """What the input moves: the output of an average, minus the change of the parameter else."""
    if rule.is_average:
        return rule.step[rule.outputs[0]]
    return Symbol("theta") - rule.step["theta"]


def _without_decay(rule: Rule) -> tuple[Rule, tuple[str, ...]]:
    """The rule with the first hyperparameter set to zero that frees the step from theta, where one does."""
    if rule.is_average or "theta" not in symbols(readable(_response(rule), given(rule))):
        return rule, ()
    for name in may_vanish(rule):
        bound = bind(rule, {name: Number(0)})
        free = readable(_response(bound), given(bound))
        if "theta" not in symbols(free) and free is not Number(0):
            return bound, (name,)
    return rule, ()


def _derived(rule: Rule, buffers: list[LinearBuffer], removed: tuple[str, ...]) -> Derivation | None:
    source = "x" if rule.is_average else "g"
    assumed = given(rule)
    before = {b.name: substitute([held(rule, b, b.input)], {"t": T - 1})[0] for b in buffers}
    [moved] = substitute([_response(rule)], before)
    rate = _rate(rule, moved, source)
    if rate is None:
        return None
    label = Symbol("output[t]") if rule.is_average else Symbol("theta[t-1]") - Symbol("theta[t]")
    name = labelled(rule, "r" if rule.is_average else "effective_lr")
    steps = [define(label, _response(rule), "the rule's step")]
    steps += [step for b in buffers for step in _substitution(rule, b)]
    steps.append(equal(label, moved, rate * Symbol(source), why=f"with every {source} the same", given=assumed))
    steps.append(define(name, rate, f"the factor of {source}"))
    found = limit(rate, "t", assumed)
    steps += tends(name, found)
    return Derivation(
        title="Response to a constant input"
        if rule.is_average
        else "Effective learning rate under a constant gradient",
        statement=_statement(rule, name, rate, found),
        assumptions=(f"every `{source}` is the same", *(f"`{n} = 0`" for n in removed)),
        steps=tuple(steps),
        result=rate,
        names=names_of(rule, same=source),
    )


def _substitution(rule: Rule, buffer: LinearBuffer) -> tuple[Step, ...]:
    """The buffer under a constant input: the closed form holds at the start, and the update keeps it."""
    holds, from_start = held(rule, buffer, buffer.input), given(rule, from_start=True)
    [at_start, later] = [substitute([holds], {"t": e})[0] for e in (Number(0), T + 1)]
    now = Symbol(f"{buffer.name}[t]")
    return proper(
        define(now, holds, "claimed"),
        equal(Symbol(f"{buffer.name}[0]"), at_start, buffer.state.initial, why="holds at the start", given=from_start),
        equal(Symbol(f"{buffer.name}[t+1]"), later, buffer.update(holds, buffer.input), why="is kept by the update",
              given=from_start),
    )  # fmt: skip


def _rate(rule: Rule, moved: Expr, source: str) -> Expr | None:
    """A factor with moved = factor * input for inputs of either sign, or None."""
    positive = Assumptions({**given(rule).domains, source: POSITIVE})
    try:
        plain = tidy(moved / Symbol(source), positive)
    except NoNormalForm:
        return None
    [of_size] = substitute([plain], {source: apply("abs", Symbol(source))})
    for candidate in (plain, of_size):
        if identity([(moved, candidate * Symbol(source))], given(rule)):
            return candidate
    return None


def _statement(rule: Rule, name: Symbol, rate: Expr, found: ProvedLimit | None) -> str:
    tail = ""
    if found is not None and found.claim.limit is not rate:
        tail = f" It tends to {code(found.claim.limit)}{exceptions(found)}."
    what = "input `x` gives the output" if rule.is_average else "gradient `g` moves `theta` by"
    return f"A constant {what} `{name} * {'x' if rule.is_average else 'g'}`; `{name}` = {code(rate)}.{tail}"
