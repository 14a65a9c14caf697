"""What a missing bias correction does to the step: a factor of t alone, its extreme, and when it is over."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.averages.bias import Corrected, in_corrected_buffers
from derive.deriving.averages.confirming_steps import beside, from_states, step_of, stepping
from derive.deriving.averages.decimals import at, decimal, settings
from derive.deriving.averages.plain import plainly
from derive.deriving.averages.sums import fades
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, equal, labelled, names_of, tends
from derive.deriving.experiment import Experiment
from derive.deriving.extremes import Extreme, largest, onset, smallest
from derive.deriving.linear import given, linear_buffers
from derive.deriving.undecayed import may_vanish
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, substitute, symbols
from derive.proving import identity
from derive.proving.everywhere import everywhere
from derive.proving.limits import limit
from derive.rule import NONNEGATIVE, POSITIVE, Assignment, Domain, Rule
from derive.transforms import bind

T = Symbol("t")
CLOSE = Fraction(1, 20)  # of the corrected step: from when on the step is so close to it is told
MOST_ZERO = 2  # hyperparameters set to zero at once, so that the factor is the same for all inputs


def without_corrections(rule: Rule, lines: Collection[str] | None = None) -> Rule:
    """The rule with decay^t at its limit zero in its body, for the decays of its buffers, as if all steps were late.

    That takes away every bias correction, wherever it stands; with `lines` only those in these assignments.
    """
    decays = _decays(rule)

    def settled(node: Apply, args: tuple[Expr, ...]) -> Expr:
        return Number(0) if _is_share(node, decays) else plainly(node, args)

    def line(assignment: Assignment) -> Assignment:
        if lines is not None and assignment.target not in lines:
            return assignment
        [value] = fold([assignment.value], symbol=lambda s: s, number=lambda n: n, apply=settled)
        return replace(assignment, value=value)

    body = tuple(line(a) for a in rule.body)
    return rule if body == rule.body else replace(rule, body=body)


def _decays(rule: Rule) -> tuple[Expr, ...]:
    return tuple(b.decay for b in linear_buffers(rule) if b.remembers and fades(b))


def _is_share(node: Apply, decays: tuple[Expr, ...]) -> bool:
    """decay^t: what is left of a buffer's start."""
    return node.op == "pow" and node.args[1] is T and node.args[0] in decays


@dataclass(frozen=True)
class Multiplier:
    """step[t] = factor(t) * step with corrected buffers, for the rule with some hyperparameters at zero."""

    rule: Rule
    chain: Corrected
    factor: Expr
    corrected: Expr
    zero: tuple[str, ...]


@coordinatewise
def multiplier(rule: Rule) -> Multiplier | None:
    """The factor by which the step is off while its weights do not add up yet, where it is the same for all inputs.

    Where a hyperparameter stands in the way (epsilon, a decay of the parameter) it is taken as zero.
    None where there is no such factor, or it is always one.
    """
    for zero in _candidates(rule):
        bound = bind(rule, dict.fromkeys(zero, Number(0)))
        chain = in_corrected_buffers(bound)
        found = None if chain is None else _factor(bound, chain)
        if chain is not None and found is not None:
            factor, corrected = found
            return None if factor is Number(1) else Multiplier(bound, chain, factor, corrected, zero)
    return None


def _candidates(rule: Rule) -> Iterator[tuple[str, ...]]:
    for count in range(MOST_ZERO + 1):
        yield from combinations(may_vanish(rule), count)


def _factor(rule: Rule, chain: Corrected) -> tuple[Expr, Expr] | None:
    """The step over the same step late, and that one."""
    late = limit(chain.shown, "t", chain.given)
    if late is None or late.exceptions or late.claim.limit is Number(0):
        return None
    corrected = late.claim.limit
    positive = {**chain.given.domains, **{n: POSITIVE for n in symbols(corrected) if n.endswith("~")}}
    positive |= {h.name: POSITIVE for h in rule.hyperparameters if h.domain == NONNEGATIVE}
    try:
        factor = tidy(chain.shown / corrected, replace(chain.given, domains=positive))
    except NoNormalForm:
        return None
    if not symbols(factor) <= {*rule.hyperparameter_names, "t"} or not _is_made_of_shares(rule, factor):
        return None
    return (factor, corrected) if identity([(chain.shown, factor * corrected)], chain.given) else None


def _is_made_of_shares(rule: Rule, factor: Expr) -> bool:
    """Whether t occurs in powers of the buffers' decays only: what changes otherwise is a schedule, not a bias."""
    decays = _decays(rule)

    def settled(node: Apply, args: tuple[Expr, ...]) -> Expr:
        return Number(0) if _is_share(node, decays) else Apply(node.op, args)

    [rest] = fold([factor], symbol=lambda s: s, number=lambda n: n, apply=settled)
    return "t" not in symbols(rest)


@coordinatewise
def correction_multiplier(rule: Rule, without: Collection[str] | None = None) -> Derivation | None:
    """The factor between what the rule does and what it would do with corrected buffers.

    With `without`, of the rule that lacks the corrections in these lines (all of them where it is empty).
    """
    bare = rule if without is None else without_corrections(rule, without or None)
    if without is not None and bare is rule:
        return None
    found = multiplier(bare)
    if found is None:
        return None
    label = Symbol("output[t]") if rule.is_average else Symbol("theta[t-1]") - Symbol("theta[t]")
    name, values = labelled(rule, "r"), settings(found.rule, found.factor)
    steps = [
        equal(label, found.chain.written, found.factor * found.corrected, given=found.chain.given,
              why="each buffer written as its weight sum times its corrected value"),
        *tends(name, limit(found.factor, "t", given(found.rule))),
    ]  # fmt: skip
    told, sentence = ([], "") if values is None else _told(found.factor, values)
    what = "output" if rule.is_average else "step"
    subject = f"The {what}" if without is None else f"Without its corrections the {what}"
    return Derivation(
        title="The step without bias correction" if without is None else "The step without its bias corrections",
        statement=f"{subject} is {code(found.factor)} times that with corrected buffers.{sentence}",
        assumptions=(*_bars(found), *(f"`{n} = 0`" for n in found.zero)),
        steps=(*steps, *told),
        result=found.factor,
        names=names_of(rule),
        quantities={"correction_multiplier": found.factor, "corrected_step": found.corrected},
        experiments=_experiments(rule, found, without is not None),
    )


def _bars(found: Multiplier) -> tuple[str, ...]:
    used = [n for n in found.rule.state_names if f"{n}~" in symbols(found.corrected)]
    return tuple(f"`{n}_bar` is `{n}[t]` corrected" for n in used)


def _told(factor: Expr, values: dict[str, Fraction]) -> tuple[list[Step], str]:
    """At the defaults: the first step, the step at which it is furthest off, from when on it is close."""
    [bound] = substitute([factor], {name: Number(value) for name, value in values.items()})
    first = decimal(substitute([bound], {"t": Number(1)})[0], {})
    said = [f"{first} at t = 1"]
    steps: list[Step] = []
    for extreme, word in ((largest(factor, values), "largest"), (smallest(factor, values), "smallest")):
        if extreme is None:
            continue
        if extreme.at > 1:
            said.append(f"{word} {decimal(extreme.value, {})} at t = {extreme.at}")
        steps += _extreme_steps(extreme, word)
    close = apply("and", apply("le", bound, 1 + CLOSE), apply("ge", bound, 1 - CLOSE))
    found = onset(close, {})
    if found is not None and found.at > 1:
        said.append(f"within {float(CLOSE):.0%} only from t = {found.at} on")
        last = Domain(Fraction(found.at - 1), Fraction(found.at - 1), whole=True)
        steps.append(Step(None, (close,), f"within {float(CLOSE):.0%} from there on", found.verdict,
                          when=(apply("ge", T, found.at),)))  # fmt: skip
        steps.append(Step(None, (apply("not", close),), "and not a step before", everywhere(apply("not", close),
                          {"t": last}), when=(apply("eq", T, found.at - 1),)))  # fmt: skip
    return steps, f" At {at(values)}: {', '.join(said)}."


def _extreme_steps(extreme: Extreme, word: str) -> list[Step]:
    sides = (["lt"] if extreme.at > 1 else []) + ["gt"]
    why = f"{word} at t = {extreme.at}"
    return [
        Step(None, (extreme.claim,), why, verdict, when=(apply(side, T, extreme.at),))
        for side, verdict in zip(sides, extreme.verdicts, strict=True)
    ]


@coordinatewise
def after_reset(rule: Rule, started: Expr) -> Expr | None:
    """The factor by which a corrected step is off whose buffers began anew after `started` steps, and t did not."""
    found = multiplier(without_corrections(rule))
    if found is None:
        return None
    own, counted = (substitute([found.factor], {"t": e})[0] for e in (T, T + started))
    return own / counted


def overshoot(factor: Expr, values: dict[str, Fraction], warmup: int) -> Extreme | None:
    """The largest value of the factor times a linear warm-up of the learning rate over so many steps."""
    ramp = apply("where", apply("lt", T, warmup), T / warmup, 1)
    return largest(ramp * factor, values)


def _experiments(rule: Rule, found: Multiplier, is_bare: bool) -> tuple[Experiment, ...]:
    """A run of the rule; where it has corrections the step without them is told from its states."""
    what, own = "the step without bias correction", bind(rule, dict.fromkeys(found.zero, Number(0)))
    as_it_is = in_corrected_buffers(own) if is_bare else None
    if as_it_is is not None and identity([(as_it_is.shown, found.corrected)], as_it_is.given):
        return beside(own, f"{what} over that with it", found.rule, found.factor, found.zero)
    observed = from_states(found.rule) if is_bare else step_of(rule)
    return stepping(found.rule, what, observed, found.factor * found.corrected, found.zero)
