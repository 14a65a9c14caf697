"""RMSProp: the gradient divided by the root of an average of its squares."""

from derive.language import decay, nonnegative, rule, sqrt


@rule(paper="Tieleman & Hinton 2012, Lecture 6.5, Neural Networks for Machine Learning; epsilon as in PyTorch")
def rmsprop(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    """epsilon outside the root."""
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * g / (sqrt(v) + eps)
    return theta, v


@rule(paper="Ruder 2016, An overview of gradient descent optimization algorithms, section 4.5", arxiv="1609.04747")
def rmsprop_eps_inside(theta, g, v=0, *, lr=nonnegative(0.001), beta=decay(0.9), eps=nonnegative(1e-8)):
    """epsilon inside the root."""
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * g / sqrt(v + eps)
    return theta, v
