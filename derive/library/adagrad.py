"""Adagrad: learning rates that shrink with the sum of the squared gradients."""

from derive.language import nonnegative, rule, sqrt


@rule(
    paper="Duchi, Hazan & Singer 2011, Adaptive subgradient methods, JMLR 12, figure 1 (diagonal, without projection)"
)
def adagrad(theta, g, s=0, *, lr=nonnegative(0.01), eps=nonnegative(1e-10)):
    """epsilon outside the root."""
    s = s + g**2
    theta = theta - lr * g / (sqrt(s) + eps)
    return theta, s


@rule(paper="Ruder 2016, An overview of gradient descent optimization algorithms, section 4.3", arxiv="1609.04747")
def adagrad_eps_inside(theta, g, s=0, *, lr=nonnegative(0.01), eps=nonnegative(1e-8)):
    """epsilon inside the root."""
    s = s + g**2
    theta = theta - lr * g / sqrt(s + eps)
    return theta, s
