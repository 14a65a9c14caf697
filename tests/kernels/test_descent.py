"""Descents as text: read back as the programs, and refused where anything was changed."""

from __future__ import annotations

from typing import Any

import pytest

from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.proving import assumptions_of
from derive.reading.landscapes import LANDSCAPES
from derive.reading.read import read_text
from derive.rule import Rule
from kernels.certify import certify_descent
from kernels.descent import Descending, emit_descent
from kernels.lower import goals
from kernels.pipeline import parts_of, programs
from kernels.readback import equal, read_back_descent

ODD = """
def names_of_the_template(theta, g, here=0.5, far=None, *, k=decay(0.9), settled=real(2), update=unit(1), ask=real(1)):
    if far is None:
        far = theta
    g = grad(theta - ask * here)
    here = k * here + settled * g
    far = update * far + here
    theta = theta - far
    return theta, here, far

def begins_with_a_hyperparameter(theta, g, t, m=None, *, lr=nonnegative(0.1), k=real(3)):
    if m is None:
        m = k
    m = where(t == 1, g, m + g)
    theta = theta - lr * m
    return theta, m

def nothing_to_hand_on(theta, g):
    theta = theta - g
    return theta
"""


def rule_of(name: str) -> Rule:
    return read_text(ODD, name, "odd.py") if f"def {name}(" in ODD else find_rule(name)


@pytest.mark.parametrize("kind", LANDSCAPES)
@pytest.mark.parametrize(
    "name", ["names_of_the_template", "begins_with_a_hyperparameter", "nothing_to_hand_on", "lars"]
)
def test_what_is_read_is_proved(name: str, kind: str) -> None:
    certificate, source = certify_descent(rule_of(name), kind)
    assert certificate.proved, certificate
    assert "Proved equal to the rule" in source


EDITS = {
    "a changed coefficient": ("beta_e * v", "lr_e * v"),
    "a dropped term": ("v_1 = beta_e * v + lr_e * g", "v_1 = beta_e * v"),
    "another point": ("point = theta - beta_e * v", "point = theta + beta_e * v"),
    "another start": ("return (theta, 0.0)", "return (theta, 1.0)"),
    "the start moved": ("return (theta, 0.0)", "return (0.0, 0.0)"),
    "swapped results": ("return (theta_1, v_1)", "return (v_1, theta_1)"),
    "another gradient": ("return curvature * x", "return curvature * curvature * x"),
    "another loss": ("total / 2.0", "total / 4.0"),
    "a step left out": ("made += 4", "made += 5"),
    "an off-by-one t": ("prelude(float(made + 1)", "prelude(float(made + 2)"),
    "no query": ("(point,) = ask(theta, state_0, scalars[128 + i])", "point = theta"),
    "settled too late": ("return True", "return False"),
    "another point of the grid": ("% places[k, 2]", "% (places[k, 2] + 1)"),
    "a loose distance": ("away if away > most else most", "away if away < most else most"),
    "fastmath": ("nogil=True)\ndef update", "nogil=True, fastmath=True)\ndef update"),
    "another element type": ("element = np.float64", "element = np.float32"),
}


OF_NORMS = {
    "a norm of something else": ("norm_g = g", "norm_g = theta"),
    "norms exchanged": ("return (norm_theta, norm_g)", "return (norm_g, norm_theta)"),
    "squares left out": ("half //= 2", "half //= 4"),
    "no root": ("norms[i] = math.sqrt(norms[i])", "norms[i] = norms[i]"),
    "measured too late": (
        "    measure_all(state, scalars, slopes, squares, norms, room, size)\n    for i",
        "    for i",
    ),
    "a ratio upside down": ("trust * norm_theta / (norm_g", "trust * norm_g / (norm_theta"),
}


OF_TIMES = {
    "shared with others": (" and hyper[64 + i] == hyper[63 + i]", ""),
    "another power": ("math.expm1(t * math.log1p(beta1", "math.expm1(t * math.log1p(beta2"),
    "times exchanged": ("(one_minus_beta1_to_t, one_minus_beta2_to_t)", "(one_minus_beta2_to_t, one_minus_beta1_to_t)"),
    "made for another step": ("timed(float(made + 1)", "timed(float(made)"),
}
EVERY = EDITS | OF_NORMS | OF_TIMES


@pytest.mark.parametrize("edit", EVERY)
def test_an_edited_source_is_refused_or_not_proved(edit: str) -> None:
    rule = find_rule("nesterov" if edit in EDITS else "lars" if edit in OF_NORMS else "adam")
    old, new = EVERY[edit]
    each = {part: programs(rule, "float64", part).final for part in parts_of(rule)}
    made = Descending(each["step"], each.get("query"), each.get("norms"))
    source = emit_descent(made, rule, "quadratic")
    assert source.count(old) >= 1
    try:
        step, query, begun = read_back_descent(source.replace(old, new, 1), made, "quadratic")
    except UserError:
        return
    known = assumptions_of(rule)
    same = equal(step, goals(rule), known) and (not query or equal(query, goals(rule, "query"), known))
    assert not (same and begun == tuple(s.initial for s in rule.states))


def test_states_that_begin_otherwise_are_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted = emit_descent

    def mistaken(*given: Any) -> str:
        return emitted(*given).replace("return (theta, 0.0)", "return (theta, 1.0)")

    monkeypatch.setattr("kernels.certify.emit_descent", mistaken)
    assert not certify_descent(find_rule("momentum"), "quadratic")[0].proved


def test_an_average_goes_down_nothing() -> None:
    with pytest.raises(UserError, match="is an average"):
        certify_descent(find_rule("ewma"), "quadratic")
