"""Decoupled weight decay: the shrink factor, and the half-life."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.bounds.neatness import simpler
from derive.deriving.bounds.structure import without_powers
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.decay.structure import THETA, Decoupled, decoupled, positive, shrinks
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, names_of, proper, tends
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import foretold, plain_values
from derive.deriving.linear import given
from derive.deriving.undecayed import movement
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import DECAY, REAL, Rule

T = Symbol("t")
FEW, MANY = 4, 50
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
    halves = found.is_constant and bool(alone) and shrinks(rule, found)
    said = f"; without gradients it halves in {code(half)} steps" if halves else ""
    said = said if found.is_constant else ", which changes with t"
    return Derivation(
        title="Decoupled weight decay",
        statement=f"Beside the step, {when} it, `theta` is multiplied by {code(found.kept)}{said}. "
        f"Applying the decay {other} the step instead changes `theta` by {code(found.share)} times the step.",
        assumptions=(f"`0 < {found.share} < 1` in powers and logarithms",) if found.is_constant else (),
        steps=proper(*_form(rule, found), *alone, *_order(rule, found)),
        result=found.kept,
        names=names_of(rule),
        quantities={
            "shrink_factor": found.kept,
            "decay_per_step": found.share,
            **({"half_life": half} if halves else {}),
        },
        experiments=_fading(rule, found) if _rests(found).verdict else (),
    )


def _in_time(rule: Rule, found: Decoupled) -> tuple[Step, ...]:
    """A decay that changes from step to step: what it tends to, and whether it only grows towards that."""
    assumed = positive(rule)
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
    rests = _rests(found)
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


def _rests(found: Decoupled) -> Step:
    """That nothing moves without gradients, from the start."""
    assumed = positive(found.plain)
    still = simpler(substitute([movement(found.plain)], {**_resting(found), "g": Number(0)})[0], assumed)
    return equal(STEP, still, Number(0), why="no step without gradients", given=assumed)


def _resting(found: Decoupled) -> dict[str, Expr]:
    """The states that stay where they start while there are no gradients, whatever the others do."""
    begun: dict[str, Expr] = {s.name: s.initial for s in found.plain.states}
    while True:
        after = substitute([found.plain.step[n] for n in begun], {**begun, "g": Number(0)})
        pairs = zip(begun.items(), after, strict=True)
        stay = {n: e for (n, e), later in pairs if identity([(later, e)], positive(found.plain))}
        if len(stay) == len(begun):
            return stay
        begun = stay


def _order(rule: Rule, found: Decoupled) -> tuple[Step, ...]:
    """Before or after the step: the two differ by the decay's share of the step."""
    assumed = Assumptions({**given(rule).domains, "theta": REAL, STEP.name: REAL})
    first, last = found.kept * THETA - STEP, found.kept * (THETA - STEP)
    return (
        equal(None, last - first, found.share * STEP, why="decay after the step, less decay before it", given=assumed),
    )


def _fading(rule: Rule, found: Decoupled) -> tuple[Experiment, ...]:
    """A run without gradients: after each step what the formula keeps of theta, and where no t is in it its power."""
    values = plain_values(rule)
    kept = foretold(found.kept, values, range(1, FEW + 1))
    power = foretold(apply("pow", found.kept, T), values, (1, 10, MANY)) if found.is_constant else None
    none, observed = (Fraction(0),) * MANY, THETA / Symbol("before.theta")
    experiments = []
    if kept is not None and all(kept.values()):
        what = "the share of theta that is kept without gradients"
        experiments.append(Experiment(what, observed, kept, none[:FEW], values, start=Fraction(2)))
    if power is not None:
        experiments.append(Experiment("without gradients theta fades", THETA, power, none, values, start=Fraction(1)))
    return tuple(experiments)
