"""Rules that the library does not have, whose steps and decays are derived in the tests."""

from derive.language import decay, maximum, nonnegative, rule, sqrt


@rule
def adamax_keras(
    theta, g, t, m=0, u=0, *, lr=nonnegative(2e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-7)
):
    m = beta1 * m + (1 - beta1) * g
    u = maximum(beta2 * u, abs(g))
    theta = theta - lr / (1 - beta1**t) * m / (u + eps)
    return theta, m, u


@rule
def nadam_ruder(
    theta, g, t, m=0, v=0, *, lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)
):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_bar = beta1 * m / (1 - beta1**t) + (1 - beta1) * g / (1 - beta1**t)
    theta = theta - lr * m_bar / (sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v


@rule
def rmsprop_momentum_lr_inside(
    theta, g, v=0, b=0, *, lr=nonnegative(0.01), rho=decay(0.99), mu=decay(0.9), eps=nonnegative(1e-8)
):
    v = rho * v + (1 - rho) * g**2
    b = mu * b + lr * g / sqrt(v + eps)
    theta = theta - b
    return theta, v, b


@rule
def adam_uncorrected(
    theta, g, m=0, v=0, *, lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)
):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * m / (sqrt(v) + eps)
    return theta, m, v


@rule
def decayed_descent(theta, g, *, lr=nonnegative(1e-2), wd=nonnegative(1e-2)):
    theta = theta - lr * (g + wd * theta)
    return theta  # noqa: RET504 - the rule language ends so


@rule
def momentum_coupled(theta, g, v=0, *, lr=nonnegative(1e-2), beta=decay(0.9), wd=nonnegative(1e-2)):
    g2 = g + wd * theta
    v = beta * v + g2
    theta = theta - lr * v
    return theta, v


@rule
def momentum_decoupled(theta, g, v=0, *, lr=nonnegative(1e-2), beta=decay(0.9), wd=nonnegative(1e-2)):
    theta = theta * (1 - lr * wd)
    v = beta * v + g
    theta = theta - lr * v
    return theta, v


@rule
def adamw_late(
    theta,
    g,
    t,
    m=0,
    v=0,
    *,
    lr=nonnegative(1e-3),
    beta1=decay(0.9),
    beta2=decay(0.999),
    eps=nonnegative(1e-8),
    wd=nonnegative(1e-2),
):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)
    theta = theta - lr * wd * theta
    return theta, m, v


@rule
def adamw_lr_free(
    theta,
    g,
    t,
    m=0,
    v=0,
    *,
    lr=nonnegative(1e-3),
    beta1=decay(0.9),
    beta2=decay(0.999),
    eps=nonnegative(1e-8),
    wd=nonnegative(1e-2),
):
    theta = theta - wd * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v


@rule
def two_averages(
    theta,
    g,
    m=0,
    n=0,
    v=0,
    *,
    lr=nonnegative(1e-3),
    beta1=decay(0.9),
    beta3=decay(0.99),
    alpha=nonnegative(2),
    beta2=decay(0.999),
    eps=nonnegative(1e-8),
):
    m = beta1 * m + (1 - beta1) * g
    n = beta3 * n + (1 - beta3) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * (m + alpha * n) / (sqrt(v) + eps)
    return theta, m, n, v


@rule
def adamw_folded(
    theta,
    g,
    t,
    m=0,
    v=0,
    *,
    lr=nonnegative(1e-3),
    beta1=decay(0.9),
    beta2=decay(0.999),
    eps=nonnegative(1e-8),
    wd=nonnegative(1e-2),
):
    """The correction of the second moment inside the learning rate, which also multiplies the decay."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    lr_t = lr * sqrt(1 - beta2**t)
    theta = theta - lr_t * (m / (1 - beta1**t) / (sqrt(v) + eps) + wd * theta)
    return theta, m, v
