"""Adam with a maximum in place of the second moment, or of that."""

from derive.language import decay, maximum, nonnegative, rule, sqrt


@rule(paper="Kingma & Ba 2015, Algorithm 2; epsilon as in PyTorch (the paper has none)", arxiv="1412.6980")
def adamax(theta, g, t, m=0, u=0, *,
           lr=nonnegative(2e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """The largest decayed gradient; epsilon inside the maximum."""
    m = beta1 * m + (1 - beta1) * g
    u = maximum(beta2 * u, abs(g) + eps)
    theta = theta - lr / (1 - beta1**t) * m / u
    return theta, m, u


@rule(paper="Reddi, Kale & Kumar 2018, Algorithm 2; bias correction and epsilon as in PyTorch (the paper has none)",
      arxiv="1904.09237")  # fmt: skip
def amsgrad(theta, g, t, m=0, v=0, v_max=0, *,
            lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """The largest second raw moment so far, bias-corrected afterwards."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_max = maximum(v_max, v)
    m_hat = m / (1 - beta1**t)
    v_hat = v_max / (1 - beta2**t)
    theta = theta - lr * m_hat / (sqrt(v_hat) + eps)
    return theta, m, v, v_max


@rule(paper="Reddi, Kale & Kumar 2018, Algorithm 2; bias correction before the maximum and epsilon as in Optax",
      arxiv="1904.09237")  # fmt: skip
def amsgrad_debiased(theta, g, t, m=0, v=0, v_max=0, *,
                     lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """The largest bias-corrected second moment so far."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    v_max = maximum(v_max, v_hat)
    theta = theta - lr * m_hat / (sqrt(v_max) + eps)
    return theta, m, v, v_max
