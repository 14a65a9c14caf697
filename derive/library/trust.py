"""Layer-wise rates: a step as long as a share of the parameter, by norms of whole tensors."""

from derive.language import decay, nonnegative, norm, positive, rule, sqrt, where


@rule(
    paper="You, Gitman & Ginsburg 2017, Large batch training of convolutional networks, Algorithm 1",
    arxiv="1708.03888",
    note="the ratio is 1 where theta or its gradient is zero; the paper leaves that open",
)
def lars(theta, g, v=0, *,
         lr=nonnegative(0.01), mu=decay(0.9), weight_decay=nonnegative(5e-4), trust=nonnegative(1e-3)):  # fmt: skip
    """Momentum on steps that are scaled to the size of the parameter, decay included."""
    size = norm(theta)
    slope = norm(g)
    ratio = where(size > 0 and slope > 0, trust * size / (slope + weight_decay * size), 1)
    v = mu * v + lr * ratio * (g + weight_decay * theta)
    theta = theta - v
    return theta, v


@rule(
    paper="You et al. 2020, Large batch optimization for deep learning, Algorithm 2, phi(z) = z",
    arxiv="1904.00962",
    note="the ratio is 1 where theta or the direction is zero, as in Optax; epsilon is positive",
)
def lamb(theta, g, t, m=0, v=0, *,
         lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=positive(1e-6),
         weight_decay=nonnegative(1e-2)):  # fmt: skip
    """Adam's direction with decoupled decay, made as long as the parameter."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    u = m_hat / (sqrt(v_hat) + eps) + weight_decay * theta
    size = norm(theta)
    length = norm(u)
    ratio = where(size > 0 and length > 0, size / length, 1)
    theta = theta - lr * ratio * u
    return theta, m, v
