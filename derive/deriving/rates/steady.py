"""What a constant gradient of any size does: the step against the rate, its decay, and how far it leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Literal

from derive.algebra.normal import readable
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, labelled, names_of, tends
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.foretelling import MOVED, foretold, plain_values
from derive.deriving.linear import given
from derive.deriving.rates.constant import effective_lr
from derive.deriving.undecayed import without_decay
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import NONNEGATIVE, POSITIVE, Rule

T, G = Symbol("t"), Symbol("g")
SIZE, OTHER = Symbol("a"), Symbol("a'")
RUN = 20
FEW = 8
WAY = MOVED * apply("sign", G)
RATE = MOVED / G


@dataclass(frozen=True)
class _OfSize:
    """The rate and the size of the step under a constant gradient of size a > 0, and what is assumed."""

    rate: Expr
    size: Expr
    assumed: Assumptions
    even: bool  # whether a negative gradient gets the same rate
    removed: tuple[str, ...]

    @property
    def said(self) -> tuple[str, ...]:
        gradients = (
            "every gradient has the size `a > 0` and the same sign" if self.even else "every gradient is `a > 0`"
        )
        return (gradients, *(f"`{n} = 0`" for n in self.removed))

    @property
    def sign(self) -> int:
        """Of the gradients of a run: negative where that may be."""
        return -1 if self.even else 1


def _of_size(rule: Rule) -> _OfSize | None:
    found = effective_lr(rule)
    if rule.is_average or found is None or "g" not in symbols(found.result):
        return None
    assumed = Assumptions({**given(rule).domains, SIZE.name: POSITIVE, OTHER.name: POSITIVE})
    if SIZE.name in {*rule.hyperparameter_names, *rule.state_names}:
        return None
    [raw], [mirrored] = (substitute([found.result], {"g": g}) for g in (SIZE, -SIZE))
    rate, even = readable(raw, assumed), bool(identity([(raw, mirrored)], assumed))
    removed = (without_decay(rule) or (rule, ()))[1]
    return _OfSize(rate, readable(rate * SIZE, assumed), assumed, even, removed)


@coordinatewise
def step_against_size(rule: Rule) -> Derivation | None:
    """Under a constant gradient a larger one gets a smaller rate, yet never a smaller step."""
    made = _of_size(rule)
    if made is None:
        return None
    rate, size, assumed = made.rate, made.size, made.assumed
    [other_rate, other_size] = substitute([rate, size], {SIZE.name: OTHER})
    larger = [apply("ge", OTHER, SIZE)]
    steps = [
        define(labelled(rule, "effective_lr"), rate, "the rate under a constant gradient of size a"),
        define(labelled(rule, "step"), size, "the size of the step: a times that"),
    ]
    said = []
    smaller = holds(apply("le", other_rate, rate), why="the rate of a larger gradient", given=assumed, when=larger)
    wider = holds(apply("ge", other_size, size), why="the step of a larger gradient", given=assumed, when=larger)
    if smaller.verdict:
        steps.append(smaller)
        said.append("A larger constant gradient gets a rate that is at most as large.")
    if wider.verdict:
        steps.append(wider)
        said.append("Its step is at least as large.")
    free = _scale_free(rule, size, assumed)
    if free is not None:
        zeros, shown, step = free
        steps.append(step)
        where = " and ".join(f"`{n} = 0`" for n in zeros)
        said.append(f"The step does not depend on the size at all{' where ' + where if where else ''}: {code(shown)}.")
    if not said:
        return None
    return Derivation(
        title="Rate and step against the size of a constant gradient",
        statement=" ".join(said),
        assumptions=made.said,
        steps=tuple(steps),
        result=size,
        names=names_of(rule),
        quantities={"constant_step": size, **({"scale_free_step": free[1]} if free is not None else {})},
        domains={SIZE.name: POSITIVE},
        experiments=(
            *(_of_a_larger(rule, made, "rate", RATE, rate, "≤") if smaller.verdict else ()),
            *(_of_a_larger(rule, made, "step", WAY, size, "≥") if wider.verdict else ()),
            *(_of_any(rule, made, *free[:2]) if free is not None else ()),
        ),
    )


def _of_a_larger(
    rule: Rule, made: _OfSize, name: str, observed: Expr, formula: Expr, relation: Literal["≤", "≥"]
) -> Iterator[Experiment]:
    """A run with gradients of size 3 beside what the formula says of the size 2."""
    values = plain_values(rule, made.removed)
    expected = foretold(formula, {**values, SIZE.name: Fraction(2)}, range(1, FEW + 1))
    if expected is not None:
        what = f"the {name} of a larger constant gradient beside that of a smaller one"
        gradients = (Fraction(3 * made.sign),) * FEW
        yield Experiment(what, observed, expected, gradients, values, relation=relation)


def _of_any(rule: Rule, made: _OfSize, zeros: tuple[str, ...], shown: Expr) -> Iterator[Experiment]:
    """Runs with gradients of very different sizes, which make the same steps."""
    values = plain_values(rule, (*made.removed, *zeros))
    expected = foretold(shown, values, range(1, FEW + 1))
    if expected is not None:
        what = "the step does not depend on the size of a constant gradient"
        for g in (Fraction(1, 64), Fraction(40 * made.sign)):
            yield Experiment(what, WAY, expected, (g,) * FEW, values)


def _scale_free(rule: Rule, size: Expr, assumed: Assumptions) -> tuple[tuple[str, ...], Expr, Step] | None:
    """The fewest hyperparameters whose zero makes the step independent of the size, and the step then."""
    names = [h.name for h in rule.hyperparameters if Fraction(0) in h.domain and h.name in symbols(size)]
    for count in range(len(names) + 1):
        for zeros in combinations(names, count):
            [bound] = substitute([size], dict.fromkeys(zeros, Number(0)))
            shown = readable(bound, assumed)
            if SIZE.name in symbols(shown) or shown is Number(0):
                continue
            step = equal(labelled(rule, "step"), bound, shown, why="the size cancels", given=assumed)
            if step.verdict or step.verdict is None:
                return zeros, shown, step
    return None


@coordinatewise
def decay_of_rate(rule: Rule) -> Derivation | None:
    """A step that falls like 1/sqrt(t) under a constant gradient: the rate goes to zero, the way without bound.

    Where the steps c(t) satisfy c(1) / sqrt(t) <= c(t) <= L / sqrt(t), the way of T steps lies between
    2 c(1) (sqrt(T + 1) - 1) and 2 L sqrt(T), by sums that telescope.
    """
    made = _of_size(rule)
    if made is None or "t" not in symbols(made.rate):
        return None
    rate, size, assumed = made.rate, made.size, made.assumed
    falling = limit(rate, "t", assumed)
    scaled = limit(readable(size * apply("sqrt", T), assumed), "t", assumed)
    if falling is None or scaled is None or falling.exceptions or scaled.exceptions:
        return None
    if falling.claim.limit is not Number(0):
        return None
    most = scaled.claim.limit
    first = readable(substitute([size], {"t": Number(1)})[0], assumed)
    root, label = apply("sqrt", T), labelled(rule, "step")
    bounds = [
        holds(apply("le", size, most / root), why="at most what it tends to", given=assumed),
        holds(apply("ge", size, first / root), why="at least the share of the first step", given=assumed),
        holds(apply("le", 2 * (apply("sqrt", T + 1) - root), 1 / root), given=assumed,
              why="so 1/sqrt(1) + ... + 1/sqrt(t) is at least 2 sqrt(t + 1) - 2: the left sides telescope"),
        holds(apply("le", 1 / root, 2 * (root - apply("sqrt", T - 1))), given=assumed,
              why="and at most 2 sqrt(t): the right sides telescope"),
    ]  # fmt: skip
    if identity([(most, Number(0))], assumed) or not all(step.verdict for step in bounds):
        return None
    lower, upper = 2 * first * (apply("sqrt", T + 1) - 1), 2 * most * root
    steps = (
        define(labelled(rule, "effective_lr"), rate, "the rate under a constant gradient of size a"),
        *tends(labelled(rule, "effective_lr"), falling),
        define(label, size, "the size of the step: a times that"),
        *bounds,
    )
    return Derivation(
        title="Decay of the rate under a constant gradient",
        statement="The rate tends to 0, yet the way covered has no bound: after t steps it lies between "
        f"{code(lower)} and {code(upper)}.",
        assumptions=(*made.said, *_positive_rate(rule, most)),
        steps=steps,
        result=rate,
        names=names_of(rule),
        quantities={"travel_at_least": lower, "travel_at_most": upper, "decay_limit": most},
        domains={SIZE.name: POSITIVE},
        experiments=_experiments(rule, lower, upper),
    )


def _positive_rate(rule: Rule, most: Expr) -> tuple[str, ...]:
    """The hyperparameters without which nothing moves."""
    return tuple(f"`{h.name} > 0`" for h in rule.hyperparameters if h.domain == NONNEGATIVE and h.name in symbols(most))


def _experiments(rule: Rule, lower: Expr, upper: Expr) -> tuple[Experiment, ...]:
    """The way covered after some steps of gradients 2, against both bounds."""
    gradients = (Fraction(2),) * RUN
    found = []
    for what, bound, relation in (("at least", lower, "≥"), ("at most", upper, "≤")):
        values = {**rule.defaults, SIZE.name: Fraction(2)}
        if not symbols(bound) <= {*values, "t"}:
            return ()
        foretold = decimals({t: enclosed([bound], {**values, "t": Fraction(t)})[0] for t in (1, 5, RUN)})
        if foretold is None:
            return ()
        found.append(Experiment(f"the way covered is {what} the bound", apply("abs", Symbol("theta")), foretold,
                                gradients, relation=relation))  # type: ignore[arg-type]  # fmt: skip
    return tuple(found)
