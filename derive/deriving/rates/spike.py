"""What a lone gradient does in the steps after it: a geometric series where all that is kept fades by fixed factors."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, labelled, letter, names_of, tends
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.foretelling import MOVED, NEAR, QUICK, a_number, foretold, plain_values
from derive.deriving.linear import AGE, LinearBuffer, given, linear_buffers
from derive.deriving.rates.factor import EffectiveRate, after, factored_step
from derive.deriving.undecayed import undefined_at_zero
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, Domain, Rule

G, K, T = Symbol("g"), Symbol(AGE), Symbol("t")
RUN = 8
BEFORE, LATER = 28, 28
TINY = Fraction(1, 10**30)  # for a constant of zero, where zero before any gradient would be 0/0
OPEN = Domain(Fraction(0), Fraction(1), low_open=True, high_open=True)
NOTHING = Assumptions()


@coordinatewise
def lone_gradient(rule: Rule) -> Derivation | None:
    """The step k steps after a gradient among zeros, and the sum of all of them, in shares of the first.

    Buffers are at rest before, and what depends on t is what it tends to: the gradient comes late.
    """
    found = factored_step(rule)
    if found is None:
        return None
    settled = _settled(found)
    if settled is None:
        return None
    step, zeros, removed_t = settled
    assumed = _assumed(found, zeros)
    states = _after_lone(found, step)
    if states is None:
        return None
    [late] = substitute([step], {**states, "g": Number(0)})
    [first] = substitute([step], {**{n: substitute([e], {AGE: Number(0)})[0] for n, e in states.items()}, "g": G})
    try:
        [next_step] = substitute([late], {AGE: K + 1})
        ratio = tidy(next_step / late, assumed)
        share = tidy(substitute([late], {AGE: Number(1)})[0] / first, assumed)
    except NoNormalForm:
        return None
    if {AGE, "g"} & symbols(ratio, share) or not symbols(ratio):
        return None
    return _derivation(found, zeros, removed_t, (step, late, first), (ratio, share), assumed)


def _settled(found: EffectiveRate) -> tuple[Expr, tuple[str, ...], bool] | None:
    """The step late in a run, constants under the fraction bar zero; whether a limit in t was taken."""
    positive, own = found.proper[0].domains, found.assumptions.domains
    zeros = tuple(n for n in found.rule.hyperparameter_names if positive[n] != own[n])
    [bare] = substitute([found.step], dict.fromkeys(zeros, Number(0)))
    if "t" not in symbols(bare):
        return bare, zeros, False
    own = dict(found.assumptions.domains)
    own |= {after(n): POSITIVE for n in found.rule.state_names if own.get(n) == NONNEGATIVE}
    late = limit(bare, "t", Assumptions(own))
    return None if late is None or late.exceptions else (late.claim.limit, zeros, True)


def _assumed(found: EffectiveRate, zeros: tuple[str, ...]) -> Assumptions:
    """A positive gradient, decays and scales that are not zero."""
    own = dict(given(found.rule).domains)
    inner = {h.name: POSITIVE for h in found.rule.hyperparameters if h.domain == NONNEGATIVE and h.name not in zeros}
    open_decay = {h.name: OPEN for h in found.rule.hyperparameters if h.domain == DECAY}
    return Assumptions({**own, **inner, **open_decay, "g": POSITIVE})


def _after_lone(found: EffectiveRate, step: Expr) -> dict[str, Expr] | None:
    """What each buffer of the step holds k steps after the gradient: its weight; None for other states."""
    buffers: dict[str, LinearBuffer] = {after(b.name): b for b in linear_buffers(found.rule)}
    used = symbols(step) & {name for n in found.rule.state_names for name in (n, after(n))}
    if not used <= buffers.keys() or not used:
        return None
    made: dict[str, Expr] = {}
    for name in used:
        buffer = buffers[name]
        [idle] = substitute([buffer.input], {"g": Number(0)})
        if symbols(buffer.input) != {"g"} or not buffer.starts_at_zero or not identity([(idle, Number(0))], NOTHING):
            return None
        made[name] = buffer.weight * buffer.input
    return made


def _derivation(
    found: EffectiveRate,
    zeros: tuple[str, ...],
    late_only: bool,
    steps_of: tuple[Expr, Expr, Expr],
    ratios: tuple[Expr, Expr],
    assumed: Assumptions,
) -> Derivation | None:
    rule = found.rule
    (step, late, first), (ratio, share) = steps_of, ratios
    r, age = letter(rule, "r"), names_of(rule)[AGE]
    R, label = Symbol(r), labelled(rule, "step", f"{age}")
    series = R * (1 - R**T) / (1 - R)
    unit = Assumptions({**assumed.domains, r: DECAY})
    [none, more] = [substitute([series], {"t": e})[0] for e in (Number(0), T + 1)]
    shown = share / (1 - ratio)
    [bare_next] = substitute([late], {AGE: K + 1})
    summed = [
        define(Symbol("theta[t-1]") - Symbol("theta[t]"), step, "the step" + (", late in a run" if late_only else "")),
        define(label, late, f"{age} steps after a lone gradient g, each buffer holding its weight"),
        equal(labelled(rule, "step", f"{age}+1"), bare_next, ratio * late, why="one step later", given=assumed),
        define(R, ratio, "the share that is left a step later"),
        equal(None, none, Number(0), why="r + ... + r^t is r (1 - r^t) / (1 - r): no terms", given=unit),
        equal(None, more, series + R ** (T + 1), why="and one term more", given=unit),
        *_below_one(ratio, assumed),
        *tends(None, limit(series, "t", unit)),
        define(labelled(rule, "step", "0"), first, "the step that the gradient itself makes"),
        equal(labelled(rule, "step", "1"), substitute([late], {AGE: Number(1)})[0], share * first, given=assumed,
              why="the step after it, in shares of that"),
        equal(None, share / ratio * (ratio / (1 - ratio)), shown, given=assumed,
              why="all the later steps together, in shares of the first"),
    ]  # fmt: skip
    if not all(s.verdict for s in summed if s.verdict is not None):
        return None
    # Where the gradient enters a step also by itself, the step after it is another share of it than those that follow.
    at_once = bool(identity([(share, ratio)], assumed))
    ratios_of = {"spike_ratio": ratio} if at_once else {"spike_next": share, "spike_later_ratio": ratio}
    next_one = f"the next step is {code(share)} times the one that it makes itself, and each later one"
    said = f"After a gradient among zeros {'each step' if at_once else next_one} is {code(ratio)} times the one before"
    narrowed = undefined_at_zero(rule, ratio, share, shown)
    rest = ["buffers are at rest before it", *(f"`{n} = 0`" for n in (*zeros, *found.removed))]
    rest += ["t is large, so that corrections are over"] if late_only else []
    return Derivation(
        title="After a lone gradient",
        statement=f"{said}; where that is below 1 all of them together are {code(shown)} times the first step.",
        assumptions=(*rest, *(f"`{n} > 0`" for n in narrowed)),
        steps=tuple(summed),
        result=shown,
        names={**names_of(rule), "g": "g"},
        quantities={**ratios_of, "spike_memory": shown, "spike_first_step": readable(first, assumed)},
        domains={n: assumed.domains[n] for n in narrowed},
        experiments=_experiment(found, zeros, (step, late, first), shown),
    )


def _below_one(ratio: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """Where the share is below one, said of its square where it has a root."""
    step = holds(apply("lt", ratio, 1), why="so the series converges", given=assumed)
    if step.verdict:
        return (step,)
    squared = readable(ratio**2, assumed)
    step = holds(apply("lt", ratio, 1), why="so the series converges", given=assumed, when=[apply("lt", squared, 1)])
    return (step,) if step.verdict else ()


def _experiment(
    found: EffectiveRate, zeros: tuple[str, ...], steps_of: tuple[Expr, Expr, Expr], memory: Expr
) -> tuple[Experiment, ...]:
    """The steps after a lone gradient of size one that comes late, and where all of them together lead."""
    step, late, first = steps_of
    values = {**plain_values(found.rule, (*found.removed, *zeros), choices=QUICK), "g": Fraction(1)}
    shares = [a_number(late, {**values, AGE: Fraction(k)}) for k in range(1, RUN)]
    begun, together = a_number(first, values), a_number(memory, values)
    if begun is None or together is None or None in shares or not _is_late(found, step, values):
        return ()
    gradients = (*(Fraction(0),) * BEFORE, Fraction(1), *(Fraction(0),) * (LATER - 1))
    tiny = {n: v for n, v in {**values, **dict.fromkeys(zeros, TINY)}.items() if n != "g"}
    steps = {BEFORE + 1: begun, **{BEFORE + 1 + k: share for k, share in enumerate(shares, start=1)}}
    found_steps = decimals(steps)
    led = decimals({BEFORE + LATER: begun * (1 + together)})
    ratio = a_number(late, {**values, AGE: Fraction(LATER)})
    experiments = (
        []
        if found_steps is None
        else [Experiment("the steps after a lone gradient", MOVED, found_steps, gradients, tiny)]
    )
    if led is not None and ratio is not None and abs(ratio) < NEAR:
        experiments.append(Experiment("all of them together", -Symbol("theta"), led, gradients, tiny))
    return tuple(experiments)


def _is_late(found: EffectiveRate, settled: Expr, values: dict[str, Fraction]) -> bool:
    """Whether the step is by then what it tends to: the corrections are over at these values."""
    states = {
        name: Fraction(1) for name in symbols(found.step, settled) if name.removesuffix("[t]") in found.rule.state_names
    }
    own, end = (foretold(e, {**values, **states}, (BEFORE + 1,)) for e in (found.step, settled))
    return own is not None and end is not None and abs(own[BEFORE + 1] - end[BEFORE + 1]) < NEAR
