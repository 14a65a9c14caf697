"""Pages as people see them: text in full, LaTeX in part, and every format for every rule."""

from __future__ import annotations

import json

import pytest

import derive
from derive.expr import Symbol
from derive.library import LIBRARY
from derive.rendering import document, latex, render
from derive.rendering.formulas import as_sympy, symbol_latex
from derive.rule import Rule

GRADIENT_DESCENT = """\
gradient_descent: Steepest descent with a constant learning rate.
Cauchy 1847, Méthode générale pour la résolution des systèmes d'équations simultanées

hyperparameters
  lr in [0, ∞), 0.01

step
  theta[t] = theta[t-1] - lr * g[t]

1. Effective learning rate under a constant gradient
   A constant gradient g moves theta by effective_lr[t] g with effective_lr[t] = lr.
   Here every g is the same.
   1.1  theta[t-1] - theta[t] = theta[t-1] - (theta[t-1] - lr * g)
          the rule's step
   1.2  theta[t-1] - theta[t] = theta[t-1] - (theta[t-1] - lr * g) = lr * g
          proved: with every g the same
   1.3  effective_lr[t] = lr
          the factor of g

1 of 1 steps checked"""


def test_a_page_as_text() -> None:
    assert str(derive.show("gradient_descent")) == GRADIENT_DESCENT


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_every_rule_in_every_format(rule: Rule) -> None:
    assert rule.name in render(rule, "text")
    markdown, tex = render(rule, "markdown"), render(rule, "latex")
    assert markdown.count("$$") == 2
    assert tex.count(r"\begin{align*}") == tex.count(r"\end{align*}") == 1
    for text in (markdown, tex):
        assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    data = json.loads(json.dumps(document(rule)))
    assert data["steps"]["proved"] == data["steps"]["checked"] > 0


def test_a_notebook_shows_formulas() -> None:
    shown = derive.show("adam")._repr_markdown_()
    assert r"m_{t} &= \beta_{1} \, m_{t-1} + \left(1 - \beta_{1}\right) \, g_{t}" in shown
    assert r"\frac{\eta \, \hat{m}_{t}}{\sqrt{\hat{v}_{t}} + \varepsilon}" in shown
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
    "lr": r"\eta",
    "lr_t[t]": r"\eta_{t}",
    "weight_decay": r"\lambda",
    "g_decayed[t]": r"g_{\mathrm{decayed},t}",
    "momentum_buffer": r"\mathrm{momentum\_buffer}",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_in_latex(name: str) -> None:
    assert symbol_latex(name) == NAMES[name]


def test_the_order_of_the_author_is_kept() -> None:
    g, m, beta = map(Symbol, ["g", "m", "beta"])
    assert latex(beta * m + (1 - beta) * g, {}) == r"\beta \, m + \left(1 - \beta\right) \, g"
    assert str(as_sympy(beta * m + (1 - beta) * g)) == "beta*m + g*(1 - beta)"
