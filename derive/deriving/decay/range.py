"""How far a decayed parameter gets: the bound of the step over the decay, and what a constant gradient does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.bounds.found import small_names
from derive.deriving.bounds.names import learning_rate
from derive.deriving.bounds.neatness import neat
from derive.deriving.bounds.step import step_bound
from derive.deriving.bounds.structure import normalised_step, without_powers
from derive.deriving.bounds.witnesses import at_step
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.decay.structure import THETA, Decoupled, decoupled, positive, shrinks
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, proper
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import SIGNED, a_number, foretold, plain_values
from derive.deriving.linear import given
from derive.deriving.rates.constant import effective_lr
from derive.deriving.rates.held import held_states
from derive.deriving.undecayed import movement
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.rule import NONNEGATIVE, POSITIVE, REAL, Rule

T = Symbol("t")
PULLS, PULL = (1, 10, 40), Fraction(1)
RUN = 12


@dataclass(frozen=True)
class Pull:
    """What a positive gradient that stays the same makes: steps of lr times `size`, from the first on or in the end."""

    size: Expr
    gradient: Expr
    from_the_first: bool
    steps: tuple[Step, ...]


@coordinatewise
def decayed_range(rule: Rule) -> Derivation | None:
    """How far a decay beside a bounded step lets the parameter get: the bound of the step over the decay."""
    found = decoupled(rule)
    lr = learning_rate(found.plain) if found is not None and found.is_constant else None
    bound = step_bound(rule) if found is not None and lr is not None else None
    if found is None or lr is None or bound is None or "step_bound_limit" not in bound.quantities:
        return None
    if not shrinks(rule, found):
        return None
    largest = bound.quantities["step_bound_limit"]
    assumed = positive(rule)
    try:
        reach = tidy(Symbol(lr) / found.share, assumed)
    except NoNormalForm:
        return None
    end = neat(largest * reach)
    pull = _pull(found, lr)
    under = {} if pull is None else {"theta_under_a_constant_gradient": _of_size(_reached(found, pull, reach))}
    return Derivation(
        title="The range of a decayed parameter",
        statement=f"With {code(apply('le', found.share, 1))}, `|theta|` gets, from wherever it starts, at most to "
        f"{code(end)} in the long run: the bound of the step over the decay.{_said_of_constant(pull, under)}",
        assumptions=(
            f"`U` is the limit of the bound of the step over `{lr}`, and `{lr}` stays the same",
            *(code(e) for n, e in bound.quantities.items() if n == "step_bound_finite"),
            f"`{lr} > 0`",
            f"`{found.name} > 0`",
        ),
        steps=proper(*_contraction(found, lr, reach, largest, assumed), *_constant(found, lr, pull, reach)),
        result=end,
        names=small_names(rule),
        quantities={"theta_bound": end, **under},
        experiments=(*_pulled(rule, found, pull, reach), *_kept_within(rule, found, bound, end)),
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


def _pull(found: Decoupled, lr: str) -> Pull | None:
    """What a gradient that is always the same does, where its steps come to something."""
    if normalised_step(found.plain) is None:
        steps = _unit_steps(found, lr)
        return Pull(Number(1), Number(1), True, steps) if steps else None
    known = effective_lr(found.plain)
    rate = None if known is None else known.quantities.get("effective_lr_limit")
    if known is None or rate is None or not known.holds:
        return None
    g, assumed = Symbol("g"), _pulled_up(found, lr)
    size = readable(rate * g / Symbol(lr), assumed)
    in_the_end = equal(
        None, rate * g, Symbol(lr) * size, why="the step under a gradient g > 0 that stays, in the end", given=assumed
    )
    return Pull(size, g, "t" not in symbols(known.result), (in_the_end,)) if in_the_end.verdict else None


def _unit_steps(found: Decoupled, lr: str) -> tuple[Step, ...]:
    """That every step under the gradient one is lr: the first, and those after it; nothing where that is not proved."""
    plain, assumed = found.plain, positive(found.plain)
    moved = movement(plain)
    states = {n: h.after for n, h in held_states(plain).items()}
    if not symbols(moved) & {*plain.state_names} <= states.keys():
        return ()
    start: dict[str, Expr] = {s.name: s.initial for s in plain.states}
    [first] = substitute([moved], {**start, "t": Number(1), "g": Number(1)})
    [later] = substitute(substitute([moved], {**states, "t": T + 1}), {"g": Number(1)})
    [named], known = without_powers([later], assumed)
    powers = "" if named is later else "; powers of t as any numbers in [0, 1)"
    steps = (
        equal(Symbol("step[1]"), neat(first), Symbol(lr), why="the first step under the gradient one", given=assumed),
        equal(Symbol("step[t+1]"), neat(named), Symbol(lr), why=f"and every one after it{powers}", given=known),
    )
    return steps if all(step.verdict for step in steps) else ()


def _pulled_up(found: Decoupled, lr: str) -> Assumptions:
    """Steps that move, a decay that takes something, and a positive gradient."""
    return Assumptions({**given(found.plain).domains, lr: POSITIVE, found.name: POSITIVE, "g": POSITIVE})


def _of_size(formula: Expr) -> Expr:
    """The formula for a gradient of either sign, by its size."""
    return substitute([formula], {"g": apply("abs", Symbol("g"))})[0]


def _reached(found: Decoupled, pull: Pull, reach: Expr) -> Expr:
    """How far theta gets, where the steps and the decay hold each other up."""
    size = neat(pull.size * reach)
    return size * found.kept if found.after_the_step else size


def _constant(found: Decoupled, lr: str, pull: Pull | None, reach: Expr) -> tuple[Step, ...]:
    """Under a constant gradient the step is lr times its size, and theta rests where the decay undoes it."""
    if pull is None:
        return ()
    step = Symbol(lr) * pull.size
    rest = -_reached(found, pull, reach)
    return (
        *pull.steps,
        equal(
            Symbol("theta"),
            found.kept * rest - (step * found.kept if found.after_the_step else step),
            rest,
            why=f"where theta rests under the gradient {'one' if pull.gradient is Number(1) else pull.gradient}",
            given=_pulled_up(found, lr),
        ),
    )


def _said_of_constant(pull: Pull | None, under: Mapping[str, Expr]) -> str:
    if pull is None:
        return ""
    what = (
        "A gradient of constant sign and size"
        if pull.gradient is Number(1)
        else f"A gradient `{pull.gradient}` that stays"
    )
    [rest] = under.values()
    return f" {what} takes it to {code(rest)}, against its sign."


def _pulled(rule: Rule, found: Decoupled, pull: Pull | None, reach: Expr) -> tuple[Experiment, ...]:
    """A run under a constant gradient: the way to where theta rests, of which a share is left that fades."""
    if pull is None or not pull.from_the_first:
        return ()
    values = plain_values(rule)
    at = {**values, "g": PULL}
    expected = foretold(-_reached(found, pull, reach) * (1 - apply("pow", found.kept, T)), at, PULLS)
    if expected is None:
        return ()
    what = "a constant gradient pulls theta towards its range's end"
    return (Experiment(what, THETA, expected, (PULL,) * max(PULLS), values),)


def _kept_within(rule: Rule, found: Decoupled, bound: Derivation, end: Expr) -> tuple[Experiment, ...]:
    """From far outside theta is after each step at most as far outside as the decay leaves it, under any gradients."""
    values = plain_values(rule)
    range_of, share = a_number(end, values), a_number(found.share, values)
    if range_of is None or share is None or share > 1 or not _is_below_its_limit(rule, bound, values):
        return ()
    start = 3 * range_of + 1
    left = {t: float(range_of + (1 - share) ** t * (start - range_of)) for t in range(1, RUN + 1)}
    what = "how far theta is, from outside its range"
    gradients = tuple(-SIGNED[t % len(SIGNED)] for t in range(RUN))
    return (Experiment(what, apply("abs", THETA), left, gradients, values, start=start, relation="≤"),)


def _is_below_its_limit(rule: Rule, bound: Derivation, values: dict[str, Fraction]) -> bool:
    """Whether the bound of the step is at these values finite, and on the way at most its limit."""
    finite = bound.quantities.get("step_bound_finite", apply("lt", 0, 1))
    limit_of = bound.quantities["step_bound_limit"]
    on_the_way = [
        at_step(rule, apply("le", bound.quantities["step_bound"], limit_of), values, t) for t in range(1, RUN + 1)
    ]
    return all(condition is True for condition in (*enclosed([finite], values), *on_the_way))
