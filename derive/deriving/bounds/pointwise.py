"""Steps that are bounded one by one, whatever came before (a sign), and steps without any bound (a multiple of g)."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.bounds.names import G, learning_rate, multiple
from derive.deriving.bounds.neatness import neat, simpler
from derive.deriving.derivation import Derivation, code, define, equal, holds, names_of, proper
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import MOVED, a_number, plain_values
from derive.deriving.linear import given
from derive.deriving.undecayed import movement, without_decay
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import NONNEGATIVE, POSITIVE, Rule

LABEL = Symbol("theta[t-1]") - Symbol("theta[t]")
WANTED = (10, 10**6)


def bounded_step(rule: Rule) -> Derivation | None:
    """A step that is at most a constant times lr for any values of its states: as that of a sign is."""
    freed = None if rule.is_average else without_decay(rule)
    lr = learning_rate(freed[0]) if freed is not None else None
    if freed is None or lr is None:
        return None
    plain, removed = freed
    assumed = Assumptions({**given(plain).domains, lr: POSITIVE})
    step = neat(substitute([movement(plain)], {lr: Number(1), "theta": Number(0)})[0])
    first = first_step(plain, lr)
    largest = readable(neat(substitute([first], {"g": Number(1)})[0]), assumed)
    if not isinstance(largest, Number) or largest is Number(0):
        return None
    inside = holds(
        apply("le", apply("abs", step), abs_of(largest)), why="whatever the states and the gradient", given=assumed
    )
    reached = equal(
        Symbol("theta[0]") - Symbol("theta[1]"),
        Symbol(lr) * neat(substitute([first], {"g": Number(1)})[0]),
        Symbol(lr) * largest,
        why="the first step under the gradient one",
        given=assumed,
    )
    if not inside.verdict or not reached.verdict:
        return None
    bound = abs_of(largest)
    steps = proper(
        define(LABEL, movement(plain), "the rule's step"),
        equal(LABEL, movement(plain), Symbol(lr) * step, why=f"proportional to {lr}", given=assumed),
        inside,
        reached,
    )
    return Derivation(
        title="The largest step",
        statement=f"No gradients make `|theta[t] - theta[t-1]|` more than {multiple(lr, bound)}. "
        "That is attained by the first step under the gradient one.",
        assumptions=(*(f"`{n} = 0`: what the decay adds is bounded apart" for n in removed), f"`{lr} > 0`"),
        steps=steps,
        result=bound,
        names=names_of(rule),
        quantities={
            "step_bound": bound,
            "step_bound_limit": bound,
            "step_bound_gradient": Number(1),
            "learning_rate": Symbol(lr),
        },
        experiments=(_first_step_experiment(removed, lr, bound),),
    )


def abs_of(number: Number) -> Number:
    """|number|."""
    return Number(abs(number.value))


def _first_step_experiment(removed: tuple[str, ...], lr: str, bound: Number) -> Experiment:
    observed = apply("abs", Symbol("before.theta") - Symbol("theta")) / Symbol(lr)
    zero = {name: Number(0).value for name in removed}
    return Experiment(
        "the first step is the largest", observed, {1: float(bound.value)}, (Number(1).value,), zero or None
    )


def first_step(rule: Rule, lr: str = "") -> Expr:
    """theta[0] - theta[1] in the first gradient, over lr where one is named; states have their initial values."""
    start: dict[str, Expr] = {s.name: s.initial for s in rule.states}
    begun = {**start, "t": Number(1), "theta": Number(0), **({lr: Number(1)} if lr else {})}
    return simpler(substitute([movement(rule)], begun)[0], given(rule))


def unbounded_step(rule: Rule) -> Derivation | None:
    """A first or second step that is a multiple of its gradient: no bound can hold."""
    freed = None if rule.is_average else without_decay(rule)
    if freed is None or symbols(*(s.initial for s in freed[0].states)) - set(freed[0].hyperparameter_names):
        return None
    return _multiple(rule, *freed, 1) or _multiple(rule, *freed, 2)


def _multiple(rule: Rule, plain: Rule, removed: tuple[str, ...], t: int) -> Derivation | None:
    """Step t, after gradients one, as a multiple of its gradient; None where it is no such thing."""
    step = first_step(plain) if t == 1 else _second_step(plain)
    if t == 2 and not _begins(plain):
        return None
    positive = {h.name: POSITIVE for h in plain.hyperparameters if h.domain == NONNEGATIVE and h.name in symbols(step)}
    assumed = Assumptions({**given(plain).domains, **positive})
    slope = _slope(step, assumed)
    if slope is None or slope is Number(0) or symbols(slope) - set(plain.hyperparameter_names):
        return None
    label = Symbol(f"theta[{t - 1}]") - Symbol(f"theta[{t}]")
    after = "" if t == 1 else ", after a gradient one"
    moved = equal(label, step, slope * G, why=f"step {t}{after}", given=assumed)
    nonzero = equal(None, slope / slope, Number(1), why="a factor that is not zero", given=assumed)
    if not moved.verdict or not nonzero.verdict:
        return None
    which = "first" if t == 1 else "second"
    return Derivation(
        title="The largest step",
        statement=f"There is none: the {which} step is {code(slope)} times the gradient{after}, however large that is.",
        assumptions=(*(f"`{n} = 0`" for n in removed), *(f"`{n} > 0`" for n in positive)),
        steps=proper(moved, nonzero),
        result=apply("abs", slope * G),
        names={**names_of(rule), "g": f"g[{t}]"},
        quantities={f"{which}_step_per_gradient": slope, **_rate_in(slope, assumed)},
        experiments=_as_large_as_wanted(plain, removed, slope, t),
    )


def _as_large_as_wanted(rule: Rule, removed: tuple[str, ...], slope: Expr, t: int) -> tuple[Experiment, ...]:
    """For a step of any size a gradient that makes it."""
    values = plain_values(rule, removed)
    per_gradient = a_number(slope, values)
    if not per_gradient:
        return ()
    one = (Fraction(1),) * (t - 1)
    return tuple(
        Experiment(f"a gradient for a step of {wanted}", MOVED, {t: wanted}, (*one, wanted / per_gradient), values)
        for wanted in WANTED
    )


def _begins(rule: Rule) -> bool:
    """Whether the first step, with a gradient one, is a number."""
    [first] = substitute([first_step(rule)], {"g": Number(1)})
    return bool(identity([(first - first, Number(0))], given(rule)))


def _second_step(rule: Rule) -> Expr:
    """theta[1] - theta[2] after a gradient one, in the second gradient."""
    start: dict[str, Expr] = {s.name: s.initial for s in rule.states}
    begun: dict[str, Expr] = {**start, "t": Number(1), "theta": Number(0), "g": Number(1)}
    kept = substitute([rule.step[n] for n in rule.state_names], begun)
    held = dict(zip(rule.state_names, kept, strict=True))
    return simpler(substitute([movement(rule)], {**held, "t": Number(2), "theta": Number(0)})[0], given(rule))


def _slope(step: Expr, assumed: Assumptions) -> Expr | None:
    """What the step is at the gradient one, tidied where that is the same everywhere."""
    raw = neat(substitute([step], {"g": Number(1)})[0])
    shown = readable(raw, assumed)
    if identity([(raw, shown)], assumed):
        return shown
    return raw if identity([(raw, raw)], assumed) else None


def _rate_in(slope: Expr, assumed: Assumptions) -> dict[str, Expr]:
    """The positive hyperparameter that the first step is proportional to, where there is one."""
    for name in sorted(symbols(slope)):
        [unit] = substitute([slope], {name: Number(1)})
        if assumed.domains[name] == POSITIVE and identity([(slope, Symbol(name) * unit)], assumed):
            return {"learning_rate": Symbol(name)}
    return {}
