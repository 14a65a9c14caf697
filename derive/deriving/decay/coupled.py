"""Coupled weight decay: the gradient of a penalty, and what momentum and a denominator make of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.averages.bias import held
from derive.deriving.bounds.neatness import neat, simpler
from derive.deriving.bounds.pointwise import first_step
from derive.deriving.bounds.structure import NormalisedStep, normalised_step
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.decay.structure import THETA, Coupled, coupled, decoupled
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, letter, names_of, proper
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.foretelling import MOVED, foretold, plain_values
from derive.deriving.linear import given, linear_buffers
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.rule import POSITIVE, REAL, Rule

Z, SPEED = Symbol("#z"), Symbol("#speed")


@coordinatewise
def coupled_decay(rule: Rule) -> Derivation | None:
    """What a decay that enters with the gradient does to the parameter; None where the rule has none."""
    found = coupled(rule)
    if found is None:
        return None
    step = normalised_step(found.plain)
    tail = _normalised(rule, found, step) if step is not None and step.norm.kind == "root" else _linear(rule, found)
    steps, said, quantities, experiments = tail if tail is not None else ((), "", {}, ())
    return Derivation(
        title="Coupled weight decay",
        statement=f"The rule is that without decay under the gradient {code(found.gradient)}, that of a penalty "
        f"`{found.name} * theta**2 / 2`.{said}",
        assumptions=(f"`{found.name} > 0`",),
        steps=proper(*_penalty(rule, found), *steps),
        result=found.gradient,
        names={**names_of(rule), Z.name: letter(rule, "z"), SPEED.name: "speed"},
        quantities=quantities,
        experiments=(*_penalised(rule, found), *experiments),
    )


Tail = tuple[tuple[Step, ...], str, dict[str, Expr], tuple[Experiment, ...]]


def _penalty(rule: Rule, found: Coupled) -> tuple[Step, ...]:
    """Everything a step gives, as the rule without decay gives it under the penalised gradient."""
    names = ("theta", *rule.state_names)
    shifted = substitute([found.plain.step[n] for n in names], {"g": found.gradient})
    why = "the rule without decay, with the penalty's gradient"
    return tuple(
        equal(Symbol(f"{n}[t]"), rule.step[n], neat(e), why=why, given=given(rule))
        for n, e in zip(names, shifted, strict=True)
    )


def _penalised(rule: Rule, found: Coupled) -> tuple[Experiment, ...]:
    """The first step from theta = 2 under a gradient 1: that of the rule without decay under the penalty's too."""
    values, start = plain_values(rule), Fraction(2)
    [step] = substitute([first_step(found.plain)], {"g": found.gradient})
    expected = foretold(step, {**values, "g": Fraction(1), "theta": start}, (1,))
    if expected is None:
        return ()
    return (Experiment("the first step, the penalty in its gradient", MOVED, expected, (Fraction(1),), values, start),)


def _linear(rule: Rule, found: Coupled) -> Tail | None:
    """A linear rule without gradients: the characteristic polynomial of theta and its states, and its slow root."""
    names = ("theta", *(n for n in rule.state_names if "theta" in symbols(rule.step[n])))
    if decoupled(rule) is not None or len(names) > 3:
        return _plain(rule, found) if decoupled(rule) is not None else None
    still = [simpler(substitute([rule.step[n]], {"g": Number(0)})[0], given(rule)) for n in names]
    if symbols(*still) - {*names, *rule.hyperparameter_names}:
        return None
    assumed = given(rule)
    origin: dict[str, Expr] = dict.fromkeys(names, Number(0))
    rows = [[neat(substitute([e], {**origin, n: Number(1)})[0]) for n in names] for e in still]
    rebuilt = [_sum([a * Symbol(n) for a, n in zip(row, names, strict=True)]) for row in rows]
    linear = tuple(
        equal(Symbol(f"{n}[t]"), e, r, why="linear, without gradients", given=assumed)
        for n, e, r in zip(names, still, rebuilt, strict=True)
    )
    if not all(step.verdict for step in linear):
        return None
    matrix = [[(Z if i == j else Number(0)) - a for j, a in enumerate(row)] for i, row in enumerate(rows)]
    known = Assumptions({**assumed.domains, found.name: POSITIVE, Z.name: REAL, SPEED.name: REAL})
    try:
        poly = tidy(_determinant(matrix), known)
        found_speed = _first_order(poly, found, known)
    except NoNormalForm:
        return None
    if found_speed is None:
        return None
    speed, slope = found_speed
    # At z = 1 - speed * decay the polynomial is of second order in the decay: divided by it, zero at zero.
    decay = Symbol(found.name)
    [there] = substitute([poly], {Z.name: 1 - speed * decay})
    over = readable(there / decay, known)
    at_zero = neat(substitute([over], {found.name: Number(0)})[0])
    kept = 1 - speed * decay
    simple = holds(
        apply("ne", slope, 0),
        why="the root z = 1 is simple, so the root near it is this to first order (implicit function theorem)",
        given=known,
    )
    if not simple.verdict:
        return None  # somewhere the root is a double one
    steps = (
        *linear,
        define(Symbol("p(z)"), poly, "the characteristic polynomial: z minus the matrix of these, its determinant"),
        equal(None, there / decay, over, why=f"at z = {kept}, divided by {found.name}", given=known),
        equal(None, at_zero, Number(0), why=f"which vanishes with {found.name}", given=known),
        simple,
    )
    said = f" Without gradients its slow mode shrinks by {code(kept)} a step, to first order in `{found.name}`."
    return steps, said, {"slow_mode": kept, "decay_per_step": speed * decay}, ()


def _plain(rule: Rule, found: Coupled) -> Tail:
    """Where the step has no memory the penalty is a decoupled decay too."""
    beside = decoupled(rule)
    assert beside is not None
    said = f" That is the decoupled decay of {code(beside.share)} a step, exactly."
    return (), said, {"decay_per_step": beside.share}, ()


def _first_order(poly: Expr, found: Coupled, known: Assumptions) -> tuple[Expr, Expr] | None:
    """The speed for which 1 - speed * decay is a root to first order in the decay, and the polynomial's slope there."""
    decay = Symbol(found.name)
    [shifted] = substitute([poly], {Z.name: 1 - SPEED * decay})
    over = tidy(shifted / decay, known)
    [of_speed] = substitute([over], {found.name: Number(0)})
    at = [neat(substitute([of_speed], {SPEED.name: Number(v)})[0]) for v in (0, 1)]
    below = tidy(at[0] - at[1], known)
    return None if below is Number(0) else (tidy(at[0] / below, known), below)


def _determinant(matrix: Sequence[Sequence[Expr]]) -> Expr:
    """By the first row; for the two or three rows there are here."""
    if len(matrix) == 1:
        return matrix[0][0]
    parts: list[Expr] = []
    for column, entry in enumerate(matrix[0]):
        minor = [[a for j, a in enumerate(row) if j != column] for row in matrix[1:]]
        term = entry * _determinant(minor)
        parts.append(term if column % 2 == 0 else -term)
    return _sum(parts)


def _sum(parts: Sequence[Expr]) -> Expr:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return neat(total)


def _normalised(rule: Rule, found: Coupled, step: NormalisedStep) -> Tail:
    """Over a root of squares: alone the decay moves theta by lr whatever its size; beside gradients it is divided."""
    assumed = step.assumptions()
    size = Symbol("a")
    scaled = {f"{s.buffer.name}[t]": size * Symbol(f"{s.buffer.name}[t]") for s in step.shares}
    names = {**scaled, f"{step.norm.state}[t]": size**2 * Symbol(f"{step.norm.state}[t]"), "g": size * Symbol("g")}
    [larger] = substitute([step.ideal], names)
    positive = Assumptions({**assumed.domains, "a": POSITIVE, found.name: POSITIVE, "theta": REAL})
    zero = {n: Number(0) for n in step.small}
    alone = neat(substitute([first_step(found.plain)], {**zero, "g": Symbol(found.name) * THETA})[0])
    nonzero = Assumptions({**positive.domains, "theta": POSITIVE})
    first = equal(
        Symbol("theta[0]") - Symbol("theta[1]"),
        alone,
        Symbol(step.lr) * readable(alone / Symbol(step.lr), nonzero),
        why="the first step of the decay alone, for theta > 0",
        given=nonzero,
    )
    pull, share = _pull(rule, found, step)
    said = (
        f" Its size is normalised away: without other gradients it moves `theta` by the same whatever `{found.name}` "
        f"is; beside gradients of mean square `{step.norm.state}` it takes a share {code(share)} of `theta`. "
        "A step is at most what it is without decay, for that bound holds for any gradients."
    )
    steps = (
        equal(None, larger, step.ideal, why="gradients a times as large make the same step", given=positive),
        first,
        pull,
    )
    return steps, said, {"decay_per_step": share}, _alone_experiment(rule, found, step)


def _pull(rule: Rule, found: Coupled, step: NormalisedStep) -> tuple[Step, Expr]:
    """What the decay adds to the numerator while theta stays about the same, over the denominator."""
    buffers = {b.name: b for b in linear_buffers(step.rule)}
    assumed = step.assumptions()
    names = {f"{s.buffer.name}[t]": held(step.rule, buffers[s.buffer.name], Symbol(found.name)) for s in step.shares}
    [share] = substitute([step.ideal], {**names, "g": Symbol(found.name)})
    shown = Symbol(step.lr) * readable(share, Assumptions({**assumed.domains, found.name: POSITIVE}))
    known = Assumptions({**assumed.domains, found.name: POSITIVE})
    why = f"the numerator's part from {found.name} * theta, per theta: the decay of a step"
    return equal(None, Symbol(step.lr) * share, shown, why=why, given=known), shown


def _alone_experiment(rule: Rule, found: Coupled, step: NormalisedStep) -> tuple[Experiment, ...]:
    """The first step without a gradient, for two decays a hundredfold apart."""
    if any(h.default is None for h in rule.hyperparameters):
        return ()
    zero = dict.fromkeys(step.small, Fraction(0))
    moved = (Symbol("before.theta") - THETA) / Symbol(step.lr)
    alone = neat(
        substitute([first_step(found.plain, step.lr)], {**{n: Number(0) for n in step.small}, "g": Number(1)})[0]
    )
    foretold = decimals({1: enclosed([alone], rule.defaults)[0]})
    if foretold is None:
        return ()
    what = "a coupled decay alone moves theta by the same, however small it is"
    return tuple(
        Experiment(what, moved, foretold, (Fraction(0),), {**zero, found.name: Fraction(1, n)}, start=Fraction(1))
        for n in (10, 1000)
    )
