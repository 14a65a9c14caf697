"""Changes of the parameter that are lost beside it: small steps, and weight decay."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.linear import given
from derive.expr import Expr, Number, Symbol, substitute, symbols, to_text
from derive.precision.arithmetic import calculated, stored
from derive.precision.confirming import Unconfirmed, confirmed
from derive.precision.formats import Model
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.probing import UNCHANGED, Boundary, Probe, boundary, numbers, stays
from derive.precision.ranges import last_line
from derive.precision.scope import at_rest, kept_parts, value_of
from derive.proving import identity
from derive.rule import NONNEGATIVE, Rule

ONE, STEP = Fraction(1), Symbol("#u")
THETA = Symbol("theta")


def moving_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """Of a rule with a parameter: its shrinking, the smallest step, the largest parameter its usual step moves."""
    if rule.is_average or model.storage.round(ONE) != 1:
        return
    yield from _shrinking(rule, model)
    line = last_line(rule, "theta")
    for formula, way, half in (
        (THETA - STEP, "towards zero", model.storage.precision + 1),
        (THETA + STEP, "away from zero", model.storage.precision),
    ):
        probe = Probe(formula, STEP.name, numbers(model.arithmetic, high=ONE), {"theta": ONE}, stays(ONE), True)
        found = boundary(probe, "<=", model)
        if found is not None:
            threshold = Threshold(f"|step| {way} at theta = 1", "<=", found.value, found.neighbour)
            said = f"theta does not move: half a unit in the last place is {written(Fraction(2) ** -half)}"
            yield Hazard(
                "step", str(line), line.line, to_text(line.value), threshold, said, False, confirmed(found, model)
            )
    yield from _usual_step(rule, model)


def _usual_step(rule: Rule, model: Model) -> Iterator[Hazard]:
    """From which parameter on a step as large as the first one at g = 1 is lost; with norms there is no such step."""
    values = at_rest(rule)
    if values is None or rule.norms:
        return
    [first] = stored([rule.step["theta"]], {**values, "g": ONE}, model)
    if isinstance(first, float) or first == 0:
        return
    probe = Probe(THETA - STEP, "theta", numbers(model.storage), {STEP.name: abs(first)}, UNCHANGED, True)
    found = boundary(probe, ">=", model)
    if found is not None and not found.everywhere:
        line = last_line(rule, "theta")
        threshold = Threshold("|theta|", ">=", found.value, found.neighbour)
        said = f"theta does not move by a step of {written(abs(first))}, the first one at g = 1"
        yield Hazard("step", str(line), line.line, "theta", threshold, said, False, confirmed(found, model))


def _shrinking(rule: Rule, model: Model) -> Iterator[Hazard]:
    """The decay of the parameter itself with all else at rest: where the least of it is needed, and where the most."""
    share = None if rule.norms else shrink_share(rule)
    if share is None:
        return
    shrunk = kept_parts(rule.step["theta"], "theta", frozenset(rule.defaults))
    line = last_line(rule, "theta")
    for varied in _causes(rule, share):
        first, last = (_standing(rule, shrunk, varied, theta, model) for theta in (ONE, _after_one(model)))
        if first is None or last is None:
            return
        default, at_default = rule.defaults[varied], value_of(share, rule.defaults)
        does_nothing = default != 0 and default <= first.value
        said = f"theta = 1 does not shrink: {to_text(share)} has to be more than {written(half_below_one(model))}"
        said += f"; just above 1 it takes {varied} > {written(last.value)}"
        if does_nothing and at_default is not None:
            said += f"; at the defaults {to_text(share)} is {written(at_default)}"
        _agrees(share, varied, rule, first.value, first.neighbour, model)
        confirmed(last, model)
        yield Hazard(
            "shrink", str(line), line.line, to_text(share), Threshold(varied, "<=", first.value, first.neighbour),
            said, does_nothing, confirmed(first, model),
        )  # fmt: skip
        return


def _standing(rule: Rule, shrunk: Expr, varied: str, theta: Fraction, model: Model) -> Boundary | None:
    """Up to which value of a hyperparameter theta stays where it is."""
    others = {**{n: v for n, v in rule.defaults.items() if n != varied}, "theta": theta}
    return boundary(Probe(shrunk, varied, numbers(model.arithmetic), others, stays(theta), True), "<=", model)


def _after_one(model: Model) -> Fraction:
    """The next number after one: of all, that which needs the most to change."""
    return 1 + model.storage.spacing(ONE)


def half_below_one(model: Model) -> Fraction:
    """Half of what is between one and the number below it."""
    return Fraction(2) ** -(model.storage.precision + 1)


def _agrees(share: Expr, varied: str, rule: Rule, last: Fraction, first: Fraction | None, model: Model) -> None:
    """The statement about the share beside the threshold of one factor: the same within two units of the arithmetic."""
    half = half_below_one(model)
    room = 2 * model.arithmetic.spacing(half)
    if model.is_mixed:
        room += Fraction(2) ** -model.arithmetic.precision  # rounded once before it is stored
    for value, sign in ((last, 1), (first, -1)):
        [found] = calculated([share], {**rule.defaults, varied: value or last}, model.arithmetic)
        if value is not None and (isinstance(found, float) or sign * (found - half) > room):
            raise Unconfirmed(f"{to_text(share)} has another threshold in {model.storage.name} than {written(half)}")


def shrink_share(rule: Rule) -> Expr | None:
    """The share of theta that a step takes away, made of hyperparameters alone; None where there is no such share."""
    after = rule.step["theta"]
    [at_zero, at_one] = [substitute([after], {"theta": Number(n)})[0] for n in (0, 1)]
    assumed = given(rule)
    try:
        share = tidy(1 - (at_one - at_zero), assumed)
    except NoNormalForm:
        return None
    if not symbols(share) or not symbols(share) <= set(rule.defaults):
        return None
    linear = identity([(after, at_zero + (1 - share) * THETA)], assumed)
    return readable(share, assumed) if linear else None


def _causes(rule: Rule, share: Expr) -> tuple[str, ...]:
    """The hyperparameters whose zero ends the shrinking, the last of the rule's list first."""
    return tuple(
        h.name
        for h in reversed(rule.hyperparameters)
        if h.domain == NONNEGATIVE
        and h.name in symbols(share)
        and value_of(share, {**rule.defaults, h.name: Fraction(0)}) == 0
    )
