"""Update rules as libraries, courses and papers write them, for questions about what is the same."""

from __future__ import annotations

import re

from derive.library import LIBRARY
from derive.reading.read import read_text
from derive.rule import Rule

FORMS = """
def nesterov_keras(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v - lr * g
    theta = theta + beta * v - lr * g
    return theta, v

def nesterov_torch(theta, g, b=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    b = beta * b + g
    theta = theta - lr * (g + beta * b)
    return theta, b

def heavy_ball(theta, g, previous=None, *, lr=nonnegative(0.01), beta=decay(0.9)):
    if previous is None: previous = theta
    new = theta - lr * g + beta * (theta - previous)
    previous = theta
    theta = new
    return theta, previous

def debiased_by_decay(x, t, m=0, *, beta=decay(0.9)):
    beta_t = beta * (1 - beta**(t - 1)) / (1 - beta**t)
    m = beta_t * m + (1 - beta_t) * x
    output = m
    return output, m

def rmsprop_sum(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    v = beta * v + g**2
    theta = theta - lr * g / (sqrt(v) + eps)
    return theta, v

def rmsprop_debiased(theta, g, t, v=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * g / (sqrt(v / (1 - beta**t)) + eps)
    return theta, v

def descent_l2(theta, g, *, lr=nonnegative(0.01), weight_decay=nonnegative(0)):
    theta = theta - lr * (g + weight_decay * theta)
    return theta

def descent_decoupled(theta, g, *, lr=nonnegative(0.01), weight_decay=nonnegative(0)):
    theta = theta * (1 - lr * weight_decay) - lr * g
    return theta

def sign_descent(theta, g, *, lr=nonnegative(0.01)):
    theta = theta - lr * sign(g)
    return theta

def adam_stored_back(theta, g, t, m=0, v=0, *,
                     lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
    theta = theta - lr * m / (sqrt(v) + eps)
    return theta, m, v

def adam_from_zero(theta, g, t, m=0, v=0, *,
                   lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**(t - 1))
    v_hat = v / (1 - beta2**(t - 1))
    theta = theta - lr * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v

def late_descent(theta, g, m=0, *, lr=nonnegative(0.01)):
    theta = theta - lr * m
    m = g
    return theta, m

def late_ewma(x, m=0, *, beta=decay(0.9)):
    output = m
    m = beta * m + (1 - beta) * x
    return output, m

def late_adam(theta, g, t, m=0, v=0, last=0, *,
              lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    if t > 1:
        m = beta1 * m + (1 - beta1) * last
        v = beta2 * v + (1 - beta2) * last**2
        theta = theta - lr * (m / (1 - beta1**(t - 1))) / (sqrt(v / (1 - beta2**(t - 1))) + eps)
    last = g
    return theta, m, v, last

def with_idle_buffer(theta, g, v=0, u=1, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v + lr * g
    u = 3 * u + v
    theta = theta - v
    return theta, v, u

def swapped(theta, g, t, m=0, v=0, *,
            lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = beta2 * m + (1 - beta2) * g
    v = beta1 * v + (1 - beta1) * g**2
    theta = theta - lr * (m / (1 - beta2**t)) / (sqrt(v / (1 - beta1**t)) + eps)
    return theta, m, v
"""

RULES: dict[str, Rule] = {rule.name: rule for rule in LIBRARY} | {
    name: read_text(FORMS, name, "forms.py") for name in re.findall(r"def (\w+)", FORMS)
}
