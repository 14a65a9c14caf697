"""Bias: what a buffer holds under a constant stream, the factor that corrects it, and what the rule does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.averages.confirming import corrected
from derive.deriving.averages.confirming_steps import step_of, stepping
from derive.deriving.averages.weights import weight_sum
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, labelled, names_of, proper, tends
from derive.deriving.linear import CONSTANT, LinearBuffer, bends, given, is_driven_by_input, linear_buffers
from derive.deriving.lines import assigned
from derive.deriving.undecayed import may_vanish
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import NONNEGATIVE, POSITIVE, Rule
from derive.transforms import bind

T, C = Symbol("t"), Symbol(CONSTANT)


def held(rule: Rule, buffer: LinearBuffer, signal: Expr) -> Expr:
    """The buffer after t steps in which its input was `signal` each time."""
    total = weight_sum(rule, buffer) * signal
    return total if buffer.starts_at_zero else buffer.start_share + total


def bias_correction(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """The factor 1/W[t] that makes the mean of a buffer that starts at zero that of its input, and the rule's own."""
    total = weight_sum(rule, buffer)
    assumed, needed = weighing(rule, total)
    if not identity([(total / total, Number(1))], assumed):
        return None  # weights that may cancel to nothing have no correction
    factor = tidy(1 / total, assumed)
    comparison, statement = _compared(rule, buffer, total, factor)
    constant = names_of(rule)[CONSTANT]
    steps = proper(
        *_constant_stream(rule, buffer, total),
        equal(labelled(rule, "b") * labelled(rule, "W"), factor * total, Number(1),
              why="the factor that gives the input back", given=assumed),
        *comparison,
    )  # fmt: skip
    return Derivation(
        title=f"Bias correction of {buffer.name}",
        statement=f"`{buffer.name}[t]` is `{labelled(rule, 'W')}` times a constant input (or its mean), "
        f"so {code(factor)} corrects it. {statement}",
        assumptions=(f"{constant} is the constant input of {buffer.name}, or the mean of a stationary one", *needed),
        steps=steps,
        result=factor,
        names=names_of(rule),
        quantities={"bias_correction": factor, "weight_sum": total},
        experiments=corrected(rule, buffer, factor),
    )


def weighing(rule: Rule, total: Expr) -> tuple[Assumptions, tuple[str, ...]]:
    """The assumptions with every hyperparameter positive whose zero would leave no weights, and those in words."""
    assumed = given(rule).domains
    vanishing = [h.name for h in rule.hyperparameters if h.domain == NONNEGATIVE and h.name in symbols(total)]
    return Assumptions({**assumed, **dict.fromkeys(vanishing, POSITIVE)}), tuple(f"`{n} > 0`" for n in vanishing)


@coordinatewise
def corrected_step(rule: Rule) -> Derivation | None:
    """The step written in corrected buffers: where no t is left the rule corrects its bias.

    A correction may be folded into the learning rate; this finds it wherever it stands. Where t
    is left, a hyperparameter is looked for whose zero removes it. Buffers of anything but this
    step's input have a bias of their own, and nothing is said.
    """
    candidates: list[dict[str, Number]] = [{}, *({n: Number(0)} for n in may_vanish(rule))]
    moving = [(bound, made) for bound in candidates if (made := in_corrected_buffers(bind(rule, bound))) is not None]
    for bound, chain in moving:
        if "t" not in symbols(chain.shown):
            where = "".join(f" where `{n} = 0`" for n in bound)
            return _derivation_of_step(bind(rule, bound), chain, f"No t is left{where}: the bias is corrected.", bound)
    for bound, chain in moving[:1]:
        if not bound and _changes_with_t(rule, chain.shown):
            said = "t is left: the step changes with t even where its corrected buffers do not."
            return _derivation_of_step(rule, chain, said, bound)
    return None


def _changes_with_t(rule: Rule, step: Expr) -> bool:
    """Whether a counterexample shows that the step is not the same at t + 1."""
    [later] = substitute([step], {"t": T + 1})
    return identity([(step, later)], given(rule)).status == "refuted"


def _constant_stream(rule: Rule, buffer: LinearBuffer, total: Expr) -> tuple[Step, ...]:
    holds, now = held(rule, buffer, C), Symbol(f"{buffer.name}[t]")
    [at_start, later] = [substitute([holds], {"t": e})[0] for e in (Number(0), T + 1)]
    from_start = given(rule, from_start=True)
    return (
        define(now, holds, "claimed for an input that is always the same; for means, by linearity"),
        equal(Symbol(f"{buffer.name}[0]"), at_start, buffer.state.initial, why="holds at the start", given=from_start),
        equal(Symbol(f"{buffer.name}[t+1]"), later, buffer.update(holds, C), why="is kept by the update",
              given=from_start),
    )  # fmt: skip


def _compared(rule: Rule, buffer: LinearBuffer, total: Expr, factor: Expr) -> tuple[tuple[Step, ...], str]:
    """What is left of the bias after the factors the rule applies; all of it where it applies none."""
    assumed = given(rule)
    applied = _applied(rule, buffer)
    if not applied:
        steps = tends(labelled(rule, "W"), limit(total, "t", assumed))
        return steps, f"No line of the rule scales `{buffer.name}` alone."
    steps_found: list[Step] = []
    said: list[str] = []
    for target, used in applied:
        exact = bool(identity([(used, factor)], assumed))
        if exact:
            why = f"the factor of `{buffer.name}` in `{target}` is the derived one"
            steps_found.append(equal(labelled(rule, "b"), used, factor, why=why, given=assumed))
        else:
            left = readable(used * total, assumed)
            why = f"what `{target}` makes of a constant input: not the input itself"
            steps_found.append(equal(None, used * total, left, why=why, given=assumed))
        said.append(f"`{target}` applies {'exactly that' if exact else 'another'} factor.")
    return tuple(steps_found), " ".join(said)


def _applied(rule: Rule, buffer: LinearBuffer) -> tuple[tuple[str, Expr], ...]:
    """Each assignment that is a factor free of data times the buffer's new value, with that factor."""
    new = Symbol(f"{buffer.name}[t]")
    lines = [line for line in assigned(rule, {buffer.name}) if line[0] != buffer.name]
    found = [(target, _factor_of(rule, value, new)) for target, value in lines]
    return tuple((target, factor) for target, factor in found if factor is not None)


def _factor_of(rule: Rule, value: Expr, new: Symbol) -> Expr | None:
    if value is new or new.name not in symbols(value):
        return None
    [at_one] = substitute([value], {new.name: Number(1)})
    if not symbols(at_one) <= {*rule.hyperparameter_names, "t"}:
        return None
    try:
        factor = tidy(at_one, given(rule))
    except NoNormalForm:
        return None
    return factor if identity([(value, at_one * new)], given(rule)) else None


@dataclass(frozen=True)
class Corrected:
    """The step (or output) with each buffer as its weight sum times its corrected value, and its normal form."""

    written: Expr
    shown: Expr
    given: Assumptions


@lru_cache(maxsize=256)
@coordinatewise
def in_corrected_buffers(rule: Rule) -> Corrected | None:
    """The step in corrected buffers, `m~` for that of m; None where a buffer is no average of this step's input."""
    straight = {n for n in rule.state_names if not bends(rule, n)}
    if not straight or _reads_states(rule, straight):
        return None
    buffers = linear_buffers(rule)
    if not buffers or not all(b.starts_at_zero and b.remembers and is_driven_by_input(rule, b) for b in buffers):
        return None
    corrected = {b.name: f"{b.name}~" for b in buffers}
    moved = dict(assigned(rule, {b.name for b in buffers})).get(rule.outputs[0])
    if moved is None:
        return None
    step = moved if rule.is_average else Symbol("theta") - moved
    scaled = {f"{b.name}[t]": weight_sum(rule, b) * Symbol(corrected[b.name]) for b in buffers}
    [written] = substitute([step], scaled)
    if symbols(written) & set(rule.state_names):
        return None  # a state from before the step, or one that is no average of the input
    try:
        shown = tidy(written, _given_corrected(rule, corrected))
    except NoNormalForm:
        return None
    if not symbols(shown) & set(corrected.values()):
        return None
    assumed = _given_corrected(rule, corrected)
    return Corrected(written, shown, assumed) if identity([(written, shown)], assumed) else None


def _reads_states(rule: Rule, straight: set[str]) -> bool:
    """Whether the step depends on a state from before it, even if all those in `straight` are linear."""
    moved = dict(assigned(rule, straight)).get(rule.outputs[0])
    return moved is not None and not symbols(moved).isdisjoint(rule.state_names)


def _given_corrected(rule: Rule, corrected: dict[str, str]) -> Assumptions:
    assumed = given(rule).domains
    return Assumptions({**assumed, **{bar: assumed[n] for n, bar in corrected.items() if n in assumed}})


def _derivation_of_step(rule: Rule, chain: Corrected, statement: str, bound: dict[str, Number]) -> Derivation:
    label = Symbol("output[t]") if rule.is_average else Symbol("theta[t-1]") - Symbol("theta[t]")
    known = {f"{n}~": n for n in rule.state_names}
    used = [n for n in known if n in symbols(chain.written, chain.shown)]
    why = "each buffer written as its weight sum times its corrected value"
    return Derivation(
        title="The step in corrected buffers",
        statement=statement,
        assumptions=(*(f"`{known[n]}_bar` is `{known[n]}[t]` corrected" for n in used), *(f"`{n} = 0`" for n in bound)),
        steps=(equal(label, chain.written, chain.shown, why=why, given=chain.given),),
        result=chain.shown,
        names=names_of(rule),
        quantities={"step_in_corrected_buffers": chain.shown},
        experiments=stepping(rule, "the step in corrected buffers", step_of(rule), chain.shown, bound),
    )
