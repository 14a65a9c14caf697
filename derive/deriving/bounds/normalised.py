"""The largest step of a rule that divides an average of gradients by a measure of their size."""

from __future__ import annotations

from dataclasses import replace

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.duality import Duality, attained, one_more_gradient
from derive.deriving.bounds.found import Bound, Writing, bound_of
from derive.deriving.bounds.names import INSIDE, multiple
from derive.deriving.bounds.neatness import neat
from derive.deriving.bounds.smallness import without_small_constants
from derive.deriving.bounds.structure import NormalisedStep
from derive.deriving.bounds.sums import N, simplified, summing_steps
from derive.deriving.bounds.witnesses import experiments
from derive.deriving.derivation import (
    Derivation,
    Series,
    Step,
    code,
    define,
    equal,
    exceptions,
    holds,
    names_of,
    proper,
    tends,
)
from derive.deriving.linear import AGE
from derive.deriving.lines import assigned
from derive.deriving.undecayed import movement
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.proving.limits import limit
from derive.rule import DECAY, REAL, Domain, Rule


def form_of_the_step(rule: Rule, step: NormalisedStep) -> tuple[Step, ...]:
    """From the rule's step to its ideal form, what small constants do said on the way."""
    label, assumed = Symbol("theta[t-1]") - Symbol("theta[t]"), step.assumptions()
    buffers = {s.buffer.name for s in step.shares} | {step.norm.state}
    moved = movement(step.rule, dict(assigned(step.rule, buffers))["theta"])
    labels = step.labels(rule)
    return (
        *(define(Symbol(labels[n]), value, "a factor that changes with t") for n, value in step.meanings.items()),
        define(label, moved, "the rule's step" + (", its decay apart" if step.removed else "")),
        equal(label, moved, Symbol(step.lr) * step.whole, why=f"proportional to {step.lr}", given=assumed),
        *without_small_constants(step),
    )


def weights_of(writing: Writing, dual: Duality) -> tuple[Step, ...]:
    """What each gradient counts above and below; the unrolled weights of linear buffers, or a fading maximum."""
    age = names_of(writing.rule)[AGE]
    newest_differs = writing.step.direct is not Number(0)
    older_from = f"{age} ≥ 1" if newest_differs else age
    steps = []
    if newest_differs:
        steps.append(define(writing.label("w", "0"), dual.newest, "the newest gradient's weight in the numerator"))
    if dual.older is not Number(0):
        why = f"the numerator's weight of the gradient of {older_from} steps ago"
        steps.append(define(writing.label("w", age), dual.older, why))
    return (*steps, define(writing.label("u", age), dual.size, "what it counts in the denominator"))


def summed(writing: Writing, dual: Duality) -> tuple[Step, ...]:
    """The sum of the bound in closed form, over any number of gradients."""
    age, total = names_of(writing.rule)[AGE], dual.total
    w, u = writing.label("w", age), writing.label("u", age)
    [older, at_n] = substitute([dual.older, dual.size], {AGE: N})
    n = writing.names["#n"]
    ratios = [define(Symbol(writing.names[r.name]), r.value, "the ratio of the sum") for r in total.ratios]
    newest, later = dual.term(dual.newest, dual.newest_size), dual.term(older, at_n)
    return (
        define(writing.label("S", n), Series(dual.term(w, u), age, Symbol(n)), f"the sum for the newest {n} gradients"),
        *ratios,
        *summing_steps(writing.label("S", f"{n}+1"), total, newest, later, writing.assumed),
    )


def steps_to_the_bound(rule: Rule, found: Bound) -> tuple[Step, ...]:
    """Everything up to the bound at a step and the gradients that attain it."""
    writing, dual = found.writing, found.dual
    return (
        *form_of_the_step(rule, writing.step),
        *weights_of(writing, dual),
        one_more_gradient(dual),
        *summed(writing, dual),
        equal(
            writing.label("bound"),
            found.value,
            found.shown,
            why="the bound of |step| over the learning rate",
            given=writing.assumed,
        ),
        *attained(dual, writing.assumed),
    )


def growth(found: Bound) -> tuple[Step, ...]:
    """Where the ratio is one or more every term is at least the first, and the sum grows with the number of terms."""
    if found.condition is None:
        return ()
    x, y = Symbol("p"), Symbol("q")
    powers = holds(
        apply("ge", x * y, 1),
        why="powers of a ratio of at least one are at least one, by induction",
        given=Assumptions({"p": REAL, "q": REAL}),
        when=[apply("ge", x, 1), apply("ge", y, 1)],
    )
    [(coefficient, _)] = found.dual.total.parts
    first = limit(coefficient, "t", found.writing.assumed)
    if first is None:
        return (powers,)
    # A ratio of one or more has a numerator that is not zero.
    domains = found.writing.assumed.domains
    inside = Assumptions({**domains, **{n: INSIDE for n, d in domains.items() if d == DECAY}})
    why = "so a sum of n terms is at least n times the first, which does not vanish"
    return (powers, *tends(None, first), holds(apply("gt", first.claim.limit, 0), why=why, given=inside))


def excess(found: Bound) -> tuple[Step, ...]:
    """How far the limit (its square, for a root) lies above one: zero tells where the bound is the learning rate."""
    if found.limit is None:
        return ()
    writing, reached = found.writing, found.limit.claim.limit
    power = reached**2 if found.dual.squared else reached
    try:
        rational = tidy(power, writing.assumed)
        above = writing.unnamed(rational) - 1
        shown = tidy(above, writing.step.assumptions())
    except NoNormalForm:
        return ()
    if isinstance(shown, Number):
        return ()
    why = "how far that lies above one"
    return (
        equal(
            writing.label("bound", "∞") ** (2 if found.dual.squared else 1),
            power,
            rational,
            why="the limit",
            given=writing.assumed,
        ),
        equal(None, above, shown, why=why, given=writing.step.assumptions()),
    )


def step_bound_of(rule: Rule, step: NormalisedStep) -> Derivation | None:
    """The exact bound where the denominator is the root of a mean square, or a fading maximum."""
    found = bound_of(rule, step)
    if found is None or step.norm.kind == "running maximum":
        return None
    writing = found.writing
    steps = proper(
        *steps_to_the_bound(rule, found),
        *tends(writing.label("bound"), found.limit),
        *(found.settled.steps if found.settled is not None else ()),
        *growth(found),
        *excess(found),
    )
    return Derivation(
        title="The largest step",
        statement=statement(found),
        assumptions=assumptions_of_bound(found),
        steps=steps,
        result=found.value,
        names=writing.names,
        quantities=quantities(found),
        domains=positive_decays(found),
        experiments=experiments(rule, found),
    )


def statement(found: Bound) -> str:
    """The bound in words."""
    writing, step = found.writing, found.writing.step
    names = writing.names
    reached = "attained" if not step.small else "approached by large gradients, and attained"
    where = "".join(f" where `{n} = 0`" for n in step.small)
    gradient = code(simplified(found.dual.gradient(found.dual.older, found.dual.size), writing.assumed), names)
    said = [f"No gradients make `|theta[t] - theta[t-1]|` more than {multiple(step.lr, found.shown, names)}."]
    if found.dual.older is Number(0):
        said.append(f"That is {reached}{where} by a gradient after zeros.")
    else:
        said.append(f"That is {reached}{where}, by the gradients {gradient} of {names[AGE]} steps ago.")
    if found.end is not None and found.end is not found.shown:
        tail = exceptions(found.limit) if found.limit is not None else ""
        said.append(f"It tends to {code(writing.unnamed(found.end))}{tail}.")
    if found.condition is not None:
        said.append(f"It stays finite as t grows exactly where {code(found.condition)}.")
    return " ".join(said)


def assumptions_of_bound(found: Bound) -> tuple[str, ...]:
    """What is left out, and the ranges used."""
    step, names = found.writing.step, found.writing.names
    positive = sorted(symbols(step.norm.decay))
    settling = found.settled.positive if found.settled is not None else ()
    return (
        *(f"`{n} = 0`: what the decay adds is bounded apart" for n in step.removed),
        *(f"`{n} > 0`" for n in (step.lr, *positive, *settling)),
        *(f"`{names[r.name]} < 1` in closed forms" for r in found.dual.total.ratios),
    )


def positive_decays(found: Bound) -> dict[str, Domain]:
    """The domains of the decays, and of what scales an exponent, that are taken as positive."""
    step = found.writing.step
    settling = found.settled.positive if found.settled is not None else ()
    return {n: replace(step.rule.domains[n], low_open=True) for n in (*sorted(symbols(step.norm.decay)), *settling)}


def quantities(found: Bound) -> dict[str, Expr]:
    """The bound by its usual names, in hyperparameters and t; the gradients in the age."""
    writing = found.writing
    rate: Expr = Symbol(writing.step.lr)
    named = {"step_bound": writing.unnamed(found.value), "learning_rate": rate}
    if found.end is not None and not (found.limit is not None and found.limit.exceptions):
        named["step_bound_limit"] = writing.unnamed(found.end)
    if found.condition is not None:
        named["step_bound_finite"] = found.condition
    named["step_bound_gradient"] = writing.unnamed(neat(found.gradient))
    return named
