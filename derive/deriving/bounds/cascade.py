"""The largest step of momentum over steps that are bounded one by one, as that of RMSProp with momentum.

|b| <= B and |r| <= R give |mu b + gain r| <= mu B + gain R. The bound is approached by gradients that grow by a
factor q in every step: then each of them is nearly alone in its mean square, v <= c g^2/(1 - d/q^2), and the inner
step nearly 1/sqrt(c) every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.deriving.bounds.found import Bound, bound_of, small_names
from derive.deriving.bounds.names import G, multiple
from derive.deriving.bounds.neatness import neat
from derive.deriving.bounds.norms import norms
from derive.deriving.bounds.smallness import without_small_constants
from derive.deriving.bounds.structure import NormalisedStep, structured
from derive.deriving.bounds.sums import simplified
from derive.deriving.bounds.witnesses import at_defaults, size_of_step
from derive.deriving.derivation import (
    Derivation,
    Step,
    code,
    define,
    equal,
    exceptions,
    holds,
    labelled,
    letter,
    named_limit,
    proper,
    tends,
)
from derive.deriving.experiment import Experiment
from derive.deriving.linear import WHOLE, LinearBuffer, given, linear_buffers, raised, scaled
from derive.deriving.lines import assigned
from derive.deriving.undecayed import movement, without_decay
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import COUNTER, DECAY, NONNEGATIVE, POSITIVE, REAL, Domain, Rule

T, Q = Symbol("t"), Symbol("#q")
LABEL = Symbol("theta[t-1]") - Symbol("theta[t]")


@dataclass(frozen=True)
class Cascade:
    """step = lr * factor * buffer, whose input is a bounded step: `inner`."""

    lr: str
    factor: Expr
    buffer: LinearBuffer
    inner: NormalisedStep
    bound: Bound


def cascade_bound(rule: Rule) -> Derivation | None:
    """The exact bound for momentum over a normalised gradient; None for another step."""
    freed = None if rule.is_average else without_decay(rule)
    if freed is None:
        return None
    plain, removed = freed
    for buffer in linear_buffers(plain):
        found = _cascade(plain, buffer) if buffer.starts_at_zero and buffer.remembers else None
        if found is not None:
            return _derivation(rule, plain, removed, found)
    return None


def _cascade(rule: Rule, buffer: LinearBuffer) -> Cascade | None:
    now = Symbol(f"{buffer.name}[t]")
    moved = movement(rule, dict(assigned(rule, {buffer.name}))["theta"])
    [factor] = substitute([moved], {now.name: Number(1)})
    if symbols(moved) - {now.name} - set(rule.hyperparameter_names) or not identity(
        [(moved, factor * now)], given(rule)
    ):
        return None
    for norm in norms(rule):
        value = dict(assigned(rule, {norm.state, buffer.name}))[buffer.name]
        [fed] = substitute([value], {buffer.name: Number(0)})
        for lr in (h.name for h in rule.hyperparameters if h.domain != DECAY):
            unit_factor, unit = (neat(e) for e in substitute([factor, fed], {lr: Number(1)}))
            if not identity([(factor * fed, Symbol(lr) * (unit_factor * unit))], given(rule)):
                continue
            inner = structured(rule, lr, norm, unit)
            bound = bound_of(rule, inner) if inner is not None and not inner.shares and not inner.meanings else None
            if inner is not None and bound is not None and "t" not in symbols(bound.shown):
                return Cascade(lr, unit_factor, buffer, inner, bound)
    return None


def _derivation(rule: Rule, plain: Rule, removed: tuple[str, ...], found: Cascade) -> Derivation:
    inner, mu = found.inner, found.buffer.decay
    assumed = inner.assumptions()
    largest = found.bound.shown
    total = scaled(found.factor, largest * ((1 - raised(mu, T)) / (1 - mu)))
    shown = simplified(total, assumed)
    name = labelled(rule, "bound")
    reached = limit(shown, "t", assumed)
    factor_q = letter(rule, "q")
    steps = proper(
        define(LABEL, movement(plain), "the rule's step"),
        *_inner_steps(plain, found),
        _one_more_step(),
        *_sums(rule, found, largest, assumed),
        equal(name, total, shown, why="the bound of |step| over the learning rate", given=assumed),
        *_approached(found, assumed),
        *tends(name, reached),
    )
    end = ""
    if reached is not None and reached.claim.limit is not shown:
        end = f" It tends to {code(reached.claim.limit)}{exceptions(reached)}."
    return Derivation(
        title="The largest step",
        statement=f"No gradients make `|theta[t] - theta[t-1]|` more than {multiple(found.lr, shown)}. "
        f"That is approached by the gradients `{factor_q}**t` as `{factor_q}` grows.{end}",
        assumptions=(
            *(f"`{n} = 0`: what the decay adds is bounded apart" for n in removed),
            *(f"`{n} > 0`" for n in (found.lr, *sorted(symbols(inner.norm.decay)))),
        ),
        steps=steps,
        result=total,
        names={**small_names(rule), "#q": factor_q},
        quantities={
            "step_bound": total,
            "learning_rate": Symbol(found.lr),
            **named_limit("step_bound_limit", reached),
        },
        experiments=_experiments(rule, removed, found, total),
    )


def _experiments(rule: Rule, removed: tuple[str, ...], found: Cascade, total: Expr) -> tuple[Experiment, ...]:
    """Gradients that grow by a large factor in every step come near the bound."""
    at = {t: value for t in (1, 3, 8) if (value := at_defaults(rule, total, t)) is not None}
    zero = dict.fromkeys((*removed, *found.inner.small), Fraction(0))
    gradients = tuple(Fraction(10_000) ** t for t in range(1, 9))
    what = "steeply growing gradients come near the largest step"
    return (Experiment(what, size_of_step(found.lr), at, gradients, zero or None, tolerance=1e-7),) if at else ()


def _inner_steps(plain: Rule, found: Cascade) -> tuple[Step, ...]:
    """The momentum's input is a step of its own, with a bound."""
    inner, assumed = found.inner, found.inner.assumptions()
    now, before = Symbol(f"{found.buffer.name}[t]"), Symbol(found.buffer.name)
    value = dict(assigned(plain, {inner.norm.state, found.buffer.name}))[found.buffer.name]
    lr_inside = found.lr in symbols(value)
    fed = Symbol(found.lr) * inner.whole if lr_inside else inner.whole
    size = Symbol(f"{inner.norm.state}[t]")
    mean_square = Assumptions({**assumed.domains, "h": REAL, "w": NONNEGATIVE})
    rest, newest = Symbol("w"), Symbol("h")
    direct = inner.direct
    [bound] = [found.bound.shown]
    largest = holds(
        apply(
            "le",
            apply("abs", direct * newest) / apply("sqrt", inner.norm.decay * rest + inner.norm.gain * newest**2),
            bound,
        ),
        why="a gradient over its mean square",
        given=mean_square,
        when=[apply("ne", newest, 0)],
    )
    return (
        equal(
            now, value, scaled(found.buffer.decay, before) + fed, why="momentum over a normalised step", given=assumed
        ),
        *without_small_constants(inner),
        define(size, inner.norm.decay * Symbol(inner.norm.state) + inner.norm.gain * G**2, "the mean square"),
        largest,
    )


def labelled_square() -> Expr:
    """What the square of an inner step is called."""
    return Symbol("r") ** 2


def _one_more_step(*, below: bool = False) -> Step:
    """The induction of the bound, in numbers of its own; `below`, that a share x of it is kept too."""
    b, r, mu, most, each, x = (Symbol(n) for n in ("b", "r", "mu", "B", "R", "x"))
    assumed = Assumptions({"b": REAL, "r": REAL, "mu": DECAY, "B": NONNEGATIVE, "R": NONNEGATIVE, "x": NONNEGATIVE})
    if below:
        why = "inner steps of at least a share x of their bound make the whole step that share of its bound"
        return holds(
            apply("ge", mu * b + r, x * (mu * most + each)),
            why=why,
            given=assumed,
            when=[apply("ge", b, x * most), apply("ge", r, x * each)],
        )
    return holds(
        apply("le", apply("abs", mu * b + r), mu * most + each),
        why="the bound before a step gives it after the step",
        given=assumed,
        when=[apply("le", apply("abs", b), most), apply("le", apply("abs", r), each)],
    )


def _sums(rule: Rule, found: Cascade, largest: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """The closed form of the bound's recursion B' = mu B + R."""
    mu, label = found.buffer.decay, labelled(rule, "B", "t+1")
    from_start = Assumptions({**assumed.domains, "t": WHOLE})
    total = largest * ((1 - raised(mu, T)) / (1 - mu))
    [start, later] = [substitute([total], {"t": e})[0] for e in (Number(0), T + 1)]
    return (
        equal(labelled(rule, "B", "0"), start, Number(0), why="the bound before the first step", given=from_start),
        equal(label, later, mu * total + largest, why="and after each", given=from_start),
    )


def _approached(found: Cascade, assumed: Assumptions) -> tuple[Step, ...]:
    """Under the gradients q^t the mean square is nearly that of the newest, and every inner step nearly the largest."""
    norm, v, g = found.inner.norm, Symbol("v"), Symbol("g")
    domains = {**assumed.domains, "v": NONNEGATIVE, "g": POSITIVE, "#q": POSITIVE}
    near = norm.gain / (1 - norm.decay / Q**2)
    before = apply("le", v, near * g**2)
    after = apply("le", norm.decay * v + norm.gain * (Q * g) ** 2, near * (Q * g) ** 2)
    least = found.inner.direct**2 / near
    growing = Assumptions({**assumed.domains, "#q": Domain(COUNTER.low and COUNTER.low + 1, whole=True)})
    found_limit = limit(least, "#q", growing)
    return (
        holds(
            after,
            why="under gradients that grow by a factor q > 1 the mean square stays below this",
            given=Assumptions(domains),
            when=[before, apply("gt", Q, 1)],
        ),
        define(labelled_square(), least, "so the square of every inner step is at least"),
        *tends(labelled_square(), found_limit),
        _one_more_step(below=True),
    )
