"""Decoupled weight decay: the shrink factor, the half-life, how far a parameter can get, and where noise holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.averages.bias import held
from derive.deriving.bounds.names import learning_rate
from derive.deriving.bounds.neatness import neat, simpler
from derive.deriving.bounds.step import step_bound
from derive.deriving.bounds.structure import NormalisedStep, normalised_step, without_powers
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.decay.structure import THETA, Decoupled, decoupled
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, names_of, proper, tends
from derive.deriving.experiment import Experiment
from derive.deriving.linear import given, linear_buffers
from derive.deriving.undecayed import movement
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.proving.obligations import inside
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, REAL, Rule

T = Symbol("t")
AFTER, BEFORE, STEP = Symbol("theta[t]"), Symbol("theta[t-1]"), Symbol("step[t]")


@coordinatewise
def decoupled_decay(rule: Rule) -> Derivation | None:
    """What a decay beside the step does to the parameter; None where the rule has none."""
    found = decoupled(rule)
    if found is None:
        return None
    half = apply("log", 2) / -apply("log", found.kept)
    when, other = ("after", "before") if found.after_the_step else ("before", "after")
    alone = _alone(rule, found) if found.is_constant else _in_time(rule, found)
    halves = found.is_constant and bool(alone) and _shrinks(rule, found)
    said = f"; without gradients it halves in {code(half)} steps" if halves else ""
    said = said if found.is_constant else ", which changes with t"
    return Derivation(
        title="Decoupled weight decay",
        statement=f"Beside the step, {when} it, `theta` is multiplied by {code(found.kept)}{said}. "
        f"Applying the decay {other} the step instead changes `theta` by {code(found.share)} times the step.",
        assumptions=(f"{code(apply('lt', found.share, 1))} in powers and logarithms",) if found.is_constant else (),
        steps=proper(*_form(rule, found), *alone, *_order(rule, found)),
        result=found.kept,
        names=names_of(rule),
        quantities={
            "shrink_factor": found.kept,
            "decay_per_step": found.share,
            **({"half_life": half} if halves else {}),
        },
        experiments=_shrinking(rule, found) if halves else (),
    )


def _in_time(rule: Rule, found: Decoupled) -> tuple[Step, ...]:
    """A decay that changes from step to step: what it tends to, and whether it only grows towards that."""
    assumed = _positive(rule)
    share = readable(found.share, assumed)
    reached = limit(share, "t", assumed)
    if reached is None:
        return ()
    [now, end], known = without_powers([share, reached.claim.limit], assumed)
    below = holds(apply("le", now, end), why="at no step more than that", given=known)
    label = Symbol("decay[t]")
    return (
        define(label, found.share, "the decay of a step"),
        *tends(label, reached),
        *((below,) if below.verdict else ()),
    )


def _form(rule: Rule, found: Decoupled) -> tuple[Step, ...]:
    """The parameter after a step: a share of it, and the step of the rule without decay."""
    step, assumed = movement(found.plain), given(rule)
    weighed = found.kept * STEP if found.after_the_step else STEP
    [written] = substitute([weighed], {STEP.name: step})
    return (
        define(STEP, step, f"the step where {found.name} = 0, which does not depend on theta"),
        equal(
            AFTER, rule.step["theta"], found.kept * THETA - written, why="a share of theta, and the step", given=assumed
        ),
    )


def _alone(rule: Rule, found: Decoupled) -> tuple[Step, ...]:
    """Without gradients there is no step, and theta fades like a power; nothing where the start makes steps."""
    begun, assumed = _resting(found), _positive(rule)
    still = simpler(substitute([movement(found.plain)], {**begun, "g": Number(0)})[0], assumed)
    rests = equal(STEP, still, Number(0), why="no step without gradients", given=assumed)
    if not rests.verdict:
        return ()
    kept, start = Symbol("s"), Symbol("theta[0]")
    powers = Assumptions({"s": DECAY, "theta[0]": REAL, "t": given(rule, from_start=True).domains["t"]})
    fades = start * apply("pow", kept, T)
    [later] = substitute([fades], {"t": T + 1})
    return (
        rests,
        define(kept, found.kept, "the share that is kept"),
        equal(Symbol("theta[t+1]"), later, kept * fades, why="a power of it, by induction", given=powers),
        *tends(
            AFTER, limit(apply("pow", kept, T), "t", Assumptions({**powers.domains, "t": given(rule).domains["t"]}))
        ),
    )


def _resting(found: Decoupled) -> dict[str, Expr]:
    """The states that stay where they start while there are no gradients, whatever the others do."""
    begun: dict[str, Expr] = {s.name: s.initial for s in found.plain.states}
    while True:
        after = substitute([found.plain.step[n] for n in begun], {**begun, "g": Number(0)})
        pairs = zip(begun.items(), after, strict=True)
        stay = {n: e for (n, e), later in pairs if identity([(later, e)], _positive(found.plain))}
        if len(stay) == len(begun):
            return stay
        begun = stay


def _shrinks(rule: Rule, found: Decoupled) -> bool:
    """Whether a positive decay takes something: one that is added makes theta grow."""
    positive = Assumptions({**_positive(rule).domains, found.name: POSITIVE})
    return bool(identity([inside(found.share, POSITIVE)], positive))


def _positive(rule: Rule) -> Assumptions:
    """Hyperparameters that are not negative as positive ones: an epsilon that keeps 0/0 away."""
    names = set(rule.hyperparameter_names)
    domains = given(rule).domains.items()
    return Assumptions({n: replace(d, low_open=True) if n in names and d.low == 0 else d for n, d in domains})


def _order(rule: Rule, found: Decoupled) -> tuple[Step, ...]:
    """Before or after the step: the two differ by the decay's share of the step."""
    assumed = Assumptions({**given(rule).domains, "theta": REAL, STEP.name: REAL})
    first, last = found.kept * THETA - STEP, found.kept * (THETA - STEP)
    return (
        equal(None, last - first, found.share * STEP, why="decay after the step, less decay before it", given=assumed),
    )


def _shrinking(rule: Rule, found: Decoupled) -> tuple[Experiment, ...]:
    """A run without gradients."""
    values = _values(rule, found)
    if values is None:
        return ()
    kept = 1 - _number(found.share, values)
    foretold = {t: float(kept**t) for t in (1, 10, 50)}
    return (
        Experiment(
            "without gradients theta fades",
            THETA,
            foretold,
            (Fraction(0),) * 50,
            {found.name: values[found.name]},
            start=Fraction(1),
        ),
    )


def _values(rule: Rule, found: Decoupled) -> dict[str, Fraction] | None:
    """The defaults, with a decay that is not zero; None where some have none."""
    if any(h.default is None for h in rule.hyperparameters):
        return None
    values = dict(rule.defaults)
    values[found.name] = values[found.name] or Fraction(1, 10)
    return values


def _number(expr: Expr, values: Mapping[str, Fraction]) -> Fraction:
    [value] = exact([expr], values)
    assert isinstance(value, Fraction)
    return value


@coordinatewise
def decayed_range(rule: Rule) -> Derivation | None:
    """How far a decay beside a bounded step lets the parameter get: the bound of the step over the decay."""
    found = decoupled(rule)
    lr = learning_rate(found.plain) if found is not None and found.is_constant else None
    bound = step_bound(rule) if found is not None and lr is not None else None
    if found is None or lr is None or bound is None or "step_bound_limit" not in bound.quantities:
        return None
    if not _shrinks(rule, found):
        return None
    largest = bound.quantities["step_bound_limit"]
    assumed = _positive(rule)
    try:
        reach = tidy(Symbol(lr) / found.share, assumed)
    except NoNormalForm:
        return None
    end = neat(largest * reach)
    return Derivation(
        title="The range of a decayed parameter",
        statement=f"With {code(apply('le', found.share, 1))}, `|theta|` gets, from wherever it starts, at most to "
        f"{code(end)} in the long run: the bound of the step over the decay.{_said_of_constant(rule, found, reach)}",
        assumptions=(
            f"`U` is the limit of the bound of the step over `{lr}`, and `{lr}` stays the same",
            *(code(e) for n, e in bound.quantities.items() if n == "step_bound_finite"),
            f"`{found.name} > 0`",
        ),
        steps=proper(*_contraction(found, lr, reach, largest, assumed), *_constant(rule, found, lr, reach)),
        result=end,
        names=names_of(rule),
        quantities={"theta_bound": end, "theta_under_a_constant_gradient": reach},
        experiments=_pulled(rule, found, reach),
    )


def _contraction(found: Decoupled, lr: str, reach: Expr, largest: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """|theta| - reach U shrinks like theta itself, whatever the gradients."""
    rate, u, c, s, r = Symbol(lr), Symbol("U"), Symbol("c"), Symbol("s"), Symbol("theta")
    known = Assumptions({lr: POSITIVE, "U": NONNEGATIVE, "c": POSITIVE, "s": REAL, "theta": REAL})
    end = rate * u / c
    share = apply("le", c, 1)
    size, apart = apply("abs", (1 - c) * r - s), (1 - c) * apply("abs", r) + apply("abs", s)
    split: tuple[Step, ...] = (
        holds(apply("le", size, apart), why="a step s moves theta by no more", given=known, when=[share]),
    )
    if found.after_the_step:
        size, x = (1 - c) * apply("abs", r - s), Symbol("x")
        split = (
            holds(apply("eq", apply("abs", (1 - c) * (r - s)), size), why="what is left", given=known, when=[share]),
            holds(apply("le", apply("abs", r - s), apply("abs", r) + apply("abs", s)), why="a step s", given=known),
            holds(
                apply("le", (1 - c) * x, apart),
                why="so it moves theta by no more",
                given=known,
                when=[share, apply("le", x, apply("abs", r) + apply("abs", s))],
            ),
        )
    return (
        define(c, found.share, "what the decay takes in a step"),
        define(u, largest, f"the bound of the step over {lr}"),
        *split,
        holds(
            apply("le", apart, (1 - c) * apply("abs", r) + rate * u),
            why="which is at most",
            given=known,
            when=[apply("le", apply("abs", s), rate * u)],
        ),
        equal(
            None,
            (1 - c) * apply("abs", r) + rate * u - end,
            (1 - c) * (apply("abs", r) - end),
            why="so what |theta| has above that fades like a power of 1 - c",
            given=known,
        ),
        equal(
            None,
            Symbol(lr) * u / found.share,
            u * reach,
            why="that is",
            given=Assumptions({**assumed.domains, "U": NONNEGATIVE}),
        ),
    )


def _response(step: NormalisedStep) -> Expr | None:
    """The step over lr under a gradient that is always one, at any t, tidied; None for another structure."""
    buffers = {b.name: b for b in linear_buffers(step.rule)}
    if step.norm.kind != "root" or step.meanings:
        return None
    names = (*(s.buffer.name for s in step.shares), step.norm.state)
    kept = {f"{n}[t]": held(step.rule, buffers[n], Number(1)) for n in names}
    [value] = substitute([step.ideal], {**kept, "g": Number(1)})
    return readable(value, step.assumptions())


def _response_in_the_end(rule: Rule, found: Decoupled) -> Expr | None:
    """The step over lr under a constant gradient one, if that is one number in the long run."""
    step = normalised_step(rule)
    if step is not None:
        response = _response(step)
        end = None if response is None else limit(response, "t", step.assumptions())
        return None if end is None or end.exceptions else end.claim.limit
    bound = step_bound(rule)
    return (
        bound.quantities.get("step_bound")
        if bound is not None and bound.quantities.get("step_bound_gradient") is Number(1)
        else None
    )


def _constant(rule: Rule, found: Decoupled, lr: str, reach: Expr) -> tuple[Step, ...]:
    """Under a constant gradient the step is lr times one, and theta rests where the decay undoes it."""
    if _response_in_the_end(rule, found) is not Number(1):
        return ()
    weighed = Symbol(lr) * found.kept if found.after_the_step else Symbol(lr)
    rest = -reach * found.kept if found.after_the_step else -reach
    return (
        equal(
            Symbol("theta"),
            found.kept * rest - weighed,
            rest,
            why="where theta rests under the gradient one",
            given=_positive(rule),
        ),
    )


def _said_of_constant(rule: Rule, found: Decoupled, reach: Expr) -> str:
    if _response_in_the_end(rule, found) is not Number(1):
        return ""
    where = f" times {code(found.kept)}" if found.after_the_step else ""
    return f" A gradient of constant sign and size takes it to {code(reach)}{where}."


def _pulled(rule: Rule, found: Decoupled, reach: Expr) -> tuple[Experiment, ...]:
    """A run under the gradient one."""
    values = _values(rule, found)
    step = normalised_step(rule)
    if values is None or found.after_the_step or step is None or _response_in_the_end(rule, found) is not Number(1):
        return ()
    values.update(dict.fromkeys(step.small, Fraction(0)))
    if _response(step) is not Number(1):
        return ()  # only in the long run
    kept, end = 1 - _number(found.share, values), _number(reach, values)
    foretold = {t: -float(end * (1 - kept**t)) for t in (1, 10, 50)}
    changed = {n: values[n] for n in (found.name, *step.small)}
    return (
        Experiment(
            "a constant gradient pulls theta towards its range's end", THETA, foretold, (Fraction(1),) * 50, changed
        ),
    )
