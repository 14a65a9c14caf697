"""Adam with another second moment: about the mean, with additive changes, or of the gradients before this one."""

from derive.language import decay, maximum, nonnegative, rule, sign, sqrt


@rule(paper="Zhuang et al. 2020, AdaBelief optimizer, Algorithm 2", arxiv="2010.07468")
def adabelief(theta, g, t, m=0, s=0, *,
              lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """The second moment of the gradient about the first; epsilon is added twice."""
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * (g - m) ** 2 + eps
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(s_hat) + eps)
    return theta, m, s


@rule(paper="Zaheer et al. 2018, Adaptive methods for nonconvex optimization (NeurIPS 31), Algorithm 2",
      note="no bias correction; Optax corrects both moments and starts them at 1e-6")  # fmt: skip
def yogi(theta, g, m=0, v=0, *,
         lr=nonnegative(0.01), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-3)):  # fmt: skip
    """The second moment changes by a multiple of the squared gradient, whichever way."""
    m = beta1 * m + (1 - beta1) * g
    v = v - (1 - beta2) * sign(v - g**2) * g**2
    theta = theta - lr * m / (sqrt(v) + eps)
    return theta, m, v


@rule(
    paper="Taniguchi et al. 2024, ADOPT: Modified Adam can converge with any beta2 with the optimal rate, Algorithm 2",
    arxiv="2411.02853",
    note="its step 0 (v starts) is t = 1 here; the authors' later code and Optax clip the quotient to +-(t - 1)^(1/4)",
)
def adopt(theta, g, t, m=0, v=0, *,
          lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.9999), eps=nonnegative(1e-6)):  # fmt: skip
    """The gradient is divided by the second moment before it enters that; the first one only starts it."""
    u = 0 if t == 1 else g / maximum(sqrt(v), eps)
    m = beta1 * m + (1 - beta1) * u
    theta = theta - lr * m
    v = g**2 if t == 1 else beta2 * v + (1 - beta2) * g**2
    return theta, m, v
