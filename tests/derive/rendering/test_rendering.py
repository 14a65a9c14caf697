"""Pages as people see them: text in full, LaTeX in part, and every format for every rule."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import derive
from derive.deriving import derivations
from derive.expr import Symbol, to_text
from derive.library import LIBRARY
from derive.reading.python.expressions import read_expression
from derive.reading.read import read_path
from derive.rendering import document, latex, render
from derive.rendering.formulas import as_sympy
from derive.rendering.names import symbol_latex
from derive.rule import Rule
from tests.sample import SAMPLE

GRADIENT_DESCENT = """\
gradient_descent: Steepest descent with a constant learning rate.
Cauchy 1847, Méthode générale pour la résolution des systèmes d'équations simultanées

hyperparameters
  lr in [0, ∞), 0.01

step
  theta[t] = theta[t-1] - lr * g[t]

1. Effective learning rate under a constant gradient
   A constant gradient g moves theta by effective_lr[t] * g; effective_lr[t] = lr.
   Here every g is the same.
   1.1  theta[t-1] - theta[t] = theta[t-1] - (theta[t-1] - lr * g)
          the rule's step
   1.2  theta[t-1] - theta[t] = theta[t-1] - (theta[t-1] - lr * g) = lr * g
          proved: with every g the same
   1.3  effective_lr[t] = lr
          the factor of g
"""


def test_a_page_as_text() -> None:
    text = str(derive.show("gradient_descent"))
    head, section = GRADIENT_DESCENT.split("\n1. ", 1)
    assert text.startswith(head)
    assert _unnumbered(f"\n1. {section}") in _unnumbered(text)
    checked, _, of, *_ = text.splitlines()[-1].split()
    assert checked == of


def _unnumbered(text: str) -> str:
    """The text with derivations and steps not told apart by their numbers."""
    return re.sub(r"(?m)^( *)\d+\.", r"\1N.", text)


@pytest.mark.parametrize("rule", SAMPLE, ids=lambda rule: rule.name)
def test_every_rule_of_the_sample_in_every_format(rule: Rule) -> None:
    assert rule.name in render(rule, "text")
    markdown, tex = render(rule, "markdown"), render(rule, "latex")
    assert markdown.count("$$") == 2
    assert tex.count(r"\begin{align*}") == tex.count(r"\end{align*}") == 1
    for text in (markdown, tex):
        assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    data = json.loads(json.dumps(document(rule)))
    assert data["steps"]["proved"] == data["steps"]["checked"]
    assert data["steps"]["checked"] > 0 or not derivations(rule)


def test_a_notebook_shows_formulas() -> None:
    shown = derive.show("adam")._repr_markdown_()
    assert r"m_{t} &= \beta_{1} \, m_{t-1} + \left(1 - \beta_{1}\right) \, g_{t}" in shown
    assert r"\frac{\mathrm{lr} \, \hat{m}_{t}}{\sqrt{\hat{v}_{t}} + \varepsilon}" in shown
    assert derive.rules()[0]._repr_markdown_().startswith("## ewma")


def test_the_queried_point_is_shown() -> None:
    nesterov = next(r for r in LIBRARY if r.query is not None)
    assert r"g_{t} &= \nabla f\left(\theta_{t-1} - \beta \, v_{t-1}\right)" in render(nesterov, "latex")
    assert "g[t] = grad(theta[t-1] - beta * v[t-1])" in render(nesterov, "text")


NAMES = {
    "beta1": r"\beta_{1}",
    "m_hat[t]": r"\hat{m}_{t}",
    "v_bar": r"\bar{v}",
    "theta[t-1]": r"\theta_{t-1}",
    "lr": r"\mathrm{lr}",
    "eta": r"\eta",
    "m_1": r"m_{(1)}",
    "m1": r"m_{1}",
    "Alpha": r"\mathrm{Alpha}",
    "lr_t[t]": r"\mathrm{lr\_t}_{t}",
    "weight_decay": r"\lambda",
    "g_decayed[t]": r"g_{\mathrm{decayed},t}",
    "momentum_buffer": r"\mathrm{momentum\_buffer}",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_in_latex(name: str) -> None:
    assert symbol_latex(name) == NAMES[name]


def test_a_power_of_a_primed_name_has_one_superscript() -> None:
    assert latex(Symbol("g'[t]") ** 2, {}) == "{g'_{t}}^{2}"


def test_the_order_of_the_author_is_kept() -> None:
    g, m, beta = map(Symbol, ["g", "m", "beta"])
    assert latex(beta * m + (1 - beta) * g, {}) == r"\beta \, m + \left(1 - \beta\right) \, g"
    assert str(as_sympy(beta * m + (1 - beta) * g)) == "beta*m + g*(1 - beta)"


LATEX = {
    "beta * (-lr) * g": r"\beta \, \left(-\mathrm{lr}\right) \, g",
    "c + -lr * c": r"c + \left(-\mathrm{lr} \, c\right)",
    "-(1 - beta) * g": r"-\left(1 - \beta\right) \, g",
    "a - (b - c)": r"a - \left(b - c\right)",
    "(a + b) * (a - b)": r"\left(a + b\right) \, \left(a - b\right)",
    "(a / b)**2": r"\left(\frac{a}{b}\right)^{2}",
    "a**b**c": r"a^{b^{c}}",
    "(a**b)**c": r"\left(a^{b}\right)^{c}",
    "2 * 3": r"2 \cdot 3",
    "sqrt(v) + 0.5": r"\sqrt{v} + 0.5",
    "1e-8 * a": r"\frac{1}{100000000} \, a",
    "where(t == 1, g, -g)": r"\begin{cases} g & \text{if } t = 1 \\ -g & \text{otherwise} \end{cases}",
    "maximum(abs(g), a)": r"\max\left(\left|g\right|, a\right)",
    "(-a)**2": r"\left(-a\right)^{2}",
    "a / -b": r"\frac{a}{-b}",
}


@pytest.mark.parametrize("text", LATEX)
def test_formulas_keep_their_brackets(text: str) -> None:
    assert latex(read_expression(text), {}) == LATEX[text]


@pytest.mark.parametrize("text", ["(p > 0 or q > 0) and r > 0", "p > 0 or q > 0 and r > 0", "not (p > 0 and q > 0)"])
def test_conditions_read_back_as_they_are_written(text: str) -> None:
    condition = read_expression(f"where({text}, 1, 0)")
    assert read_expression(to_text(condition)) is condition
    other = read_expression("where(p > 0 or q > 0 and r > 0, 1, 0)")
    assert (latex(condition, {}) == latex(other, {})) is (condition is other)


def test_a_gradient_that_is_changed_has_two_names(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "def own(theta, g, *, lr=0.1, wd=0.1):\n    g = g + wd * theta\n    theta = theta - lr * g\n    return theta\n"
    )
    assert "g'[t] = g[t] + wd * theta[t-1]\n  theta[t] = theta[t-1] - lr * g'[t]" in render(read_path(str(path), "own"))


def test_a_value_assigned_again_is_primed_until_the_last(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "def own(theta, g, m=0, *, lr=0.1, beta=decay(0.9)):\n"
        "    m *= beta\n    m += (1 - beta) * g\n    theta = theta - lr * m\n    return theta, m\n"
    )
    text = render(read_path(str(path), "own"))
    assert "m'[t] = m[t-1] * beta\n  m[t] = m'[t] + (1 - beta) * g[t]\n  theta[t] = theta[t-1] - lr * m[t]" in text
