"""What the reader makes of a text, as a person would check it: source on the left, the rule on the right."""

from __future__ import annotations

from textwrap import dedent

import pytest

from derive.expr import to_text
from derive.reading.read import read_text
from derive.rule import Rule


def shown(rule: Rule) -> str:
    """A rule as text: its inputs and outputs, states with their start, hyperparameters, query and body."""
    lines = [f"{', '.join(rule.inputs)} -> {', '.join(rule.outputs)}"]
    if rule.states:
        lines.append("state " + ", ".join(f"{s.name} = {to_text(s.initial)}" for s in rule.states))
    if rule.hyperparameters:
        lines.append("given " + ", ".join(f"{h.name} = {h.default} in {h.domain}" for h in rule.hyperparameters))
    if rule.query is not None:
        lines.append(f"g = grad({to_text(rule.query)})")
    return "\n".join([*lines, *map(str, rule.body)])


CASES = {
    "a function without a decorator": (
        """
        def f(theta, g, v=0, *, lr=0.1, beta=0.9):
            v = beta * v + lr * g
            theta = theta - v
            return theta, v
        """,
        """
        theta, g -> theta
        state v = 0
        given lr = 1/10 in (-∞, ∞), beta = 9/10 in (-∞, ∞)
        v = beta * v + lr * g
        theta = theta - v
        """,
    ),
    "domains are declared around the default": (
        """
        from derive import rule
        from derive.language import decay, positive

        @rule(paper="A paper")
        def f(theta, g, *, lr=positive(1e-8), beta=decay()):
            theta = theta - lr * beta * g
            return theta
        """,
        """
        theta, g -> theta
        given lr = 1/100000000 in (0, ∞), beta = None in [0, 1)
        theta = theta - lr * beta * g
        """,
    ),
    "a plain function's unchanged arguments are hyperparameters": (
        """
        def f(theta, g, lr, m=0.0, beta=0.9):
            m = beta * m + g
            return theta - lr * m, m
        """,
        """
        theta, g -> theta
        state m = 0
        given lr = None in (-∞, ∞), beta = 9/10 in (-∞, ∞)
        m = beta * m + g
        theta = theta - lr * m
        """,
    ),
    "what has another name is returned by its position": (
        """
        @rule
        def f(theta, g, m=0, *, lr=0.1):
            m_new = 0.9 * m + g
            theta_new = theta - lr * m_new
            return theta_new, m_new
        """,
        """
        theta, g -> theta
        state m = 0
        given lr = 1/10 in (-∞, ∞)
        m_new = 0.9 * m + g
        theta_new = theta - lr * m_new
        theta = theta_new
        m = m_new
        """,
    ),
    "an average, its output an expression": (
        """
        def f(x, t, m=0, *, beta=0.9):
            m = beta * m + (1 - beta) * x
            return m / (1 - beta**t), m
        """,
        """
        x, t -> output
        state m = 0
        given beta = 9/10 in (-∞, ∞)
        m = beta * m + (1 - beta) * x
        output = m / (1 - beta**t)
        """,
    ),
    "a tuple takes all its values first": (
        """
        def f(theta, g, m=0, v=0):
            m, v = v + g, m
            theta, half = theta - m, theta / 2
            m, v = v, m
            return theta - half, m, v
        """,
        """
        theta, g -> theta
        state m = 0, v = 0
        m_old = m
        m = v + g
        v = m_old
        half = theta / 2
        theta = theta - m
        m_old_ = m
        m = v
        v = m_old_
        theta = theta - half
        """,
    ),
    "branches become where": (
        """
        def f(theta, g, t, m=0, *, lr=0.1, top=1):
            if t == 1:
                m = g
            else:
                m = 0.9 * m + 0.1 * g
            if m > top:
                d = top
                m = 0
            elif m < 0:
                d = -m
            else:
                d = m
            theta = theta - lr * d
            return theta, m
        """,
        """
        theta, g, t -> theta
        state m = 0
        given lr = 1/10 in (-∞, ∞), top = 1 in (-∞, ∞)
        m = where(t == 1, g, 0.9 * m + 0.1 * g)
        d = where(m > top, top, where(m < 0, -m, m))
        m = where(m > top, 0, m)
        theta = theta - lr * d
        """,
    ),
    "truth values, and where they count as numbers": (
        """
        def f(theta, g):
            small = 0 < abs(g) <= 1 and not g == 0.5
            d = g if small or g < -2 else 2 * (g > 0)
            theta -= d
            return theta
        """,
        """
        theta, g -> theta
        small = 0 < abs(g) and abs(g) <= 1 and not g == 0.5
        d = where(small or g < -2, g, 2 * where(g > 0, 1, 0))
        theta = theta - d
        """,
    ),
    "the start of a state said in the step": (
        """
        def f(theta, g, prev=None, m=None, *, lr=0.1):
            if prev is None:
                prev = theta
            m = g if m is None else m
            m = 0.9 * m + g
            step = theta - prev
            prev = theta
            theta = theta - lr * m + step
            return theta, prev, m
        """,
        """
        theta, g, t -> theta
        state prev = theta, m = 0
        given lr = 1/10 in (-∞, ∞)
        m = where(t == 1, g, m)
        m = 0.9 * m + g
        step = theta - prev
        prev = theta
        theta = theta - lr * m + step
        """,
    ),
    "the gradient at another point": (
        """
        from derive.language import grad

        def f(theta, v=0, *, lr=0.1, beta=0.9):
            ahead = theta - beta * v
            v = beta * v + lr * grad(ahead)
            theta = theta - v
            return theta, v
        """,
        """
        theta, g -> theta
        state v = 0
        given lr = 1/10 in (-∞, ∞), beta = 9/10 in (-∞, ∞)
        g = grad(theta - beta * v)
        ahead = theta - beta * v
        v = beta * v + lr * g
        theta = theta - v
        """,
    ),
    "spellings of NumPy, math, torch and JAX": (
        """
        import math
        from math import sqrt as root
        import numpy as np
        import torch
        import torch.nn.functional as F
        import jax.numpy as jnp

        def f(theta, g, v=0, *, lr=0.1):
            v = torch.addcmul(v * 0.9, g, g, value=0.1)
            a = np.square(g) + jnp.maximum(g, 0) + F.relu(g) + math.fabs(g) + pow(g, 3)
            b = v.sqrt().add(1e-8) + v.clone() + torch.rsqrt(v) + np.clip(g, -1, 1) + root(v)
            c = torch.lerp(a, b, 0.5) + torch.clamp(a, min=0, max=1) + max(a, b, 1) + float(g)
            theta = torch.addcdiv(theta, a, c, value=-lr)
            return theta, v
        """,
        """
        theta, g -> theta
        state v = 0
        given lr = 1/10 in (-∞, ∞)
        v = v * 0.9 + 0.1 * g * g
        a = g**2 + max(g, 0) + max(g, 0) + abs(g) + g**3
        b = sqrt(v) + 1e-08 + v + 1 / sqrt(v) + min(max(g, -1), 1) + sqrt(v)
        c = a + 0.5 * (b - a) + min(max(a, 0), 1) + max(max(a, b), 1) + g
        theta = theta + -lr * a / c
        """,
    ),
    "constants of the file": (
        """
        LR = 1 / 3
        EPS: float = 1e-8

        def f(theta, g):
            return theta - LR * g / (abs(g) + EPS)
        """,
        """
        theta, g -> theta
        theta = theta - 1/3 * g / (abs(g) + 1e-08)
        """,
    ),
    "a dictionary of buffers": (
        """
        def f(theta, g, state, lr=0.1):
            if "v" not in state:
                state["v"] = torch.zeros_like(theta)
                state["step"] = 0
            state["step"] += 1
            state["v"] = state["v"].mul(0.9).add(g, alpha=1 / state["step"])
            return theta - lr * state["v"], state
        """,
        """
        theta, g, t -> theta
        state v = 0
        given lr = 1/10 in (-∞, ∞)
        v = v * 0.9 + 1 / t * g
        theta = theta - lr * v
        """,
    ),
    "a dictionary made anew at every step": (
        """
        def f(theta, g, state=None):
            if state is None:
                state = {"m": 0, "v": 1}
            state = {"m": state["v"] + g, "v": state["m"]}
            m = state["m"] / 2
            return theta - m, {"m": m, "v": state["v"]}
        """,
        """
        theta, g -> theta
        state m = 0, v = 1
        m_old = m
        m = v + g
        v = m_old
        m_new = m / 2
        m = m_new
        theta = theta - m_new
        """,
    ),
    "a dictionary in an attribute": (
        """
        class f:
            def __init__(self, lr=0.1):
                self.lr = lr
                self.state = {"m": 0.0, "t": 0}

            def update(self, theta, g):
                self.state["t"] += 1
                self.state["m"] = 0.9 * self.state["m"] + g
                return theta - self.lr * self.state["m"] / self.state["t"]
        """,
        """
        theta, g, t -> theta
        state m = 0
        given lr = 1/10 in (-∞, ∞)
        m = 0.9 * m + g
        theta = theta - lr * m / t
        """,
    ),
    "a class": (
        """
        import numpy as np

        class f:
            def __init__(self, lr=0.001, beta=0.9):
                self.lr, self.beta = lr, beta
                self.rest = 1 - beta
                self.m = None
                self.t = 0

            def step(self, theta, g):
                lr = self.lr
                if self.m is None:
                    self.m = np.zeros_like(theta)
                self.t += 1
                self.m = self.beta * self.m + self.rest * g
                m_hat = self.m / (1 - self.beta**self.t)
                return theta - lr * m_hat
        """,
        """
        theta, g, t -> theta
        state m = 0
        given lr = 1/1000 in (-∞, ∞), beta = 9/10 in (-∞, ∞)
        m = beta * m + (1 - beta) * g
        m_hat = m / (1 - beta**t)
        theta = theta - lr * m_hat
        """,
    ),
    "a class that keeps the parameter": (
        """
        class f:
            decay = 0.5

            def __init__(self, start, lr=0.1):
                self.theta = start
                self.before = start
                self.lr = lr

            def step(self, g):
                theta = self.theta - self.lr * g + self.decay * (self.theta - self.before)
                self.before = self.theta
                self.theta = theta
        """,
        """
        theta, g -> theta
        state before = theta
        given lr = 1/10 in (-∞, ∞)
        theta_new = theta - lr * g + 0.5 * (theta - before)
        before = theta
        theta = theta_new
        """,
    ),
    "a loop over steps counted from 1": (
        """
        def f(theta, gradients, n, lr=0.1, beta=0.9):
            v = 0
            rest = 1 - beta
            for t in range(1, n + 1):
                g = gradients[t - 1]
                v = beta * v + rest * g
                theta = theta - lr * v / (1 - beta**t)
            return theta
        """,
        """
        theta, g, t -> theta
        state v = 0
        given lr = 1/10 in (-∞, ∞), beta = 9/10 in (-∞, ∞)
        v = beta * v + (1 - beta) * g
        theta = theta - lr * v / (1 - beta**t)
        """,
    ),
    "a loop counted from 0, with an oracle": (
        """
        def f(gradient, start, n):
            theta = start
            prev = start.copy()
            for i in range(n):
                t = i + 1
                g = gradient(theta + (theta - prev) / t)
                prev = theta
                theta = theta - 0.1 * g / t
            return theta
        """,
        """
        theta, g, t -> theta
        state prev = theta
        g = grad(theta + (theta - prev) / t)
        prev = theta
        theta = theta - 0.1 * g / t
        """,
    ),
    "an item of the loop beside a local g": (
        """
        def f(theta, grads, wd=0.1):
            for grad in grads:
                g = grad + wd * theta
                d = grad / 2
                theta = theta - g - d
            return theta
        """,
        """
        theta, g -> theta
        given wd = 1/10 in (-∞, ∞)
        g_new = g + wd * theta
        d = g / 2
        theta = theta - g_new - d
        """,
    ),
    "a gradient asked for beside a local g": (
        """
        def f(objective, theta, n, wd=0.1):
            for _ in range(n):
                d = objective(theta)
                g = d + wd * theta
                theta = theta - g - d
            return theta
        """,
        """
        theta, g -> theta
        given wd = 1/10 in (-∞, ∞)
        g_new = g + wd * theta
        theta = theta - g_new - g
        """,
    ),
    "a loop over what is averaged": (
        """
        def f(xs, beta=0.9):
            m = 0
            for k, x in enumerate(xs):
                m = beta * m + (1 - beta) * x
                output = m / (1 - beta ** (k + 1))
            return output
        """,
        """
        x, t -> output
        state m = 0
        given beta = 9/10 in (-∞, ∞)
        m = beta * m + (1 - beta) * x
        output = m / (1 - beta**(t - 1 + 1))
        """,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_reading(case: str) -> None:
    source, expected = (dedent(text).strip() for text in CASES[case])
    assert shown(read_text(source, "f")) == expected


def test_what_a_rule_remembers_of_its_text() -> None:
    source = dedent('''
        from derive import rule

        PAPER = "A paper, equation 1"

        if True:
            @rule(paper=PAPER, arxiv="1234.56789")
            def f(theta, g):
                """What it does."""
                theta = theta - g  # the step
                return theta
    ''')
    rule = read_text(source, "f", "somewhere/rules.py")
    assert (rule.reference.paper, rule.reference.arxiv, rule.doc) == (
        "A paper, equation 1",
        "1234.56789",
        "What it does.",
    )
    assert rule.where == "rules.py:8"
    assert rule.source.startswith('@rule(paper=PAPER, arxiv="1234.56789")\ndef f(theta, g):\n    """What')
    assert rule.source.endswith("    return theta")
    assert [a.line for a in rule.body] == [10]
