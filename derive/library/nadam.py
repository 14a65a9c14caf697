"""NAdam: Adam that looks one step ahead along its first moment."""

from derive.language import decay, nonnegative, rule, sqrt


@rule(paper="Dozat 2016, Incorporating Nesterov momentum into Adam, Algorithm 2 and section 3.2; as in PyTorch",
      note="the schedule's rate psi is 0.004 there and in PyTorch, 1 in Keras")  # fmt: skip
def nadam(theta, g, t, m=0, v=0, mu_product=1, *,
          lr=nonnegative(2e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8),
          psi=nonnegative(0.004)):  # fmt: skip
    """The momentum coefficient mu_t warms up; the product of all of them corrects the bias."""
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * psi))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * psi))
    mu_product = mu_product * mu
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_bar = mu_next * m / (1 - mu_product * mu_next) + (1 - mu) * g / (1 - mu_product)
    v_hat = v / (1 - beta2**t)
    theta = theta - lr * m_bar / (sqrt(v_hat) + eps)
    return theta, m, v, mu_product


@rule(paper="Dozat 2016, Incorporating Nesterov momentum into Adam, Algorithm 2 with mu_t = beta1; as in Optax")
def nadam_constant(theta, g, t, m=0, v=0, *,
                   lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """The momentum coefficient is constant, its product a power."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_bar = beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta = theta - lr * m_bar / (sqrt(v_hat) + eps)
    return theta, m, v
