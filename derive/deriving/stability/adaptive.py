"""Adaptive rules on quadratics: the threshold with the preconditioner held, and what it says near the minimum."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, letter, names_of, proper
from derive.deriving.linear import given
from derive.deriving.stability.closed import closed_loop
from derive.deriving.stability.frozen import Frozen, freeze
from derive.deriving.stability.held import runs_with_it_held
from derive.deriving.stability.region import stable_region
from derive.deriving.stability.settled import falls_to, kept, late_domains
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.rule import DECAY, POSITIVE, Domain, Rule
from derive.transforms import bind

HALF = Fraction(1, 2)


@coordinatewise
def frozen_region(rule: Rule) -> Derivation | None:
    """Where the rule is stable while its preconditioner hardly changes; None for rules that have none."""
    found = freeze(rule)
    linear = None if found is None else stable_region(found.rule)
    if found is None or linear is None:
        return None
    sharpness = preconditioned(found)
    rest = at_rest(found)
    late = late_domains(rule, found.settled)
    steps = (*_held(found), *_near_rest(found, rest), *linear.steps)
    quantities: dict[str, Expr] = {**linear.quantities, "preconditioner": found.preconditioner}
    if rest is not None:
        quantities["preconditioner_at_rest"] = rest
    if sharpness is not None:
        quantities["preconditioned_threshold"] = over(sharpness, _step_size(found))
    return Derivation(
        title="Stability with the preconditioner held",
        statement=_statement(found, linear.result, sharpness, rest),
        assumptions=(*linear.assumptions, "the preconditioner hardly changes from step to step and is not zero",
                     "t is large: corrections by powers of t are at their limits", *(f"`{n} > 0`" for n in late)),
        steps=steps,
        result=linear.result,
        names={**names_of(rule), **names_of(found.rule)},
        quantities=quantities,
        domains={**linear.domains, **late},
        experiments=runs_with_it_held(rule, found, linear.result, linear.quantities.get("threshold_curvature")),
    )  # fmt: skip


def preconditioned(found: Frozen) -> Expr | None:
    """T where the frozen rule is stable exactly for step size times h/P below T; None where that isn't all it needs."""
    loop = closed_loop(found.rule)
    if loop is None or not loop.divides(found.name):
        return None
    unit = stable_region(bind(found.rule, {found.name: Number(1)}))
    if unit is None or "threshold_curvature" not in unit.quantities:
        return None
    return unit.quantities["threshold"] if loop.step_size is not None else unit.quantities["threshold_curvature"]


def _step_size(found: Frozen) -> Expr:
    loop = closed_loop(found.rule)
    assert loop is not None
    return loop.scale


def at_rest(found: Frozen) -> Expr | None:
    """The preconditioner after many steps at the minimum; None where it isn't found.

    Gradients and what changes its sign with them are zero there, and what is held is what such steps leave as it is.
    """
    rule = found.settled
    values: dict[str, Expr] = {n: Number(0) for n in ("theta", "g", *rule.state_names) if n not in found.held}
    for name in found.held:
        [after] = substitute([rule.step[name]], values)
        value = kept(rule, name, after, given(rule))
        if value is None or not falls_to(name, after, value, given(rule)):
            return None  # what a sum of squares or a maximum is, the past decides
        values[name] = value
    here = {**values, **{f"{n}[t]": values[n] for n in found.held}}
    return readable(substitute([found.preconditioner], here)[0], given(rule))


def _held(found: Frozen) -> tuple[Step, ...]:
    """The rule's own step is the frozen one's with the preconditioner put back."""
    rule, name = found.settled, Symbol(found.name)
    after = {f"{n}[t]": rule.step[n] for n in found.held}
    [whole] = substitute([found.preconditioner], after)
    [back] = substitute([found.rule.step["theta"]], {found.name: whole})
    return proper(
        define(name, found.preconditioner, "the preconditioner: it stays the same where all gradients change sign"),
        define(Symbol("theta[t]"), found.rule.step["theta"], "the step with the preconditioner as a number"),
        equal(Symbol("theta[t]"), rule.step["theta"], back, given=given(rule),
              why="the rule's own step (corrections at their limits), with the preconditioner put back"),
    )  # fmt: skip


def _near_rest(found: Frozen, rest: Expr | None) -> tuple[Step, ...]:
    """Near the minimum the held value is the one at rest, up to a product of small quantities."""
    if rest is None or rest is Number(0):
        return ()
    least, more = Symbol("P_0"), Symbol("delta")
    assumed = Assumptions({least.name: POSITIVE, more.name: Domain(-HALF, HALF)})
    gap = apply("abs", 1 / (least * (1 + more)) - 1 / least)
    return (
        define(least, rest, "the preconditioner after many steps at the minimum, where gradients are zero"),
        holds(apply("le", gap, 2 * apply("abs", more) / least), given=assumed,
              why="with P = P_0 (1 + delta) a step differs from that with P_0 by a product of two quantities that "
              "vanish at the minimum: the step with P_0 is the linear part there"),
    )  # fmt: skip


def _statement(found: Frozen, condition: Expr, sharpness: Expr | None, rest: Expr | None) -> str:
    said = (
        f"With {code(Symbol(found.name))} = {code(found.preconditioner)} held, runs on a quadratic tend to 0 exactly "
    )
    said += f"where {code(condition)}."
    if sharpness is None:
        return said
    curvature, size = Symbol(letter(found.rule, "h")), _step_size(found)
    said += f" The preconditioned curvature may reach {code(over(sharpness, size))}"
    at_defaults = _number(sharpness, found.rule) if symbols(sharpness) else ""
    said += f", at the defaults {at_defaults}{'' if size is Number(1) else f'/{size}'}." if at_defaults else "."
    if rest is Number(0):
        said += f" At the minimum `{found.name}` vanishes: no learning rate is small enough there."
    elif rest is not None:
        said += f" Near the minimum `{found.name}` is {code(rest)}, so it is stable for "
        scaled = curvature if size is Number(1) else size * curvature
        said += f"{code(apply('lt', scaled / rest, sharpness))}."
    return said


def over(value: Expr, size: Expr) -> Expr:
    """value / size, without a division by one."""
    return value if size is Number(1) else value / size


def _number(value: Expr, rule: Rule) -> str:
    """The value at the defaults, where it is a rational, with six digits."""
    if not symbols(value) <= rule.defaults.keys():
        return ""
    [at] = exact([value], rule.defaults)
    return f"{float(at):.6g}" if isinstance(at, Fraction) else ""


def short_memories(rule: Rule) -> dict[str, Fraction]:
    """The defaults, but 1/2 for every decay: corrections by powers of t are soon over."""
    short = {h.name: Fraction(1, 2) for h in rule.hyperparameters if h.domain == DECAY}
    return {**rule.defaults, **short}
