"""Rules beside the library's, some of them its variants: for the tests of the prover and of matching."""

from __future__ import annotations

import re
from functools import cache

from derive.reading.read import read_text
from derive.rule import Rule

RULES = '''
def adamax(theta, g, t, m=0, u=0, *,
           lr=nonnegative(2e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    """Kingma & Ba 2015, Algorithm 2, with an epsilon as in Keras."""
    m = beta1 * m + (1 - beta1) * g
    u = max(beta2 * u, abs(g))
    theta = theta - lr / (1 - beta1**t) * m / (u + eps)
    return theta, m, u

def amsgrad(theta, g, t, m=0, v=0, v_max=0, *,
            lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    """Reddi, Kale & Kumar 2018 with bias correction: the largest second moment so far."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_max = max(v_max, v)
    m_hat = m / (1 - beta1**t)
    v_hat = v_max / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v, v_max

def nadam(theta, g, t, m=0, v=0, mu_product=1, *,
          lr=nonnegative(2e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    """Dozat 2016 with a constant momentum coefficient, whose product is kept."""
    mu_product = mu_product * beta1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = beta1 * m / (1 - mu_product * beta1) + (1 - beta1) * g / (1 - mu_product)
    v_hat = v / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v, mu_product

def nadamw(theta, g, t, m=0, v=0, *,
           lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8),
           weight_decay=nonnegative(1e-2)):
    """AdamW that looks one step ahead along the momentum, as timm has it."""
    theta = theta - lr * weight_decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    ahead = beta1 * m + (1 - beta1) * g
    theta = theta - lr * (ahead / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v

def adabelief(theta, g, t, m=0, s=0, *,
              lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    """Zhuang et al. 2020: the second moment of the gradient about the first."""
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * (g - m)**2 + eps
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(s_hat) + eps)
    return theta, m, s

def adabelief_l2(theta, g, t, m=0, s=0, *,
                 lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8),
                 weight_decay=nonnegative(0)):
    """AdaBelief with coupled decay: it is part of the gradient before anything is made of it."""
    g_decayed = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * g_decayed
    s = beta2 * s + (1 - beta2) * (g_decayed - m)**2
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(s_hat) + eps)
    return theta, m, s

def adopt(theta, g, t, m=0, v=0, *,
          lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.9999), eps=nonnegative(1e-6)):
    """Taniguchi et al. 2024: the gradient is divided by the second moment before it enters that."""
    u = 0 if t == 1 else g / max(sqrt(v), eps)
    m = beta1 * m + (1 - beta1) * u
    theta = theta if t == 1 else theta - lr * m
    v = g**2 if t == 1 else beta2 * v + (1 - beta2) * g**2
    return theta, m, v

def rmsprop_centered(theta, g, v=0, a=0, *, lr=nonnegative(0.01), beta=decay(0.9), eps=nonnegative(1e-7)):
    """Graves 2013: the variance in place of the second raw moment."""
    v = beta * v + (1 - beta) * g**2
    a = beta * a + (1 - beta) * g
    theta = theta - lr * g / (sqrt(v - a**2) + eps)
    return theta, v, a

def radam(theta, g, t, m=0, v=0, *,
          lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    """Liu et al. 2020, Algorithm 2, with an epsilon outside the root as in PyTorch."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    theta = theta - lr * m_hat * r * sqrt(1 - beta2**t) / (sqrt(v) + eps) if rho > 5 else theta - lr * m_hat
    return theta, m, v

def rprop(theta, g, previous=0, step=None, *, first=positive(0.01), shrink=positive(0.5), grow=positive(1.2),
          least=positive(1e-6), most=positive(50)):
    """Riedmiller & Braun 1993 as in PyTorch: where the sign has changed the step is left out."""
    if step is None: step = first
    product = g * previous
    factor = grow if product > 0 else shrink if product < 0 else 1
    step = min(max(step * factor, least), most)
    g = 0 if product < 0 else g
    theta = theta - step * sign(g)
    previous = g
    return theta, previous, step

def sgd_dampened(theta, g, t, buf=0, *, lr=nonnegative(0.01), momentum=decay(0.9), dampening=unit(0)):
    """PyTorch's SGD with dampening: not at the first step."""
    buf = g if t == 1 else momentum * buf + (1 - dampening) * g
    theta = theta - lr * buf
    return theta, buf

def sgd_decayed(theta, g, t, buf=0, *, lr=nonnegative(0.01), momentum=decay(0.9), dampening=unit(0),
                weight_decay=nonnegative(0)):
    """The same with coupled weight decay in front."""
    d = g + weight_decay * theta
    buf = d if t == 1 else momentum * buf + (1 - dampening) * d
    theta = theta - lr * buf
    return theta, buf

def sgdw(theta, g, buf=0, *, lr=nonnegative(0.01), momentum=decay(0.9), dampening=unit(0),
         weight_decay=nonnegative(1e-2)):
    """Loshchilov & Hutter 2019, Algorithm 1: momentum with decoupled decay."""
    buf = momentum * buf + (1 - dampening) * g
    theta = theta - lr * weight_decay * theta
    theta = theta - lr * buf
    return theta, buf

def qhm(theta, g, m=0, *, lr=nonnegative(1), beta=decay(0.999), nu=unit(0.7)):
    """Ma & Yarats 2019: an average of the momentum step and the plain one."""
    m = beta * m + (1 - beta) * g
    theta = theta - lr * ((1 - nu) * g + nu * m)
    return theta, m

def lion(theta, g, m=0, *, lr=nonnegative(1e-4), beta1=decay(0.9), beta2=decay(0.99), weight_decay=nonnegative(0)):
    """Chen et al. 2023."""
    u = sign(beta1 * m + (1 - beta1) * g)
    m = beta2 * m + (1 - beta2) * g
    theta = theta - lr * (u + weight_decay * theta)
    return theta, m

def adabound(theta, g, t, m=0, v=0, *, lr=nonnegative(1e-3), final_lr=nonnegative(0.1), gamma=positive(1e-3),
             beta1=decay(0.9), beta2=decay(0.999), eps=positive(1e-8)):
    """Luo et al. 2019 as in its authors' code."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    step_size = lr * sqrt(1 - beta2**t) / (1 - beta1**t)
    lower = final_lr * (1 - 1 / (gamma * t + 1))
    upper = final_lr * (1 + 1 / (gamma * t))
    theta = theta - min(max(step_size / (sqrt(v) + eps), lower), upper) * m
    return theta, m, v

def ftrl(theta, g, z=0, n=0.1, *, lr=positive(0.001), beta=positive(1), l1=nonnegative(0), l2=nonnegative(0)):
    """McMahan et al. 2013, Algorithm 1; start of n and factor of l2 as in Keras's code."""
    n_new = n + g**2
    z = z + g - (sqrt(n_new) - sqrt(n)) / lr * theta
    n = n_new
    theta = where(abs(z) > l1, (sign(z) * l1 - z) / ((beta + sqrt(n)) / lr + 2 * l2), 0)
    return theta, z, n

def simplified_ademamix(theta, g, t, m=0, v=0, *,
                        lr=nonnegative(1e-4), beta1=decay(0.99), beta2=decay(0.95), eps=nonnegative(1e-8),
                        alpha=nonnegative(0)):
    """Morwani et al. 2025: the momentum carries no 1 - beta1, the gradient is added with a factor."""
    m = beta1 * m + g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = v / (1 - beta2**t)
    theta = theta - lr * (m + alpha * g) / (sqrt(v_hat) + eps)
    return theta, m, v

def sutskever_nesterov(theta, g, v=0, *, lr=nonnegative(0.01), mu=decay(0.9)):
    """Sutskever et al. 2013, equations 3-4: the gradient at the point the velocity leads to."""
    g = grad(theta + mu * v)
    v = mu * v - lr * g
    theta = theta + v
    return theta, v

def keras_nesterov(theta, g, v=0, *, lr=nonnegative(0.01), momentum=decay(0.9)):
    """Keras's SGD with nesterov=True."""
    v = momentum * v - lr * g
    theta = theta + momentum * v - lr * g
    return theta, v

def torch_nesterov(theta, g, buf=0, *, lr=nonnegative(0.01), momentum=decay(0.9)):
    """PyTorch's SGD with nesterov=True."""
    buf = momentum * buf + g
    theta = theta - lr * (g + momentum * buf)
    return theta, buf

def sign_descent(theta, g, *, lr=nonnegative(0.01)):
    """Steps of one size."""
    theta = theta - lr * sign(g)
    return theta

def gradient_descent_l2(theta, g, *, lr=nonnegative(0.01), weight_decay=nonnegative(0)):
    """The decay as part of the gradient."""
    theta = theta - lr * (g + weight_decay * theta)
    return theta

def gradient_descent_decoupled(theta, g, *, lr=nonnegative(0.01), weight_decay=nonnegative(0)):
    """The decay beside the gradient."""
    theta = theta - lr * weight_decay * theta - lr * g
    return theta

def rmsprop_debiased(theta, g, t, v=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    """RMSProp with Adam's bias correction."""
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * g / (sqrt(v / (1 - beta**t)) + eps)
    return theta, v

def ewma_varying_decay(x, t, m=0, *, beta=decay(0.9)):
    """The debiased average as one whose decay grows with t."""
    b = beta * (1 - beta**(t - 1)) / (1 - beta**t)
    m = b * m + (1 - b) * x
    output = m
    return output, m
'''

NAMES = tuple(re.findall(r"^def (\w+)", RULES, re.MULTILINE))


@cache
def zoo_rule(name: str) -> Rule:
    """The rule of that name."""
    return read_text(RULES, name, "zoo_rules.py")
