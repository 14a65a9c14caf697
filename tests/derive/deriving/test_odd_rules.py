"""Derivations of rules nobody would write: none fails, every step shown holds, and runs go as foretold."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.deriving import derivations
from derive.deriving.stability.region import stable_region
from derive.reading.read import read_text
from derive.rendering import render
from derive.rule import Rule
from tests.odd_rules import goes_as_foretold, odd_rule

FOUND = {
    "an undefined foretold value": "m=0, y=0, *, b=decay(0.9), c=decay(0.3), lr=positive(0.01), e=positive(0.5)):\n"
    "    m = b*m + abs(g)\n    y = c*y + 2*g\n    theta = theta - lr*g/(sqrt(y) + e)\n    return theta, m, y",
    "undefined on one side": "R=-1, *, P=unit(1), W=nonnegative(0.01), A=positive(1e-8)):\n"
    "    R = (1 - P/2)*R + P/2*g\n    theta = theta + W*R/(sqrt(R) + A)\n    return theta, R",
    "steps without gradients": "R=0.5, *, b=unit(0.9), c=nonnegative(0.01), p=nonnegative(0.1)):\n"
    "    R = b*R + g\n    theta = theta - c*R - p*theta\n    return theta, R",
    "a double root": "v=1, B=1, *, b=nonnegative(0.2), n=decay(0.9), lr=nonnegative(0.01), w=nonnegative(0.1)):\n"
    "    g = g + w*theta\n    v = b*v + (1-b)*g\n    B = n*B + v\n    theta = theta - lr*B\n    return theta, v, B",
    "a start that is slowly forgotten": "u=1, *, w=decay(0.5), H=nonnegative(0.01), z=nonnegative(1e-8)):\n"
    "    u = w*u - g\n    theta = theta - H*g/(abs(u) + z)\n    return theta, u",
    "slow at the default": "v=0, *, H=unit(1), lr=nonnegative(1)):\n"
    "    v = H*v + g\n    theta = theta - lr*v\n    return theta, v",
    "a momentum of negative sign": "v=0, *, lr=nonnegative(0.01), b=decay(0.9)):\n"
    "    v = -b*v + g\n    theta = theta - lr*v\n    return theta, v",
    "an ascent": "*, lr=nonnegative(0.01)):\n    theta = theta + lr*g\n    return theta",
    "a first step that is undefined": "y=-1, *, a=nonnegative(0.01), n=positive(0.5)):\n"
    "    theta = theta - (a*g/(sqrt(y) + n))\n    y = y + g**2\n    return theta, y",
    "a coupled decay that is not linear": "n2=0.5, *, r=decay(0.5), q=nonnegative(0.01), mu=positive(0.5), "
    "U=nonnegative(0.1)):\n    g = g + U*theta\n    theta = theta - (q*n2/(abs(n2) + mu))\n    n2 = r*n2 + 2*g\n"
    "    return theta, n2",
    "a start below zero": "y=-1, *, r=decay(0.9), U=nonnegative(0.01), P=positive(0.5)):\n"
    "    y = r*y + (1 - r)*g**2\n    theta = theta - (U*g/max(sqrt(y), P))\n    return theta, y",
    "a decay that is added": "*, lr=positive(0.01), wd=nonnegative(0.1)):\n"
    "    theta = theta - lr*sign(g) + lr*wd*theta\n    return theta",
    "a state that no noise reaches": "v=0, *, c=nonnegative(0.01), h=positive(0.5), P=nonnegative(0.1)):\n"
    "    g = g + P*theta\n    v = v + 2*g\n    theta = theta - (c*v + h*theta)\n    return theta, v",
    "a root of sizes": "u=0, *, k=decay(0.9), c=nonnegative(0.01), r=positive(0.5)):\n"
    "    u = k*u + (1 - k)*abs(g)\n    theta = theta - c*g/(sqrt(u) + r)\n    return theta, u",
    "a step that comes late": "m=0, *, q=decay(0.9), n=nonnegative(0.01)):\n"
    "    theta = theta - n*sign(m)\n    m = q*m + (1 - q)*g\n    return theta, m",
    "a step that is scaled twice": "*, w=nonnegative(0.01), V=positive(0.5)):\n"
    "    theta = theta - w*(g + V*g)\n    return theta",
}

EXAMPLES = max(2, settings().max_examples // 50)  # a rule takes seconds; more where asked to explore


def found(name: str) -> Rule:
    return read_text(f"def odd(theta, g, {FOUND[name]}\n", "odd", "odd.py")


def holds(rule: Rule) -> None:
    for derivation in derivations(rule):
        for step in derivation.checked:
            assert step.verdict, (derivation.title, step.why, rule.source)
        if rule.defaults.keys() == {*rule.hyperparameter_names}:
            for experiment in derivation.experiments:
                assert goes_as_foretold(rule, experiment), (derivation.title, experiment.what, rule.source)
    render(rule)


@pytest.mark.parametrize("name", FOUND)
def test_rules_that_were_hard(name: str) -> None:
    holds(found(name))


@given(st.integers(0, 10**6))
@settings(max_examples=EXAMPLES)
def test_rules_made_by_chance(seed: int) -> None:
    holds(odd_rule(Random(seed)))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("a momentum of negative sign", "Slow modes"),
        ("an ascent", "Tuned for a condition number"),
        ("an ascent", "Overshoot, cycle and divergence"),
        ("a decay that is added", "The range of a decayed parameter"),
        ("a double root", "Decoupled weight decay"),
        ("a first step that is undefined", "The largest step"),
    ],
)
def test_nothing_is_said_where_it_is_wrong(name: str, title: str) -> None:
    assert title not in {derivation.title for derivation in derivations(found(name))}


def test_a_rule_may_call_a_hyperparameter_z() -> None:
    text = "def odd(theta, g, v=0, *, {0}=nonnegative(0.01), P=unit(0.9)):\n    v = (1 - P/2)*v + P*g\n" \
           "    theta = theta - {0}*v\n    return theta, v\n"  # fmt: skip
    conditions = []
    for name in ("z", "lr"):
        region = stable_region(read_text(text.format(name), "odd", "odd.py"))
        assert region is not None
        assert region.holds
        conditions.append(str(region.quantities["condition"]).replace("lr", "z"))
    assert conditions[0] == conditions[1]
