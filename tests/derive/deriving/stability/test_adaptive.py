"""Adaptive rules: frozen preconditioners, thresholds, cycles; and what must not be frozen."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.algebra.differentiating import NoDerivative, derivative
from derive.algebra.facts import Assumptions
from derive.deriving.stability import frozen, frozen_region, two_cycle
from derive.deriving.stability.attraction import attraction
from derive.deriving.stability.cycle import find_cycle
from derive.deriving.stability.frozen import freeze
from derive.deriving.stability.settled import settled
from derive.evaluate import ball, exact
from derive.expr import Expr
from derive.language import decay, maximum, nonnegative, rule, sign, sqrt
from derive.library.lookup import find_rule
from derive.proving import identity
from derive.reading.python.expressions import read_expression
from derive.rule import POSITIVE, Rule


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


def same(a: Expr, text: str, found: Rule) -> bool:
    domains = {**found.domains, "h": POSITIVE, "P": POSITIVE}
    return bool(identity([(a, formula(text))], Assumptions(domains)))


@rule(paper="test")
def ahead(theta, g, t, m=0, v=0, *, lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # type: ignore[no-untyped-def]
    """A step along the moment of the step after."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_bar = beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)
    theta = theta - lr * m_bar / (sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v


@rule(paper="test")
def along_sign(theta, g, m=0, *, lr=nonnegative(0.01), beta=decay(0.9)):  # type: ignore[no-untyped-def]
    """The sign of an average."""
    m = beta * m + (1 - beta) * g
    theta = theta - lr * sign(m)
    return theta, m


@rule(paper="test")
def largest(theta, g, u=0, *, lr=nonnegative(0.01), beta=decay(0.9), eps=nonnegative(1e-8)):  # type: ignore[no-untyped-def]
    """The largest decayed gradient divides."""
    u = maximum(beta * u, abs(g) + eps)
    theta = theta - lr * g / u
    return theta, u


@rule(paper="test")
def one_sided(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):  # type: ignore[no-untyped-def]
    """What divides depends on the sign of the gradient: it is no preconditioner."""
    v = beta * v + (1 - beta) * maximum(g, 0)
    theta = theta - lr * g / (1 + v)
    return theta, v


@pytest.mark.parametrize(
    ("found", "threshold"),
    [
        (find_rule("adam"), "2*(1+beta1)/(1-beta1)/lr"),
        (find_rule("rmsprop"), "2/lr"),
        (find_rule("adamw"), "(2-lr*weight_decay)*(1+beta1)/(1-beta1)/lr"),
        (ahead, "2*(1+beta1)/((1-beta1)*(1+2*beta1))/lr"),
        (along_sign, "2*(1+beta)/(1-beta)/lr"),
        (largest, "2/lr"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_preconditioned_thresholds_come_out(found: Rule, threshold: str) -> None:
    derived = frozen_region(found)
    assert derived is not None
    assert derived.holds
    positive = {**found.domains, "lr": POSITIVE}
    pair = (derived.quantities["preconditioned_threshold"], formula(threshold))
    assert identity([pair], Assumptions(positive))


def test_adam_bears_38_over_lr() -> None:
    derived = frozen_region(find_rule("adam"))
    assert derived is not None
    [value] = exact([derived.quantities["preconditioned_threshold"]], find_rule("adam").defaults)
    assert value == 38 / Fraction("0.001")
    assert derived.quantities["preconditioner_at_rest"] is formula("eps")


def test_at_rest_is_only_what_steps_at_the_minimum_lead_to() -> None:
    """A sum of squares stays what the past made it; an epsilon inside a maximum or a state remains."""

    @rule(paper="test")
    def with_floor(theta, g, v=0, *, lr=nonnegative(0.1), beta=decay(0.5), eps=nonnegative(0.01)):  # type: ignore[no-untyped-def]
        """epsilon is added to what is remembered."""
        v = beta * v + (1 - beta) * g**2 + eps
        theta = theta - lr * g / sqrt(v)
        return theta, v

    rests = {r.name: frozen_region(r) for r in (largest, with_floor, find_rule("adagrad"))}
    assert all(rests.values())
    found = {n: d.quantities.get("preconditioner_at_rest") for n, d in rests.items() if d is not None}
    assert found["largest"] is formula("eps")
    assert found["adagrad"] is None
    rest = found["with_floor"]
    assert rest is not None
    assert same(rest, "sqrt(eps/(1-beta))", with_floor)


def test_what_notices_signs_is_not_frozen() -> None:
    assert frozen(one_sided) is None
    assert frozen(find_rule("momentum")) is None
    assert frozen(find_rule("ewma")) is None


def test_corrections_settle_only_where_powers_fade() -> None:
    assert settled(find_rule("adam")) is not None

    @rule(paper="test")
    def slowing(theta, g, t, *, lr=nonnegative(0.1), c=nonnegative(2)):  # type: ignore[no-untyped-def]
        """t is left, and the base of a power may be above one."""
        theta = theta - lr * g / (1 + c**t)
        return theta  # noqa: RET504

    assert settled(slowing) is None


def test_rmsprop_ends_in_a_cycle_of_half_the_learning_rate() -> None:
    found = two_cycle(find_rule("rmsprop"))
    assert found is not None
    assert found.holds
    assert same(found.quantities["cycle_amplitude"], "lr/2 - eps/h", find_rule("rmsprop"))
    assert found.quantities["attraction"] is not None


def test_the_cycle_of_adam_repels_at_its_defaults() -> None:
    found = two_cycle(find_rule("adam"))
    assert found is not None
    assert found.holds
    assert same(found.quantities["cycle_amplitude"], "lr*(1-beta1)/(2*(1+beta1)) - eps/h", find_rule("adam"))
    assert "repels" in found.statement


def test_a_cycle_of_another_amplitude_is_no_cycle() -> None:
    """One exact step from twice the amplitude does not lead to the mirror image."""
    frozen_rule = freeze(find_rule("rmsprop"))
    assert frozen_rule is not None
    cycle = find_cycle(frozen_rule)
    assert cycle is not None
    values = {"lr": Fraction(1, 10), "beta": Fraction(9, 10), "eps": Fraction(0), "h": Fraction(3)}
    for amplitude, turns in ((Fraction(1, 20), True), (Fraction(1, 10), False)):
        here = {**values, "theta": amplitude, "g": 3 * amplitude, "v": 9 * amplitude**2}
        [after] = exact([find_rule("rmsprop").step["theta"]], here)
        assert (after == -amplitude) is turns
    assert attraction(cycle) is not None


def test_derivatives_agree_with_difference_quotients() -> None:
    expr = formula("sqrt(b*v + (1-b)*x**2) / (1 + x*v) - abs(x)**3 - v/x")
    point = {"b": Fraction(1, 3), "v": Fraction(2), "x": Fraction(3, 2)}
    step = Fraction(1, 10**12)
    for name in point:
        [low, high] = (ball([expr], {**point, name: point[name] + s}, bits=200)[0] for s in (-step, step))
        [exactly] = ball([derivative(expr, name)], point, bits=200)
        assert abs(float((high - low) / 2 * 10**12 - exactly)) < 1e-9  # type: ignore[operator]
    with pytest.raises(NoDerivative):
        derivative(formula("max(x, v)"), "x")
