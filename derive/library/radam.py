"""RAdam: Adam whose first steps are not adapted, and whose next ones only in part."""

from derive.language import decay, nonnegative, rule, sqrt


@rule(
    paper="Liu et al. 2020, On the variance of the adaptive learning rate and beyond, Algorithm 2",
    arxiv="1908.03265",
    note="the threshold 5 and the epsilon, before bias correction, as in PyTorch (the paper has 4 and none)",
)
def radam(theta, g, t, m=0, v=0, *,
          lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):  # fmt: skip
    """The length rho of the average decides when the step is adapted, and by how much it is rectified."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    adapted = r * sqrt(1 - beta2**t) / (sqrt(v) + eps)
    theta = theta - lr * m_hat * (adapted if rho > 5 else 1)
    return theta, m, v
