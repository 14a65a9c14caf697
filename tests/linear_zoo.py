"""Linear rules as papers and libraries write them, beside those of the library: what `derive.linear` is tried on."""

from __future__ import annotations

import re

from derive.library import LIBRARY
from derive.reading.read import read_text
from derive.rule import Rule

UPDATES = '''
def heavy_ball(theta, g, previous=None, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """Polyak 1964: the step before, as the difference to the point before."""
    if previous is None: previous = theta
    new = theta - lr * g + beta * (theta - previous)
    previous = theta
    theta = new
    return theta, previous

def dampened(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9), dampening=unit(0.5)):
    """PyTorch's dampening, from the first step on."""
    v = beta * v + (1 - dampening) * g
    theta = theta - lr * v
    return theta, v

def nesterov_keras(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v - lr * g
    theta = theta + beta * v - lr * g
    return theta, v

def nesterov_pytorch(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v + g
    theta = theta - lr * (g + beta * v)
    return theta, v

def nesterov_sequences(theta, g, y=None, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """Nesterov 1983, two sequences: theta is where the gradient is taken."""
    if y is None: y = theta
    new = theta - lr * g
    theta = new + beta * (new - y)
    y = new
    return theta, y

def qhm(theta, g, m=0, *, lr=nonnegative(0.01), beta=decay(0.9), nu=unit(0.7)):
    """Ma & Yarats 2019: quasi-hyperbolic momentum."""
    m = beta * m + (1 - beta) * g
    theta = theta - lr * ((1 - nu) * g + nu * m)
    return theta, m

def unified(theta, g, ys=None, *, lr=nonnegative(0.01), beta=decay(0.9), s=nonnegative(1)):
    """Yang, Lin & Li 2016: stochastic unified momentum."""
    if ys is None: ys = theta
    y = theta - lr * g
    new = theta - s * lr * g
    theta = y + beta * (new - ys)
    ys = new
    return theta, ys

def pid(theta, g, v=0, last=0, *, lr=nonnegative(0.01), beta=decay(0.9), kd=real(0.1)):
    """An et al. 2018: momentum and a derivative term."""
    v = beta * v + g
    theta = theta - lr * v - kd * (g - last)
    last = g
    return theta, v, last

def triple(theta, g, previous=None, *, lr=nonnegative(0.01), beta=decay(0.9), gamma=real(0.3)):
    """Van Scoy, Freeman & Lynch 2018: the triple momentum method, output aside."""
    if previous is None: previous = theta
    g = grad((1 + gamma) * theta - gamma * previous)
    new = (1 + beta) * theta - beta * previous - lr * g
    previous = theta
    theta = new
    return theta, previous

def coupled(theta, g, z=None, *, lr=nonnegative(0.01), eta=nonnegative(0.1), tau=unit(0.3)):
    """Allen-Zhu & Orecchia 2014: linear coupling of a gradient and a mirror step."""
    if z is None: z = theta
    g = grad(tau * z + (1 - tau) * theta)
    theta = tau * z + (1 - tau) * theta - lr * g
    z = z - eta * g
    return theta, z

def aggregated(theta, g, v=0, w=0, *, lr=nonnegative(0.01), beta1=decay(0.5), beta2=decay(0.9)):
    """Lucas et al. 2019: momentum with two decay rates."""
    v = beta1 * v + g
    w = beta2 * w + g
    theta = theta - lr * (v + w) / 2
    return theta, v, w

def cascade(theta, g, v=0, w=0, *, lr=nonnegative(0.01), beta1=decay(0.5), beta2=decay(0.9)):
    """Momentum of momentum."""
    v = beta1 * v + g
    w = beta2 * w + v
    theta = theta - lr * w
    return theta, v, w

def second_order(theta, g, v=0, w=0, *, lr=nonnegative(0.01), p=real(1.1), q=real(-0.2)):
    """The two last velocities."""
    new = p * v + q * w + g
    w = v
    v = new
    theta = theta - lr * v
    return theta, v, w

def with_growing_buffer(theta, g, v=0, e=1, *, lr=nonnegative(0.01), beta=decay(0.9)):
    """Momentum, and a buffer that never reaches theta."""
    e = 2 * e + g
    v = beta * v + lr * g
    theta = theta - v
    return theta, v, e

def descent_l2(theta, g, *, lr=nonnegative(0.01), weight_decay=nonnegative(0.1)):
    g = g + weight_decay * theta
    theta = theta - lr * g
    return theta

def descent_decoupled(theta, g, *, lr=nonnegative(0.01), weight_decay=nonnegative(0.1)):
    theta = (1 - lr * weight_decay) * theta - lr * g
    return theta

def stale(theta, g, last=0, *, lr=nonnegative(0.01)):
    """Descent with the gradient of the step before."""
    theta = theta - lr * last
    last = g
    return theta, last
'''

AVERAGES = '''
def ewma_alpha(x, m=0, *, alpha=unit(0.1)):
    m = m + alpha * (x - m)
    output = m
    return output, m

def ewma_summed(x, s=0, *, beta=decay(0.9)):
    s = beta * s + x
    output = (1 - beta) * s
    return output, s

def ewma_before(x, m=0, *, beta=decay(0.9)):
    """What the average was before this input."""
    output = m
    m = beta * m + (1 - beta) * x
    return output, m

def double(x, m=0, n=0, *, beta1=decay(0.9), beta2=decay(0.5)):
    m = beta1 * m + (1 - beta1) * x
    n = beta2 * n + (1 - beta2) * m
    output = n
    return output, m, n

def autoregressive(x, y=0, last=0, *, a=real(1.1), b=real(-0.3), c=real(0.2)):
    output = a * y + b * last + c * x
    last = y
    y = output
    return output, y, last
'''


def _read(text: str) -> dict[str, Rule]:
    return {name: read_text(text, name, "linear_zoo.py") for name in re.findall(r"def (\w+)", text)}


_OWN = {rule.name: rule for rule in LIBRARY}
LINEAR = ("gradient_descent", "momentum", "momentum_ema", "momentum_lr_outside", "nesterov")
RULES = {**{name: _OWN[name] for name in LINEAR}, **_read(UPDATES)}
MEANS = {"ewma": _OWN["ewma"], **_read(AVERAGES)}
EVERY = {**RULES, **MEANS}
