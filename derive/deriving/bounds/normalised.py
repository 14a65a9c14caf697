"""The largest step of a rule that divides an average of gradients by a measure of their size."""

from __future__ import annotations

from dataclasses import dataclass

from derive.deriving.bounds.duality import Duality, attained, duality, one_more_gradient
from derive.deriving.bounds.smallness import without_small_constants
from derive.deriving.bounds.structure import NormalisedStep, assigned
from derive.deriving.bounds.sums import GeometricSum, N, converges, simplified, summing_steps
from derive.deriving.decay.removal import movement
from derive.deriving.derivation import (
    Derivation,
    Series,
    Step,
    code,
    define,
    equal,
    exceptions,
    holds,
    labelled,
    letter,
    names_of,
    proper,
    tends,
)
from derive.deriving.linear import AGE
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.proving.limits import ProvedLimit, limit
from derive.rule import COUNTER, DECAY, Domain, Rule

T = Symbol("t")


@dataclass(frozen=True)
class Writing:
    """How the parts of a bound are called in a derivation."""

    rule: Rule
    step: NormalisedStep
    total: GeometricSum

    @property
    def names(self) -> dict[str, str]:
        terms = {"#n": letter(self.rule, "n")}
        several = len(self.total.ratios) > 1
        ratios = {r.name: letter(self.rule, f"r{i + 1}" if several else "r") for i, r in enumerate(self.total.ratios)}
        schedules = {name: labelled(self.rule, f"s{i + 1}").name for i, name in enumerate(self.step.meanings)}
        return {**names_of(self.rule), **terms, **ratios, **schedules}

    @property
    def assumed(self) -> Assumptions:
        """The step's assumptions, a number of terms, and each ratio below one."""
        ratios = {ratio.name: DECAY for ratio in self.total.ratios}
        return Assumptions({**self.step.assumptions().domains, **ratios, "#n": COUNTER})

    def unnamed(self, expr: Expr) -> Expr:
        """In hyperparameters and t alone."""
        [expr] = substitute([self.total.in_hyperparameters(expr)], self.step.meanings)
        return expr

    def label(self, name: str, index: str = "t") -> Symbol:
        return labelled(self.rule, name, index)


@dataclass(frozen=True)
class Bound:
    """What was found of a bound: for every t, its limit where one is proved, and when it is finite."""

    writing: Writing
    dual: Duality
    value: Expr
    shown: Expr
    condition: Expr | None
    limit: ProvedLimit | None

    @property
    def gradient(self) -> Expr:
        """The attaining gradient of k steps ago, which for k = 0 may be another (`newest`)."""
        return self.dual.gradient(self.dual.older, self.dual.size)


def bound_of(rule: Rule, step: NormalisedStep) -> Bound | None:
    """The bound by duality, with nothing shown yet."""
    dual = duality(step)
    if dual is None:
        return None
    writing = Writing(rule, step, dual.total)
    value = dual.bound(dual.total.after(T))
    shown = simplified(value, writing.assumed)
    steady = not symbols(value) - {*rule.hyperparameter_names, "t", *(r.name for r in dual.total.ratios)}
    found = limit(shown, "t", writing.assumed) if steady else None
    return Bound(writing, dual, value, shown, converges(dual.total), found)


def form_of_the_step(rule: Rule, step: NormalisedStep) -> tuple[Step, ...]:
    """From the rule's step to its ideal form, what small constants do said on the way."""
    label, assumed = Symbol("theta[t-1]") - Symbol("theta[t]"), step.assumptions()
    buffers = {s.buffer.name for s in step.shares} | {step.norm.state}
    moved = movement(step.rule, assigned(step.rule, buffers)["theta"])
    schedules = [define(labelled(rule, f"s{i + 1}"), value, "a schedule of the rule")
                 for i, value in enumerate(step.meanings.values())]  # fmt: skip
    return (
        *schedules,
        define(label, moved, "the rule's step" + (", its decay apart" if step.removed else "")),
        equal(label, moved, Symbol(step.lr) * step.whole, why=f"proportional to {step.lr}", given=assumed),
        *without_small_constants(rule, step),
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
        define(writing.label("S", n), Series(dual.term(w, u), age, N), f"the sum for the newest {n} gradients"),
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
        equal(writing.label("bound"), found.value, found.shown, why="the bound of |step| over the learning rate",
              given=writing.assumed),
        *attained(dual, writing.assumed),
    )  # fmt: skip


def growth(found: Bound) -> tuple[Step, ...]:
    """Where a ratio is one or more every term is at least the first, and the sum grows with the number of terms."""
    if not found.dual.total.ratios:
        return ()
    x, y = Symbol("x"), Symbol("y")
    assumed = Assumptions({"x": Domain(), "y": Domain()})
    powers = holds(apply("ge", x * y, 1), why="powers of a ratio of at least one are at least one, by induction",
                   given=assumed, when=[apply("ge", x, 1), apply("ge", y, 1)])  # fmt: skip
    [(coefficient, _), *rest] = found.dual.total.parts
    if rest:
        return (powers,)
    first = limit(coefficient, "t", found.writing.assumed)
    return (powers, *tends(None, first))


def excess(found: Bound) -> tuple[Step, ...]:
    """How far the square of the limit lies above one, in hyperparameters: zero tells when the bound is lr."""
    if found.limit is None:
        return ()
    above = found.writing.unnamed(found.limit.claim.limit) ** 2 - 1
    shown = simplified(above, found.writing.step.assumptions())
    if shown is above or isinstance(shown, Number):
        return ()
    why = "how far the square of the limit lies above one"
    return (equal(None, above, shown, why=why, given=found.writing.step.assumptions()),)


def step_bound_of(rule: Rule, step: NormalisedStep) -> Derivation | None:
    """The exact bound where the denominator is the root of a mean square, or a fading maximum."""
    found = bound_of(rule, step)
    if found is None or step.norm.kind == "running maximum":
        return None
    writing = found.writing
    steps = proper(
        *steps_to_the_bound(rule, found), *tends(writing.label("bound"), found.limit), *growth(found), *excess(found)
    )
    return Derivation(
        title="The largest step",
        statement=statement(found),
        assumptions=assumptions_of_bound(found),
        steps=steps,
        result=found.value,
        names=writing.names,
        quantities=quantities(found),
    )


def statement(found: Bound) -> str:
    """The bound in words."""
    writing, step = found.writing, found.writing.step
    names = writing.names
    reached = "attained" if not step.small else "approached by large gradients, and attained"
    where = "".join(f" where `{n} = 0`" for n in step.small)
    gradient = code(simplified(found.gradient, writing.assumed), names)
    said = [f"No gradients make `|theta[t] - theta[t-1]|` more than `{step.lr}` times {code(found.shown, names)}."]
    if found.dual.older is Number(0):
        said.append(f"That is {reached}{where} by a gradient after zeros.")
    else:
        said.append(f"That is {reached}{where}, by the gradients {gradient} of {names[AGE]} steps ago.")
    if found.limit is not None and found.limit.claim.limit is not found.shown:
        said.append(f"It tends to {code(writing.unnamed(found.limit.claim.limit))}{exceptions(found.limit)}.")
    if found.condition is not None:
        said.append(f"It stays finite as t grows exactly where {code(found.condition)}.")
    return " ".join(said)


def assumptions_of_bound(found: Bound) -> tuple[str, ...]:
    """What is left out, and the ranges used."""
    step, names = found.writing.step, found.writing.names
    positive = sorted(symbols(step.norm.decay))
    return (
        *(f"`{n} = 0`: what the decay adds is bounded apart" for n in step.removed),
        *(f"`{n} > 0`" for n in (step.lr, *positive)),
        *(f"`{names[r.name]} < 1` in closed forms" for r in found.dual.total.ratios),
    )


def quantities(found: Bound) -> dict[str, Expr]:
    """The bound by its usual names, in hyperparameters and t; the gradients in the age."""
    writing = found.writing
    named = {"step_bound": writing.unnamed(found.value)}
    if found.limit is not None:
        named["step_bound_limit"] = writing.unnamed(found.limit.claim.limit)
    if found.condition is not None:
        named["step_bound_finite"] = found.condition
    gradient, first = found.gradient, found.dual.gradient(found.dual.newest, found.dual.newest_size)
    if writing.step.direct is not Number(0):
        gradient = apply("where", apply("eq", Symbol(AGE), 0), first, gradient)
    named["step_bound_gradient"] = writing.unnamed(gradient)
    return named
