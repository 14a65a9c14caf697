"""Buffers of buffers: the weights with which inputs count that pass through two linear buffers."""

from __future__ import annotations

from dataclasses import dataclass

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.averages.confirming_others import cascaded
from derive.deriving.averages.plain import plain, simplest
from derive.deriving.averages.sums import K, T, fades, first_moment, geometric, second_moment, weighed
from derive.deriving.derivation import (
    Derivation,
    Series,
    Step,
    code,
    define,
    equal,
    holds,
    labelled,
    names_of,
    proper,
    tends,
)
from derive.deriving.linear import AGE, LinearBuffer, given, linear_buffers, raised, scaled
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import Rule


@dataclass(frozen=True)
class Cascade:
    """The input of `second` is `factor` times what `first` holds after the step."""

    first: LinearBuffer
    second: LinearBuffer
    factor: Expr

    @property
    def gain(self) -> Expr:
        """What the newest input counts in the second buffer."""
        return plain(self.factor * self.first.gain * self.second.gain)


@dataclass(frozen=True)
class Kernel:
    """Weights by age and their sums over the ages below t, for decays that differ (or not)."""

    weight: Expr
    total: Expr
    ages: Expr
    when: tuple[Expr, ...]


def cascades(rule: Rule) -> tuple[Cascade, ...]:
    """Every buffer of the rule whose input is proved to be another one, up to a factor in hyperparameters."""
    buffers = [b for b in linear_buffers(rule) if b.remembers and fades(b) and b.starts_at_zero]
    found = (_cascade(rule, first, second) for second in buffers for first in buffers if first is not second)
    return tuple(cascade for cascade in found if cascade is not None)


def _cascade(rule: Rule, first: LinearBuffer, second: LinearBuffer) -> Cascade | None:
    if first.name not in symbols(second.input) or weighed(rule, first) is None or weighed(rule, second) is None:
        return None
    held = first.update(Symbol(first.name), first.input)
    assumed = given(rule)
    kept, at_zero = (substitute([second.input], {first.name: Number(n)})[0] for n in (1, 0))
    try:
        factor = tidy((kept - at_zero) / first.decay, assumed)
    except NoNormalForm:
        return None
    if not symbols(factor) <= {*rule.hyperparameter_names}:
        return None
    claim = (second.input, scaled(factor, held))
    return Cascade(first, second, factor) if identity([claim], assumed) else None


def combined_weights(rule: Rule, cascade: Cascade) -> Derivation:
    """What an input of k steps ago counts in the second buffer, and how old what that holds is."""
    first, second = cascade.first, cascade.second
    a, b = first.decay, second.decay
    names, assumed = names_of(rule), given(rule)
    kernels = [_equal(cascade)] if a is b else [_different(cascade), _equal(cascade)]
    age, total = a / (1 - a) + b / (1 - b), simplest(cascade.gain / ((1 - a) * (1 - b)), assumed)
    steps = [
        step for kernel in kernels for step in (*_shown(rule, cascade, kernel), *_in_the_end(rule, kernel, total, age))
    ]
    main = kernels[0]
    tail = "" if a is b else f", and {code(kernels[1].weight, names)} where {code(apply('eq', a, b))}"
    return Derivation(
        title=f"Combined weights of {second.name}",
        statement=f"An input of `{first.name}` of {names[AGE]} steps ago counts {code(main.weight, names)} in "
        f"`{second.name}`{tail}. In the end the weights sum to {code(total)}, and their mean age is {code(age)}, "
        "the sum of those of the two.",
        assumptions=(),
        steps=(*_relation(rule, cascade), *steps),
        result=main.weight,
        names=names,
        quantities={
            "combined_weight": main.weight,
            "combined_weight_sum": total,
            "combined_mean_age": age,
        },
        experiments=cascaded(rule, (first, second), [kernel.weight for kernel in kernels], total, age),
    )


def _different(cascade: Cascade) -> Kernel:
    a, b = cascade.first.decay, cascade.second.decay

    def mixed(of: Expr, other: Expr) -> Expr:
        return scaled(cascade.gain, (scaled(a, of) - scaled(b, other)) / (a - b))

    weight = scaled(cascade.gain, (raised(a, K + 1) - raised(b, K + 1)) / (a - b))
    return Kernel(weight, mixed(geometric(a), geometric(b)), mixed(first_moment(a), first_moment(b)),
                  (apply("ne", a, b),))  # fmt: skip


def _equal(cascade: Cascade) -> Kernel:
    a, b = cascade.first.decay, cascade.second.decay
    once, twice = first_moment(a), second_moment(a)
    when = () if a is b else (apply("eq", a, b),)
    weight, total, ages = (scaled(cascade.gain, e) for e in ((K + 1) * raised(a, K), geometric(a) + once, once + twice))
    return Kernel(weight, total, ages, when)


def _relation(rule: Rule, cascade: Cascade) -> tuple[Step, ...]:
    first, second = cascade.first, cascade.second
    now = scaled(cascade.factor, first.update(Symbol(first.name), first.input))
    why = f"the input of {second.name} is {first.name} after the step, up to a factor"
    return proper(equal(labelled(rule, "input"), second.input, now, why=why, given=given(rule)))


def _shown(rule: Rule, cascade: Cascade, kernel: Kernel) -> tuple[Step, ...]:
    """w[k+1] = b w[k] + gain a^(k+1): what the second buffer held fades, and the first one adds to it."""
    a, b = cascade.first.decay, cascade.second.decay
    assumed, from_start, age = given(rule), given(rule, from_start=True), names_of(rule)[AGE]
    label = labelled(rule, "w", age)
    [newest, older] = [substitute([kernel.weight], {AGE: e})[0] for e in (Number(0), K + 1)]
    added = scaled(cascade.gain, raised(a, K + 1))

    def claim(left: Expr, right: Expr, why: str, given_now: Assumptions) -> Step:
        return holds(apply("eq", left, right), why=why, given=given_now, when=kernel.when)

    def summed(name: str, closed: Expr, term: Expr, shown: Expr, what: str) -> tuple[Step, ...]:
        [none, later] = [substitute([closed], {"t": e})[0] for e in (Number(0), T + 1)]
        [gained] = substitute([term], {AGE: T})
        return (
            define(labelled(rule, name), Series(shown, age, T), what),
            claim(none, Number(0), "the closed form is zero for no terms", from_start),
            claim(later, closed + gained, "and gains the next term", from_start),
        )

    return (
        Step(label, (kernel.weight,), "the weight claimed", when=kernel.when),
        claim(newest, cascade.gain, "the newest input counts both gains", assumed),
        claim(older, scaled(b, kernel.weight) + added, "a step later that has faded, and the first adds what it holds",
              assumed),
        *summed("W", kernel.total, kernel.weight, label, "the sum of the weights after t steps"),
        *summed("A", kernel.ages, K * kernel.weight, Symbol(age) * label, "the weights times their ages"),
    )  # fmt: skip


def _in_the_end(rule: Rule, kernel: Kernel, total: Expr, age: Expr) -> tuple[Step, ...]:
    """What the sums tend to, for decays that differ or for equal ones."""
    assumed = given(rule)
    steps: list[Step] = []
    for name, closed, expected in (("W", kernel.total, total), ("A", kernel.ages, age * total)):
        found = limit(closed, "t", assumed)
        steps += tends(labelled(rule, name), found)
        if found is not None and found.claim.limit is not expected:
            same = apply("eq", found.claim.limit, expected)
            steps.append(holds(same, why="in other words", given=assumed, when=kernel.when))
    return tuple(steps)
