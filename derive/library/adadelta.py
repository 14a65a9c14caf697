"""Adadelta: steps in the units of the parameter, from averages of squared gradients and of squared steps."""

from derive.language import decay, nonnegative, rule, sqrt


@rule(paper="Zeiler 2012, ADADELTA, Algorithm 1; the factor lr as in PyTorch (the paper has none)", arxiv="1212.5701")
def adadelta(theta, g, v=0, u=0, *, lr=nonnegative(1), rho=decay(0.95), eps=nonnegative(1e-6)):
    """epsilon inside both roots; the learning rate is a factor of the step alone and is 1."""
    v = rho * v + (1 - rho) * g**2
    delta = sqrt(u + eps) / sqrt(v + eps) * g
    u = rho * u + (1 - rho) * delta**2
    theta = theta - lr * delta
    return theta, v, u
