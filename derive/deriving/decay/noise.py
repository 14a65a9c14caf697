"""Where independent steps hold a decayed parameter: the stationary variance, by the fixed point of its recursion."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.names import learning_rate
from derive.deriving.bounds.neatness import neat
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.decay.structure import THETA, Decoupled, decoupled
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, names_of, proper
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import a_number, every_sign, plain_values
from derive.deriving.linear import given
from derive.deriving.undecayed import may_vanish, movement
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, Domain, Rule
from derive.transforms import bind

VARIANCE = Symbol("V")
SIGNS = 5


@coordinatewise
def noise_equilibrium(rule: Rule) -> Derivation | None:
    """The root mean square of a decayed parameter whose steps are lr times independent ones of unit size."""
    found = decoupled(rule)
    lr = learning_rate(found.plain) if found is not None and found.is_constant else None
    if found is None or lr is None:
        return None
    assumed = _inside(rule, found, lr)
    weight = Symbol(lr) * found.kept if found.after_the_step else Symbol(lr)
    try:
        fixed = tidy(weight**2 / found.share, assumed) / (2 - found.share)
    except NoNormalForm:
        return None
    first_order = _small(found, lr)
    shown, small = apply("sqrt", fixed), apply("sqrt", first_order)
    steps = proper(
        define(
            Symbol("V[t]"), found.kept**2 * VARIANCE + weight**2, "the variance: means vanish, steps are independent"
        ),
        equal(VARIANCE, found.kept**2 * fixed + weight**2, fixed, why="what stays as it is", given=assumed),
        *_approach(found, weight, fixed, assumed),
        *_small_steps(found, lr, fixed, first_order, assumed),
    )
    return Derivation(
        title="A decayed parameter under noise",
        statement=f"Where the steps are `{lr}` times independent ones of mean zero and variance one, `theta` settles "
        f"at the root mean square {code(shown)}; for small `{small_name(found, lr)}` that is {code(small)}.",
        assumptions=(
            f"the steps are `{lr}` times numbers of mean zero and variance one, independent of each other",
            f"`0 < {code(found.share).strip('`')} < 2`",
        ),
        steps=steps,
        result=shown,
        names=names_of(rule),
        quantities={"noise_rms": shown, "noise_rms_small_lr": small},
        experiments=_ensemble(rule, found, lr, shown),
    )


def _inside(rule: Rule, found: Decoupled, lr: str) -> Assumptions:
    """Decay and learning rate positive."""
    return Assumptions({**given(rule).domains, found.name: POSITIVE, lr: POSITIVE, "V": NONNEGATIVE})


def _small(found: Decoupled, lr: str) -> Expr:
    """lr^2/(2 share): the fixed point where the decay of a step is small."""
    return tidy(Symbol(lr) ** 2 / (2 * found.share), Assumptions({found.name: POSITIVE, lr: POSITIVE}))


def small_name(found: Decoupled, lr: str) -> str:
    """What has to be small for the decay of a step to be: the learning rate where it is part of it."""
    return lr if lr in symbols(found.share) else found.name


def _approach(found: Decoupled, weight: Expr, fixed: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """What the variance has above its fixed point fades like a power."""
    distance = VARIANCE - fixed
    after = found.kept**2 * VARIANCE + weight**2 - fixed
    c = Symbol("c")
    return (
        equal(
            Symbol("V[t]") - VARIANCE, after, found.kept**2 * distance, why="every step brings it nearer", given=assumed
        ),
        holds(
            apply("lt", (1 - c) ** 2, 1),
            why="for a decay c of a step between zero and two",
            given=Assumptions({"c": Domain()}),
            when=[apply("gt", c, 0), apply("lt", c, 2)],
        ),
    )


def _small_steps(found: Decoupled, lr: str, fixed: Expr, first_order: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """The fixed point over its value for a small learning rate, and that this is one at zero."""
    try:
        ratio = tidy(fixed * (2 - found.share) / (2 * first_order), assumed) * (2 / (2 - found.share))
    except NoNormalForm:
        return ()
    ratio = neat(ratio)
    small = small_name(found, lr)
    at_zero = neat(substitute([ratio], {small: Number(0)})[0])
    return (
        equal(None, fixed / first_order, ratio, why=f"over what it is for a small {small}", given=assumed),
        equal(None, at_zero, Number(1), why=f"which is one at {small} = 0, and continuous there", given=assumed),
    )


def _ensemble(rule: Rule, found: Decoupled, lr: str, rms: Expr) -> tuple[Experiment, ...]:
    """All sequences of steps lr and -lr: theta stays at the root mean square, or comes to it from zero."""
    zeros = _without_size(found, lr)
    if zeros is None:
        return ()
    values = plain_values(rule, zeros)
    place, share = a_number(rms, values), a_number(found.share, values)
    if place is None or share is None or not 0 < share < 2:
        return ()
    kept = (1 - share) ** 2
    return tuple(
        Experiment(
            what,
            THETA**2,
            {t: float(place**2 + kept**t * (start**2 - place**2)) for t in (1, 2, SIGNS)},
            every_sign(SIGNS),
            values,
            start=start,
            averaged=True,
        )
        for what, start in (
            ("the mean square of theta over all sequences of signs stays where it settles", place),
            ("the mean square of theta over all sequences of signs, from zero", Fraction(0)),
        )
    )


def _without_size(found: Decoupled, lr: str) -> tuple[str, ...] | None:
    """Hyperparameters at whose zero the step is lr times the sign of the gradient, from any states; None else."""
    decays = tuple(h.name for h in found.plain.hyperparameters if h.domain == DECAY)
    others = [n for n in may_vanish(found.plain) if n not in decays and n != lr]
    for zeros in ((), decays, *((*decays, n) for n in others)):
        bound = bind(found.plain, dict.fromkeys(zeros, Number(0)))
        ends = [(substitute([movement(bound)], {"g": Number(g)})[0], g * Symbol(lr)) for g in (1, -1)]
        if identity(ends, given(bound)):
            return zeros
    return None
